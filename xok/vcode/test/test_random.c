/* SPDX-License-Identifier: BSD-2-Clause */
/* test_random.c - random programs, verified and not, over memory with nothing beside it. */
#include "xok/vcode/test/generate.h"
#include "xok/vcode/test/harness.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void make(struct trial *t)
{
	uint8_t choices[2048];
	struct bytes b = {choices, sizeof(choices)};

	for (size_t n = 0; n < sizeof(choices); n++)
		choices[n] = (uint8_t)(rnd() >> 32);
	generate(&b, t);
	t->window_len = T_MIN_WINDOW - 1 + (uint32_t)(rnd() >> 32) % 100;
	t->budget = (int64_t)(rnd() >> 32) % 2000;
}

static void test_generated(void **state)
{
	static struct trial t;
	uint32_t accepted = 0, runs = 20000;

	(void)state;
	for (uint32_t n = 0; n < runs; n++) {
		make(&t);
		accepted += examine(&t);
	}
	/* If most were refused this would show little. */
	print_message("%u of %u accepted\n", accepted, runs);
	assert_true(accepted > runs / 2);
}

/* A few bits turned over: what the verifier lets pass must still be safe, and what it refuses must still be contained. */
static void test_damaged(void **state)
{
	static struct trial t;
	uint32_t accepted = 0, runs = 40000;

	(void)state;
	for (uint32_t n = 0; n < runs; n++) {
		uint32_t flips = 1 + (uint32_t)(rnd() >> 32) % 3;

		make(&t);
		while (flips--) {
			uint64_t at = (rnd() >> 16) % (t.n * sizeof(t.insn[0]) * 8);

			((uint8_t *)t.insn)[at / 8] ^= (uint8_t)(1u << (at % 8));
		}
		accepted += examine(&t);
	}
	print_message("%u of %u accepted\n", accepted, runs);
	assert_true(accepted > 0 && accepted < runs);
}

static void test_noise(void **state)
{
	static struct trial t;

	(void)state;
	for (uint32_t n = 0; n < 50000; n++) {
		make(&t);
		t.n = 1 + (uint32_t)(rnd() >> 32) % 64;
		for (uint32_t i = 0; i < t.n; i++) {
			uint64_t v = rnd();

			memcpy(&t.insn[i], &v, sizeof(v));
		}
		examine(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("vcode: random programs", tests, NULL, NULL);
}
