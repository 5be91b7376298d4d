/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.c - ARP and the packets that wait for it. One timer serves the table: it fires at the earliest deadline.
 */
#include <string.h>

#include "nodeos/lib/inet.h"
#include "nodeos/root/neigh.h"

#define ARP_LEN 28u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u
enum { ARP_HTYPE = 0, ARP_PTYPE = 2, ARP_HLEN = 4, ARP_PLEN = 5, ARP_OP = 6 };
enum { ARP_SHA = 8, ARP_SPA = 14, ARP_THA = 18, ARP_TPA = 24 };

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void on_timer(void *arg);

void neigh_init(struct neigh *t, struct node_pub *pub, struct ip_counters *count,
		void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg)
{
	memset(t, 0, sizeof(*t));
	t->pub = pub;
	t->count = count;
	t->unreachable = unreachable;
	t->arg = arg;
	t->timer.fn = on_timer;
	t->timer.arg = t;
	for (unsigned i = 0; i < NEIGH_WAITING; i++)
		t->pool[i].next = (uint8_t)(i + 1 < NEIGH_WAITING ? i + 2 : 0);
	t->free = 1;
}

const char *neigh_state_name(unsigned state)
{
	static const char *const name[] = {"free", "incomplete", "resolved", "probing", "static"};

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "?";
}

static void transmit(struct neigh *t, uint16_t port, const uint8_t dst[6], uint16_t type,
		     const uint8_t *data, size_t len)
{
	uint8_t head[ETH_HLEN];
	struct xok_iov iov[2] = {
		{.base = (uint64_t)(uintptr_t)head, .len = ETH_HLEN},
		{.base = (uint64_t)(uintptr_t)data, .len = len},
	};
	int rc;

	memcpy(head, dst, 6);
	memcpy(head + 6, t->pub->port[port].mac, 6);
	put16(head + 12, type);
	rc = amp_transmit(port, iov, 2);
	if (rc == XOK_EAGAIN)
		t->count->n[IPC_TRANSMIT_FULL]++;
	else if (rc < 0)
		t->count->n[IPC_TRANSMIT]++;
}

/* Our address on the port's network that `addr` is on: what the neighbour should learn about us. */
static uint32_t source_for(const struct neigh *t, uint16_t port, uint32_t addr)
{
	const struct node_pub *p = t->pub;

	for (uint32_t i = 0; i < p->naddress; i++) {
		const struct node_address *a = &p->addresses[i];

		if (a->port == port && !((a->addr ^ addr) & mask4(a->len)))
			return a->addr;
	}
	return 0;
}

static void arp_send(struct neigh *t, uint16_t port, uint16_t op, uint32_t spa,
		     const uint8_t link_dst[6], const uint8_t tha[6], uint32_t tpa)
{
	uint8_t arp[ARP_LEN];

	put16(arp + ARP_HTYPE, 1);
	put16(arp + ARP_PTYPE, ETH_IP4);
	arp[ARP_HLEN] = 6;
	arp[ARP_PLEN] = 4;
	put16(arp + ARP_OP, op);
	memcpy(arp + ARP_SHA, t->pub->port[port].mac, 6);
	put32(arp + ARP_SPA, spa);
	memcpy(arp + ARP_THA, tha, 6);
	put32(arp + ARP_TPA, tpa);
	transmit(t, port, link_dst, ETH_ARP, arp, ARP_LEN);
	t->count->n[op == ARP_REQUEST ? IPC_ARP_REQUESTS : IPC_ARP_REPLIES]++;
}

/* ---- entries ---- */

static int find(const struct neigh *t, uint16_t port, uint32_t addr)
{
	unsigned set = node_neigh_set(port, addr);

	for (unsigned i = set; i < set + NODE_NEIGH_WAYS; i++) {
		const struct node_neigh *n = &t->pub->neigh[i];

		if (t->entry[i].state != NEIGH_FREE && n->addr == addr && n->port == port)
			return (int)i;
	}
	return -1;
}

