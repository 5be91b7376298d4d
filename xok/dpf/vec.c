/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vec.c - vectors: what filters that look at the same fields have in common.
 *
 * They stand in one list, the most specific first. The root node selects by a two-byte field one of
 * a few lanes through that list, each of which leaves out the vectors that demand another value of
 * the field; the links of the lanes are made again whenever a vector comes or goes.
 */
#include "dpf_int.h"

static uint64_t random64(struct dpf *d)
{
	uint64_t z = d->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t hash_fields(const struct dpf_canon *c)
{
	uint64_t h = c->nop;

	for (uint32_t i = 0; i < c->nop; i++) {
		const struct dpf_op *op = &c->op[i];

		h = (h ^ op->mask ^ op->off) * 0x9e3779b97f4a7c15;
		h ^= (h >> 29) + (op->kind | (uint32_t)op->size << 8 | (uint32_t)op->shl << 16);
	}
	return (uint32_t)(h >> 32 ^ h);
}

struct dpf_vec *dpf_vec_find(const struct dpf *d, const struct dpf_canon *c)
{
	uint32_t fields = hash_fields(c);

	struct dpf_vec *v = dpf_vec(d, d->vecs);

	while (v && (v->fields != fields || v->nop != c->nop ||
		     memcmp(dpf_ops(v), c->op, c->nop * sizeof(c->op[0])) != 0))
		v = dpf_vec(d, v->next);
	return v;
}

/* Draws new keys. An odd one maps no two words of up to 8 bytes to the same product. */
static void draw_keys(struct dpf *d, struct dpf_vec *v)
{
	v->basis = 0;
	for (uint32_t i = 0; i < v->nword; i++) {
		dpf_keys(v)[i] = random64(d) | 1;
		if (!(v->varying >> i & 1))
			v->basis += dpf_term(v, i, dpf_fixed(v)[i]);
	}
}

struct dpf_vec *dpf_vec_new(struct dpf *d, const struct dpf_canon *c)
{
	dpf_ref r = dpf_alloc(&d->heap, sizeof(struct dpf_vec) + c->nop * sizeof(struct dpf_op) +
						2u * c->nword * sizeof(uint64_t));
	struct dpf_vec *v = dpf_at(d, r);

	if (!r)
		return NULL;
	*v = (struct dpf_vec){.order = c->bits << 8 | c->nrange,
			      .fields = hash_fields(c),
			      .nop = (uint8_t)c->nop,
			      .nword = (uint8_t)c->nword,
			      .nrange = (uint8_t)c->nrange};
	if (dpf_table_init(d, &v->t) < 0) {
		dpf_free(&d->heap, r);
		return NULL;
	}
	for (uint32_t i = 0, word = 0; i < c->nop; i++)
		if (c->op[i].kind == DPF_OP_WORD)
			v->wide |= (uint32_t)(c->op[i].size == 8) << word++;
	memcpy(dpf_ops(v), c->op, c->nop * sizeof(c->op[0]));
	memcpy(dpf_fixed(v), c->val, c->nword * sizeof(c->val[0]));
	draw_keys(d, v);
	return v;
}

void dpf_vec_free(struct dpf *d, struct dpf_vec *v)
{
	dpf_uncompile(d, &v->code_ref);
	dpf_table_free(d, &v->t);
	dpf_free(&d->heap, dpf_ref_of(d, v));
}

uint32_t dpf_vec_hash(const struct dpf_vec *v, const uint64_t *val)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < v->nword; i++)
		h += dpf_term(v, i, val[i]);
	return (uint32_t)(h >> 32);
}

void dpf_vec_rekey(struct dpf *d, struct dpf_vec *v)
{
	dpf_link l = dpf_table_drain(d, &v->t, DPF_BY_VALUE);

	draw_keys(d, v);
	while (l) {
		struct dpf_entry *e = dpf_entry(d, l);

		l = e->next[DPF_BY_VALUE];
		dpf_table_add(d, &v->t, DPF_BY_VALUE, e);
	}
}

void dpf_vec_enter(struct dpf *d, struct dpf_vec *v)
{
	dpf_ref *r = &d->vecs;

	while (*r && dpf_vec(d, *r)->order >= v->order)
		r = &dpf_vec(d, *r)->next;
	v->next = *r;
	*r = dpf_ref_of(d, v);
	d->nvec++;
}

void dpf_vec_leave(struct dpf *d, struct dpf_vec *v)
{
	dpf_ref *r = &d->vecs;

	while (*r != dpf_ref_of(d, v))
		r = &dpf_vec(d, *r)->next;
	*r = v->next;
	d->nvec--;
}

