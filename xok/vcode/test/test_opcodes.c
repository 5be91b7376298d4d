/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_opcodes.c - the opcode table against a second reading of RFC 9669, written as rules on the encoding: every opcode
 * with every combination of fields that tell one form from another must be accepted or refused alike.
 */
#include "xok/vcode/test/harness.h"

enum { LEGAL, ILLEGAL, WRONG_REGISTER };

static bool zero_or(int v, int a, int b, int c)
{
	return v == 0 || v == a || v == b || v == c;
}

/* RFC 9669 section 4.1 and 4.2: arithmetic and byte swaps. */
static int judge_alu(uint8_t op, int dst, int src, int off, int imm)
{
	int code = op >> 4, x = op & 8, wide = (op & 7) == 7;
	bool ok = true;

	if (code == 13) { /* END: 64-bit class swaps always and has no X bit */
		ok = !(wide && x) && src == 0 && off == 0 && (imm == 16 || imm == 32 || imm == 64);
	} else if (code == 8) { /* NEG: one operand */
		ok = !x && src == 0 && off == 0 && imm == 0;
	} else if (code > 13) {
		ok = false;
	} else {
		ok = x ? imm == 0 : src == 0;
		if (code == 3 || code == 9)
			ok &= off == 0 || off == 1;
		else if (code == 11 && x)
			ok &= zero_or(off, 8, 16, wide ? 32 : 8);
		else
			ok &= off == 0;
	}
	if (!ok)
		return ILLEGAL;
	return dst > 9 || src > 10 ? WRONG_REGISTER : LEGAL;
}

/* Section 4.3: jumps. */
static int judge_jump(uint8_t op, int dst, int src, int off, int imm)
{
	int code = op >> 4, x = op & 8, small = (op & 7) == 6;

	switch (code) {
	case 0:
		if (x || dst || src || (small ? off : imm))
			return ILLEGAL;
		return LEGAL;
	case 8: return x || small || dst || off || src > 1 ? ILLEGAL : LEGAL;
	case 9: return x || small || dst || src || off || imm ? ILLEGAL : LEGAL;
	case 14:
	case 15: return ILLEGAL;
	default: break;
	}
	if (x ? imm != 0 : src != 0)
		return ILLEGAL;
	return dst > 10 || src > 10 ? WRONG_REGISTER : LEGAL;
}

/* Section 5: loads and stores. */
static int judge_memory(uint8_t op, int dst, int src, int imm)
{
	int cls = op & 7, size = op >> 3 & 3, mode = op >> 5;
	bool fetch;

	if (cls == 1) { /* LDX: MEM, or MEMSX of less than 8 bytes */
		if (!(mode == 3 || (mode == 4 && size != 3)) || imm)
			return ILLEGAL;
		return dst > 9 || src > 10 ? WRONG_REGISTER : LEGAL;
	}
	if (cls == 2)
		return mode != 3 || src ? ILLEGAL : dst > 10 ? WRONG_REGISTER : LEGAL;
	if (mode == 3)
		return imm ? ILLEGAL : dst > 10 || src > 10 ? WRONG_REGISTER : LEGAL;
	if (mode != 6 || (size != 0 && size != 3))
		return ILLEGAL;
	switch (imm & ~1) {
	case 0x00:
	case 0x40:
	case 0x50:
	case 0xa0: break;
	case 0xe0:
	case 0xf0:
		if (!(imm & 1))
			return ILLEGAL;
		break;
	default: return ILLEGAL;
	}
	fetch = (imm & 1) && imm != 0xf1;
	return dst > 10 || src > (fetch ? 9 : 10) ? WRONG_REGISTER : LEGAL;
}

static int judge(uint8_t op, int dst, int src, int off, int imm)
{
	switch (op & 7) {
	case 0: /* only LDDW: a constant, a map by index (its handle or its memory); other sources are Linux's own */
		if (op != 0x18 || off || !(src == 0 || src == 5 || src == 6))
			return ILLEGAL;
		return dst > 9 ? WRONG_REGISTER : LEGAL;
	case 4:
	case 7: return judge_alu(op, dst, src, off, imm);
	case 5:
	case 6: return judge_jump(op, dst, src, off, imm);
	default: return judge_memory(op, dst, src, imm);
	}
}

/* What the verifier says about the instruction as such; what comes later (jumps, data flow) counts as legal. */
static int verdict(uint8_t op, int dst, int src, int off, int imm)
{
	static uint64_t scratch[2048];
	struct vc_insn insn[4] = {
		{op, (uint8_t)(dst | src << 4), (int16_t)off, imm},
		{.op = op == 0x18 ? 0 : 0xb7},
		{.op = 0xb7},
		{.op = 0x95},
	};
	struct vc_prog p = {.kind = &test_kind, .insn = insn, .ninsn = 4, .nentry = 1};
	struct vc_report rep;

	assert_true(vc_scratch_size(4) <= sizeof(scratch));
	switch (vc_verify(&p, scratch, sizeof(scratch), &rep)) {
	case VC_BAD_OPCODE: return ILLEGAL;
	case VC_BAD_REGISTER: return WRONG_REGISTER;
	default: return LEGAL;
	}
}

