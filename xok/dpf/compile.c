/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile.c - from the sorted records of a half to its program.
 *
 * Since records are sorted by their steps, a trie of them needs no searching: a record shares with
 * its predecessor exactly the nodes of their common prefix, and everything behind that is new.
 * Three passes: count what will be needed and allocate it; build nodes and instructions, in
 * preorder; link them, fill the hash tables.
 */
#include "dpf_int.h"

static void *take(struct dpf_half *h, size_t bytes)
{
	void *p = (uint8_t *)h + h->used;

	bytes = (bytes + 7u) & ~(size_t)7;
	if (bytes > h->total - h->used)
		return NULL;
	h->used += bytes;
	return p;
}

/* How many leading steps two records have in common. */
static uint32_t common(const struct dpf_rec *a, const struct dpf_rec *b)
{
	uint32_t i = 0;

	while (i < a->nsteps && i < b->nsteps && !dpf_key_cmp(&a->step[i], &b->step[i]) &&
	       a->step[i].value == b->step[i].value)
		i++;
	return i;
}

/* Whether the step behind the common prefix is another value of the same field. */
static int same_field(const struct dpf_rec *a, const struct dpf_rec *b, uint32_t i)
{
	return i < a->nsteps && i < b->nsteps && !dpf_key_cmp(&a->step[i], &b->step[i]);
}

static int allocate(struct dpf_half *h)
{
	const struct dpf_rec *prev = NULL, *r = dpf_first_rec(h);
	uint32_t nnode = 1, nins = 0;

	for (uint32_t i = 0; i < h->nrec; i++) {
		uint32_t shared = prev ? common(prev, r) : 0;

		nnode += r->nsteps - shared;
		nins += r->nsteps - shared;
		if (prev && same_field(prev, r, shared))
			nins--;
		prev = r;
		r = dpf_next_rec(r);
	}
	h->node = take(h, nnode * sizeof(*h->node));
	h->ins = take(h, nins * sizeof(*h->ins));
	return h->node && h->ins ? 0 : DPF_ENOMEM;
}

static uint32_t new_node(struct dpf_half *h, uint64_t value)
{
	h->node[h->nnode] = (struct dpf_node){.rank = DPF_NO_RANK,
					      .value = value,
					      .id = DPF_NONE,
					      .first = DPF_END,
					      .sibling = DPF_END,
					      .last = DPF_END};
	return h->nnode++;
}

static uint32_t new_ins(struct dpf_half *h, struct dpf_node *at, const struct dpf_step *s,
			uint8_t depth)
{
	static const uint8_t op[] = {
		[DPF_STEP_TEST] = DPF_OP_EQ,
		[DPF_STEP_LEN] = DPF_OP_LEN,
		[DPF_STEP_SHIFT] = DPF_OP_SHIFT,
	};

	h->ins[h->nins] = (struct dpf_ins){.op = op[s->kind],
					   .n = s->n,
					   .shl = s->shl,
					   .depth = depth,
					   .off = s->off,
					   .mask = s->mask,
					   .value = s->value,
					   .min_rank = DPF_NO_RANK,
					   .next = DPF_END,
					   .node = DPF_END};
	if (at->last == DPF_END)
		at->first = h->nins;
	else
		h->ins[at->last].next = h->nins;
	at->last = h->nins;
	return h->nins++;
}

/* The nodes and instructions on the way to the record that was added last. */
struct path {
	uint32_t node[DPF_STEPS_MAX + 1], ins[DPF_STEPS_MAX];
};

static void add_rec(struct dpf_half *h, struct path *p, const struct dpf_rec *r, uint32_t shared,
		    int same)
{
	uint8_t depth = 0;

	for (uint32_t i = 0; i < r->nsteps; i++) {
		if (i >= shared) {
			struct dpf_ins *in;

			if (i > shared || !same)
				p->ins[i] = new_ins(h, &h->node[p->node[i]], &r->step[i], depth);
			p->node[i + 1] = new_node(h, r->step[i].value);
			in = &h->ins[p->ins[i]];
			h->node[p->node[i + 1]].sibling = in->node;
			in->node = p->node[i + 1];
			in->nchild++;
		}
		if (r->rank < h->ins[p->ins[i]].min_rank)
			h->ins[p->ins[i]].min_rank = r->rank;
		if (r->step[i].kind == DPF_STEP_SHIFT)
			depth++;
	}
	h->node[p->node[r->nsteps]].rank = r->rank;
	h->node[p->node[r->nsteps]].id = r->id;
}

