/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_alu.c - arithmetic. Some short sequences that compilers make for a machine of two-operand instructions become one
 * instruction here; only where nothing jumps into the middle of them.
 */
#include "xok/vcode/jit.h"

void jit_wrote(struct jit *j, uint32_t reg, uint64_t max)
{
	j->max[reg] = max;
	j->span[reg] = (struct jit_span){0, 0};
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
	uint64_t all = width(i) ? UINT64_MAX : UINT32_MAX, a = least(j->max[vc_dst(i)], all);
	uint64_t imm = (uint64_t)(int64_t)i->imm & all, n = imm & (width(i) ? 63 : 31);
	uint64_t b = VC_X(i->op) ? least(j->max[vc_src(i)], all) : imm;

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

/* What is known to be inside from a pointer's copy, or from the pointer moved by a constant. */
static struct jit_span moved_span(const struct jit *j, const struct vc_insn *i)
{
	struct jit_span s = j->span[vc_dst(i)];
	int64_t by = VC_CODE(i->op) == VC_SUB ? -(int64_t)i->imm : i->imm;

	if (VC_CLASS(i->op) != VC_ALU64)
		return (struct jit_span){0, 0};
	if (VC_CODE(i->op) == VC_MOV && VC_X(i->op) && i->off == 0)
		return j->span[vc_src(i)];
	s = (struct jit_span){s.from - by, s.to - by};
	if ((VC_CODE(i->op) != VC_ADD && VC_CODE(i->op) != VC_SUB) || VC_X(i->op) ||
	    s.to <= s.from || by != (int16_t)by || s.from <= INT16_MIN || s.to >= INT16_MAX)
		return (struct jit_span){0, 0};
	return s;
}

static void note(struct jit *j, const struct vc_insn *i)
{
	struct jit_span span = moved_span(j, i);

	jit_wrote(j, vc_dst(i), bound(j, i));
	j->span[vc_dst(i)] = span;
}

/* ---- one instruction ---- */

static void move(struct jit *j, const struct vc_insn *i)
{
	uint32_t w = width(i), s = vc_src(i);
	int rd = j->reg[vc_dst(i)], rs;

	if (!VC_X(i->op)) {
		jit_mov_imm(&j->b, rd, w ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm);
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
	else if (rd != rs || (!w && j->max[s] > UINT32_MAX))
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
	if (r != from || j->max[d] > (uint32_t)v)
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
	bool sign = i->off, modulo = VC_CODE(i->op) == VC_MOD, reg = VC_X(i->op);
	int rd = j->reg[d], result = modulo ? RDX : RAX;
	bool keep_rdx = rd != RDX && (j->taken >> RDX & 1);
	uint32_t zero = 0, one = 0, done = 0, done_one = 0;

	if (reg)
		jit_mov(b, w, T0, j->reg[vc_src(i)]);
	else
		jit_mov_imm(b, T0, (uint64_t)(int64_t)i->imm);
	if (reg) {
		jit_test(b, w, T0, T0);
		zero = jit_skip(b, CC_E);
	}
	if (reg && sign) {
		jit_arith_imm(b, A_CMP, w, T0, -1);
		one = jit_skip(b, CC_E);
	}
	if (rd != RAX)
		jit_mov(b, O_W, T1, RAX);
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
	if (!reg)
		return;
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

/* By a constant: what needs no division, and what the machine's would trap on. */
static bool divide_easily(struct jit *j, const struct vc_insn *i)
{
	uint32_t w = width(i);
	bool modulo = VC_CODE(i->op) == VC_MOD;
	uint64_t v = w ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm;
	int rd = j->reg[vc_dst(i)];

	if (VC_X(i->op))
		return false;
	if (v == 0 && !modulo) {
		jit_mov_imm(&j->b, rd, 0);
	} else if (v == 0) {
		if (!w)
			jit_mov(&j->b, 0, rd, rd);
	} else if (i->off && i->imm == -1) {
		if (modulo)
			jit_mov_imm(&j->b, rd, 0);
		else
			jit_rr(&j->b, 0xf7 | w, U_NEG, rd);
	} else if (!i->off && i->imm > 0 && (v & (v - 1)) == 0) {
		uint32_t log = (uint32_t)__builtin_ctzll(v);

		if (modulo)
			jit_arith_imm(&j->b, A_AND, 0, rd, (int32_t)(v - 1));
		else if (log)
			jit_shift_imm(&j->b, S_SHR, w, rd, log);
		else if (!w)
			jit_mov(&j->b, 0, rd, rd);
	} else {
		return false;
	}
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
		if (j->max[d] > UINT16_MAX)
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
		if (!divide_easily(j, i))
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

static bool is_shift_imm(const struct vc_insn *i, uint32_t cls)
{
	return VC_CLASS(i->op) == cls && !VC_X(i->op) &&
	       (VC_CODE(i->op) == VC_LSH || VC_CODE(i->op) == VC_RSH);
}

/* Is register reg written before it is read, whatever follows pc? Looks only a few instructions ahead, up to the next branch. */
static bool is_dead(const struct jit *j, uint32_t reg, uint32_t pc)
{
	for (uint32_t end = pc + 24; pc < end && jit_follows(j, pc); pc++) {
		const struct vc_insn *i = &j->p->insn[pc];
		const struct vc_opcode *o = &vc_opcodes[i->op];

		if (i->op == VC_OP_EXIT)
			return j->top && reg != 0;
		if (VC_CLASS(i->op) == VC_JMP || VC_CLASS(i->op) == VC_JMP32 ||
		    vc_is_atomic(i->op) || i->op == VC_OP_LDDW)
			return false;
		if (((o->dst == VC_F_RD || o->dst == VC_F_RW) && vc_dst(i) == reg) ||
		    (o->src == VC_F_RD && vc_src(i) == reg))
			return false;
		if (o->dst == VC_F_WR && vc_dst(i) == reg)
			return true;
	}
	return false;
}

/* t shifted by one constant, u the other way by the rest of the width, in either order; *left is the shift to the left. */
static bool opposite_shifts(const struct vc_insn *a, uint32_t t, const struct vc_insn *b,
			    uint32_t u, uint32_t cls, uint32_t *left)
{
	uint32_t bits = cls == VC_ALU64 ? 64 : 32;

	if (!is_shift_imm(a, cls) || !is_shift_imm(b, cls) || vc_dst(a) != t || vc_dst(b) != u ||
	    VC_CODE(a->op) == VC_CODE(b->op) || a->imm <= 0 || b->imm <= 0 ||
	    (uint32_t)a->imm >= bits || (uint32_t)a->imm + (uint32_t)b->imm != bits)
		return false;
	*left = (uint32_t)(VC_CODE(a->op) == VC_LSH ? a->imm : b->imm);
	return true;
}

static bool is_copy(const struct vc_insn *i, uint32_t cls)
{
	return VC_CLASS(i->op) == cls && VC_CODE(i->op) == VC_MOV && VC_X(i->op) && i->off == 0;
}

/* d |= s, or + or ^, which are the same for bits that do not meet. */
static bool joins(const struct vc_insn *i, uint32_t cls, uint32_t d, uint32_t s)
{
	uint32_t code = VC_CODE(i->op);

	return VC_CLASS(i->op) == cls && VC_X(i->op) &&
	       (code == VC_OR || code == VC_XOR || code == VC_ADD) && vc_dst(i) == d &&
	       vc_src(i) == s;
}

static void rotated(struct jit *j, uint32_t w, uint32_t d, uint32_t from, uint32_t left)
{
	if (d != from && (j->cpu & VC_CPU_BMI2)) {
		jit_rorx(&j->b, w, j->reg[d], j->reg[from], (w ? 64 : 32) - left);
	} else {
		if (d != from)
			jit_mov(&j->b, w, j->reg[d], j->reg[from]);
		jit_shift_imm(&j->b, S_ROL, w, j->reg[d], left);
	}
}

/* A rotation in four: t = x, t shifted one way, x the other, then one joined to the other. What was shifted and is not the result is
 * left so, unless nobody reads it.
 */
static bool rotate4(struct jit *j, const struct vc_insn *i)
{
	uint32_t cls = VC_CLASS(i->op), w = width(i), t = vc_dst(i), x = vc_src(i), left;

	if (t == x || !opposite_shifts(&i[1], t, &i[2], x, cls, &left))
		return false;
	if (joins(&i[3], cls, t, x)) {
		rotated(j, w, t, x, left);
		if (!is_dead(j, x, j->pc + 4))
			one(j, &i[2]);
		return true;
	}
	if (!joins(&i[3], cls, x, t))
		return false;
	if (!is_dead(j, t, j->pc + 4)) {
		one(j, &i[0]);
		one(j, &i[1]);
	}
	rotated(j, w, x, x, left);
	return true;
}

/* And in five, x left alone: t = x, t shifted one way, u = x, u shifted the other, u joined with t. */
static bool rotate5(struct jit *j, const struct vc_insn *i)
{
	uint32_t cls = VC_CLASS(i->op), t = vc_dst(i), x = vc_src(i), u = vc_dst(&i[2]), left;

	if (t == x || u == x || t == u || !is_copy(&i[2], cls) || vc_src(&i[2]) != x ||
	    !opposite_shifts(&i[1], t, &i[3], u, cls, &left) || !joins(&i[4], cls, u, t))
		return false;
	if (!is_dead(j, t, j->pc + 5)) {
		one(j, &i[0]);
		one(j, &i[1]);
	}
	rotated(j, width(i), u, x, left);
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

/* Emits the instruction at j->pc with those behind it that it goes together with; returns how many. */
static uint32_t together(struct jit *j, const struct vc_insn *i)
{
	uint32_t d = vc_dst(i);
	bool copy = VC_CODE(i->op) == VC_MOV && VC_X(i->op) && i->off == 0 && vc_src(i) != 10;

	if (copy && follow(j, 5) && rotate5(j, i))
		return 5;
	if (copy && follow(j, 4) && rotate4(j, i))
		return 4;
	if (copy && width(i) && follow(j, 3) && extend_half(j, i + 1, d, j->reg[vc_src(i)]))
		return 3;
	if (follow(j, 2) && extend_half(j, i, d, j->reg[d]))
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
	if (VC_CODE(i->op) == VC_MOV && !VC_X(i->op) && follow(j, 2) && vc_src(&i[1]) == d &&
	    vc_dst(&i[1]) != d && is_dead(j, d, j->pc + 2) &&
	    jit_store_through(j, j->pc + 1, i->imm)) {
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
