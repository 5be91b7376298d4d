/* SPDX-License-Identifier: BSD-2-Clause */
/* fib_int.h - what the files of the lookup tables share: a base, memory that is touched when used, and units that are freed late. */
#ifndef XOK_LINUX_FIB_INT_H
#define XOK_LINUX_FIB_INT_H

#include "xok/linux/fib.h"

/* Under the sanitizer, what is free may not be touched. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define FIB_LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define FIB_STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

/*
 * Links are loaded relaxed: what a reader finds at the end of one it finds by the link's own value, and no processor that this runs on makes up
 * addresses before it has loaded them. The store that publishes is a release.
 */

/* Units of one size. Unit 0 is never given out. */
struct fib_pool {
	uint8_t *base;
	size_t unit;
	uint32_t count; /* how many there is room for */
	uint32_t fresh; /* from here on never used */
	uint32_t
		free; /* first of those that may be used again; each begins with the next one's index; 0: none */
	uint32_t nwait; /* freed, but somebody may be reading them */
	uint32_t wait[FIB_BATCH];
};

struct fib {
	void *machine, *mem;
	bool huge, cold, large; /* has had many prefixes */
	int32_t fallback;	/* the number of the prefix of length 0, or TBL_NONE */
	uint32_t *root;
	struct fib_pool group, leaf;
};

/* The bytes of the root table; the size of a group and how many there may be for each prefix; likewise leaves, 0: none. */
#define FIB4_ROOT (sizeof(uint32_t) << 24)
#define FIB6_ROOT (sizeof(uint32_t) << 20)
#define FIB_GROUP 64u
#define FIB_LEAF 32u

/* A unit's index: never 0 when pools are made as fib.c makes them. Its contents are anything. */
uint32_t fib_take(struct fib *f, struct fib_pool *p);
/* Nothing that is published leads to it any more. */
void fib_give(struct fib *f, struct fib_pool *p, uint32_t index);

static inline void *fib_unit(const struct fib_pool *p, uint32_t index)
{
	return p->base + (size_t)index * p->unit;
}

/* Prefixes of 1 bit and more. Set: whether there was one or not. Remove: it is there; fib4's `mem` has it no more. */
void fib4_set(struct fib *f, const struct xok_prefix4 *p, uint32_t number);
void fib4_remove(struct fib *f, const struct xok_prefix4 *p);
int32_t fib4_lookup(const void *self, uint32_t address);
void fib4_prefetch(const void *self, uint32_t address);

void fib6_set(struct fib *f, const struct xok_prefix6 *p, uint32_t number);
void fib6_remove(struct fib *f, const struct xok_prefix6 *p);
int32_t fib6_lookup(const void *self, const uint8_t address[16]);
void fib6_prefetch(const void *self, const uint8_t address[16]);

#endif
