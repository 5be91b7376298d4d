/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test.h - set-up and tear-down of every cmocka test of the core. At its end each test is checked
 * for leaks: the books balance, and when the root environment ends, every frame is free again.
 */
#ifndef XOK_CORE_TEST_H
#define XOK_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define NFRAME 512u
#define NPORT 3u
#ifndef CODE_BYTES
#define CODE_BYTES (512u << 10)
#endif

static inline int setup(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	fake_init(f, NFRAME, NPORT, CODE_BYTES);
	*state = f;
	return 0;
}

static inline int balanced(struct fake *f)
{
	const char *bad = books(f);

	if (bad)
		fprintf(stderr, "books: %s\n", bad);
	return bad != NULL;
}

static inline int teardown(void **state)
{
	struct fake *f = *state;
	int bad = balanced(f);

	if (env_live(f->root))
		CALL(f, f->root, env_exit, 0);
	bad |= balanced(f);
	if (f->info->frames_free != f->quota) {
		fprintf(stderr, "%d frames leaked\n", (int)(f->quota - f->info->frames_free));
		bad = 1;
	}
	fake_fini(f);
	free(f);
	return bad;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define assert_err(call, err) assert_int_equal((call), (err))
#define assert_ok(call) assert_int_equal((call), XOK_OK)

#endif
