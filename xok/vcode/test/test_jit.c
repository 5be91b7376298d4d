/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_jit.c - generated code, opcode by opcode: every operation with every pair of registers, on corner values, with and without BMI2;
 * every access at both ends of every region; the results are the interpreter's (jit_lab.c), which has tests of its own
 * against RFC 9669.
 */
#include "xok/vcode/internal.h"
#include "xok/vcode/test/asm.h"
#include "xok/vcode/test/jit_lab.h"

static const uint64_t corners[] = {
	0,
	1,
	2,
	31,
	32,
	63,
	0x7f,
	0x80,
	0xffff,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000080000000,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
	0x123456789abcdef0,
};
#define NCORNER (sizeof(corners) / sizeof(corners[0]))

static struct vc_insn insn[VC_INSNS_MAX];
static uint32_t n;

static void emit(uint8_t op, uint32_t d, uint32_t s, int32_t off, int32_t imm)
{
	assert_true(n < VC_INSNS_MAX);
	insn[n++] = (struct vc_insn){op, (uint8_t)(d | s << 4), (int16_t)off, imm};
}

static void constant(uint32_t d, uint64_t v)
{
	emit(0x18, d, 0, 0, (int32_t)(uint32_t)v);
	emit(0, 0, 0, 0, (int32_t)(uint32_t)(v >> 32));
}

static struct lab_case raw_case(void)
{
	return (struct lab_case){.kind = &raw_kind,
				 .insn = insn,
				 .ninsn = n,
				 .window_len = LAB_WINDOW_MAX,
				 .budget = 100000};
}

/* Both code generators; the program must be accepted. */
static struct lab_result run(struct lab_case c)
{
	struct lab_result r;

	c.cpu = 0;
	r = lab_try(&c);
	if (!r.accepted)
		fail_msg("refused: %s", r.why);
	if (lab_cpu()) {
		c.cpu = lab_cpu();
		r = lab_try(&c);
	}
	return r;
}

/* The second operand is a register; byte swaps have that bit for another reason. */
static bool takes_register(uint8_t op)
{
	return vc_opcodes[op].src == VC_F_RD;
}

static bool writes(const struct vc_opcode *o)
{
	return o->dst == VC_F_WR || o->dst == VC_F_RW;
}

/* A jump that looks at a register. */
static bool compares(uint32_t op)
{
	uint32_t cls = VC_CLASS(op);

	return vc_opcodes[op].text && (cls == VC_JMP || cls == VC_JMP32) &&
	       vc_opcodes[op].dst == VC_F_RD;
}

/* A register that is neither. */
static uint32_t third(uint32_t a, uint32_t b)
{
	uint32_t r = 1;

	while (r == a || r == b)
		r++;
	return r;
}

/*
 * d op s (or imm) for all values, each result stored in the window through the pointer p; the registers that take no part are checked to
 * keep their values by adding them up at the end.
 */
