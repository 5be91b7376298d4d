/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_alu.c - arithmetic. Some short sequences that compilers make for a machine of two-operand instructions become one
 * instruction here; only where nothing jumps into the middle of them.
 */
#include "xok/vcode/jit.h"

void jit_wrote(struct jit *j, uint32_t reg, uint64_t max)
{
	j->now.max[reg] = max;
	j->now.copy[reg] = NONE;
	for (uint32_t n = 0; n < VC_NREG; n++)
		if (j->now.copy[n] == (int8_t)reg)
			j->now.copy[n] = NONE;
}

void jit_frame_pointer(struct jit *j, int d)
{
	if (j->top) {
		jit_mov_imm(&j->b, d, VC_STACK);
		return;
	}
	jit_mov(&j->b, O_W, d, j->home[H_FRAME]);
	jit_rm(&j->b, (A_SUB << 3 | 3) | O_W, d, jit_home_memory(j, H_FRAME));
}

int jit_operand(struct jit *j, uint32_t reg, int scratch)
{
	if (reg < VC_NREG)
		return j->reg[reg];
	jit_frame_pointer(j, scratch);
	return scratch;
}

static uint32_t width(const struct vc_insn *i)
{
	return VC_CLASS(i->op) == VC_ALU64 ? O_W : 0;
}

/* ---- what is known of a result ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* No result is greater, as an unsigned number, given what the operands are at most. */
static uint64_t bound(const struct jit *j, const struct vc_insn *i)
{
	uint64_t all = width(i) ? UINT64_MAX : UINT32_MAX, a = least(j->now.max[vc_dst(i)], all);
	uint64_t imm = (uint64_t)(int64_t)i->imm & all, n = imm & (width(i) ? 63 : 31);
	uint64_t b = VC_X(i->op) ? least(j->now.max[vc_src(i)], all) : imm;

	switch (VC_CODE(i->op)) {
	case VC_ADD: return b > all - a ? all : a + b;
	case VC_MUL: return b && a > all / b ? all : a * b;
	case VC_AND: return least(a, b);
	case VC_OR:
	case VC_XOR: return a | b ? UINT64_MAX >> __builtin_clzll(a | b) : 0;
	case VC_LSH: return VC_X(i->op) || a > all >> n ? all : a << n;
	case VC_RSH: return VC_X(i->op) ? a : a >> n;
	case VC_DIV: return i->off ? all : a;
	case VC_MOD: return i->off ? all : VC_X(i->op) || !b ? a : least(a, b - 1);
	case VC_MOV: return i->off ? all : b;
	case VC_END: return UINT64_MAX >> (64 - i->imm);
	default: return all;
	}
}

static bool is_copy(const struct vc_insn *i, uint32_t cls)
{
	return VC_CLASS(i->op) == cls && VC_CODE(i->op) == VC_MOV && VC_X(i->op) && i->off == 0;
}

static void note(struct jit *j, const struct vc_insn *i)
{
	jit_wrote(j, vc_dst(i), bound(j, i));
	if (is_copy(i, VC_ALU64) && vc_src(i) != vc_dst(i))
		j->now.copy[vc_dst(i)] = (int8_t)vc_src(i);
}

/* ---- one instruction ---- */

static void move(struct jit *j, const struct vc_insn *i)
{
	uint32_t w = width(i), s = vc_src(i);
	int rd = j->reg[vc_dst(i)], rs;

	if (jit_is_constant(i)) {
		/* But for 0, this leaves the flags alone. */
		j->tested_at += j->tested_at == j->pc && i->imm && j->tested != vc_dst(i);
		jit_mov_imm(&j->b, rd, jit_constant(i));
		return;
	}
	if (s == 10) {
		jit_frame_pointer(j, rd);
		return;
	}
	rs = j->reg[s];
	if (i->off == 32)
		jit_rr(&j->b, 0x63 | O_W, rd, rs);
	else if (i->off)
		jit_rr(&j->b, (i->off == 8 ? 0xbe | O_BYTE : 0xbf) | O_0F | w, rd, rs);
	else if (rd != rs || (!w && j->now.max[s] > UINT32_MAX))
		jit_mov(&j->b, w, rd, rs);
}

static void add_constant(struct jit *j, uint32_t d, uint32_t w, int64_t v)
{
	if (v != (int32_t)v) /* minus the smallest */
		jit_arith_imm(&j->b, A_SUB, w, j->reg[d], INT32_MIN);
	else if (v == 128)
		jit_arith_imm(&j->b, A_SUB, w, j->reg[d], -128);
	else
		jit_arith_imm(&j->b, A_ADD, w, j->reg[d], (int32_t)v);
}

