/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_jump.c - jumps. One that goes backwards pays for what it lets run again, on the way: a loop's turn costs one subtraction and
 * one branch beside the comparison. A choice between two constants is no jump at all.
 */
#include "xok/vcode/jit.h"

/* For each relation the condition code, that for pointers, which compare by their signed offsets, and its opposite. */
static const struct {
	uint8_t cc, pointers, opposite;
} relations[16] = {
	[VC_JEQ >> 4] = {CC_E, CC_E, VC_JNE},	  [VC_JNE >> 4] = {CC_NE, CC_NE, VC_JEQ},
	[VC_JGT >> 4] = {CC_A, CC_G, VC_JLE},	  [VC_JLE >> 4] = {CC_BE, CC_LE, VC_JGT},
	[VC_JGE >> 4] = {CC_AE, CC_GE, VC_JLT},	  [VC_JLT >> 4] = {CC_B, CC_L, VC_JGE},
	[VC_JSGT >> 4] = {CC_G, CC_G, VC_JSLE},	  [VC_JSLE >> 4] = {CC_LE, CC_LE, VC_JSGT},
	[VC_JSGE >> 4] = {CC_GE, CC_GE, VC_JSLT}, [VC_JSLT >> 4] = {CC_L, CC_L, VC_JSGE},
	[VC_JSET >> 4] = {CC_NE, CC_NE, VC_JA}, /* the opposite has no name */
};

static void go(struct jit *j, enum jit_cc cc, uint32_t t)
{
	struct jit_fact *f = jit_fact(j);
	uint32_t to = j->fact[t].at;

	if (t <= j->pc) {
		int64_t distance = (int64_t)to - (jit_here(&j->b) + 2);

		jit_jump_to(&j->b, cc, to, distance >= INT8_MIN);
		return;
	}
	/* Nothing between here and there grows after the first pass. */
	if (j->pass == 2 && to - j->fact[j->pc + 1].at <= INT8_MAX)
		f->flags |= JIT_NEAR;
	jit_jump_to(&j->b, cc, to, f->flags & JIT_NEAR);
}

/* Backwards, when cc holds. */
static void go_back(struct jit *j, enum jit_cc cc, uint32_t t)
{
	uint32_t over = 0;

	if (cc != CC_ALWAYS)
		over = jit_skip(&j->b, cc ^ 1);
	jit_spend(j, j->pc - t + 1);
	go(j, CC_NS, t);
	jit_leave(j, CC_ALWAYS, STUB_BUDGET);
	if (cc != CC_ALWAYS)
		jit_land(&j->b, over);
}

/* Compares; false: a pointer with the constant 0, which it never equals. */
static bool compare(struct jit *j, const struct vc_insn *i, bool pointers)
{
	uint32_t w = VC_CLASS(i->op) == VC_JMP ? O_W : 0;
	bool set = VC_CODE(i->op) == VC_JSET;
	int a, b;

	if (pointers && !VC_X(i->op))
		return false;
	a = jit_operand(j, vc_dst(i), T0);
	if (VC_X(i->op)) {
		b = jit_operand(j, vc_src(i), T0); /* two frame pointers are the same */
		if (set)
			jit_test(&j->b, w, a, b);
		else
			jit_arith(&j->b, A_CMP, w, a, b);
	} else if (set) {
		jit_test_imm(&j->b, i->imm >= 0 ? 0 : w, a, i->imm);
	} else if (i->imm == 0 && j->tested_at == j->pc && j->tested == vc_dst(i) &&
		   j->tested_width == w && jit_follows(j, j->pc)) {
		return true;
	} else if (i->imm == 0) {
		jit_test(&j->b, w, a, a);
	} else {
		jit_arith_imm(&j->b, A_CMP, w, a, i->imm);
	}
	return true;
}

