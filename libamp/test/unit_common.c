/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit_common.c - tests of the shared half: timers against a trivial reference, line cutting, error
 * names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libamp/common/lines.h"
#include "libamp/common/timers.h"

/* ---- timers ---- */

#define NTIMER 200u

struct ref {
	struct amp_timer t;
	bool set, fired;
	uint64_t at;
};

static struct ref refs[NTIMER];
static struct timers heap;
static uint64_t last_fired;

static void fire(void *arg)
{
	struct ref *r = arg;

	assert_true(r->set);
	assert_true(r->at >= last_fired);
	last_fired = r->at;
	r->set = false;
	r->fired = true;
}

static uint64_t ref_next(void)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < NTIMER; i++)
		if (refs[i].set && refs[i].at < next)
			next = refs[i].at;
	return next;
}

/* Random sets, moves, cancels and runs: the heap agrees with a plain array after each. */
static void test_timers_reference(void **state)
{
	uint64_t now = 0;

	(void)state;
	srandom(1);
	for (uint32_t i = 0; i < NTIMER; i++)
		refs[i].t = (struct amp_timer){.fn = fire, .arg = &refs[i]};
	for (uint32_t step = 0; step < 20000; step++) {
		struct ref *r = &refs[random() % NTIMER];

		switch (random() % 4) {
		case 0:
		case 1:
			r->at = now + (uint64_t)(random() % 1000);
			r->set = true;
			assert_int_equal(timers_set(&heap, &r->t, r->at), XOK_OK);
			break;
		case 2:
			r->set = false;
			timers_cancel(&heap, &r->t);
			break;
		default:
			now += (uint64_t)(random() % 50);
			last_fired = 0;
			timers_run(&heap, now);
			assert_true(ref_next() > now);
		}
		assert_int_equal(timers_next(&heap), ref_next());
	}
	timers_run(&heap, UINT64_MAX - 1);
	assert_int_equal(heap.n, 0);
}

static void test_timers_full(void **state)
{
	static struct amp_timer many[AMP_TIMERS + 1];
	static struct timers h;

	(void)state;
	for (uint32_t i = 0; i < AMP_TIMERS; i++)
		assert_int_equal(timers_set(&h, &many[i], AMP_TIMERS - i), XOK_OK);
	assert_int_equal(timers_set(&h, &many[AMP_TIMERS], 1), XOK_ENOMEM);
	/* One that is armed can still be moved, and a place that is freed can be used. */
	assert_int_equal(timers_set(&h, &many[7], 0), XOK_OK);
	assert_int_equal(timers_next(&h), 0);
	timers_cancel(&h, &many[9]);
	assert_int_equal(timers_set(&h, &many[AMP_TIMERS], 1), XOK_OK);
}

static uint32_t again_count;

struct again {
	struct amp_timer t;
	struct timers h;
};

static void again(void *arg)
{
	struct again *a = arg;

	again_count++;
	timers_set(&a->h, &a->t, 0);
}

/* A timer that always re-arms itself for the past runs once a turn. */
static void test_timers_rearm(void **state)
{
	static struct again a;

	(void)state;
	a.t = (struct amp_timer){.fn = again, .arg = &a};
	timers_set(&a.h, &a.t, 5);
	timers_run(&a.h, 4);
	assert_int_equal(again_count, 0);
	timers_run(&a.h, 5);
	assert_int_equal(again_count, 1);
	timers_run(&a.h, 5);
	assert_int_equal(again_count, 2);
}

/* ---- lines ---- */

static char got[16][AMP_LINE + 1];
static bool got_cut[16];
static uint32_t ngot;

static void collect(void *arg, char *line, bool cut)
{
	(void)arg;
	assert_true(ngot < 16);
	strcpy(got[ngot], line);
	got_cut[ngot++] = cut;
}

static struct lines lines;

static void feed(const char *data, size_t len)
{
	lines_feed(&lines, data, len, collect, NULL);
}

static void test_lines_ends(void **state)
{
	static const char *const want[] = {"one", "two", "", "three", "", "four x", "five"};
	static const char in[] = "one\ntwo\r\n\r\nthree\r\rfour\0x\nfive\npart";

	(void)state;
	memset(&lines, 0, sizeof(lines));
	/* The same result however the input is cut up. */
	for (size_t piece = 1; piece < sizeof(in); piece++) {
		memset(&lines, 0, sizeof(lines));
		ngot = 0;
		for (size_t i = 0; i < sizeof(in) - 1; i += piece) {
			size_t left = sizeof(in) - 1 - i;

			feed(in + i, left < piece ? left : piece);
		}
		assert_int_equal(ngot, 7);
		for (uint32_t i = 0; i < 7; i++) {
			assert_string_equal(got[i], want[i]);
			assert_false(got_cut[i]);
		}
	}
}

static void test_lines_long(void **state)
{
	static char in[AMP_LINE + 2];

	(void)state;
	memset(&lines, 0, sizeof(lines));
	memset(in, 'x', sizeof(in));
	ngot = 0;
	feed(in, AMP_LINE);
	feed("\n", 1);
	feed(in, AMP_LINE + 1);
	feed("\nnext\n", 6);
	assert_int_equal(ngot, 3);
	assert_int_equal(strlen(got[0]), AMP_LINE);
	assert_false(got_cut[0]);
	assert_int_equal(strlen(got[1]), AMP_LINE);
	assert_true(got_cut[1]);
	assert_string_equal(got[2], "next");
	assert_false(got_cut[2]);
}

static void test_strerror(void **state)
{
	(void)state;
	for (int err = 0; err >= XOK_ESTALE; err--)
		assert_true(strchr(amp_strerror(err), ':') != NULL);
	assert_string_equal(amp_strerror(1), "unknown error");
	assert_string_equal(amp_strerror(XOK_ESTALE - 1), "unknown error");
	assert_string_equal(amp_strerror(INT32_MIN), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_reference), cmocka_unit_test(test_timers_full),
		cmocka_unit_test(test_timers_rearm),	 cmocka_unit_test(test_lines_ends),
		cmocka_unit_test(test_lines_long),	 cmocka_unit_test(test_strerror),
	};

	return cmocka_run_group_tests_name("libamp/common", tests, NULL, NULL);
}
