/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost.c - the dearest way through a program without its jumps back: longest paths in an acyclic graph, functions before their callers. The
 * verifier has seen that calls are at most VC_FRAMES deep, which bounds the recursion here.
 */
#include "capsules/tool/cost.h"

#include <stdlib.h>
#include <string.h>

#define OP_LDDW 0x18
#define OP_JA 0x05
#define OP_GOTOL 0x06
#define OP_CALL 0x85
#define OP_EXIT 0x95
#define FP 10

struct way {
	uint64_t units, insns;
};

struct graph {
	const struct vc_prog *p;
	struct cost *c;
	struct way *way;   /* from each instruction to the end of its function */
	uint32_t *depth;   /* by first instruction of a function: 0 not measured yet */
	uint8_t *function; /* a function starts here */
	uint8_t *second;   /* second slot of an LDDW */
};

static bool is_local_call(const struct vc_insn *i)
{
	return i->op == OP_CALL && i->regs >> 4 == 1;
}

static bool is_jump(const struct vc_insn *i)
{
	uint32_t class = i->op & 7;

	return (class == 5 || class == 6) && i->op != OP_CALL && i->op != OP_EXIT;
}

static uint32_t target(const struct vc_insn *i, uint32_t pc)
{
	return (uint32_t)((int64_t)pc + 1 +
			  (is_local_call(i) || i->op == OP_GOTOL ? i->imm : i->off));
}

static void find_functions(struct graph *g)
{
	g->function[0] = 1;
	for (uint32_t e = 0; e < g->p->nentry; e++)
		g->function[g->p->entry[e]] = 1;
	for (uint32_t pc = 0; pc < g->p->ninsn; pc++) {
		const struct vc_insn *i = &g->p->insn[pc];

		if (is_local_call(i))
			g->function[target(i, pc)] = 1;
		if (is_jump(i) && target(i, pc) <= pc)
			g->c->loops++;
		if (i->op == OP_LDDW)
			g->second[++pc] = 1;
	}
}

static void keep_max(struct way *best, struct way w)
{
	if (w.units > best->units)
		best->units = w.units;
	if (w.insns > best->insns)
		best->insns = w.insns;
}

/* How far below r10 the stack is named here: by an access through r10, or by an addition to a copy of it. */
static void note_stack(struct graph *g, uint32_t pc)
{
	const struct vc_insn *i = &g->p->insn[pc];
	uint32_t class = i->op & 7;
	uint32_t base = class == 1 ? i->regs >> 4 : class == 2 || class == 3 ? i->regs & 15u : 0;
	int64_t off = base == FP ? i->off : 0;

	/* r2 = r10; r2 += -16 */
	if (i->op == 0x07 && pc > 0 && i[-1].op == 0xbf && i[-1].regs >> 4 == FP &&
	    (i[-1].regs & 15) == (i->regs & 15))
		off = i->imm;
	if (off < 0 && (uint32_t)-off > g->c->stack)
		g->c->stack = (uint32_t)-off;
}

static void measure(struct graph *g, uint32_t start);

/* What the instruction itself charges. */
static uint64_t charge(struct graph *g, uint32_t pc, uint32_t start)
{
	const struct vc_insn *i = &g->p->insn[pc];
	uint32_t t, end;

	if (i->op != OP_CALL)
		return 0;
	if (!is_local_call(i))
		return vc_helpers[i->imm].cost;
	t = target(i, pc);
	measure(g, t);
	if (g->depth[t] >= g->depth[start])
		g->depth[start] = g->depth[t] + 1;
	for (end = t + 1; end < g->p->ninsn && !g->function[end]; end++)
		;
	return end - t + g->way[t].units;
}

static void measure(struct graph *g, uint32_t start)
{
	uint32_t end = start + 1;

	if (g->depth[start] != 0)
		return;
	g->depth[start] = 1;
	while (end < g->p->ninsn && !g->function[end])
		end++;
	for (uint32_t pc = end; pc-- > start;) {
		const struct vc_insn *i = &g->p->insn[pc];
		struct way best = {0, 0};
		uint32_t next = pc + (i->op == OP_LDDW ? 2 : 1);

		if (g->second[pc])
			continue;
		if (is_jump(i) && target(i, pc) > pc)
			keep_max(&best, g->way[target(i, pc)]);
		if (i->op != OP_EXIT && i->op != OP_JA && i->op != OP_GOTOL && next < end)
			keep_max(&best, g->way[next]);
		best.units += charge(g, pc, start);
		best.insns += 1 + (is_local_call(i) ? g->way[target(i, pc)].insns : 0);
		g->way[pc] = best;
		note_stack(g, pc);
	}
}

bool cost_measure(const struct vc_prog *p, struct cost *c)
{
	struct graph g = {.p = p, .c = c};
	struct way worst = {0, 0};

	*c = (struct cost){0};
	g.way = calloc(p->ninsn, sizeof(*g.way));
	g.depth = calloc(p->ninsn, sizeof(*g.depth));
	g.function = calloc(p->ninsn, 1);
	g.second = calloc(p->ninsn, 1);
	if (g.way && g.depth && g.function && g.second) {
		find_functions(&g);
		for (uint32_t e = 0; e < p->nentry; e++) {
			measure(&g, p->entry[e]);
			keep_max(&worst, g.way[p->entry[e]]);
			if (g.depth[p->entry[e]] > c->depth)
				c->depth = g.depth[p->entry[e]];
		}
		c->units = worst.units;
		c->insns = worst.insns;
	}
	free(g.way);
	free(g.depth);
	free(g.function);
	free(g.second);
	return c->depth != 0;
}
