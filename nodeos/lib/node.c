/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node.c - the published tables: sequence lock, lookups.
 *
 * A reader never trusts a count or an index further than the arrays reach: while the root writes they may be anything, and the
 * retry comes only after the walk.
 */
#include <string.h>

#include "amp/amp.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/node.h"

void node_write_begin(struct node_pub *p)
{
	atomic_store_explicit(&p->seq, p->seq + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

void node_write_end(struct node_pub *p)
{
	atomic_store_explicit(&p->seq, p->seq + 1, memory_order_release);
}

/* The version that is being read. An odd one will not be confirmed by `changed`. */
static uint32_t reading(const struct node_pub *p)
{
	return atomic_load_explicit(&p->seq, memory_order_acquire);
}

static bool changed(const struct node_pub *p, uint32_t seq)
{
	atomic_thread_fence(memory_order_seq_cst);
	return (seq & 1) || atomic_load_explicit(&p->seq, memory_order_relaxed) != seq;
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

static uint32_t port_address(const struct node_pub *p, uint16_t port, uint32_t peer)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < at_most(p->naddress, NODE_ADDRESSES); i++) {
		const struct node_address *a = &p->addresses[i];

		if (a->port != port)
			continue;
		if (!((a->addr ^ peer) & mask4(at_most(a->len, 32))))
			return a->addr;
		if (!first)
			first = a->addr;
	}
	return first ? first : p->address;
}

bool node_route(const struct node_pub *p, uint32_t dst, struct node_hop *out)
{
	const struct ip6 addr = ip6_mapped(dst);
	struct ip6 next;
	uint32_t seq;
	bool found;

	do {
		seq = reading(p);
		found = node_next_hop(p, &addr, &out->number, &next, &out->port);
		if (found) {
			out->next = ip6_unmapped(&next);
			out->source = port_address(p, out->port, out->next);
			out->mtu = p->port[out->port].mtu;
		}
	} while (changed(p, seq));
	return found;
}

bool node_is_local(const struct node_pub *p, uint32_t addr)
{
	const struct ip6 mapped = ip6_mapped(addr);
	uint32_t seq;
	bool yes;

	do {
		seq = reading(p);
		yes = node_fib(p, &mapped) == FORWARD_LOCAL;
		for (uint32_t i = 0; i < at_most(p->naddress, NODE_ADDRESSES); i++)
			yes |= p->addresses[i].addr == addr;
	} while (changed(p, seq));
	return yes;
}

bool node_is_broadcast(const struct node_pub *p, uint32_t addr)
{
	uint32_t seq;
	bool yes;

	do {
		seq = reading(p);
		yes = addr == 0xffffffffu;
		for (uint32_t i = 0; i < at_most(p->naddress, NODE_ADDRESSES); i++) {
			uint32_t mask = mask4(at_most(p->addresses[i].len, 32));
			uint32_t net = p->addresses[i].addr & mask;

			/* RFC 3021: networks of two addresses or one have neither. */
			if (mask < 0xfffffffeu)
				yes |= addr == (net | ~mask) || addr == net;
		}
	} while (changed(p, seq));
	return yes;
}

bool node_is_connected(const struct node_pub *p, uint32_t addr, uint16_t *port)
{
	uint32_t seq;
	bool yes;
	uint16_t at;

	do {
		seq = reading(p);
		yes = false;
		at = NODE_NO_PORT;
		for (uint32_t i = 0; i < at_most(p->naddress, NODE_ADDRESSES) && !yes; i++) {
			const struct node_address *a = &p->addresses[i];

			yes = a->port != NODE_NO_PORT &&
			      !((a->addr ^ addr) & mask4(at_most(a->len, 32)));
			at = a->port;
		}
	} while (changed(p, seq));
	if (!yes || node_is_broadcast(p, addr))
		return false;
	if (port)
		*port = at;
	return true;
}

unsigned node_neigh_set(uint16_t port, uint32_t addr)
{
	uint32_t h = (addr ^ (uint32_t)port << 16) * 0x9e3779b1u;

	return (h >> 27) * NODE_NEIGH_WAYS;
}
_Static_assert(NODE_NEIGH_SETS == 1u << 5, "the hash has five bits");

bool node_link(const struct node_pub *p, uint16_t port, uint32_t addr, uint8_t dst[6],
	       uint8_t src[6])
{
	unsigned set = node_neigh_set(port, addr);
	uint32_t seq;
	bool found;

	if (port >= NODE_PORTS)
		return false;
	do {
		seq = reading(p);
		found = false;
		for (unsigned i = set; i < set + NODE_NEIGH_WAYS && !found; i++) {
			const struct node_neigh *n = &p->neigh[i];

			found = n->usable && n->addr == addr && n->port == port;
			if (found)
				memcpy(dst, n->mac, 6);
		}
		memcpy(src, p->port[port].mac, 6);
	} while (changed(p, seq));
	return found;
}

/* A rule for this very module counts before one for every module; of several the largest budget. */
static enum node_verdict policy(const struct node_pub *p, const uint8_t key[32],
				const uint8_t module[32], uint32_t *budget)
{
	uint32_t who = UINT32_MAX, any = 0, exact = 0;
	bool any_set = false, exact_set = false;

	for (uint32_t i = 0; i < at_most(p->nprincipal, NODE_PRINCIPALS); i++) {
		if (!memcmp(p->principal[i].key, key, 32))
			who = i;
	}
	if (who == UINT32_MAX)
		return NODE_UNKNOWN_PRINCIPAL;
	for (uint32_t i = 0; i < at_most(p->nrule, NODE_RULES); i++) {
		const struct node_rule *r = &p->rule[i];

		if (r->principal != who)
			continue;
		if (r->any) {
			any_set = true;
			any = r->budget > any ? r->budget : any;
		} else if (!memcmp(r->module, module, 32)) {
			exact_set = true;
			exact = r->budget > exact ? r->budget : exact;
		}
	}
	*budget = exact_set ? exact : any;
	return exact_set || any_set ? NODE_ALLOWED : NODE_DENIED;
}

enum node_verdict node_policy(const struct node_pub *p, const uint8_t key[32],
			      const uint8_t module[32], uint32_t *budget)
{
	enum node_verdict v;
	uint32_t seq;

	do {
		seq = reading(p);
		v = policy(p, key, module, budget);
	} while (changed(p, seq));
	return v;
}

uint64_t node_utc(const struct node_pub *p)
{
	int64_t offset;
	uint32_t seq;

	do {
		seq = reading(p);
		offset = p->utc_offset;
	} while (changed(p, seq));
	return amp_wall() + (uint64_t)offset;
}