static void expect(int op, int dst, int src, int off, int imm, uint32_t *legal)
{
	int want = judge((uint8_t)op, dst, src, off, imm);
	int got = verdict((uint8_t)op, dst, src, off, imm);

	if (got != want)
		fail_msg("op 0x%02x dst %d src %d off %d imm 0x%x: %d, not %d", op, dst, src, off,
			 imm, got, want);
	*legal += got == LEGAL;
}

/* All opcodes, all register fields, with every other field zero or not. */
static void test_registers(void **state)
{
	static const int offs[] = {0, 1, 8, -1}, imms[] = {0, 1, 16, 0xe1, 0xf1, -1};
	uint32_t legal = 0;

	(void)state;
	for (int op = 0; op < 256; op++)
		for (int n = 0; n < 16 * 16 * 4 * 6; n++)
			expect(op, n % 16, n / 16 % 16, offs[n / 256 % 4], imms[n / 1024], &legal);
	assert_true(legal > 10000);
}

/* All opcodes, all combinations of values that some opcode tells apart. */
static void test_fields(void **state)
{
	static const int regs[] = {0, 1, 2, 5, 6, 10};
	static const int offs[] = {0, 1, 2, 8, 16, 32, 64, -1};
	static const int imms[] = {0,	 1,    2,    16,   32,	 64,   0x40, 0x41, 0x50,
				   0x51, 0xa0, 0xa1, 0xe0, 0xe1, 0xf0, 0xf1, 0xf2, -1};
	uint32_t legal = 0;

	(void)state;
	for (int op = 0; op < 256; op++)
		for (int n = 0; n < 6 * 6 * 8 * 18; n++)
			expect(op, regs[n % 6], regs[n / 6 % 6], offs[n / 36 % 8], imms[n / 288],
			       &legal);
	assert_true(legal > 10000);
}

/* All opcodes in every form of registers, with each of off and imm running over all values near those that mean something. */
static void test_ranges(void **state)
{
	static const int far_offs[] = {INT16_MIN, -256, 128, 255, 256, 257, INT16_MAX};
	static const int far_imms[] = {INT32_MIN, -65536, 0xe1 << 8, 0x10000, 0x100f1, INT32_MAX};
	uint32_t legal = 0;

	(void)state;
	for (int op = 0; op < 256; op++)
		for (int dst = 0; dst < 2; dst++)
			for (int src = 0; src < 2; src++) {
				for (int off = -70; off <= 70; off++)
					expect(op, dst, src, off, op % 16 == 4 ? 16 : 0, &legal);
				for (int n = 0; n < 7; n++)
					expect(op, dst, src, far_offs[n], 0, &legal);
				for (int imm = -16; imm <= 0x110; imm++)
					expect(op, dst, src, 0, imm, &legal);
				for (int n = 0; n < 6; n++)
					expect(op, dst, src, 0, far_imms[n], &legal);
			}
	assert_true(legal > 10000);
}

static int verdict_of_slots(struct vc_insn first, struct vc_insn second)
{
	static uint64_t scratch[2048];
	struct vc_insn insn[4] = {first, second, {.op = 0xb7}, {.op = 0x95}};
	struct vc_prog p = {.kind = &test_kind,
			    .insn = insn,
			    .ninsn = 4,
			    .nentry = 1,
			    .rodata_len = 8,
			    .ntable = 1,
			    .table_bytes = {8}};
	struct vc_report rep;

	return vc_verify(&p, scratch, sizeof(scratch), &rep);
}

/* The second slot of LDDW in all its forms: opcode, registers and off must be zero, imm fits the form. */
static void test_second_slot(void **state)
{
	static const uint8_t sources[] = {0, 5, 6};
	static const int32_t maps[] = {5, 2, 0};
	static const int16_t offs[] = {0, 1, -1, 256, INT16_MIN};

	(void)state;
	for (int form = 0; form < 3; form++) {
		struct vc_insn first = {0x18, (uint8_t)(2 | sources[form] << 4), 0, maps[form]};

		for (int op = 0; op < 256; op++)
			for (int regs = 0; regs < 256; regs++)
				for (int o = 0; o < 5; o++) {
					struct vc_insn second = {(uint8_t)op, (uint8_t)regs,
								 offs[o], 0};
					int want = op || regs || offs[o] ? VC_BAD_OPCODE : 0;

					assert_int_equal(verdict_of_slots(first, second), want);
				}
		for (int imm = -2; imm <= 10; imm++) {
			struct vc_insn second = {.imm = imm};
			int want = form == 1 && imm		       ? VC_BAD_OPCODE
				   : form == 2 && (imm < 0 || imm > 8) ? VC_DATA_BOUNDS
								       : 0;

			assert_int_equal(verdict_of_slots(first, second), want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_second_slot),
	};

	return cmocka_run_group_tests_name("vcode: opcodes", tests, NULL, NULL);
}
