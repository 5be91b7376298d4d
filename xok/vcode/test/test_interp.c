/* SPDX-License-Identifier: BSD-2-Clause */
/* test_interp.c - what each instruction computes, against values written down or computed another way. */
#include "xok/vcode/test/harness.h"

typedef __int128 wide;

static const uint64_t numbers[] = {
	0,
	1,
	2,
	3,
	7,
	31,
	32,
	33,
	63,
	64,
	0x7f,
	0x80,
	0xff,
	0x8000,
	0xffff,
	0x7fffffff,
	0x80000000,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x123456789abcdef0,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000000000001,
	0xffffffff80000000,
	0xfffffffffffffff9,
	0xffffffffffffffff,
};
#define NNUMBER (sizeof(numbers) / sizeof(numbers[0]))

/* Runs "r2 = a; r3 = b; INSN; r0 = r2" with a verified program. */
static uint64_t compute(struct vc_insn insn, uint64_t a, uint64_t b)
{
	struct vc_insn program[] = {
		{0x18, 2, 0, (int32_t)a},
		{.imm = (int32_t)(a >> 32)},
		{0x18, 3, 0, (int32_t)b},
		{.imm = (int32_t)(b >> 32)},
		insn,
		{0xbf, 0x20, 0, 0},
		{.op = 0x95},
	};
	struct bench bench;
	uint64_t r0;

	bench_insns(&bench, program, 7);
	assert_int_equal(bench_verify(&bench), 0);
	assert_int_equal(bench_run(&bench, 0), 0);
	assert_int_equal(bench.run.insns, 5);
	r0 = bench.run.r0;
	bench_close(&bench);
	return r0;
}

/* The operation in arithmetic that cannot overflow; bits is 64 or 32, operands are zero-extended. */
static uint64_t expected(int code, bool is_signed, int bits, uint64_t a, uint64_t b)
{
	wide x = a, y = b, mod = (wide)1 << bits, r = 0;
	wide sx = x >= mod / 2 ? x - mod : x, sy = y >= mod / 2 ? y - mod : y;
	uint32_t shift = (uint32_t)(b % (uint32_t)bits);

	switch (code) {
	case 0x0: r = x + y; break;
	case 0x1: r = x - y; break;
	case 0x2:
		r = (wide)((unsigned __int128)x * (unsigned __int128)y % (unsigned __int128)mod);
		break;
	case 0x3: r = y == 0 ? 0 : is_signed ? sx / sy : x / y; break;
	case 0x4: r = x | y; break;
	case 0x5: r = x & y; break;
	case 0x6: r = (wide)(((unsigned __int128)x << shift) % (unsigned __int128)mod); break;
	case 0x7: r = x >> shift; break;
	case 0x9: r = y == 0 ? x : is_signed ? sx % sy : x % y; break;
	case 0xa: r = x ^ y; break;
	case 0xb: r = y; break;
	case 0xc: r = sx >> shift; break;
	default: fail();
	}
	r %= mod;
	return (uint64_t)(r < 0 ? r + mod : r);
}

static void check_alu(int code, bool is_signed, uint64_t a, uint64_t b)
{
	for (int n = 0; n < 4; n++) {
		bool imm = n & 1;
		int bits = n & 2 ? 32 : 64;
		uint64_t right = imm ? (uint64_t)(int64_t)(int32_t)b : b, left = a, got, want;
		struct vc_insn insn = {
			.op = (uint8_t)(code << 4 | (imm ? 0 : 8) | (bits == 64 ? 7 : 4)),
			.regs = (uint8_t)(imm ? 0x02 : 0x32),
			.off = is_signed,
			.imm = imm ? (int32_t)b : 0,
		};

		if (bits == 32) {
			left = (uint32_t)left;
			right = (uint32_t)right;
		}
		got = compute(insn, a, b);
		want = expected(code, is_signed, bits, left, right);
		if (got != want)
			fail_msg("op 0x%02x off %d: 0x%lx, 0x%lx gives 0x%lx, not 0x%lx", insn.op,
				 is_signed, a, b, got, want);
	}
}

