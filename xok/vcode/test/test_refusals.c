/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_refusals.c - programs that must be refused, each with the reason and the instruction it is refused for; and next to
 * them, programs that look alike and must be accepted.
 */
#include "xok/vcode/test/asm.h"
#include "xok/vcode/test/harness.h"

#define W "r6 = *(u64 *)(r1 + 0);" /* the window */
#define END "; r0 = 0; exit"

struct verdict {
	const char *name;
	int reason;
	uint32_t at;
	const char *text;
};

static const struct verdict verdicts[] = {
#define CASE(name, reason, at, text) {name, VC_##reason, at, text},
#include "refusals.def"
#undef CASE
};
#define NVERDICT (sizeof(verdicts) / sizeof(verdicts[0]))

static void test_verdict(void **state)
{
	const struct verdict *c = *state;
	struct bench b;
	int r;

	bench_open(&b, c->text);
	r = bench_verify(&b);
	if (r != c->reason || b.report.insn != c->at)
		fail_msg("expected %s at %u, got %s at %u: %s", vc_reason_name(c->reason), c->at,
			 vc_reason_name(r), b.report.insn, b.report.text);
	bench_close(&b);
}

static const struct vc_insn nothing[] = {
	{.op = 0xb7},
	{.op = 0x95},
};

static void test_size(void **state)
{
	static struct vc_insn many[VC_INSNS_MAX + 1];
	struct bench b;

	(void)state;
	for (uint32_t n = 0; n <= VC_INSNS_MAX; n++)
		many[n].op = 0x95;
	many[0].op = 0xb7;
	bench_insns(&b, many, VC_INSNS_MAX);
	assert_int_equal(bench_verify(&b), 0);
	bench_close(&b);
	bench_insns(&b, many, VC_INSNS_MAX + 1);
	assert_int_equal(bench_verify(&b), VC_TOO_LONG);
	bench_close(&b);
	bench_insns(&b, many, 0);
	assert_int_equal(bench_verify(&b), VC_TOO_LONG);
	bench_close(&b);
}

static void test_entries(void **state)
{
	struct bench b;

	(void)state;
	bench_insns(&b, nothing, 2);
	b.prog.nentry = 0;
	assert_int_equal(bench_verify(&b), VC_BAD_JUMP);
	b.prog.nentry = VC_ENTRIES_MAX + 1;
	assert_int_equal(bench_verify(&b), VC_BAD_JUMP);
	b.prog.nentry = 1;
	b.prog.entry[0] = 2;
	assert_int_equal(bench_verify(&b), VC_BAD_JUMP);
	/* An entry at EXIT returns what nobody wrote, and cuts the function before it off. */
	b.prog.entry[0] = 1;
	assert_int_equal(bench_verify(&b), VC_NO_EXIT);
	b.prog.entry[0] = 0;
	assert_int_equal(bench_verify(&b), 0);
	bench_close(&b);
	bench_open(&b, "r0 = 0x1 ll; exit");
	b.prog.entry[0] = 1;
	assert_int_equal(bench_verify(&b), VC_JUMP_INTO_INSN);
	bench_close(&b);
}

/* Working memory that is too small is refused before it is touched. */
static void test_scratch(void **state)
{
	struct bench b;
	uint64_t scratch[1] = {7};

	(void)state;
	bench_insns(&b, nothing, 2);
	assert_int_equal(vc_verify(&b.prog, scratch, sizeof(scratch), &b.report), VC_TOO_LONG);
	assert_int_equal(scratch[0], 7);
	bench_close(&b);
}

int main(void)
{
	static struct CMUnitTest tests[NVERDICT + 3];

	for (size_t n = 0; n < NVERDICT; n++)
		tests[n] = (struct CMUnitTest){.name = verdicts[n].name,
					       .test_func = test_verdict,
					       .initial_state = (void *)(uintptr_t)&verdicts[n]};
	tests[NVERDICT] = (struct CMUnitTest)cmocka_unit_test(test_size);
	tests[NVERDICT + 1] = (struct CMUnitTest)cmocka_unit_test(test_entries);
	tests[NVERDICT + 2] = (struct CMUnitTest)cmocka_unit_test(test_scratch);
	return cmocka_run_group_tests_name("vcode: verdicts", tests, NULL, NULL);
}
