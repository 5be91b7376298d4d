/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.c - the data-flow pass: follows what every register and stack slot holds along all paths to a fixpoint.
 *
 * A state is kept for every leader: functions' first instructions, targets of jumps, and local calls. A leader
 * whose state changed is dirty; following it updates one state through the instructions up to the next leader,
 * joining it into the leaders it meets. Functions are analysed once for all their callers: the arguments of all calls meet at the first
 * instruction, and what all exits return meets in w->ret, which the calls read. States only descend in a finite
 * lattice (known.c), so this ends: at most (10 * 3 + 64 * 10) * ninsn instructions are followed. That is too many for a kernel that
 * does nothing else meanwhile, and far more than compilers' output needs, most of which is followed once or twice: so there is a limit.
 */
#include <string.h>

#include "xok/vcode/flow.h"

static void mark_dirty(struct vc_work *w, uint32_t leader)
{
	w->dirty[leader / 64] |= 1ull << (leader % 64);
}

/* What may be followed in all, by any program: 16 times the longest one. */
#define FOLLOWED_MAX (16 * VC_INSNS_MAX)

/* Joins a state into the one kept at pc, which is a leader. */
static void arrive(struct vc_work *w, uint32_t pc, const struct vc_state *s)
{
	struct vc_state *kept = &w->state[w->leader[pc]];

	if (!(w->mark[pc] & VC_M_REACHED)) {
		w->mark[pc] |= VC_M_REACHED;
		*kept = *s;
	} else if (!vc_join_state(kept, s)) {
		return;
	}
	mark_dirty(w, pc);
}

/* A function's first instruction: nothing known but arguments, which the caller of this fills in. */
static void blank(struct vc_state *s)
{
	for (uint32_t r = 0; r < VC_NREG; r++)
		s->reg[r] = vc_known(VC_K_UNINIT);
	for (uint32_t n = 0; n < VC_SLOTS; n++)
		s->slot[n] = vc_known(VC_K_BYTES);
}

/* Every register that the opcode's row reads must have been written. */
static int check_reads(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	/* Atomic operations see to theirs, in the order in which they need them. */
	uint32_t reads = vc_is_atomic(i->op) ? VC_BIT(vc_dst(i)) : vc_reads(i);

	for (uint32_t n = 0; n < VC_NREG; n++)
		if ((reads >> n & 1) && w->cur.reg[n].kind == VC_K_UNINIT)
			return vc_refuse(w, VC_UNINITIALISED, pc, VC_BIT(n));
	return 0;
}

/* Makes the calls of a function be followed again. */
static void callers_dirty(struct vc_work *w, uint32_t callee)
{
	w->followed += w->p->ninsn / 64; /* looking at one is that much cheaper than following it */
	for (uint32_t pc = 0; pc < w->p->ninsn; pc++)
		if (!(w->mark[pc] & VC_M_SECOND) && vc_is_local_call(&w->p->insn[pc]) &&
		    vc_target(&w->p->insn[pc], pc) == callee && (w->mark[pc] & VC_M_REACHED))
			mark_dirty(w, pc);
}

/*
 * OUTER is the stacks of all callers, so a write there may meet any pointer that any of them keeps. The note travels up: callers
 * are followed again, and are functions that write to their callers' stacks in turn.
 */
void vc_outer_written(struct vc_work *w, uint32_t pc)
{
	uint32_t fn = w->fn[pc];

	if (w->mark[fn] & VC_M_OUTER)
		return;
	w->mark[fn] |= VC_M_OUTER;
	callers_dirty(w, fn);
}

/*
 * A local call. The callee sees our stack as OUTER and may write there if it got a pointer to it, or we one to our callers'. r6 to r9 are
 * ours again afterwards. False when no exit of the callee was reached yet: then the call is followed again once one is.
 */