static void test_arithmetic(void **state)
{
	static const uint8_t codes[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12};

	(void)state;
	for (size_t c = 0; c < sizeof(codes); c++)
		for (size_t n = 0; n < NNUMBER * NNUMBER; n++) {
			check_alu(codes[c], false, numbers[n / NNUMBER], numbers[n % NNUMBER]);
			if (codes[c] == 3 || codes[c] == 9)
				check_alu(codes[c], true, numbers[n / NNUMBER],
					  numbers[n % NNUMBER]);
		}
}

/* Corner cases as RFC 9669 4.1 states them, by hand. */
static void test_corners(void **state)
{
	(void)state;
	assert_int_equal(run_text("r0 = 5; r1 = 0; r0 /= r1; exit"), 0);
	assert_int_equal(run_text("r0 = -5; r1 = 0; r0 s/= r1; exit"), 0);
	assert_int_equal(run_text("r0 = 5; r1 = 0; r0 %= r1; exit"), 5);
	assert_int_equal(run_text("r0 = -5; r1 = 0; r0 s%= r1; exit"), (uint64_t)-5);
	/* A 32-bit remainder by zero clears the upper half. */
	assert_int_equal(run_text("r0 = -5; r1 = 0; w0 %= w1; exit"), 0xfffffffb);
	/* The divisor counts as 32 bits only. */
	assert_int_equal(run_text("r0 = 7; r1 = 0x100000000 ll; w0 /= w1; exit"), 0);
	assert_int_equal(run_text("r0 = -13; r1 = 4; r0 s/= r1; exit"), (uint64_t)-3);
	assert_int_equal(run_text("r0 = -13; r1 = 4; r0 s%= r1; exit"), (uint64_t)-1);
	assert_int_equal(run_text("r0 = -13; r0 /= 4; exit"), 0x3ffffffffffffffc);
	assert_int_equal(run_text("r0 = 0x8000000000000000 ll; r0 s/= -1; exit"), 1ull << 63);
	assert_int_equal(run_text("r0 = 0x8000000000000000 ll; r0 s%= -1; exit"), 0);
	assert_int_equal(run_text("w0 = -2147483648; w0 s/= -1; exit"), 0x80000000);
	assert_int_equal(run_text("w0 = -2147483648; w0 s%= -1; exit"), 0);
	/* Immediates of unsigned 64-bit operations are sign-extended first. */
	assert_int_equal(run_text("r0 = -1; r0 /= -1; exit"), 1);
	assert_int_equal(run_text("r0 = -1; exit"), UINT64_MAX);
	assert_int_equal(run_text("w0 = -1; exit"), 0xffffffff);
	assert_int_equal(run_text("r0 = 5; r0 = -r0; exit"), (uint64_t)-5);
	assert_int_equal(run_text("r0 = 5; w0 = -w0; exit"), 0xfffffffb);
	assert_int_equal(run_text("r0 = 0x123456789abcdef0 ll; exit"), 0x123456789abcdef0);
	/* Shift counts are masked. */
	assert_int_equal(run_text("r0 = 1; r0 <<= 65; exit"), 2);
	assert_int_equal(run_text("r0 = 1; w0 <<= 33; exit"), 2);
	assert_int_equal(run_text("r0 = -8; r0 s>>= 1; exit"), (uint64_t)-4);
	assert_int_equal(run_text("r0 = -8; w0 s>>= 1; exit"), 0xfffffffc);
}

#define A "r0 = 0x1122334455667788 ll;"
#define NEG "r0 = 0xf1f2f3f4f5f6f7f8 ll;"

static void test_byte_order(void **state)
{
	(void)state;
	assert_int_equal(run_text(A "r0 = le16 r0; exit"), 0x7788);
	assert_int_equal(run_text(A "r0 = le32 r0; exit"), 0x55667788);
	assert_int_equal(run_text(A "r0 = le64 r0; exit"), 0x1122334455667788);
	assert_int_equal(run_text(A "r0 = be16 r0; exit"), 0x8877);
	assert_int_equal(run_text(A "r0 = be32 r0; exit"), 0x88776655);
	assert_int_equal(run_text(A "r0 = be64 r0; exit"), 0x8877665544332211);
	assert_int_equal(run_text(A "r0 = bswap16 r0; exit"), 0x8877);
	assert_int_equal(run_text(A "r0 = bswap32 r0; exit"), 0x88776655);
	assert_int_equal(run_text(A "r0 = bswap64 r0; exit"), 0x8877665544332211);
}

