/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_jump.c - jumps. One that goes backwards pays for what it lets run again, on the way: a loop's turn costs one subtraction and
 * one branch beside the comparison.
 */
#include "xok/vcode/jit.h"

static enum jit_cc condition(uint32_t code, bool pointers)
{
	switch (code) {
	case VC_JEQ: return CC_E;
	case VC_JNE:
	case VC_JSET: return CC_NE;
	/* Pointers compare by their signed offsets. */
	case VC_JGT: return pointers ? CC_G : CC_A;
	case VC_JGE: return pointers ? CC_GE : CC_AE;
	case VC_JLT: return pointers ? CC_L : CC_B;
	case VC_JLE: return pointers ? CC_LE : CC_BE;
	case VC_JSGT: return CC_G;
	case VC_JSGE: return CC_GE;
	case VC_JSLT: return CC_L;
	default: return CC_LE;
	}
}

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
		b = jit_operand(j, vc_src(i), T1);
		if (set)
			jit_test(&j->b, w, a, b);
		else
			jit_arith(&j->b, A_CMP, w, a, b);
	} else if (set) {
		jit_rr(&j->b, 0xf7 | (i->imm >= 0 ? 0 : w), 0, a);
		jit_imm32(&j->b, (uint32_t)i->imm);
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

void jit_jump(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint32_t t = (uint32_t)vc_target(i, j->pc);
	bool pointers = jit_fact(j)->kind >= VC_K_CTX && VC_CLASS(i->op) == VC_JMP;
	enum jit_cc cc = CC_ALWAYS;

	if (i->op != VC_OP_JA && i->op != VC_OP_GOTOL) {
		if (compare(j, i, pointers))
			cc = condition(VC_CODE(i->op), pointers);
		else if (VC_CODE(i->op) == VC_JEQ)
			return;
	}
	if (t <= j->pc)
		go_back(j, cc, t);
	else if (cc != CC_ALWAYS || t != j->pc + 1)
		go(j, cc, t);
}
