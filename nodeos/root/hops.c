/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hops.c - next hops and groups, and the adjacencies that the handlers read.
 *
 * A number that is free again is given to somebody else as late as can be: a processor may still be at a packet for which it has looked it up.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/hops.h"

void hops_init(struct hops *h, struct node_pub *pub, struct neigh *neigh4, struct neigh *neigh6)
{
	memset(h, 0, sizeof(*h));
	h->pub = pub;
	h->neigh[0] = neigh4;
	h->neigh[1] = neigh6;
}

/* ---- adjacencies ---- */

/* mac NULL: nothing can be sent to it now. */
static void write_adjacency(struct hops *h, uint32_t number, uint16_t iface, const uint8_t *mac)
{
	struct forward_adjacency *a = &h->adjacency[number];
	const struct node_port *port = &h->pub->port[iface];
	uint32_t version = a->version | FORWARD_CLOSED;

	__atomic_store_n(&a->version, version, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	memset(a->ether, 0, 6);
	if (mac)
		memcpy(a->ether, mac, 6);
	memcpy(a->ether + 6, port->mac, 6);
	a->iface = (uint8_t)iface;
	a->port = port->device;
	a->mtu = port->mtu;
	a->tag = port->vlan ? __builtin_bswap16(port->vlan) : 0;
	version = (version & ~(FORWARD_AGE - 1)) + FORWARD_AGE;
	version |= (mac ? 0 : FORWARD_CLOSED) | (port->vlan ? FORWARD_TAGGED : 0);
	__atomic_store_n(&a->version, version, __ATOMIC_RELEASE);
}

static void write_hop(struct hops *h, uint32_t i)
{
	const struct node_next *n = &h->pub->next[i];
	const struct neigh *t = h->neigh[ip6_is_mapped(&n->addr) ? 0 : 1];
	const struct neigh_entry *e = neigh_find(t, n->port, &n->addr);

	if (h->adjacency)
		write_adjacency(h, FORWARD_HOP + i, n->port, e && e->usable ? e->mac : NULL);
}

void hops_ports(struct hops *h)
{
	for (uint32_t i = 0; h->adjacency && i < FORWARD_IFACES; i++) {
		if (h->pub->port[i].used)
			write_adjacency(h, FORWARD_LINK + i, (uint16_t)i, NULL);
	}
	for (uint32_t i = 0; i < FORWARD_HOPS; i++) {
		if (h->refs[i])
			write_hop(h, i);
	}
}

/* ---- next hops ---- */

static unsigned chain_of(uint16_t port, const struct ip6 *addr)
{
	return (be32(addr->b + 12) * 0x9e3779b1u + be32(addr->b + 8) * 0x85ebca6bu + port * 7u) >>
	       24;
}
_Static_assert(HOPS_CHAINS == 256, "the hash has eight bits");

/* 1 + index; 0: none. */
static uint32_t find(const struct hops *h, uint16_t port, const struct ip6 *addr)
{
	uint32_t i = h->head[chain_of(port, addr)];

	while (i &&
	       (h->pub->next[i - 1].port != port || !ip6_equal(&h->pub->next[i - 1].addr, addr)))
		i = h->chain[i - 1];
	return i;
}

void hops_neighbour(struct hops *h, const struct neigh_entry *e)
{
	uint32_t i = find(h, e->port, &e->addr);

	if (i)
		write_hop(h, i - 1);
}

int32_t hops_get(struct hops *h, uint16_t port, const struct ip6 *addr)
{
	uint32_t i = find(h, port, addr), tries = 0;
	unsigned c = chain_of(port, addr);

	if (i) {
		h->refs[i - 1]++;
		return (int32_t)(FORWARD_HOP + i - 1);
	}
	while (h->refs[h->next_hop] && tries++ < FORWARD_HOPS)
		h->next_hop = (h->next_hop + 1) % FORWARD_HOPS;
	i = h->next_hop;
	if (h->refs[i])
		return XOK_ENOMEM;
	h->next_hop = (i + 1) % FORWARD_HOPS;
	h->refs[i] = 1;
	h->chain[i] = h->head[c];
	h->head[c] = (uint16_t)(i + 1);
	node_write_begin(h->pub);
	h->pub->next[i] = (struct node_next){.addr = *addr, .port = port, .used = 1};
	node_write_end(h->pub);
	write_hop(h, i);
	return (int32_t)(FORWARD_HOP + i);
}

static void put_hop(struct hops *h, uint32_t i)
{
	const struct node_next *n = &h->pub->next[i];
	uint16_t *link = &h->head[chain_of(n->port, &n->addr)];

	if (--h->refs[i])
		return;
	while (*link != i + 1)
		link = &h->chain[*link - 1];
	*link = h->chain[i];
	if (h->adjacency)
		write_adjacency(h, FORWARD_HOP + i, n->port, NULL);
}

/* ---- groups ---- */

struct pick {
	uint16_t number, weight;
};

/*
 * RFC 2992: each next hop has a region of the hash's space, in proportion to its weight, the regions in the order of their numbers: when one of
 * them goes, between a quarter and a half of the flows change their way, and no others.
 */
static void write_group(struct hops *h, uint32_t g)
{
	const struct hops_group *e = &h->group[g];
	struct forward_group out = {0};
	uint32_t total = 0, upto = 0, b = 0;

	for (unsigned i = 0; i < e->n; i++)
		total += e->weight[i];
	for (unsigned i = 0; i < e->n; i++) {
		upto += e->weight[i];
		out.ifaces |= 1ull << (h->pub->next[e->number[i] - FORWARD_HOP].port & 63);
		for (; b < FORWARD_BUCKETS && b * total < upto * FORWARD_BUCKETS; b++)
			out.bucket[b] = e->number[i];
	}
	node_write_begin(h->pub);
	memcpy(h->pub->group[g], out.bucket, sizeof(out.bucket));
	node_write_end(h->pub);
	if (h->groups)
		h->groups[g] = out;
}

static int by_number(const void *a, const void *b)
{
	return (int)((const struct pick *)a)->number - (int)((const struct pick *)b)->number;
}

static bool same_group(const struct hops_group *e, const struct pick *p, unsigned n)
{
	bool same = e->refs && e->n == n;

	for (unsigned i = 0; same && i < n; i++)
		same = e->number[i] == p[i].number && e->weight[i] == p[i].weight;
	return same;
}

static void put_picks(struct hops *h, const struct pick *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_hop(h, p[i].number - FORWARD_HOP);
}

/* The group of these, in order, whose references it takes over. */
static int32_t group_of(struct hops *h, const struct pick *p, unsigned n)
{
	struct hops_group *e;
	uint32_t tries = 0;

	for (uint32_t g = 0; g < FORWARD_GROUPS; g++) {
		if (same_group(&h->group[g], p, n)) {
			put_picks(h, p, n); /* it has its own */
			h->group[g].refs++;
			return (int32_t)(FORWARD_GROUP + g);
		}
	}
	while (h->group[h->next_group].refs && tries++ < FORWARD_GROUPS)
		h->next_group = (h->next_group + 1) % FORWARD_GROUPS;
	e = &h->group[h->next_group];
	if (e->refs) {
		put_picks(h, p, n);
		return XOK_ENOMEM;
	}
	*e = (struct hops_group){.refs = 1, .n = n};
	for (unsigned i = 0; i < n; i++) {
		e->number[i] = p[i].number;
		e->weight[i] = p[i].weight;
	}
	write_group(h, h->next_group);
	tries = h->next_group;
	h->next_group = (h->next_group + 1) % FORWARD_GROUPS;
	return (int32_t)(FORWARD_GROUP + tries);
}

int32_t hops_group(struct hops *h, const struct hops_member *m, unsigned n)
{
	struct pick p[HOPS_MEMBERS];
	unsigned k = 0;

	if (n < 1 || n > HOPS_MEMBERS)
		return XOK_EINVAL;
	for (unsigned i = 0; i < n; i++) {
		int32_t number = hops_get(h, m[i].port, &m[i].addr);

		if (number < 0) {
			put_picks(h, p, k);
			return number;
		}
		p[k++] = (struct pick){(uint16_t)number, m[i].weight ? m[i].weight : 1};
	}
	if (n == 1)
		return p[0].number;
	qsort(p, n, sizeof(p[0]), by_number);
	return group_of(h, p, n);
}

static void put_group(struct hops *h, uint32_t g)
{
	struct hops_group *e = &h->group[g];

	if (--e->refs)
		return;
	for (unsigned i = 0; i < e->n; i++)
		put_hop(h, e->number[i] - FORWARD_HOP);
}

void hops_put(struct hops *h, uint32_t number)
{
	if (number >= FORWARD_GROUP)
		put_group(h, number - FORWARD_GROUP);
	else if (number >= FORWARD_HOP)
		put_hop(h, number - FORWARD_HOP);
}

unsigned hops_list(const struct hops *h, uint32_t number, struct hops_member *out)
{
	const uint16_t one = (uint16_t)number, w = 1, *numbers = &one, *weights = &w;
	unsigned n = number >= FORWARD_HOP && number < FORWARD_GROUP;

	if (number >= FORWARD_GROUP) {
		const struct hops_group *e = &h->group[number - FORWARD_GROUP];

		n = e->n;
		numbers = e->number;
		weights = e->weight;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct node_next *next = &h->pub->next[numbers[i] - FORWARD_HOP];

		out[i] = (struct hops_member){
			.addr = next->addr, .port = next->port, .weight = weights[i]};
	}
	return n;
}