/* Neither a register nor a copy is greater than `max`. */
static void at_most(struct jit_known *k, uint32_t reg, uint64_t max)
{
	for (uint32_t n = 0; n < VC_NREG; n++)
		if ((n == reg || k->copy[n] == (int8_t)reg || k->copy[reg] == (int8_t)n) &&
		    k->max[n] > max)
			k->max[n] = max;
}

/* What a relation of registers, or of one with a constant, tells of their greatest values once it holds; plain numbers only. */
static void learn(struct jit *j, const struct vc_insn *i, uint32_t code)
{
	uint64_t all = VC_CLASS(i->op) == VC_JMP ? UINT64_MAX : UINT32_MAX;
	uint64_t a = j->now.max[vc_dst(i)];
	uint64_t b = VC_X(i->op) ? j->now.max[vc_src(i)] : (uint64_t)(int64_t)i->imm & all;
	uint64_t most_a = a < all ? a : all, most_b = b < all ? b : all;

	if (code == VC_JLT && most_b)
		most_b--;
	if (code == VC_JGT && most_a)
		most_a--;
	/* A comparison of lower halves tells of the whole where that is all there is. */
	if ((code == VC_JLT || code == VC_JLE || code == VC_JEQ) && a <= all)
		at_most(&j->now, vc_dst(i), most_b);
	if ((code == VC_JGT || code == VC_JGE || code == VC_JEQ) && b <= all && VC_X(i->op))
		at_most(&j->now, vc_src(i), most_a);
}

/* Is the jump at pc the middle of d = a constant, a jump over one instruction, d = another constant? */
static bool is_choice(const struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];

	return j->pc > 0 && vc_target(i, j->pc) == j->pc + 2 && jit_follows(j, j->pc) &&
	       jit_follows(j, j->pc + 1) && j->fact[j->pc + 1].flags & JIT_LIVE &&
	       jit_is_constant(&i[-1]) && jit_is_constant(&i[1]) && vc_dst(&i[-1]) == vc_dst(&i[1]);
}

/* The instruction behind the jump, done unless cc holds. */
static void choose(struct jit *j, enum jit_cc cc)
{
	const struct vc_insn *i = &j->p->insn[j->pc + 1];

	jit_put_imm(&j->b, T0, jit_constant(i));
	jit_rr(&j->b, (0x40u + (cc ^ 1)) | O_0F | O_W, j->reg[vc_dst(i)], T0);
}

uint32_t jit_jump(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint32_t t = (uint32_t)vc_target(i, j->pc);
	bool pointers = jit_fact(j)->kind >= VC_K_CTX && VC_CLASS(i->op) == VC_JMP;
	bool numbers = i->op != VC_OP_JA && i->op != VC_OP_GOTOL && !pointers;
	bool choice = numbers && is_choice(j);
	struct jit_known before;
	enum jit_cc cc = CC_ALWAYS;

	if (i->op != VC_OP_JA && i->op != VC_OP_GOTOL) {
		if (compare(j, i, pointers))
			cc = pointers ? relations[VC_CODE(i->op) >> 4].pointers
				      : relations[VC_CODE(i->op) >> 4].cc;
		else if (VC_CODE(i->op) == VC_JEQ)
			return 1;
	}
	if (cc == CC_ALWAYS && t > j->pc && j->p->insn[t].op == VC_OP_EXIT) {
		jit_exit(j);
		return 1;
	}
	j->falls = cc != CC_ALWAYS;
	if (choice)
		choose(j, cc);
	else if (t <= j->pc)
		go_back(j, cc, t);
	else if (cc != CC_ALWAYS || t != j->pc + 1)
		go(j, cc, t);
	before = j->now;
	if (numbers)
		learn(j, i, VC_CODE(i->op));
	if (t > j->pc)
		jit_arrive(j, t);
	j->now = before;
	if (numbers)
		learn(j, i, relations[VC_CODE(i->op) >> 4].opposite);
	if (choice)
		jit_wrote(j, vc_dst(&i[1]), jit_constant(&i[1]));
	return choice ? 2 : 1;
}