/* d &= v where it changes nothing, or where a move does it; false: neither. */
static bool mask(struct jit *j, uint32_t d, int from, int32_t v)
{
	int r = j->reg[d];

	if (v != 0xff && v != 0xffff)
		return false;
	if (r != from || j->now.max[d] > (uint32_t)v)
		jit_rr(&j->b, (v == 0xff ? 0xb6 | O_BYTE : 0xb7) | O_0F, r, from);
	return true;
}

static void arithmetic(struct jit *j, const struct vc_insn *i, enum jit_arith a)
{
	uint32_t w = width(i), d = vc_dst(i);

	if (VC_X(i->op)) {
		jit_arith(&j->b, a, w, j->reg[d], jit_operand(j, vc_src(i), T0));
	} else if (a == A_ADD || a == A_SUB) {
		add_constant(j, d, w, a == A_ADD ? (int64_t)i->imm : -(int64_t)i->imm);
	} else if (a == A_AND) {
		if (mask(j, d, j->reg[d], i->imm))
			return;
		/* Nothing of the upper half survives a mask that is not negative. */
		jit_arith_imm(&j->b, a, i->imm >= 0 ? 0 : w, j->reg[d], i->imm);
	} else {
		jit_arith_imm(&j->b, a, w, j->reg[d], i->imm);
	}
	if (a != A_ADD && a != A_SUB) {
		j->tested = d;
		j->tested_width = w;
		j->tested_at = (uint32_t)(i - j->p->insn) + 1;
	}
}

/* from: where the left operand is. */
static void multiply(struct jit *j, const struct vc_insn *i, int from)
{
	uint32_t w = width(i);
	int rd = j->reg[vc_dst(i)];
	bool small = i->imm == (int8_t)i->imm;

	if (VC_X(i->op)) {
		jit_rr(&j->b, 0xaf | O_0F | w, rd, j->reg[vc_src(i)]);
	} else {
		jit_rr(&j->b, (small ? 0x6b : 0x69) | w, rd, from);
		if (small)
			jit_octet(&j->b, (uint32_t)i->imm);
		else
			jit_imm32(&j->b, (uint32_t)i->imm);
	}
}

static enum jit_shift shift_of(uint32_t code)
{
	return code == VC_LSH ? S_SHL : code == VC_RSH ? S_SHR : S_SAR;
}

/* Without BMI2 the count must be in cl, which is r3's or nobody's. */
static void shift_by_cl(struct jit *j, enum jit_shift s, uint32_t w, int d, int count)
{
	struct jit_buf *b = &j->b;
	uint32_t op = 0xd3 | w;

	b->used |=
		1u << T0; /* in some registers, and these may be given away otherwise in the end */
	if (count == RCX && d != RCX) {
		jit_rr(b, op, s, d);
		return;
	}
	if (j->taken >> RCX & 1)
		jit_mov(b, O_W, T0, RCX);
	if (d != RCX) {
		jit_mov(b, 0, RCX, count);
		jit_rr(b, op, s, d);
		jit_mov(b, O_W, RCX, T0);
	} else {
		jit_mov(b, 0, RCX, count);
		jit_rr(b, op, s, T0);
		jit_mov(b, w, RCX, T0);
	}
}

static void shift(struct jit *j, const struct vc_insn *i, int from)
{
	uint32_t w = width(i), count = (uint32_t)i->imm & (w ? 63 : 31);
	enum jit_shift s = shift_of(VC_CODE(i->op));
	int rd = j->reg[vc_dst(i)];

	if (VC_X(i->op)) {
		if (j->cpu & VC_CPU_BMI2)
			jit_shiftx(&j->b, s, w, rd, from, j->reg[vc_src(i)]);
		else
			shift_by_cl(j, s, w, rd, j->reg[vc_src(i)]);
	} else if (count) {
		jit_shift_imm(&j->b, s, w, rd, count);
	} else if (!w) {
		jit_mov(&j->b, 0, rd, rd);
	}
}

/* ---- division: RFC 9669 4.1; by zero gives 0, or leaves the dividend; the one overflow wraps ---- */

