/* SPDX-License-Identifier: BSD-2-Clause */
/* test_report.c - what people read: reasons, reports, disassembly. */
#include <ctype.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/asm.h"
#include "xok/vcode/test/harness.h"

/* The counter's name is the enumerator in kebab case. */
static void test_reason_names(void **state)
{
	static const char *const names[VC_NREASON] = {
		[VC_FINE] = "FINE",
#define VC_REASON(enumerator, name, text, hint) [VC_##enumerator] = #enumerator,
#include "xok/vcode/reasons.def"
#undef VC_REASON
	};

	(void)state;
	for (int r = 0; r < VC_NREASON; r++) {
		const char *kebab = vc_reason_name(r);

		assert_int_equal(strlen(kebab), strlen(names[r]));
		for (size_t n = 0; kebab[n]; n++)
			assert_int_equal(kebab[n], names[r][n] == '_' ? '-' : tolower(names[r][n]));
		assert_true(strlen(vc_reason_text(r)) > 0);
		assert_true(r == VC_FINE || strlen(vc_reason_hint(r)) > 0);
	}
	assert_string_equal(vc_reason_name(VC_NREASON), "unknown");
	assert_string_equal(vc_reason_name(-1), "unknown");
}

/* Refused with this text, and the reason's hint if it ends in "; ". */
static void expect_report(const char *program, const char *text, const char *regs)
{
	struct bench b;
	char want[512];

	bench_open(&b, program);
	assert_int_not_equal(bench_verify(&b), 0);
	snprintf(want, sizeof(b.report.text), "%s%s", text,
		 text[strlen(text) - 1] == ' ' ? vc_reason_hint(b.report.reason) : "");
	assert_string_equal(b.report.text, want);
	assert_string_equal(b.report.state, regs);
	bench_close(&b);
}

static void test_reports(void **state)
{
	(void)state;
	expect_report("r1 = *(u64 *)(r1 + 0); r1 += 1300; r2 = *(u32 *)(r1 + 4); r0 = 0; exit",
		      "instruction 2: r2 = *(u32 *)(r1 + 4): an access outside the packet window: "
		      "r1=window+1300; ",
		      "r1=window+1300 r10=stack");
	expect_report(
		"r2 = r10; r2 += -16; *(u64 *)(r10 - 8) = r1; r3 = *(u32 *)(r1 + 8); r2 += r3;"
		"r2 *= 2; r0 = 0; exit",
		"instruction 5: r2 *= 2: arithmetic or a comparison that pointers do not "
		"have: r2=stack+?; ",
		"r1=ctx r2=stack+? r3=number r10=stack fp-8=ctx");
	expect_report(
		"r0 = r7; exit",
		"instruction 0: r0 = r7: a variable (a register or stack slot) is read before "
		"it has a value: r7=uninitialised; ",
		"r1=ctx r10=stack");
	expect_report("goto +7; exit",
		      "instruction 0: goto +7: a jump or call leaves the program or its function; ",
		      "");
	expect_report("raw 0x8d 1 0 0 0; exit",
		      "instruction 0: opcode 0x8d: no such instruction, or a field of it that must "
		      "be zero is not; ",
		      "");
	expect_report("call helper 19; exit",
		      "instruction 0: call helper 19: there is no such helper for programs of this "
		      "kind; ",
		      "");
	expect_report(
		"call helper 13; exit",
		"instruction 0: call raw: there is no such helper for programs of this kind; ", "");
	expect_report(
		"r2 = &table1 ll; r3 = table0 + 4 ll; r4 = &table2 ll; *(u64 *)(r10 - 16) = r4;"
		"r2 += 1; r0 = 0; exit",
		"instruction 7: r2 += 1: a table is used for something else than a helper's "
		"argument: r2=&table1; ",
		"r1=ctx r2=&table1 r3=table0+4 r4=&table2 r10=stack fp-16=&table2");
}

