/* SPDX-License-Identifier: BSD-2-Clause */
/* test_replay.c - what the verifier knows before each instruction, as people and the code generator are told. */
#include "xok/vcode/internal.h"
#include "xok/vcode/test/harness.h"

#define W "r6 = *(u64 *)(r1 + 0);"
#define LEN "r2 = *(u32 *)(r1 + 8);"

static void *verified(struct bench *b)
{
	size_t len = vc_scratch_size(b->prog.ninsn);
	void *scratch = malloc(len);

	memset(scratch, 0x55, len);
	if (vc_verify(&b->prog, scratch, len, &b->report))
		fail_msg("refused: %s", b->report.text);
	return scratch;
}

/* What is known before each instruction, twice, to see that telling it changes nothing. */
static void expect_facts(const char *text, const char *const *facts)
{
	struct bench b;
	void *scratch;
	char line[256];

	bench_open(&b, text);
	scratch = verified(&b);
	for (int round = 0; round < 2; round++)
		for (uint32_t pc = 0; pc < b.prog.ninsn; pc++) {
			vc_facts(&b.prog, scratch, pc, line, sizeof(line));
			assert_string_equal(line, facts[pc]);
		}
	vc_facts(&b.prog, scratch, b.prog.ninsn, line, sizeof(line));
	assert_string_equal(line, "");
	free(scratch);
	bench_close(&b);
}

static void test_straight(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r1=ctx r6=window+14 r10=stack",
		"r1=ctx r6=window+14 r10=stack fp-8=window+14",
		"",
		"r1=ctx r2=table0+8 r6=window+14 r10=stack fp-8=window+14",
		"",
		"r1=ctx r2=table0+8 r3=&table1 r6=window+14 r10=stack fp-8=window+14",
		"r0=number r1=ctx r2=table0+8 r3=&table1 r6=window+14 r10=stack fp-8=window+14",
	};

	(void)state;
	expect_facts(W "r6 += 14; *(u64 *)(r10 - 8) = r6; r2 = table0 + 8 ll; r3 = &table1 ll;"
		       "r0 = 0; exit",
		     facts);
}

/* Where paths meet, behind jumps that always go, and where nothing ever comes. */
static void test_paths(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r2=number r10=stack",
		"r1=ctx r2=number r6=window r10=stack",
		"r1=ctx r2=number r6=window r10=stack",
		"r1=ctx r2=number r6=window+? r10=stack",
		"",
		"r1=ctx r2=number r6=window+? r10=stack",
		"r0=number r1=ctx r2=number r6=window+? r10=stack",
	};

	(void)state;
	expect_facts(LEN W "if r2 == 0 goto +1; r6 += 4; goto +1; r0 = r9; r0 = 0; exit", facts);
}

/* A call: the arguments arrive as the callee sees them, the result comes from all its exits, also when those stand before the call. */
static void test_calls(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r1=ctx r2=stack r6=window r10=stack",
		"r0=window+2 r6=window r10=stack",
		"r0=number r6=window r10=stack",
		"r1=ctx r2=outer-stack+? r10=stack",
		"r0=window r1=ctx r2=outer-stack+? r10=stack",
		"r0=window+2 r1=ctx r2=outer-stack+? r10=stack",
	};

	(void)state;
	expect_facts(W "r2 = r10; call +2; r0 = 0; exit; r0 = *(u64 *)(r1 + 0); r0 += 2; exit",
		     facts);
}

/* A function that never returns: nothing comes behind its call. */
static void test_no_return(void **state)
{
	static const char *const facts[] = {"r1=ctx r10=stack", "", "", "r1=ctx r10=stack"};

	(void)state;
	expect_facts("call +2; r0 = r9; exit; goto -1", facts);
}

/*
 * Who writes to the stacks of callers is known to all of them, through functions that pass no pointer themselves: pointers kept
 * there are variable, but for the context and handles.
 */
