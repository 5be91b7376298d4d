/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_plan.c - what the code generator finds out before it writes anything: for every instruction what it needs of the
 * verifier's facts, which registers are in use, what gets a register of its own, and how much of each frame must be cleared.
 */
#include <string.h>

#include "xok/vcode/jit.h"

size_t vc_jit_scratch(uint32_t ninsn)
{
	size_t known = ninsn < JIT_KNOWN ? ninsn : JIT_KNOWN;

	return sizeof(struct jit) + ninsn * sizeof(struct jit_fact) +
	       known * sizeof(struct jit_known);
}

/* What is gathered on the way, of the function at hand. */
struct plan {
	uint32_t fn;
	int32_t low;  /* the lowest stack offset that is read at a known place */
	bool unknown; /* the verifier takes all of the stack for written from some place on */
	bool calls;
	uint32_t writes; /* registers */
};

#define WEIGHT_LOOP 16u
#define WEIGHT_MUST 100000u

struct jit_mem jit_field(const struct jit *j, size_t offset)
{
	return (struct jit_mem){j->run, NONE, (int32_t)offset};
}

struct jit_mem jit_home_memory(const struct jit *j, enum jit_home h)
{
	static const uint16_t where[NHOME] = {
		[H_BUDGET] = offsetof(struct vc_run, budget),
		[H_FRAME] = offsetof(struct vc_run, stack),
		[H_WINDOW] = offsetof(struct vc_run, window),
		[H_CTX] = offsetof(struct vc_run, ctx),
		[H_RODATA] = offsetof(struct vc_run, rodata),
		[H_DATA] = offsetof(struct vc_run, data),
		[H_LIMIT1] = offsetof(struct vc_run, window_len),
	};

	if (h >= H_TABLE0)
		return jit_field(j, offsetof(struct vc_run, table) +
					    sizeof(uint8_t *) * (size_t)(h - H_TABLE0));
	return jit_field(j, where[h]);
}

bool jit_is_top(const struct jit *j, uint32_t fn)
{
	return !(j->fact[fn].flags & JIT_CALLED);
}

/* ---- facts ---- */

static void read_low(struct plan *s, struct vc_val v, int32_t disp)
{
	int32_t at = v.var ? -(int32_t)VC_STACK : v.off + disp;

	/* A helper's argument may point anywhere; what is not in the frame it does not get. */
	if (at < -(int32_t)VC_STACK)
		at = -(int32_t)VC_STACK;
	if (at < s->low)
		s->low = at;
}

/* A load or atomic reads, a store or atomic writes through v. */
static void note_access(struct jit *j, struct plan *s, struct vc_val v, uint32_t pc)
{
	const struct vc_insn *i = &j->p->insn[pc];
	struct jit_fact *f = &j->fact[pc];
	bool read = VC_CLASS(i->op) == VC_LDX || vc_is_atomic(i->op);

	f->kind = v.kind;
	f->off = v.off;
	f->flags |= v.var ? JIT_VAR : 0;
	if (v.kind == VC_K_OUTER)
		j->outer = true;
	if (v.kind != VC_K_STACK)
		return;
	if (read)
		read_low(s, v, i->off);
	s->unknown |= v.var;
	if (!v.var && vc_src(i) == 10 && i->op == (VC_OP_STXDW & ~2u) &&
	    (v.off + i->off) % 8 == 0) {
		struct vc_val slot = j->w->cur.slot[(v.off + i->off + (int32_t)VC_STACK) / 8];

		if (slot.kind == VC_K_CTX || slot.kind == VC_K_HANDLE) {
			f->flags |= JIT_VALUE;
			f->off = slot.off;
		}
		s->unknown |= slot.kind == VC_K_MIXED;
	}
}

