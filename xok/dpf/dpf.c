/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.c - the two halves of the arena, and the loop that runs the program in force.
 *
 * A half holds everything: the canonical filters and the program compiled from them. A change
 * copies the filters to the idle half, with one more or one less, compiles there, and only then
 * moves the pointer.
 */
#include "dpf_int.h"

struct dpf {
	struct dpf_half *half[2];
	uint32_t active, pad;
	uint64_t inserted; /* filters ever, for the order of insertion */
};

#define BITS_MAX (XOK_FILTER_ATOMS * 64u)

_Static_assert(sizeof(struct dpf) % 16 == 0, "halves follow it");
_Static_assert(BITS_MAX < 0xffffu, "a rank has 16 bits for the specificity");

/* ---- copying filters ---- */

static void put_rec(struct dpf_half *to, const struct dpf_rec *r, const struct dpf_step *steps)
{
	struct dpf_rec *n = (struct dpf_rec *)((uint8_t *)(to + 1) + to->rec_bytes);

	n->id = r->id;
	n->nsteps = r->nsteps;
	n->rank = r->rank;
	for (uint32_t i = 0; i < r->nsteps; i++)
		n->step[i] = steps[i];
	to->rec_bytes += dpf_rec_size(r->nsteps);
	to->nrec++;
}

/* The idle half, emptied, when `bytes` of records fit into it. */
static struct dpf_half *idle_half(struct dpf *d, size_t bytes)
{
	struct dpf_half *h = d->half[!d->active];

	if (bytes > h->total - sizeof(*h))
		return NULL;
	h->nrec = 0;
	h->rec_bytes = 0;
	return h;
}

static int switch_over(struct dpf *d)
{
	if (dpf_compile(d->half[!d->active]) < 0)
		return DPF_ENOMEM;
	__atomic_store_n(&d->active, !d->active, __ATOMIC_RELEASE);
	return 0;
}

/* ---- the interface ---- */

struct dpf *dpf_init(void *arena, size_t bytes)
{
	struct dpf *d = arena;
	size_t half;

	if (bytes < DPF_ARENA_MIN || (uintptr_t)arena & 15u)
		return NULL;
	half = (bytes - sizeof(*d)) / 2 & ~(size_t)15;
	*d = (struct dpf){0};
	for (uint32_t i = 0; i < 2; i++) {
		d->half[i] = (struct dpf_half *)((uint8_t *)(d + 1) + i * half);
		*d->half[i] = (struct dpf_half){.total = half};
	}
	/* An empty program always fits. */
	return switch_over(d) < 0 ? NULL : d;
}

int dpf_insert(struct dpf *d, const struct xok_filter *f, uint32_t id, uint32_t *equal)
{
	const struct dpf_half *from = d->half[d->active];
	const struct dpf_rec *r = dpf_first_rec(from);
	struct dpf_half *to;
	struct dpf_canon c;
	struct dpf_rec new;
	uint32_t before = 0;

	if (id == DPF_NONE || dpf_canon(f, &c) < 0)
		return DPF_EINVAL;
	for (uint32_t i = 0; i < from->nrec; i++, r = dpf_next_rec(r)) {
		int order = dpf_steps_cmp(r->step, r->nsteps, c.step, c.nsteps);

		if (order == 0) {
			if (equal)
				*equal = r->id;
			return DPF_EEXIST;
		}
		if (r->id == id)
			return DPF_EINVAL;
		if (order < 0)
			before = i + 1;
	}
	to = idle_half(d, from->rec_bytes + dpf_rec_size(c.nsteps));
	if (!to)
		return DPF_ENOMEM;
	new = (struct dpf_rec){.id = id,
			       .nsteps = c.nsteps,
			       .rank = (uint64_t)(BITS_MAX - c.bits) << 48 | d->inserted};
	r = dpf_first_rec(from);
	for (uint32_t i = 0; i < from->nrec; i++, r = dpf_next_rec(r)) {
		if (i == before)
			put_rec(to, &new, c.step);
		put_rec(to, r, r->step);
	}
	if (before == from->nrec)
		put_rec(to, &new, c.step);
	if (switch_over(d) < 0)
		return DPF_ENOMEM;
	d->inserted++;
	return 0;
}

