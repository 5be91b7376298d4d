/* SPDX-License-Identifier: BSD-2-Clause */
/* node6.c - the IPv6 half of the published tables. */
#include "nodeos/lib/inet6.h"
#include "nodeos/node.h"

static uint32_t reading(const struct node_pub *p)
{
	return atomic_load_explicit(&p->seq, memory_order_acquire);
}

static bool changed(const struct node_pub *p, uint32_t seq)
{
	atomic_thread_fence(memory_order_seq_cst);
	return (seq & 1) || atomic_load_explicit(&p->seq, memory_order_relaxed) != seq;
}

/* As in node.c: while the root writes, a count may be anything. */
static uint32_t naddress6(const struct node_pub *p)
{
	return p->naddress6 < NODE_ADDRESSES6 ? p->naddress6 : NODE_ADDRESSES6;
}

bool node_route6(const struct node_pub *p, const struct ip6 *dst, struct node_hop6 *out)
{
	uint32_t seq;
	bool found;

	out->number = -1;
	if (ip6_link_local(dst))
		return false;
	do {
		seq = reading(p);
		found = node_next_hop(p, dst, &out->number, &out->next, &out->port);
		if (found)
			out->mtu = p->port[out->port].mtu;
	} while (changed(p, seq));
	return found;
}

/* What is asked of one of our addresses. */
typedef bool fits6(const struct node_address6 *a, uint16_t port, const struct ip6 *addr);

static bool any_address6(const struct node_pub *p, fits6 *fits, uint16_t port,
			 const struct ip6 *addr)
{
	uint32_t seq;
	bool yes;

	do {
		seq = reading(p);
		yes = false;
		for (uint32_t i = 0; i < naddress6(p) && !yes; i++)
			yes = fits(&p->addresses6[i], port, addr);
	} while (changed(p, seq));
	return yes;
}

/* Link-local addresses are ours at one port, the others at each. */
static bool is_ours(const struct node_address6 *a, uint16_t port, const struct ip6 *addr)
{
	return ip6_equal(&a->addr, addr) && (a->port == port || !ip6_link_local(addr));
}

/* An address may be its own network's, of which there is no other then. */
static bool is_anycast(const struct node_address6 *a, uint16_t port, const struct ip6 *addr)
{
	struct ip6 network = ip6_prefix(&a->addr, a->len);

	return a->len <= IP6_ANYCAST_LEN && ip6_equal(&network, addr) && !ip6_unspecified(addr) &&
	       (a->port == port || !ip6_link_local(addr));
}

static bool is_beside(const struct node_address6 *a, uint16_t port, const struct ip6 *addr)
{
	return a->port == port && ip6_match(addr, &a->addr, a->len);
}

bool node_is_local6(const struct node_pub *p, uint16_t port, const struct ip6 *addr)
{
	return any_address6(p, is_ours, port, addr);
}

bool node_is_anycast6(const struct node_pub *p, uint16_t port, const struct ip6 *addr)
{
	return p->role == NODE_ROUTER && any_address6(p, is_anycast, port, addr) &&
	       !any_address6(p, is_ours, port, addr);
}

bool node_is_connected6(const struct node_pub *p, uint16_t port, const struct ip6 *addr)
{
	return any_address6(p, is_beside, port, addr);
}

/* How well an address of ours suits; 0: not at all. */
static int suits(const struct node_address6 *a, uint16_t port, const struct ip6 *peer)
{
	if (a->port == port && ip6_match(peer, &a->addr, a->len))
		return 4;
	if (ip6_link_local(&a->addr))
		return a->port == port ? 1 : 0;
	return a->port == port ? 3 : 2;
}

bool node_source6(const struct node_pub *p, uint16_t port, const struct ip6 *peer, struct ip6 *out)
{
	uint32_t seq;
	int best;

	do {
		seq = reading(p);
		best = 0;
		for (uint32_t i = 0; i < naddress6(p); i++) {
			int s = suits(&p->addresses6[i], port, peer);

			if (s > best) {
				best = s;
				*out = p->addresses6[i].addr;
			}
		}
	} while (changed(p, seq));
	return best > 0;
}

unsigned node_neigh_set6(uint16_t port, const struct ip6 *addr)
{
	uint32_t h = port;

	for (unsigned i = 0; i < 16; i += 4)
		h = (h ^ be32(addr->b + i)) * 0x9e3779b1u;
	return (h >> 27) * NODE_NEIGH_WAYS;
}
_Static_assert(NODE_NEIGH_SETS == 1u << 5, "the hash has five bits");

bool node_link6(const struct node_pub *p, uint16_t port, const struct ip6 *addr, uint8_t dst[6],
		uint8_t src[6])
{
	unsigned set = node_neigh_set6(port, addr);
	uint32_t seq;
	bool found;

	if (port >= NODE_PORTS)
		return false;
	do {
		seq = reading(p);
		found = false;
		for (unsigned i = set; i < set + NODE_NEIGH_WAYS && !found; i++) {
			const struct node_neigh6 *n = &p->neigh6[i];

			found = n->usable && n->port == port && ip6_equal(&n->addr, addr);
			if (found)
				memcpy(dst, n->mac, 6);
		}
		memcpy(src, p->port[port].mac, 6);
	} while (changed(p, seq));
	return found;
}
