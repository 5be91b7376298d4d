/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handler.c - handlers at work: what they may spend, their runs, and what becomes of the packets.
 *
 * This is the path of every packet that a handler claims. Packets that arrived together are run
 * together: what is the same for all of them is looked up once, and for each nothing is written but
 * what differs from the one before. The packet stays where the device put it.
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

void rate_set(struct rate *r, uint64_t rate, uint64_t now)
{
	*r = (struct rate){.want = rate, .rate = rate, .since = now, .left = saved_up(rate)};
}

/*
 * Nothing is left: adds what has come in since the last time, and tells whether there is something
 * now. Looking only here keeps the division off the path of a handler within its rate; so after a
 * pause what was saved up may be had twice, and never more. The product is cut in two, since the
 * rate has 64 bits: each part is below 2^62.
 */
bool rate_refill(struct rate *r, uint64_t now)
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
	env_rate(x, target, a[3].raw);
	return XOK_OK;
}

/* ---- binding ---- */

/* When the call returns no packet is in the handler that was bound before. */
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

	filter_handler(x, f, (uint16_t)(id ? p + 1 : 0));
	quiesce(x);
	return XOK_OK;
}

/* ---- runs ---- */

/* A run was stopped: counts why. What stops a helper of ours is always the budget. */
void prog_stopped(struct prog_run *q, int why)
{
	struct xok_prog_info *info = q->info;
	uint32_t reason = (uint32_t)(why == VC_HELPER_STOP ? VC_BUDGET_EXHAUSTED : why);

	q->run.stop = 0;
	__atomic_store_n(&info->last_stop, reason, __ATOMIC_RELAXED);
	__atomic_store_n(&info->last_pc, q->run.pc, __ATOMIC_RELAXED);
	count(&info->stopped, 1);
}

/* ---- what becomes of a packet ---- */

/* What a burst may spend before the rates are looked at, and what that was at first. */
struct purse {
	int64_t left, had;
};

static inline struct purse purse_open(const struct prog_run *q)
{
	int64_t left = q->rate.left < q->env_rate->left ? q->rate.left : q->env_rate->left;

	return (struct purse){left, left};
}

static inline void charge(struct prog_run *q, int64_t units)
{
	q->rate.left -= units;
	q->env_rate->left -= units;
}

/* So much was spent, and nothing is left of a rate. What there is again; left <= 0: nothing. */
static __attribute__((noinline)) struct purse refill(struct prog_run *q, int64_t spent)
{
	charge(q, spent);
	if (!rate_open(&q->rate, q->ctx.time) || !rate_open(q->env_rate, q->ctx.time))
		return (struct purse){0, 0};
	return purse_open(q);
}

/* The port by which packets leave, as long as it is the same one, and what has left by it. */
struct way {
	uint32_t port, room;
	uint64_t packets, bytes;
};

/* What a burst comes to, until it is added to the counters. */
struct sum {
	uint64_t runs, units, forwarded, replied;
};

static inline void settle_way(const struct way *w, const struct prog_run *q)
{
	if (!w->packets)
		return;
	count(&q->cpu->port[w->port].tx_packets, w->packets);
	count(&q->cpu->port[w->port].tx_bytes, w->bytes);
}

static inline void settle(const struct sum *t, struct xok_prog_info *info)
{
	count(&info->runs, t->runs);
	count(&info->units, t->units);
	count(&info->forwarded, t->forwarded);
	count(&info->replied, t->replied);
}

static __attribute__((noinline)) void turn_to(struct way *w, const struct prog_run *q,
					      uint32_t port)
{
	const struct prog *p = q->prog;

	settle_way(w, q);
	*w = (struct way){.port = port};
	w->room = port < 32 && p->ports & 1u << port ? port_room(p->x, port) : 0;
}

/* What is left of the packet leaves, which costs as much as by the helper. */
static inline void leave(struct prog_run *q, struct purse *s, struct way *w, struct xok_packet *k,
			 uint32_t port, uint16_t fate, uint64_t *done)
{
	if (port != w->port)
		turn_to(w, q, port);
	if (k->len - 1 >= w->room) { /* where there is no room, nothing fits */
		k->fate = XOK_FATE_DENIED;
		count(&q->info->denied, 1);
		return;
	}
	s->left -= vc_helpers[VC_HELPER_send].cost;
	w->packets++;
	w->bytes += k->len;
	++*done;
	k->out = port;
	k->fate = fate;
}

/* True: the packet goes on to the ring. */
static inline bool obey(struct prog_run *q, struct purse *s, struct way *w, struct sum *t,
			struct xok_packet *k, uint64_t verdict)
{
	struct xok_prog_info *info = q->info;