int dpf_remove(struct dpf *d, uint32_t id)
{
	const struct dpf_half *from = d->half[d->active];
	const struct dpf_rec *r = dpf_first_rec(from);
	struct dpf_half *to = idle_half(d, from->rec_bytes);

	for (uint32_t i = 0; i < from->nrec; i++, r = dpf_next_rec(r))
		if (r->id != id)
			put_rec(to, r, r->step);
	if (to->nrec == from->nrec)
		return DPF_ENOENT;
	return switch_over(d);
}

void dpf_stats(const struct dpf *d, struct dpf_stats *s)
{
	const struct dpf_half *h = d->half[d->active];

	*s = (struct dpf_stats){.filters = h->nrec,
				.nodes = h->nnode,
				.hash_nodes = h->nhash,
				.bytes_used = sizeof(*d) + 2 * h->used,
				.bytes_total = sizeof(*d) + 2 * h->total};
}

/* ---- matching ---- */

/* n bytes at p, big-endian, of which `left` can be read. */
static inline uint64_t load(const uint8_t *p, size_t left, uint32_t n)
{
	uint64_t v = 0;

	if (left >= 8) {
		__builtin_memcpy(&v, p, 8);
		return __builtin_bswap64(v) >> (64u - 8u * n);
	}
	for (uint32_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* The child for a value, or DPF_END. */
static inline uint32_t lookup(const struct dpf_half *h, const struct dpf_ins *in, uint64_t value)
{
	const struct dpf_slot *slot = h->slot + in->slot;
	uint32_t mask = (uint32_t)(UINT64_MAX >> in->nchild);
	uint32_t at = dpf_hash(value, in->value, in->nchild);

	while (slot[at].node != DPF_END && slot[at].value != value)
		at = (at + 1) & mask;
	return slot[at].node;
}

/*
 * base + (v << shl), or the packet's end when that lies beyond it: no load can succeed at either.
 */
static inline size_t shift(size_t base, size_t len, uint64_t v, uint32_t shl)
{
	return v > (len - base) >> shl ? len : base + ((size_t)v << shl);
}

/*
 * Runs one instruction: the node it leads to, or DPF_END. Each base is at most len, so `len - base`
 * cannot wrap, and what is left is compared with the offset before it is used.
 */
static inline uint32_t step(const struct dpf_half *h, const struct dpf_ins *in, const uint8_t *pkt,
			    size_t len, size_t *base)
{
	size_t at = base[in->depth], left = len - at;
	uint64_t v;

	if (in->op == DPF_OP_LEN)
		return left >= in->value ? in->node : DPF_END;
	if (left < in->off || left - in->off < in->n)
		return DPF_END;
	v = load(pkt + at + in->off, left - in->off, in->n) & in->mask;
	if (in->op == DPF_OP_HASH)
		return lookup(h, in, v);
	if (in->op == DPF_OP_EQ)
		return v == in->value ? in->node : DPF_END;
	base[in->depth + 1] = shift(at, len, v, in->shl);
	return in->node;
}

/*
 * Visits the trie depth first, the most promising field first, and leaves out what cannot beat the
 * best match so far. It ends: every jump is either down, or to a field that comes later in the
 * order of that visit.
 */
uint32_t dpf_match(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	const struct dpf_half *h = d->half[__atomic_load_n(&d->active, __ATOMIC_ACQUIRE)];
	uint64_t best = h->node[0].rank;
	uint32_t id = h->node[0].id, pc = h->node[0].first;
	size_t base[DPF_SHIFTS_MAX + 1];

	base[0] = 0;
	while (pc != DPF_END) {
		const struct dpf_ins *in = &h->ins[pc];
		const struct dpf_node *n;
		uint32_t to = DPF_END;

		if (in->min_rank < best)
			to = step(h, in, pkt, len, base);
		if (to == DPF_END) {
			pc = in->next;
			continue;
		}
		n = &h->node[to];
		if (n->rank < best) {
			best = n->rank;
			id = n->id;
		}
		pc = n->first;
	}
	return id;
}
