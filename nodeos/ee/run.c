/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c - a capsule's program: its context, its run under the budget, and the action it chose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/ee/ee.h"

/* One run. Helpers find it in vc.user. */
struct run {
	struct ee *ee;
	const struct incoming *in;
	struct wire_capsule *c;
	struct capsule_ctx ctx;
	struct vc_run vc;
	struct node_hop hop; /* towards where it goes */
	bool routed;
	uint32_t payload_len; /* as the program left it */
	uint32_t spent;
};

/* ---- helpers ---- */

#define HELP(name)                                                                              \
	static uint64_t help_##name(                                                            \
		struct vc_run *run __attribute__((unused)), uint64_t a __attribute__((unused)), \
		uint64_t b __attribute__((unused)), uint64_t c __attribute__((unused)),         \
		uint64_t d __attribute__((unused)), uint64_t e __attribute__((unused)))

static uint64_t metered(const struct run *r)
{
	return r->ctx.budget - (uint64_t)r->vc.budget;
}

HELP(time)
{
	struct run *r = run->user;

	return node_utc(r->ee->pub);
}

HELP(spent)
{
	return metered(run->user);
}

HELP(resize)
{
	struct run *r = run->user;
	uint32_t len = (uint32_t)a;

	if (len < r->ctx.arg_len || len > r->ctx.payload_max)
		return (uint64_t)-1;
	r->payload_len = len;
	return 0;
}

HELP(route)
{
	struct run *r = run->user;
	struct node_hop hop;

	if (node_is_local(r->ee->pub, (uint32_t)a) || !node_route(r->ee->pub, (uint32_t)a, &hop))
		return (uint64_t)-1;
	return hop.port;
}

HELP(queue)
{
	if ((uint32_t)a >= amp_ports())
		return (uint64_t)-1;
	return amp_port((uint32_t)a)->txq;
}

HELP(log)
{
	struct run *r = run->user;
	struct ee_event event = {.kind = EE_LOG};
	const char *text = (const char *)(uintptr_t)a;
	/* Text ends at a NUL that stands in it. */
	size_t len = strnlen(text, b < 128 ? b : 128);

	return ee_report(r->ee, &event, text, len) ? 0 : (uint64_t)-1;
}

static const vc_helper_fn helpers[VC_NHELPER] = {
	[VC_HELPER_time] = help_time,
	[VC_HELPER_spent] = help_spent,
	[VC_HELPER_resize] = help_resize,
	[VC_HELPER_route] = help_route,
	[VC_HELPER_queue] = help_queue,
	[VC_HELPER_log] = help_log,
	[VC_HELPER_checksum] = capsule_checksum,
};

/* A helper that a capsule may call and this node does not have would be a call to nowhere: an error of ours, found at start-up. */
void ee_run_init(void)
{
	for (unsigned n = 1; n < VC_NHELPER; n++) {
		if ((vc_helpers[n].kinds >> VC_KIND_CAPSULE & 1) && !helpers[n])
			abort();
	}
}

/* ---- before ---- */

static void fill_context(struct run *r)
{
	const struct wire_capsule *c = r->c;
	const struct incoming *in = r->in;
	struct capsule_ctx *ctx = &r->ctx;
	bool returning = c->hop.flags & WIRE_HOP_RETURNING;

	*ctx = (struct capsule_ctx){
		.payload = r->ee->window,
		.payload_len = c->payload_len,
		.payload_max = WIRE_PAYLOAD_MAX,
		.arg_len = c->arg_len,
		.node = r->ee->pub->address,
		.in_port = in->port,
		.out_port = NODE_NO_PORT,
		.hops = c->hop.hops,
		.budget = c->hop.budget_left,
		.sequence = c->sequence,
		.arrival = in->arrival,
	};
	(void)wire_is_address4(c->origin, &ctx->origin); /* ee_capsule compared them with IP's */
	(void)wire_is_address4(c->destination, &ctx->destination);
	if (in->local)
		ctx->flags |= returning ? CAPSULE_AT_ORIGIN : CAPSULE_AT_DESTINATION;
	if (returning)
		ctx->flags |= CAPSULE_RETURNING;
	if (!in->local && node_route(r->ee->pub, in->dst, &r->hop)) {
		r->routed = true;
		ctx->out_port = r->hop.port;
		if (r->hop.port < amp_ports())
			ctx->queue_len = amp_port(r->hop.port)->txq;
	}
}

