/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_memory.c - loads and stores in the data-flow pass.
 *
 * Pointers on the stack. A pointer can be kept in the function's own stack by an aligned 8-byte store whose base is r10 itself,
 * and is got back by an aligned 8-byte load through r10; that is how compilers spill. Only accesses through r10
 * may touch a slot that holds a pointer: they are the ones whose place is plain to see for everybody, verifier, interpreter and
 * code generator. All other accesses (another base, an unknown offset, an atomic, a helper, a called function) leave such slots
 * alone: refused here when the offset is constant, stopped at run time when it is not. So what is known here of
 * a slot with a pointer stays true whatever runs in between. A shorter store through r10 on top of a pointer destroys it: the rest of the
 * slot counts as unwritten (and the interpreter clears it).
 */
#include "xok/vcode/flow.h"

/* The context: aligned loads within its fields; the window pointer as a whole or not at all. */
static int check_ctx(const struct vc_kind *k, struct vc_val v, int64_t off, uint32_t size,
		     bool write)
{
	int64_t win = k->ctx_window_off;

	if (write)
		return VC_READ_ONLY;
	if (v.var || off < 0 || off % size || off + size > k->ctx_size)
		return VC_CONTEXT_ACCESS;
	if (k->ctx_window_off != UINT32_MAX && off < win + 8 && win < off + size &&
	    (off != win || size != 8))
		return VC_CONTEXT_ACCESS;
	return 0;
}

static int check_window(const struct vc_kind *k, struct vc_val v, int64_t off, uint32_t size)
{
	if (v.var)
		return 0;
	/* Between min_window and max_window the access is checked when it happens. */
	if (off < 0 || (k->max_window && off + size > k->max_window))
		return VC_WINDOW_BOUNDS;
	return 0;
}

/* May memory be accessed through v at this displacement? 0 or the reason. */
static int check_access(const struct vc_prog *p, struct vc_val v, int32_t disp, uint32_t size,
			bool write)
{
	int64_t off = (int64_t)v.off + disp;

	switch (v.kind) {
	case VC_K_CTX: return check_ctx(p->kind, v, off, size, write);
	case VC_K_WINDOW: return check_window(p->kind, v, off, size);
	case VC_K_RODATA:
		if (write)
			return VC_READ_ONLY;
		return !v.var && (off < 0 || off + size > p->rodata_len) ? VC_DATA_BOUNDS : 0;
	case VC_K_DATA: return !v.var && (off < 0 || off + size > p->data_len) ? VC_DATA_BOUNDS : 0;
	case VC_K_STACK:
		return !v.var && (off < -(int64_t)VC_STACK || off + size > 0) ? VC_STACK_BOUNDS : 0;
	case VC_K_OUTER: return 0;
	case VC_K_MIXED: return VC_MIXED_POINTER;
	default: return VC_NOT_A_POINTER;
	}
}

/* The bytes of slot n that an access of size bytes at byte `at` of the stack touches, as a mask. */
static uint32_t touched(uint32_t at, uint32_t size, uint32_t n)
{
	uint64_t bytes = ((1ull << size) - 1) << (at % 8);

	return n == at / 8 ? bytes & 0xff : bytes >> 8;
}

/* Bytes of the own stack, counted from its lowest; off is relative to r10 and in bounds. */
static uint32_t stack_byte(struct vc_val v, int32_t disp)
{
	return (uint32_t)(v.off + disp + (int32_t)VC_STACK);
}

static bool whole_slot(uint32_t base, uint32_t at, uint32_t size)
{
	return base == 10 && size == 8 && at % 8 == 0;
}

/* Reads the own stack at a known place; *out is what is read. */
static int read_stack(const struct vc_state *s, uint32_t base, uint32_t at, uint32_t size,
		      struct vc_val *out)
{
	if (whole_slot(base, at, size) && s->slot[at / 8].kind != VC_K_BYTES) {
		*out = s->slot[at / 8];
		return 0;
	}
	for (uint32_t n = at / 8; n <= (at + size - 1) / 8; n++) {
		uint32_t bytes = touched(at, size, n);

		if (s->slot[n].kind != VC_K_BYTES)
			return VC_POINTER_LEAK;
		if (bytes & ~(uint32_t)s->slot[n].off)
			return VC_UNINITIALISED;
	}
	return 0;
}