static void publish(struct neigh *t, int i, bool usable, const uint8_t *mac)
{
	struct node_neigh *n = &t->pub->neigh[i];

	node_write_begin(t->pub);
	n->usable = usable;
	if (mac)
		memcpy(n->mac, mac, 6);
	node_write_end(t->pub);
}

static void put_back(struct neigh *t, uint8_t at)
{
	t->pool[at - 1].next = t->free;
	t->free = at;
}

/* Takes the oldest waiting packet off an entry; 0: none. */
static uint8_t take(struct neigh *t, int i)
{
	struct neigh_entry *e = &t->entry[i];
	uint8_t at = e->first;

	if (!at)
		return 0;
	e->first = t->pool[at - 1].next;
	if (!e->first)
		e->last = 0;
	e->nwaiting--;
	return at;
}

static void release(struct neigh *t, int i)
{
	uint8_t at;

	while ((at = take(t, i))) {
		t->count->n[IPC_NO_NEIGHBOUR]++;
		put_back(t, at);
	}
	node_write_begin(t->pub);
	memset(&t->pub->neigh[i], 0, sizeof(t->pub->neigh[i]));
	node_write_end(t->pub);
	memset(&t->entry[i], 0, sizeof(t->entry[i]));
}

static bool older(const struct neigh *t, unsigned i, int than)
{
	return than < 0 || t->entry[i].stamp < t->entry[than].stamp;
}

/*
 * A place in a set: a free entry or, for an address that we ask for, the one that was idle longest. When half of the set is
 * unanswered, one of these that has been silent for a second gives way: a scan of the network takes no more than that half, and
 * asks no faster. For a mere claim nothing gives way. -1: none.
 */
static int place(const struct neigh *t, unsigned set, bool claim)
{
	int vacant = -1, idle = -1, silent = -1;
	unsigned unanswered = 0;

	for (unsigned i = set; i < set + NODE_NEIGH_WAYS; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (e->state == NEIGH_FREE) {
			vacant = (int)i;
		} else if (e->state == NEIGH_INCOMPLETE) {
			unanswered++;
			if (e->tries > 1 && older(t, i, silent))
				silent = (int)i;
		} else if (e->state != NEIGH_STATIC && older(t, i, idle)) {
			idle = (int)i;
		}
	}
	if (claim)
		return vacant;
	if (unanswered >= NEIGH_UNANSWERED)
		return silent;
	return vacant >= 0 ? vacant : idle;
}

/* A new entry; claim: for somebody who says that the address is his. -1: there is no room. */
static int make(struct neigh *t, uint16_t port, uint32_t addr, bool claim)
{
	int best = place(t, node_neigh_set(port, addr), claim);

	if (best < 0) {
		t->count->n[IPC_ARP_FULL]++;
		return -1;
	}
	if (t->entry[best].state != NEIGH_FREE)
		release(t, best);
	node_write_begin(t->pub);
	t->pub->neigh[best].addr = addr;
	t->pub->neigh[best].port = port;
	node_write_end(t->pub);
	t->entry[best].stamp = amp_now();
	return best;
}

static void arm(struct neigh *t)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < NODE_NEIGHS; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (e->state != NEIGH_FREE && e->state != NEIGH_STATIC && e->deadline < at)
			at = e->deadline;
	}
	if (at == UINT64_MAX)
		amp_timer_cancel(&t->timer);
	else
		(void)amp_timer_at(&t->timer, at); /* should it fail, the next packet tries again */
}

static void ask(struct neigh *t, int i, bool unicast)
{
	static const uint8_t zero[6];
	const struct node_neigh *n = &t->pub->neigh[i];

	t->entry[i].tries++;
	t->entry[i].deadline = amp_now() + NEIGH_RETRY_NS;
	arp_send(t, n->port, ARP_REQUEST, source_for(t, n->port, n->addr),
		 unicast ? n->mac : broadcast, zero, n->addr);
}

static void start(struct neigh *t, int i, enum neigh_state state)
{
	t->entry[i].state = (uint8_t)state;
	t->entry[i].tries = 0;
	if (state == NEIGH_INCOMPLETE)
		publish(t, i, false, NULL);
	ask(t, i, state == NEIGH_PROBING);
}