/* The kinds of memory that the arguments are; what a helper may find in our stack, or leave there. */
static void note_helper(struct jit *j, struct plan *s, uint32_t pc)
{
	const struct vc_helper *h = &vc_helpers[j->p->insn[pc].imm];

	j->helpers = true;
	j->metered |= h->how == VC_METERED;
	for (uint32_t n = 0; n < 5; n++) {
		struct vc_val v = j->w->cur.reg[n + 1];

		if (h->arg[n] == VC_ARG_NONE)
			continue;
		j->uses |= 1u << (n + 1);
		if (h->arg[n] != VC_ARG_MEM_R && h->arg[n] != VC_ARG_MEM_W)
			continue;
		j->fact[pc].off |= v.kind << 5 * n;
		j->outer |= v.kind == VC_K_OUTER;
		if (v.kind == VC_K_STACK) {
			read_low(s, v, 0);
			s->unknown = true;
		}
	}
}

static void note_call(struct jit *j, struct plan *s, uint32_t callee)
{
	j->fact[callee].flags |= JIT_CALLED;
	j->locals = true;
	s->calls = true;
	for (uint32_t n = 1; n <= 5; n++) {
		if (j->w->cur.reg[n].kind != VC_K_STACK)
			continue;
		s->unknown = true;
		s->low = -(int32_t)VC_STACK;
	}
}

/* Is what r2 holds at the start read? It is not where the first instructions write it. */
static bool reads_r2(const struct jit *j, uint32_t pc)
{
	for (;; pc++) {
		const struct vc_insn *i = &j->p->insn[pc];

		if (VC_CLASS(i->op) == VC_JMP || VC_CLASS(i->op) == VC_JMP32)
			return i->op != VC_OP_EXIT;
		if (i->op == VC_OP_LDDW || vc_reads(i) >> 2 & 1)
			return true;
		if (vc_writes(i) >> 2 & 1)
			return false;
	}
}

/* Is r1 read, other than as the base of an access whose place is known? */
static bool reads_r1(const struct jit *j, const struct vc_insn *i)
{
	struct vc_val v = j->w->cur.reg[1];
	uint32_t cls = VC_CLASS(i->op);
	bool base = cls == VC_LDX || ((cls == VC_ST || cls == VC_STX) && vc_dst(i) == 1);

	/* The argument is no number. */
	if (v.kind == VC_K_SCALAR || (base && vc_is_pointer(v) && !v.var))
		return false;
	if (i->op == VC_OP_CALL)
		return vc_src(i) == VC_SRC_LOCAL || vc_helpers[i->imm].arg[0] != VC_ARG_NONE;
	return vc_reads(i) >> 1 & 1;
}

static void note(struct jit *j, struct plan *s, uint32_t pc)
{
	const struct vc_insn *i = &j->p->insn[pc];
	uint32_t cls = VC_CLASS(i->op), writes = vc_writes(i);

	s->writes |= writes;
	j->uses |= (writes | vc_reads(i)) & ~(1u << 10);
	j->r1 |= reads_r1(j, i);
	j->writes_r1 |= writes >> 1 & 1;
	if (i->op == VC_OP_CALL) {
		if (vc_src(i) == VC_SRC_HELPER)
			note_helper(j, s, pc);
		else
			note_call(j, s, (uint32_t)vc_target(i, pc));
	} else if (cls == VC_LDX) {
		note_access(j, s, vc_reg(j->w, vc_src(i)), pc);
	} else if (cls == VC_ST || cls == VC_STX) {
		note_access(j, s, vc_reg(j->w, vc_dst(i)), pc);
	} else if (cls == VC_JMP) {
		j->fact[pc].kind = vc_reg(j->w, vc_dst(i)).kind;
	}
}

/* A frame is cleared from the lowest place that may be read before it is written. */
static void end_function(struct jit *j, const struct plan *s, uint32_t end)
{
	struct jit_fact *f = &j->fact[s->fn];

	f->clear = (uint8_t)(s->unknown ? (uint32_t)(7 - s->low) / 8 : 0);
	f->length = (uint16_t)(end - s->fn);
	f->writes = (uint16_t)s->writes;
	f->flags |= s->calls ? JIT_CALLS : 0;
}

