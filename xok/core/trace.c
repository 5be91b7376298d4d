/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c - a packet whose handler is watched at work.
 *
 * Nothing on the way of other packets knows of it: of this processor's run of the handler the entry
 * into compiled code is taken away while the packet is there, so that it is interpreted, and its
 * helpers are replaced by ones that take notes.
 */
#include "trace.h"
#include "kernel.h"

/* ---- helpers that take notes ---- */

static bool is_memory(uint8_t kind)
{
	return kind == VC_ARG_MEM_R || kind == VC_ARG_MEM_W;
}

/* The bytes of those memory arguments that are of this kind. */
static void note_memory(struct xok_trace_call *n, const struct vc_helper *h, uint8_t kind,
			const uint64_t a[5])
{
	uint32_t which = 0;

	for (uint32_t i = 0; i < 4; i++) {
		if (!is_memory(h->arg[i]))
			continue;
		uint32_t len = a[i + 1] < XOK_TRACE_BYTES ? (uint32_t)a[i + 1] : XOK_TRACE_BYTES;
		if (h->arg[i] == kind && which < 2) {
			memcpy(n->memory[which], (const void *)a[i], len);
			n->bytes[which] = (uint8_t)len;
		}
		which++;
	}
	n->nmemory = (uint8_t)which;
}

/* Addresses of the kernel are nobody's business. */
static void note_arguments(struct xok_trace_call *n, const struct vc_helper *h,
			   const struct prog *p, const uint64_t a[5])
{
	for (uint32_t i = 0; i < 5; i++) {
		bool table = h->arg[i] == VC_ARG_TABLE && a[i] < p->ntable;
		bool number = h->arg[i] == VC_ARG_SCALAR || h->arg[i] == VC_ARG_MEM_SIZE;

		if (table) {
			const struct xok_table_info *t = &p->x->table_info[p->table[a[i]]];

			n->arg[i] = t->id;
			memcpy(n->table, t->spec.name, sizeof(n->table));
		} else {
			n->arg[i] = number ? a[i] : 0;
		}
	}
}

static uint64_t noted(struct vc_run *r, uint32_t helper, const uint64_t a[5])
{
	const struct vc_helper *h = &vc_helpers[helper];
	struct prog_run *q = r->user;
	struct xok_trace *t = q->cpu->trace;
	struct xok_trace_call note = {.helper = (uint16_t)helper, .pc = r->pc};

	note_arguments(&note, h, q->prog, a);
	note_memory(&note, h, VC_ARG_MEM_R, a);
	note.result = handler_fns[helper](r, a[0], a[1], a[2], a[3], a[4]);
	note_memory(&note, h, VC_ARG_MEM_W, a);
	note.left = r->budget;
	if (t->ncall < XOK_TRACE_CALLS)
		t->call[t->ncall] = note;
	t->ncall++;
	return note.result;
}

#define HELPER(nr, name, ret, params, cost, how, args, kinds, text)                        \
	static uint64_t noted_##name(struct vc_run *r, uint64_t a, uint64_t b, uint64_t c, \
				     uint64_t d, uint64_t e)                               \
	{                                                                                  \
		return noted(r, nr, (const uint64_t[5]){a, b, c, d, e});                   \
	}
#include "xok/helpers.def"
#undef HELPER

/* By number. Who has none among handler_fns the verifier lets no handler call. */
static const vc_helper_fn noted_fns[VC_NHELPER] = {
#define HELPER(nr, name, ret, params, cost, how, args, kinds, text) [nr] = noted_##name,
#include "xok/helpers.def"
#undef HELPER
};

/* ---- the packet ---- */

/* The filter that the packet is going to meet, or NULL. */
static const struct filter *claimant(const struct xok *x, uint32_t port, const struct xok_packet *k)
{
	const struct demux *d = &x->demux[port];

	if (k->len < XOK_FRAME_MIN || k->len > XOK_FRAME_MAX)
		return NULL;
	uint32_t bound = dpf_match(__atomic_load_n(&d->dpf, __ATOMIC_ACQUIRE), k->frame, k->len);
	uint32_t index = bound == DPF_NONE ? 0 : __atomic_load_n(&d->bind[bound], __ATOMIC_ACQUIRE);
	return index ? &x->filter[index - 1] : NULL;
}

static void note_filter(struct xok_trace *t, const struct xok *x, const struct filter *f)
{
	uint32_t index = (uint32_t)(f - x->filter);
	const struct xok_env_info *e = x->env[index / XOK_ENV_FILTERS].info;

	t->filter = filter_id(x, index);
	t->owner = e->id;
	memcpy(t->owner_name, e->name, sizeof(t->owner_name));
	t->atoms = f->spec;
}

static void note_run(struct xok_trace *t, const struct prog_run *q, const struct xok_packet *k)
{
	const struct prog *p = q->prog;

	t->program_id = p->info->id;
	memcpy(t->program, p->info->name, sizeof(t->program));
	t->ninsn = p->vc.ninsn;
	t->insns = q->run.insns;
	t->budget = p->budget;
	if (!t->insns)
		return;
	t->left = q->run.budget;
	t->verdict = q->run.r0;
	if (k->fate != XOK_FATE_STOPPED)
		return;
	t->stop = q->info->last_stop;
	t->stop_pc = q->info->last_pc;
}

void xok_trace(struct xok *x, uint32_t cpu, uint32_t port, uint64_t now, struct xok_packet *p,
	       struct xok_trace *t)
{
	struct cpu *c = &x->cpu[cpu];
	const struct filter *f = claimant(x, port, p);
	uint32_t prog = f ? __atomic_load_n(&f->prog, __ATOMIC_ACQUIRE) : 0;
	struct prog_run *q = prog ? &c->run[prog - 1] : NULL;

	memset(t, 0, sizeof(*t));
	if (f)
		note_filter(t, x, f);
	if (q) {
		q->run.insns = 0;
		q->entry = NULL;
		q->run.fn = noted_fns;
		c->trace = t;
	}
	xok_burst(x, cpu, port, now, p, 1);
	if (q) {
		q->entry = q->prog->entry;
		q->run.fn = handler_fns;
		note_run(t, q, p);
	}
}
