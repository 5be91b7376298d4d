/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c - tables of kernel objects that all environments share: who may take an entry, and ids
 * with generations, so that the id of one that is gone names nothing else.
 *
 * An id is the generation, and below it the index; the number of entries is a power of two.
 */
#include "kernel.h"

struct head {
	uint32_t id, owner;
};

static const struct head *entry(const struct objects *o, uint32_t i)
{
	return (const struct head *)((const char *)o->info + i * o->size);
}

/*
 * A free entry that e may take. As with environments, one subtree cannot use up the table for the
 * others; nor can all together for the root environment, for which some entries are kept.
 */
int64_t object_room(struct xok *x, struct xok_env *e, const struct objects *o)
{
	uint32_t own = 0, subtree = 0, left = 0;
	int64_t found = XOK_ENOMEM;

	for (uint32_t i = 0; i < o->n; i++) {
		const struct head *h = entry(o, i);

		if (!h->id) {
			found = left++ ? found : i;
			continue;
		}
		own += h->owner == e->info->id;
		subtree += env_same_subtree(x, e, env_by_id(x, h->owner));
	}
	if (own >= o->per_env || subtree >= o->per_subtree)
		return XOK_EQUOTA;
	return !e->info->parent || left > o->n / XOK_ROOT_PART ? found : XOK_ENOMEM;
}

/* The next generation of an entry; ids stay below 2^31, so that a call can return one. */
uint32_t object_generation(uint32_t *gen, uint32_t n)
{
	*gen = *gen + 1 < (1u << 31) / n ? *gen + 1 : 1;
	return *gen;
}

/* The index of the entry an id names; gen is the latest of that entry. */
int object_find(const struct objects *o, uint32_t id, uint32_t gen, uint32_t *index)
{
	*index = id % o->n;
	if (id && entry(o, *index)->id == id)
		return XOK_OK;
	return id / o->n && id / o->n <= gen ? XOK_ESTALE : XOK_ENOENT;
}