static void gather(struct jit *j)
{
	struct plan plan = {.fn = 0}, *s = &plan;
	uint32_t n = j->p->ninsn;

	memset(j->fact, 0, n * sizeof(*j->fact));
	for (uint32_t pc = 0; pc < n; pc++) {
		if (j->w->mark[pc] & VC_M_FUNCTION) {
			if (pc)
				end_function(j, s, pc);
			s->fn = pc;
			s->low = 0;
			s->writes = 0;
			s->unknown = s->calls = false;
		}
		if (!vc_replay(j->w, pc))
			continue;
		j->fact[pc].flags |= JIT_LIVE;
		note(j, s, pc);
	}
	end_function(j, s, n);
	/* Whoever has a caller's stack can reach every frame below. */
	for (uint32_t pc = 0; pc < n && j->outer; pc++)
		if (j->fact[pc].flags & JIT_CALLS)
			j->fact[pc].clear = VC_STACK / 8;
}

/* ---- registers ---- */

static uint32_t limit_of(uint32_t size)
{
	return size == 1 ? H_LIMIT1 : size == 2 ? H_LIMIT2 : size == 4 ? H_LIMIT4 : H_LIMIT8;
}

static void weigh_frame(struct jit *j, uint32_t *weight, uint32_t pc, uint32_t by)
{
	weight[H_FRAME] += by;
	/* Where functions are called the frame moves. */
	if (j->locals || j->fact[j->w->fn[pc]].clear > 16)
		weight[H_FRAME] += WEIGHT_MUST;
}

static void weigh_kind(struct jit *j, uint32_t *weight, uint32_t pc, uint32_t kind, uint32_t by)
{
	if (kind == VC_K_STACK || kind == VC_K_OUTER)
		weigh_frame(j, weight, pc, by);
	else if (kind >= VC_K_CTX)
		weight[jit_region((uint8_t)kind)] += by;
}

static void weigh(struct jit *j, uint32_t *weight, uint32_t pc, uint32_t by)
{
	const struct vc_insn *i = &j->p->insn[pc];
	const struct vc_opcode *o = &vc_opcodes[i->op];
	const struct jit_fact *f = &j->fact[pc];
	uint32_t cls = VC_CLASS(i->op);

	if (cls == VC_LDX || cls == VC_ST || cls == VC_STX) {
		weigh_kind(j, weight, pc, f->kind, by);
		if (f->kind == VC_K_WINDOW && (f->flags & JIT_VAR))
			weight[limit_of(vc_size(i->op))] += by;
		else if (f->kind == VC_K_WINDOW &&
			 (uint32_t)(f->off + i->off) + vc_size(i->op) > vc_min_window(j->p))
			weight[H_LIMIT1] += by;
	} else if (i->op == VC_OP_CALL) {
		weight[H_BUDGET] += by;
		for (uint32_t n = 0; n < 5 && vc_src(i) == VC_SRC_HELPER; n++)
			weigh_kind(j, weight, pc, (uint32_t)f->off >> 5 * n & 31, by);
	} else if (vc_is_jump(i) && vc_target(i, pc) <= pc) {
		weight[H_BUDGET] += by;
	}
	if ((o->src == VC_F_RD && vc_src(i) == 10) || (o->dst == VC_F_RD && vc_dst(i) == 10))
		weigh_frame(j, weight, pc, by);
}

/* From the end to the start, so that what lies between a jump back and its target is known to be a loop. */
static void weigh_all(struct jit *j, uint32_t *weight)
{
	int64_t loop = j->p->ninsn;

	for (uint32_t pc = j->p->ninsn; pc-- > 0;) {
		const struct vc_insn *i = &j->p->insn[pc];

		if (j->w->mark[pc] & VC_M_FUNCTION && j->fact[pc].clear)
			weigh_frame(j, weight, pc, 1);
		if (!(j->fact[pc].flags & JIT_LIVE))
			continue;
		if (vc_is_jump(i) && vc_target(i, pc) <= pc && vc_target(i, pc) < loop)
			loop = vc_target(i, pc);
		weigh(j, weight, pc, loop <= pc ? WEIGHT_LOOP : 1);
	}
}

/* Machine registers to give away, the cheapest first. */
struct pool {
	int reg[16];
	uint32_t n, next;
};

static bool is_preserved(int r)
{
	return r == RBX || r == RBP || r >= R12;
}

