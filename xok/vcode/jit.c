/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit.c - the code generator's front door. The first pass goes over the program with all jumps forward taken for long, which gives
 * places that no later pass exceeds; the second makes those short that fit and so fixes every place; the third writes.
 */
#include <cpuid.h>
#include <string.h>

#include "xok/vcode/jit.h"

_Static_assert(sizeof(((struct vc_run *)0)->budget) == 8 && sizeof(((struct vc_run *)0)->pc) == 4 &&
		       sizeof(((struct vc_run *)0)->stop) == 4 &&
		       sizeof(((struct vc_run *)0)->window_len) == 8 &&
		       sizeof(((struct vc_run *)0)->save) == 8,
	       "the sizes of operands in generated code");
_Static_assert(sizeof(struct vc_run) <= 1024 && sizeof(void *) == 8, "displacements");
_Static_assert(VC_NKNOWN <= 32, "five bits for a kind");

uint32_t vc_cpu(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_BMI2) ? VC_CPU_BMI2 : 0;
}

static struct jit_known *known_at(const struct jit *j, uint32_t leader)
{
	uint32_t n = j->w->leader[leader];

	return n < JIT_KNOWN ? &j->known[n] : NULL;
}

/* What holds whichever of the two ways control comes. */
static void meet(struct jit_known *a, const struct jit_known *b)
{
	for (uint32_t r = 0; r < 10; r++) {
		a->max[r] = a->max[r] > b->max[r] ? a->max[r] : b->max[r];
		a->copy[r] = a->copy[r] == b->copy[r] ? a->copy[r] : NONE;
	}
	a->window = a->window < b->window ? a->window : b->window;
	for (uint32_t n = 0; n < 2; n++)
		a->held[n] = a->held[n] == b->held[n] ? a->held[n] : NONE;
}

void jit_arrive(struct jit *j, uint32_t leader)
{
	struct jit_known *k = known_at(j, leader);

	if (k && k->valid) {
		meet(k, &j->now);
	} else if (k) {
		*k = j->now;
		k->valid = true;
	}
}

/* Nothing but where pointers point, which the verifier has found out for all ways that lead here. */
static void forget(struct jit *j)
{
	const struct vc_val *v = j->w->state[j->w->leader[j->pc]].reg;

	memset(&j->now, 0, sizeof(j->now));
	memset(j->now.max, 0xff, sizeof(j->now.max));
	memset(j->now.copy, NONE, sizeof(j->now.copy));
	memset(j->now.held, NONE, sizeof(j->now.held));
	j->now.window = vc_min_window(j->p);
	if (!(j->w->mark[j->pc] & VC_M_REACHED))
		return;
	for (uint32_t r = 0; r < VC_NREG; r++)
		if (v[r].kind >= VC_K_WINDOW && v[r].kind != VC_K_STACK && !v[r].var &&
		    v[r].off >= 0)
			j->now.max[r] = (uint64_t)v[r].off;
}

/* Control may come here from elsewhere: from instructions that were there already, or from later ones, of which nothing is known. */
static void lead(struct jit *j)
{
	uint8_t mark = j->w->mark[j->pc];
	const struct jit_known *k = mark & VC_M_LEADER ? known_at(j, j->pc) : NULL;

	if (k && j->falls)
		jit_arrive(j, j->pc);
	j->tested_at = 0;
	if (k && k->valid && !(mark & (VC_M_LOOP | VC_M_FUNCTION))) {
		j->now = *k;
		return;
	}
	forget(j);
}

/* Returns how many slots were done. */
static uint32_t instruction(struct jit *j)
{
	const struct vc_insn *i = &j->p->insn[j->pc];

	switch (VC_CLASS(i->op)) {
	case VC_ALU:
	case VC_ALU64: return jit_alu(j);
	case VC_LDX: jit_load(j); return 1;
	case VC_ST: jit_store(j); return 1;
	case VC_STX:
		if (vc_is_atomic(i->op))
			jit_atomic(j);
		else
			jit_store(j);
		return 1;
	case VC_LD: return jit_lddw(j);
	default: break;
	}
	if (i->op == VC_OP_EXIT)
		jit_exit(j);
	else if (i->op != VC_OP_CALL)
		return jit_jump(j);
	else if (vc_src(i) == VC_SRC_LOCAL)
		jit_local_call(j);
	else
		jit_helper_call(j);
	return 1;
}