static void arithmetic(uint8_t op, uint32_t d, uint32_t s, int16_t off, int32_t imm)
{
	uint32_t p = third(d, s), at = 0;

	n = 0;
	if (p != 1)
		emit(0xbf, p, 1, 0, 0);
	for (uint32_t r = 0; r <= 9; r++)
		if (r != p)
			constant(r, 0x1111111111111111 * r + 0x80000000);
	for (size_t x = 0; x < NCORNER; x++)
		for (size_t y = 0; y < (takes_register(op) ? NCORNER : 1); y++) {
			constant(d, corners[x]);
			if (takes_register((uint8_t)op) && s != d)
				constant(s, corners[y]);
			emit(op, d, takes_register((uint8_t)op) ? s : 0, off, imm);
			emit(0x7b, p, d, (int32_t)at, 0);
			at += 8;
			if (s == d)
				break;
		}
	emit(0xbf, d, s, 0, 0);
	for (uint32_t r = 0; r <= 9; r++)
		if (r != p && r != d)
			emit(0xaf, d, r, 0, 0);
	emit(0x7b, p, d, (int32_t)at, 0);
	emit(0xb7, 0, 0, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	assert_int_equal(run(raw_case()).reason, VC_FINE);
}

static void arithmetic_forms(uint8_t op, uint32_t d, uint32_t s)
{
	static const int32_t immediates[] = {0,	 1,   -1,  2,	      3,	8,    31,
					     63, 127, 128, -128,      -129,	0xff, 0xffff,
					     10, 32,  64,  INT32_MIN, INT32_MAX};
	static const int32_t widths[] = {16, 32, 64};
	const struct vc_opcode *o = &vc_opcodes[op];
	int16_t last = o->off == VC_F_SIGN ? 1 : o->off == VC_F_EXT32 ? 16 : 32;

	if (o->off != VC_F_EXT64 && o->off != VC_F_EXT32 && o->off != VC_F_SIGN)
		last = 0;
	for (int16_t off = 0; off <= last; off = off == 0 && last == 1 ? 1
						 : off == 0	       ? 8
								       : off * 2) {
		if (takes_register((uint8_t)op) || o->imm == VC_F_NO)
			arithmetic(op, d, s, off, 0);
		else if (o->imm == VC_F_WIDTH)
			for (int k = 0; k < 3; k++)
				arithmetic(op, d, d, 0, widths[k]);
		else
			for (size_t k = 0; k < sizeof(immediates) / 4; k++)
				arithmetic(op, d, d, off, immediates[k]);
		if (off == 1 || last == 0)
			break;
	}
}

static void test_arithmetic(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t op = 0; op < 256; op++) {
		uint32_t cls = VC_CLASS(op);

		if (!vc_opcodes[op].text || (cls != VC_ALU && cls != VC_ALU64) ||
		    !writes(&vc_opcodes[op]))
			continue;
		for (uint32_t d = 0; d <= 9; d++)
			for (uint32_t s = 0; s <= 9; s++)
				if (takes_register((uint8_t)op) || s == d)
					arithmetic_forms((uint8_t)op, d, s);
	}
}

