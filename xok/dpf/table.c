/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c - the hash table of all filters (dpf_int.h says how it doubles).
 *
 * New entries go to the end of their chain, and splitting keeps the order, so filters of a vector
 * that differ in ranges only stand in the order of insertion. The table keeps its size until the last
 * filter goes: it is at most half of what the filters took that it grew for.
 */
#include "dpf_int.h"

#define SLOTS_MIN 32u
#define SPLITS 4u /* for each insertion; one would be enough to be done before the next doubling */

static uint32_t hash_id(uint32_t id)
{
	return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static uint32_t hash_of(const struct dpf *d, int by, const struct dpf_entry *e)
{
	return by == DPF_BY_ID ? hash_id(e->id) : dpf_vec_hash(dpf_at(d, e->vec), e->val);
}

static dpf_ref *slots(const struct dpf *d, int by)
{
	return (dpf_ref *)dpf_at(d, d->t.slots) + (size_t)by * (d->t.mask + 1);
}

/*
 * Divides the chain that slot i and its upper twin share. They share one when both lead to the same
 * entry: chains that were divided have no entry in common.
 */
static void split(struct dpf *d, int by, uint32_t i)
{
	uint32_t half = (d->t.mask + 1) / 2;
	dpf_ref *low = slots(d, by) + i, *high = low + half, r = *low;

	if (r != *high)
		return;
	for (struct dpf_entry *e; (e = dpf_entry(d, r)); r = e->next[by]) {
		dpf_ref **end = hash_of(d, by, e) & half ? &high : &low;

		**end = r;
		*end = &e->next[by];
	}
	*low = *high = 0;
}

static void split_some(struct dpf *d, uint32_t n)
{
	for (; n-- && d->t.split < (d->t.mask + 1) / 2; d->t.split++)
		for (int by = 0; by < DPF_LINKS; by++)
			split(d, by, d->t.split);
}

static dpf_ref *own_slot(struct dpf *d, int by, uint32_t hash)
{
	split(d, by, hash & d->t.mask / 2);
	return slots(d, by) + (hash & d->t.mask);
}

struct dpf_entry *dpf_chain(struct dpf *d, int by, uint32_t hash)
{
	return dpf_entry(d, *own_slot(d, by, hash));
}

struct dpf_entry *dpf_find_id(struct dpf *d, uint32_t id)
{
	struct dpf_entry *e = dpf_chain(d, DPF_BY_ID, hash_id(id));

	while (e && e->id != id)
		e = dpf_entry(d, e->next[DPF_BY_ID]);
	return e;
}

/* Where the chain that begins at r leads to the entry at `to`; 0: its end. */
static dpf_ref *link_to(const struct dpf *d, int by, dpf_ref *r, dpf_ref to)
{
	while (*r != to)
		r = &dpf_entry(d, *r)->next[by];
	return r;
}

static void add(struct dpf *d, int by, struct dpf_entry *e)
{
	e->next[by] = 0;
	*link_to(d, by, own_slot(d, by, hash_of(d, by, e)), 0) = dpf_ref_of(d, e);
}

void dpf_table_add(struct dpf *d, struct dpf_entry *e)
{
	for (int by = 0; by < DPF_LINKS; by++)
		add(d, by, e);
	d->t.n++;
	split_some(d, SPLITS);
}

void dpf_table_del(struct dpf *d, struct dpf_entry *e)
{
	for (int by = 0; by < DPF_LINKS; by++)
		*link_to(d, by, own_slot(d, by, hash_of(d, by, e)), dpf_ref_of(d, e)) = e->next[by];
	d->t.n--;
}

void dpf_table_rekey(struct dpf *d, struct dpf_vec *v)
{
	dpf_ref *slot = slots(d, DPF_BY_VALUE), all, *end = &all;

	split_some(d, UINT32_MAX);
	for (uint32_t i = 0; i <= d->t.mask; i++) {
		*end = slot[i];
		end = link_to(d, DPF_BY_VALUE, end, 0);
		slot[i] = 0;
	}
	dpf_vec_draw_keys(d, v);
	for (struct dpf_entry *e; (e = dpf_entry(d, all));) {
		all = e->next[DPF_BY_VALUE];
		add(d, DPF_BY_VALUE, e);
	}
}

void dpf_table_grow(struct dpf *d)
{
	uint32_t n = d->t.mask + 1;
	size_t bytes = n * sizeof(dpf_ref);
	dpf_ref r = d->t.n < n / 2 ? 0 : dpf_alloc(&d->heap, 2 * DPF_LINKS * bytes);

	if (!r)
		return;
	split_some(d, UINT32_MAX);
	for (uint32_t i = 0; i < 2 * DPF_LINKS; i++)
		memcpy((uint8_t *)dpf_at(d, r) + i * bytes, slots(d, (int)i / 2), bytes);
	dpf_free(&d->heap, d->t.slots);
	d->t.slots = r;
	d->t.mask = 2 * n - 1;
	d->t.split = 0;
}

void dpf_table_reset(struct dpf *d)
{
	if (d->t.slots)
		dpf_free(&d->heap, d->t.slots);
	d->t = (struct dpf_table){.mask = SLOTS_MIN - 1, .split = SLOTS_MIN / 2};
	d->t.slots = dpf_alloc(&d->heap, DPF_LINKS * SLOTS_MIN * sizeof(dpf_ref));
	memset(slots(d, 0), 0, DPF_LINKS * SLOTS_MIN * sizeof(dpf_ref));
}
