/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_lcore.c - captures on the packet path: what came in is copied before a handler may change it, what leaves before it is sent, and when the fate
 * of each packet is known its records go into the rings.
 */
#include "capture_lcore.h"

#include <string.h>

#include "linux.h"
#include "xok/dpf/dpf.h"

struct capture_set *capture_current;

enum { IN, OUT };

static bool at_port(const struct capture_request *r, uint32_t direction, uint32_t port)
{
	return (r->directions & direction) && (r->port == CAPTURE_ANY || r->port == port);
}

static bool matches(const struct capture *c, const void *frame, uint32_t len)
{
	return !c->filter || dpf_match(c->filter, frame, len) != DPF_NONE;
}

/* Which captures want a frame at a port. */
static uint8_t wanted_by(const struct capture_set *s, uint32_t direction, uint32_t port,
			 const void *frame, uint32_t len)
{
	uint8_t set = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (at_port(&s->capture[i]->want, direction, port) &&
		    matches(s->capture[i], frame, len))
			set |= (uint8_t)(1u << i);
	return set;
}

/* Of a packet with a length that no frame has it is not known how much of it there is. */
static void keep(const struct capture_set *s, struct capture_seen *k, int which,
		 const struct xok_packet *p)
{
	uint32_t n = p->len <= XOK_FRAME_MAX ? p->len : 0;

	k->len[which] = p->len;
	k->captured[which] = n < s->snap ? n : s->snap;
	memcpy(k->head[which], p->frame, k->captured[which]);
}

/* ---- records ---- */

static const struct xok_prog_info *program(const struct xokd *d, uint16_t prog)
{
	const uint8_t *at = (const uint8_t *)d->info + d->info->prog_off;

	return prog ? (const struct xok_prog_info *)at + (prog - 1) : NULL;
}

static bool wants_fate(const struct capture *c, const struct xok_packet *p,
		       const struct xok_prog_info *prog)
{
	if (c->want.fates & 1u << p->fate)
		return true;
	for (uint32_t i = 0; p->fate == XOK_FATE_DROPPED && i < c->want.nreason; i++) {
		const struct capture_reason *r = &c->want.reason[i];
		const char *name = prog ? prog->name : "";

		if (r->number == p->reason && !strncmp(name, r->program, strlen(r->program)))
			return true;
	}
	return false;
}

/* A record without its bytes, and with the time since the start: the control thread makes UTC of it. */
static struct capture_packet record(uint32_t lcore, uint64_t now, const struct xok_packet *p,
				    const struct xok_prog_info *prog)
{
	struct capture_packet r = {.head = {sizeof(r), CAPTURE_PACKET},
				   .time = now,
				   .other = CAPTURE_NONE,
				   .fate = p->fate,
				   .reason = p->reason,
				   .lcore = lcore};

	if (prog)
		memcpy(r.program, prog->name, sizeof(r.program));
	r.program[sizeof(r.program) - 1] = 0;
	return r;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void put_packet(struct capture *c, uint32_t lcore, const struct capture_packet *r,
		       const void *head, uint32_t captured)
{
	struct capture_packet *to = capture_ring_begin(&c->ring[lcore]);

	if (!to)
		return;
	*to = *r;
	to->captured = at_most(captured, c->want.snap);
	to->head.size = capture_round((uint32_t)sizeof(*to) + to->captured);
	memcpy(to + 1, head, to->captured);
	capture_ring_end(&c->ring[lcore]);
}

static void put_trace(struct capture *c, uint32_t lcore, const struct capture_packet *r,
		      const struct capture_seen *k)
{
	struct capture_trace *to = capture_ring_begin(&c->ring[lcore]);

	if (!to)
		return;
	to->packet = *r;
	to->packet.head.type = CAPTURE_TRACE;
	to->packet.captured = at_most(k->captured[IN], c->want.snap);
	to->trace = k->trace;
	to->left_len = k->len[OUT];
	to->left_captured = at_most(k->captured[OUT], c->want.snap);
	uint8_t *bytes = (uint8_t *)(to + 1);
	uint32_t skip = capture_round(to->packet.captured);

	memcpy(bytes, k->head[IN], to->packet.captured);
	memcpy(bytes + skip, k->head[OUT], to->left_captured);
	to->packet.head.size = (uint32_t)sizeof(*to) + skip + capture_round(to->left_captured);
	capture_ring_end(&c->ring[lcore]);
}

/* ---- a burst ---- */

/* Is there a capture among these that wants the packet's way, and has room for it? Else it goes the common one, which is faster. */
static bool trace_wanted(const struct capture_set *s, uint8_t set, uint32_t lcore)
{
	for (; set; set &= (uint8_t)(set - 1)) {
		struct capture *c = s->capture[__builtin_ctz(set)];
		const struct capture_ring *r = &c->ring[lcore];

		if (c->want.kind == CAPTURE_TRACES &&
		    atomic_load_explicit(&r->head, memory_order_relaxed) -
				    atomic_load_explicit(&r->tail, memory_order_relaxed) <
			    r->nslot)
			return true;
	}
	return false;
}

static bool leaves(const struct xok_packet *p)
{
	return p->out != XOK_OUT_NONE;
}

void capture_burst(struct capture_set *s, uint32_t lcore, uint32_t port, uint64_t now,
		   struct xok_packet *p, uint32_t n)
{
	struct capture_seen *seen = s->seen[lcore];
	struct xok *x = s->d->xok;

	for (uint32_t i = 0; i < n; i++) {
		struct capture_seen *k = &seen[i];

		k->out = 0;
		k->captured[OUT] = k->len[OUT] = 0;
		k->in = wanted_by(s, CAPTURE_IN, port, p[i].frame,
				  p[i].len <= XOK_FRAME_MAX ? p[i].len : 0);
		if (k->in)
			keep(s, k, IN, &p[i]);
		k->traced = k->in && trace_wanted(s, k->in, lcore);
	}
	/* In the order in which they came. */
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && !seen[end].traced; end++)
			;
		if (end > i)
			xok_burst(x, lcore, port, now, p + i, end - i);
		else
			xok_trace(x, lcore, port, now, p + end++, &seen[i].trace);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct capture_seen *k = &seen[i];

		if (!leaves(&p[i]))
			continue;
		k->out = wanted_by(s, CAPTURE_OUT, p[i].out, p[i].frame, p[i].len);
		if (k->out || k->traced)
			keep(s, k, OUT, &p[i]);
	}
}