/* ---- after ---- */

/* Puts what the program left into a packet of its own and sends it. */
static enum ee_sent send_on(struct run *r, uint32_t src, uint32_t dst, uint8_t ttl, uint8_t flags)
{
	uint8_t packet[EE_PACKET_MAX], *anep = packet + IP4_HLEN + UDP_HLEN;
	struct wire_hop hop = r->c->hop;
	struct node_hop next;
	size_t len;

	if (!node_route(r->ee->pub, dst, &next))
		return EE_SENT_NO_ROUTE;
	hop.budget_left -= r->spent;
	hop.flags = flags;
	hop.hops++;
	/* The next node asks this address for code; it is on the network that they share. */
	wire_address4(hop.previous, next.source);
	memcpy(anep, r->in->anep, r->in->len);
	wire_hop_write(anep, &hop);
	len = wire_resize(anep, r->payload_len);
	memcpy(wire_payload(anep), r->ee->window, r->payload_len);
	return ee_send(r->ee, packet, len, src, dst, ttl);
}

static void refuse(struct run *r, enum ee_refusal why, const char *detail)
{
	ee_refuse(r->ee, r->in, r->c, why, detail);
}

/* Pays for sending; false: it cannot. */
static bool pay(struct run *r)
{
	if (r->c->hop.budget_left - r->spent < EE_FORWARD_COST) {
		refuse(r, EER_BUDGET_EXHAUSTED, "nothing is left for sending it on");
		return false;
	}
	if (r->c->hop.hops == UINT8_MAX) {
		refuse(r, EER_HOP_LIMIT, "it has crossed 255 active nodes");
		return false;
	}
	r->spent += EE_FORWARD_COST;
	return true;
}

static bool sent(struct run *r, enum ee_sent s)
{
	if (s == EE_SENT_NO_ROUTE)
		refuse(r, EER_NO_ROUTE, "");
	else if (s == EE_SENT_FULL)
		refuse(r, EER_TRANSMIT, "");
	return s == EE_SENT;
}

static void go_forward(struct run *r)
{
	const struct incoming *in = r->in;

	if (in->local) {
		refuse(r, EER_BAD_ACTION, "forward, but it has arrived");
		return;
	}
	/* RFC 1812 5.3.1 */
	if (in->ttl <= 1) {
		refuse(r, EER_HOP_LIMIT, "the IP time to live ran out");
		ee_punt(r->ee, EE_PUNT_ICMP, 11, 0, in->port, in->ip, in->ip_len);
		return;
	}
	if (!r->routed) {
		refuse(r, EER_NO_ROUTE, "");
		ee_punt(r->ee, EE_PUNT_ICMP, 3, 0, in->port, in->ip, in->ip_len);
		return;
	}
	if (pay(r) &&
	    sent(r, send_on(r, in->src, in->dst, (uint8_t)(in->ttl - 1), r->c->hop.flags)))
		ee_count(r->ee, EEC_FORWARDED);
}

static void go_back(struct run *r)
{
	if (r->c->hop.flags & WIRE_HOP_RETURNING) {
		refuse(r, EER_BAD_ACTION, "return, but it returns already");
		return;
	}
	if (pay(r) &&
	    sent(r, send_on(r, r->ee->pub->address, r->ctx.origin, IP4_TTL, WIRE_HOP_RETURNING)))
		ee_count(r->ee, EEC_RETURNED);
}

