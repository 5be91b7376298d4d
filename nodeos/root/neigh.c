/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.c - neighbours and the packets that wait for them. One timer serves the table: it fires at the earliest deadline.
 */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/neigh.h"

static void on_timer(void *arg);

static void count(struct neigh *t, enum neigh_counter what)
{
	t->count[t->family->counter[what]]++;
}

void neigh_init(struct neigh *t, const struct neigh_family *family, struct node_pub *pub,
		uint64_t *counters, void (*unreachable)(void *arg, uint8_t *packet, size_t len),
		void *arg)
{
	memset(t, 0, sizeof(*t));
	t->family = family;
	t->pub = pub;
	t->count = counters;
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
	static const char *const name[] = {"free",    "incomplete", "resolved",
					   "probing", "static",	    "stale"};

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "?";
}

void neigh_transmit(struct neigh *t, uint16_t port, const uint8_t dst[6], uint16_t type,
		    const uint8_t *data, size_t len)
{
	const struct node_port *p = &t->pub->port[port];
	uint8_t head[ETH_HLEN + ETH_TAG];
	struct xok_iov iov[2] = {
		{.base = (uint64_t)(uintptr_t)head, .len = ETH_HLEN},
		{.base = (uint64_t)(uintptr_t)data, .len = len},
	};
	int rc;

	memcpy(head, dst, 6);
	memcpy(head + 6, p->mac, 6);
	if (p->vlan) {
		put16(head + 12, ETH_VLAN);
		put16(head + 14, p->vlan);
		iov[0].len += ETH_TAG;
	}
	put16(head + iov[0].len - 2, type);
	rc = amp_transmit(p->device, iov, 2);
	if (rc == XOK_EAGAIN)
		count(t, NEIGHC_TRANSMIT_FULL);
	else if (rc < 0)
		count(t, NEIGHC_TRANSMIT);
}

/* ---- entries ---- */

static int find(const struct neigh *t, uint16_t port, const struct ip6 *addr)
{
	unsigned set = t->family->set(port, addr);

	for (unsigned i = set; i < set + NODE_NEIGH_WAYS; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (e->state != NEIGH_FREE && e->port == port && ip6_equal(&e->addr, addr))
			return (int)i;
	}
	return -1;
}

const struct neigh_entry *neigh_find(const struct neigh *t, uint16_t port, const struct ip6 *addr)
{
	int i = find(t, port, addr);

	return i < 0 ? NULL : &t->entry[i];
}

static void publish(struct neigh *t, int i)
{
	node_write_begin(t->pub);
	t->family->publish(t, (unsigned)i);
	node_write_end(t->pub);
	if (t->changed)
		t->changed(t->changed_arg, (unsigned)i);
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
		count(t, NEIGHC_NO_NEIGHBOUR);
		put_back(t, at);
	}
	memset(&t->entry[i], 0, sizeof(t->entry[i]));
	publish(t, i);
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

/* A new entry; claim: for somebody who says that the address is his. -1: there is no room, which `full` counts. */
static int make(struct neigh *t, uint16_t port, const struct ip6 *addr, bool claim,
		enum neigh_counter full)
{
	int best = place(t, t->family->set(port, addr), claim);

	if (best < 0) {
		count(t, full);
		return -1;
	}
	if (t->entry[best].state != NEIGH_FREE)
		release(t, best);
	t->entry[best].addr = *addr;
	t->entry[best].port = port;
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
	t->entry[i].tries++;
	t->entry[i].deadline = amp_now() + NEIGH_RETRY_NS;
	t->family->ask(t, &t->entry[i], unicast);
}

static void start(struct neigh *t, int i, enum neigh_state state)
{
	t->entry[i].state = (uint8_t)state;
	t->entry[i].tries = 0;
	if (state == NEIGH_INCOMPLETE) {
		t->entry[i].usable = 0;
		publish(t, i);
	}
	ask(t, i, state == NEIGH_PROBING);
}

/* The entry has this link address, and the packets that wait for it go. */
static void record(struct neigh *t, int i, const uint8_t mac[6])
{
	struct neigh_entry *e = &t->entry[i];
	uint8_t at;

	if (!e->usable || memcmp(e->mac, mac, 6)) {
		memcpy(e->mac, mac, 6);
		e->usable = 1;
		publish(t, i);
	}
	while ((at = take(t, i))) {
		struct neigh_packet *p = &t->pool[at - 1];

		neigh_transmit(t, e->port, mac, t->family->ether_type, p->data, p->len);
		put_back(t, at);
	}
}

static void confirm(struct neigh *t, int i, const uint8_t mac[6])
{
	struct neigh_entry *e = &t->entry[i];

	e->state = NEIGH_RESOLVED;
	e->stamp = amp_now();
	e->deadline = e->stamp + NEIGH_FRESH_NS;
	record(t, i, mac);
}

