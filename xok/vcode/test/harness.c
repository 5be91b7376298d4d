/* SPDX-License-Identifier: BSD-2-Clause */
#include "xok/vcode/test/harness.h"

#include "xok/vcode/test/asm.h"

static uint64_t answer(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)stop;
	return 2 * a[0] + 1;
}

static uint64_t sum(void *user, const uint64_t a[5], int *stop)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)a[0];
	uint64_t total = 0;

	(void)user;
	(void)stop;
	for (uint64_t n = 0; n < a[1]; n++)
		total += p[n];
	return total;
}

static uint64_t fill(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)stop;
	if (a[1])
		memset((void *)(uintptr_t)a[0], (int)a[2], a[1]);
	return 0;
}

static uint64_t context(void *user, const uint64_t a[5], int *stop)
{
	(void)stop;
	return a[0] == (uintptr_t)((struct bench *)user)->ctx;
}

static uint64_t stop_now(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	*stop = (int)a[0];
	return 0;
}

static uint64_t five(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)stop;
	return a[0] + 2 * a[1] + 3 * a[2] + 4 * a[3] + 5 * a[4];
}

static uint64_t none(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)stop;
	return a[0] | a[1] | a[2] | a[3] | a[4] ? 0 : 7;
}

static uint64_t charge(void *user, const uint64_t a[5], int *stop)
{
	(void)stop;
	((struct bench *)user)->run.budget -= (int64_t)a[0];
	return 0;
}

static uint64_t both(void *user, const uint64_t a[5], int *stop)
{
	uint64_t n = a[1] < a[3] ? a[1] : a[3];

	(void)user;
	(void)stop;
	if (n)
		memmove((void *)(uintptr_t)a[2], (const void *)(uintptr_t)a[0], n);
	return n;
}

static const struct vc_helper helpers[] = {
	{1, "answer", {VC_ARG_SCALAR}, COST_ANSWER, answer},
	{2, "sum", {VC_ARG_MEM_R, VC_ARG_MEM_SIZE}, COST_SUM, sum},
	{3, "fill", {VC_ARG_MEM_W, VC_ARG_MEM_SIZE, VC_ARG_SCALAR}, COST_FILL, fill},
	{4, "context", {VC_ARG_CTX}, COST_SMALL, context},
	{5, "stop", {VC_ARG_SCALAR}, COST_SMALL, stop_now},
	{6,
	 "five",
	 {VC_ARG_SCALAR, VC_ARG_SCALAR, VC_ARG_SCALAR, VC_ARG_SCALAR, VC_ARG_SCALAR},
	 COST_SMALL,
	 five},
	{7, "none", {VC_ARG_NONE}, COST_SMALL, none},
	{8, "charge", {VC_ARG_SCALAR}, COST_SMALL, charge},
	{9,
	 "both",
	 {VC_ARG_MEM_R, VC_ARG_MEM_SIZE, VC_ARG_MEM_W, VC_ARG_MEM_SIZE},
	 COST_SMALL,
	 both},
};

const struct vc_kind test_kind = {
	.name = "test",
	.ctx_size = sizeof(struct test_ctx),
	.ctx_window_off = offsetof(struct test_ctx, window),
	.min_window = T_MIN_WINDOW,
	.max_window = T_MAX_WINDOW,
	.helpers = helpers,
	.nhelpers = sizeof(helpers) / sizeof(helpers[0]),
};

void bench_window(struct bench *b, uint32_t len)
{
	free(b->run.window);
	b->run.window = malloc(len ? len : 1);
	b->run.window_len = len;
	for (uint32_t n = 0; n < len; n++)
		b->run.window[n] = (uint8_t)n;
	b->ctx->window = (uintptr_t)b->run.window;
	b->ctx->len = len;
}

void bench_insns(struct bench *b, const struct vc_insn *insn, uint32_t n)
{
	memset(b, 0, sizeof(*b));
	b->insn = malloc(n ? n * sizeof(*insn) : 1);
	if (n)
		memcpy(b->insn, insn, n * sizeof(*insn));
	b->rodata = malloc(T_RODATA);
	for (uint32_t i = 0; i < T_RODATA; i++)
		b->rodata[i] = (uint8_t)(100 + i);
	b->prog = (struct vc_prog){
		.kind = &test_kind,
		.insn = b->insn,
		.ninsn = n,
		.rodata = b->rodata,
		.rodata_len = T_RODATA,
		.data_len = T_DATA,
		.nentry = 1,
	};
	b->ctx = malloc(sizeof(*b->ctx));
	*b->ctx = (struct test_ctx){
		.half = 0x8001, .byte = 0x7f, .negative = 0x80, .a = 0x1122334455667788, .b = 5};
	b->run.ctx = b->ctx;
	b->run.data = malloc(T_DATA);
	b->run.stack = aligned_alloc(16, VC_STACK * VC_FRAMES);
	memset(b->run.stack, 0xee, VC_STACK * VC_FRAMES);
	b->run.user = b;
	bench_window(b, 64);
}

void bench_open(struct bench *b, const char *text)
{
	static struct vc_insn insn[VC_INSNS_MAX];

	bench_insns(b, insn, assemble(&test_kind, text, insn, VC_INSNS_MAX));
}

void bench_close(struct bench *b)
{
	free(b->insn);
	free(b->rodata);
	free(b->ctx);
	free(b->run.window);
	free(b->run.data);
	free(b->run.stack);
}

int bench_verify(struct bench *b)
{
	size_t len = vc_scratch_size(b->prog.ninsn);
	void *scratch = malloc(len);
	int r;

	memset(scratch, 0xaa, len);
	r = vc_verify(&b->prog, scratch, len, &b->report);
	free(scratch);
	assert_int_equal(r, b->report.reason);
	return r;
}

int bench_run(struct bench *b, int64_t budget)
{
	int r;

	memset(b->run.data, 0, b->prog.data_len);
	b->run.budget = budget;
	r = vc_interp(&b->prog, 0, &b->run);
	if (budget < 0)
		budget = 0;
	assert_true(b->run.budget >= 0 && b->run.budget <= budget);
	assert_true(b->run.insns <= (uint64_t)budget + b->prog.ninsn);
	assert_true(b->run.pc < b->prog.ninsn);
	return r;
}

static int verify_and_run(const char *text, uint64_t *r0)
{
	struct bench b;
	int r;

	bench_open(&b, text);
	r = bench_verify(&b);
	if (r)
		fail_msg("refused: %s [%s]\n%s", b.report.text, b.report.state, text);
	r = bench_run(&b, T_ENOUGH);
	*r0 = b.run.r0;
	bench_close(&b);
	return r;
}

uint64_t run_text(const char *text)
{
	uint64_t r0;
	int r = verify_and_run(text, &r0);

	if (r)
		fail_msg("stopped: %s\n%s", vc_reason_text(r), text);
	return r0;
}

int stop_text(const char *text)
{
	uint64_t r0;

	return verify_and_run(text, &r0);
}
