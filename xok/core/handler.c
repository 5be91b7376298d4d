/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handler.c - handlers at work: what they may spend, a run, and what becomes of the packet.
 *
 * This is the path of every packet that a handler claims. A run writes what differs from the last
 * one and nothing else; the packet stays where the device put it.
 */
#include "kernel.h"

/* ---- rates ---- */

#define SECOND 1000000000ull
#define SAVED_NS (SECOND / 8) /* so long a rate is saved up */
#define REFILL_NS (SECOND / 1000)

static int64_t saved_up(uint64_t rate)
{
	return (int64_t)(rate / (SECOND / SAVED_NS));
}

void rate_set(struct xok_rate *r, uint64_t rate, uint64_t now)
{
	*r = (struct xok_rate){.rate = rate, .since = now, .left = saved_up(rate)};
}

/*
 * Nothing is left: adds what has come in since the last time, and tells whether there is something
 * now. Looking only here keeps the division off the path of a handler within its rate; so after a
 * pause what was saved up may be had twice, and never more. The product is cut in two, since the
 * rate has 64 bits: each part is below 2^62.
 */
bool rate_refill(struct xok_rate *r, uint64_t now)
{
	uint64_t ns = now - r->since;

	if (ns < REFILL_NS)
		return false;
	if (ns > SAVED_NS)
		ns = SAVED_NS;
	int64_t more = (int64_t)(r->rate / SECOND * ns + r->rate % SECOND * ns / SECOND);
	if (!more)
		return false;
	r->since = now;
	r->left += more;
	return r->left > 0;
}

int64_t sys_handler_rate(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_env *target = a[2].env;
	(void)e;

	if (!cap_grants(a[0].cap, x->cpu_acl, XOK_NACL, XOK_W) ||
	    !env_grants(target, a[1].cap, XOK_W))
		return XOK_EPERM;

	target->info->handler_rate = a[3].raw;
	rate_set(&target->rate, a[3].raw, x->ops->now(x->m));
	return XOK_OK;
}

/* ---- binding ---- */

int64_t sys_handler_bind(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t id = (uint32_t)a[2].raw, f, p;
	int rc = filter_find(x, (uint32_t)a[1].raw, &f);

	if (rc)
		return rc;
	if (f / XOK_ENV_FILTERS != env_index(x, e))
		return XOK_ENOENT;
	rc = id ? prog_find(x, e, id, &p) : XOK_OK;
	if (rc)
		return rc;
	if (!cap_dominates(a[0].cap, &x->filter[f].cap))
		return XOK_EPERM;

	prog_unref(x, x->filter[f].prog);
	x->filter[f].prog = (uint16_t)(id ? p + 1 : 0);
	prog_ref(x, x->filter[f].prog);
	return XOK_OK;
}

/* ---- a run ---- */

/* Runs a program on a window of at least its min_len; the context is filled in. 0, or why it stopped. */
int prog_run(struct prog *p, uint8_t *window, uint32_t len, int64_t budget)
{
	struct xok_prog_info *info = p->info;
	struct vc_run *r = &p->run;

	p->ctx.packet = window;
	p->ctx.len = len;
	r->window = window;
	r->window_len = len;
	r->budget = p->given = budget;
	r->stop = 0;
	if (p->vc.data_len)
		memset(r->data, 0, p->vc.data_len);
	int why = p->base ? vc_exec(&p->vc, &p->code, p->base, 0, r) : vc_interp(&p->vc, 0, r);
	info->runs++;
	info->units += (uint64_t)(budget - r->budget);
	if (!why)
		return 0;
	info->stopped++;
	/* What stops a helper of ours is always the budget. */
	info->last_stop = (uint32_t)(why == VC_HELPER_STOP ? VC_BUDGET_EXHAUSTED : why);
	info->last_pc = r->pc;
	return why;
}

/* ---- what becomes of a packet ---- */

static void spend(struct prog *p, int64_t units)
{
	p->rate.left -= units;
	p->env->rate.left -= units;
}

/* Sends what is left of the packet, which costs as much as by the helper. */
static void leave(struct prog *p, uint32_t port, const void *frame, uint64_t *done)
{
	struct xok *x = p->x;

	if (port >= 32 || !(p->info->ports & 1u << port) || !port_usable(x, port, p->limit)) {
		p->info->denied++;
		return;
	}
	spend(p, vc_helpers[VC_HELPER_send].cost);
	if (port_send(x, port, frame, p->limit))
		p->info->tx_full++;
	else
		++*done;
}

/* True: the packet goes on to the ring. */
static bool obey(struct prog *p, uint64_t verdict, const void *frame)
{
	struct xok_prog_info *info = p->info;

	if ((verdict & ~0xff00ull) == XOK_V_FORWARD) {
		leave(p, (uint32_t)verdict >> 8, frame, &info->forwarded);
		return false;
	}
	switch (verdict) {
	case XOK_V_DROP: info->dropped++; return false;
	case XOK_V_PASS: info->passed++; return true;
	case XOK_V_CONSUME: info->consumed++; return false;
	case XOK_V_REPLY: leave(p, p->ctx.port, frame, &info->replied); return false;
	default: info->bad_verdict++; return false;
	}
}

/*
 * A packet of a filter with a handler. True: it goes on to the filter's ring, with the length that
 * the handler gave it. What was executed is at most the budget spent and one pass over the program;
 * so much is charged, and what it takes to clear its data.
 */
bool handler_packet(struct prog *p, void *frame, struct arrival *a)
{
	if (a->len < p->min_len) {
		p->info->too_short++;
		return true;
	}
	if (!rate_open(&p->rate, a->time) || !rate_open(&p->env->rate, a->time)) {
		p->info->throttled++;
		return false;
	}
	p->ctx.port = a->port;
	p->ctx.time = a->time;
	p->ctx.filter = a->filter;
	p->limit = a->len;
	int why = prog_run(p, frame, a->len, p->budget);
	spend(p, p->given - p->run.budget + p->toll);
	if (why)
		return false;
	bool pass = obey(p, p->run.r0, frame);
	a->len = (uint16_t)p->limit;
	return pass;
}
