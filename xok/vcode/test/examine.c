/* SPDX-License-Identifier: BSD-2-Clause */
/* examine.c - what must hold of every program and run; see generate.h. */
#include "xok/vcode/internal.h"
#include "xok/vcode/test/generate.h"
#include "xok/vcode/test/harness.h"

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

static bool verify(struct bench *b)
{
	size_t len = vc_scratch_size(b->prog.ninsn);
	void *scratch = malloc(len);
	struct vc_report again;
	int r, second;

	memset(scratch, 0xaa, len);
	r = vc_verify(&b->prog, scratch, len, &b->report);
	/* What scratch held before does not matter. */
	second = vc_verify(&b->prog, scratch, len, &again);
	free(scratch);
	check(r == second && !memcmp(&again, &b->report, sizeof(again)), "another verdict", b);
	check((r != 0) == (b->report.text[0] != 0), "refused without a word", b);
	check(strlen(b->report.text) < sizeof(b->report.text), "text runs on", b);
	check(strlen(b->report.state) < sizeof(b->report.state), "state runs on", b);
	return r == 0;
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
	case VC_DATA_BOUNDS: return helper || (memory && base_of(i) != 10);
	case VC_STACK_BOUNDS:
	case VC_POINTER_LEAK:
		/* Through r10 the place is known, and the verifier must have seen it. */
		return helper || (memory && base_of(i) != 10);
	default: return false;
	}
}

static void run_once(struct bench *b, int64_t budget, int *result)
{
	memset(b->run.data, 0, T_DATA);
	b->run.budget = budget;
	*result = vc_interp(&b->prog, 0, &b->run);
	check(b->run.budget >= 0 && b->run.budget <= budget, "budget", b);
	check(b->run.pc < b->prog.ninsn, "pc", b);
	for (uint32_t n = 0; n < T_RODATA; n++)
		check(b->rodata[n] == 100 + n, "rodata changed", b);
	check(b->ctx->len == b->run.window_len && b->ctx->b == 5, "context changed", b);
}

bool examine(const struct vc_insn *insn, uint32_t n, uint32_t window_len, int64_t budget)
{
	struct bench b[2];
	int result[2];
	bool accepted;

	for (int k = 0; k < 2; k++) {
		bench_insns(&b[k], insn, n);
		bench_window(&b[k], window_len);
	}
	accepted = verify(&b[0]);
	for (int k = 0; k < 2 && n > 0; k++)
		run_once(&b[k], budget, &result[k]);
	if (n > 0) {
		const struct vc_run *x = &b[0].run, *y = &b[1].run;

		check(!accepted || left_to_run_time(result[0], &insn[x->pc]),
		      vc_reason_name(result[0]), &b[0]);
		check(!accepted || x->insns <= (uint64_t)budget + n, "ran for too long", &b[0]);
		check(result[0] == result[1] && x->r0 == y->r0 && x->insns == y->insns &&
			      x->pc == y->pc && x->budget == y->budget && x->stop == y->stop,
		      "two runs differ", &b[0]);
		check(!memcmp(x->window, y->window, window_len), "two windows differ", &b[0]);
		check(!memcmp(x->data, y->data, T_DATA), "two data differ", &b[0]);
	}
	bench_close(&b[0]);
	bench_close(&b[1]);
	return accepted;
}
