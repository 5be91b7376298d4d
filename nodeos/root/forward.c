/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.c - what the forwarding handlers are to do, as tables.
 *
 * The longest prefix decides everything: our addresses and broadcast addresses are prefixes of full length, so is each neighbour that
 * is reached directly; a route through a gateway leads to the gateway's adjacency. All else that has a route leads to FORWARD_RESOLVE, and so to
 * the router domain. Both families go through the same code, IPv4 as mapped addresses.
 */
#include <stdatomic.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/forward_load.h"

#define MAPPED 96u /* bits before a mapped IPv4 address */
#define FULL 128u  /* the length of one address */

static unsigned neigh_base(unsigned family)
{
	return family == FORWARD_IP4 ? FORWARD_NEIGH4 : FORWARD_NEIGH6;
}

/* ---- the prefixes of a family ---- */

/* A table that lacks a prefix would send packets astray: then no table is better. */
static void give_up(struct forward_path *p, const char *why)
{
	amp_log("the forwarding handler is taken off: %s", why);
	if (p->bound)
		(void)amp_handler_bind(p->filter, 0);
	p->bound = p->loaded = false;
}

static void update(struct forward *f, unsigned family, const struct forward_route *r, uint32_t op)
{
	struct forward_path *p = &f->path[family];
	struct xok_table_update u = {.op = op, .number = r->number};
	int rc;

	if (family == FORWARD_IP4) {
		struct xok_prefix4 key = {.len = r->len - MAPPED};

		memcpy(key.address, r->prefix.b + 12, 4);
		memcpy(u.key, &key, sizeof(key));
	} else {
		struct xok_prefix6 key = {.len = r->len};

		memcpy(key.address, r->prefix.b, 16);
		memcpy(u.key, &key, sizeof(key));
	}
	if (!p->loaded)
		return;
	rc = amp_table_update(p->table, &u);
	if (rc < 0)
		give_up(p, amp_strerror(rc));
}

static struct forward_route *find(struct forward_path *p, const struct ip6 *prefix, unsigned len)
{
	for (uint32_t i = 0; i < p->nroute; i++) {
		if (p->route[i].len == len && ip6_equal(&p->route[i].prefix, prefix))
			return &p->route[i];
	}
	return NULL;
}

static void put(struct forward *f, unsigned family, const struct ip6 *prefix, unsigned len,
		uint32_t number)
{
	struct forward_path *p = &f->path[family];
	struct forward_route *r = find(p, prefix, len);

	if (r && r->number == number) {
		r->keep = 1;
		return;
	}
	if (!r) {
		if (p->nroute == FORWARD_ROUTES) {
			give_up(p, "too many prefixes");
			return;
		}
		r = &p->route[p->nroute++];
	}
	*r = (struct forward_route){
		.prefix = *prefix, .len = (uint8_t)len, .keep = 1, .number = number};
	update(f, family, r, XOK_TABLE_SET);
}

static void forget(struct forward *f, unsigned family, struct forward_route *r)
{
	struct forward_path *p = &f->path[family];

	update(f, family, r, XOK_TABLE_DELETE);
	*r = p->route[--p->nroute];
}

/* ---- what node_pub says, in one form for both families ---- */

struct view {
	struct ip6 prefix, via; /* via ::: connected */
	uint16_t port;
	uint8_t len;
	bool connected;
};

static uint32_t nroutes(const struct node_pub *n, unsigned family)
{
	return family == FORWARD_IP4 ? n->nroute : n->nroute6;
}

static struct view route_at(const struct node_pub *n, unsigned family, uint32_t i)
{
	struct view v;

	if (family == FORWARD_IP4) {
		const struct node_route *r = &n->route[i];

		v = (struct view){.prefix = ip6_mapped(r->prefix),
				  .via = ip6_mapped(r->via),
				  .port = r->port,
				  .len = (uint8_t)(r->len + MAPPED),
				  .connected = r->via == 0};
	} else {
		const struct node_route6 *r = &n->route6[i];

		v = (struct view){.prefix = r->prefix,
				  .via = r->via,
				  .port = r->port,
				  .len = r->len,
				  .connected = ip6_unspecified(&r->via)};
	}
	return v;
}

/* Of equal prefixes the later one counts. */
static bool shadowed(const struct node_pub *n, unsigned family, uint32_t at, const struct view *v)
{
	for (uint32_t i = at + 1; i < nroutes(n, family); i++) {
		struct view w = route_at(n, family, i);

		if (w.len == v->len && ip6_equal(&w.prefix, &v->prefix))
			return true;
	}
	return false;
}

