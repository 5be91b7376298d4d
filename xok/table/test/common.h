/* SPDX-License-Identifier: BSD-2-Clause */
/* common.h - for the tests of tables: memory of exactly a table's size, and random numbers. */
#ifndef TABLE_TEST_COMMON_H
#define TABLE_TEST_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xok/table/table.h"

/* An empty table; ASan watches its ends. */
static inline void *make_table(const struct xok_table_spec *s, uint32_t ncpu)
{
	size_t bytes = tbl_size(s, ncpu);
	void *mem;

	assert_true(bytes > 0);
	mem = aligned_alloc(4096, bytes);
	assert_non_null(mem);
	memset(mem, 0, bytes);
	tbl_init(mem, s, ncpu, UINT64_C(0x5eed5eed5eed));
	assert_true(tbl_check(mem, bytes));
	return mem;
}

static inline uint64_t rnd(void)
{
	static uint64_t seed = 0x5eed;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static inline uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() >> 33) % n;
}

#endif
