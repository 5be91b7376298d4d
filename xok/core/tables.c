/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c - tables as kernel objects: their frames, who may do what, and how long they live.
 *
 * A table pins its frames, so that giving them back is one rule for all: its holder's release, by
 * destroying it, and the last pin, which goes when no program uses it any more; what is mapped
 * somewhere lives on as memory.
 *
 * The header page is the kernel's to write, so what stands there can be relied on; what environments
 * may write as well (values of arrays, the tail of a ring) is never believed.
 */
#include "kernel.h"

#define CLEARED_AT_ONCE (4u << 20) /* bytes, where interrupts are off meanwhile */

static struct objects objects(const struct xok *x)
{
	return (struct objects){x->table_info, sizeof(*x->table_info), XOK_NTABLE, XOK_ENV_TABLES,
				XOK_SUBTREE_TABLES};
}

/*
 * A free entry that e may take. Tables that were given back do not count as its own: others keep
 * them, and perhaps others made them.
 */
static int64_t room(struct xok *x, struct xok_env *e)
{
	struct objects o = objects(x);

	for (uint32_t i = 0; i < XOK_NTABLE; i++)
		o.per_env += x->table[i].released && x->table_info[i].owner == e->info->id;
	return object_room(x, e, &o);
}

/* The index of a table that was not given back. */
int table_find(const struct xok *x, uint32_t id, uint32_t *index)
{
	struct objects o = objects(x);
	int rc = object_find(&o, id, x->table[id % XOK_NTABLE].gen, index);

	return !rc && x->table[*index].released ? XOK_ESTALE : rc;
}

/* The table that a frame belongs to; it exists. */
static uint32_t table_of(const struct xok *x, uint32_t frame)
{
	uint32_t i = 0;

	while (frame - x->table_info[i].first >= x->table_info[i].nframe)
		i++;
	return i;
}

/* May environments write this frame of a table, where its access list lets them? */
bool table_page_writable(const struct xok *x, uint32_t frame)
{
	const struct xok_table_info *t = &x->table_info[table_of(x, frame)];

	return tbl_writable(&t->spec, frame - t->first);
}

/* The end of the run of pages, from `page` on, that may be mapped in the same way. */
static uint32_t same_until(const struct xok_table_info *t, uint32_t page)
{
	bool writable = tbl_writable(&t->spec, page);

	while (++page < t->nframe && tbl_writable(&t->spec, page) == writable)
		;
	return page;
}

/* Where the machine must know what environments may map. */
static int share(struct xok *x, uint32_t index)
{
	const struct xok_table_info *t = &x->table_info[index];
	uint32_t *page = &x->table[index].shared;

	while (x->ops->share && *page < t->nframe) {
		uint32_t end = same_until(t, *page);

		if (x->ops->share(x->m, t->first + *page, end - *page))
			return XOK_ENOMEM;
		*page = end;
	}
	return XOK_OK;
}

static void unshare(struct xok *x, uint32_t index)
{
	const struct xok_table_info *t = &x->table_info[index];

	for (uint32_t page = 0, end; page < x->table[index].shared; page = end) {
		end = same_until(t, page);
		x->ops->unshare(x->m, t->first + page, end - page);
	}
}

/* Nobody uses the table any more. */
static void table_end(struct xok *x, uint32_t index)
{
	struct xok_table_info info = x->table_info[index];

	if (x->table[index].lpm)
		x->lpm->destroy(x->table[index].lpm);
	x->table[index].lpm = NULL;
	unshare(x, index);
	x->table_info[index] = (struct xok_table_info){.id = 0};
	for (uint32_t f = info.first; f < info.first + info.nframe; f++)
		frame_unref(x, f);
}

static void table_release(struct xok *x, uint32_t index)
{
	const struct xok_table_info *info = &x->table_info[index];

	x->table[index].released = true;
	__atomic_store_n(&x->table[index].reader, NULL, __ATOMIC_RELAXED);
	for (uint32_t f = info->first; f < info->first + info->nframe; f++)
		x->frame[f].flags |= XOK_FRAME_RELEASED;
	if (!info->refs)
		table_end(x, index);
}

void table_ref(struct xok *x, uint32_t index)
{
	x->table_info[index].refs++;
}

void table_unref(struct xok *x, uint32_t index)
{
	if (!--x->table_info[index].refs && x->table[index].released)
		table_end(x, index);
}

/*
 * An environment ends. The programs of others may go on using its tables: those are the heir's
 * then, as the frames will be.
 */
void tables_retire(struct xok *x, struct xok_env *e, struct xok_env *heir)
{
	for (uint32_t i = 0; i < XOK_NTABLE; i++) {
		struct xok_table_info *info = &x->table_info[i];

		if (!info->id || info->owner != e->info->id)
			continue;
		if (!x->table[i].released)
			table_release(x, i);
		if (info->id && heir)
			info->owner = heir->info->id;
	}
}

static bool is_lpm(const struct xok_table_spec *s)
{
	return s->type == XOK_TABLE_LPM4 || s->type == XOK_TABLE_LPM6;
}

