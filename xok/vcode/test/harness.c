/* SPDX-License-Identifier: BSD-2-Clause */
#include "xok/vcode/test/harness.h"

#include "xok/vcode/test/asm.h"

#define HELPER_FN(name)                                                                         \
	static uint64_t name(                                                                   \
		struct vc_run *run __attribute__((unused)), uint64_t a __attribute__((unused)), \
		uint64_t b __attribute__((unused)), uint64_t c __attribute__((unused)),         \
		uint64_t d __attribute__((unused)), uint64_t e __attribute__((unused)))

HELPER_FN(answer)
{
	return 2 * a + 1;
}

HELPER_FN(sum)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)a;
	uint64_t total = 0;

	for (uint64_t n = 0; n < b; n++)
		total += p[n];
	return total;
}

HELPER_FN(fill)
{
	if (b)
		memset((void *)(uintptr_t)a, (int)c, b);
	return 0;
}

HELPER_FN(context)
{
	return a == (uintptr_t)((struct bench *)run->user)->ctx;
}

HELPER_FN(stop_now)
{
	run->stop = (int)a;
	return 0;
}

HELPER_FN(five)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e;
}

HELPER_FN(none)
{
	return 7;
}

HELPER_FN(charge)
{
	run->budget -= (int64_t)a;
	return 0;
}

HELPER_FN(both)
{
	uint64_t n = b < d ? b : d;

	if (n)
		memmove((void *)(uintptr_t)c, (const void *)(uintptr_t)a, n);
	return n;
}

HELPER_FN(table)
{
	return 100 + a;
}

HELPER_FN(put)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)b;
	uint8_t *to = (uint8_t *)(uintptr_t)d, byte;

	for (uint64_t n = 0; n < c && n < e; n++) {
		byte = from[n];
		to[n] = (uint8_t)(byte + a);
	}
	return a;
}

HELPER_FN(left)
{
	return (uint64_t)run->budget << 16 | run->pc;
}

HELPER_FN(raw)
{
	return a;
}

#define FOR_TEST (1u << VC_KIND_HANDLER)
#define FOR_ANY (FOR_TEST | 1u << VC_KIND_PREDICATE)
#define FOR_RAW (1u << VC_KIND_RAW)
#define S VC_ARG_SCALAR
#define R VC_ARG_MEM_R
#define W VC_ARG_MEM_W
#define N VC_ARG_MEM_SIZE
#define T VC_ARG_TABLE

const struct vc_helper vc_helpers[VC_NHELPER] = {
	[H_ANSWER] = {"answer", {S}, FOR_TEST, VC_PLAIN, COST_ANSWER, "", ""},
	[H_SUM] = {"sum",
		   {R, N},
		   FOR_TEST | FOR_RAW,
		   VC_PLAIN,
		   COST_SUM,
		   "uint64_t sum(const void *, uint32_t)",
		   ""},
	[H_FILL] = {"fill", {W, N, S}, FOR_TEST | FOR_RAW, VC_PLAIN, COST_FILL, "", ""},
	[H_CONTEXT] = {"context", {VC_ARG_CTX}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_STOP] = {"stop", {S}, FOR_TEST, VC_METERED, COST_SMALL, "", ""},
	[H_FIVE] = {"five", {S, S, S, S, S}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_NONE] = {"none", {VC_ARG_NONE}, FOR_ANY, VC_PLAIN, COST_SMALL, "", ""},
	[H_CHARGE] = {"charge", {S}, FOR_TEST, VC_METERED, COST_SMALL, "", ""},
	[H_BOTH] = {"both", {R, N, W, N}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_TABLE] = {"table", {T}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_PUT] = {"put", {T, R, N, W, N}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_LEFT] = {"left", {VC_ARG_NONE}, FOR_TEST, VC_PLAIN, COST_SMALL, "", ""},
	[H_RAW] = {"raw", {S}, FOR_RAW, VC_PLAIN, COST_SMALL, "", ""},
};

const vc_helper_fn test_fn[VC_NHELPER] = {
	[H_ANSWER] = answer, [H_SUM] = sum,	[H_FILL] = fill, [H_CONTEXT] = context,
	[H_STOP] = stop_now, [H_FIVE] = five,	[H_NONE] = none, [H_CHARGE] = charge,
	[H_BOTH] = both,     [H_TABLE] = table, [H_PUT] = put,	 [H_LEFT] = left,
	[H_RAW] = raw,
};

const struct vc_kind vc_kinds[VC_NKIND] = {
	[VC_KIND_HANDLER] = {.name = "test",
			     .ctx_size = sizeof(struct test_ctx),
			     .ctx_window_off = offsetof(struct test_ctx, window),
			     .min_window = T_MIN_WINDOW,
			     .max_window = T_MAX_WINDOW,
			     .text = ""},
	[VC_KIND_RAW] = {.name = "raw", .ctx_window_off = UINT32_MAX, .text = ""},
	[VC_KIND_PREDICATE] = {.name = "any",
			       .ctx_size = sizeof(struct test_ctx),
			       .ctx_window_off = offsetof(struct test_ctx, window),
			       .text = ""},
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
		.ntable = T_NTABLE,
		.table_bytes = {T_TABLE0, 0, T_TABLE2},
	};
	b->ctx = malloc(sizeof(*b->ctx));
	*b->ctx = (struct test_ctx){
		.half = 0x8001, .byte = 0x7f, .negative = 0x80, .a = 0x1122334455667788, .b = 5};
	b->run.ctx = b->ctx;
	b->run.data = malloc(T_DATA);
	b->run.stack = aligned_alloc(16, VC_STACK_BYTES);
	memset(b->run.stack, 0xee, VC_STACK_BYTES);
	b->run.table[0] = malloc(T_TABLE0);
	b->run.table[2] = malloc(T_TABLE2);
	b->run.fn = test_fn;
	b->run.user = b;
	bench_window(b, 64);
}

void bench_open_kind(struct bench *b, const struct vc_kind *k, const char *text)
{
	static struct vc_insn insn[VC_INSNS_MAX];

	bench_insns(b, insn, assemble(k, text, insn, VC_INSNS_MAX));
	b->prog.kind = k;
}

void bench_open(struct bench *b, const char *text)
{
	bench_open_kind(b, &test_kind, text);
}

void bench_close(struct bench *b)
{
	free(b->insn);
	free(b->rodata);
	free(b->ctx);
	free(b->run.window);
	free(b->run.data);
	free(b->run.stack);
	free(b->run.table[0]);
	free(b->run.table[2]);
}

void bench_clear(struct bench *b)
{
	memset(b->run.data, 0, b->prog.data_len);
	memset(b->run.table[0], 0, T_TABLE0);
	memset(b->run.table[2], 0, T_TABLE2);
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

	bench_clear(b);
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