static bool pass(struct jit *j)
{
	uint32_t n = j->p->ninsn;

	j->b.base = j->b.n = j->b.used = 0;
	j->stops = j->falls = false;
	for (uint32_t l = 0; l < n && l < JIT_KNOWN; l++)
		j->known[l].valid = false;
	for (uint32_t pc = 0, done; pc < n; pc += done) {
		j->pc = pc;
		done = 1;
		if (j->w->mark[pc] & (VC_M_LEADER | VC_M_FUNCTION))
			lead(j);
		j->falls = j->fact[pc].flags & JIT_LIVE;
		if (j->w->mark[pc] & VC_M_FUNCTION && j->fact[pc].flags & JIT_LIVE) {
			jit_function_start(j);
			if (!jit_flush(&j->b))
				return false;
		}
		j->fact[pc].at = jit_here(&j->b);
		if (j->fact[pc].flags & JIT_LIVE)
			done = instruction(j);
		/* Those that were taken along, and the second slot of LDDW, have no code of their own. */
		for (uint32_t k = 1; k < done; k++)
			j->fact[pc + k].at = jit_here(&j->b);
		if (!jit_flush(&j->b))
			return false;
	}
	jit_epilogue(j);
	if (!jit_flush(&j->b))
		return false;
	return jit_entries(j) && jit_stubs(j);
}

/*
 * What the first call for a verified program and processor finds out stays in the scratch memory for further ones: all but the last pass.
 * vc_verify makes the mark false.
 */
static struct jit *prepare(const struct vc_prog *p, void *scratch, uint32_t cpu)
{
	struct vc_work *w = vc_work_of(scratch);
	struct jit *j = w->jit;

	if (w->jit_for == cpu + 1)
		return j;
	memset(j, 0, sizeof(*j));
	j->p = p;
	j->w = w;
	j->fact = (struct jit_fact *)(j + 1);
	j->known = (struct jit_known *)(j->fact + p->ninsn);
	j->cpu = cpu;
	jit_plan(j);
	jit_registers(j, UINT32_MAX);
	j->pass = 1;
	pass(j);
	/* Short programs need neither scratch registers nor the run; they can have these rather than any that must be saved. */
	if (j->saved && !j->helpers) {
		jit_registers(j, j->b.used);
		pass(j);
	}
	j->pass = 2;
	pass(j);
	j->pass = 3;
	j->octets = j->b.base;
	w->jit_for = cpu + 1;
	return j;
}

int vc_compile(const struct vc_prog *p, void *scratch, uint32_t cpu, uint8_t *out, size_t size,
	       struct vc_code *code)
{
	struct jit *j = prepare(p, scratch, cpu);

	code->size = j->octets;
	memcpy(code->entry, j->entry, sizeof(code->entry));
	if (!out)
		return 0;
	if (size < code->size)
		return VC_TOO_LONG;
	j->b.out = out;
	j->b.size = code->size;
	return pass(j) && j->b.base == code->size ? 0 : VC_TOO_LONG;
}

uint32_t vc_code_at(const struct vc_prog *p, void *scratch, uint32_t cpu, uint32_t pc)
{
	const struct jit *j = prepare(p, scratch, cpu);

	return pc < p->ninsn ? j->fact[pc].at : j->octets;
}

vc_entry_fn vc_ready(const struct vc_prog *p, const struct vc_code *code, const void *base,
		     uint32_t e, struct vc_run *r)
{
	if (e >= p->nentry || e >= VC_ENTRIES_MAX)
		return NULL;
	r->rodata = p->rodata;
	return (vc_entry_fn)((uintptr_t)base + code->entry[e]);
}

int vc_exec(const struct vc_prog *p, const struct vc_code *code, const void *base, uint32_t e,
	    struct vc_run *r)
{
	vc_entry_fn fn = vc_ready(p, code, base, e, r);
	struct vc_end end;

	r->r0 = 0;
	r->pc = 0;
	r->stop = 0;
	if (r->budget < 0)
		r->budget = 0;
	if (!fn)
		return VC_BAD_JUMP;
	r->pc = p->entry[e];
	if (r->window_len < vc_min_window(p))
		return VC_WINDOW_BOUNDS;
	end = fn(r, r->window, r->budget, r->window_len, r->ctx);
	r->r0 = end.r0;
	if (vc_end_reason(end))
		r->pc = vc_end_pc(end);
	else
		r->budget = end.left;
	return vc_end_reason(end);
}