/* Which way a jump goes, for all values: 1 or 2 stored; forward, and backwards with a budget that covers it or not. */
static void jumps(uint8_t op, uint32_t d, uint32_t s, int32_t imm)
{
	uint32_t p = third(d, s), at = 0;

	n = 0;
	if (p != 1)
		emit(0xbf, p, 1, 0, 0);
	for (size_t x = 0; x < NCORNER; x++)
		for (size_t y = 0; y < (takes_register(op) ? NCORNER : 1); y++) {
			constant(d, corners[x]);
			if (takes_register((uint8_t)op) && s != d)
				constant(s, corners[y]);
			emit(op, d, takes_register((uint8_t)op) ? s : 0, 2, imm);
			emit(0x72, p, 0, (int32_t)at, 1);
			emit(0x05, 0, 0, 1, 0);
			emit(0x72, p, 0, (int32_t)at, 2);
			at++;
			if (s == d)
				break;
		}
	emit(0xb7, 0, 0, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	assert_int_equal(run(raw_case()).reason, VC_FINE);
}

static void test_jumps(void **unused)
{
	static const int32_t immediates[] = {0, 1, -1, 127, 128, 0x8000, INT32_MIN, INT32_MAX};

	(void)unused;
	lab_open();
	for (uint32_t op = 0; op < 256; op++) {
		if (!compares(op))
			continue;
		for (uint32_t d = 0; d <= 9; d++)
			for (uint32_t s = 0; s <= 9; s++)
				if (takes_register((uint8_t)op))
					jumps((uint8_t)op, d, s, 0);
				else if (s == d)
					for (size_t k = 0; k < sizeof(immediates) / 4; k++)
						jumps((uint8_t)op, d, s, immediates[k]);
	}
}

/* Whether some bits are set, asked of a copy: it may be needed behind the jump, on one way or the other, or be forgotten. */
static void bits(uint64_t x, uint32_t shape, int32_t mask)
{
	bool eq = shape & 1, behind = shape & 2, there = shape & 4, further = shape & 64;

	n = 0;
	constant(6, x);
	constant(2, 7);
	emit(0xb7, 0, 0, 0, 3);
	emit(shape & 8 ? 0xbf : 0xbc, 2, 6, 0, 0);
	emit(shape & 16 ? 0x57 : 0x54, 2, 0, 0, mask);
	emit((uint8_t)((eq ? 0x10 : 0x50) | (shape & 32 ? 0x05 : 0x06)), 2, 0, 3, 0);
	emit(0x0f, 0, behind ? 2 : 6, 0, 0);
	emit(further ? 0x15 : 0xb7, further ? 6 : 1, 0, further ? 1 : 0, 1);
	emit(0x95, 0, 0, 0, 0);
	emit(0x67, 0, 0, 0, 3);
	emit(0x0f, 0, there ? 2 : 6, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	assert_int_equal(run(raw_case()).reason, VC_FINE);
}

static void test_bits(void **unused)
{
	static const int32_t masks[] = {0, 1, 4, 0x80, 0x7fffffff, INT32_MIN, -1};

	(void)unused;
	lab_open();
	for (size_t k = 0; k < NCORNER; k++)
		for (uint32_t shape = 0; shape < 128; shape++)
			for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++)
				bits(corners[k], shape, masks[m]);
}

/*
 * One of two constants, for all values of d and s, which come from memory so that nobody knows them beforehand; then an operation
 * that a wrong idea of the greater one would leave out. `shape` says whether the constant goes where an operand of the comparison was, is
 * 32 or 64 bits wide, whether something jumps to the second one, and whether the bits of a copy are asked for.
 */
static void choices(uint8_t op, uint32_t d, uint32_t s, const int32_t pair[2], uint32_t shape)
{
	uint32_t p = third(d, s), r = shape & 1 ? d : third(p, d), at = 0;
	uint8_t mov = shape & 2 ? 0xb7 : 0xb4;
	bool reg = takes_register(op), into = shape & 4, copy = shape & 8;

	r = r == s && !(shape & 1) ? 9 : r;
	n = 0;
	if (p != 1)
		emit(0xbf, p, 1, 0, 0);
	for (size_t x = 0; x < NCORNER; x++) {
		constant(r, 5);
		constant(d, corners[x]);
		emit(0x7b, p, d, 0, 0);
		constant(s, corners[(x * 7 + 3) % NCORNER]);
		emit(0x7b, p, s, 8, 0);
		emit(0x79, s, p, 8, 0);
		emit(0x79, d, p, 0, 0);
		if (into)
			emit(0x35, s, 0, 2, 5);
		if (copy)
			emit(0x54, d, 0, 0, 0x81);
		emit(mov, r, 0, 0, pair[0]);
		emit(op, d, reg ? s : 0, 1, reg ? 0 : pair[0]);
		emit(mov, r, 0, 0, pair[1]);
		emit(0x7b, p, r, (int32_t)(16 + at), 0);
		emit(0x57, r, 0, 0, 0xff);
		emit(0x7b, p, r, (int32_t)(24 + at), 0);
		at += 16;
	}
	emit(0xb7, 0, 0, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	assert_int_equal(run(raw_case()).reason, VC_FINE);
}

static void test_choices(void **unused)
{
	static const int32_t pairs[][2] = {{1, 2},	{0, 1},	    {1, 0},
					   {1, 0x1234}, {-1, 0x80}, {7, INT32_MIN}};

	(void)unused;
	lab_open();
	for (uint32_t op = 0; op < 256; op++) {
		if (!compares(op))
			continue;
		for (uint32_t d = 0; d <= 9; d++)
			for (uint32_t shape = 0; shape < 16; shape++)
				for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++)
					choices((uint8_t)op, d, (d + 3) % 10, pairs[k], shape);
	}
}

/* ---- memory ---- */

struct region {
	uint8_t kind; /* of LDDW's map, or 0xff the window, 0xfe the stack */
	int32_t len;
};
static const struct region regions[] = {
	{0xff, 48},
	{0xfe, (int32_t)VC_STACK},
	{VC_MAP_DATA, T_DATA},
	{VC_MAP_RODATA, T_RODATA},
	{VC_MAP_TABLE, T_TABLE0},
	{VC_MAP_TABLE + 2, T_TABLE2},
};

/* b = the region's start, moved by r `by` when that is a register. */
static void pointer(const struct region *g, uint32_t b, uint32_t by)
{
	if (g->kind == 0xff) {
		emit(0x79, b, 1, 0, 0);
	} else if (g->kind == 0xfe) {
		emit(0xbf, b, 10, 0, 0);
		emit(0x07, b, 0, 0, -(int32_t)VC_STACK);
	} else {
		emit(0x18, b, VC_SRC_MAP, 0, g->kind);
		emit(0, 0, 0, 0, 0);
	}
	if (by < 10)
		emit(0x0f, b, by, 0, 0);
}

/* One access of a region at an unknown place `at` + off, through b, of v; r1 is the context, so neither is 1. */
static void access(const struct region *g, uint8_t op, uint32_t b, uint32_t v, int64_t at,
		   int32_t off, int32_t imm)
{
	bool load = VC_CLASS(op) == VC_LDX, st = VC_CLASS(op) == VC_ST;
	uint32_t by = v;
	struct lab_case c;

	n = 0;
	constant(by, (uint64_t)at);
	pointer(g, b, by);
	for (uint32_t r = 0; r <= 9; r++)
		if (r != b)
			constant(r, 0x123456789abcdef0 * (r + 1));
	emit(op, load ? v : b, load ? b : st ? 0 : v, off, imm);
	/* Everything but pointers into the result. */
	for (uint32_t r = 1; r <= 9; r++)
		if (r != b)
			emit(0xaf, 0, r, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	c = raw_case();
	c.kind = &test_kind;
	c.window_len = 48;
	c.low = at < 0;
	run(c);
}

static void around(uint8_t op, uint32_t b, uint32_t v, int32_t imm)
{
	static const int64_t places[] = {-8, -1, 0, 1};
	uint32_t size = vc_size(op);

	for (size_t g = 0; g < sizeof(regions) / sizeof(regions[0]); g++) {
		if (regions[g].kind == VC_MAP_RODATA && VC_CLASS(op) != VC_LDX)
			continue;
		for (size_t k = 0; k < 4; k++) {
			access(&regions[g], op, b, v, places[k], 0, imm);
			access(&regions[g], op, b, v, regions[g].len - (int32_t)size + places[k], 0,
			       imm);
			access(&regions[g], op, b, v, regions[g].len + 4,
			       (int32_t)places[k] - (int32_t)size - 4, imm);
		}
		access(&regions[g], op, b, v, INT64_MIN, 4, imm);
		access(&regions[g], op, b, v, -4, 4, imm);
	}
}

static void test_memory(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t op = 0; op < 256; op++) {
		uint32_t cls = VC_CLASS(op);

		if (!vc_opcodes[op].text || cls < VC_LDX || cls > VC_STX ||
		    vc_is_atomic((uint8_t)op))
			continue;
		for (uint32_t b = 2; b <= 9; b += 1)
			for (uint32_t v = 2; v <= 9; v += cls == VC_ST ? 7 : 1)
				if (b != v)
					around((uint8_t)op, b, v, cls == VC_ST ? -2 : 0);
	}
}

/*
 * A helper's memory: from constant places, with a size that is constant, or at most 15. What is within its region whatever it is needs no check,
 * what ends beyond stops the run. `shape` says how the size comes, and whether there is a loop between the pointer and the call.
 */
enum { MASKED = 1, LOOP = 2 };
static void argument(const struct region *g, int32_t at, int32_t size, uint32_t shape,
		     uint64_t fill, uint32_t min_window)
{
	struct lab_case c;

	n = 0;
	emit(0x61, 8, 1, 8, 0);
	emit(0xbf, 3, 8, 0, 0);
	emit(0xb7, 6, 0, 0, at);
	pointer(g, 1, shape & LOOP ? 10 : 6);
	if (shape & LOOP) {
		emit(0x07, 1, 0, 0, at);
		emit(0xb7, 7, 0, 0, 2);
		emit(0x07, 7, 0, 0, -1);
		emit(0x55, 7, 0, -2, 0);
	}
	emit(shape & MASKED ? 0xbf : 0xb7, 2, shape & MASKED ? 8 : 0, 0, shape & MASKED ? 0 : size);
	if (shape & MASKED)
		emit(0x57, 2, 0, 0, 15);
	emit(0x85, 0, 0, 0, g->kind == VC_MAP_RODATA ? H_SUM : H_FILL);
	emit(0x95, 0, 0, 0, 0);
	c = raw_case();
	c.kind = &test_kind;
	c.window_len = 48;
	c.min_window = min_window;
	c.fill = fill;
	c.low = at < 0;
	run(c);
}

static void arguments(const struct region *g, uint32_t shape, uint32_t min)
{
	for (int32_t from = -17; from <= 2; from++)
		for (int32_t size = 0; size <= 17; size++) {
			argument(g, g->len + from, size, shape, 0, min);
			argument(g, g->len + from - 8, size, shape, 0, min);
		}
	for (int32_t from = -24; from <= 0; from++)
		for (uint64_t fill = 0; fill < 40; fill++)
			argument(g, g->len + from, 0, shape | MASKED, fill, min);
	argument(g, 0, INT32_MAX, shape, 0, min);
	argument(g, 0, -1, shape, 0, min);
	argument(g, -1, 2, shape, 0, min);
	argument(g, INT32_MAX, 1, shape, 0, min);
}

static void test_arguments(void **unused)
{
	(void)unused;
	lab_open();
	for (size_t k = 0; k < 4 * sizeof(regions) / sizeof(regions[0]); k++)
		arguments(&regions[k / 4], k & LOOP, k & 1 ? 48 : 40);
	for (int32_t more = 0; more <= 1; more++) {
		struct lab_case c;

		n = 0;
		emit(0xb7, 2, 0, 0, (int32_t)VC_MEM_MAX + more);
		emit(0xb7, 3, 0, 0, 1);
		emit(0x85, 0, 0, 0, H_FILL);
		emit(0x95, 0, 0, 0, 0);
		c = raw_case();
		c.min_window = LAB_WINDOW_MAX;
		assert_int_equal(run(c).reason, more ? VC_HELPER_ARGUMENT : VC_FINE);
	}
}

static void test_atomics(void **unused)
{
	static const int32_t all[] = {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1};

	(void)unused;
	lab_open();
	for (size_t k = 0; k < sizeof(all) / 4; k++)
		for (uint32_t wide = 0; wide < 2; wide++)
			for (uint32_t b = 2; b <= 9; b++)
				for (uint32_t v = 0; v <= 9; v++)
					if (b != v && v != 1)
						around(wide ? 0xdb : 0xc3, b, v, all[k]);
}

/* A compare-exchange that finds what it expects, in both widths. */
static void test_exchange(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t wide = 0; wide < 2; wide++)
		for (uint32_t map = VC_MAP_DATA; map <= VC_MAP_TABLE; map++) {
			struct lab_case c;
			struct lab_result r;

			n = 0;
			emit(0x18, 2, VC_SRC_MAP, 0, (int32_t)map);
			emit(0, 0, 0, 0, 0);
			emit(0x7a, 2, 0, 0, -5);
			constant(0, wide ? (uint64_t)-5 : 0x77fffffffbull);
			constant(4, 0x123456789);
			emit(wide ? 0xdb : 0xc3, 2, 4, 0, 0xf1);
			emit(0x79, 3, 2, 0, 0);
			emit(0x0f, 0, 3, 0, 0);
			emit(0x95, 0, 0, 0, 0);
			c = raw_case();
			r = run(c);
			assert_int_equal(r.reason, VC_FINE);
			assert_int_equal(r.r0, wide ? 0x123456789ull - 5
						    : 0xfffffffbull + 0xffffffff23456789ull);
		}
}

