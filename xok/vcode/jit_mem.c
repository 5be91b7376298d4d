/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_mem.c - loads, stores and atomic operations.
 *
 * An access at a known offset needs no check, but in the window beyond the length that is promised. All others compare the offset
 * without sign with what it must be below: length - size + 1, or 0 when the region is shorter than the access; unless what is known of the
 * register's greatest value (struct jit_known) proves it inside.
 */
#include "xok/vcode/jit.h"

enum jit_home jit_region(uint8_t kind)
{
	switch (kind) {
	case VC_K_CTX: return H_CTX;
	case VC_K_WINDOW: return H_WINDOW;
	case VC_K_RODATA: return H_RODATA;
	case VC_K_DATA: return H_DATA;
	case VC_K_STACK:
	case VC_K_OUTER: return H_FRAME;
	default: return H_TABLE0 + (enum jit_home)(kind - VC_K_TABLE0);
	}
}

enum jit_stub jit_outside(uint8_t kind)
{
	switch (kind) {
	case VC_K_WINDOW: return STUB_WINDOW;
	case VC_K_STACK:
	case VC_K_OUTER: return STUB_STACK;
	case VC_K_RODATA:
	case VC_K_DATA: return STUB_DATA;
	default: return STUB_TABLE;
	}
}

uint32_t jit_length(const struct jit *j, uint8_t kind)
{
	switch (kind) {
	case VC_K_RODATA: return j->p->rodata_len;
	case VC_K_DATA: return j->p->data_len;
	case VC_K_STACK: return VC_STACK;
	default: return j->p->table_bytes[kind - VC_K_TABLE0];
	}
}

void jit_load_limit(struct jit *j, uint32_t size, int r)
{
	uint32_t enough;

	jit_load64(&j->b, r, jit_home_memory(j, H_LIMIT1));
	if (size > 1)
		jit_arith_imm(&j->b, A_SUB, O_W, r, (int32_t)size - 1);
	if (vc_min_window(j->p) >= size - 1)
		return;
	enough = jit_skip(&j->b, CC_AE);
	jit_mov_imm(&j->b, r, 0);
	jit_land(&j->b, enough);
}

/* A value in T1, or in rdi, which programs with helpers have left over between calls. */
static int held(struct jit *j, enum jit_home h)
{
	uint32_t slot = 0;

	while (slot < 2 && j->now.held[slot] != (int8_t)h)
		slot++;
	if (slot == 2) {
		slot = j->helpers ? j->now.next : 0;
		j->now.next = !slot;
		j->now.held[slot] = (int8_t)h;
		if (h > H_LIMIT1 && h <= H_LIMIT8)
			jit_load_limit(j, 1u << (h - H_LIMIT1), slot ? RDI : T1);
		else
			jit_load64(&j->b, slot ? RDI : T1, jit_home_memory(j, h));
	}
	return slot ? RDI : T1;
}

int jit_base(struct jit *j, enum jit_home h)
{
	return j->home[h] != NONE ? j->home[h] : held(j, h);
}

void jit_frame_start(struct jit *j, int d)
{
	if (j->top) {
		jit_mov_imm(&j->b, d, 0);
		return;
	}
	jit_frame_pointer(j, d);
	jit_arith_imm(&j->b, A_SUB, O_W, d, (int32_t)VC_STACK);
}

/* At r10 + off. */
static struct jit_mem frame_slot(struct jit *j, int32_t off)
{
	int base = jit_base(j, H_FRAME);

	return (struct jit_mem){base, NONE,
				j->home[H_FRAME] == NONE ? off + (int32_t)VC_STACK : off};
}

static struct jit_mem at_known(struct jit *j, uint8_t kind, int32_t off, uint32_t size)
{
	if (kind == VC_K_STACK)
		return frame_slot(j, off);
	if (kind == VC_K_WINDOW && (uint32_t)off + size > j->now.window) {
		j->now.window = (uint32_t)off + size;
		if (j->home[H_LIMIT1] != NONE)
			jit_arith_imm(&j->b, A_CMP, O_W, j->home[H_LIMIT1], (int32_t)j->now.window);
		else
			jit_arith_mem(&j->b, A_CMP, O_W, jit_home_memory(j, H_LIMIT1),
				      (int32_t)j->now.window);
		jit_leave(j, CC_B, STUB_WINDOW);
	}
	return (struct jit_mem){jit_base(j, jit_region(kind)), NONE, off};
}

/* Leaves unless the offset in register r, a displacement included, is one that the region has `size` bytes at. */
static void check_window(struct jit *j, int r, uint32_t size)
{
	int limit = jit_base(j, H_LIMIT1 + (enum jit_home)__builtin_ctz(size));

	jit_arith(&j->b, A_CMP, O_W, r, limit);
	jit_leave(j, CC_AE, STUB_WINDOW);
}