	if ((verdict & ~0xff00ull) == XOK_V_FORWARD) {
		leave(q, s, w, k, (uint32_t)verdict >> 8, XOK_FATE_FORWARDED, &t->forwarded);
		return false;
	}
	if ((verdict & ~0xffff00ull) == XOK_V_DROP) {
		k->reason = (uint32_t)verdict >> 8;
		k->fate = XOK_FATE_DROPPED;
		count(&info->dropped, 1);
		return false;
	}
	switch (verdict) {
	case XOK_V_PASS:
		k->fate = XOK_FATE_RING;
		count(&info->passed, 1);
		return true;
	case XOK_V_CONSUME:
		k->fate = XOK_FATE_CONSUMED;
		count(&info->consumed, 1);
		return false;
	case XOK_V_REPLY:
		leave(q, s, w, k, q->ctx.port, XOK_FATE_REPLIED, &t->replied);
		return false;
	default:
		k->fate = XOK_FATE_BAD_VERDICT;
		count(&info->bad_verdict, 1);
		return false;
	}
}

/* A packet that is too short for the handler, or comes when nothing may be spent. */
static __attribute__((noinline)) bool not_run(struct prog_run *q, struct xok_packet *k)
{
	if (k->len < q->prog->min_len) {
		k->fate = XOK_FATE_RING;
		count(&q->info->too_short, 1);
		return true;
	}
	k->fate = XOK_FATE_THROTTLED;
	count(&q->info->throttled, 1);
	return false;
}

/*
 * One packet. What was executed is at most the budget spent and one pass over the program; so much
 * is charged, and what it takes to clear its data. True: the packet goes on to the ring.
 */
static inline bool handle(struct prog_run *q, struct purse *s, struct way *w, struct sum *t,
			  struct xok_packet *k)
{
	const struct prog *p = q->prog;
	int64_t budget = p->budget;
	struct vc_end end;

	if (k->len < p->min_len)
		return not_run(q, k);
	if (s->left <= 0) {
		*s = refill(q, s->had - s->left);
		if (s->left <= 0)
			return not_run(q, k);
	}
	q->limit = k->len;
	int why = prog_exec(q, k->frame, k->len, budget, &end);
	budget -= end.left;
	t->runs++;
	t->units += (uint64_t)budget;
	s->left -= budget + p->toll;
	if (why) {
		k->fate = XOK_FATE_STOPPED;
		prog_stopped(q, why);
		return false;
	}
	k->len = q->limit;
	return obey(q, s, w, t, k, end.r0);
}

/* Asks for the memory that lookups of these packets will read first. */
static void look_ahead(const struct prog *p, const struct xok_lookahead *l,
		       const struct xok_packet *k, uint32_t n)
{
	const struct tbl_lpm_ops *lpm = p->x->lpm;
	uint32_t index = p->table[l->table - 1], address;
	const void *self = p->x->table[index].lpm;
	bool four = p->x->table_info[index].spec.type == XOK_TABLE_LPM4;
	uint32_t end = l->offset + (four ? 4u : 16u);

	if (!lpm->cold || !lpm->cold(self))
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (k[i].len < end)
			continue;
		const uint8_t *at = k[i].frame + l->offset;
		if (!four) {
			lpm->prefetch6(self, at);
			continue;
		}
		memcpy(&address, at, sizeof(address));
		lpm->prefetch4(self, __builtin_bswap32(address));
	}
}

/*
 * Packets of a filter with a handler. Tells of each what becomes of it; returns how many go on to
 * the filter's ring, with the lengths that the handler gave them.
 */
uint32_t handler_burst(struct prog_run *q, const struct arrival *a, struct xok_packet *k,
		       uint32_t n)
{
	const struct prog *p = q->prog;
	struct way w = {.port = UINT32_MAX}; /* none yet */
	struct sum t = {0};
	uint64_t want = __atomic_load_n(&q->env_rate->want, __ATOMIC_RELAXED);
	uint32_t ring = 0;

	if (want != q->env_rate->rate)
		rate_set(q->env_rate, want, a->time);
	q->ctx.port = a->port;
	q->ctx.time = a->time;
	q->ctx.filter = a->filter;
	if (n > 1 && p->looks)
		for (uint32_t i = 0; i < XOK_PROG_LOOKAHEAD; i++)
			if (p->ahead[i].table)
				look_ahead(p, &p->ahead[i], k, n);
	struct purse s = purse_open(q);
	for (struct xok_packet *end = k + n; k < end; k++) {
		k->prog = q->number;
		ring += handle(q, &s, &w, &t, k);
	}
	settle_way(&w, q);
	settle(&t, q->info);
	charge(q, s.had - s.left);
	return ring;
}