/* ---- time ---- */

/* Every budget from 0 to more than enough: a run stops at the same place with the same rest, and goes on with one unit more. */
static void test_budgets(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t loops = 1; loops <= 3; loops++)
		for (int64_t budget = 0; budget < 120; budget++) {
			struct lab_case c;

			n = 0;
			emit(0xb7, 6, 0, 0, 5);
			for (uint32_t k = 1; k < loops; k++) {
				emit(0xb7, 0, 0, 0, 0);
				emit(0x85, 0, 1, 0, 6 + (int32_t)(loops - 1 - k) * 2);
			}
			emit(0x07, 6, 0, 0, -1);
			emit(0x55, 6, 0, -2, 0);
			emit(0xb7, 0, 0, 0, 3);
			emit(0x05, 0, 0, 0, 0);
			emit(0x95, 0, 0, 0, 0);
			while (n < 9 + 2 * (loops - 1))
				emit(0x95, 0, 0, 0, 0);
			/* What is called: sets a register its caller keeps, and loops. */
			emit(0xb7, 6, 0, 0, 3);
			emit(0x07, 6, 0, 0, -1);
			emit(0x55, 6, 0, -2, 0);
			emit(0xb7, 0, 0, 0, 3);
			emit(0x95, 0, 0, 0, 0);
			c = raw_case();
			c.budget = budget;
			c.cpu = 0;
			lab_try(&c);
		}
}