static void test_moves(void **state)
{
	(void)state;
	assert_int_equal(run_text(NEG "r0 = (s8)r0; exit"), 0xfffffffffffffff8);
	assert_int_equal(run_text(NEG "r0 = (s16)r0; exit"), 0xfffffffffffff7f8);
	assert_int_equal(run_text(NEG "r0 = (s32)r0; exit"), 0xfffffffff5f6f7f8);
	assert_int_equal(run_text(NEG "w0 = (s8)w0; exit"), 0xfffffff8);
	assert_int_equal(run_text(NEG "w0 = (s16)w0; exit"), 0xfffff7f8);
	assert_int_equal(run_text(NEG "w0 = w0; exit"), 0xf5f6f7f8);
	assert_int_equal(run_text(A "r0 = (s16)r0; exit"), 0x7788);
	assert_int_equal(run_text(A "r0 = (s8)r0; exit"), 0xffffffffffffff88);
}

#define W "r6 = *(u64 *)(r1 + 0);"
#define LEN "r2 = *(u32 *)(r1 + 8);"

static void test_loads(void **state)
{
	(void)state;
	assert_int_equal(run_text(W "r0 = *(u8 *)(r6 + 3); exit"), 0x03);
	assert_int_equal(run_text(W "r0 = *(u16 *)(r6 + 3); exit"), 0x0403);
	assert_int_equal(run_text(W "r0 = *(u32 *)(r6 + 3); exit"), 0x06050403);
	assert_int_equal(run_text(W "r0 = *(u64 *)(r6 + 3); exit"), 0x0a09080706050403);
	assert_int_equal(run_text(W "*(u32 *)(r6 + 0) = -2; r0 = *(s8 *)(r6 + 0); exit"),
			 (uint64_t)-2);
	assert_int_equal(run_text(W "*(u32 *)(r6 + 0) = -2; r0 = *(s16 *)(r6 + 1); exit"),
			 (uint64_t)-1);
	assert_int_equal(run_text(W "*(u32 *)(r6 + 0) = -2; r0 = *(s32 *)(r6 + 0); exit"),
			 (uint64_t)-2);
	assert_int_equal(run_text(W "r0 = *(s8 *)(r6 + 3); exit"), 3);
	assert_int_equal(run_text("r2 = rodata + 0 ll; r0 = *(u16 *)(r2 + 30); exit"),
			 131 << 8 | 130);
	assert_int_equal(run_text("r2 = rodata + 30 ll; r0 = *(u8 *)(r2 + 1); exit"), 131);
	assert_int_equal(run_text("r2 = data + 8 ll; r0 = *(u64 *)(r2 - 8); exit"), 0);
	assert_int_equal(run_text("r0 = *(u32 *)(r1 + 8); exit"), 64);
	assert_int_equal(run_text("r0 = *(u16 *)(r1 + 12); exit"), 0x8001);
	assert_int_equal(run_text("r0 = *(s16 *)(r1 + 12); exit"), 0xffffffffffff8001);
	assert_int_equal(run_text("r0 = *(s8 *)(r1 + 15); exit"), 0xffffffffffffff80);
	assert_int_equal(run_text("r0 = *(u64 *)(r1 + 16); exit"), 0x1122334455667788);
	assert_int_equal(run_text("r0 = *(u32 *)(r1 + 20); exit"), 0x11223344);
}