/*
 * What answers a machine's own lookups is memory that no quota speaks of, some MiB however few the prefixes: so it is by number that a subtree
 * has its part.
 */
static bool lpm_room(struct xok *x, struct xok_env *e, const struct xok_table_spec *s)
{
	uint32_t n = 0;

	if (x->lpm == &tbl_lpm || !is_lpm(s))
		return true;
	for (uint32_t i = 0; i < XOK_NTABLE; i++) {
		const struct xok_table_info *t = &x->table_info[i];

		n += t->id && x->table[i].lpm && env_same_subtree(x, e, env_by_id(x, t->owner));
	}
	return n < XOK_SUBTREE_LPM;
}

/* Performs table_create. What can still fail is the machine's own part; then it is taken back. */
static int64_t table_new(struct xok *x, struct xok_env *e, const struct xok_cap *c,
			 const struct xok_table_spec *s, uint32_t index, uint32_t first, uint32_t n)
{
	struct xok_table_info *info = &x->table_info[index];
	struct table *t = &x->table[index];
	uint64_t seed;
	size_t bytes = 0;

	frame_take_run(x, e, XOK_FRAME_TABLE, first, n);
	for (uint32_t f = first; f < first + n; f++) {
		acl_first(x->frame[f].acl, XOK_NACL_FRAME, c);
		frame_ref(x, f);
	}
	*info = (struct xok_table_info){
		.id = object_generation(&t->gen, XOK_NTABLE) * XOK_NTABLE + index,
		.owner = e->info->id,
		.first = first,
		.nframe = n,
		.spec = *s,
	};
	memset(info->spec.name, 0, sizeof(info->spec.name));
	name_copy(info->spec.name, sizeof(info->spec.name), s->name, sizeof(s->name));
	*t = (struct table){.gen = t->gen, .mem = frame_ptr(x, first)};
	x->ops->random(x->m, &seed, sizeof(seed));
	tbl_init(t->mem, &info->spec, x->ncpu + 1, seed);
	tbl_memory(t->mem, 0, &bytes);
	t->bytes = (uint32_t)bytes;
	t->reader = s->type == XOK_TABLE_RING ? e : NULL;
	int rc = share(x, index);
	if (!rc && is_lpm(s)) {
		t->lpm = x->lpm->create(x->m, t->mem);
		rc = t->lpm ? XOK_OK : XOK_ENOMEM;
	}
	if (rc) {
		table_release(x, index);
		return rc;
	}
	return info->id;
}

int64_t sys_table_create(struct xok *x, struct xok_env *e, const struct arg *a)
{
	size_t bytes = tbl_size(a[1].in, x->ncpu + 1);

	if (!bytes || (x->spaces && bytes > CLEARED_AT_ONCE))
		return XOK_EINVAL;
	if (!a[0].cap->valid)
		return XOK_EPERM;
	int64_t index = room(x, e);
	if (index < 0)
		return index;
	if (!lpm_room(x, e, a[1].in))
		return XOK_EQUOTA;
	uint32_t n = (uint32_t)(bytes / XOK_PAGE);
	int rc = frame_room(x, e, n);
	if (rc)
		return rc;
	uint32_t first = frame_find_run(x, n);
	if (!first)
		return XOK_ENOMEM;

	return table_new(x, e, a[0].cap, a[1].in, (uint32_t)index, first, n);
}

/* Finds a table and asks for a right to it: its first frame's list speaks for all of it. */
static int table_check(const struct xok *x, const struct arg *a, uint8_t need, uint32_t *index)
{
	int rc = table_find(x, (uint32_t)a[1].raw, index);

	if (rc)
		return rc;
	return frame_grants(x, a[0].cap, x->table_info[*index].first, need) ? XOK_OK : XOK_EPERM;
}

int64_t sys_table_destroy(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t index;
	(void)e;

	int rc = table_check(x, a, XOK_C, &index);
	if (rc)
		return rc;

	table_release(x, index);
	return XOK_OK;
}

static int update(struct xok *x, struct table *t, const struct xok_table_update *u)
{
	uint64_t now = x->ops->now(x->m);

	if (!t->lpm)
		return tbl_update(t->mem, u, now);
	switch (u->op) {
	case XOK_TABLE_SET: return x->lpm->set(t->lpm, u);
	case XOK_TABLE_DELETE: return x->lpm->remove(t->lpm, u);
	default: return TBL_EINVAL;
	}
}

int64_t sys_table_update(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t index;
	(void)e;

	int rc = table_check(x, a, XOK_W, &index);
	if (rc)
		return rc;

	/* The table's own checks come before its changes. */
	struct table *t = &x->table[index];
	lock(x, &t->lock);
	rc = update(x, t, a[2].in);
	x->table_info[index].used = tbl_used(t->mem);
	unlock(x, &t->lock);
	switch (rc) {
	case 0: return XOK_OK;
	case TBL_ENOENT: return XOK_ENOENT;
	case TBL_ENOMEM: return XOK_ENOMEM;
	default: return XOK_EINVAL;
	}
}