static void divide(struct jit *j, const struct vc_insn *i)
{
	struct jit_buf *b = &j->b;
	uint32_t w = width(i), d = vc_dst(i);
	bool sign = i->off, modulo = VC_CODE(i->op) == VC_MOD;
	int rd = j->reg[d], result = modulo ? RDX : RAX;
	bool keep_rdx = rd != RDX && (j->taken >> RDX & 1);
	uint32_t zero, one = 0, done, done_one = 0;

	if (VC_X(i->op))
		jit_mov(b, w, T0, j->reg[vc_src(i)]);
	else
		jit_mov_imm(b, T0, (uint64_t)(int64_t)i->imm);
	jit_test(b, w, T0, T0);
	zero = jit_skip(b, CC_E);
	if (sign) {
		jit_arith_imm(b, A_CMP, w, T0, -1);
		one = jit_skip(b, CC_E);
	}
	if (rd != RAX)
		jit_mov(b, O_W, jit_t1(j), RAX);
	if (keep_rdx)
		jit_push(b, RDX);
	if (rd != RAX)
		jit_mov(b, w, RAX, rd);
	if (sign)
		jit_octet(b, w ? 0x48 : 0x99);
	if (sign && w)
		jit_octet(b, 0x99);
	if (!sign)
		jit_mov_imm(b, RDX, 0);
	jit_rr(b, 0xf7 | w, sign ? U_IDIV : U_DIV, T0);
	if (result != rd)
		jit_mov(b, O_W, rd, result);
	if (keep_rdx)
		jit_pop(b, RDX);
	if (rd != RAX)
		jit_mov(b, O_W, RAX, T1);
	done = jit_skip(b, CC_ALWAYS);
	if (sign) {
		jit_land(b, one);
		if (modulo)
			jit_mov_imm(b, rd, 0);
		else
			jit_rr(b, 0xf7 | w, U_NEG, rd);
		done_one = jit_skip(b, CC_ALWAYS);
	}
	jit_land(b, zero);
	if (!modulo)
		jit_mov_imm(b, rd, 0);
	else if (!w)
		jit_mov(b, 0, rd, rd);
	jit_land(b, done);
	if (sign)
		jit_land(b, done_one);
}

/* Unsigned, by a power of two. */
static bool divide_by_shift(struct jit *j, const struct vc_insn *i)
{
	uint32_t w = width(i), v = (uint32_t)i->imm;
	int rd = j->reg[vc_dst(i)];

	if (VC_X(i->op) || i->off || i->imm <= 0 || v & (v - 1))
		return false;
	if (VC_CODE(i->op) == VC_MOD)
		jit_arith_imm(&j->b, A_AND, 0, rd, i->imm - 1);
	else if (v > 1)
		jit_shift_imm(&j->b, S_SHR, w, rd, (uint32_t)__builtin_ctz(v));
	else if (!w)
		jit_mov(&j->b, 0, rd, rd);
	return true;
}

/* ---- byte order ---- */

static void byte_order(struct jit *j, const struct vc_insn *i)
{
	bool swap = VC_CLASS(i->op) == VC_ALU64 || VC_X(i->op);
	uint32_t d = vc_dst(i);
	int r = j->reg[d];

	if (i->imm == 16) {
		if (swap)
			jit_shift_imm(&j->b, S_ROL, O_16, r, 8);
		if (j->now.max[d] > UINT16_MAX)
			jit_rr(&j->b, 0xb7 | O_0F, r, r);
	} else if (swap) {
		uint32_t w = i->imm == 64 ? O_W : 0, rex = (w ? 8u : 0) | (r >= 8);

		if (rex)
			jit_octet(&j->b, 0x40 | rex);
		jit_octet(&j->b, 0x0f);
		jit_octet(&j->b, 0xc8 | ((uint32_t)r & 7));
	} else if (i->imm == 32) {
		jit_mov(&j->b, 0, r, r);
	}
}

static void one(struct jit *j, const struct vc_insn *i)
{
	int rd = j->reg[vc_dst(i)];

	switch (VC_CODE(i->op)) {
	case VC_ADD: arithmetic(j, i, A_ADD); break;
	case VC_SUB: arithmetic(j, i, A_SUB); break;
	case VC_OR: arithmetic(j, i, A_OR); break;
	case VC_AND: arithmetic(j, i, A_AND); break;
	case VC_XOR: arithmetic(j, i, A_XOR); break;
	case VC_MUL: multiply(j, i, rd); break;
	case VC_LSH:
	case VC_RSH:
	case VC_ARSH: shift(j, i, rd); break;
	case VC_MOV: move(j, i); break;
	case VC_END: byte_order(j, i); break;
	case VC_NEG: jit_rr(&j->b, 0xf7 | width(i), U_NEG, rd); break;
	default:
		if (!divide_by_shift(j, i))
			divide(j, i);
	}
}

