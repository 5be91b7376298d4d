/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_value.c - arithmetic, comparisons and helper calls in the data-flow pass: where a pointer may go.
 *
 * A pointer may be copied whole, moved by a number, subtracted from a pointer into the same memory, and compared with
 * one; == and != also with the constant 0, which no pointer equals. Nothing else is done to it.
 */
#include "xok/vcode/flow.h"

/* v moved by a constant. Beyond 16 bits the offset counts as unknown, and is checked at each access. */
static struct vc_val moved(struct vc_val v, int64_t by)
{
	int64_t off = (int64_t)v.off + by;

	if (v.var || off != (int16_t)off)
		return (struct vc_val){.kind = v.kind, .var = 1};
	v.off = (int16_t)off;
	return v;
}

static struct vc_val unknown_offset(struct vc_val v)
{
	return (struct vc_val){.kind = v.kind, .var = 1};
}

/* 64-bit ADD and SUB with a pointer among the operands; false when that is no pointer arithmetic. */
static bool move_pointer(const struct vc_insn *i, struct vc_val *d, struct vc_val s)
{
	bool add = VC_CODE(i->op) == VC_ADD;

	if (vc_is_pointer(*d) && !VC_X(i->op)) {
		*d = moved(*d, add ? (int64_t)i->imm : -(int64_t)i->imm);
	} else if (vc_is_pointer(*d) && s.kind == VC_K_SCALAR) {
		*d = unknown_offset(*d);
	} else if (add && d->kind == VC_K_SCALAR && vc_is_pointer(s)) {
		*d = unknown_offset(s);
	} else if (!add && vc_is_pointer(s) && d->kind == s.kind) {
		/* The distance within one memory. */
		*d = vc_known(VC_K_SCALAR);
	} else {
		return false;
	}
	return true;
}

/* Refuses an operation on registers a and b: because of what a path made of one of them, or else for its own sake. */
static int refuse_operation(struct vc_work *w, uint32_t pc, struct vc_val a, struct vc_val b,
			    uint32_t registers)
{
	int r = VC_POINTER_ARITHMETIC;

	if (a.kind == VC_K_MIXED || b.kind == VC_K_MIXED)
		r = VC_MIXED_POINTER;
	else if (a.kind == VC_K_HANDLE || b.kind == VC_K_HANDLE)
		r = VC_TABLE_HANDLE;
	return vc_refuse(w, r, pc, registers);
}

int vc_flow_alu(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	const struct vc_opcode *o = &vc_opcodes[i->op];
	bool wide = VC_CLASS(i->op) == VC_ALU64;
	struct vc_val *d = &w->cur.reg[vc_dst(i)];
	struct vc_val s = o->src == VC_F_RD ? vc_reg(w, vc_src(i)) : vc_known(VC_K_SCALAR);
	bool numbers = s.kind == VC_K_SCALAR && (o->dst == VC_F_WR || d->kind == VC_K_SCALAR);

	if (numbers) {
		*d = vc_known(VC_K_SCALAR);
		return 0;
	}
	if (wide && VC_CODE(i->op) == VC_MOV && i->off == 0) {
		*d = s;
		return 0;
	}
	if (wide && (VC_CODE(i->op) == VC_ADD || VC_CODE(i->op) == VC_SUB) && move_pointer(i, d, s))
		return 0;
	return refuse_operation(w, pc, o->dst == VC_F_WR ? s : *d, s,
				VC_BIT(vc_dst(i)) | (o->src == VC_F_RD ? VC_BIT(vc_src(i)) : 0));
}

static bool comparable(const struct vc_insn *i, struct vc_val a, struct vc_val b)
{
	bool equality = VC_CODE(i->op) == VC_JEQ || VC_CODE(i->op) == VC_JNE;

	if (a.kind == VC_K_SCALAR && b.kind == VC_K_SCALAR)
		return true;
	if (VC_CLASS(i->op) == VC_JMP32 || VC_CODE(i->op) == VC_JSET || !vc_is_pointer(a))
		return false;
	return VC_X(i->op) ? a.kind == b.kind : equality && i->imm == 0;
}

int vc_flow_compare(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	bool reg = VC_X(i->op);
	struct vc_val b = reg ? vc_reg(w, vc_src(i)) : vc_known(VC_K_SCALAR);

	struct vc_val a = vc_reg(w, vc_dst(i));

	if (comparable(i, a, b))
		return 0;
	return refuse_operation(w, pc, a, b, VC_BIT(vc_dst(i)) | (reg ? VC_BIT(vc_src(i)) : 0));
}

/* Memory for a helper: any but the context, whose window field is a machine address. */
static int check_memory(const struct vc_helper *h, uint32_t n, struct vc_val v)
{
	if (v.kind == VC_K_MIXED)
		return VC_MIXED_POINTER;
	if (n == 4 || h->arg[n + 1] != VC_ARG_MEM_SIZE || !vc_is_pointer(v) || v.kind == VC_K_CTX)
		return VC_HELPER_ARGUMENT;
	return h->arg[n] == VC_ARG_MEM_W && v.kind == VC_K_RODATA ? VC_READ_ONLY : 0;
}

static int check_number(struct vc_val v)
{
	switch (v.kind) {
	case VC_K_SCALAR: return 0;
	case VC_K_HANDLE: return VC_HELPER_ARGUMENT;
	default: return VC_POINTER_LEAK;
	}
}

/* Is v fit for argument n of h? 0 or the reason. */
static int check_argument(const struct vc_helper *h, uint32_t n, struct vc_val v)
{
	if (h->arg[n] == VC_ARG_NONE)
		return 0;
	if (v.kind == VC_K_UNINIT)
		return VC_UNINITIALISED;
	switch (h->arg[n]) {
	case VC_ARG_SCALAR:
	case VC_ARG_MEM_SIZE: return check_number(v);
	case VC_ARG_CTX: return v.kind == VC_K_CTX && !v.var && v.off == 0 ? 0 : VC_HELPER_ARGUMENT;
	case VC_ARG_MEM_R:
	case VC_ARG_MEM_W: return check_memory(h, n, v);
	case VC_ARG_TABLE: return v.kind == VC_K_HANDLE ? 0 : VC_HELPER_ARGUMENT;
	default: return VC_HELPER_ARGUMENT;
	}
}

int vc_flow_helper(struct vc_work *w, uint32_t pc)
{
	const struct vc_helper *h = vc_helper_find(w->p->kind, w->p->insn[pc].imm);

	for (uint32_t n = 0; n < 5; n++) {
		int r = check_argument(h, n, w->cur.reg[n + 1]);

		if (r)
			return vc_refuse(w, r, pc, VC_BIT(n + 1));
	}
	for (uint32_t n = 0; n < 5; n++)
		if (h->arg[n] == VC_ARG_MEM_W)
			vc_stack_written(w, pc, w->cur.reg[n + 1].kind);
	w->cur.reg[0] = vc_known(VC_K_SCALAR);
	for (uint32_t n = 1; n <= 5; n++)
		w->cur.reg[n] = vc_known(VC_K_UNINIT);
	return 0;
}
