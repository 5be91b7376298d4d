/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.c - filters come in and go.
 */
#include "dpf_int.h"

#define ARENA_MAX ((size_t)1 << 30)
#define CHAIN_MAX 8u /* others in the slot of a filter that comes in */
#define REKEYS 8u

struct dpf *dpf_init(void *arena, size_t bytes)
{
	struct dpf *d = arena;

	if (bytes < DPF_ARENA_MIN || (uintptr_t)arena & 15u)
		return NULL;
	*d = (struct dpf){.seed = 0x6a09e667f3bcc909, .none = DPF_NONE};
	dpf_heap_init(&d->heap, arena, sizeof(*d), bytes < ARENA_MAX ? bytes : ARENA_MAX);
	dpf_table_reset(d);
	return d;
}

void dpf_seed(struct dpf *d, uint64_t seed)
{
	d->seed = seed;
}

/* To be called when vectors have come, gone or changed: compiles what that concerns, and links. */
static void relink(struct dpf *d)
{
	enum dpf_tie tie = DPF_ALONE;
	int native = d->vecs != 0;

	for (struct dpf_vec *v = dpf_vec(d, d->vecs), *next; v; v = next) {
		next = dpf_vec(d, v->next);
		if (next && next->order == v->order)
			tie = DPF_TIED;
		else
			tie = tie == DPF_TIED ? DPF_TIED_LAST : DPF_ALONE;
		if (v->tie != tie)
			dpf_uncompile(d, v);
		v->tie = (uint8_t)tie;
		if (!v->code)
			dpf_compile(d, v);
		native &= v->code != 0;
	}
	for (struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next))
		v->go = v->next ? dpf_vec(d, v->next)->code + DPF_CODE_VEC : v->code;
	d->enter = native ? dpf_vec(d, d->vecs)->code + DPF_CODE_ENTER : 0;
}

void dpf_code(struct dpf *d, uint8_t *w, const uint8_t *x, size_t bytes)
{
	for (struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next))
		v->code = 0;
	d->x = x;
	d->code = (struct dpf_heap){0};
	if (bytes >= DPF_LINE)
		dpf_heap_init(&d->code, w, 0, bytes < ARENA_MAX ? bytes : ARENA_MAX);
	relink(d);
}

/* ---- insertion ---- */

/* Who is in the slot of a filter that comes in. */
struct company {
	struct dpf_entry *equal;
	uint32_t alike; /* differ in ranges only */
	uint32_t others;
};

static int same_words(const struct dpf_vec *v, const uint64_t *a, const uint64_t *b)
{
	for (const struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		if (s->kind == DPF_WORD && a[s->arg] != b[s->arg])
			return 0;
	return 1;
}

static struct company company_of(struct dpf *d, const struct dpf_vec *v, const struct dpf_canon *f)
{
	struct dpf_entry *e = dpf_chain(d, DPF_BY_VALUE, dpf_vec_hash(v, f->val));
	struct company c = {0};

	for (; e; e = dpf_entry(d, e->next[DPF_BY_VALUE])) {
		if (dpf_at(d, e->vec) != v || !same_words(v, e->val, f->val))
			c.others++;
		else if (memcmp(e->val, f->val, f->nval * sizeof(f->val[0])) != 0)
			c.alike++;
		else
			c.equal = e;
	}
	return c;
}

/*
 * Makes room in the table. Growing is for speed, so it may fail; but a chain that stays too long is
 * refused, since it would be the same for all other filters in it: somebody knows the keys, or there
 * is no memory to grow.
 */
static int make_room(struct dpf *d, struct dpf_vec *v, const struct dpf_canon *f)
{
	dpf_table_grow(d);
	for (uint32_t i = 0; i < REKEYS; i++) {
		struct company c = company_of(d, v, f);

		if (c.alike >= DPF_ALIKE)
			return DPF_ENOMEM;
		if (c.others < CHAIN_MAX)
			return 0;
		dpf_table_rekey(d, v);
	}
	return DPF_ENOMEM;
}

int dpf_insert(struct dpf *d, const struct xok_filter *f, uint32_t id, uint32_t *equal)
{
	struct company company;
	struct dpf_entry *e;
	struct dpf_canon c;
	struct dpf_vec *v;
	size_t values;
	dpf_ref r;

	if (id == DPF_NONE || dpf_canon(f, &c) < 0 || dpf_find_id(d, id))
		return DPF_EINVAL;
	v = dpf_vec_find(d, &c);
	if (v && (company = company_of(d, v, &c)).equal) {
		if (equal)
			*equal = company.equal->id;
		return DPF_EEXIST;
	}
	values = c.nval * sizeof(c.val[0]);
	r = dpf_alloc(&d->heap, sizeof(*e) + values);
	if (r && !v)
		v = dpf_vec_new(d, &c);
	if (!r || !v || make_room(d, v, &c) < 0) {
		if (v && !v->n)
			dpf_vec_free(d, v);
		if (r)
			dpf_free(&d->heap, r);
		return DPF_ENOMEM;
	}
	e = dpf_at(d, r);
	*e = (struct dpf_entry){.seq = d->seq++, .vec = dpf_ref_of(d, v), .id = id};
	memcpy(e->val, c.val, values);
	dpf_table_add(d, e);
	dpf_vec_join(d, v, c.val);
	if (!v->code)
		relink(d);
	return 0;
}

int dpf_remove(struct dpf *d, uint32_t id)
{
	struct dpf_entry *e = dpf_find_id(d, id);
	struct dpf_vec *v;

	if (!e)
		return DPF_ENOENT;
	v = dpf_at(d, e->vec);
	dpf_table_del(d, e);
	dpf_free(&d->heap, dpf_ref_of(d, e));
	if (!--v->n) {
		dpf_vec_free(d, v);
		relink(d);
	}
	if (!d->t.n)
		dpf_table_reset(d);
	return 0;
}

void dpf_stats(const struct dpf *d, struct dpf_stats *s)
{
	*s = (struct dpf_stats){.filters = d->t.n,
				.bytes_used = (size_t)d->heap.used * DPF_LINE,
				.bytes_total = (size_t)d->heap.total * DPF_LINE,
				.code_used = (size_t)d->code.used * DPF_LINE,
				.code_total = (size_t)d->code.total * DPF_LINE};
	for (const struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next)) {
		s->nodes++;
		s->interpreted += !v->code;
		s->hash_nodes += v->hashes;
	}
}
