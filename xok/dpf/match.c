/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * match.c - matching, interpreted. x86.c generates what this does; both read the same structures.
 */
#include "dpf_int.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LE64(v) (v)
#else
#define LE64(v) __builtin_bswap64(v)
#endif

static inline uint64_t load_le(const uint8_t *p, uint32_t size)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++)
		v |= (uint64_t)p[i] << 8u * i;
	return v;
}

static inline uint64_t load_be(const uint8_t *p, uint32_t size)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

static int in_ranges(const struct dpf_entry *e, const uint64_t *val, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		if (val[i] < (uint32_t)e->val[i] || val[i] > e->val[i] >> 32)
			return 0;
	return 1;
}

/* The first entry of the chain whose words are those of val, and whose ranges hold them. */
static const struct dpf_entry *find(const struct dpf *d, const struct dpf_vec *v, uint64_t hash,
				    const uint64_t *val)
{
	const struct dpf_slot *slots = dpf_at(d, v->t.slots);

	for (dpf_link l = slots[(uint32_t)(hash >> 32) & v->t.mask].first; l;) {
		const struct dpf_entry *e = dpf_entry(d, l);
		uint32_t n = v->nword;

		if (!memcmp(e->val, val, n * sizeof(*val)) && in_ranges(e, val, n, n + v->nrange))
			return e;
		l = e->next[DPF_BY_VALUE];
	}
	return NULL;
}

/*
 * The base is at most len, and each LEN covers the loads up to the next shift, so nothing is read
 * outside the packet, and `len - base` cannot wrap.
 */
static const struct dpf_entry *try(const struct dpf *d, const struct dpf_vec *v, const uint8_t *pkt,
				   size_t len)
{
	uint64_t val[DPF_VALS] = {0}, hash = v->basis, s;
	uint32_t word = 0, range = v->nword;
	size_t base = 0;

	for (uint32_t i = 0; i < v->nop; i++) {
		const struct dpf_op *op = &dpf_ops(v)[i];
		const uint8_t *p = pkt + base + op->off;

		switch (op->kind) {
		case DPF_OP_LEN:
			if (len - base < op->off)
				return NULL;
			break;
		case DPF_OP_WORD:
			val[word] = load_le(p, op->size) & op->mask;
			if (v->varying >> word & 1)
				hash += dpf_term(v, word, val[word]);
			else if (val[word] != dpf_fixed(v)[word])
				return NULL;
			word++;
			break;
		case DPF_OP_RANGE: val[range++] = load_be(p, op->size); break;
		case DPF_OP_SHIFT:
			/* What is compared next lies behind it: if not in the packet, all is over. */
			s = load_be(p, op->size) & op->mask;
			if (s > (len - base) >> op->shl)
				return NULL;
			base += s << op->shl;
		}
	}
	return find(d, v, hash, val);
}

static uint32_t lane_of(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	uint32_t i = d->nlane;

	if (i && len >= d->select + 2)
		i = dpf_lane_of(d, load_le(pkt + d->select, 2));
	return i < d->nlane ? i : DPF_LANE_OTHER;
}

uint32_t dpf_match_plain(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	uint32_t lane = lane_of(d, pkt, len);
	const struct dpf_entry *best = NULL;
	dpf_ref r = d->go[lane];

	while (r != DPF_END) {
		const struct dpf_vec *v = dpf_at(d, r);
		const struct dpf_entry *e = try(d, v, pkt, len);

		if (e && (!best || e->seq < best->seq))
			best = e;
		r = best ? v->go_found[lane] : v->go[lane];
	}
	return best ? best->id : DPF_NONE;
}