/* Is the neighbour its own next hop, and no address of ours? A more specific route may lead elsewhere. */
static bool direct(const struct node_pub *n, unsigned family, const struct neigh_entry *e)
{
	uint32_t addr = ip6_unmapped(&e->addr);
	struct node_hop6 hop6;
	struct node_hop hop;

	if (family == FORWARD_IP4)
		return node_route(n, addr, &hop) && hop.next == addr && hop.port == e->port &&
		       !node_is_local(n, addr) && !node_is_broadcast(n, addr);
	return node_route6(n, &e->addr, &hop6) && ip6_equal(&hop6.next, &e->addr) &&
	       hop6.port == e->port && !node_is_local6(n, e->port, &e->addr);
}

/* The adjacency of a gateway, or the router domain's work. */
static uint32_t gateway(const struct forward *f, unsigned family, const struct view *v)
{
	const struct neigh *t = f->path[family].neigh;

	for (unsigned i = 0; i < NODE_NEIGHS && !v->connected; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (e->usable && e->port == v->port && ip6_equal(&e->addr, &v->via))
			return neigh_base(family) + i;
	}
	return FORWARD_RESOLVE;
}

/* ---- adjacencies ---- */

static void set_adjacency(struct forward *f, uint32_t index, const struct neigh_entry *e)
{
	struct forward_adjacency *a = &f->adjacency[index];
	const struct node_port *port = &f->pub->port[e->port];
	uint32_t version = a->version;

	__atomic_store_n(&a->version, version + 1, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(a->ether, e->mac, 6);
	memcpy(a->ether + 6, port->mac, 6);
	a->port = (uint8_t)e->port;
	a->mtu = port->mtu;
	a->complete = e->usable;
	__atomic_store_n(&a->version, version + 2, __ATOMIC_RELEASE);
}

/* Does the configuration have a route to this one address? */
static bool routed(const struct node_pub *n, unsigned family, const struct ip6 *addr)
{
	for (uint32_t i = 0; i < nroutes(n, family); i++) {
		struct view v = route_at(n, family, i);

		if (v.len == FULL && ip6_equal(&v.prefix, addr))
			return true;
	}
	return false;
}

/* What led to an adjacency leads to the router domain, or, when it was the neighbour's own prefix, wherever the rest of the table says. */
static void leave(struct forward *f, unsigned family, uint32_t number)
{
	struct forward_path *p = &f->path[family];

	for (uint32_t i = p->nroute; i-- > 0;) {
		struct forward_route *r = &p->route[i];

		if (r->number != number)
			continue;
		if (r->len == FULL && !routed(f->pub, family, &r->prefix)) {
			forget(f, family, r);
		} else {
			r->number = FORWARD_RESOLVE;
			update(f, family, r, XOK_TABLE_SET);
		}
	}
}

/* Routes through the neighbour, and its own prefix. */
static void join(struct forward *f, unsigned family, uint32_t number, const struct neigh_entry *e)
{
	for (uint32_t i = 0; i < nroutes(f->pub, family); i++) {
		struct view v = route_at(f->pub, family, i);

		if (!v.connected && v.port == e->port && ip6_equal(&v.via, &e->addr) &&
		    !shadowed(f->pub, family, i, &v))
			put(f, family, &v.prefix, v.len, number);
	}
	if (direct(f->pub, family, e))
		put(f, family, &e->addr, FULL, number);
}

/* Nothing leads to the adjacency while it becomes another's. */
static void neighbour_changed(struct forward *f, unsigned family, unsigned i)
{
	const struct neigh_entry *e = &f->path[family].neigh->entry[i];
	uint32_t number = neigh_base(family) + i;

	leave(f, family, number);
	set_adjacency(f, number, e);
	if (e->usable)
		join(f, family, number, e);
}

static void neighbour4_changed(void *arg, unsigned i)
{
	neighbour_changed(arg, FORWARD_IP4, i);
}

static void neighbour6_changed(void *arg, unsigned i)
{
	neighbour_changed(arg, FORWARD_IP6, i);
}

/* ---- configuration ---- */

/* RFC 1812 5.3.5: the broadcast addresses of a network, the old one of all zeros among them; RFC 3021: not of the smallest networks. */
static void put_local4(struct forward *f, const struct node_address *a)
{
	uint32_t net = a->addr & mask4(a->len);
	const struct ip6 local = ip6_mapped(a->addr), zeros = ip6_mapped(net),
			 ones = ip6_mapped(net | ~mask4(a->len));

	if (a->len < 31) {
		put(f, FORWARD_IP4, &zeros, FULL, FORWARD_BROADCAST);
		put(f, FORWARD_IP4, &ones, FULL, FORWARD_BROADCAST);
	}
	put(f, FORWARD_IP4, &local, FULL, FORWARD_LOCAL);
}

static void put_locals(struct forward *f, unsigned family)
{
	const struct node_pub *n = f->pub;

	for (uint32_t i = 0; family == FORWARD_IP4 && i < n->naddress; i++)
		put_local4(f, &n->addresses[i]);
	/* A link-local address is ours at one port only, and its packets are passed on whatever stands here. */
	for (uint32_t i = 0; family == FORWARD_IP6 && i < n->naddress6; i++) {
		if (!ip6_link_local(&n->addresses6[i].addr))
			put(f, family, &n->addresses6[i].addr, FULL, FORWARD_LOCAL);
	}
}

/* Routes first, then what is more certain: a later prefix takes the place of an equal one. */
static void put_all(struct forward *f, unsigned family)
{
	const struct neigh *t = f->path[family].neigh;

	for (uint32_t i = 0; i < nroutes(f->pub, family); i++) {
		struct view v = route_at(f->pub, family, i);

		if (!shadowed(f->pub, family, i, &v))
			put(f, family, &v.prefix, v.len, gateway(f, family, &v));
	}
	for (unsigned i = 0; i < NODE_NEIGHS; i++) {
		const struct neigh_entry *e = &t->entry[i];

		if (!e->usable)
			continue;
		set_adjacency(f, neigh_base(family) + i, e); /* the port's MTU may be another */
		if (direct(f->pub, family, e))
			put(f, family, &e->addr, FULL, neigh_base(family) + i);
	}
	put_locals(f, family);
}

void forward_config(struct forward *f)
{
	bool router = f->pub->role == NODE_ROUTER;

	for (unsigned family = 0; family < FORWARD_FAMILIES; family++) {
		struct forward_path *p = &f->path[family];
		int rc = 0;

		if (!p->loaded)
			continue;
		for (uint32_t i = 0; i < p->nroute; i++)
			p->route[i].keep = 0;
		put_all(f, family);
		for (uint32_t i = p->nroute; i-- > 0;) {
			if (!p->route[i].keep)
				forget(f, family, &p->route[i]);
		}
		if (p->loaded && p->bound != router) {
			rc = amp_handler_bind(p->filter, router ? p->prog : 0);
			p->bound = router && rc >= 0;
		}
		if (rc < 0)
			give_up(p, amp_strerror(rc));
	}
}

/* ---- start ---- */

/* Packets of this Ethernet type; more specific filters, such as that of capsules, go before. */
static int64_t add_filter(struct amp_ring *ring, uint16_t type)
{
	const struct xok_filter filter = {
		.port = XOK_PORT_ANY,
		.natoms = 1,
		.atom = {{.off = 12,
			  .size = 2,
			  .kind = XOK_ATOM_EQ,
			  .mask = 0xffff,
			  .value = type}},
	};

	return amp_filter_add(ring, &filter);
}

static void start_family(struct forward *f, unsigned family, struct amp_ring *ring,
			 const struct forward_module *m)
{
	struct forward_path *p = &f->path[family];
	const char *name = family == FORWARD_IP4 ? "IPv4" : "IPv6";
	char why[AMP_WHY] = "";
	int64_t prog = forward_load(f, family, m, why), filter;

	if (prog < 0) {
		amp_log("%s is forwarded without a handler: %s", name, why);
		return;
	}
	filter = add_filter(ring, family == FORWARD_IP4 ? ETH_IP4 : ETH_IP6);
	if (filter < 0) {
		amp_log("%s is forwarded without a handler: its filter: %s", name,
			amp_strerror((int)filter));
		(void)amp_prog_unload((uint32_t)prog);
		return;
	}
	p->prog = (uint32_t)prog;
	p->filter = (uint32_t)filter;
	p->loaded = true;
}

void forward_init(struct forward *f, struct node_pub *pub, struct neigh *neigh4,
		  struct neigh *neigh6, struct amp_ring *ring,
		  const struct forward_module module[FORWARD_FAMILIES])
{
	char why[AMP_WHY] = "";

	memset(f, 0, sizeof(*f));
	f->pub = pub;
	f->path[FORWARD_IP4].neigh = neigh4;
	f->path[FORWARD_IP6].neigh = neigh6;
	if (!module[FORWARD_IP4].bytes || !module[FORWARD_IP6].bytes)
		return;
	if (!forward_tables(f, why)) {
		amp_log("packets are forwarded without handlers: %s", why);
		return;
	}
	for (uint32_t i = 0; i < pub->nport; i++)
		memcpy(f->port[i].mac, pub->port[i].mac, 6);
	start_family(f, FORWARD_IP4, ring, &module[FORWARD_IP4]);
	start_family(f, FORWARD_IP6, ring, &module[FORWARD_IP6]);
	neigh4->changed = neighbour4_changed;
	neigh6->changed = neighbour6_changed;
	neigh4->changed_arg = neigh6->changed_arg = f;
}

uint64_t forward_counted(const struct forward *f, enum forward_counter which)
{
	return f->counter ? f->counter[which] : 0;
}