/* OUTER: all frames below this one, from the start of the stack on. Depth 0 has none. */
static void check_outer(struct jit *j, int r, uint32_t size)
{
	jit_frame_start(j, jit_t1(j));
	jit_arith_imm(&j->b, A_SUB, O_W, T1, (int32_t)size - 1);
	jit_leave(j, CC_BE, STUB_STACK);
	jit_arith(&j->b, A_CMP, O_W, r, T1);
	jit_leave(j, CC_AE, STUB_STACK);
}

/*
 * The own frame: r is an offset in the whole stack; returns one in the frame. Where the frame is the first one, that is the
 * same.
 */
static int check_frame(struct jit *j, int r, uint32_t size)
{
	int t = r;

	if (!j->top) {
		jit_frame_start(j, jit_t1(j));
		jit_mov(&j->b, O_W, T0, r);
		jit_arith(&j->b, A_SUB, O_W, T0, T1);
		t = T0;
	}
	jit_arith_imm(&j->b, A_CMP, O_W, t, (int32_t)(VC_STACK - size + 1));
	jit_leave(j, CC_AE, STUB_STACK);
	return t;
}

/* The region's start, for offsets that were checked: for the stack the start of the whole of it. */
static struct jit_mem from_start(struct jit *j, uint8_t kind, int index, int32_t disp)
{
	if (kind != VC_K_STACK && kind != VC_K_OUTER)
		return (struct jit_mem){jit_base(j, jit_region(kind)), index, disp};
	if (j->top && j->home[H_FRAME] != NONE)
		return (struct jit_mem){j->home[H_FRAME], index, disp - (int32_t)VC_STACK};
	return (struct jit_mem){held(j, H_FRAME), index, disp};
}

/* Is every offset up to `max`, with the displacement, one that the region has `size` bytes at? */
static bool reaches(const struct jit *j, uint8_t kind, uint64_t max, int32_t disp, uint32_t size)
{
	uint64_t len, need;

	/* A displacement below 0 could lead before the start; the place of a frame is not counted from the region's start. */
	if (kind == VC_K_STACK || kind == VC_K_OUTER || disp < 0)
		return false;
	len = kind == VC_K_WINDOW ? j->now.window : jit_length(j, kind);
	need = (uint32_t)disp + size;
	return need <= len && max <= len - need;
}

static struct jit_mem at_unknown(struct jit *j, uint8_t kind, uint32_t reg, int32_t disp,
				 uint32_t size)
{
	int r = j->reg[reg], t = r;

	if (reaches(j, kind, j->now.max[reg], disp, size))
		return from_start(j, kind, r, disp);
	if (disp) {
		jit_lea(&j->b, O_W, T0, (struct jit_mem){r, NONE, disp});
		t = T0;
	}
	switch (kind) {
	case VC_K_WINDOW: check_window(j, t, size); break;
	case VC_K_OUTER: check_outer(j, t, size); break;
	case VC_K_STACK:
		t = check_frame(j, t, size);
		if (!j->top)
			return (struct jit_mem){j->home[H_FRAME], t, -(int32_t)VC_STACK};
		break;
	default: {
		uint32_t len = jit_length(j, kind), limit = len < size ? 0 : len - size + 1;

		jit_arith_imm(&j->b, A_CMP, O_W, t, (int32_t)limit);
		jit_leave(j, CC_AE, jit_outside(kind));
	}
	}
	return from_start(j, kind, t, 0);
}

/* What the instruction accesses through register reg, after the checks. */
static struct jit_mem operand(struct jit *j, uint32_t reg)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	const struct jit_fact *f = jit_fact(j);
	uint32_t size = vc_size(i->op);

	if (f->flags & JIT_VAR)
		return at_unknown(j, f->kind, reg, i->off, size);
	return at_known(j, f->kind, f->off + i->off, size);
}

void jit_load(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	const struct jit_fact *f = jit_fact(j);
	uint32_t d = vc_dst(i), size = vc_size(i->op);
	int rd = j->reg[d];
	bool sign = vc_is_signed_load(i->op);
	struct jit_mem m;

	/* The window's pointer is an offset like all others: 0. And see vc_known about kept contexts and handles. */
	if (f->kind == VC_K_CTX && size == 8 &&
	    (uint32_t)(f->off + i->off) == j->p->kind->ctx_window_off) {
		jit_mov_imm(&j->b, rd, 0);
		jit_wrote(j, d, 0);
		return;
	}
	if (f->flags & JIT_VALUE) {
		jit_mov_imm(&j->b, rd, (uint64_t)(int64_t)f->off);
		jit_wrote(j, d, (uint64_t)(int64_t)f->off);
		return;
	}
	m = operand(j, vc_src(i));
	switch (size) {
	case 1: jit_rm(&j->b, sign ? 0xbe | O_0F | O_W : 0xb6 | O_0F, rd, m); break;
	case 2: jit_rm(&j->b, sign ? 0xbf | O_0F | O_W : 0xb7 | O_0F, rd, m); break;
	case 4: jit_rm(&j->b, sign ? 0x63 | O_W : 0x8b, rd, m); break;
	default: jit_load64(&j->b, rd, m); break;
	}
	jit_wrote(j, d, sign ? UINT64_MAX : UINT64_MAX >> (64 - 8 * size));
}