/* ---- several at once ---- */

/* d <<= 32 and d >>= 32 (or s>>=): the lower half, extended; `from` is where it is. */
static bool extend_half(struct jit *j, const struct vc_insn *i, uint32_t d, int from)
{
	if (i[0].op != 0x67 || i[0].imm != 32 || i[1].imm != 32 || vc_dst(&i[0]) != d ||
	    vc_dst(&i[1]) != d)
		return false;
	if (i[1].op == 0x77) {
		jit_mov(&j->b, 0, j->reg[d], from);
		return true;
	}
	if (i[1].op == 0xc7) {
		jit_rr(&j->b, 0x63 | O_W, j->reg[d], from);
		return true;
	}
	return false;
}

/* Is register reg written before it is read, whatever follows pc? Looks only a few instructions ahead, past that many branches forward. */
static bool is_dead(const struct jit *j, uint32_t reg, uint32_t pc, uint32_t branches)
{
	for (uint32_t n = 0; n < 24; n++, pc++) {
		const struct vc_insn *i = &j->p->insn[pc];
		bool jump = VC_CLASS(i->op) == VC_JMP || VC_CLASS(i->op) == VC_JMP32;
		bool always = i->op == VC_OP_JA || i->op == VC_OP_GOTOL;

		if (i->op == VC_OP_EXIT)
			return j->top && reg != 0;
		if (i->op == VC_OP_LDDW || i->op == VC_OP_CALL || vc_reads(i) >> reg & 1)
			return false;
		if (vc_writes(i) >> reg & 1)
			return true;
		if (!jump)
			continue;
		if (!branches || vc_target(i, pc) <= pc ||
		    (!always && !is_dead(j, reg, pc + 1, branches - 1)))
			return false;
		branches--;
		pc = (uint32_t)vc_target(i, pc) - 1;
	}
	return false;
}

/*
 * A rotation in five, of x, which is left alone: t = x, t shifted one way, u = x, u shifted the other way by the rest of the width, u |= t.
 */
static bool rotate(struct jit *j, const struct vc_insn *i)
{
	uint32_t cls = VC_CLASS(i->op), w = width(i), bits = w ? 64 : 32;
	uint32_t t = vc_dst(i), x = vc_src(i), u = vc_dst(&i[2]);
	bool left = i[1].op == (cls | VC_LSH), right = i[1].op == (cls | VC_RSH);
	uint32_t count = (uint32_t)(left ? i[3].imm : i[1].imm);

	if (t == x || u == x || t == u || !is_copy(&i[2], cls) || vc_src(&i[2]) != x ||
	    !(left || right) || i[3].op != (cls | (left ? VC_RSH : VC_LSH)) ||
	    i[4].op != (cls | VC_OR | VC_X(0xff)) || vc_dst(&i[1]) != t || vc_dst(&i[3]) != u ||
	    vc_dst(&i[4]) != u || vc_src(&i[4]) != t || count == 0 || count >= bits ||
	    (uint32_t)i[1].imm + (uint32_t)i[3].imm != bits)
		return false;
	if (!is_dead(j, t, j->pc + 5, 0)) {
		one(j, &i[0]);
		one(j, &i[1]);
	}
	if (j->cpu & VC_CPU_BMI2) {
		jit_rorx(&j->b, w, j->reg[u], j->reg[x], count);
	} else {
		jit_mov(&j->b, w, j->reg[u], j->reg[x]);
		jit_shift_imm(&j->b, S_ROL, w, j->reg[u], bits - count);
	}
	return true;
}

/* d = s and then d op= something, where the machine has three operands. i[1] is in the same class. */
static bool three_operands(struct jit *j, const struct vc_insn *i)
{
	uint32_t w = width(i), d = vc_dst(i), s = vc_src(i), code = VC_CODE(i[1].op);
	bool reg = VC_X(i[1].op);
	int rd = j->reg[d], rs = j->reg[s];
	int32_t v = i[1].imm;

	if (VC_CLASS(i[1].op) != VC_CLASS(i->op) || vc_dst(&i[1]) != d || d == s)
		return false;
	if (reg && (vc_src(&i[1]) == d || vc_src(&i[1]) == 10))
		return false;
	switch (code) {
	case VC_ADD:
		jit_lea(&j->b, w, rd,
			reg ? (struct jit_mem){rs, j->reg[vc_src(&i[1])], 0}
			    : (struct jit_mem){rs, NONE, v});
		return true;
	case VC_SUB:
		if (reg || v == INT32_MIN)
			return false;
		jit_lea(&j->b, w, rd, (struct jit_mem){rs, NONE, -v});
		return true;
	case VC_MUL:
		if (reg)
			return false;
		multiply(j, &i[1], rs);
		return true;
	case VC_AND: return !reg && mask(j, d, rs, v);
	case VC_LSH:
	case VC_RSH:
	case VC_ARSH:
		if (!reg || !(j->cpu & VC_CPU_BMI2))
			return false;
		shift(j, &i[1], rs);
		return true;
	default: return false;
	}
}

