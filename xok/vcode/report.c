/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c - reasons in words: what was refused, where, what was known there, and what to do. */
#include "xok/vcode/internal.h"

struct reason {
	const char *name, *text, *hint;
};

static const struct reason *reason(int r)
{
	static const struct reason reasons[VC_NREASON] = {
		[VC_FINE] = {"fine", "nothing is wrong", ""},
#define VC_REASON(enumerator, name, text, hint) [VC_##enumerator] = {name, text, hint},
#include "reasons.def"
#undef VC_REASON
	};
	static const struct reason unknown = {"unknown", "no such reason", ""};

	return r >= 0 && r < VC_NREASON ? &reasons[r] : &unknown;
}

const char *vc_reason_name(int r)
{
	return reason(r)->name;
}

const char *vc_reason_text(int r)
{
	return reason(r)->text;
}

const char *vc_reason_hint(int r)
{
	return reason(r)->hint;
}

static const char *const kind_names[VC_K_TABLE0] = {
	[VC_K_UNINIT] = "uninitialised", [VC_K_BYTES] = "bytes",       [VC_K_SCALAR] = "number",
	[VC_K_MIXED] = "mixed",		 [VC_K_HANDLE] = "&table",     [VC_K_CTX] = "ctx",
	[VC_K_WINDOW] = "window",	 [VC_K_RODATA] = "rodata",     [VC_K_DATA] = "data",
	[VC_K_STACK] = "stack",		 [VC_K_OUTER] = "outer-stack",
};

/* "number", "window+14", "stack-8", "table0+?", "&table1". */
static void put_val(struct vc_text *t, struct vc_val v)
{
	if (v.kind >= VC_K_TABLE0) {
		vc_put(t, "table");
		vc_put_int(t, v.kind - VC_K_TABLE0);
	} else {
		vc_put(t, kind_names[v.kind]);
	}
	if (v.kind == VC_K_HANDLE && !v.var)
		vc_put_int(t, v.off);
	else if (v.var)
		vc_put(t, v.kind == VC_K_HANDLE ? "?" : "+?");
	else if (vc_is_pointer(v) && v.off) {
		vc_put(t, v.off > 0 ? "+" : "");
		vc_put_int(t, v.off);
	}
}

static void put_reg(struct vc_text *t, const struct vc_state *s, uint32_t reg)
{
	static const struct vc_val fp = {.kind = VC_K_STACK};

	vc_put(t, "r");
	vc_put_int(t, reg);
	vc_put(t, "=");
	put_val(t, reg < VC_NREG ? s->reg[reg] : fp);
}

/* "r1=ctx r2=window+14 r10=stack fp-8=window+?": what is known; unwritten registers and plain numbers in the stack are left out. */
static void put_state(struct vc_text *t, const struct vc_state *s)
{
	for (uint32_t r = 0; r < VC_NREG; r++) {
		if (s->reg[r].kind == VC_K_UNINIT)
			continue;
		put_reg(t, s, r);
		vc_put(t, " ");
	}
	put_reg(t, s, 10);
	for (uint32_t n = VC_SLOTS; n-- > 0;) {
		if (s->slot[n].kind == VC_K_BYTES)
			continue;
		vc_put(t, " fp-");
		vc_put_int(t, (int64_t)(VC_STACK - 8 * n));
		vc_put(t, "=");
		put_val(t, s->slot[n]);
	}
}

/* "instruction 12: r2 = *(u32 *)(r1 + 4): an access outside ...": the start of every message. */
static void put_where(struct vc_text *t, const struct vc_prog *p, uint32_t pc, int r)
{
	char line[64];

	vc_put(t, "instruction ");
	vc_put_int(t, pc);
	vc_put(t, ": ");
	if (pc < p->ninsn) {
		vc_disasm(p, pc, line, sizeof(line));
		vc_put(t, line);
		vc_put(t, ": ");
	}
	vc_put(t, vc_reason_text(r));
}

/* ": r1=number, r2=ctx+8" */
static void put_regs(struct vc_text *t, const struct vc_state *s, uint32_t regs)
{
	const char *before = ": ";

	for (uint32_t n = 0; n <= 10; n++) {
		if (!(regs >> n & 1))
			continue;
		vc_put(t, before);
		put_reg(t, s, n);
		before = ", ";
	}
}

