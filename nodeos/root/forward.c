/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.c - what the forwarding handlers are to do, as tables.
 *
 * The longest prefix decides everything: our addresses and broadcast addresses are prefixes of full length, so is each neighbour that is reached
 * directly; a route through a gateway leads to the gateway's number, whether its link address is known or not, and a connected network to its
 * interface's, and so to the router domain. Both families go through the same code, IPv4 as mapped addresses.
 */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/adopt.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/forward_load.h"
#include "xok/table/table.h"

#define MAPPED 96u /* bits before a mapped IPv4 address */
#define FULL 128u  /* the length of one address */

static unsigned family_of(const struct ip6 *prefix, unsigned len)
{
	return len >= MAPPED && ip6_is_mapped(prefix) ? FORWARD_IP4 : FORWARD_IP6;
}

/* ---- the kernel's table ---- */

static void bind(struct forward *f, struct forward_filter *x, bool on)
{
	int rc;

	if (x->bound == on)
		return;
	rc = amp_handler_bind(x->id, on ? f->prog[x->program] : 0);
	if (rc < 0)
		amp_log("a forwarding handler cannot be bound: %s", amp_strerror(rc));
	x->bound = on && rc >= 0;
}

/* A table that lacks a prefix would send packets astray: then no table is better. */
static void give_up(struct forward *f, unsigned family, const char *why)
{
	struct forward_path *p = &f->path[family];

	if (!p->usable)
		return;
	amp_log("the forwarding handler is taken off: %s", why);
	p->usable = false;
	for (uint32_t i = 0; i < f->nfilter; i++) {
		if (f->filter[i].family == family)
			bind(f, &f->filter[i], false);
	}
}

static void flush(struct forward *f, unsigned family)
{
	struct forward_path *p = &f->path[family];

	for (uint32_t i = 0; i < p->n && p->usable;) {
		int err = 0;

		i += amp_table_update_many(p->table, &p->batch[i], p->n - i, &err);
		if (i == p->n)
			break;
		/* What is not there any more is gone already. */
		if (err == XOK_ENOENT && p->batch[i].op == XOK_TABLE_DELETE)
			i++;
		else
			give_up(f, family, amp_strerror(err));
	}
	p->n = 0;
}

/* is < 0: the prefix goes. */
static void update(struct forward *f, unsigned family, const struct ip6 *prefix, unsigned len,
		   int32_t is)
{
	struct forward_path *p = &f->path[family];
	const struct xok_prefix6 p6 = {.len = len};
	struct xok_prefix4 p4 = {.len = len - MAPPED};
	struct xok_table_update *u;

	if (!p->usable)
		return;
	if (p->n == FORWARD_BATCH)
		flush(f, family);
	u = &p->batch[p->n++];
	*u = (struct xok_table_update){.op = is < 0 ? XOK_TABLE_DELETE : XOK_TABLE_SET,
				       .number = is < 0 ? 0 : (uint32_t)is};
	memcpy(p4.address, prefix->b + MAPPED / 8, 4);
	if (family == FORWARD_IP4) {
		memcpy(u->key, &p4, sizeof(p4));
	} else {
		memcpy(u->key, &p6, sizeof(p6));
		memcpy(u->key, prefix->b, 16);
	}
}

/* ---- routes ---- */

static bool is_ours(int32_t number)
{
	return number == FORWARD_LOCAL || number == FORWARD_BROADCAST;
}

/* The byte is there before the address is ours, and as long as it is. */
static void count_ours(struct forward *f, const struct ip6 *addr, int by)
{
	uint64_t low;
	uint32_t at;

	memcpy(&low, addr->b + 8, sizeof(low));
	at = ip6_is_mapped(addr) ? forward_ours(be32(addr->b + 12)) : forward_ours6(low);
	f->ours_count[at] = (uint16_t)(f->ours_count[at] + by);
	if (f->ours)
		f->ours[at] = f->ours_count[at] != 0;
}

/* What counts of a prefix has changed. */
static void route_changed(void *arg, const struct ip6 *prefix, unsigned len, int32_t was,
			  int32_t is)
{
	struct forward *f = arg;
	unsigned family = family_of(prefix, len);

	if (is_ours(is) && !is_ours(was))
		count_ours(f, prefix, 1);
	if (is < 0)
		(void)node_fib_delete(f->pub, prefix, len);
	else if (node_fib_set(f->pub, prefix, len, (uint32_t)is) < 0)
		f->refused++;
	update(f, family, prefix, len, is);
	if (is_ours(was) && !is_ours(is)) {
		flush(f, family);
		count_ours(f, prefix, -1);
	}
	f->routes_changed = true;
}

int forward_route(struct forward *f, const struct ip6 *prefix, unsigned len, enum rib_source source,
		  uint32_t metric, uint32_t number)
{
	int rc = rib_set(&f->rib, prefix, len, source, metric, number);

	if (rc < 0)
		f->refused++;
	return rc;
}

/* ---- neighbours ---- */

static void leave(struct forward *f, unsigned family, struct forward_host *h)
{
	const struct rib_route *r = rib_best(&f->rib, &h->addr, FULL);
	uint32_t number = h->number;

	if (!number)
		return;
	h->number = 0;
	update(f, family, &h->addr, FULL, r ? r->number : -1);
	flush(f, family);
	hops_put(&f->hops, number);
}

