/* SPDX-License-Identifier: BSD-2-Clause */
/* test_programs.c - C programs compiled by clang for BPF and by gcc for this machine must compute the same. */
#include "xok/vcode/test/bpf_elf.h"
#include "xok/vcode/test/harness.h"

#include "xok/vcode/test/programs/checksum.c"
#include "xok/vcode/test/programs/siphash.c"
#undef N
#include "xok/vcode/test/programs/sort.c"
#define total tables_total
#define text tables_text
#include "xok/vcode/test/programs/tables.c"
#undef text
#undef total
#define table pressure_table
#include "xok/vcode/test/programs/pressure.c"
#undef table

_Static_assert(sizeof(struct program_ctx) == sizeof(struct test_ctx), "one context");
_Static_assert(offsetof(struct program_ctx, b) == offsetof(struct test_ctx, b), "one context");

struct program {
	const char *name, *path;
	uint64_t (*native)(struct program_ctx *ctx);
};

static const struct program programs[] = {
	{"checksum", PROGRAMS "checksum.o", checksum}, {"sort", PROGRAMS "sort.o", heapsort},
	{"siphash", PROGRAMS "siphash.o", siphash},    {"tables", PROGRAMS "tables.o", tables},
	{"pressure", PROGRAMS "pressure.o", pressure},
};
#define NPROGRAM (sizeof(programs) / sizeof(programs[0]))

static void bench_object(struct bench *b, const struct bpf_object *o)
{
	bench_insns(b, o->insn, o->ninsn);
	free(b->rodata);
	b->rodata = malloc(o->rodata_len ? o->rodata_len : 1);
	memcpy(b->rodata, o->rodata, o->rodata_len);
	free(b->run.data);
	b->run.data = malloc(o->data_len ? o->data_len : 1);
	b->prog.rodata = b->rodata;
	b->prog.rodata_len = o->rodata_len;
	b->prog.data_len = o->data_len;
	b->prog.entry[0] = o->entry;
}

static void compare(struct bench *b, const struct program *p, uint32_t len, uint64_t salt)
{
	uint8_t window[256] = {0};
	struct program_ctx ctx;
	uint64_t want;

	bench_window(b, len);
	for (uint32_t n = 0; n < len; n++)
		b->run.window[n] = (uint8_t)((n + 1) * (salt * 2 + 1) >> (salt % 5));
	b->ctx->a = salt * 0x9e3779b97f4a7c15;
	b->ctx->half = (uint16_t)salt;
	memcpy(window, b->run.window, len);
	memcpy(&ctx, b->ctx, sizeof(ctx));
	ctx.window = window;
	want = p->native(&ctx);
	assert_int_equal(bench_run(b, T_ENOUGH), 0);
	assert_int_equal(b->run.r0, want);
	assert_memory_equal(b->run.window, window, len);
}

static void test_program(void **state)
{
	static struct bpf_object object;
	const struct program *p = *state;
	struct bench b;

	bpf_object_read(&object, p->path);
	bench_object(&b, &object);
	if (bench_verify(&b))
		fail_msg("refused: %s [%s]", b.report.text, b.report.state);
	for (uint32_t len = 24; len < 80; len++)
		for (uint64_t salt = 0; salt < 40; salt++)
			compare(&b, p, len, salt);
	bench_close(&b);
}

/* The same, step by step: with less budget every run stops somewhere, and none runs longer than paid for (bench_run). */
static void test_short_budget(void **state)
{
	static struct bpf_object object;
	struct bench b;

	(void)state;
	bpf_object_read(&object, PROGRAMS "sort.o");
	bench_object(&b, &object);
	assert_int_equal(bench_verify(&b), 0);
	for (int64_t budget = 0; budget < 3000; budget += 37)
		assert_int_equal(bench_run(&b, budget), VC_BUDGET_EXHAUSTED);
	assert_int_equal(bench_run(&b, T_ENOUGH), 0);
	bench_close(&b);
}

int main(void)
{
	static struct CMUnitTest tests[NPROGRAM + 1];

	for (size_t n = 0; n < NPROGRAM; n++)
		tests[n] = (struct CMUnitTest){.name = programs[n].name,
					       .test_func = test_program,
					       .initial_state = (void *)(uintptr_t)&programs[n]};
	tests[NPROGRAM] = (struct CMUnitTest)cmocka_unit_test(test_short_budget);
	return cmocka_run_group_tests_name("vcode: compiled programs", tests, NULL, NULL);
}