static void deliver(struct run *r)
{
	const struct wire_capsule *c = r->c;
	struct ee_event e = {
		.kind = EE_DELIVERED,
		.flags = (uint8_t)r->ctx.flags,
		.hops = c->hop.hops,
		.arg_len = c->arg_len,
		.budget_left = c->hop.budget_left - r->spent,
		.spent = r->spent,
		.seq = c->sequence,
		.arrival = r->in->arrival,
	};

	memcpy(e.code, c->code, sizeof(e.code));
	ee_count(r->ee, EEC_DELIVERED);
	(void)ee_report(r->ee, &e, r->ee->window,
			r->payload_len); /* what is lost is counted there */
}

static void report_ran(struct run *r, uint32_t action)
{
	const struct wire_capsule *c = r->c;
	struct ee_event e = {
		.kind = EE_RAN,
		.action = (uint8_t)action,
		.entry = c->entry,
		.hops = c->hop.hops,
		.in_port = r->in->port,
		.out_port = r->ctx.out_port,
		.spent = r->spent,
		.seq = c->sequence,
	};

	memcpy(e.code, c->code, sizeof(e.code));
	memcpy(e.principal, c->principal, sizeof(e.principal));
	(void)ee_report(r->ee, &e, NULL, 0); /* what is lost is counted there */
}

static void act(struct run *r, uint32_t action)
{
	char detail[48];

	if (action > CAPSULE_DELIVER) {
		snprintf(detail, sizeof(detail), "it returned %u", action);
		refuse(r, EER_BAD_ACTION, detail);
		return;
	}
	ee_count(r->ee, EEC_RAN);
	report_ran(r, action);
	switch (action) {
	case CAPSULE_FORWARD: go_forward(r); break;
	case CAPSULE_RETURN: go_back(r); break;
	case CAPSULE_DELIVER: deliver(r); break;
	default: ee_count(r->ee, EEC_DROPPED); break;
	}
}

static void stopped(struct run *r, int reason)
{
	enum ee_refusal why = EER_FAULT;
	char detail[160];

	if (reason == VC_HELPER_STOP && r->vc.stop == CAPSULE_STOP_BUDGET)
		reason = VC_BUDGET_EXHAUSTED;
	if (reason == VC_BUDGET_EXHAUSTED)
		why = EER_BUDGET_EXHAUSTED;
	else if (reason == VC_HELPER_STOP)
		why = EER_HELPER_STOP;
	snprintf(detail, sizeof(detail), "%s at instruction %u: %s", vc_reason_name(reason),
		 r->vc.pc, vc_reason_text(reason));
	refuse(r, why, detail);
}

void ee_run(struct ee *ee, struct incoming *in, struct wire_capsule *c, struct cached *m)
{
	struct run r = {.ee = ee, .in = in, .c = c, .payload_len = c->payload_len};
	const uint8_t *payload = in->anep + c->header_len;
	char detail[64];
	int reason;

	if (c->entry >= m->module.nentry) {
		snprintf(detail, sizeof(detail), "entry %u of %u", c->entry, m->module.nentry);
		ee_refuse(ee, in, c, EER_BAD_ENTRY, detail);
		return;
	}
	fill_context(&r);
	memset(ee->window, 0, sizeof(ee->window));
	memcpy(ee->window, payload, c->payload_len);
	memset(ee->data, 0, m->module.data_len);
	r.vc = (struct vc_run){
		.ctx = &r.ctx,
		.window = ee->window,
		.window_len = WIRE_PAYLOAD_MAX,
		.data = ee->data,
		.stack = ee->stack,
		.fn = helpers,
		.user = &r,
		.budget = c->hop.budget_left,
	};
	cache_ran(&ee->cache, m);
	reason = vc_interp(&m->prog, c->entry, &r.vc);
	if (reason) {
		stopped(&r, reason);
		return;
	}
	/*
	 * The price: what the meter charged, or the instructions themselves where those are more (straight code is not metered);
	 * never more than there was.
	 */
	r.spent = (uint32_t)metered(&r);
	if (r.vc.insns > r.spent)
		r.spent = r.vc.insns < c->hop.budget_left ? (uint32_t)r.vc.insns
							  : c->hop.budget_left;
	/* The arguments are signed: whatever the program wrote there, they go on as they came. */
	memcpy(ee->window, payload, c->arg_len);
	act(&r, (uint32_t)r.vc.r0);
}