static void came_in(struct capture_set *s, uint32_t lcore, struct capture_packet *r,
		    const struct capture_seen *k, const struct xok_packet *p,
		    const struct xok_prog_info *prog)
{
	for (uint32_t set = k->in; set; set &= set - 1) {
		struct capture *c = s->capture[__builtin_ctz(set)];

		if (!wants_fate(c, p, prog))
			continue;
		if (c->want.kind == CAPTURE_PACKETS)
			put_packet(c, lcore, r, k->head[IN], k->captured[IN]);
		else if (k->traced)
			put_trace(c, lcore, r, k);
		else
			atomic_fetch_add_explicit(&c->ring[lcore].missed, 1, memory_order_relaxed);
	}
}

static void went_out(struct capture_set *s, uint32_t lcore, const struct capture_packet *r,
		     const struct capture_seen *k)
{
	for (uint32_t set = k->out; set; set &= set - 1) {
		struct capture *c = s->capture[__builtin_ctz(set)];

		if (c->want.fates & 1u << r->fate)
			put_packet(c, lcore, r, k->head[OUT], k->captured[OUT]);
	}
}

void capture_burst_sent(struct capture_set *s, uint32_t lcore, uint32_t port, uint64_t now,
			const struct xok_packet *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct capture_seen *k = &s->seen[lcore][i];

		if (!k->in && !k->out)
			continue;
		const struct xok_prog_info *prog = program(s->d, p[i].prog);
		struct capture_packet r = record(lcore, now, &p[i], prog);
		bool left = leaves(&p[i]) && p[i].fate != XOK_FATE_TX_FULL;

		r.port = (uint16_t)port;
		r.direction = CAPTURE_IN;
		r.len = k->len[IN];
		if (leaves(&p[i]))
			r.other = (uint16_t)p[i].out;
		came_in(s, lcore, &r, k, &p[i], prog);
		if (!k->out || !left)
			continue;
		r.port = (uint16_t)p[i].out;
		r.other = (uint16_t)port;
		r.direction = CAPTURE_OUT;
		r.len = k->len[OUT];
		went_out(s, lcore, &r, k);
	}
}

void capture_frame_slow(struct capture_set *s, uint32_t lcore, uint32_t port, const void *frame,
			uint32_t len, uint16_t fate, uint16_t prog)
{
	const struct xok_packet p = {.len = len, .fate = fate};
	struct capture_packet r = record(lcore, clock_now(), &p, program(s->d, prog));

	r.port = (uint16_t)port;
	r.direction = CAPTURE_OUT;
	r.len = len;
	for (uint32_t set = wanted_by(s, CAPTURE_OUT, port, frame, len); set; set &= set - 1) {
		struct capture *c = s->capture[__builtin_ctz(set)];

		if (c->want.fates & 1u << fate)
			put_packet(c, lcore, &r, frame, at_most(len, XOK_FRAME_MAX));
	}
}