/* Is the neighbour its own next hop? A more specific route may lead elsewhere. */
static bool direct(const struct forward *f, const struct neigh_entry *e)
{
	return e->usable && !ip6_link_local(&e->addr) &&
	       node_fib(f->pub, &e->addr) == (int32_t)(FORWARD_LINK + e->port);
}

/* again: its prefix may have been lost to a route of the same length meanwhile. */
static void join(struct forward *f, unsigned family, unsigned i, bool again)
{
	const struct neigh_entry *e = &f->path[family].neigh->entry[i];
	struct forward_host *h = &f->path[family].host[i];
	int32_t number;

	if (h->number && (!direct(f, e) || !ip6_equal(&h->addr, &e->addr)))
		leave(f, family, h);
	if (!direct(f, e) || (h->number && !again))
		return;
	if (!h->number) {
		number = hops_get(&f->hops, e->port, &e->addr);
		if (number < 0)
			return; /* its packets go on by the router domain */
		*h = (struct forward_host){.addr = e->addr, .number = (uint32_t)number};
	}
	update(f, family, &h->addr, FULL, (int32_t)h->number);
}

static void neighbour_changed(struct forward *f, unsigned family, unsigned i)
{
	hops_neighbour(&f->hops, &f->path[family].neigh->entry[i]);
	join(f, family, i, false);
	/* An entry that was another's: that one's next hop has lost its link address. */
	flush(f, family);
}

static void neighbour4_changed(void *arg, unsigned i)
{
	neighbour_changed(arg, FORWARD_IP4, i);
}

static void neighbour6_changed(void *arg, unsigned i)
{
	neighbour_changed(arg, FORWARD_IP6, i);
}

void forward_flush(struct forward *f)
{
	for (unsigned family = 0; family < FORWARD_FAMILIES; family++) {
		for (unsigned i = 0; f->routes_changed && i < NODE_NEIGHS; i++)
			join(f, family, i, true);
		flush(f, family);
	}
	f->routes_changed = false;
}

/* ---- configuration ---- */

static void write_ports(struct forward *f)
{
	const struct node_pub *n = f->pub;

	for (unsigned i = 0; f->port && i < FORWARD_IFACES; i++) {
		const struct node_port *p = &n->port[i];
		struct forward_port *o = &f->port[i];
		uint64_t mac = 0;

		memcpy((uint8_t *)&mac + 2, p->mac, 6);
		o->twin = p->twin;
		o->flags = (uint16_t)(f->rpf[i] | (p->used ? FORWARD_UP : 0));
		o->mac = p->used ? mac : 0;
	}
}

/* Handlers run for the routers' packets; what mirrors have to send goes in any case. */
void forward_config(struct forward *f)
{
	bool router = f->pub->role == NODE_ROUTER;

	hops_ports(&f->hops);
	write_ports(f);
	f->routes_changed = true;
	forward_flush(f);
	if (f->tables)
		forward_filters(f);
	for (uint32_t i = 0; i < f->nfilter && !f->held; i++) {
		struct forward_filter *x = &f->filter[i];
		bool mirror = x->family == FORWARD_FAMILIES;

		bind(f, x, mirror || (router && f->path[x->family].usable));
	}
}

void forward_init(struct forward *f, struct node_pub *pub, struct neigh *neigh4,
		  struct neigh *neigh6, struct amp_ring *ring, uint32_t routes,
		  const struct forward_module module[FORWARD_PROGRAMS])
{
	char why[AMP_WHY] = "";

	memset(f, 0, sizeof(*f));
	f->pub = pub;
	f->ring = ring;
	f->routes = routes;
	f->path[FORWARD_IP4].neigh = neigh4;
	f->path[FORWARD_IP6].neigh = neigh6;
	memcpy(f->module, module, sizeof(f->module));
	hops_init(&f->hops, pub, neigh4, neigh6);
	/* Both families, and both what is configured and what the host says. */
	rib_init(&f->rib, &f->hops, 2 * routes, route_changed, f);
	neigh4->changed = neighbour4_changed;
	neigh6->changed = neighbour6_changed;
	neigh4->changed_arg = neigh6->changed_arg = f;
	adopt_find(f);
	f->held = f->old[0] != 0;
	if (!module[FORWARD_PLAIN4].bytes)
		return;
	f->tables = forward_tables(f, why);
	if (!f->tables)
		amp_log("packets are forwarded without handlers: %s", why);
	f->path[FORWARD_IP4].usable = f->tables && forward_program(f, FORWARD_PLAIN4);
	f->path[FORWARD_IP6].usable = f->tables && forward_program(f, FORWARD_PLAIN6);
	if (!f->path[FORWARD_IP4].usable && !f->path[FORWARD_IP6].usable)
		f->tables = false;
}

void forward_release(struct forward *f)
{
	if (!f->held)
		return;
	adopt_neighbours(f);
	f->held = false;
	forward_config(f);
	adopt_end(f);
}

uint64_t forward_counted(const struct forward *f, enum forward_counter which)
{
	uint64_t sum = 0;
	size_t bytes;

	for (uint32_t cpu = 0; f->counters_mem; cpu++) {
		const uint64_t *n = tbl_memory((void *)(uintptr_t)f->counters_mem, cpu, &bytes);

		if (!n || bytes < sizeof(*n) * FORWARD_COUNTERS)
			break;
		sum += n[which];
	}
	return sum;
}
