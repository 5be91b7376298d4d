/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * match.c - which filter a packet belongs to: by the native code that x86.c has made, or by
 * interpreting the same steps. Nothing here writes to the demultiplexer.
 */
#include "dpf_int.h"

/* The last byte is the highest of a word, and the lowest of anything else. */
static inline uint64_t load(const struct dpf_step *s, const uint8_t *p)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < s->size; i++)
		v |= (uint64_t)p[i] << 8u * (s->kind == DPF_WORD ? i : s->size - 1u - i);
	return v;
}

/* Whether an entry is one of v that demands these values, or ranges that hold them. */
static int fits(const struct dpf *d, const struct dpf_vec *v, const struct dpf_entry *e,
		const uint64_t *val)
{
	int fit = dpf_at(d, e->vec) == v;

	for (const struct dpf_step *s = v->step; fit && s < v->step + v->nstep; s++) {
		uint64_t have = val[s->arg], want = e->val[s->arg];

		if (s->kind == DPF_WORD)
			fit = have == want;
		else if (s->kind == DPF_RANGE)
			fit = have >= (uint32_t)want && have <= want >> 32;
	}
	return fit;
}

/*
 * The base is at most len, and each LEN covers the loads up to the next shift, so nothing is read
 * outside the packet, and `len - base` cannot wrap.
 */
static const struct dpf_entry *interpret(const struct dpf *d, const struct dpf_vec *v,
					 const uint8_t *pkt, size_t len)
{
	const dpf_ref *slots = dpf_at(d, d->t.slots);
	const struct dpf_entry *e;
	uint64_t val[DPF_VALS], hash = v->basis, shift;
	size_t base = 0;

	for (const struct dpf_step *s = v->step; s < v->step + v->nstep; s++) {
		const uint8_t *p = pkt + base + s->off;

		switch (s->kind) {
		case DPF_LEN:
			if (len - base < s->off)
				return NULL;
			break;
		case DPF_WORD:
			val[s->arg] = load(s, p) & s->mask;
			if (s->varies)
				hash += dpf_term(s, val[s->arg]);
			else if (val[s->arg] != s->value)
				return NULL;
			break;
		case DPF_RANGE: val[s->arg] = load(s, p); break;
		case DPF_SHIFT:
			/* What is compared next lies behind it: if not in the packet, all is over. */
			shift = load(s, p) & s->mask;
			if (shift > (len - base) >> s->arg)
				return NULL;
			base += shift << s->arg;
		}
	}
	e = dpf_entry(d, slots[(uint32_t)(hash >> 32) & d->t.mask]);
	while (e && !fits(d, v, e, val))
		e = dpf_entry(d, e->next[DPF_BY_VALUE]);
	return e;
}

uint32_t dpf_match_plain(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	const struct dpf_entry *best = NULL;
	uint32_t order = 0;

	/* Vectors as specific as the one that matched may have a filter that came earlier. */
	for (const struct dpf_vec *v = dpf_vec(d, d->vecs); v && v->order >= order;
	     v = dpf_vec(d, v->next)) {
		const struct dpf_entry *e = interpret(d, v, pkt, len);

		if (e && (!best || e->seq < best->seq)) {
			best = e;
			order = v->order;
		}
	}
	return best ? best->id : DPF_NONE;
}

/* Room for the values of a packet is the caller's: it is not made again for each of a burst. */
static inline uint32_t match(const struct dpf *d, const uint8_t *pkt, size_t len, uint64_t *val)
{
	const struct dpf_entry *e;

	if (!d->enter)
		return dpf_match_plain(d, pkt, len);
	e = dpf_at(d, ((dpf_code_fn *)(uintptr_t)d->enter)(d, pkt, len, val));
	return e->id;
}

uint32_t dpf_match(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	uint64_t val[DPF_VALS];

	return match(d, pkt, len, val);
}

#define AHEAD 4u /* packets whose first line is fetched before they are looked at */

void dpf_match_burst(const struct dpf *d, const uint8_t *const pkt[], const uint16_t len[],
		     uint32_t n, uint32_t out[])
{
	uint64_t val[DPF_VALS];
	uint32_t i = 0;

	for (; i < n && i < AHEAD; i++)
		__builtin_prefetch(pkt[i]);
	for (i = 0; i + AHEAD < n; i++) {
		__builtin_prefetch(pkt[i + AHEAD]);
		out[i] = match(d, pkt[i], len[i], val);
	}
	for (; i < n; i++)
		out[i] = match(d, pkt[i], len[i], val);
}