static void pool_add(struct jit *j, struct pool *pool, int r)
{
	if (!(j->taken >> r & 1) && (is_preserved(r) || !j->helpers))
		pool->reg[pool->n++] = r;
}

static int keep(struct jit *j, int r)
{
	j->taken |= (uint16_t)(1u << r);
	if (is_preserved(r))
		j->saved |= (uint16_t)(1u << r);
	return r;
}

/* The heaviest values get what registers are left, where that saves more than it costs to load them. */
static void give_homes(struct jit *j, struct pool *pool, uint32_t *weight)
{
	while (pool->next < pool->n) {
		uint32_t best = 0;

		for (uint32_t h = 1; h < NHOME; h++)
			if (weight[h] > weight[best])
				best = h;
		if (weight[best] < (is_preserved(pool->reg[pool->next]) ? 4 : 2))
			return;
		j->home[best] = keep(j, pool->reg[pool->next++]);
		weight[best] = 0;
	}
}

/* What comes in a register stays there, if it is wanted, and as long as `spare` others are left. */
static void stay(struct jit *j, uint32_t *weight, int32_t *spare, enum jit_home h, int r)
{
	if (!weight[h] || --*spare < 0)
		return;
	j->home[h] = keep(j, r);
	weight[h] = 0;
}

/* How many machine registers are left when r0 to r9, and the frame where it must, have theirs. */
static int32_t count_spare(const struct jit *j)
{
	int32_t left = -(j->weight[H_FRAME] >= WEIGHT_MUST);

	for (uint32_t r = 1; r <= 9; r++)
		left -= j->uses >> r & 1;
	for (uint32_t r = 0; r < 16; r++)
		left += !(j->taken >> r & 1);
	return left;
}

void jit_registers(struct jit *j, uint32_t used)
{
	static const int pass[] = {RAX, RSI, RDX, RCX, R8, R9};
	static const int others[] = {RCX, RSI, R8,  R9,	 RDX, T1,  T0,
				     RDI, RBX, R14, R15, R13, R12, RBP};
	uint32_t weight[NHOME];
	struct pool pool = {.n = 0};
	int32_t spare;

	memcpy(weight, j->weight, sizeof(weight));
	memset(j->home, NONE, sizeof(j->home));
	memset(j->reg, NONE, sizeof(j->reg));
	j->run = j->helpers ? RBP : RDI;
	j->saved = j->helpers ? 1u << RBP : 0;
	j->taken = (uint16_t)(1u << RSP | (used & (1u << T0 | 1u << T1 | 1u << j->run)));
	j->reg[0] = keep(j, RAX);
	for (uint32_t r = 1; r <= 5 && j->helpers; r++)
		j->reg[r] = keep(j, pass[r]);
	spare = j->helpers ? 0 : count_spare(j);
	weight[H_BUDGET]++; /* the caller wants it */
	stay(j, weight, &spare, H_BUDGET, RDX);
	stay(j, weight, &spare, H_WINDOW, RSI);
	stay(j, weight, &spare, H_LIMIT1, RCX);
	stay(j, weight, &spare, H_CTX, R8);
	for (uint32_t n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		pool_add(j, &pool, others[n]);
	for (uint32_t r = 1; r <= 9; r++)
		if ((j->uses >> r & 1) && j->reg[r] == NONE)
			j->reg[r] = keep(j, pool.reg[pool.next++]);
	give_homes(j, &pool, weight);
}

/* What r1 and r2 hold at the start, and whether it is wanted. */
static void plan_arguments(struct jit *j)
{
	/* A local call counts as a reader of r1; when nobody else is one, the callee is not either. */
	j->r1 = j->r1 && (j->uses >> 1 & 1);
	/* An argument that serves only as the base of known places needs no register. */
	if (!j->r1 && !j->writes_r1)
		j->uses &= ~2u;
	for (uint32_t e = 0; e < j->p->nentry && vc_is_raw(j->p->kind); e++)
		j->r2 |= reads_r2(j, j->p->entry[e]);
	j->uses |= j->r2 ? 1u << 2 : 0;
}

void jit_plan(struct jit *j)
{
	gather(j);
	weigh_all(j, j->weight);
	plan_arguments(j);
}