static bool follow_call(struct vc_work *w, uint32_t pc)
{
	uint32_t callee = (uint32_t)vc_target(&w->p->insn[pc], pc);
	bool stack_passed = false;
	struct vc_state s;

	blank(&s);
	for (uint32_t n = 1; n <= 5; n++) {
		struct vc_val v = w->cur.reg[n];

		if (v.kind == VC_K_STACK) {
			stack_passed = true;
			v = (struct vc_val){.kind = VC_K_OUTER, .var = 1};
		}
		s.reg[n] = v;
		w->cur.reg[n] = vc_known(VC_K_UNINIT);
	}
	arrive(w, callee, &s);
	if (stack_passed)
		vc_stack_bytes(&w->cur);
	if (w->mark[callee] & VC_M_OUTER) {
		vc_stack_pointers(&w->cur);
		vc_outer_written(w, pc);
	}
	w->cur.reg[0] = w->ret[callee];
	return w->returns[callee];
}

static int follow_exit(struct vc_work *w, uint32_t pc)
{
	uint32_t fn = w->fn[pc];
	struct vc_val v = w->cur.reg[0];

	if (w->mark[fn] & VC_M_ENTRY) {
		if (v.kind == VC_K_UNINIT)
			return vc_refuse(w, VC_UNINITIALISED, pc, VC_BIT(0));
		if (v.kind != VC_K_SCALAR)
			return vc_refuse(w,
					 v.kind == VC_K_HANDLE ? VC_TABLE_HANDLE : VC_POINTER_LEAK,
					 pc, VC_BIT(0));
	}
	/* Pointers to a stack that may be gone do not come back; a function without a result may leave one behind. */
	if (v.kind == VC_K_STACK || v.kind == VC_K_OUTER || v.kind == VC_K_MIXED)
		v = vc_known(VC_K_UNINIT);
	if (!w->returns[fn]) {
		w->returns[fn] = 1;
		w->ret[fn] = v;
		callers_dirty(w, fn);
	} else if (vc_join(&w->ret[fn], v)) {
		callers_dirty(w, fn);
	}
	return 0;
}

/* LDDW: a number, or a pointer or handle that was checked by the structural pass. */
static void follow_lddw(struct vc_work *w, uint32_t pc)
{
	const struct vc_insn *i = &w->p->insn[pc];
	uint32_t map = (uint32_t)i->imm, off = (uint32_t)i[1].imm;
	struct vc_val v = vc_known(VC_K_SCALAR);

	if (vc_src(i) == VC_SRC_HANDLE) {
		v = vc_known(VC_K_HANDLE);
		v.off = (int16_t)(map - VC_MAP_TABLE);
	} else if (vc_src(i) == VC_SRC_MAP) {
		v = vc_known((uint8_t)(map == VC_MAP_RODATA ? VC_K_RODATA
				       : map == VC_MAP_DATA ? VC_K_DATA
							    : VC_K_TABLE0 + map - VC_MAP_TABLE));
		v.var = off > INT16_MAX;
		v.off = v.var ? 0 : (int16_t)off;
	}
	w->cur.reg[vc_dst(i)] = v;
}

/* Jumps, calls and EXIT; *falls is whether the next instruction can follow. */
static int follow_branch(struct vc_work *w, uint32_t pc, bool *falls)
{
	const struct vc_insn *i = &w->p->insn[pc];
	bool always = i->op == VC_OP_JA || i->op == VC_OP_GOTOL;
	int r;

	switch (i->op) {
	case VC_OP_EXIT: *falls = false; return follow_exit(w, pc);
	case VC_OP_CALL:
		if (vc_src(i) == VC_SRC_HELPER)
			return vc_flow_helper(w, pc);
		*falls = follow_call(w, pc);
		return 0;
	default: break;
	}
	r = always ? 0 : vc_flow_compare(w, pc);
	if (!r)
		arrive(w, (uint32_t)vc_target(i, pc), &w->cur);
	*falls = !always;
	return r;
}