static void store_constant(struct jit *j, struct jit_mem m, uint32_t size, int32_t v)
{
	uint32_t w = size == 8 ? O_W : size == 2 ? O_16 : 0;

	jit_rm(&j->b, (size == 1 ? 0xc6 : 0xc7) | w, 0, m);
	for (uint32_t n = 0; n < (size == 8 ? 4 : size); n++)
		jit_octet(&j->b, (uint32_t)v >> 8 * n);
}

void jit_store(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint32_t size = vc_size(i->op), w = size == 8 ? O_W : size == 2 ? O_16 : 0;
	struct jit_mem m = operand(j, vc_dst(i));

	if (VC_CLASS(i->op) == VC_ST) {
		store_constant(j, m, size, i->imm);
		return;
	}
	/* r10 is kept in the own frame only, and then m does not use T0. */
	jit_rm(&j->b, size == 1 ? 0x88 | O_BYTE : 0x89 | w, jit_operand(j, vc_src(i), T0), m);
}

bool jit_store_through(struct jit *j, uint32_t pc, int32_t v)
{
	const struct vc_insn *i = &j->p->insn[pc];
	const struct jit_fact *f = &j->fact[pc];
	uint32_t size = vc_size(i->op);
	int32_t off = f->off + i->off;

	if (VC_CLASS(i->op) != VC_STX || vc_is_atomic(i->op) || size == 8 || f->flags & JIT_VAR ||
	    (f->kind == VC_K_WINDOW && (uint32_t)off + size > j->now.window))
		return false;
	store_constant(j, at_known(j, f->kind, off, size), size, v);
	return true;
}

/* ---- atomic operations; memory that others may access at the same time is that of tables only ---- */

static uint32_t opcode_of(uint32_t code)
{
	switch (code) {
	case VC_ADD: return A_ADD << 3;
	case VC_OR: return A_OR << 3;
	case VC_AND: return A_AND << 3;
	default: return A_XOR << 3;
	}
}

/* Memory op= s, and s the old value, for AND, OR and XOR, which have no such instruction. */
static void fetch_and_change(struct jit *j, uint32_t op, uint32_t w, uint32_t lock, int s,
			     struct jit_mem m)
{
	struct jit_buf *b = &j->b;
	int x = s == RCX ? RDX : RCX;
	uint32_t again;

	jit_lea(b, O_W, T0, m);
	jit_mov(b, w, jit_t1(j), s);
	jit_push(b, x);
	if (s != RAX)
		jit_push(b, RAX);
	m = (struct jit_mem){T0, NONE, 0};
	jit_rm(b, 0x8b | w, RAX, m);
	again = jit_here(b);
	jit_mov(b, w, x, RAX);
	jit_rr(b, (op | 3) | w, x, T1);
	jit_rm(b, 0xb1 | O_0F | lock | w, x, m);
	jit_jump_to(b, CC_NE, again, true);
	if (s != RAX) {
		jit_mov(b, w, T1, RAX);
		jit_pop(b, RAX);
	}
	jit_pop(b, x);
	if (s != RAX)
		jit_mov(b, w, s, T1);
}

/* Leaves unless the place in a table, which is not known, is a multiple of size. */
static struct jit_mem check_aligned(struct jit *j, struct jit_mem m, uint32_t size)
{
	if (m.disp) {
		jit_lea(&j->b, O_W, T0, (struct jit_mem){m.index, NONE, m.disp});
		m = (struct jit_mem){m.base, T0, 0};
	}
	jit_rr(&j->b, 0xf7, 0, m.index);
	jit_imm32(&j->b, size - 1);
	jit_leave(j, CC_NE, STUB_TABLE);
	return m;
}

void jit_atomic(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	uint32_t w = i->op == VC_OP_ATOMIC64 ? O_W : 0, s = vc_src(i);
	uint32_t lock = jit_fact(j)->kind >= VC_K_TABLE0 ? O_LOCK : 0;
	uint32_t code = (uint32_t)i->imm & 0xf0;
	int rs = j->reg[s];
	struct jit_mem m = operand(j, vc_dst(i));

	if (lock && jit_fact(j)->flags & JIT_VAR)
		m = check_aligned(j, m, vc_size(i->op));
	if (i->imm == VC_CMPXCHG) {
		jit_rm(&j->b, 0xb1 | O_0F | lock | w, rs, m);
		if (!w)
			jit_mov(&j->b, 0, RAX, RAX);
		s = 0;
	} else if (i->imm == VC_XCHG) {
		jit_rm(&j->b, 0x87 | w, rs, m); /* which locks by itself */
	} else if (!(i->imm & VC_FETCH)) {
		jit_rm(&j->b, (opcode_of(code) | 1) | lock | w, rs, m);
		return;
	} else if (code == VC_ADD) {
		jit_rm(&j->b, 0xc1 | O_0F | lock | w, rs, m);
	} else {
		fetch_and_change(j, opcode_of(code), w, lock, rs, m);
	}
	jit_wrote(j, s, w ? UINT64_MAX : UINT32_MAX);
}