/* Of a helper's argument: which, and what it takes. */
static void test_argument_reports(void **state)
{
	(void)state;
	expect_report("r1 = 5; r2 = 6; call sum; exit",
		      "instruction 2: call sum: a helper's argument is not of the kind it takes: "
		      "r1=number for argument 1 of uint64_t sum(const void *, uint32_t); ",
		      "r1=number r2=number r10=stack");
	expect_report(
		"r2 = r1; r1 = r10; call sum; exit",
		"instruction 2: call sum: a pointer would be stored, returned or passed where "
		"only numbers may be: r2=ctx for argument 2 of uint64_t sum(const void *, "
		"uint32_t); ",
		"r1=stack r2=ctx r10=stack");
}

/* A value that is two things: by paths of one function, or by its calls, which are named. */
static void test_mixed_reports(void **state)
{
	(void)state;
	expect_report(
		"r2 = *(u32 *)(r1 + 8); if r2 == 0 goto +1; r1 = 4; r0 = *(u8 *)(r1 + 8); exit",
		"instruction 3: r0 = *(u8 *)(r1 + 8): a value that is a different kind of "
		"pointer, or a number, on another path: r1=mixed; ",
		"r1=mixed r2=number r10=stack");
	expect_report(
		"r6 = r1; call +8; r1 = r6; call +6; r1 = *(u64 *)(r6 + 0); call +4; r1 = r10;"
		"call +2; r0 = 0; exit; r7 = r1; r0 = *(u8 *)(r7 + 8); exit",
		"instruction 11: r0 = *(u8 *)(r7 + 8): a value that is a different kind of "
		"pointer, or a number, on another path: r7=mixed; the call at 1 passes r1=ctx, "
		"the call at 5 passes r1=window: make the function always_inline",
		"r1=mixed r7=mixed r10=stack");
}

static void test_stop_text(void **state)
{
	struct bench b;
	char text[256], want[256], little[12];

	(void)state;
	bench_open(&b, "r0 = 1; if r0 == 1 goto -2; exit");
	assert_int_equal(bench_verify(&b), 0);
	assert_int_equal(bench_run(&b, 10), VC_BUDGET_EXHAUSTED);
	vc_stop_text(&b.prog, &b.run, VC_BUDGET_EXHAUSTED, text, sizeof(text));
	snprintf(want, sizeof(want), "instruction 1: if r0 == 1 goto -2: the budget is used up; %s",
		 vc_reason_hint(VC_BUDGET_EXHAUSTED));
	assert_string_equal(text, want);
	vc_stop_text(&b.prog, &b.run, VC_BUDGET_EXHAUSTED, little, sizeof(little));
	assert_string_equal(little, "instruction");
	vc_stop_text(&b.prog, &b.run, VC_BUDGET_EXHAUSTED, NULL, 0);
	bench_close(&b);
}