/* It is there, perhaps: asked for after a while, and not more often than that whoever says what. */
static void make_stale(struct neigh *t, int i)
{
	struct neigh_entry *e = &t->entry[i];

	if (e->state != NEIGH_STALE)
		e->deadline = amp_now() + NEIGH_STALE_NS;
	e->state = NEIGH_STALE;
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
		count(t, NEIGHC_NO_NEIGHBOUR);
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
	case NEIGH_RESOLVED:
	case NEIGH_STALE: start(t, i, NEIGH_PROBING); break;
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
		count(t, NEIGHC_QUEUE_FULL);
	}
	at = t->free;
	if (!at || len > NEIGH_PACKET) {
		count(t, NEIGHC_QUEUE_FULL);
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

void neigh_send(struct neigh *t, uint16_t port, const struct ip6 *next, const uint8_t *packet,
		size_t len)
{
	int i;

	if (!node_port_used(t->pub, port)) {
		count(t, NEIGHC_TRANSMIT);
		return;
	}
	i = find(t, port, next);
	if (i >= 0 && t->entry[i].usable) {
		t->entry[i].stamp = amp_now();
		neigh_transmit(t, port, t->entry[i].mac, t->family->ether_type, packet, len);
		return;
	}
	if (i < 0) {
		i = make(t, port, next, false, NEIGHC_FULL);
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

/* An entry hears what its neighbour, or somebody in its name, says. */
static void hear(struct neigh *t, int i, const uint8_t mac[6], bool to_us)
{
	bool same = !mac || !memcmp(t->entry[i].mac, mac, 6);

	switch (t->entry[i].state) {
	case NEIGH_INCOMPLETE:
		if (to_us && mac)
			confirm(t, i, mac);
		break;
	case NEIGH_RESOLVED:
	case NEIGH_STALE:
	case NEIGH_PROBING:
		if (same) {
			confirm(t, i, t->entry[i].mac);
		} else {
			count(t, NEIGHC_CONFLICT);
			if (t->entry[i].state != NEIGH_PROBING)
				start(t, i, NEIGH_PROBING);
		}
		break;
	default:
		if (!same)
			count(t, NEIGHC_CONFLICT);
		break;
	}
}

void neigh_learn(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6],
		 bool asks, bool to_us)
{
	int i = find(t, port, addr);

	/* RFC 826: add the sender only when we are the target; an answer nobody asked for adds nothing. RFC 4861 7.2.3 and 7.2.5 agree. */
	if (i >= 0)
		hear(t, i, mac, to_us);
	else if (to_us && asks && mac && (i = make(t, port, addr, true, NEIGHC_CLAIMS_FULL)) >= 0)
		confirm(t, i, mac);
	else if (!asks)
		count(t, NEIGHC_UNSOLICITED);
	arm(t);
}

/* RFC 4861 7.2.5, of an entry that there is. */
static void advertised(struct neigh *t, int i, const uint8_t mac[6], bool solicited, bool override)
{
	struct neigh_entry *e = &t->entry[i];
	bool waits = e->state == NEIGH_INCOMPLETE;
	bool differs = !waits && mac && memcmp(e->mac, mac, 6);

	/* "If ... no Target Link-Layer Address option is included, the receiving node SHOULD silently discard the received advertisement." */
	if (waits && !mac)
		return;
	if (differs && (e->state == NEIGH_STATIC || !override)) {
		count(t, NEIGHC_CONFLICT);
		/* I. a: "If the state of the entry is REACHABLE, set it to STALE, but do not update the entry in any other way." */
		if (e->state == NEIGH_RESOLVED)
			make_stale(t, i);
		return;
	}
	if (e->state == NEIGH_STATIC)
		return;
	if (solicited) {
		confirm(t, i, mac ? mac : e->mac);
	} else if (waits || differs) {
		record(t, i, mac);
		make_stale(t, i);
	} /* else "the entry's state remains unchanged" */
}

void neigh_advertised(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6],
		      bool solicited, bool override)
{
	int i = find(t, port, addr);

	if (i < 0) {
		count(t, NEIGHC_UNSOLICITED);
		return;
	}
	advertised(t, i, mac, solicited, override);
	arm(t);
}

void neigh_told(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6])
{
	int i = find(t, port, addr);

	if (i < 0)
		i = make(t, port, addr, true, NEIGHC_CLAIMS_FULL);
	if (i < 0 || t->entry[i].state == NEIGH_STATIC)
		return;
	confirm(t, i, mac);
	arm(t);
}

bool neigh_static(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6])
{
	int i = find(t, port, addr);

	if (i < 0)
		i = make(t, port, addr, false, NEIGHC_CLAIMS_FULL);
	if (i < 0)
		return false;
	confirm(t, i, mac);
	t->entry[i].state = NEIGH_STATIC;
	return true;
}

void neigh_not_static(struct neigh *t, uint16_t port, const struct ip6 *addr)
{
	int i = find(t, port, addr);

	if (i < 0 || t->entry[i].state != NEIGH_STATIC)
		return;
	start(t, i, NEIGH_PROBING);
	arm(t);
}
