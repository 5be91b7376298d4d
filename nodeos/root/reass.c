/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reass.c - putting fragments together. A packet's bytes stand where they belong from the start; which of them are here says a short list of pieces. As no two
 * pieces overlap, the packet is complete when as many bytes are here as it has.
 */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/reass.h"

static void on_timer(void *arg);

void reass_init(struct reass *r,
		void (*lost)(void *arg, const struct reass_packet *p, enum reass_loss why,
			     unsigned n),
		void *arg)
{
	memset(r, 0, sizeof(*r));
	r->lost = lost;
	r->arg = arg;
	r->timer.fn = on_timer;
	r->timer.arg = r;
}

static bool same_source(const struct reass_key *a, const struct reass_key *b)
{
	return a->zone == b->zone && ip6_equal(&a->src, &b->src);
}

static bool same_packet(const struct reass_key *a, const struct reass_key *b)
{
	return a->id == b->id && same_source(a, b) && ip6_equal(&a->dst, &b->dst);
}

unsigned reass_waiting(const struct reass *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < REASS_PACKETS; i++) {
		if (r->packet[i].deadline)
			n += r->packet[i].n;
	}
	return n;
}

static void arm(struct reass *r)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < REASS_PACKETS; i++) {
		if (r->packet[i].deadline && r->packet[i].deadline < at)
			at = r->packet[i].deadline;
	}
	if (at == UINT64_MAX)
		amp_timer_cancel(&r->timer);
	else
		(void)amp_timer_at(&r->timer,
				   at); /* should it fail, the next fragment tries again */
}

void reass_release(struct reass *r, struct reass_packet *p)
{
	p->deadline = 0;
	p->n = 0;
	arm(r);
}

static void give_up(struct reass *r, struct reass_packet *p, enum reass_loss why)
{
	if (p->n)
		r->lost(r->arg, p, why, p->n);
	reass_release(r, p);
}

static void on_timer(void *arg)
{
	struct reass *r = arg;
	uint64_t now = amp_now();

	for (unsigned i = 0; i < REASS_PACKETS; i++) {
		struct reass_packet *p = &r->packet[i];

		if (p->deadline && p->deadline <= now)
			give_up(r, p, REASS_TIME);
	}
	arm(r);
}

/* This packet and the one that has just come, and whatever comes of it yet, are lost. */
static void fail(struct reass *r, struct reass_packet *p, enum reass_loss why)
{
	r->lost(r->arg, p, why, p->n + 1u);
	p->failed = (uint8_t)why;
	p->n = 0;
}

static struct reass_packet *find(struct reass *r, const struct reass_key *key)
{
	for (unsigned i = 0; i < REASS_PACKETS; i++) {
		if (r->packet[i].deadline && same_packet(&r->packet[i].key, key))
			return &r->packet[i];
	}
	return NULL;
}

static struct reass_packet *older(struct reass_packet *a, struct reass_packet *b)
{
	return !a || b->deadline < a->deadline ? b : a;
}

/* A place for a new packet, which the oldest of its source, or of all, gives up for it. */
static struct reass_packet *place(struct reass *r, const struct reass_key *key)
{
	struct reass_packet *vacant = NULL, *oldest = NULL, *own = NULL;
	unsigned owned = 0;

	for (unsigned i = 0; i < REASS_PACKETS; i++) {
		struct reass_packet *p = &r->packet[i];

		if (!p->deadline) {
			vacant = p;
			continue;
		}
		oldest = older(oldest, p);
		if (same_source(&p->key, key)) {
			own = older(own, p);
			owned++;
		}
	}
	if (owned >= REASS_EACH)
		vacant = own;
	else if (!vacant)
		vacant = oldest;
	if (vacant->deadline)
		give_up(r, vacant, REASS_FULL);
	return vacant;
}

static struct reass_packet *begin(struct reass *r, const struct reass_fragment *f)
{
	struct reass_packet *p = place(r, &f->key);

	p->key = f->key;
	p->deadline = amp_now() + REASS_NS;
	p->failed = REASS_LOSSES;
	p->port = f->port;
	p->link_group = f->link_group;
	p->n = p->head = p->next_at = 0;
	p->got = p->end = p->total = 0;
	arm(r);
	return p;
}

/* What keeps a fragment from being added; REASS_LOSSES: nothing. */
static enum reass_loss obstacle(const struct reass_packet *p, const struct reass_fragment *f)
{
	size_t end = f->at + f->len;

	for (unsigned i = 0; i < p->n; i++) {
		const struct reass_piece *o = &p->piece[i];

		if (o->at == f->at && o->len == f->len && f->more == (end != p->total))
			return REASS_DUPLICATE;
		/* RFC 5722 4: "reassembly of that datagram ... MUST be abandoned". */
		if (f->at < (size_t)o->at + o->len && o->at < end)
			return REASS_OVERLAP;
	}
	/* Beyond what another one says is the end; or the end, and others are beyond it. */
	if (f->more ? p->total && end > p->total : p->total || p->end > end)
		return REASS_OVERLAP;
	return p->n == REASS_PIECES ? REASS_MANY : REASS_LOSSES;
}

/* Nothing here can fail. */
static void put(struct reass_packet *p, const struct reass_fragment *f)
{
	uint32_t end = (uint32_t)(f->at + f->len);

	p->piece[p->n++] = (struct reass_piece){.at = (uint16_t)f->at, .len = (uint16_t)f->len};
	memcpy(reass_data(p) + f->at, f->data, f->len);
	p->got += (uint32_t)f->len;
	if (end > p->end)
		p->end = end;
	if (!f->more)
		p->total = end;
	/* RFC 8200 4.5: "Only those headers in the Offset zero fragment packet are retained". */
	if (f->at == 0) {
		memcpy(reass_data(p) - f->head_len, f->head, f->head_len);
		p->head = (uint16_t)f->head_len;
		p->next_at = f->next_at;
	}
}

struct reass_packet *reass_add(struct reass *r, const struct reass_fragment *f)
{
	struct reass_packet *p = find(r, &f->key);
	enum reass_loss why;

	if (!p)
		p = begin(r, f);
	why = p->failed != REASS_LOSSES ? (enum reass_loss)p->failed : obstacle(p, f);
	if (why == REASS_DUPLICATE) {
		r->lost(r->arg, p, why, 1);
		return NULL;
	}
	if (why != REASS_LOSSES) {
		fail(r, p, why);
		return NULL;
	}
	put(p, f);
	return p->got == p->total ? p : NULL;
}
