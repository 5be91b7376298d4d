/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stops.c - what is stopped when it happens: accesses that could not be proved, and time. */
#include "xok/vcode/internal.h"
#include "xok/vcode/test/asm.h"
#include "xok/vcode/test/harness.h"

#define W "r6 = *(u64 *)(r1 + 0);"
#define LEN "r2 = *(u32 *)(r1 + 8);" /* 64, which the verifier does not know */
#define END "; r0 = 0; exit"

struct stop {
	const char *name;
	int reason;
	uint32_t at;
	const char *text;
};

static const struct stop stops[] = {
#define CASE(name, reason, at, text) {name, VC_##reason, at, text},
#include "stops.def"
#undef CASE
};
#define NSTOP (sizeof(stops) / sizeof(stops[0]))

static void test_stop(void **state)
{
	const struct stop *c = *state;
	struct bench b;
	int r;

	bench_open(&b, c->text);
	if (bench_verify(&b))
		fail_msg("refused: %s", b.report.text);
	r = bench_run(&b, T_ENOUGH);
	if (r != c->reason || (r && b.run.pc != c->at))
		fail_msg("expected %s at %u, got %s at %u", vc_reason_name(c->reason), c->at,
			 vc_reason_name(r), b.run.pc);
	bench_close(&b);
}

static void open_verified(struct bench *b, const char *text)
{
	bench_open(b, text);
	if (bench_verify(b))
		fail_msg("refused: %s", b->report.text);
}

/* The jump back from 3 to 1 costs 3 each time it is taken; nothing else costs anything. */
static void test_jump_cost(void **state)
{
	struct bench b;

	(void)state;
	open_verified(&b, "r0 = 5; r0 += -1; r0 = r0; if r0 != 0 goto -3; exit");
	assert_int_equal(bench_run(&b, 100), 0);
	assert_int_equal(b.run.budget, 100 - 4 * 3);
	assert_int_equal(b.run.insns, 2 + 5 * 3);
	/* Exactly enough, and one short of it. */
	assert_int_equal(bench_run(&b, 12), 0);
	assert_int_equal(b.run.budget, 0);
	assert_int_equal(bench_run(&b, 11), VC_BUDGET_EXHAUSTED);
	assert_int_equal(b.run.budget, 2);
	assert_int_equal(b.run.pc, 3);
	assert_int_equal(bench_run(&b, 0), VC_BUDGET_EXHAUSTED);
	assert_int_equal(bench_run(&b, -5), VC_BUDGET_EXHAUSTED);
	assert_int_equal(b.run.budget, 0);
	assert_int_equal(bench_run(&b, INT64_MIN), VC_BUDGET_EXHAUSTED);
	assert_int_equal(bench_run(&b, INT64_MAX), 0);
	bench_close(&b);
}

static void test_call_cost(void **state)
{
	struct bench b;

	(void)state;
	open_verified(&b, "r1 = 3; call +3; r1 = r0; call answer; exit;"
			  "r0 = r1; if r0 == 3 goto +2; r0 = 0; goto +0; exit");
	/* The callee has 5 instructions, of which 3 run. */
	assert_int_equal(bench_run(&b, 100), 0);
	assert_int_equal(b.run.budget, 100 - 5 - COST_ANSWER);
	assert_int_equal(b.run.insns, 5 + 3);
	assert_int_equal(bench_run(&b, 4), VC_BUDGET_EXHAUSTED);
	assert_int_equal(b.run.pc, 1);
	assert_int_equal(bench_run(&b, 5 + COST_ANSWER - 1), VC_BUDGET_EXHAUSTED);
	assert_int_equal(b.run.pc, 3);
	assert_int_equal(b.run.budget, COST_ANSWER - 1);
	assert_int_equal(bench_run(&b, 5 + COST_ANSWER), 0);
	bench_close(&b);
}

/* Lengths of functions, also across the words of the map of their starts. */
static void test_function_length(void **state)
{
	static struct vc_insn insn[300];
	uint32_t n;

	(void)state;
	for (uint32_t len = 2; len < 200; len += 7) {
		struct bench b;

		n = assemble(&test_kind, "call +2; r0 = 0; exit", insn, 300);
		for (uint32_t i = 0; i + 1 < len; i++)
			n += assemble(&test_kind, "r0 = 0", insn + n, 300 - n);
		n += assemble(&test_kind, "exit; r0 = 0; exit", insn + n, 300 - n);
		bench_insns(&b, insn, n);
		b.prog.nentry = 2;
		b.prog.entry[1] = 3 + len; /* a function behind the callee */
		assert_int_equal(bench_verify(&b), 0);
		assert_int_equal(bench_run(&b, 1000), 0);
		assert_int_equal(b.run.budget, 1000 - len);
		assert_int_equal(b.run.insns, 3 + len);
		b.prog.nentry = 1; /* now it is part of the callee */
		assert_int_equal(bench_verify(&b), 0);
		assert_int_equal(bench_run(&b, 1000), 0);
		assert_int_equal(b.run.budget, 1000 - len - 2);
		bench_close(&b);
	}
}