int dpf_vec_vary(struct dpf_vec *v, const uint64_t *val)
{
	int changed = 0;

	for (uint32_t i = 0; i < v->nword; i++) {
		uint64_t fixed = dpf_fixed(v)[i];

		if (v->varying >> i & 1 || val[i] == fixed)
			continue;
		v->basis -= dpf_term(v, i, fixed);
		v->varying |= 1u << i;
		v->compiled = 0;
		changed = 1;
	}
	return changed;
}

/* ---- the root node: which field, and which of its values have a lane ---- */

#define FIELDS 32u /* two bytes each */

/*
 * Whether all filters of v demand one value of the two bytes at `off`; *value is it, as a
 * little-endian number. Only what lies before the first shift is where it seems to be.
 */
static int demands(const struct dpf_vec *v, uint32_t off, uint16_t *value)
{
	uint32_t word = 0;

	for (uint32_t i = 0; i < v->nop && dpf_ops(v)[i].kind != DPF_OP_SHIFT; i++) {
		const struct dpf_op *op = &dpf_ops(v)[i];

		if (op->kind != DPF_OP_WORD)
			continue;
		if (op->off <= off && off + 2 <= op->off + op->size &&
		    (uint16_t)(op->mask >> 8u * (off - op->off)) == UINT16_MAX &&
		    !(v->varying >> word & 1)) {
			*value = (uint16_t)(dpf_fixed(v)[word] >> 8u * (off - op->off));
			return 1;
		}
		word++;
	}
	return 0;
}

/* The field of which most vectors demand a value, though not all the same; -1: there is none. */
static int choose_field(const struct dpf *d)
{
	struct {
		uint32_t votes;
		uint16_t value;
		uint8_t differs;
	} field[FIELDS] = {{0}};
	int best = -1;

	for (const struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next)) {
		uint16_t value;

		for (uint32_t i = 0; i < FIELDS; i++) {
			if (!demands(v, 2 * i, &value))
				continue;
			if (field[i].votes++)
				field[i].differs |= value != field[i].value;
			field[i].value = value;
		}
	}
	for (uint32_t i = 0; i < FIELDS; i++)
		if (field[i].differs && (best < 0 || field[i].votes > field[best].votes))
			best = (int)i;
	return 2 * best;
}

uint32_t dpf_lane_of(const struct dpf *d, uint64_t value)
{
	uint32_t i = 0;

	while (i < d->nlane && d->lane[i] != value)
		i++;
	return i;
}

static void choose_lanes(struct dpf *d)
{
	const struct dpf_vec *v = dpf_vec(d, d->vecs);
	int off = choose_field(d);
	uint16_t value;

	d->nlane = 0;
	d->select = (uint32_t)off;
	for (; off >= 0 && v && d->nlane < DPF_LANE_OTHER; v = dpf_vec(d, v->next))
		if (demands(v, d->select, &value) && dpf_lane_of(d, value) == d->nlane)
			d->lane[d->nlane++] = value;
}

static int in_lane(const struct dpf *d, const struct dpf_vec *v, uint32_t lane)
{
	uint16_t value;

	if (!d->nlane || !demands(v, d->select, &value))
		return 1;
	return dpf_lane_of(d, value) == (lane < d->nlane ? lane : d->nlane);
}

static void link_lane(struct dpf *d, uint32_t lane)
{
	dpf_ref *from = &d->go[lane];
	struct dpf_vec *last = NULL;

	for (struct dpf_vec *v = dpf_vec(d, d->vecs); v; v = dpf_vec(d, v->next)) {
		v->go[lane] = v->go_found[lane] = DPF_END;
		if (!in_lane(d, v, lane))
			continue;
		*from = dpf_ref_of(d, v);
		if (last && last->order == v->order)
			last->go_found[lane] = *from;
		from = &v->go[lane];
		last = v;
	}
	*from = DPF_END;
}

void dpf_relink(struct dpf *d)
{
	uint32_t before = UINT32_MAX;

	choose_lanes(d);
	for (uint32_t i = 0; i < DPF_LANES; i++)
		link_lane(d, i);
	d->nplain = d->ntied = 0;
	for (struct dpf_vec *v = dpf_vec(d, d->vecs), *next; v; v = next) {
		uint8_t tied;

		next = dpf_vec(d, v->next);
		tied = v->order == before || (next && next->order == v->order);

		if (tied != v->tied || !v->compiled) {
			v->tied = tied;
			dpf_compile_vec(d, v);
		}
		d->nplain += !v->code;
		d->ntied += tied;
		before = v->order;
	}
	dpf_compile_ends(d);
}