static void test_outer(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r1=ctx r6=window r10=stack fp-8=window",
		"r1=ctx r6=window r10=stack fp-8=window fp-16=ctx",
		"",
		"r1=ctx r2=&table1 r6=window r10=stack fp-8=window fp-16=ctx",
		"r1=ctx r2=&table1 r6=window r10=stack fp-8=window fp-16=ctx fp-24=&table1",
		"r0=number r6=window r10=stack fp-8=window+? fp-16=ctx fp-24=&table1",
		"r1=ctx r2=&table1 r10=stack",
		"r1=stack r2=&table1 r10=stack",
		"r0=number r10=stack",
		"r1=outer-stack+? r2=&table1 r10=stack",
		"r1=outer-stack+? r2=&table1 r10=stack",
		"r0=number r1=outer-stack+? r2=&table1 r10=stack",
	};

	(void)state;
	expect_facts(W "*(u64 *)(r10 - 8) = r6; *(u64 *)(r10 - 16) = r1; r2 = &table1 ll;"
		       "*(u64 *)(r10 - 24) = r2; call +1; exit; r1 = r10; call +1; exit;"
		       "*(u64 *)(r1 - 520) = 0; r0 = 0; exit",
		     facts);
}

/* A path that writes there, found when the call was followed already. */
static void test_outer_late(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r1=ctx r6=window r10=stack fp-8=window",
		"r1=ctx r2=stack r6=window r10=stack fp-8=window",
		"r0=number r6=window r10=stack fp-8=window+?",
		"r1=ctx r2=outer-stack+? r10=stack",
		"r0=number r1=ctx r2=outer-stack+? r10=stack",
		"r0=number r1=ctx r2=outer-stack+? r10=stack",
		"r0=number r1=ctx r2=outer-stack+? r10=stack",
		"r0=number r1=ctx r2=outer-stack+? r10=stack",
	};

	(void)state;
	expect_facts(W "*(u64 *)(r10 - 8) = r6; r2 = r10; call +1; exit; r0 = *(u32 *)(r1 + 8);"
		       "if r0 == 0 goto +1; exit; *(u64 *)(r2 - 8) = r0; exit",
		     facts);
}

/* The same when it only reads there: nothing is forgotten. */
static void test_outer_read(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r1=ctx r6=window r10=stack fp-8=window",
		"r1=stack r6=window r10=stack fp-8=window",
		"r0=number r6=window r10=stack fp-8=window",
		"r1=outer-stack+? r10=stack",
		"r0=number r1=outer-stack+? r10=stack",
	};

	(void)state;
	expect_facts(W "*(u64 *)(r10 - 8) = r6; r1 = r10; call +1; exit;"
		       "r0 = *(u64 *)(r1 - 16); exit",
		     facts);
}

/* A loop: what its later rounds do is known at its start. */
static void test_loop(void **state)
{
	static const char *const facts[] = {
		"r1=ctx r10=stack",
		"r1=ctx r6=window r10=stack",
		"r0=number r1=ctx r6=window+? r10=stack",
		"r0=number r1=ctx r6=window+? r10=stack",
		"r0=number r1=ctx r6=window+? r10=stack",
	};

	(void)state;
	expect_facts(W "r0 = 0; r6 += 1; if r0 == 0 goto -2; exit", facts);
}

static void test_replay_order(void **state)
{
	struct bench b;
	void *scratch;
	struct vc_work *w;

	(void)state;
	bench_open(&b, W "r6 += 4; r0 = *(u8 *)(r6 + 0); exit");
	scratch = verified(&b);
	w = vc_work_of(scratch);
	assert_ptr_equal(w->p, &b.prog);
	/* Starting again in the middle. */
	assert_true(vc_replay(w, 0));
	assert_true(vc_replay(w, 1));
	assert_true(vc_replay(w, 0));
	assert_int_equal(w->cur.reg[6].kind, VC_K_UNINIT);
	assert_true(vc_replay(w, 1));
	assert_true(vc_replay(w, 2));
	assert_int_equal(w->cur.reg[6].kind, VC_K_WINDOW);
	assert_int_equal(w->cur.reg[6].off, 4);
	free(scratch);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight),     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_calls),	     cmocka_unit_test(test_no_return),
		cmocka_unit_test(test_outer),	     cmocka_unit_test(test_outer_late),
		cmocka_unit_test(test_outer_read),   cmocka_unit_test(test_loop),
		cmocka_unit_test(test_replay_order),
	};

	return cmocka_run_group_tests_name("vcode: facts", tests, NULL, NULL);
}