static void test_helper_charges(void **state)
{
	struct bench b;

	(void)state;
	open_verified(&b, "r1 = 30; call charge; exit");
	assert_int_equal(bench_run(&b, 100), 0);
	assert_int_equal(b.run.budget, 100 - 30 - COST_SMALL);
	assert_int_equal(bench_run(&b, 10), 0);
	assert_int_equal(b.run.budget, 0);
	bench_close(&b);
	/* What a helper gives back is not taken. */
	open_verified(&b, "r1 = -30; call charge; exit");
	assert_int_equal(bench_run(&b, 100), 0);
	assert_int_equal(b.run.budget, 100 - COST_SMALL);
	bench_close(&b);
}

static void test_helper_stop(void **state)
{
	struct bench b;
	char text[128];

	(void)state;
	open_verified(&b, "r1 = 42; call stop; exit");
	assert_int_equal(bench_run(&b, 100), VC_HELPER_STOP);
	assert_int_equal(b.run.stop, 42);
	assert_int_equal(b.run.pc, 1);
	vc_stop_text(&b.prog, &b.run, VC_HELPER_STOP, text, sizeof(text));
	assert_string_equal(text,
			    "instruction 1: call stop: a helper stopped the program: reason 42; "
			    "see the stop reason");
	bench_close(&b);
	open_verified(&b, "r1 = 0; call stop; r0 = 3; exit");
	assert_int_equal(bench_run(&b, 100), 0);
	assert_int_equal(b.run.r0, 3);
	bench_close(&b);
}

/* A window of any length, also none: the last byte is reached and the one behind it is not. */
static void test_window_lengths(void **state)
{
	static const char *const loads[] = {
		W LEN "r6 += r2; r0 = *(u8 *)(r6 - 1); exit",
		W LEN "r6 += r2; r0 = *(u16 *)(r6 - 2); exit",
		W LEN "r6 += r2; r0 = *(u32 *)(r6 - 4); exit",
		W LEN "r6 += r2; r0 = *(u64 *)(r6 - 8); exit",
	};

	(void)state;
	for (uint32_t n = 0; n < 4; n++) {
		struct bench b;

		bench_open_kind(&b, &any_kind, loads[n]);
		assert_int_equal(bench_verify(&b), 0);
		for (uint32_t len = 0; len < 20; len++) {
			int want = len >= 1u << n ? 0 : VC_WINDOW_BOUNDS;

			bench_window(&b, len);
			assert_int_equal(bench_run(&b, 0), want);
			b.ctx->len++; /* now the load is one byte too far */
			assert_int_equal(bench_run(&b, 0), VC_WINDOW_BOUNDS);
		}
		bench_close(&b);
	}
}

/*
 * Programs that no verifier saw: the interpreter stays within its memory and ends, whatever it is given. AddressSanitizer
 * watches the edges.
 */
