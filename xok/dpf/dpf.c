/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.c - the interface: filters in and out, and the way into the native code.
 */
#include "dpf_int.h"

#define ARENA_MAX ((size_t)1 << 30)
#define CHAIN_MAX 8u /* entries of one slot that differ in values */
#define REKEYS 8u
#define LINE 64u

struct dpf *dpf_init(void *arena, size_t bytes)
{
	struct dpf *d = arena;
	size_t first;

	if (bytes < DPF_ARENA_MIN || (uintptr_t)arena & 15u)
		return NULL;
	bytes = bytes < ARENA_MAX ? bytes : ARENA_MAX;
	*d = (struct dpf){.seed = 0x6a09e667f3bcc909};
	first = (((uintptr_t)arena + sizeof(*d) + LINE - 1) & ~(uintptr_t)(LINE - 1)) -
		(uintptr_t)arena;
	dpf_heap_init(&d->heap, arena, (uint32_t)(first / DPF_UNIT), (uint32_t)(bytes / DPF_UNIT));
	dpf_relink(d);
	return d;
}

void dpf_seed(struct dpf *d, uint64_t seed)
{
	d->seed = seed;
}

void dpf_code(struct dpf *d, uint8_t *w, const uint8_t *x, size_t bytes)
{
	bytes = bytes < ARENA_MAX ? bytes : ARENA_MAX;
	for (struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next)) {
		v->code_ref = v->compiled = 0;
		v->code = 0;
	}
	d->enter_ref = d->end_ref = 0;
	d->enter = 0;
	d->x = x;
	d->code.total = 0;
	if (bytes >= 256)
		dpf_heap_init(&d->code, w, 0, (uint32_t)(bytes / DPF_UNIT));
	dpf_relink(d);
}

/* ---- insertion ---- */

static struct dpf_entry *find_id(struct dpf *d, uint32_t id)
{
	if (!d->ids.slots)
		return NULL;
	for (dpf_link l = dpf_chain(d, &d->ids, DPF_BY_ID, dpf_hash_id(id)); l;) {
		struct dpf_entry *e = dpf_entry(d, l);

		if (e->id == id)
			return e;
		l = e->next[DPF_BY_ID];
	}
	return NULL;
}

/* Who shares the slot of a filter that comes in. */
struct company {
	struct dpf_entry *equal;
	uint32_t alike; /* differ in ranges only */
	uint32_t others;
};

static struct company company_of(struct dpf *d, struct dpf_vec *v, const uint64_t *val)
{
	struct company c = {0};
	dpf_link l = dpf_chain(d, &v->t, DPF_BY_VALUE, dpf_vec_hash(v, val));

	while (l) {
		struct dpf_entry *e = dpf_entry(d, l);

		if (memcmp(e->val, val, v->nword * sizeof(*val)))
			c.others++;
		else if (memcmp(e->val + v->nword, val + v->nword, v->nrange * sizeof(*val)))
			c.alike++;
		else
			c.equal = e;
		l = e->next[DPF_BY_VALUE];
	}
	return c;
}

/*
 * Makes room in the table of a vector. Growing is for speed, so it may fail; but a chain that stays
 * too long is refused, since it would be the same for all other filters in it: somebody knows the
 * keys, or there is no memory to grow.
 */
static int make_room(struct dpf *d, struct dpf_vec *v, const uint64_t *val)
{
	struct company c;

	if (v->t.n > v->t.mask)
		dpf_table_grow(d, &v->t, DPF_BY_VALUE);
	for (uint32_t i = 0; i < REKEYS; i++) {
		c = company_of(d, v, val);
		if (c.alike >= DPF_ALIKE)
			return DPF_ENOMEM;
		if (c.others < CHAIN_MAX)
			return 0;
		dpf_vec_rekey(d, v);
	}
	return DPF_ENOMEM;
}

static int ids_room(struct dpf *d)
{
	if (!d->ids.slots)
		return dpf_table_init(d, &d->ids);
	if (d->ids.n > 2 * d->ids.mask)
		dpf_table_grow(d, &d->ids, DPF_BY_ID);
	return 0;
}

