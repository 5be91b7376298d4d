/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c - the hash table of entries (dpf_int.h says how it doubles).
 *
 * New entries go to the end of their chain, and splitting keeps the order, so filters of a vector
 * that differ in ranges only stand in the order of insertion.
 */
#include "dpf_int.h"

#define SLOTS_MIN 4u
#define SPLITS 4u /* for each insertion; one would be enough to be done before the next doubling */

uint32_t dpf_hash_id(uint32_t id)
{
	return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static uint32_t hash_of(const struct dpf *d, int by, const struct dpf_entry *e)
{
	return by == DPF_BY_ID ? dpf_hash_id(e->id) : dpf_vec_hash(dpf_at(d, e->vec), e->val);
}

static struct dpf_slot *slots(const struct dpf *d, const struct dpf_table *t)
{
	return dpf_at(d, t->slots);
}

static void note_second(const struct dpf *d, int by, struct dpf_slot *s)
{
	s->second = s->first ? dpf_entry(d, s->first)->next[by] : 0;
}

/* The end of the chain that begins at *l. */
static dpf_link *end_of(const struct dpf *d, int by, dpf_link *l)
{
	while (*l)
		l = &dpf_entry(d, *l)->next[by];
	return l;
}

int dpf_table_init(struct dpf *d, struct dpf_table *t)
{
	*t = (struct dpf_table){.mask = SLOTS_MIN - 1, .split = SLOTS_MIN / 2};
	t->slots = dpf_alloc(&d->heap, SLOTS_MIN * sizeof(struct dpf_slot));
	if (!t->slots)
		return DPF_ENOMEM;
	memset(slots(d, t), 0, SLOTS_MIN * sizeof(struct dpf_slot));
	return 0;
}

void dpf_table_free(struct dpf *d, struct dpf_table *t)
{
	if (t->slots)
		dpf_free(&d->heap, t->slots);
	t->slots = 0;
}

/*
 * Divides the chain that slot i and its upper twin share. They share one when both lead to the same
 * entry: chains that were divided have no entry in common.
 */
static void split(struct dpf *d, struct dpf_table *t, int by, uint32_t i)
{
	uint32_t half = (t->mask + 1) / 2;
	struct dpf_slot *low = slots(d, t) + i, *high = low + half;
	dpf_link l = low->first, *low_end = &low->first, *high_end = &high->first;

	if (!l || l != high->first)
		return;
	while (l) {
		struct dpf_entry *e = dpf_entry(d, l);
		dpf_link **end = hash_of(d, by, e) & half ? &high_end : &low_end;

		**end = l;
		*end = &e->next[by];
		l = e->next[by];
	}
	*low_end = *high_end = 0;
	note_second(d, by, low);
	note_second(d, by, high);
}

static void split_some(struct dpf *d, struct dpf_table *t, int by, uint32_t n)
{
	for (; n-- && t->split < (t->mask + 1) / 2; t->split++)
		split(d, t, by, t->split);
}

static struct dpf_slot *own_slot(struct dpf *d, struct dpf_table *t, int by, uint32_t hash)
{
	split(d, t, by, hash & t->mask / 2);
	return slots(d, t) + (hash & t->mask);
}

dpf_link dpf_chain(struct dpf *d, struct dpf_table *t, int by, uint32_t hash)
{
	return own_slot(d, t, by, hash)->first;
}

void dpf_table_add(struct dpf *d, struct dpf_table *t, int by, struct dpf_entry *e)
{
	uint32_t hash = hash_of(d, by, e);
	struct dpf_slot *s = own_slot(d, t, by, hash);

	e->next[by] = 0;
	*end_of(d, by, &s->first) = dpf_ref_of(d, e) | (hash & ~DPF_PLACE);
	note_second(d, by, s);
	t->n++;
	split_some(d, t, by, SPLITS);
}

void dpf_table_grow(struct dpf *d, struct dpf_table *t, int by)
{
	size_t bytes = (t->mask + 1) * sizeof(struct dpf_slot);
	dpf_ref r = dpf_alloc(&d->heap, 2 * bytes);

	if (!r)
		return;
	split_some(d, t, by, UINT32_MAX);
	memcpy(dpf_at(d, r), slots(d, t), bytes);
	memcpy((uint8_t *)dpf_at(d, r) + bytes, slots(d, t), bytes);
	dpf_free(&d->heap, t->slots);
	t->slots = r;
	t->mask = 2 * t->mask + 1;
	t->split = 0;
}

/* Halves the table in its place. */
static void shrink(struct dpf *d, struct dpf_table *t, int by)
{
	uint32_t half = (t->mask + 1) / 2;
	struct dpf_slot *s = slots(d, t);

	split_some(d, t, by, UINT32_MAX);
	for (uint32_t i = 0; i < half; i++) {
		*end_of(d, by, &s[i].first) = s[half + i].first;
		note_second(d, by, &s[i]);
	}
	dpf_trim(&d->heap, t->slots, half * sizeof(*s));
	t->mask /= 2;
	t->split = half / 2;
}

void dpf_table_del(struct dpf *d, struct dpf_table *t, int by, struct dpf_entry *e)
{
	struct dpf_slot *s = own_slot(d, t, by, hash_of(d, by, e));
	dpf_link *l = &s->first;

	while (dpf_entry(d, *l) != e)
		l = &dpf_entry(d, *l)->next[by];
	*l = e->next[by];
	note_second(d, by, s);
	t->n--;
	if (t->mask + 1 > SLOTS_MIN && t->n < (t->mask + 1) / 8)
		shrink(d, t, by);
}

dpf_link dpf_table_drain(struct dpf *d, struct dpf_table *t, int by)
{
	dpf_link all = 0, *end = &all;

	split_some(d, t, by, UINT32_MAX);
	for (uint32_t i = 0; i <= t->mask; i++) {
		struct dpf_slot *s = slots(d, t) + i;

		*end = s->first;
		end = end_of(d, by, end);
		s->first = s->second = 0;
	}
	t->n = 0;
	return all;
}
