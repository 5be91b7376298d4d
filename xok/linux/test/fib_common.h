/* SPDX-License-Identifier: BSD-2-Clause */
/* fib_common.h - what the tests of the lookup tables share: tables and random prefixes. */
#ifndef XOK_LINUX_TEST_FIB_COMMON_H
#define XOK_LINUX_TEST_FIB_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xok/linux/fib.h"
#include "xok/linux/linux.h"

struct route {
	uint8_t address[16];
	uint32_t len, number;
};

struct table {
	bool wide;
	void *mem, *self;
};

static uint64_t rnd(void)
{
	static _Thread_local uint64_t seed = 0x9e3779b97f4a7c15;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 11;
}

static inline struct table table_open(bool wide, uint32_t entries)
{
	struct xok_table_spec spec = {.type = wide ? XOK_TABLE_LPM6 : XOK_TABLE_LPM4,
				      .entries = entries};
	struct table t = {.wide = wide};
	size_t bytes = tbl_size(&spec, 1);

	assert_true(bytes > 0);
	t.mem = aligned_alloc(4096, bytes);
	assert_non_null(t.mem);
	memset(t.mem, 0, bytes);
	tbl_init(t.mem, &spec, 1, 1);
	t.self = fib_lpm.create(NULL, t.mem);
	assert_non_null(t.self);
	return t;
}

static inline void table_close(struct table *t)
{
	fib_lpm.destroy(t->self);
	free(t->mem);
}

static inline struct xok_table_update update_of(const struct table *t, const struct route *r)
{
	struct xok_table_update u = {.number = r->number};
	uint32_t bytes = t->wide ? 16 : 4;

	memcpy(u.key, r->address, bytes);
	memcpy(u.key + bytes, &r->len, sizeof(r->len));
	return u;
}

static inline int route_set(const struct table *t, const struct route *r)
{
	struct xok_table_update u = update_of(t, r);

	return fib_lpm.set(t->self, &u);
}

static inline int route_remove(const struct table *t, const struct route *r)
{
	struct xok_table_update u = update_of(t, r);

	return fib_lpm.remove(t->self, &u);
}

static inline uint32_t address4(const uint8_t *a)
{
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

static inline int32_t route_lookup(const struct table *t, const uint8_t address[16])
{
	if (t->wide)
		return fib_lpm.lookup6(t->self, address);
	return fib_lpm.lookup4(t->self, address4(address));
}

/* What the table in memory, which has tests of its own, says. */
static inline int32_t mem_lookup(const struct table *t, const uint8_t address[16])
{
	if (t->wide)
		return tbl_lpm6_lookup(t->mem, address);
	return tbl_lpm4_lookup(t->mem, address4(address));
}

static inline void cut(struct route *r)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t left = r->len > 8 * i ? r->len - 8 * i : 0;

		r->address[i] &= (uint8_t)(left >= 8 ? 0xff : 0xff00 >> left);
	}
}

static inline bool route_covers(const struct route *r, const uint8_t *address)
{
	if (memcmp(r->address, address, r->len / 8) != 0)
		return false;
	return !(r->len % 8) ||
	       !((r->address[r->len / 8] ^ address[r->len / 8]) >> (8 - r->len % 8));
}

/* Where bits are mostly alike, prefixes nest, and differ late. */
static inline void random_address(uint8_t address[16])
{
	for (uint32_t i = 0; i < 16; i++) {
		uint64_t r = rnd();

		address[i] = (uint8_t)(r & 7 ? (r >> 8 & 1) << (r >> 9 & 7) : r >> 8);
	}
}

static inline struct route random_route(bool wide, uint32_t number)
{
	struct route r = {.number = number, .len = (uint32_t)(rnd() % (wide ? 129 : 33))};

	random_address(r.address);
	cut(&r);
	return r;
}

#endif