static void build(struct dpf_half *h)
{
	const struct dpf_rec *prev = NULL, *r = dpf_first_rec(h);
	struct path p = {{0}, {0}};

	p.node[0] = new_node(h, 0);
	for (uint32_t i = 0; i < h->nrec; i++) {
		uint32_t shared = prev ? common(prev, r) : 0;

		add_rec(h, &p, r, shared, prev && same_field(prev, r, shared));
		prev = r;
		r = dpf_next_rec(r);
	}
}

/*
 * Sorts the fields of a node by the best that can be found below, so that a good match prunes the
 * rest.
 */
static uint32_t sort_fields(struct dpf_half *h, uint32_t list)
{
	uint32_t sorted = DPF_END;

	while (list != DPF_END) {
		struct dpf_ins *in = &h->ins[list];
		uint32_t *at = &sorted, rest = in->next;

		while (*at != DPF_END && h->ins[*at].min_rank < in->min_rank)
			at = &h->ins[*at].next;
		in->next = *at;
		*at = list;
		list = rest;
	}
	return sorted;
}

/* ---- hash tables ---- */

/* Odd constants with well-mixed bits (fractions of the square roots of the first primes). */
static const uint64_t multiplier[] = {
	0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
#define NMULTIPLIER (sizeof(multiplier) / sizeof(multiplier[0]))
#define PROBES_GOOD 6u

/* Fills the table; the longest probe sequence that any child needs. */
static uint32_t fill(struct dpf_half *h, const struct dpf_ins *in, struct dpf_slot *slot,
		     uint64_t mult, uint32_t bits)
{
	uint32_t mask = (1u << bits) - 1u, longest = 0;

	for (uint32_t i = 0; i <= mask; i++)
		slot[i] = (struct dpf_slot){.node = DPF_END};
	for (uint32_t n = in->node; n != DPF_END; n = h->node[n].sibling) {
		uint32_t at = dpf_hash(h->node[n].value, mult, 64 - bits), probes = 1;

		for (; slot[at].node != DPF_END; at = (at + 1) & mask)
			probes++;
		slot[at] = (struct dpf_slot){.value = h->node[n].value, .node = n};
		if (probes > longest)
			longest = probes;
	}
	return longest;
}

/*
 * Values come from clients, who may choose them to collide. So several hash functions are tried and
 * the one with the shortest worst case is kept; at most half of the slots are used, and one that is
 * empty always ends a search.
 */
static int make_hash(struct dpf_half *h, struct dpf_ins *in)
{
	uint32_t bits = 1, best = 0, best_probes = UINT32_MAX;
	struct dpf_slot *slot;

	while ((1u << bits) < 2 * in->nchild)
		bits++;
	slot = take(h, sizeof(*slot) << bits);
	if (!slot)
		return DPF_ENOMEM;
	if (!h->slot)
		h->slot = slot;
	for (uint32_t i = 0; i < NMULTIPLIER && best_probes > PROBES_GOOD; i++) {
		uint32_t probes = fill(h, in, slot, multiplier[i], bits);

		if (probes < best_probes) {
			best_probes = probes;
			best = i;
		}
	}
	fill(h, in, slot, multiplier[best], bits);
	in->op = DPF_OP_HASH;
	in->value = multiplier[best];
	in->nchild = 64 - bits;
	in->slot = h->nslot;
	h->nslot += 1u << bits;
	h->nhash++;
	return 0;
}

/*
 * Gives every node where matching goes on after it. `last` of a node that was built is where
 * matching goes on once everything below it is done. Nodes stand in preorder, so a parent is linked
 * before its children.
 */
static int link_up(struct dpf_half *h)
{
	h->node[0].last = DPF_END;
	for (uint32_t i = 0; i < h->nnode; i++) {
		struct dpf_node *n = &h->node[i];
		uint32_t fields = sort_fields(h, n->first), at = fields;

		n->first = fields == DPF_END ? n->last : fields;
		while (at != DPF_END) {
			struct dpf_ins *in = &h->ins[at];
			uint32_t next = in->next;

			if (next == DPF_END)
				in->next = n->last;
			for (uint32_t c = in->node; c != DPF_END; c = h->node[c].sibling)
				h->node[c].last = in->next;
			if (in->nchild > 1 && make_hash(h, in) < 0)
				return DPF_ENOMEM;
			at = next;
		}
	}
	return 0;
}

int dpf_compile(struct dpf_half *h)
{
	h->nnode = h->nins = h->nhash = h->nslot = 0;
	h->slot = NULL;
	h->used = sizeof(*h) + h->rec_bytes;
	if (allocate(h) < 0)
		return DPF_ENOMEM;
	build(h);
	return link_up(h);
}
