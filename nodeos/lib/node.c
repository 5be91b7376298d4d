/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node.c - the published tables: sequence lock, longest-prefix match, lookups.
 *
 * A reader never trusts a count or an index further than the arrays reach: while the root writes they may be anything, and the
 * retry comes only after the walk.
 */
#include <string.h>

#include "amp/amp.h"
#include "nodeos/lib/inet.h"
#include "nodeos/node.h"

void node_init(struct node_pub *p)
{
	memset(p, 0, sizeof(*p));
	p->magic = NODE_MAGIC;
	p->version = NODE_VERSION;
}

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

static unsigned bit(uint32_t key, unsigned at)
{
	return at < 32 ? key >> (31 - at) & 1 : 0;
}

static unsigned common_bits(uint32_t a, uint32_t b)
{
	return a == b ? 32 : (unsigned)__builtin_clz(a ^ b);
}

static uint16_t lpm_new(struct node_pub *p, uint32_t key, unsigned len)
{
	uint16_t i = (uint16_t)p->nlpm++;

	memset(&p->lpm[i], 0, sizeof(p->lpm[i]));
	p->lpm[i].key = key & mask4(len);
	p->lpm[i].len = (uint8_t)len;
	return i;
}

static void lpm_insert(struct node_pub *p, uint32_t key, unsigned len, uint16_t value)
{
	uint16_t root = (uint16_t)p->lpm_root, *link = &root, node = 0, old;
	unsigned common = 0;

	while ((old = *link)) {
		struct node_lpm *n = &p->lpm[old];

		common = common_bits(key, n->key);
		common = at_most(at_most(common, n->len), len);
		if (common < n->len)
			break;
		if (n->len == len) {
			node = old;
			break;
		}
		link = &n->child[bit(key, n->len)];
	}
	if (!node) {
		node = lpm_new(p, key, len);
		if (old && common == len) {
			/* The new prefix contains the old subtree. */
			p->lpm[node].child[bit(p->lpm[old].key, len)] = old;
			*link = node;
		} else if (old) {
			/* They part below `common`: a node that only branches. */
			uint16_t fork = lpm_new(p, key, common);

			p->lpm[fork].child[bit(p->lpm[old].key, common)] = old;
			p->lpm[fork].child[bit(key, common)] = node;
			*link = fork;
		} else {
			*link = node;
		}
	}
	p->lpm[node].used = 1;
	p->lpm[node].value = value;
	p->lpm_root = root;
}

/* Every insertion makes at most two nodes, and node 0 is none: NODE_LPM suffices. */
void node_lpm_build(struct node_pub *p)
{
	p->nlpm = 1;
	p->lpm_root = 0;
	for (uint32_t i = 0; i < at_most(p->nroute, NODE_ROUTES); i++)
		lpm_insert(p, p->route[i].prefix, p->route[i].len, (uint16_t)i);
}

/* A path is at most 33 nodes long, one for each prefix length; a torn trie may be longer, or a circle. */
static int lpm_find(const struct node_pub *p, uint32_t addr)
{
	uint32_t i = p->lpm_root;
	int best = -1;

	for (int steps = 0; i && i < NODE_LPM && steps < 33; steps++) {
		const struct node_lpm *n = &p->lpm[i];
		unsigned len = n->len;

		if (len > 32 || (addr & mask4(len)) != n->key)
			break;
		if (n->used && n->value < NODE_ROUTES)
			best = n->value;
		if (len == 32)
			break;
		i = n->child[bit(addr, len)];
	}
	return best;
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
	uint32_t seq;
	int found;

	do {
		seq = reading(p);
		found = lpm_find(p, dst);
		if (found >= 0) {
			const struct node_route *r = &p->route[found];

			out->port = r->port;
			out->next = r->via ? r->via : dst;
			out->source = port_address(p, r->port, out->next);
			out->mtu = r->port < NODE_PORTS ? p->port[r->port].mtu : 0;
		}
	} while (changed(p, seq));
	return found >= 0;
}

bool node_is_local(const struct node_pub *p, uint32_t addr)
{
	uint32_t seq;
	bool yes;

	do {
		seq = reading(p);
		yes = false;
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

			yes = !((a->addr ^ addr) & mask4(at_most(a->len, 32)));
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
