/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c - what each processor has of its own: its runs of the programs, its part of the rates, and
 * its counters, which are folded into the open bookkeeping.
 */
#include "kernel.h"

/* What a processor beside the control thread counts in, and the same again: what was folded. */
struct counters {
	_Alignas(XOK_LINE) struct xok_prog_info prog[XOK_NPROG];
	struct xok_port_info port[];
};

static size_t counters_size(uint32_t nport)
{
	size_t bytes = sizeof(struct counters) + nport * sizeof(struct xok_port_info);

	return (bytes + XOK_LINE - 1) & ~(size_t)(XOK_LINE - 1);
}

size_t cpu_size(uint32_t nport, uint32_t ncpu)
{
	return (ncpu + 1) * sizeof(struct cpu) + 2 * ncpu * counters_size(nport);
}

/* In zeroed memory of that size, which begins a cache line. */
void cpu_init(struct xok *x, void *mem)
{
	uint8_t *at = (uint8_t *)mem + (x->ncpu + 1) * sizeof(struct cpu);

	x->cpu = mem;
	x->own = &x->cpu[x->ncpu];
	for (uint32_t i = 0; i <= x->ncpu; i++) {
		struct cpu *c = &x->cpu[i];

		c->x = x;
		c->prog_info = x->prog_info;
		c->port = x->port;
		if (i == x->ncpu)
			return;
		struct counters *now = (void *)at, *seen = (void *)(at + counters_size(x->nport));
		at += 2 * counters_size(x->nport);
		c->prog_info = now->prog;
		c->port = now->port;
		c->prog_seen = seen->prog;
		c->port_seen = seen->port;
	}
}

/* ---- rates: every processor gets the same part ---- */

static uint64_t part(const struct xok *x, uint64_t rate)
{
	return x->ncpu > 1 ? rate / x->ncpu + (rate % x->ncpu != 0) : rate;
}

/* Sets what the handlers of e may spend; the other processors take it over when they next run one. */
void env_rate(struct xok *x, const struct xok_env *e, uint64_t rate)
{
	uint32_t i = env_index(x, e);

	for (struct cpu *c = x->cpu; c < x->own; c++)
		__atomic_store_n(&c->rate[i].want, part(x, rate), __ATOMIC_RELAXED);
	rate_set(&x->own->rate[i], part(x, rate), x->ops->now(x->m));
}

/* ---- programs ---- */

static struct lookup lookup_in(const struct xok *x, uint32_t table)
{
	const struct tbl_lpm_ops *lpm = x->lpm;

	switch (x->table_info[table].spec.type) {
	case XOK_TABLE_LPM4: return (struct lookup){x->table[table].lpm, lpm->lookup4, NULL};
	case XOK_TABLE_LPM6: return (struct lookup){x->table[table].lpm, NULL, lpm->lookup6};
	default: return (struct lookup){NULL, NULL, NULL};
	}
}

static void prepare(struct prog_run *q, struct cpu *c, struct prog *p, uint32_t i)
{
	uint32_t number = (uint32_t)(c - p->x->cpu);
	size_t bytes;

	*q = (struct prog_run){
		.prog = p,
		.cpu = c,
		.info = &c->prog_info[i],
		.env_rate = &c->rate[env_index(p->x, p->env)],
		.number = (uint16_t)(i + 1),
	};
	q->run.ctx = &q->ctx;
	q->run.stack = c->stack[p->height - 1];
	q->run.fn = handler_fns;
	q->run.user = q;
	q->run.data = p->data + number * p->data_step;
	for (uint32_t n = 0; n < p->ntable; n++) {
		q->run.table[n] = tbl_memory(p->x->table[p->table[n]].mem, number, &bytes);
		q->lookup[n] = lookup_in(p->x, p->table[n]);
	}
	if (p->base)
		p->entry = vc_ready(&p->vc, &p->code, p->base, 0, &q->run);
	q->entry = p->entry;
	if (c == p->x->own)
		return;
	memset(&c->prog_info[i], 0, sizeof(c->prog_info[i]));
	memset(&c->prog_seen[i], 0, sizeof(c->prog_seen[i]));
}

/* Makes a program that nothing is bound to yet fit to run on every processor. */
void cpu_start(struct xok *x, struct prog *p, const struct xok_prog_spec *s)
{
	uint32_t i = (uint32_t)(p - x->prog);
	uint64_t now = x->ops->now(x->m);

	for (struct cpu *c = x->cpu; c <= x->own; c++) {
		prepare(&c->run[i], c, p, i);
		rate_set(&c->run[i].rate, s->rate ? part(x, s->rate) : UINT64_MAX, now);
	}
}

/* ---- folding ---- */

/* Adds what has come up since it was last seen. */
static void fold(uint64_t *to, const uint64_t *counter, uint64_t *seen)
{
	uint64_t now = __atomic_load_n(counter, __ATOMIC_RELAXED);

	*to += now - *seen;
	*seen = now;
}

static void fold_prog(struct xok_prog_info *to, const struct xok_prog_info *now,
		      struct xok_prog_info *seen)
{
	uint64_t stopped = seen->stopped;

#define FOLD(name, text) fold(&to->name, &now->name, &seen->name);
	FOLD(runs, "")
	FOLD(units, "")
	XOK_PROG_OUTCOMES(FOLD)
	if (seen->stopped == stopped)
		return;
	to->last_stop = __atomic_load_n(&now->last_stop, __ATOMIC_RELAXED);
	to->last_pc = __atomic_load_n(&now->last_pc, __ATOMIC_RELAXED);
}

static void fold_port(struct xok_port_info *to, const struct xok_port_info *now,
		      struct xok_port_info *seen)
{
	/* What has arrived comes last: so what became of packets is never more than there were. */
	FOLD(tx_packets, "")
	FOLD(tx_bytes, "")
	FOLD(rx_bad_length, "")
	FOLD(rx_no_filter, "")
	FOLD(rx_ring_full, "")
	FOLD(rx_handled, "")
	FOLD(tx_full, "")
	FOLD(rx_packets, "")
	FOLD(rx_bytes, "")
#undef FOLD
}

void xok_fold(struct xok *x)
{
	for (struct cpu *c = x->cpu; c < x->own; c++) {
		for (uint32_t i = 0; i < XOK_NPROG; i++)
			if (x->prog_info[i].id)
				fold_prog(&x->prog_info[i], &c->prog_info[i], &c->prog_seen[i]);
		for (uint32_t i = 0; i < x->nport; i++)
			fold_port(&x->port[i], &c->port[i], &c->port_seen[i]);
	}
}