/* Writes a number to the own stack at a known place. */
static int write_stack(struct vc_state *s, uint32_t base, uint32_t at, uint32_t size)
{
	for (uint32_t n = at / 8; n <= (at + size - 1) / 8; n++) {
		struct vc_val *v = &s->slot[n];
		uint32_t bytes = touched(at, size, n);

		if (v->kind == VC_K_BYTES)
			bytes |= (uint32_t)v->off;
		else if (base != 10)
			return VC_POINTER_LEAK;
		*v = (struct vc_val){.kind = VC_K_BYTES, .off = (int16_t)bytes};
	}
	return 0;
}

void vc_stack_blur(struct vc_state *s)
{
	for (uint32_t n = 0; n < VC_SLOTS; n++)
		if (s->slot[n].kind == VC_K_BYTES)
			s->slot[n].off = 0xff;
}

int vc_flow_load(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	const struct vc_kind *k = w->p->kind;
	uint32_t base = vc_src(i), size = vc_size(i->op);
	struct vc_val v = vc_reg(w, base), out = vc_known(VC_K_SCALAR);
	int r = check_access(w->p, v, i->off, size, false);

	if (!r && v.kind == VC_K_STACK && !v.var)
		r = read_stack(&w->cur, base, stack_byte(v, i->off), size, &out);
	if (r)
		return vc_refuse(w, r, pc, VC_BIT(base));
	if (v.kind == VC_K_CTX && size == 8 && (uint32_t)(v.off + i->off) == k->ctx_window_off)
		out = vc_known(VC_K_WINDOW);
	w->cur.reg[vc_dst(i)] = out;
	return 0;
}

/* Stores a number, or for whole slots of the own stack anything. */
static int store(struct vc_state *s, struct vc_val v, const struct vc_insn *i, struct vc_val data)
{
	uint32_t base = vc_dst(i), size = vc_size(i->op);
	bool known = v.kind == VC_K_STACK && !v.var;

	if (data.kind != VC_K_SCALAR) {
		if (!known || !whole_slot(base, stack_byte(v, i->off), size))
			return VC_POINTER_LEAK;
		s->slot[stack_byte(v, i->off) / 8] = data;
		return 0;
	}
	if (known)
		return write_stack(s, base, stack_byte(v, i->off), size);
	if (v.kind == VC_K_STACK)
		vc_stack_blur(s);
	return 0;
}

int vc_flow_store(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	bool imm = VC_CLASS(i->op) == VC_ST;
	struct vc_val v = vc_reg(w, vc_dst(i));
	struct vc_val data = imm ? vc_known(VC_K_SCALAR) : vc_reg(w, vc_src(i));
	int r = check_access(w->p, v, i->off, vc_size(i->op), true);

	if (!r)
		r = store(&w->cur, v, i, data);
	if (r)
		return vc_refuse(w, r, pc, VC_BIT(vc_dst(i)) | (imm ? 0 : VC_BIT(vc_src(i))));
	return 0;
}

/*
 * Atomic operations work on numbers only, on every memory that can be written. On the stack they count as an access that
 * is not through r10, and need bytes that were written before.
 */
int vc_flow_atomic(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	uint32_t size = vc_size(i->op), operands = VC_BIT(vc_src(i));
	struct vc_val v = vc_reg(w, vc_dst(i)), was;
	int r = check_access(w->p, v, i->off, size, true);

	if (i->imm == VC_CMPXCHG)
		operands |= VC_BIT(0);
	for (uint32_t n = 0; n <= 10 && !r; n++) {
		if (!(operands >> n & 1) || vc_reg(w, n).kind == VC_K_SCALAR)
			continue;
		r = vc_reg(w, n).kind == VC_K_UNINIT ? VC_UNINITIALISED : VC_POINTER_LEAK;
	}
	if (!r && v.kind == VC_K_STACK && !v.var) {
		uint32_t at = stack_byte(v, i->off);

		r = read_stack(&w->cur, 11, at, size, &was);
	} else if (!r && v.kind == VC_K_STACK) {
		vc_stack_blur(&w->cur);
	}
	if (r)
		return vc_refuse(w, r, pc, operands | VC_BIT(vc_dst(i)));
	if (i->imm == VC_CMPXCHG)
		w->cur.reg[0] = vc_known(VC_K_SCALAR);
	else if (i->imm & VC_FETCH)
		w->cur.reg[vc_src(i)] = vc_known(VC_K_SCALAR);
	return 0;
}
