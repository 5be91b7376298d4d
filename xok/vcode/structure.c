/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * structure.c - the structural pass: every instruction is one of RFC 9669 with its unused fields zero, every jump stays in
 * its function and meets the start of an instruction, no function can be left but by EXIT, and functions call
 * each other without a cycle and at most VC_FRAMES deep. Dead code is held to the same rules.
 */
#include "xok/vcode/internal.h"

const struct vc_opcode vc_opcodes[256] = {
#define VC_OP(code, dst, src, off, imm, text) \
	[code] = {text, VC_F_##dst, VC_F_##src, VC_F_##off, VC_F_##imm},
#include "opcodes.def"
#undef VC_OP
};

const struct vc_helper *vc_helper_find(const struct vc_kind *k, int32_t number)
{
	uint32_t kind = 0;

	while (kind < VC_NKIND && k != &vc_kinds[kind])
		kind++;
	if (number <= 0 || number >= VC_NHELPER || kind == VC_NKIND)
		return NULL;
	return vc_helpers[number].kinds >> kind & 1 ? &vc_helpers[number] : NULL;
}

int64_t vc_target(const struct vc_insn *i, uint32_t pc)
{
	bool far = i->op == VC_OP_GOTOL || i->op == VC_OP_CALL;

	return (int64_t)pc + 1 + (far ? i->imm : i->off);
}

static bool atomic_op_ok(int32_t imm)
{
	switch (imm) {
	case VC_ADD:
	case VC_OR:
	case VC_AND:
	case VC_XOR:
	case VC_ADD | VC_FETCH:
	case VC_OR | VC_FETCH:
	case VC_AND | VC_FETCH:
	case VC_XOR | VC_FETCH:
	case VC_XCHG:
	case VC_CMPXCHG: return true;
	default: return false;
	}
}

/* Is the off field one that the opcode's row allows? */
static bool off_ok(uint8_t rule, int16_t off)
{
	switch (rule) {
	case VC_F_NO: return off == 0;
	case VC_F_SIGN: return off == 0 || off == 1;
	case VC_F_EXT32: return off == 0 || off == 8 || off == 16;
	case VC_F_EXT64: return off == 0 || off == 8 || off == 16 || off == 32;
	default: return true;
	}
}

/* Is the imm field, and the src field where imm's rule governs it? */
static bool imm_ok(uint8_t rule, const struct vc_insn *i)
{
	switch (rule) {
	case VC_F_NO: return i->imm == 0;
	case VC_F_WIDTH: return i->imm == 16 || i->imm == 32 || i->imm == 64;
	case VC_F_ATOMIC: return atomic_op_ok(i->imm);
	case VC_F_CALL: return vc_src(i) == VC_SRC_HELPER || vc_src(i) == VC_SRC_LOCAL;
	case VC_F_LDDW:
		return vc_src(i) == VC_SRC_CONST || vc_src(i) == VC_SRC_HANDLE ||
		       vc_src(i) == VC_SRC_MAP;
	default: return true;
	}
}

static bool writes_reg(uint8_t rule)
{
	return rule == VC_F_WR || rule == VC_F_RW;
}

/* Registers above r10 do not exist; r10 is the frame pointer and read-only. */
static bool regs_ok(const struct vc_opcode *o, const struct vc_insn *i)
{
	if (vc_dst(i) > 10 || (writes_reg(o->dst) && vc_dst(i) == 10))
		return false;
	if (o->imm == VC_F_CALL || o->imm == VC_F_LDDW)
		return true; /* src is no register there */
	if (vc_is_atomic(i->op) && (i->imm & VC_FETCH) && i->imm != VC_CMPXCHG && vc_src(i) == 10)
		return false; /* the old value goes to src */
	return vc_src(i) <= 10;
}

/* The pointers and handles that LDDW makes: of memory and tables that the program has. */
static int check_map(struct vc_work *w, uint32_t pc)
{
	const struct vc_prog *p = w->p;
	const struct vc_insn *i = &p->insn[pc];
	uint32_t map = (uint32_t)i->imm, off = (uint32_t)i[1].imm, table = map - VC_MAP_TABLE, len;

	if (map >= VC_MAP_TABLE && table >= p->ntable)
		return vc_refuse(w, VC_BAD_TABLE, pc, 0);
	if (vc_src(i) == VC_SRC_HANDLE) {
		if (off)
			return vc_refuse(w, VC_BAD_OPCODE, pc, 0);
		return map < VC_MAP_TABLE ? vc_refuse(w, VC_BAD_TABLE, pc, 0) : 0;
	}
	if (map < VC_MAP_TABLE) {
		len = map == VC_MAP_RODATA ? p->rodata_len : p->data_len;
		/* A pointer just behind the end is a pointer; only an access there would be wrong. */
		return off > len ? vc_refuse(w, VC_DATA_BOUNDS, pc, 0) : 0;
	}
	len = p->table_bytes[table];
	if (!len)
		return vc_refuse(w, VC_BAD_TABLE, pc, 0);
	return off > len ? vc_refuse(w, VC_TABLE_BOUNDS, pc, 0) : 0;
}

/* RFC 9669 5.4: the second slot holds the upper half of the constant and nothing else. */
static int check_lddw(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc], *second = i + 1;

	if (pc + 1 >= w->p->ninsn || second->op || second->regs || second->off)
		return vc_refuse(w, VC_BAD_OPCODE, pc, 0);
	w->mark[pc + 1] |= VC_M_SECOND;
	return vc_src(i) == VC_SRC_CONST ? 0 : check_map(w, pc);
}

