/* SPDX-License-Identifier: BSD-2-Clause */
/* examine.c - what must hold of every program and run; see generate.h. */
#include "xok/vcode/internal.h"
#include "xok/vcode/test/generate.h"
#include "xok/vcode/test/harness.h"
#include "xok/vcode/test/oracle.h"

static void check(bool ok, const char *what, const struct bench *b)
{
	char line[128];

	if (ok)
		return;
	fprintf(stderr, "examine: %s; stopped at %u\n", what, b->run.pc);
	for (uint32_t pc = 0; pc < b->prog.ninsn;) {
		uint32_t at = pc;

		pc += vc_disasm(&b->prog, pc, line, sizeof(line));
		fprintf(stderr, "%4u: %s\n", at, line);
	}
	abort();
}

/* Twice, since what scratch held before does not matter; the scratch memory of the second time if it was accepted, else NULL. */
static void *verify(struct bench *b)
{
	size_t len = vc_scratch_size(b->prog.ninsn);
	void *scratch = malloc(len);
	struct vc_report again;
	int r, second;

	memset(scratch, 0xaa, len);
	r = vc_verify(&b->prog, scratch, len, &b->report);
	second = vc_verify(&b->prog, scratch, len, &again);
	check(r == second && !memcmp(&again, &b->report, sizeof(again)), "another verdict", b);
	check((r != 0) == (b->report.text[0] != 0), "refused without a word", b);
	check(strlen(b->report.text) < sizeof(b->report.text), "text runs on", b);
	check(strlen(b->report.state) < sizeof(b->report.state), "state runs on", b);
	if (!r)
		return scratch;
	free(scratch);
	return NULL;
}

static uint32_t base_of(const struct vc_insn *i)
{
	return VC_CLASS(i->op) == VC_LDX ? vc_src(i) : vc_dst(i);
}

/* Is this a reason for which a program may stop although it was accepted? */
static bool left_to_run_time(int r, const struct vc_insn *i)
{
	bool memory = VC_CLASS(i->op) >= VC_LDX && VC_CLASS(i->op) <= VC_STX;
	bool helper = i->op == VC_OP_CALL && vc_src(i) == VC_SRC_HELPER;

	switch (r) {
	case VC_FINE: return i->op == VC_OP_EXIT;
	case VC_BUDGET_EXHAUSTED: return VC_CLASS(i->op) == VC_JMP || VC_CLASS(i->op) == VC_JMP32;
	case VC_HELPER_STOP:
	case VC_HELPER_ARGUMENT: return helper;
	case VC_WINDOW_BOUNDS:
	case VC_DATA_BOUNDS:
	case VC_TABLE_BOUNDS:
	case VC_STACK_BOUNDS:
		/* Through r10 the place is known, and the verifier must have seen it. */
		return helper || (memory && base_of(i) != 10);
	default: return false;
	}
}

/* A run by the interpreter, or, when there is scratch memory, by the oracle. */
static void run_once(struct bench *b, void *scratch, int64_t budget, int *result)
{
	const char *wrong = NULL;

	bench_clear(b);
	b->run.budget = budget;
	if (scratch)
		*result = oracle_run(&b->prog, scratch, &b->run, &wrong);
	else
		*result = vc_interp(&b->prog, 0, &b->run);
	check(!wrong, wrong ? wrong : "", b);
	check(b->run.budget >= 0 && b->run.budget <= budget, "budget", b);
	check(b->run.pc < b->prog.ninsn, "pc", b);
	for (uint32_t n = 0; n < T_RODATA; n++)
		check(b->rodata[n] == 100 + n, "rodata changed", b);
	check(b->ctx->len == b->run.window_len && b->ctx->b == 5, "context changed", b);
}

static void compare(const struct bench *a, const struct bench *b)
{
	const struct vc_run *x = &a->run, *y = &b->run;

	check(x->r0 == y->r0 && x->insns == y->insns && x->pc == y->pc && x->budget == y->budget &&
		      x->stop == y->stop,
	      "two runs differ", a);
	check(!memcmp(x->window, y->window, x->window_len), "two windows differ", a);
	check(!memcmp(x->data, y->data, T_DATA), "two data differ", a);
	check(!memcmp(x->table[0], y->table[0], T_TABLE0) &&
		      !memcmp(x->table[2], y->table[2], T_TABLE2),
	      "two tables differ", a);
}

/* Is what the run ended with one of the things that the verifier leaves to run time? */
static void check_end(const struct trial *t, const struct bench *b, int result)
{
	const struct vc_run *run = &b->run;
	bool short_window = result == VC_WINDOW_BOUNDS && run->insns == 0;

	check(short_window == (run->window_len < vc_min_window(&b->prog)), "minimum window", b);
	check(short_window || left_to_run_time(result, &t->insn[run->pc]), vc_reason_name(result),
	      b);
	check(run->insns <= (uint64_t)t->budget + t->n, "ran for too long", b);
}

bool examine(const struct trial *t)
{
	struct bench b[2];
	int result[2];
	void *scratch;

	for (int k = 0; k < 2; k++) {
		bench_insns(&b[k], t->insn, t->n);
		b[k].prog.kind = &vc_kinds[t->kind];
		b[k].prog.min_window = t->min_window;
		bench_window(&b[k], t->window_len);
	}
	scratch = verify(&b[0]);
	if (t->n > 0) {
		run_once(&b[0], scratch, t->budget, &result[0]);
		run_once(&b[1], NULL, t->budget, &result[1]);
		check(result[0] == result[1], "two results differ", &b[0]);
		if (scratch)
			check_end(t, &b[0], result[0]);
		compare(&b[0], &b[1]);
	}
	free(scratch);
	bench_close(&b[0]);
	bench_close(&b[1]);
	return scratch != NULL;
}