/* A jump over so much code that it needs all four octets, and one that just does not. */
static void test_distances(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t far = 1; far < 80; far++) {
		n = 0;
		emit(0xb7, 0, 0, 0, 4);
		emit(0x15, 0, 0, (int16_t)far, 4);
		for (uint32_t k = 0; k < far; k++)
			emit(0x07, 0, 0, 0, 1 + (int32_t)(k % 5 ? 0 : 1000));
		emit(0x07, 0, 0, 0, -1);
		emit(0x55, 0, 0, -(int32_t)far - 2, 0);
		emit(0x95, 0, 0, 0, 0);
		run(raw_case());
	}
}

/* The code of a program that does nothing is a few octets; that of the longest one fits where it is said to. */
static void test_size(void **unused)
{
	struct lab_result r;

	(void)unused;
	lab_open();
	n = 0;
	emit(0xb7, 0, 0, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	r = run(raw_case());
	assert_true(r.accepted && r.size < 32);
	n = 0;
	emit(0xb7, 0, 0, 0, 0);
	while (n < VC_INSNS_MAX - 1)
		emit(0x15, 0, 0, 0, 1000);
	emit(0x95, 0, 0, 0, 0);
	r = run(raw_case());
	assert_int_equal(r.reason, VC_FINE);
}

/* ---- what hostile programs tried ---- */

/* What an argument far outside the frame says of the frame must not keep it from being cleared. */
static void test_stack_is_cleared(void **unused)
{
	(void)unused;
	lab_open();
	for (int32_t far = -520; far > -4200; far -= 8) {
		struct lab_case c;

		n = 0;
		emit(0x61, 7, 1, 8, 0);
		emit(0x15, 7, 0, 7, 12345);
		emit(0xbf, 1, 10, 0, 0);
		emit(0x07, 1, 0, 0, -8);
		emit(0xb7, 2, 0, 0, 8);
		emit(0xb7, 3, 0, 0, 1);
		emit(0x85, 0, 0, 0, H_FILL);
		emit(0x79, 0, 10, -400, 0);
		emit(0x95, 0, 0, 0, 0);
		emit(0xbf, 1, 10, 0, 0);
		emit(0x07, 1, 0, 0, far);
		emit(0xb7, 2, 0, 0, 0);
		emit(0x85, 0, 0, 0, H_SUM);
		emit(0x95, 0, 0, 0, 0);
		c = raw_case();
		c.kind = &test_kind;
		c.fill = 0x77;
		assert_int_equal(run(c).r0, 0);
	}
}

/* A function that uses no stack itself calls one that looks into its frame, by a pointer that came from further below. */
static void test_frame_between(void **unused)
{
	(void)unused;
	lab_open();
	for (int32_t at = 0; at < (int32_t)VC_STACK; at += 8) {
		struct lab_case c;

		n = 0;
		emit(0xbf, 1, 10, 0, 0);
		emit(0x85, 0, 1, 0, 1);
		emit(0x95, 0, 0, 0, 0);
		emit(0x85, 0, 1, 0, 1);
		emit(0x95, 0, 0, 0, 0);
		emit(0x79, 0, 1, at, 0);
		emit(0x95, 0, 0, 0, 0);
		c = raw_case();
		c.fill = 0x77;
		assert_int_equal(run(c).reason, VC_FINE);
		assert_int_equal(run(c).r0, 0);
	}
}

/* No access is inside a table that is shorter, whatever its offset. */
static void test_short_table(void **unused)
{
	(void)unused;
	lab_open();
	for (int32_t at = -8; at <= 8; at++) {
		n = 0;
		emit(0x71, 7, 1, 0, 0);
		emit(0x18, 3, VC_SRC_MAP, 0, VC_MAP_TABLE + 7);
		emit(0, 0, 0, 0, 0);
		emit(0x0f, 3, 7, 0, 0);
		emit(0x79, 0, 3, at, 0);
		emit(0x95, 0, 0, 0, 0);
		assert_int_equal(run(raw_case()).reason, VC_TABLE_BOUNDS);
	}
}

/* An entry that only dead code calls, and that is stopped. */
static void test_dead_caller(void **unused)
{
	struct lab_case c;

	(void)unused;
	lab_open();
	n = 0;
	emit(0xb7, 0, 0, 0, 0);
	emit(0x95, 0, 0, 0, 0);
	emit(0x85, 0, 1, 0, 1);
	emit(0x95, 0, 0, 0, 0);
	emit(0xbf, 3, 10, 0, 0);
	emit(0x57, 2, 0, 0, 7);
	emit(0x1f, 3, 2, 0, 0);
	emit(0x7b, 3, 2, -8, 0);
	emit(0xbf, 6, 1, 0, 0);
	emit(0x0f, 6, 2, 0, 0);
	emit(0x79, 0, 6, 16, 0);
	emit(0x95, 0, 0, 0, 0);
	c = raw_case();
	c.entry[0] = 4;
	c.nentry = 1;
	for (c.window_len = 0; c.window_len < 40; c.window_len++)
		run(c);
}

/* Without r2 its register is free; but the result's second word goes there while the budget is still in its own. */
static void test_budget_without_r2(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t used = 0; used < 8; used++) {
		struct lab_case c;

		n = 0;
		for (uint32_t k = 0; k < 3; k++)
			if (used >> k & 1)
				emit(0xb7, 3 + k, 0, 0, 1);
		emit(0xb7, 6, 0, 0, 9);
		emit(0x07, 6, 0, 0, -1);
		emit(0x55, 6, 0, -2, 0);
		emit(0xb7, 0, 0, 0, 0);
		emit(0x95, 0, 0, 0, 0);
		c = raw_case();
		c.kind = &test_kind;
		for (c.budget = 0; c.budget < 40; c.budget++)
			run(c);
	}
}