static void put(struct dpf *d, struct dpf_vec *v, struct dpf_entry *e, const struct dpf_canon *c,
		uint32_t id, int made)
{
	int changed;

	e->id = id;
	e->vec = dpf_ref_of(d, v);
	e->seq = d->seq++;
	memcpy(e->val, c->val, (c->nword + c->nrange) * sizeof(c->val[0]));
	changed = dpf_vec_vary(v, c->val);
	dpf_table_add(d, &d->ids, DPF_BY_ID, e);
	dpf_table_add(d, &v->t, DPF_BY_VALUE, e);
	if (made)
		dpf_vec_enter(d, v);
	if (made || changed)
		dpf_relink(d);
}

int dpf_insert(struct dpf *d, const struct xok_filter *f, uint32_t id, uint32_t *equal)
{
	struct company company;
	struct dpf_canon c;
	struct dpf_vec *v;
	dpf_ref e;
	int made;

	if (id == DPF_NONE || dpf_canon(f, &c) < 0 || find_id(d, id))
		return DPF_EINVAL;
	v = dpf_vec_find(d, &c);
	if (v && (company = company_of(d, v, c.val)).equal) {
		if (equal)
			*equal = company.equal->id;
		return DPF_EEXIST;
	}
	e = dpf_alloc(&d->heap, sizeof(struct dpf_entry) + (c.nword + c.nrange) * sizeof(c.val[0]));
	if (!e)
		return DPF_ENOMEM;
	made = !v;
	if (made)
		v = dpf_vec_new(d, &c);
	else if (make_room(d, v, c.val) < 0)
		v = NULL;
	if (!v || ids_room(d) < 0) {
		if (v && made)
			dpf_vec_free(d, v);
		dpf_free(&d->heap, e);
		return DPF_ENOMEM;
	}
	put(d, v, dpf_at(d, e), &c, id, made);
	return 0;
}

int dpf_remove(struct dpf *d, uint32_t id)
{
	struct dpf_entry *e = find_id(d, id);
	struct dpf_vec *v;

	if (!e)
		return DPF_ENOENT;
	v = dpf_at(d, e->vec);
	dpf_table_del(d, &v->t, DPF_BY_VALUE, e);
	dpf_table_del(d, &d->ids, DPF_BY_ID, e);
	dpf_free(&d->heap, dpf_ref_of(d, e));
	if (!d->ids.n)
		dpf_table_free(d, &d->ids);
	if (!v->t.n) {
		dpf_vec_leave(d, v);
		dpf_vec_free(d, v);
		dpf_relink(d);
	}
	return 0;
}

/* ---- matching ---- */

uint32_t dpf_match(const struct dpf *d, const uint8_t *pkt, size_t len)
{
	uint64_t frame[DPF_FRAME];

	if (d->enter)
		return ((dpf_enter *)(uintptr_t)d->enter)(d, pkt, len, frame);
	return dpf_match_plain(d, pkt, len);
}

#define AHEAD 4u /* packets whose first line is fetched before they are looked at */

void dpf_match_burst(const struct dpf *d, const uint8_t *const pkt[], const uint16_t len[],
		     uint32_t n, uint32_t out[])
{
	dpf_enter *enter = (dpf_enter *)(uintptr_t)d->enter;
	uint64_t frame[DPF_FRAME];
	uint32_t i = 0;

	for (; i < n && i < AHEAD; i++)
		__builtin_prefetch(pkt[i]);
	for (i = 0; enter && i + AHEAD < n; i++) {
		__builtin_prefetch(pkt[i + AHEAD]);
		out[i] = enter(d, pkt[i], len[i], frame);
	}
	for (; i < n; i++)
		out[i] = dpf_match(d, pkt[i], len[i]);
}

/* ---- statistics ---- */

void dpf_stats(const struct dpf *d, struct dpf_stats *s)
{
	*s = (struct dpf_stats){.filters = d->ids.n,
				.nodes = d->nvec,
				.interpreted = d->nplain,
				.bytes_used = sizeof(*d) + (size_t)d->heap.used * DPF_UNIT,
				.bytes_total = sizeof(*d) + (size_t)d->heap.total * DPF_UNIT,
				.code_used = (size_t)d->code.used * DPF_UNIT,
				.code_total = (size_t)d->code.total * DPF_UNIT};
	for (const struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next))
		s->hash_nodes += v->varying != 0;
}