static void test_stores(void **state)
{
	(void)state;
	assert_int_equal(run_text(W A "*(u8 *)(r6 + 8) = r0; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0c0b0a0988);
	assert_int_equal(run_text(W A "*(u16 *)(r6 + 8) = r0; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0c0b0a7788);
	assert_int_equal(run_text(W A "*(u32 *)(r6 + 8) = r0; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0c55667788);
	assert_int_equal(run_text(W A "*(u64 *)(r6 + 8) = r0; r0 = *(u64 *)(r6 + 8); exit"),
			 0x1122334455667788);
	assert_int_equal(run_text(W "*(u8 *)(r6 + 8) = -1; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0c0b0a09ff);
	assert_int_equal(run_text(W "*(u16 *)(r6 + 8) = -1; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0c0b0affff);
	assert_int_equal(run_text(W "*(u32 *)(r6 + 8) = -1; r0 = *(u64 *)(r6 + 8); exit"),
			 0x0f0e0d0cffffffff);
	assert_int_equal(run_text(W "*(u64 *)(r6 + 8) = -2; r0 = *(u64 *)(r6 + 8); exit"),
			 0xfffffffffffffffe);
	assert_int_equal(
		run_text("r2 = data + 0 ll; *(u64 *)(r2 + 56) = 9; r0 = *(u8 *)(r2 + 56); exit"),
		9);
	assert_int_equal(run_text("*(u64 *)(r10 - 512) = 9; r0 = *(u64 *)(r10 - 512); exit"), 9);
	assert_int_equal(run_text(A "*(u64 *)(r10 - 13) = r0; r0 = *(u32 *)(r10 - 9); exit"),
			 0x11223344);
}

/* Every atomic operation: memory 0x..., operand; r0 = 16 * new memory + what the register got, in small numbers. */
#define ATOMIC(op)                                           \
	"r2 = data + 0 ll; r3 = 6; *(u64 *)(r2 + 0) = 3;" op \
	"; r0 = *(u64 *)(r2 + 0); r0 <<= 8; r0 |= r3; exit"

static void test_atomics(void **state)
{
	(void)state;
	assert_int_equal(run_text(ATOMIC("lock add *(u64 *)(r2 + 0), r3")), 0x906);
	assert_int_equal(run_text(ATOMIC("lock or *(u64 *)(r2 + 0), r3")), 0x706);
	assert_int_equal(run_text(ATOMIC("lock and *(u64 *)(r2 + 0), r3")), 0x206);
	assert_int_equal(run_text(ATOMIC("lock xor *(u64 *)(r2 + 0), r3")), 0x506);
	assert_int_equal(run_text(ATOMIC("r3 = fetch_add((u64 *)(r2 + 0), r3)")), 0x903);
	assert_int_equal(run_text(ATOMIC("r3 = fetch_or((u64 *)(r2 + 0), r3)")), 0x703);
	assert_int_equal(run_text(ATOMIC("r3 = fetch_and((u64 *)(r2 + 0), r3)")), 0x203);
	assert_int_equal(run_text(ATOMIC("r3 = fetch_xor((u64 *)(r2 + 0), r3)")), 0x503);
	assert_int_equal(run_text(ATOMIC("r3 = xchg((u64 *)(r2 + 0), r3)")), 0x603);
	assert_int_equal(run_text(ATOMIC("w3 = xchg((u32 *)(r2 + 0), w3)")), 0x603);
	assert_int_equal(run_text(ATOMIC("w3 = fetch_add((u32 *)(r2 + 0), w3)")), 0x903);
	assert_int_equal(run_text(ATOMIC("r0 = 3; r0 = cmpxchg((u64 *)(r2 + 0), r0, r3)")), 0x606);
	assert_int_equal(run_text(ATOMIC("r0 = 4; r0 = cmpxchg((u64 *)(r2 + 0), r0, r3)")), 0x306);
	assert_int_equal(run_text(ATOMIC("r0 = 4; r0 = cmpxchg((u64 *)(r2 + 0), r0, r3); r3 = r0")),
			 0x303);
	/* 32 bits: the neighbour stays, the result is zero-extended, only the lower half of r0 is compared. */
	assert_int_equal(run_text("r2 = data + 0 ll; *(u64 *)(r2 + 0) = -1; r3 = 1;"
				  "lock add *(u32 *)(r2 + 0), w3; r0 = *(u64 *)(r2 + 0); exit"),
			 0xffffffff00000000);
	assert_int_equal(run_text("r2 = data + 0 ll; *(u64 *)(r2 + 0) = -1; r3 = -1;"
				  "w3 = fetch_add((u32 *)(r2 + 0), w3); r0 = r3; exit"),
			 0xffffffff);
	assert_int_equal(run_text("r2 = data + 0 ll; *(u32 *)(r2 + 0) = 7; r3 = 9;"
				  "r0 = 0x500000007 ll; w0 = cmpxchg32((u32 *)(r2 + 0), w0, w3);"
				  "r0 <<= 8; r2 = *(u32 *)(r2 + 0); r0 |= r2; exit"),
			 0x709);
	assert_int_equal(run_text("*(u64 *)(r10 - 8) = 3; r3 = 4; lock add *(u64 *)(r10 - 8), r3;"
				  "r0 = *(u64 *)(r10 - 8); exit"),
			 7);
	assert_int_equal(
		run_text(W "r3 = 4; lock add *(u32 *)(r6 + 1), w3; r0 = *(u8 *)(r6 + 1); exit"), 5);
}

/* The comparison by the relation of two numbers. */
static bool holds(int code, wide x, wide y, wide sx, wide sy)
{
	switch (code) {
	case 0x1: return x == y;
	case 0x2: return x > y;
	case 0x3: return x >= y;
	case 0x4: return ((uint64_t)x & (uint64_t)y) != 0;
	case 0x5: return x != y;
	case 0x6: return sx > sy;
	case 0x7: return sx >= sy;
	case 0xa: return x < y;
	case 0xb: return x <= y;
	case 0xc: return sx < sy;
	case 0xd: return sx <= sy;
	default: fail(); return false;
	}
}

/* "r2 = a; r3 = b; r0 = 1; if r2 ? r3 goto +1; r0 = 0; exit" */
static bool jumps(struct vc_insn insn, uint64_t a, uint64_t b)
{
	struct vc_insn program[] = {
		{0x18, 2, 0, (int32_t)a}, {.imm = (int32_t)(a >> 32)},
		{0x18, 3, 0, (int32_t)b}, {.imm = (int32_t)(b >> 32)},
		{.op = 0xb7, .imm = 1},	  insn,
		{.op = 0xb7, .imm = 0},	  {.op = 0x95},
	};
	struct bench bench;
	uint64_t r0;

	bench_insns(&bench, program, 8);
	assert_int_equal(bench_verify(&bench), 0);
	assert_int_equal(bench_run(&bench, 0), 0);
	r0 = bench.run.r0;
	bench_close(&bench);
	return r0 == 1;
}

static void test_comparisons(void **state)
{
	static const uint8_t codes[] = {1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13};

	(void)state;
	for (size_t n = 0; n < sizeof(codes) * NNUMBER * NNUMBER * 4; n++) {
		int code = codes[n / 4 / NNUMBER / NNUMBER];
		uint64_t a = numbers[n / 4 / NNUMBER % NNUMBER], b = numbers[n / 4 % NNUMBER];
		bool imm = n & 1, small = n & 2;
		uint64_t left = a, right = imm ? (uint64_t)(int64_t)(int32_t)b : b;
		wide mod = (wide)1 << (small ? 32 : 64), x, y;
		struct vc_insn insn = {
			.op = (uint8_t)(code << 4 | (imm ? 0 : 8) | (small ? 6 : 5)),
			.regs = (uint8_t)(imm ? 0x02 : 0x32),
			.off = 1,
			.imm = imm ? (int32_t)b : 0,
		};
		bool want;

		x = small ? (uint32_t)left : left;
		y = small ? (uint32_t)right : right;
		want = holds(code, x, y, x >= mod / 2 ? x - mod : x, y >= mod / 2 ? y - mod : y);
		if (jumps(insn, a, b) != want)
			fail_msg("op 0x%02x: 0x%lx, 0x%lx", insn.op, a, b);
	}
}

static void test_pointers(void **state)
{
	(void)state;
	assert_int_equal(run_text(W "r2 = r6; r2 += 9; r2 -= r6; r0 = r2; exit"), 9);
	assert_int_equal(run_text(W "r2 = r6; r2 -= 9; r2 -= r6; r0 = r2; exit"), (uint64_t)-9);
	/* A pointer before the start is below it, whatever the signedness. */
	assert_int_equal(run_text(W "r2 = r6; r2 += -1; r0 = 1; if r2 < r6 goto +1; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text(W "r2 = r6; r2 += -1; r0 = 1; if r2 s< r6 goto +1; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text(W "r2 = r6; r2 += 1; r0 = 1; if r2 > r6 goto +1; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text(W "r2 = r6; r0 = 1; if r2 >= r6 goto +1; r0 = 0; exit"), 1);
	/* Offset 0 is not the number 0. */
	assert_int_equal(run_text(W "r0 = 1; if r6 != 0 goto +1; r0 = 0; exit"), 1);
	assert_int_equal(run_text(W "r0 = 0; if r6 == 0 goto +1; r0 = 1; exit"), 1);
	assert_int_equal(run_text(W "r0 = 1; r2 = r6; if r2 == r6 goto +1; r0 = 0; exit"), 1);
	assert_int_equal(run_text(W "r2 = 5; r2 += r6; r0 = *(u8 *)(r2 + 1); exit"), 6);
	assert_int_equal(run_text(W "r2 = r6; r2 += -1; r0 = 1; if r6 > r2 goto +1; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text(W "r2 = r6; r2 += -1; r0 = 1; if r6 >= r2 goto +1; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text(W "r2 = r6; r2 += -1; r0 = 1; if r2 <= r6 goto +1; r0 = 0; exit"),
			 1);
	/* Out of the region and back, by a number that wraps. */
	assert_int_equal(run_text(W "r2 = -7; r6 += r2; r6 += 9; r0 = *(u8 *)(r6 + 0); exit"), 2);
	assert_int_equal(run_text(W "r2 = 0x8000000000000000 ll; r6 += r2; r6 += r2;"
				    "r0 = *(u8 *)(r6 + 3); exit"),
			 3);
	/* Spilled and filled; over a call; after being overwritten. */
	assert_int_equal(run_text(W
				  "r6 += 4; *(u64 *)(r10 - 8) = r6; r6 = 0; r7 = *(u64 *)(r10 - 8);"
				  "r0 = *(u8 *)(r7 + 0); exit"),
			 4);
	/* In the lowest slot, and beside one that is written. */
	assert_int_equal(run_text(W "*(u64 *)(r10 - 512) = r6; r6 = *(u64 *)(r10 - 512);"
				    "r0 = *(u8 *)(r6 + 2); exit"),
			 2);
	assert_int_equal(run_text(W "*(u64 *)(r10 - 8) = r6; *(u64 *)(r10 - 16) = 1;"
				    "r6 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r6 + 2); exit"),
			 2);
	/* What a helper finds of an overwritten pointer is the rest of its offset. */
	assert_int_equal(run_text(W "r6 += 773; *(u64 *)(r10 - 8) = r6; *(u8 *)(r10 - 8) = 0;"
				    "r1 = r10; r1 += -8; r2 = 8; call sum; exit"),
			 3);
	/* An offset is found, and left, at an unknown place. */
	assert_int_equal(run_text(W LEN "r6 += 9; *(u64 *)(r10 - 8) = r6; r3 = r10; r3 -= r2;"
					"r0 = *(u64 *)(r3 + 56); exit"),
			 9);
	assert_int_equal(run_text(W LEN "*(u64 *)(r10 - 8) = r6; r3 = r10; r3 -= r2;"
					"*(u8 *)(r3 + 56) = 7; r6 = *(u64 *)(r10 - 8);"
					"r0 = *(u8 *)(r6 + 1); exit"),
			 8);
	/* Stack pointers are offsets in the one array of frames, and a caller's are not one's own. */
	assert_int_equal(
		run_text("*(u64 *)(r10 - 8) = r10; r1 = r10; r1 += -8; r2 = 8; call sum; exit"), 2);
	assert_int_equal(run_text("r1 = r10; call +1; exit; *(u64 *)(r10 - 8) = r10; r2 = r10;"
				  "r6 = r1; r1 = r2; r1 += -8; r2 = 8; call sum; exit"),
			 4);
	assert_int_equal(
		run_text("r1 = r10; r2 = r10; r2 += -8; call +1; exit; r1 -= r2; r0 = r1; exit"),
		8);
	assert_int_equal(run_text("*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 9; r0 = *(u8 *)(r10 "
				  "- 8); exit"),
			 9);
}

static void test_calls(void **state)
{
	(void)state;
	assert_int_equal(run_text("r1 = 20; call answer; exit"), 41);
	assert_int_equal(run_text("call none; exit"), 7);
	assert_int_equal(run_text("call context; exit"), 1);
	assert_int_equal(run_text("r1 = 1; r2 = 2; r3 = 3; r4 = 4; r5 = 5; call five; exit"), 55);
	assert_int_equal(run_text(W "r1 = r6; r1 += 60; r2 = 4; call sum; exit"),
			 60 + 61 + 62 + 63);
	assert_int_equal(run_text("r1 = rodata + 0 ll; r2 = 3; call sum; exit"), 303);
	assert_int_equal(run_text("r1 = rodata + 32 ll; r2 = 0; call sum; exit"), 0);
	assert_int_equal(run_text("r1 = r10; r1 += -16; r2 = 16; r3 = 2; call fill;"
				  "r0 = *(u64 *)(r10 - 12); exit"),
			 0x0202020202020202);
	assert_int_equal(run_text("r1 = rodata + 1 ll; r2 = 2; r3 = data + 3 ll; r4 = 2; call both;"
				  "r2 = data + 0 ll; r0 = *(u64 *)(r2 + 0); exit"),
			 0x6665000000);
	/* Local calls: arguments, result, saved registers, a stack of its own. */
	assert_int_equal(
		run_text("r6 = 1; r7 = 2; r8 = 3; r9 = 4; r1 = 10; r2 = 20; call +6;"
			 "r0 += r6; r0 += r7; r0 += r8; r0 += r9; exit; exit;"
			 "r6 = 100; r7 = 100; r8 = 100; r9 = 100; r0 = r1; r0 += r2; exit"),
		40);
	assert_int_equal(run_text("*(u64 *)(r10 - 8) = 1; call +2; r0 = *(u64 *)(r10 - 8); exit;"
				  "*(u64 *)(r10 - 8) = 2; r0 = 0; exit"),
			 1);
	assert_int_equal(run_text("r1 = r10; *(u64 *)(r10 - 8) = 5; call +2;"
				  "r0 = *(u64 *)(r10 - 8); exit; *(u64 *)(r1 - 8) = 6; exit"),
			 6);
	assert_int_equal(run_text("r0 = 5; goto +1; exit; r0 += 1; goto -3"), 6);
	assert_int_equal(run_text("r0 = 5; gotol +1; exit; r0 += 1; gotol -3"), 6);
	/* A frame starts as zeroes even where an earlier function wrote. */
	assert_int_equal(run_text("call +5; r2 = r0; call +6; r2 = 0; exit; exit;"
				  "*(u64 *)(r10 - 8) = 77; r0 = *(u64 *)(r10 - 8); exit;"
				  "r1 = r10; r1 += -8; r2 = 8; call sum; exit"),
			 0);
}

static void test_tables(void **state)
{
	(void)state;
	assert_int_equal(run_text("r1 = &table0 ll; call table; exit"), 100);
	assert_int_equal(run_text("r1 = &table2 ll; call table; exit"), 102);
	assert_int_equal(
		run_text("r2 = table0 + 8 ll; *(u32 *)(r2 + 4) = 9; r0 = *(u64 *)(r2 + 0); exit"),
		9ull << 32);
	assert_int_equal(run_text("r2 = table2 + 0 ll; r3 = 5; lock add *(u64 *)(r2 + 0), r3;"
				  "r3 = fetch_add((u64 *)(r2 + 0), r3); r0 = r3; exit"),
			 5);
	assert_int_equal(
		run_text("r1 = &table1 ll; r2 = rodata + 0 ll; r3 = 4; r4 = table0 + 44 ll;"
			 "r5 = 4; call put; r2 = table0 + 0 ll; r0 = *(u32 *)(r2 + 44); exit"),
		0x68676665);
	assert_int_equal(run_text(LEN "r1 = &table0 ll; if r2 == 64 goto +2; r1 = &table1 ll;"
				      "call table; exit"),
			 100);
}

static void test_raw(void **state)
{
	struct bench b;

	(void)state;
	bench_open_kind(&b, &raw_kind,
			"r0 = r2; if r2 == 0 goto +2; r1 += r2; r0 = *(u8 *)(r1 - 1); exit");
	assert_int_equal(bench_verify(&b), 0);
	b.run.ctx = NULL;
	assert_int_equal(bench_run(&b, 0), 0);
	assert_int_equal(b.run.r0, 63);
	bench_window(&b, 0);
	assert_int_equal(bench_run(&b, 0), 0);
	assert_int_equal(b.run.r0, 0);
	bench_close(&b);
}

/* Memory for a helper has a largest size, whatever the region's. */
static void test_largest_memory(void **state)
{
	struct bench b;

	(void)state;
	bench_open_kind(&b, &raw_kind, "call sum; exit");
	assert_int_equal(bench_verify(&b), 0);
	bench_window(&b, VC_MEM_MAX);
	assert_int_equal(bench_run(&b, COST_SUM), 0);
	bench_window(&b, VC_MEM_MAX + 1);
	assert_int_equal(bench_run(&b, COST_SUM), VC_HELPER_ARGUMENT);
	bench_close(&b);
}

/* A helper sees what is left after its cost, and where it was called. */
static void test_helper_state(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "r6 = 3; r6 += -1; if r6 != 0 goto -2; call left; exit");
	assert_int_equal(bench_verify(&b), 0);
	assert_int_equal(bench_run(&b, 1000), 0);
	assert_int_equal(b.run.r0, (1000ull - 2 * 2 - COST_SMALL) << 16 | 3);
	bench_close(&b);
}

/* The state of a run does not show in the next one. */
static void test_clean_stack(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "r1 = r10; r1 += -512; r2 = 512; call sum; exit");
	assert_int_equal(bench_verify(&b), 0);
	assert_int_equal(bench_run(&b, COST_SUM), 0);
	assert_int_equal(b.run.r0, 0);
	bench_close(&b);
}

static void test_entries(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "r0 = 1; exit; r0 = 2; exit");
	b.prog.nentry = 2;
	b.prog.entry[1] = 2;
	assert_int_equal(bench_verify(&b), 0);
	assert_int_equal(vc_interp(&b.prog, 0, &b.run), 0);
	assert_int_equal(b.run.r0, 1);
	assert_int_equal(vc_interp(&b.prog, 1, &b.run), 0);
	assert_int_equal(b.run.r0, 2);
	assert_int_equal(vc_interp(&b.prog, 2, &b.run), VC_BAD_JUMP);
	bench_window(&b, T_MIN_WINDOW - 1);
	assert_int_equal(vc_interp(&b.prog, 0, &b.run), VC_WINDOW_BOUNDS);
	assert_int_equal(b.run.pc, b.prog.entry[0]);
	bench_window(&b, T_MIN_WINDOW + 8);
	b.prog.min_window = T_MIN_WINDOW + 9;
	assert_int_equal(vc_interp(&b.prog, 0, &b.run), VC_WINDOW_BOUNDS);
	b.prog.min_window--;
	assert_int_equal(vc_interp(&b.prog, 0, &b.run), 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),     cmocka_unit_test(test_corners),
		cmocka_unit_test(test_byte_order),     cmocka_unit_test(test_moves),
		cmocka_unit_test(test_loads),	       cmocka_unit_test(test_stores),
		cmocka_unit_test(test_atomics),	       cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_pointers),       cmocka_unit_test(test_calls),
		cmocka_unit_test(test_tables),	       cmocka_unit_test(test_raw),
		cmocka_unit_test(test_largest_memory), cmocka_unit_test(test_helper_state),
		cmocka_unit_test(test_clean_stack),    cmocka_unit_test(test_entries),
	};

	return cmocka_run_group_tests_name("vcode: interpreter", tests, NULL, NULL);
}