/* " for argument 2 of int64_t bucket(...)", when that is what the register is. */
static void put_argument(struct vc_text *t, const struct vc_prog *p, uint32_t pc, uint32_t regs)
{
	const struct vc_insn *i = &p->insn[pc];
	const struct vc_helper *h = NULL;

	if (i->op == VC_OP_CALL && vc_src(i) == VC_SRC_HELPER)
		h = vc_helper_find(p->kind, i->imm);
	if (!h || !regs)
		return;
	vc_put(t, " for argument ");
	vc_put_int(t, __builtin_ctz(regs));
	vc_put(t, " of ");
	vc_put(t, h->prototype);
}

/* The next call of function fn from *pc on that was followed; false when there is none. */
static bool next_call(const struct vc_work *w, uint32_t fn, uint32_t *pc)
{
	for (; *pc < w->p->ninsn; ++*pc)
		if (!(w->mark[*pc] & VC_M_SECOND) && vc_is_local_call(&w->p->insn[*pc]) &&
		    (w->mark[*pc] & VC_M_REACHED) && vc_target(&w->p->insn[*pc], *pc) == fn)
			return true;
	return false;
}

static void put_call(struct vc_text *t, const struct vc_work *w, uint32_t pc, uint32_t reg)
{
	vc_put(t, "call at ");
	vc_put_int(t, pc);
	vc_put(t, " passes ");
	put_reg(t, &w->state[w->leader[pc]], reg);
}

/*
 * When callers pass different kinds of pointers to the function of pc, two calls that do; then the hint is not about
 * variables. False when they do not.
 */
static bool put_callers(struct vc_text *t, const struct vc_work *w, uint32_t pc)
{
	uint32_t fn = w->fn[pc], reg = 1, first = 0, other;
	const struct vc_state *at = &w->state[w->leader[fn]];

	while (reg <= 5 && at->reg[reg].kind != VC_K_MIXED)
		reg++;
	if (reg > 5 || !next_call(w, fn, &first))
		return false;
	for (other = first + 1; next_call(w, fn, &other); other++)
		if (w->state[w->leader[other]].reg[reg].kind !=
		    w->state[w->leader[first]].reg[reg].kind)
			break;
	if (other >= w->p->ninsn)
		return false;
	vc_put(t, "; the ");
	put_call(t, w, first, reg);
	vc_put(t, ", the ");
	put_call(t, w, other, reg);
	vc_put(t, ": make the function always_inline");
	return true;
}

int vc_refuse(struct vc_work *w, int r, uint32_t pc, uint32_t regs)
{
	struct vc_text t;

	w->rep->reason = r;
	w->rep->insn = pc;
	vc_text_init(&t, w->rep->text, sizeof(w->rep->text));
	put_where(&t, w->p, pc, r);
	if (w->at) {
		put_regs(&t, w->at, regs);
		put_argument(&t, w->p, pc, regs);
	}
	if (!w->at || r != VC_MIXED_POINTER || !put_callers(&t, w, pc)) {
		vc_put(&t, "; ");
		vc_put(&t, vc_reason_hint(r));
	}
	vc_text_init(&t, w->rep->state, sizeof(w->rep->state));
	if (w->at)
		put_state(&t, w->at);
	return r;
}

void vc_facts(const struct vc_prog *p, void *scratch, uint32_t pc, char *buf, size_t len)
{
	struct vc_work *w = vc_work_of(scratch);
	struct vc_text t;

	vc_text_init(&t, buf, len);
	w->p = p;
	if (pc < p->ninsn && vc_replay(w, pc))
		put_state(&t, &w->cur);
}

void vc_stop_text(const struct vc_prog *p, const struct vc_run *run, int r, char *buf, size_t len)
{
	struct vc_text t;

	vc_text_init(&t, buf, len);
	put_where(&t, p, run->pc, r);
	if (r == VC_HELPER_STOP) {
		vc_put(&t, ": reason ");
		vc_put_int(&t, run->stop);
	}
	vc_put(&t, "; ");
	vc_put(&t, vc_reason_hint(r));
}
