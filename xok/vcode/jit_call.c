/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_call.c - how control enters and leaves: entries, functions, calls, EXIT, and the ways out of a run.
 *
 * An entry is a C function: vc_entry_fn of vcode.h. Behind the last instruction stands the epilogue that all of them share, and behind that a
 * stub for each way in which an instruction may stop the run.
 *
 * Metering. The budget is lowered before what it pays for; when it gets below zero, the stub puts the cost back, so the run stops
 * with what was left. No cost is larger than the program or a helper's, so there is no overflow.
 */
#include "xok/vcode/jit.h"

#define SAVED_RSP offsetof(struct vc_run, save)

static const uint8_t stub_reason[NSTUB] = {
	[STUB_WINDOW] = VC_WINDOW_BOUNDS,     [STUB_DATA] = VC_DATA_BOUNDS,
	[STUB_STACK] = VC_STACK_BOUNDS,	      [STUB_TABLE] = VC_TABLE_BOUNDS,
	[STUB_ARGUMENT] = VC_HELPER_ARGUMENT, [STUB_HELPER] = VC_HELPER_STOP,
	[STUB_BUDGET] = VC_BUDGET_EXHAUSTED,
};

/* Bits of a set; the compiler's own would be a library's function. */
static uint32_t count(uint32_t set)
{
	uint32_t n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

/* ---- stubs ---- */

static void change_budget(struct jit *j, enum jit_arith a, int32_t v)
{
	if (j->home[H_BUDGET] != NONE)
		jit_arith_imm(&j->b, a, O_W, j->home[H_BUDGET], v);
	else
		jit_arith_mem(&j->b, a, O_W, jit_home_memory(j, H_BUDGET), v);
}

void jit_spend(struct jit *j, uint32_t cost)
{
	change_budget(j, A_SUB, (int32_t)cost);
}

/* What this instruction takes from the budget, if it is one that does. */
static uint32_t cost_of(const struct jit *j, uint32_t pc)
{
	const struct vc_insn *i = &j->p->insn[pc];
	int64_t t = vc_target(i, pc);

	if (i->op != VC_OP_CALL)
		return (uint32_t)(pc - t + 1);
	return vc_src(i) == VC_SRC_LOCAL ? j->fact[t].length : vc_helpers[i->imm].cost;
}

#define STUB_SIZE 10u	/* at most, but for the budget's */
#define STUBS_REACH 80u /* all stubs of one instruction */

/* Stubs of an instruction stand in the order of enum jit_stub; every one but the budget's, the last, has the same size. */
void jit_leave(struct jit *j, enum jit_cc cc, enum jit_stub s)
{
	struct jit_fact *f = jit_fact(j);
	uint32_t before = count(f->stubs & ((1u << s) - 1));

	f->stubs |= (uint8_t)(1u << s);
	j->stops = true;
	if (j->pass == 2 && f->stub + STUBS_REACH - f->at < 100)
		f->flags |= JIT_STUBS_NEAR;
	jit_jump_to(&j->b, cc, f->stub + before * STUB_SIZE,
		    j->pass > 1 && f->flags & JIT_STUBS_NEAR);
}

bool jit_stubs(struct jit *j)
{
	if (!j->stops)
		return true;
	/* Comes with reason and place in rax. Where functions are called the stack has to be as it was at the start. */
	j->stop = jit_here(&j->b);
	if (j->home[H_BUDGET] != NONE)
		jit_store64(&j->b, jit_home_memory(j, H_BUDGET), j->home[H_BUDGET]);
	jit_mov(&j->b, O_W, RDX, RAX);
	jit_rr(&j->b, 0xf7 | O_W, U_NOT, RDX);
	jit_mov_imm(&j->b, RAX, 0);
	if (j->locals)
		jit_load64(&j->b, RSP, jit_field(j, SAVED_RSP));
	jit_jump_to(&j->b, CC_ALWAYS, j->restore, false);
	for (uint32_t pc = 0; pc < j->p->ninsn; pc++) {
		struct jit_fact *f = &j->fact[pc];

		f->stub = jit_here(&j->b);
		for (uint32_t s = 0; s < NSTUB; s++) {
			if (!(f->stubs >> s & 1))
				continue;
			if (s == STUB_BUDGET)
				change_budget(j, A_ADD, (int32_t)cost_of(j, pc));
			jit_mov_imm(&j->b, RAX, pc << 8 | stub_reason[s]);
			jit_jump_to(&j->b, CC_ALWAYS, j->stop, false);
		}
		if (!jit_flush(&j->b))
			return false;
	}
	return true;
}

/* ---- entries and functions ---- */

/* C functions want the stack 16-aligned when they are called, so everybody keeps it so: an odd number of words a call. */
static bool pads(const struct jit *j, uint32_t pushed)
{
	return j->helpers && pushed % 2 == 0;
}

static void push_all(struct jit *j, uint32_t set)
{
	for (int r = 0; r < 16; r++)
		if (set >> r & 1)
			jit_push(&j->b, r);
	if (pads(j, count(set)))
		jit_arith_imm(&j->b, A_SUB, O_W, RSP, 8);
}

static void pop_all(struct jit *j, uint32_t set)
{
	if (pads(j, count(set)))
		jit_arith_imm(&j->b, A_ADD, O_W, RSP, 8);
	for (int r = 15; r >= 0; r--)
		if (set >> r & 1)
			jit_pop(&j->b, r);
}

/* From the register that an argument came in. */
static void argument(struct jit *j, enum jit_home h, int r)
{
	if (j->home[h] != NONE && j->home[h] != r)
		jit_mov(&j->b, O_W, j->home[h], r);
}

static void load_homes(struct jit *j)
{
	for (uint32_t h = H_FRAME; h < NHOME; h++) {
		if (j->home[h] == NONE || h == H_WINDOW || h == H_CTX ||
		    (h >= H_LIMIT1 && h <= H_LIMIT8))
			continue;
		jit_load64(&j->b, j->home[h], jit_home_memory(j, (enum jit_home)h));
		if (h == H_FRAME)
			jit_arith_imm(&j->b, A_ADD, O_W, j->home[h], (int32_t)VC_STACK);
	}
	for (uint32_t h = H_LIMIT2; h <= H_LIMIT8; h++)
		if (j->home[h] != NONE)
			jit_load_limit(j, 1u << (h - H_LIMIT1), j->home[h]);
}

/* Helpers find the window in the run, and so does code that has no register for it. */
static void store_window(struct jit *j)
{
	const uint32_t *w = j->weight;
	bool base = w[H_WINDOW] && j->home[H_WINDOW] == NONE;
	bool length = w[H_LIMIT1] && j->home[H_LIMIT1] == NONE;

	if (j->helpers || base)
		jit_store64(&j->b, jit_home_memory(j, H_WINDOW), RSI);
	if (j->helpers || length || w[H_LIMIT2] || w[H_LIMIT4] || w[H_LIMIT8])
		jit_store64(&j->b, jit_home_memory(j, H_LIMIT1), RCX);
}

/* From C: keeps what must be kept, and sets up registers. */
static void prologue(struct jit *j)
{
	push_all(j, j->saved);
	if (j->run != RDI)
		jit_mov(&j->b, O_W, j->run, RDI);
	if (j->locals)
		jit_store64(&j->b, jit_field(j, SAVED_RSP), RSP);
	if (j->metered) {
		jit_rm(&j->b, 0xc7, 0, jit_field(j, offsetof(struct vc_run, stop)));
		jit_imm32(&j->b, 0);
	}
	store_window(j);
	argument(j, H_WINDOW, RSI);
	argument(j, H_BUDGET, RDX);
	argument(j, H_LIMIT1, RCX);
	argument(j, H_CTX, R8);
	if (j->home[H_BUDGET] == NONE)
		jit_store64(&j->b, jit_home_memory(j, H_BUDGET), RDX);
	/* Now the arguments are where they stay, and r2 may be rcx, r1 whatever is left. */
	if (j->r2 && j->reg[2] != RCX)
		jit_mov(&j->b, O_W, j->reg[2], RCX);
	load_homes(j);
	if (j->r1)
		jit_mov_imm(&j->b, j->reg[1], 0);
}

static void epilogue(struct jit *j)
{
	if (j->home[H_BUDGET] == NONE)
		jit_load64(&j->b, RDX, jit_home_memory(j, H_BUDGET));
	else if (j->home[H_BUDGET] != RDX)
		jit_mov(&j->b, O_W, RDX, j->home[H_BUDGET]);
	j->restore = jit_here(&j->b);
	pop_all(j, j->saved);
	jit_octet(&j->b, 0xc3);
}

void jit_epilogue(struct jit *j)
{
	j->epilogue = jit_here(&j->b);
	epilogue(j);
}

/* Those of r6 to r9 that a function writes: they are its caller's. */
static uint32_t written(const struct jit *j, uint32_t fn)
{
	uint32_t set = 0;

	for (uint32_t r = 6; r <= 9; r++)
		if (j->fact[fn].writes >> r & 1)
			set |= 1u << j->reg[r];
	return set;
}

/* Zeroes the words of the frame that may be read before they are written. */
static void clear_frame(struct jit *j, uint32_t words)
{
	int base = jit_base(j, H_FRAME);
	int32_t top = j->home[H_FRAME] == NONE ? (int32_t)VC_STACK : 0;
	uint32_t again;

	jit_mov_imm(&j->b, T0, 0);
	if (words <= 16) {
		for (uint32_t n = 1; n <= words; n++)
			jit_store64(&j->b, (struct jit_mem){base, NONE, top - 8 * (int32_t)n}, T0);
		return;
	}
	/* Here the frame has a register (jit_plan.c), so T1 is free. */
	words = (words + 3) & ~3u;
	jit_mov_imm(&j->b, jit_t1(j), (uint64_t)(-8 * (int64_t)words));
	again = jit_here(&j->b);
	for (int32_t n = 0; n < 4; n++)
		jit_store64(&j->b, (struct jit_mem){base, T1, 8 * n}, T0);
	jit_arith_imm(&j->b, A_ADD, O_W, T1, 32);
	jit_jump_to(&j->b, CC_S, again, true);
}

/* An entry that is never called locally begins right here; the others follow at the end (jit_entries). */
void jit_function_start(struct jit *j)
{
	struct jit_fact *f = jit_fact(j);

	j->top = jit_is_top(j, j->pc);
	f->fn = jit_here(&j->b);
	if (j->top)
		prologue(j);
	else
		push_all(j, written(j, j->pc));
	if (f->clear)
		clear_frame(j, f->clear);
}

bool jit_entries(struct jit *j)
{
	for (uint32_t e = 0; e < j->p->nentry; e++) {
		struct jit_fact *f = &j->fact[j->p->entry[e]];

		j->entry[e] = f->fn;
		if (jit_is_top(j, j->p->entry[e]))
			continue;
		j->entry[e] = jit_here(&j->b);
		prologue(j);
		jit_octet(&j->b, 0xe8);
		jit_imm32(&j->b, f->fn - (jit_here(&j->b) + 4));
		jit_jump_to(&j->b, CC_ALWAYS, j->epilogue, false);
		if (!jit_flush(&j->b))
			return false;
	}
	return true;
}

void jit_exit(struct jit *j)
{
	uint32_t fn = j->w->fn[j->pc];
	struct jit_fact *f = jit_fact(j);

	j->falls = false;
	if (!j->top) {
		pop_all(j, written(j, fn));
		jit_octet(&j->b, 0xc3);
	} else if (count(j->saved) <= 2) {
		epilogue(j);
	} else if (j->pc + 1 < j->p->ninsn) {
		if (j->pass == 2 && j->epilogue - f->at < 120)
			f->flags |= JIT_NEAR;
		jit_jump_to(&j->b, CC_ALWAYS, j->epilogue, f->flags & JIT_NEAR);
	}
}

/* ---- calls ---- */

/* What a function may have changed. */
static void called(struct jit *j)
{
	for (uint32_t r = 0; r <= 5; r++)
		jit_wrote(j, r, UINT64_MAX);
	j->now.held[0] = j->now.held[1] = NONE;
}

void jit_local_call(struct jit *j)
{
	uint32_t t = (uint32_t)vc_target(&j->p->insn[j->pc], j->pc);
	bool frame = j->home[H_FRAME] != NONE;

	jit_spend(j, j->fact[t].length);
	jit_leave(j, CC_S, STUB_BUDGET);
	if (frame)
		jit_arith_imm(&j->b, A_ADD, O_W, j->home[H_FRAME], (int32_t)VC_STACK);
	jit_octet(&j->b, 0xe8);
	jit_imm32(&j->b, j->fact[t].fn - (jit_here(&j->b) + 4));
	if (frame)
		jit_arith_imm(&j->b, A_SUB, O_W, j->home[H_FRAME], (int32_t)VC_STACK);
	called(j);
}

/* Is all of argument n within its region, whatever it is? */
static bool fits(const struct jit *j, uint32_t n, uint8_t kind)
{
	uint64_t at = j->now.max[n + 1], size = j->now.max[n + 2], there;

	if (kind == VC_K_STACK || kind == VC_K_OUTER)
		return false;
	there = kind == VC_K_WINDOW ? j->now.window : jit_length(j, kind);
	return size <= VC_MEM_MAX && at <= there && size <= there - at;
}

/* Argument n, memory of a kind, whose size is in the next register: becomes a machine address. T0 = length - size. */
static void memory_argument(struct jit *j, uint32_t n, uint8_t kind)
{
	int r = j->reg[n + 1], size = j->reg[n + 2];

	if (fits(j, n, kind)) {
		jit_arith(&j->b, A_ADD, O_W, r, jit_base(j, jit_region(kind)));
		return;
	}
	jit_arith_imm(&j->b, A_CMP, O_W, size, (int32_t)VC_MEM_MAX);
	jit_leave(j, CC_A, STUB_ARGUMENT);
	if (kind == VC_K_WINDOW) {
		jit_load64(&j->b, T0, jit_home_memory(j, H_LIMIT1));
	} else if (kind == VC_K_OUTER) {
		jit_frame_start(j, T0);
	} else {
		if (kind == VC_K_STACK && !j->top) {
			jit_frame_start(j, jit_t1(j));
			jit_arith(&j->b, A_SUB, O_W, r, T1);
		}
		jit_mov_imm(&j->b, T0, jit_length(j, kind));
	}
	jit_arith(&j->b, A_SUB, O_W, T0, size);
	jit_leave(j, CC_B, jit_outside(kind));
	jit_arith(&j->b, A_CMP, O_W, r, T0);
	jit_leave(j, CC_A, jit_outside(kind));
	if (kind == VC_K_STACK && !j->top) {
		jit_arith(&j->b, A_ADD, O_W, r, j->home[H_FRAME]);
		jit_arith_imm(&j->b, A_SUB, O_W, r, (int32_t)VC_STACK);
	} else if (kind == VC_K_STACK || kind == VC_K_OUTER) {
		jit_rm(&j->b, (A_ADD << 3 | 3) | O_W, r, jit_home_memory(j, H_FRAME));
	} else {
		jit_arith(&j->b, A_ADD, O_W, r, jit_base(j, jit_region(kind)));
	}
}

/* What a helper charged for more than its cost; a budget does not go below 0. */
static void reload_budget(struct jit *j)
{
	struct jit_mem m = jit_home_memory(j, H_BUDGET);
	uint32_t fine;

	jit_arith_mem(&j->b, A_CMP, O_W, m, 0);
	fine = jit_skip(&j->b, CC_NS);
	jit_rm(&j->b, 0xc7 | O_W, 0, m);
	jit_imm32(&j->b, 0);
	jit_land(&j->b, fine);
	if (j->home[H_BUDGET] != NONE)
		jit_load64(&j->b, j->home[H_BUDGET], m);
}

void jit_helper_call(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];
	const struct vc_helper *h = &vc_helpers[i->imm];
	uint32_t kinds = (uint32_t)jit_fact(j)->off;

	for (uint32_t n = 0; n < 5; n++) {
		if (h->arg[n] == VC_ARG_MEM_R || h->arg[n] == VC_ARG_MEM_W)
			memory_argument(j, n, kinds >> 5 * n & 31);
		else if (h->arg[n] == VC_ARG_CTX)
			jit_load64(&j->b, j->reg[n + 1], jit_home_memory(j, H_CTX));
	}
	jit_spend(j, h->cost);
	jit_leave(j, CC_S, STUB_BUDGET);
	if (j->home[H_BUDGET] != NONE)
		jit_store64(&j->b, jit_home_memory(j, H_BUDGET), j->home[H_BUDGET]);
	jit_rm(&j->b, 0xc7, 0, jit_field(j, offsetof(struct vc_run, pc)));
	jit_imm32(&j->b, j->pc);
	jit_load64(&j->b, RAX, jit_field(j, offsetof(struct vc_run, fn)));
	jit_mov(&j->b, O_W, RDI, j->run);
	jit_rm(&j->b, 0xff, 2, (struct jit_mem){RAX, NONE, i->imm * (int32_t)sizeof(vc_helper_fn)});
	if (h->how == VC_METERED) {
		reload_budget(j);
		jit_arith_mem(&j->b, A_CMP, 0, jit_field(j, offsetof(struct vc_run, stop)), 0);
		jit_leave(j, CC_NE, STUB_HELPER);
	}
	called(j);
}