static void confirm(struct neigh *t, int i, const uint8_t mac[6])
{
	struct neigh_entry *e = &t->entry[i];
	const struct node_neigh *n = &t->pub->neigh[i];
	uint8_t at;

	e->state = NEIGH_RESOLVED;
	e->stamp = amp_now();
	e->deadline = e->stamp + NEIGH_FRESH_NS;
	if (!n->usable || memcmp(n->mac, mac, 6))
		publish(t, i, true, mac);
	while ((at = take(t, i))) {
		struct neigh_packet *p = &t->pool[at - 1];

		transmit(t, n->port, mac, ETH_IP4, p->data, p->len);
		put_back(t, at);
	}
}

/* The neighbour never answered: its packets go back to whoever can tell their senders. */
static void fail(struct neigh *t, int i)
{
	struct neigh_packet lost[NEIGH_WAITING_EACH];
	unsigned n = 0;
	uint8_t at;

	/* The entry is gone before the callback runs, which may send, and so make new entries. */
	while ((at = take(t, i))) {
		if (n < NEIGH_WAITING_EACH) {
			lost[n].len = t->pool[at - 1].len;
			memcpy(lost[n++].data, t->pool[at - 1].data, t->pool[at - 1].len);
		}
		put_back(t, at);
	}
	release(t, i);
	for (unsigned k = 0; k < n; k++) {
		t->count->n[IPC_NO_NEIGHBOUR]++;
		t->unreachable(t->arg, lost[k].data, lost[k].len);
	}
}

static void expire(struct neigh *t, int i)
{
	struct neigh_entry *e = &t->entry[i];

	switch (e->state) {
	case NEIGH_INCOMPLETE:
		if (e->tries < NEIGH_TRIES)
			ask(t, i, false);
		else
			fail(t, i);
		break;
	case NEIGH_RESOLVED: start(t, i, NEIGH_PROBING); break;
	case NEIGH_PROBING:
		if (e->tries < NEIGH_PROBES)
			ask(t, i, true);
		else
			start(t, i, NEIGH_INCOMPLETE);
		break;
	default: break;
	}
}

static void on_timer(void *arg)
{
	struct neigh *t = arg;
	uint64_t now = amp_now();

	for (unsigned i = 0; i < NODE_NEIGHS; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (e->state != NEIGH_FREE && e->state != NEIGH_STATIC && e->deadline <= now)
			expire(t, (int)i);
	}
	arm(t);
}

/* ---- sending ---- */

static void wait_for(struct neigh *t, int i, const uint8_t *packet, size_t len)
{
	struct neigh_entry *e = &t->entry[i];
	struct neigh_packet *p;
	uint8_t at;

	if (e->nwaiting == NEIGH_WAITING_EACH) {
		put_back(t, take(t, i));
		t->count->n[IPC_QUEUE_FULL]++;
	}
	at = t->free;
	if (!at || len > NEIGH_PACKET) {
		t->count->n[IPC_QUEUE_FULL]++;
		return;
	}
	p = &t->pool[at - 1];
	t->free = p->next;
	p->next = 0;
	p->len = (uint16_t)len;
	memcpy(p->data, packet, len);
	if (e->last)
		t->pool[e->last - 1].next = at;
	else
		e->first = at;
	e->last = at;
	e->nwaiting++;
}

void neigh_send(struct neigh *t, uint16_t port, uint32_t next, const uint8_t *packet, size_t len)
{
	int i;

	if (port >= t->pub->nport) {
		t->count->n[IPC_TRANSMIT]++;
		return;
	}
	i = find(t, port, next);
	if (i >= 0 && t->pub->neigh[i].usable) {
		t->entry[i].stamp = amp_now();
		transmit(t, port, t->pub->neigh[i].mac, ETH_IP4, packet, len);
		return;
	}
	if (i < 0) {
		i = make(t, port, next, false);
		if (i < 0)
			return;
		wait_for(t, i, packet, len);
		start(t, i, NEIGH_INCOMPLETE);
		arm(t);
		return;
	}
	wait_for(t, i, packet, len);
}

