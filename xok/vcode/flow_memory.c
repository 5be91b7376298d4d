/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_memory.c - loads and stores in the data-flow pass.
 *
 * Pointers on the stack. A pointer can be kept in the function's own stack by an aligned 8-byte store whose base is r10 itself,
 * and is got back by an aligned 8-byte load through r10; that is how compilers spill. No other access at a known place may touch a slot
 * that holds one, but for a store through r10, which ends its life: of such a slot only the bytes written then can be read.
 *
 * An access whose place is not known before it happens (a variable offset, a helper, a called function) may meet such a slot. It
 * finds the bytes of the offset there, and what it leaves there is the offset from then on. So after anything that may have written to the
 * frame in this way, every pointer kept in it counts as variable; its kind is still known, and each access checks the offset.
 *
 * The context cannot be used at a variable offset, and a handle's index is not checked when it is used. So of these the slot holds
 * only what is known exactly, and that is what a load gives, not the bytes; joined with another one the slot counts as
 * unwritten. For the same reason a value of unknown kind is not stored: nobody can tell which rule its bytes obey.
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

static bool outside(struct vc_val v, int64_t off, uint32_t size, uint32_t len)
{
	return !v.var && (off < 0 || off + size > len);
}

static int check_table(const struct vc_prog *p, struct vc_val v, int64_t off, uint32_t size)
{
	return outside(v, off, size, p->table_bytes[v.kind - VC_K_TABLE0]) ? VC_TABLE_BOUNDS : 0;
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
		return outside(v, off, size, p->rodata_len) ? VC_DATA_BOUNDS : 0;
	case VC_K_DATA: return outside(v, off, size, p->data_len) ? VC_DATA_BOUNDS : 0;
	case VC_K_STACK: return outside(v, off + VC_STACK, size, VC_STACK) ? VC_STACK_BOUNDS : 0;
	case VC_K_OUTER: return 0;
	case VC_K_MIXED: return VC_MIXED_POINTER;
	case VC_K_HANDLE: return VC_TABLE_HANDLE;
	default: return v.kind >= VC_K_TABLE0 ? check_table(p, v, off, size) : VC_NOT_A_POINTER;
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

void vc_stack_bytes(struct vc_state *s)
{
	for (uint32_t n = 0; n < VC_SLOTS; n++)
		if (s->slot[n].kind == VC_K_BYTES)
			s->slot[n].off = 0xff;
}

void vc_stack_pointers(struct vc_state *s)
{
	for (uint32_t n = 0; n < VC_SLOTS; n++) {
		struct vc_val *v = &s->slot[n];

		if (vc_is_pointer(*v) && v->kind != VC_K_CTX)
			*v = (struct vc_val){.kind = v->kind, .var = 1};
	}
}

void vc_stack_written(struct vc_work *w, uint32_t pc, uint8_t kind)
{
	if (kind != VC_K_STACK && kind != VC_K_OUTER)
		return;
	if (kind == VC_K_STACK) {
		vc_stack_bytes(&w->cur);
		vc_stack_pointers(&w->cur);
		return;
	}
	vc_outer_written(w, pc);
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

/* Why something else than a number cannot be stored as one. */
static int not_stored(struct vc_val data)
{
	return data.kind == VC_K_HANDLE ? VC_TABLE_HANDLE : VC_POINTER_LEAK;
}

/* Stores a number, or in whole slots of the own stack a pointer or handle. */
static int store(struct vc_work *w, uint32_t pc, struct vc_val v, struct vc_val data)
{
	const struct vc_insn *i = &w->p->insn[pc];
	uint32_t base = vc_dst(i), size = vc_size(i->op);
	bool known = v.kind == VC_K_STACK && !v.var;

	if (data.kind != VC_K_SCALAR) {
		if (!known || !whole_slot(base, stack_byte(v, i->off), size))
			return not_stored(data);
		if (data.kind == VC_K_MIXED)
			return VC_MIXED_POINTER;
		w->cur.slot[stack_byte(v, i->off) / 8] = vc_slot(data);
		return 0;
	}
	if (known)
		return write_stack(&w->cur, base, stack_byte(v, i->off), size);
	vc_stack_written(w, pc, v.kind);
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
		r = store(w, pc, v, data);
	if (r)
		return vc_refuse(w, r, pc, VC_BIT(vc_dst(i)) | (imm ? 0 : VC_BIT(vc_src(i))));
	return 0;
}

/*
 * Atomic operations work on numbers only, on every memory that can be written. On the stack they count as an access that
 * is not through r10, and need bytes that were written before. On tables, which others see, they are aligned: to lock what
 * lies across two lines of a cache takes the machine hundreds of times as long, and everybody else waits.
 */
int vc_flow_atomic(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	uint32_t size = vc_size(i->op), operands = VC_BIT(vc_src(i));
	struct vc_val v = vc_reg(w, vc_dst(i)), was; /* what is read is a number */
	int r = check_access(w->p, v, i->off, size, true);

	if (!r && v.kind >= VC_K_TABLE0 && !v.var && (uint32_t)(v.off + i->off) % size)
		r = VC_TABLE_BOUNDS;
	if (i->imm == VC_CMPXCHG)
		operands |= VC_BIT(0);
	for (uint32_t n = 0; n <= 10 && !r; n++) {
		if (!(operands >> n & 1) || vc_reg(w, n).kind == VC_K_SCALAR)
			continue;
		r = vc_reg(w, n).kind == VC_K_UNINIT ? VC_UNINITIALISED : not_stored(vc_reg(w, n));
	}
	if (!r && v.kind == VC_K_STACK && !v.var)
		r = read_stack(&w->cur, 11, stack_byte(v, i->off), size, &was);
	else if (!r)
		vc_stack_written(w, pc, v.kind);
	if (r)
		return vc_refuse(w, r, pc, operands | VC_BIT(vc_dst(i)));
	if (i->imm == VC_CMPXCHG)
		w->cur.reg[0] = vc_known(VC_K_SCALAR);
	else if (i->imm & VC_FETCH)
		w->cur.reg[vc_src(i)] = vc_known(VC_K_SCALAR);
	return 0;
}
