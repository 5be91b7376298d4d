/* SPDX-License-Identifier: BSD-2-Clause */
/* fib.c - lookup tables as the core sees them, and their memory. */
#include "xok/linux/fib_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "xok/linux/linux.h"

/* From so many prefixes on, spread as they are in practice, most of the root's pages are in use anyway. */
#define HUGE_FROM 8192u
/* From so many on the first thing that a lookup reads is not in the nearest caches, */
#define COLD_FROM 1024u
/* and from so many on, nothing of it is in any. */
#define LARGE_FROM 65536u

/* ---- memory ---- */

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void release(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

static bool pool_open(struct fib_pool *p, size_t unit, uint32_t count)
{
	*p = (struct fib_pool){.unit = unit, .count = count, .fresh = 1};
	p->base = reserve(unit * count);
	return p->base;
}

static void pool_close(struct fib_pool *p)
{
	ASAN_UNPOISON_MEMORY_REGION(p->base, p->unit * p->count);
	release(p->base, p->unit * p->count);
}

/* Nobody reads what waits any more. */
static void pool_settle(struct fib_pool *p)
{
	for (uint32_t i = 0; i < p->nwait; i++) {
		uint32_t *u = fib_unit(p, p->wait[i]);

		*u = p->free;
		p->free = p->wait[i];
		ASAN_POISON_MEMORY_REGION(u, p->unit);
	}
	p->nwait = 0;
}

static void settle(struct fib *f)
{
	lcores_quiesce(f->machine);
	pool_settle(&f->group);
	pool_settle(&f->leaf);
}

uint32_t fib_take(struct fib *f, struct fib_pool *p)
{
	uint32_t index, *u;

	if (!p->free && p->fresh < p->count)
		return p->fresh++;
	if (!p->free)
		settle(f);
	index = p->free;
	u = fib_unit(p, index);
	ASAN_UNPOISON_MEMORY_REGION(u, p->unit);
	p->free = *u;
	return index;
}

void fib_give(struct fib *f, struct fib_pool *p, uint32_t index)
{
	p->wait[p->nwait++] = index;
	if (p->nwait == FIB_BATCH)
		settle(f);
}

static void make_huge(void *p, size_t bytes)
{
#ifdef MADV_COLLAPSE
	const int collapse = MADV_COLLAPSE;
#else
	const int collapse = 25; /* Linux 6.1 */
#endif
	madvise(p, bytes, MADV_HUGEPAGE);
	madvise(p, bytes, collapse);
}

/*
 * A large table is read at random: with pages of 2 MiB that costs no walk of the page tables. Units come from the beginning of their pool, so that only what is in
 * use becomes huge. Where the kernel cannot do that, nothing is lost but time.
 */
static void grow(struct fib *f, size_t root)
{
	uint32_t n = tbl_used(f->mem);

	if (n >= COLD_FROM)
		FIB_STORE(&f->cold, true);
	if (n >= LARGE_FROM)
		FIB_STORE(&f->large, true);
	if (f->huge || n < HUGE_FROM)
		return;
	f->huge = true;
	make_huge(f->root, root);
	make_huge(f->group.base, f->group.unit * f->group.count);
	make_huge(f->leaf.base, f->leaf.unit * f->leaf.count);
}

/* ---- as the core sees them ---- */

static bool is_wide(const struct fib *f)
{
	return tbl_spec(f->mem)->type == XOK_TABLE_LPM6;
}

static void fib_destroy(void *self)
{
	struct fib *f = self;

	pool_close(&f->group);
	pool_close(&f->leaf);
	release(f->root, is_wide(f) ? FIB6_ROOT : FIB4_ROOT);
	free(f);
}

/*
 * IPv4: a prefix longer than 24 bits needs two groups at most. IPv6: each group tells at least two prefixes apart, so there are fewer of them
 * than prefixes. And a change may take one before another comes back.
 */
static void *fib_create(void *machine, void *mem)
{
	struct fib *f = calloc(1, sizeof(*f));
	uint32_t n = tbl_spec(mem)->entries, spare = FIB_BATCH + 2;
	bool ok;

	if (!f)
		return NULL;
	f->machine = machine;
	f->mem = mem;
	f->fallback = TBL_NONE;
	f->root = reserve(is_wide(f) ? FIB6_ROOT : FIB4_ROOT);
	ok = pool_open(&f->group, FIB_GROUP, (is_wide(f) ? n : 2 * n) + spare);
	ok &= pool_open(&f->leaf, FIB_LEAF, is_wide(f) ? n + spare : 1);
	if (ok && f->root)
		return f;
	fib_destroy(f);
	return NULL;
}

static int fib_set(void *self, const struct xok_table_update *u)
{
	struct fib *f = self;
	int err = tbl_lpm.set(f->mem, u);
	struct xok_prefix4 p4;
	struct xok_prefix6 p6;

	if (err)
		return err;
	memcpy(&p4, u->key, sizeof(p4));
	memcpy(&p6, u->key, sizeof(p6));
	if (!(is_wide(f) ? p6.len : p4.len))
		FIB_STORE(&f->fallback, (int32_t)u->number);
	else if (is_wide(f))
		fib6_set(f, &p6, u->number);
	else
		fib4_set(f, &p4, u->number);
	grow(f, is_wide(f) ? FIB6_ROOT : FIB4_ROOT);
	return 0;
}

static int fib_remove(void *self, const struct xok_table_update *u)
{
	struct fib *f = self;
	int err = tbl_lpm.remove(f->mem, u);
	struct xok_prefix4 p4;
	struct xok_prefix6 p6;

	if (err)
		return err;
	memcpy(&p4, u->key, sizeof(p4));
	memcpy(&p6, u->key, sizeof(p6));
	if (!(is_wide(f) ? p6.len : p4.len))
		FIB_STORE(&f->fallback, TBL_NONE);
	else if (is_wide(f))
		fib6_remove(f, &p6);
	else
		fib4_remove(f, &p4);
	return 0;
}

static bool fib_cold(const void *self)
{
	const struct fib *f = self;

	return FIB_LOAD(&f->cold);
}

const struct tbl_lpm_ops fib_lpm = {
	.create = fib_create,
	.destroy = fib_destroy,
	.set = fib_set,
	.remove = fib_remove,
	.lookup4 = fib4_lookup,
	.lookup6 = fib6_lookup,
	.cold = fib_cold,
	.prefetch4 = fib4_prefetch,
	.prefetch6 = fib6_prefetch,
};