/* ---- receiving ---- */

static bool ours(const struct neigh *t, uint16_t port, uint32_t addr)
{
	for (uint32_t i = 0; i < t->pub->naddress; i++) {
		if (t->pub->addresses[i].port == port && t->pub->addresses[i].addr == addr)
			return true;
	}
	return false;
}

static bool well_formed(const uint8_t *frame, size_t len)
{
	const uint8_t *arp = frame + ETH_HLEN;

	/* Shorter ones would be read past their end below. */
	if (len < ETH_HLEN + ARP_LEN)
		return false;
	if (be16(arp + ARP_HTYPE) != 1 || be16(arp + ARP_PTYPE) != ETH_IP4)
		return false;
	if (arp[ARP_HLEN] != 6 || arp[ARP_PLEN] != 4)
		return false;
	if (be16(arp + ARP_OP) != ARP_REQUEST && be16(arp + ARP_OP) != ARP_REPLY)
		return false;
	/* A group address is nobody's own; one that differs from the frame's is a forgery or a broken proxy. */
	return !(arp[ARP_SHA] & 1) && !memcmp(arp + ARP_SHA, frame + 6, 6);
}

/* What a neighbour says about itself. `to_us`: it asked for, or answered, one of our addresses. */
static void learn(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t *mac, bool to_us,
		  bool request)
{
	int i = find(t, port, addr);
	bool same;

	if (i < 0) {
		/* RFC 826: add the sender only when we are the target; an answer nobody asked for adds nothing. */
		if (to_us && request && (i = make(t, port, addr, true)) >= 0)
			confirm(t, i, mac);
		else if (!request)
			t->count->n[IPC_ARP_UNSOLICITED]++;
		return;
	}
	same = !memcmp(t->pub->neigh[i].mac, mac, 6);
	switch (t->entry[i].state) {
	case NEIGH_INCOMPLETE:
		if (to_us)
			confirm(t, i, mac);
		break;
	case NEIGH_RESOLVED:
	case NEIGH_PROBING:
		if (same) {
			confirm(t, i, mac);
		} else {
			t->count->n[IPC_ARP_CONFLICT]++;
			if (t->entry[i].state == NEIGH_RESOLVED)
				start(t, i, NEIGH_PROBING);
		}
		break;
	default:
		if (!same)
			t->count->n[IPC_ARP_CONFLICT]++;
		break;
	}
}

void neigh_input(struct neigh *t, uint16_t port, const uint8_t *frame, size_t len)
{
	const uint8_t *arp = frame + ETH_HLEN;
	uint32_t spa, tpa;
	bool request, to_us;

	t->count->n[IPC_ARP_RECEIVED]++;
	if (port >= t->pub->nport || !well_formed(frame, len)) {
		t->count->n[IPC_ARP_MALFORMED]++;
		return;
	}
	spa = be32(arp + ARP_SPA);
	tpa = be32(arp + ARP_TPA);
	request = be16(arp + ARP_OP) == ARP_REQUEST;
	to_us = ours(t, port, tpa);
	/* RFC 5227 2.1.1: a request from 0.0.0.0 probes an address; it is answered and teaches nothing. */
	if (spa) {
		if (ours(t, port, spa)) {
			t->count->n[IPC_ARP_CONFLICT]++;
			return;
		}
		if (source_for(t, port, spa)) {
			learn(t, port, spa, arp + ARP_SHA, to_us, request);
			arm(t);
		} else if (!request) {
			t->count->n
				[IPC_ARP_UNSOLICITED]++; /* nobody asks for what is not on the network */
		}
	}
	if (request && to_us)
		arp_send(t, port, ARP_REPLY, tpa, arp + ARP_SHA, arp + ARP_SHA, spa);
}

bool neigh_static(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t mac[6])
{
	int i = find(t, port, addr);

	if (i < 0)
		i = make(t, port, addr, false);
	if (i < 0)
		return false;
	confirm(t, i, mac);
	t->entry[i].state = NEIGH_STATIC;
	return true;
}