/* Texts as LLVM writes them, with the encodings that llvm-mc gives for them. */
static const struct {
	struct vc_insn insn[2];
	const char *text;
} encodings[] = {
	{{{0xbf, 0x10, 0, 0}}, "r0 = r1"},
	{{{0xb7, 0x00, 0, 5}}, "r0 = 5"},
	{{{0xbc, 0x21, 0, 0}}, "w1 = w2"},
	{{{0x07, 0x02, 0, -8}}, "r2 += -8"},
	{{{0x97, 0x03, 0, 7}}, "r3 %= 7"},
	{{{0x9f, 0x43, 1, 0}}, "r3 s%= r4"},
	{{{0xc7, 0x05, 0, 3}}, "r5 s>>= 3"},
	{{{0x84, 0x06, 0, 0}}, "w6 = -w6"},
	{{{0xdc, 0x01, 0, 16}}, "r1 = be16 r1"},
	{{{0xd7, 0x01, 0, 64}}, "r1 = bswap64 r1"},
	{{{0xbf, 0x21, 8, 0}}, "r1 = (s8)r2"},
	{{{0x71, 0x12, 12, 0}}, "r2 = *(u8 *)(r1 + 12)"},
	{{{0x81, 0x12, -4, 0}}, "r2 = *(s32 *)(r1 - 4)"},
	{{{0x7b, 0x1a, -8, 0}}, "*(u64 *)(r10 - 8) = r1"},
	{{{0x6a, 0x0a, -8, 5}}, "*(u16 *)(r10 - 8) = 5"},
	{{{0x18, 0x01, 0, 0x55667788}, {0, 0, 0, 0x11223344}}, "r1 = 0x1122334455667788 ll"},
	{{{0x18, 0x62, 0, 1}, {0, 0, 0, 12}}, "r2 = data + 12 ll"},
	{{{0x18, 0x62, 0, 3}, {0, 0, 0, 12}}, "r2 = table1 + 12 ll"},
	{{{0x18, 0x53, 0, 3}}, "r3 = &table1 ll"},
	{{{0x05, 0x00, 3, 0}}, "goto +3"},
	{{{0x06, 0x00, 0, -70000}}, "gotol -70000"},
	{{{0x25, 0x01, -3, 64}}, "if r1 > 64 goto -3"},
	{{{0xde, 0x21, 1, 0}}, "if w1 s<= w2 goto +1"},
	{{{0x85, 0x00, 0, 1}}, "call answer"},
	{{{0x85, 0x00, 0, 50}}, "call helper 50"},
	{{{0x85, 0x10, 0, 4}}, "call +4"},
	{{{0x95, 0x00, 0, 0}}, "exit"},
	{{{0xdb, 0x21, 8, 0x00}}, "lock add *(u64 *)(r1 + 8), r2"},
	{{{0xc3, 0x21, 8, 0xa1}}, "w2 = fetch_xor((u32 *)(r1 + 8), w2)"},
	{{{0xdb, 0x21, 8, 0xe1}}, "r2 = xchg((u64 *)(r1 + 8), r2)"},
	{{{0xc3, 0x21, 8, 0xf1}}, "w0 = cmpxchg32((u32 *)(r1 + 8), w0, w2)"},
};

static void test_disassembly(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(encodings) / sizeof(encodings[0]); n++) {
		const struct vc_insn *insn = encodings[n].insn;
		struct vc_prog p = {.kind = &test_kind, .insn = insn, .ninsn = 2};
		uint32_t slots = insn->op == 0x18 ? 2 : 1;
		char text[64];

		assert_int_equal(vc_disasm(&p, 0, text, sizeof(text)), slots);
		assert_string_equal(text, encodings[n].text);
	}
}

/* Every opcode: what the disassembler writes, the assembler reads back. */
static void test_round_trip(void **state)
{
	static const int32_t imms[] = {0, 1, 16, 64, 0x40, 0xa1, 0xe1, 0xf1, 77, -5};
	static const int16_t offs[] = {0, 1, 8, 32, -3};
	uint32_t tried = 0;

	(void)state;
	for (uint32_t n = 0; n < 256u * 10 * 5 * 4; n++) {
		struct vc_insn insn[4] = {
			{(uint8_t)(n % 256), (uint8_t)(1 | n / 12800 << 4), offs[n / 2560 % 5],
			 imms[n / 256 % 10]},
			{.op = (n % 256) == 0x18 ? 0 : 0xb7, .imm = 3},
			{.op = 0xb7},
			{.op = 0x95},
		};
		struct vc_prog p = {.kind = &test_kind, .insn = insn, .ninsn = 4, .nentry = 1};
		static uint64_t scratch[2048];
		struct vc_insn back[2];
		struct vc_report rep;
		char text[64];
		uint32_t slots;
		int r;

		r = vc_verify(&p, scratch, sizeof(scratch), &rep);
		if (r == VC_BAD_OPCODE || r == VC_BAD_REGISTER)
			continue;
		slots = vc_disasm(&p, 0, text, sizeof(text));
		assert_int_equal(assemble(&test_kind, text, back, 2), slots);
		if (memcmp(back, insn, slots * sizeof(*insn)) != 0)
			fail_msg("0x%02x: %s", insn->op, text);
		tried++;
	}
	assert_true(tried > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason_names),	 cmocka_unit_test(test_reports),
		cmocka_unit_test(test_argument_reports), cmocka_unit_test(test_mixed_reports),
		cmocka_unit_test(test_stop_text),	 cmocka_unit_test(test_disassembly),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("vcode: reports", tests, NULL, NULL);
}