static int follow_insn(struct vc_work *w, uint32_t pc, bool *falls)
{
	const struct vc_insn *i = &w->p->insn[pc];
	int r = check_reads(w, pc);

	if (r)
		return r;
	switch (VC_CLASS(i->op)) {
	case VC_ALU:
	case VC_ALU64: return vc_flow_alu(w, pc);
	case VC_JMP:
	case VC_JMP32: return follow_branch(w, pc, falls);
	case VC_LDX: return vc_flow_load(w, pc);
	case VC_ST: return vc_flow_store(w, pc);
	case VC_STX: return vc_is_atomic(i->op) ? vc_flow_atomic(w, pc) : vc_flow_store(w, pc);
	default: follow_lddw(w, pc); return 0;
	}
}

/* Follows the instructions from leader pc to the next leaders. */
static int follow(struct vc_work *w, uint32_t pc)
{
	bool falls = true;

	w->cur = w->state[w->leader[pc]];
	for (;;) {
		int r = w->followed++ < FOLLOWED_MAX ? follow_insn(w, pc, &falls)
						     : vc_refuse(w, VC_TOO_COMPLEX, pc, 0);

		if (r || !falls)
			return r;
		/* The structural pass made sure that something follows what falls through. */
		pc += w->p->insn[pc].op == VC_OP_LDDW ? 2 : 1;
		if (w->mark[pc] & VC_M_LEADER) {
			arrive(w, pc, &w->cur);
			return 0;
		}
	}
}

/* The lowest dirty leader, no longer dirty; false when there is none. */
static bool next_dirty(struct vc_work *w, uint32_t *pc)
{
	for (uint32_t n = 0; n < VC_INSNS_MAX / 64; n++) {
		if (!w->dirty[n])
			continue;
		*pc = n * 64 + (uint32_t)__builtin_ctzll(w->dirty[n]);
		w->dirty[n] &= w->dirty[n] - 1;
		return true;
	}
	return false;
}

/* Numbers the leaders; the structural pass marked the targets of jumps. */
static void number_leaders(struct vc_work *w)
{
	uint16_t n = 0;

	for (uint32_t pc = 0; pc < w->p->ninsn; pc++) {
		if (w->mark[pc] & VC_M_SECOND)
			continue;
		if ((w->mark[pc] & VC_M_FUNCTION) || vc_is_local_call(&w->p->insn[pc]))
			w->mark[pc] |= VC_M_LEADER;
		if (w->mark[pc] & VC_M_LEADER)
			w->leader[pc] = n++;
	}
}

int vc_flow(struct vc_work *w)
{
	struct vc_state s;
	uint32_t pc;

	number_leaders(w);
	blank(&s);
	s.reg[1] = vc_known(vc_is_raw(w->p->kind) ? VC_K_WINDOW : VC_K_CTX);
	if (vc_is_raw(w->p->kind))
		s.reg[2] = vc_known(VC_K_SCALAR);
	for (uint32_t e = 0; e < w->p->nentry; e++)
		arrive(w, w->p->entry[e], &s);
	w->at = &w->cur;
	while (next_dirty(w, &pc)) {
		int r = follow(w, pc);

		if (r)
			return r;
	}
	return 0;
}

/*
 * All leaders' states are final, so following an instruction again joins what is there already: nothing changes but w->cur.
 */
bool vc_replay(struct vc_work *w, uint32_t pc)
{
	if (pc == 0)
		w->live = false;
	if (w->mark[pc] & VC_M_SECOND)
		return false;
	if (w->live) {
		bool falls = true;

		w->live = !follow_insn(w, w->replayed, &falls) && falls;
	}
	w->replayed = pc;
	if (w->mark[pc] & VC_M_LEADER) {
		w->live = w->mark[pc] & VC_M_REACHED;
		if (w->live)
			w->cur = w->state[w->leader[pc]];
	}
	return w->live;
}
