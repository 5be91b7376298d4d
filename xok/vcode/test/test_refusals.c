/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_refusals.c - programs that must be refused, each with the reason and the instruction it is refused for; and next to
 * them, programs that look alike and must be accepted.
 */
#include "xok/vcode/test/asm.h"
#include "xok/vcode/test/harness.h"

#define W "r6 = *(u64 *)(r1 + 0);" /* the window */
#define LEN "r2 = *(u32 *)(r1 + 8);"
#define END "; r0 = 0; exit"

struct verdict {
	const char *name;
	int reason;
	uint32_t at;
	uint32_t kind, min_window;
	const char *text;
};

/* refusals.def */
static const struct verdict verdicts[] = {
#define CASE(name, reason, at, text) {name, VC_##reason, at, VC_KIND_HANDLER, 0, text},
#define MIN(name, reason, at, min, text) {name, VC_##reason, at, VC_KIND_HANDLER, min, text},
#define RAW(name, reason, at, text) {name, VC_##reason, at, VC_KIND_RAW, 0, text},
#include "refusals.def"
#undef CASE
#undef MIN
#undef RAW
};
#define NVERDICT (sizeof(verdicts) / sizeof(verdicts[0]))

static void test_verdict(void **state)
{
	const struct verdict *c = *state;
	struct bench b;
	int r;

	bench_open_kind(&b, &vc_kinds[c->kind], c->text);
	b.prog.min_window = c->min_window;
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

static void put(struct vc_insn *i, uint8_t op, uint32_t dst, uint32_t src, int off, int32_t imm)
{
	*i = (struct vc_insn){op, (uint8_t)(dst | src << 4), (int16_t)off, imm};
}

/* A loop that hands 64 pointers round the stack, left from everywhere: each turn changes what is known by one slot only. */
static void test_too_complex(void **state)
{
	static struct vc_insn insn[VC_INSNS_MAX];
	struct vc_insn *i = insn, *loop;
	struct bench b;

	(void)state;
	put(i++, 0x79, 6, 1, 0, 0); /* r6 = the window */
	put(i++, 0xb7, 5, 0, 0, 0);
	for (int n = 1; n <= 64; n++)
		put(i++, 0x7b, 10, 6, -8 * n, 0);
	loop = i;
	for (int n = 64; n > 1; n--) {
		put(i++, 0x79, 0, 10, -8 * (n - 1), 0);
		put(i++, 0x7b, 10, 0, -8 * n, 0);
	}
	put(i++, 0x79, 0, 10, -8, 0);
	put(i++, 0x07, 0, 0, 0, 1);
	put(i++, 0x7b, 10, 0, -8, 0);
	for (; i < insn + 4088; i++)
		put(i, 0x55, 5, 0, -3, (int32_t)(i - insn));
	put(i, 0x55, 5, 0, (int)(loop - i) - 1, 77);
	put(++i, 0xb7, 0, 0, 0, 0);
	put(++i, 0x95, 0, 0, 0, 0);
	bench_insns(&b, insn, (uint32_t)(i - insn) + 1);
	assert_int_equal(bench_verify(&b), VC_TOO_COMPLEX);
	bench_close(&b);
}

static void test_entries(void **state)
{
	struct bench b;

	(void)state;
	bench_insns(&b, nothing, 2);
	b.prog.nentry = 0;
	assert_int_equal(bench_verify(&b), VC_BAD_JUMP);
	b.prog.nentry = VC_ENTRIES_MAX;
	assert_int_equal(bench_verify(&b), 0);
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

static void test_lengths(void **state)
{
	struct bench b;

	(void)state;
	bench_insns(&b, nothing, 2);
	b.prog.rodata_len = b.prog.data_len = INT32_MAX;
	assert_int_equal(bench_verify(&b), 0);
	b.prog.rodata_len++;
	assert_int_equal(bench_verify(&b), VC_DATA_BOUNDS);
	b.prog.rodata_len--;
	b.prog.data_len++;
	assert_int_equal(bench_verify(&b), VC_DATA_BOUNDS);
	bench_close(&b);
}

static void test_tables(void **state)
{
	struct bench b;

	(void)state;
	bench_insns(&b, nothing, 2);
	b.prog.ntable = VC_TABLES_MAX;
	assert_int_equal(bench_verify(&b), 0);
	b.prog.ntable = VC_TABLES_MAX + 1;
	assert_int_equal(bench_verify(&b), VC_BAD_TABLE);
	b.prog.ntable = UINT32_MAX;
	assert_int_equal(bench_verify(&b), VC_BAD_TABLE);
	b.prog.ntable = 1;
	b.prog.table_bytes[0] = INT32_MAX;
	assert_int_equal(bench_verify(&b), 0);
	b.prog.table_bytes[0]++;
	assert_int_equal(bench_verify(&b), VC_BAD_TABLE);
	bench_close(&b);
}

/* Tables are the program's: without any there is not even the first. */
static void test_no_tables(void **state)
{
	static const char *const texts[] = {"r2 = table0 + 0 ll; r0 = 0; exit",
					    "r2 = &table0 ll; r0 = 0; exit"};

	(void)state;
	for (int n = 0; n < 2; n++) {
		struct bench b;

		bench_open(&b, texts[n]);
		assert_int_equal(bench_verify(&b), 0);
		b.prog.ntable = 0;
		assert_int_equal(bench_verify(&b), VC_BAD_TABLE);
		bench_close(&b);
	}
}

/* A kind that is not of the table has no helpers. */
static void test_foreign_kind(void **state)
{
	struct vc_kind kind = test_kind;
	struct bench b;

	(void)state;
	bench_open(&b, "call none; exit");
	assert_int_equal(bench_verify(&b), 0);
	b.prog.kind = &kind;
	assert_int_equal(bench_verify(&b), VC_BAD_HELPER);
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
	static struct CMUnitTest tests[NVERDICT + 8];

	for (size_t n = 0; n < NVERDICT; n++)
		tests[n] = (struct CMUnitTest){.name = verdicts[n].name,
					       .test_func = test_verdict,
					       .initial_state = (void *)(uintptr_t)&verdicts[n]};
	tests[NVERDICT] = (struct CMUnitTest)cmocka_unit_test(test_size);
	tests[NVERDICT + 1] = (struct CMUnitTest)cmocka_unit_test(test_entries);
	tests[NVERDICT + 2] = (struct CMUnitTest)cmocka_unit_test(test_scratch);
	tests[NVERDICT + 3] = (struct CMUnitTest)cmocka_unit_test(test_tables);
	tests[NVERDICT + 4] = (struct CMUnitTest)cmocka_unit_test(test_foreign_kind);
	tests[NVERDICT + 5] = (struct CMUnitTest)cmocka_unit_test(test_no_tables);
	tests[NVERDICT + 6] = (struct CMUnitTest)cmocka_unit_test(test_too_complex);
	tests[NVERDICT + 7] = (struct CMUnitTest)cmocka_unit_test(test_lengths);
	return cmocka_run_group_tests_name("vcode: verdicts", tests, NULL, NULL);
}