static int check_insn(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	const struct vc_opcode *o = &vc_opcodes[i->op];

	if (!o->text || (o->dst == VC_F_NO && vc_dst(i)) || (o->src == VC_F_NO && vc_src(i)) ||
	    !off_ok(o->off, i->off) || !imm_ok(o->imm, i))
		return vc_refuse(w, VC_BAD_OPCODE, pc, 0);
	if (!regs_ok(o, i))
		return vc_refuse(w, VC_BAD_REGISTER, pc, 0);
	if (i->op == VC_OP_CALL && vc_src(i) == VC_SRC_HELPER &&
	    !vc_helper_find(w->p->kind, i->imm))
		return vc_refuse(w, VC_BAD_HELPER, pc, 0);
	if (i->op == VC_OP_LDDW)
		return check_lddw(w, pc);
	return 0;
}

static int check_insns(struct vc_work *w)
{
	for (uint32_t pc = 0; pc < w->p->ninsn; pc++) {
		int r = w->mark[pc] & VC_M_SECOND ? 0 : check_insn(w, pc);

		if (r)
			return r;
	}
	return 0;
}

/* Does control arriving at t meet an instruction? pc is to blame if not. */
static int check_target(struct vc_work *w, uint32_t pc, int64_t t)
{
	if (t < 0 || t >= w->p->ninsn)
		return vc_refuse(w, VC_BAD_JUMP, pc, 0);
	if (w->mark[t] & VC_M_SECOND)
		return vc_refuse(w, VC_JUMP_INTO_INSN, pc, 0);
	return 0;
}

/* Functions start at instruction 0, at entries and where local calls go; each ends where the next one starts. */
static int find_functions(struct vc_work *w)
{
	int r;

	w->mark[0] |= VC_M_FUNCTION;
	for (uint32_t e = 0; e < w->p->nentry; e++) {
		uint32_t t = w->p->entry[e];

		r = check_target(w, t, t);
		if (r)
			return r;
		w->mark[t] |= VC_M_FUNCTION | VC_M_ENTRY;
	}
	for (uint32_t pc = 0; pc < w->p->ninsn; pc++) {
		const struct vc_insn *i = &w->p->insn[pc];

		if ((w->mark[pc] & VC_M_SECOND) || !vc_is_local_call(i))
			continue;
		r = check_target(w, pc, vc_target(i, pc));
		if (r)
			return r;
		w->mark[vc_target(i, pc)] |= VC_M_FUNCTION;
	}
	for (uint32_t pc = 0, fn = 0; pc < w->p->ninsn; pc++) {
		if (w->mark[pc] & VC_M_FUNCTION)
			fn = pc;
		w->fn[pc] = (uint16_t)fn;
	}
	return 0;
}

/* Jumps stay in their function, and the last instruction of a function does not fall into the next one. */
static int check_jumps(struct vc_work *w)
{
	for (uint32_t pc = 0; pc < w->p->ninsn; pc++) {
		const struct vc_insn *i = &w->p->insn[pc];
		uint32_t next = pc + (i->op == VC_OP_LDDW ? 2 : 1);
		bool last = next >= w->p->ninsn || (w->mark[next] & VC_M_FUNCTION);

		if (w->mark[pc] & VC_M_SECOND)
			continue;
		if (vc_is_jump(i)) {
			int64_t t = vc_target(i, pc);
			int r = check_target(w, pc, t);

			if (r)
				return r;
			if (w->fn[t] != w->fn[pc])
				return vc_refuse(w, VC_BAD_JUMP, pc, 0);
			w->mark[t] |= VC_M_LEADER | (t <= pc ? VC_M_LOOP : 0);
		}
		if (last && i->op != VC_OP_EXIT && i->op != VC_OP_JA && i->op != VC_OP_GOTOL)
			return vc_refuse(w, VC_NO_EXIT, pc, 0);
	}
	return 0;
}

/*
 * How deep each function may be called: one more than its deepest caller. Every pass over the calls settles one more level, so
 * a depth beyond VC_FRAMES turns up within VC_FRAMES passes; on a cycle depths grow in every pass.
 */
static int check_depth(struct vc_work *w)
{
	bool changed = true;

	for (uint32_t pc = 0; pc < w->p->ninsn; pc++)
		w->depth[pc] = 1;
	while (changed) {
		changed = false;
		for (uint32_t pc = 0; pc < w->p->ninsn; pc++) {
			uint8_t *callee, depth = w->depth[w->fn[pc]];

			if ((w->mark[pc] & VC_M_SECOND) || !vc_is_local_call(&w->p->insn[pc]))
				continue;
			callee = &w->depth[vc_target(&w->p->insn[pc], pc)];
			if (*callee > depth)
				continue;
			if (depth >= VC_FRAMES)
				return vc_refuse(w, VC_RECURSION, pc, 0);
			*callee = depth + 1;
			changed = true;
		}
	}
	return 0;
}

int vc_structure(struct vc_work *w)
{
	int r = check_insns(w);

	if (!r)
		r = find_functions(w);
	if (!r)
		r = check_jumps(w);
	if (!r)
		r = check_depth(w);
	return r;
}