static void test_unverified(void **state)
{
	static const struct stop cases[] = {
		{"runs off the end", VC_NO_EXIT, 0, "r0 = 0"},
		{"LDDW at the end", VC_NO_EXIT, 0, "raw 0x18 0 0 0 0"},
		{"jump far out", VC_BAD_JUMP, 0, "gotol +2000000000"},
		{"jump before the start", VC_BAD_JUMP, 0, "goto -100"},
		{"call far out", VC_BAD_JUMP, 0, "call +2000000000"},
		{"recursion", VC_RECURSION, 0, "call -1"},
		{"forged helper", VC_BAD_HELPER, 0, "call helper 77"},
		{"helper of another kind", VC_BAD_HELPER, 0, "call helper 13" END},
		{"number as pointer", VC_NOT_A_POINTER, 1, "r2 = 4096; r0 = *(u8 *)(r2 + 0)" END},
		{"store through a number", VC_NOT_A_POINTER, 1, "r2 = 0; *(u8 *)(r2 + 0) = 1" END},
		{"two pointers added", VC_DATA_BOUNDS, 2, W "r6 += r1; r0 = *(u8 *)(r6 + 32)" END},
		{"context written", VC_READ_ONLY, 0, "*(u8 *)(r1 + 8) = 1" END},
		{"window pointer read", VC_CONTEXT_ACCESS, 0, "r0 = *(u32 *)(r1 + 4)" END},
		{"pointer stored", VC_POINTER_LEAK, 1, W "*(u64 *)(r6 + 0) = r6" END},
		{"pointer returned", VC_POINTER_LEAK, 1, "r0 = r1; exit"},
		{"pointer to a helper", VC_POINTER_LEAK, 0, "call answer" END},
		{"frame of a function that is gone", VC_STACK_BOUNDS, 1,
		 "call +2; r0 = *(u8 *)(r0 - 8); exit; r0 = r10; exit"},
		{"two tables added", VC_TABLE_BOUNDS, 5,
		 "r2 = table0 + 0 ll; r3 = table1 + 0 ll; r2 += r3; r0 = *(u8 *)(r2 + 0)" END},
		{"table that is not there", VC_TABLE_BOUNDS, 2,
		 "r2 = table7 + 0 ll; r0 = *(u8 *)(r2 + 0)" END},
		{"handle that is not there", VC_HELPER_ARGUMENT, 2,
		 "r1 = &table7 ll; call table" END},
		{"handle moved", VC_HELPER_ARGUMENT, 3, "r1 = &table0 ll; r1 += 3; call table" END},
		{"handle as pointer", VC_NOT_A_POINTER, 2,
		 "r2 = &table0 ll; r0 = *(u8 *)(r2 + 0)" END},
		{"signed half of the window pointer", VC_CONTEXT_ACCESS, 0,
		 "r0 = *(s32 *)(r1 + 0); exit"},
		{"pointer added to data", VC_POINTER_LEAK, 2,
		 "r2 = data + 0 ll; lock add *(u64 *)(r2 + 0), r1" END},
		{"data compared with a pointer", VC_POINTER_LEAK, 4,
		 "r2 = data + 0 ll; r0 = r1; r3 = 0; r0 = cmpxchg((u64 *)(r2 + 0), r0, r3)" END},
		{"pointer sign-extended", VC_NOT_A_POINTER, 2,
		 W "r6 = (s32)r6; r0 = *(u8 *)(r6 + 0)" END},
		{"moved context passed", VC_HELPER_ARGUMENT, 1, "r1 += 8; call context" END},
		{"number passed as the context", VC_HELPER_ARGUMENT, 1, "r1 = 0; call context" END},
		{"r10 moved", VC_STACK_BOUNDS, 1, "r10 += -600; *(u64 *)(r10 + 0) = 0" END},
		{"r10 a number", VC_NOT_A_POINTER, 1, "r10 = 4096; *(u64 *)(r10 + 0) = 0" END},
		{"registers that do not exist", VC_FINE, 0,
		 "raw 0xb7 15 0 0 1; raw 0xbf 0 15 0 0; exit"},
		{"reserved opcodes", VC_FINE, 0,
		 "raw 0xff 1 1 0 0; raw 0xe5 0 0 1 0; raw 0 0 0 0 0; r0 = 0; exit"},
	};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct bench b;
		int r;

		bench_open(&b, cases[n].text);
		b.run.budget = 1000;
		r = vc_interp(&b.prog, 0, &b.run);
		if (r != cases[n].reason || (r && b.run.pc != cases[n].at))
			fail_msg("%s: %s at %u", cases[n].name, vc_reason_name(r), b.run.pc);
		bench_close(&b);
	}
}

int main(void)
{
	static struct CMUnitTest tests[NSTOP + 7];
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_jump_cost),	cmocka_unit_test(test_call_cost),
		cmocka_unit_test(test_function_length), cmocka_unit_test(test_helper_charges),
		cmocka_unit_test(test_helper_stop),	cmocka_unit_test(test_window_lengths),
		cmocka_unit_test(test_unverified),
	};

	for (size_t n = 0; n < NSTOP; n++)
		tests[n] = (struct CMUnitTest){.name = stops[n].name,
					       .test_func = test_stop,
					       .initial_state = (void *)(uintptr_t)&stops[n]};
	memcpy(tests + NSTOP, more, sizeof(more));
	return cmocka_run_group_tests_name("vcode: stops", tests, NULL, NULL);
}
