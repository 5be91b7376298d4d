/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vec.c - vectors: what filters with the same steps have in common. They stand in one list, the most
 * specific first, and go with their last filter.
 */
#include "dpf_int.h"

static uint64_t random64(struct dpf *d)
{
	uint64_t z = d->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int same_steps(const struct dpf_vec *v, const struct dpf_canon *c)
{
	if (v->nstep != c->nstep || v->order != c->order)
		return 0;
	for (uint32_t i = 0; i < v->nstep; i++) {
		const struct dpf_step *s = &v->step[i], *t = &c->step[i];

		if (s->kind != t->kind || s->size != t->size || s->arg != t->arg ||
		    s->off != t->off || s->mask != t->mask)
			return 0;
	}
	return 1;
}

struct dpf_vec *dpf_vec_find(const struct dpf *d, const struct dpf_canon *c)
{
	struct dpf_vec *v = dpf_vec(d, d->vecs);

	while (v && !same_steps(v, c))
		v = dpf_vec(d, v->next);
	return v;
}

/* What words that do not vary add to every hash. */
static uint64_t sum_up(const struct dpf_vec *v)
{
	uint64_t basis = 0;

	for (const struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		if (s->kind == DPF_WORD && !s->varies)
			basis += dpf_term(s, s->value);
	return basis;
}

/* An odd key maps no two words of up to 8 bytes to the same product. */
void dpf_vec_draw_keys(struct dpf *d, struct dpf_vec *v)
{
	for (struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		s->key = random64(d) | 1;
	v->basis = sum_up(v);
}

struct dpf_vec *dpf_vec_new(struct dpf *d, const struct dpf_canon *c)
{
	size_t steps = c->nstep * sizeof(c->step[0]);
	dpf_ref r = dpf_alloc(&d->heap, sizeof(struct dpf_vec) + steps), *link = &d->vecs;
	struct dpf_vec *v = dpf_at(d, r);

	if (!r)
		return NULL;
	*v = (struct dpf_vec){.order = c->order, .nstep = (uint16_t)c->nstep};
	memcpy(v->step, c->step, steps);
	for (struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		s->varies = s->kind == DPF_RANGE;
	dpf_vec_draw_keys(d, v);
	while (*link && dpf_vec(d, *link)->order >= v->order)
		link = &dpf_vec(d, *link)->next;
	v->next = *link;
	*link = r;
	return v;
}

void dpf_vec_free(struct dpf *d, struct dpf_vec *v)
{
	dpf_ref r = dpf_ref_of(d, v), *link = &d->vecs;

	while (*link != r)
		link = &dpf_vec(d, *link)->next;
	*link = v->next;
	dpf_uncompile(d, v);
	dpf_free(&d->heap, r);
}

uint32_t dpf_vec_hash(const struct dpf_vec *v, const uint64_t *val)
{
	uint64_t h = 0;

	for (const struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		if (s->kind == DPF_WORD)
			h += dpf_term(s, val[s->arg]);
	return (uint32_t)(h >> 32);
}

void dpf_vec_join(struct dpf *d, struct dpf_vec *v, const uint64_t *val)
{
	int changed = 0;

	v->n++;
	for (struct dpf_step *s = v->step; s < v->step + v->nstep; s++)
		if (s->kind == DPF_WORD && !s->varies && val[s->arg] != s->value)
			changed = s->varies = 1;
	if (changed) {
		v->hashes = 1;
		v->basis = sum_up(v);
		dpf_uncompile(d, v);
	}
}
