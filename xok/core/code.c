/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code.c - where compiled programs stand in the code memory. There are few of them: the list of
 * programs is the list of pieces.
 */
#include "kernel.h"

#define GRANULE 64u

static uint32_t rounded(uint32_t size)
{
	return (size + GRANULE - 1) / GRANULE * GRANULE;
}

/* Does the piece [at, at + size) meet no program's? */
static bool is_free(const struct xok *x, uint32_t at, uint32_t size)
{
	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &x->prog[i];

		if (p->info->id && p->base && at < p->code_at + rounded(p->code.size) &&
		    p->code_at < at + size)
			return false;
	}
	return true;
}

/*
 * May e have so much more? A subtree gets the part of the code memory that its programs are of all
 * there can be, and all of them together leave something for the root environment.
 */
static bool within_share(struct xok *x, struct xok_env *e, uint32_t size)
{
	uint32_t subtree = size, all = size;

	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &x->prog[i];

		if (!p->info->id || !p->base || !p->env->info->parent)
			continue;
		all += rounded(p->code.size);
		if (env_same_subtree(x, e, p->env))
			subtree += rounded(p->code.size);
	}
	return !e->info->parent || (subtree <= x->code_bytes / XOK_NPROG * XOK_SUBTREE_PROGS &&
				    all <= x->code_bytes - x->code_bytes / XOK_ROOT_PART);
}

/*
 * The lowest place where a program of e's of that size may stand: at the start, or right behind
 * another; or -1.
 */
int64_t code_find(struct xok *x, struct xok_env *e, uint32_t size)
{
	int64_t best = -1;

	size = rounded(size);
	if (size > x->code_bytes || !within_share(x, e, size))
		return -1;
	if (is_free(x, 0, size))
		return 0;
	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &x->prog[i];

		if (!p->info->id || !p->base)
			continue;
		uint32_t at = p->code_at + rounded(p->code.size);
		if (at <= x->code_bytes - size && (best < 0 || at < best) && is_free(x, at, size))
			best = at;
	}
	return best;
}