/* r1 is an argument of every local call, but here nobody reads it: its register is the frame's, or the budget's. */
static void test_call_without_r1(void **unused)
{
	(void)unused;
	lab_open();
	for (uint32_t used = 0; used < 16; used++) {
		n = 0;
		for (uint32_t k = 0; k < 4; k++)
			if (used >> k & 1)
				emit(0xb7, 2 + k, 0, 0, 1);
		emit(0x7a, 10, 0, -8, 5);
		emit(0x85, 0, 1, 0, 3);
		emit(0x79, 6, 10, -8, 0);
		emit(0x0f, 0, 6, 0, 0);
		emit(0x95, 0, 0, 0, 0);
		emit(0x7a, 10, 0, -8, 7);
		emit(0x79, 0, 10, -8, 0);
		emit(0x95, 0, 0, 0, 0);
		assert_int_equal(run(raw_case()).r0, 12);
	}
}

/* As many entries as there may be, each called as well, and with as much to set up as there can be. */
static void test_entries(void **unused)
{
	static const struct region *g;
	struct lab_case c;

	(void)unused;
	lab_open();
	n = 0;
	emit(0xbf, 6, 1, 0, 0);
	for (uint32_t e = 0; e < VC_ENTRIES_MAX; e++) {
		emit(0xbf, 1, 6, 0, 0);
		emit(0x85, 0, 1, 0, 0);
	}
	emit(0x95, 0, 0, 0, 0);
	c = raw_case();
	for (uint32_t e = 0; e < VC_ENTRIES_MAX; e++) {
		c.entry[c.nentry++] = n;
		insn[2 + 2 * e].imm = (int32_t)(n - (2 + 2 * e) - 1);
		emit(0x61, 7, 1, 8, 0);
		emit(0x57, 7, 0, 0, 7);
		for (uint32_t k = 0; k < 24; k++) {
			g = &regions[k % (sizeof(regions) / sizeof(regions[0]))];
			pointer(g, 3, 7);
			emit(k < 6 ? 0x71 : k < 12 ? 0x69 : k < 18 ? 0x61 : 0x79, 0, 3, 0, 0);
		}
		emit(0x7b, 10, 0, -8, 0);
		emit(0x95, 0, 0, 0, 0);
	}
	c.kind = &test_kind;
	c.insn = insn;
	c.ninsn = n;
	assert_true(run(c).accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_stack_is_cleared),
		cmocka_unit_test(test_frame_between),
		cmocka_unit_test(test_short_table),
		cmocka_unit_test(test_dead_caller),
		cmocka_unit_test(test_budget_without_r2),
		cmocka_unit_test(test_call_without_r1),
		cmocka_unit_test(test_entries),
	};

	return cmocka_run_group_tests_name("vcode: generated code", tests, NULL, NULL);
}