static bool follow(const struct jit *j, uint32_t n)
{
	for (uint32_t k = 1; k < n; k++)
		if (!jit_follows(j, j->pc + k))
			return false;
	return true;
}

/* Bits of a copy that is for nothing but to compare them with 0: d = s, d &= a constant, a jump on d. */
static bool test_bits(struct jit *j, const struct vc_insn *i)
{
	uint32_t d = vc_dst(i), op = i[2].op;
	bool wide = op == (VC_JMP | VC_JEQ) || op == (VC_JMP | VC_JNE);

	if (!(i[1].op == (VC_ALU | VC_AND) || i[1].op == (VC_ALU64 | VC_AND)) ||
	    vc_dst(&i[1]) != d || i[1].imm < 0 ||
	    !(wide || op == (VC_JMP32 | VC_JEQ) || op == (VC_JMP32 | VC_JNE)) ||
	    vc_dst(&i[2]) != d || i[2].imm != 0 || vc_target(&i[2], j->pc + 2) <= j->pc ||
	    !is_dead(j, d, (uint32_t)vc_target(&i[2], j->pc + 2), 2) ||
	    !is_dead(j, d, j->pc + 3, 2))
		return false;
	jit_test_imm(&j->b, 0, j->reg[vc_src(i)], i[1].imm);
	j->tested = d;
	j->tested_width = wide ? O_W : 0;
	j->tested_at = j->pc + 2;
	return true;
}

/* Emits the instruction at j->pc with those behind it that it goes together with; returns how many. */
static uint32_t together(struct jit *j, const struct vc_insn *i)
{
	uint32_t d = vc_dst(i);
	bool copy = VC_CODE(i->op) == VC_MOV && VC_X(i->op) && i->off == 0 && vc_src(i) != 10;

	if (copy && follow(j, 5) && rotate(j, i))
		return 5;
	if (copy && width(i) && follow(j, 3) && extend_half(j, i + 1, d, j->reg[vc_src(i)]))
		return 3;
	if (follow(j, 2) && extend_half(j, i, d, j->reg[d]))
		return 2;
	if (copy && follow(j, 3) && test_bits(j, i))
		return 2;
	if (copy && follow(j, 2) && three_operands(j, i))
		return 2;
	one(j, i);
	return 1;
}

uint32_t jit_alu(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint32_t d = vc_dst(i), done;

	/* A constant that is stored and forgotten needs no register. */
	if (jit_is_constant(i) && follow(j, 2) && vc_src(&i[1]) == d && vc_dst(&i[1]) != d &&
	    is_dead(j, d, j->pc + 2, 0) && jit_store_through(j, j->pc + 1, i->imm)) {
		jit_wrote(j, d, UINT64_MAX);
		return 2;
	}
	done = together(j, i);
	for (uint32_t k = 0; k < done; k++)
		note(j, &i[k]);
	return done;
}

uint32_t jit_lddw(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint64_t next = (uint32_t)i[1].imm, v = next << 32 | (uint32_t)i->imm;
	uint32_t d = vc_dst(i);

	if (vc_src(i) == VC_SRC_MAP)
		v = next;
	else if (vc_src(i) == VC_SRC_HANDLE)
		v = (uint32_t)i->imm - VC_MAP_TABLE;
	jit_wrote(j, d, v);
	/* An index is added to the place of an array. */
	if (v <= INT32_MAX && jit_follows(j, j->pc + 2) && i[2].op == 0x0f && vc_dst(&i[2]) == d &&
	    vc_src(&i[2]) != d && vc_src(&i[2]) != 10) {
		int s = j->reg[vc_src(&i[2])];

		if (v)
			jit_lea(&j->b, O_W, j->reg[d], (struct jit_mem){s, NONE, (int32_t)v});
		else
			jit_mov(&j->b, O_W, j->reg[d], s);
		note(j, &i[2]);
		return 3;
	}
	jit_mov_imm(&j->b, j->reg[d], v);
	return 2;
}
