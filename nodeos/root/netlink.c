/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.c - netlink messages, read. */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/netlink.h"

#define HEADER 16u /* length, type, flags, sequence number, port */
#define FLAG_REQUEST 1u
#define FLAG_DUMP 0x300u
#define FLAG_INTERRUPTED 0x10u
#define INET 2u
#define INET6 10u
#define MAPPED 96u

/* Attributes, by the kind of message. */
enum { LINK_ADDRESS = 1, LINK_NAME = 3, LINK_PARENT = 5, LINK_INFO = 18 };
enum { INFO_KIND = 1, INFO_DATA = 2, VLAN_ID = 1 };
enum { ADDR_ADDRESS = 1, ADDR_LOCAL = 2, ADDR_FLAGS = 8 };
enum { NEIGH_DST = 1, NEIGH_LLADDR = 2 };
enum {
	ROUTE_DST = 1,
	ROUTE_OIF = 4,
	ROUTE_GATEWAY = 5,
	ROUTE_PRIORITY = 6,
	ROUTE_MULTIPATH = 9,
	ROUTE_TABLE = 15,
	ROUTE_VIA = 18
};

#define LINK_UP (0x1u | 0x10000u) /* up, and with a carrier */
#define ADDR_TENTATIVE 0x40u
#define ADDR_FAILED 0x08u
#define NEIGH_KNOWN (0x02u | 0x04u | 0x08u | 0x10u) /* reachable, stale, delay, probe */
#define NEIGH_PERMANENT 0x80u
#define ROUTE_CLONED 0x200u
#define HOP_DEAD (0x1u | 0x10u) /* dead, link down */
#define HOP_HEADER 8u

/* Bytes that have not been read yet. */
struct span {
	const uint8_t *p;
	size_t n;
};

struct attr {
	uint16_t type;
	struct span data;
};

static uint16_t host16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static uint32_t host32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* Takes an attribute off the front, with its padding. False: there is none, or (*bad) it reaches too far. */
static bool next_attr(struct span *s, struct attr *a, uint32_t *bad)
{
	size_t len, whole;

	if (s->n < 4) {
		*bad += s->n != 0;
		return false;
	}
	len = host16(s->p);
	/* One below 4 would be read for ever. */
	if (len < 4 || len > s->n) {
		++*bad;
		return false;
	}
	*a = (struct attr){.type = host16(s->p + 2) & 0x3fff, .data = {s->p + 4, len - 4}};
	whole = (len + 3) & ~(size_t)3;
	whole = whole < s->n ? whole : s->n;
	s->p += whole;
	s->n -= whole;
	return true;
}

static bool get32(const struct attr *a, uint32_t *out)
{
	if (a->data.n < 4)
		return false;
	*out = host32(a->data.p);
	return true;
}

/* An address of the message's family. */
static bool get_address(const struct span *s, uint8_t family, struct ip6 *out)
{
	if (family == INET && s->n == 4)
		*out = ip6_mapped(be32(s->p));
	else if (family == INET6 && s->n == 16)
		*out = ip6_at(s->p);
	else
		return false;
	return true;
}

/* ---- links ---- */

static void link_info(struct netlink_link *l, struct span s, uint32_t *bad)
{
	struct attr a, b;
	bool vlan = false;

	while (next_attr(&s, &a, bad)) {
		if (a.type == INFO_KIND)
			vlan = a.data.n >= 4 && !memcmp(a.data.p, "vlan", 4) &&
			       (a.data.n == 4 || !a.data.p[4]);
		if (a.type != INFO_DATA || !vlan)
			continue;
		while (next_attr(&a.data, &b, bad)) {
			if (b.type == VLAN_ID && b.data.n >= 2)
				l->vlan = host16(b.data.p);
		}
	}
}

static bool read_link(struct netlink_event *e, struct span s, uint32_t *bad)
{
	struct netlink_link *l = &e->link;
	struct attr a;

	if (s.n < 16)
		return false;
	*l = (struct netlink_link){.index = host32(s.p + 4),
				   .up = (host32(s.p + 8) & LINK_UP) == LINK_UP};
	s = (struct span){s.p + 16, s.n - 16};
	while (next_attr(&s, &a, bad)) {
		switch (a.type) {
		case LINK_ADDRESS:
			l->has_mac = a.data.n == 6;
			if (l->has_mac)
				memcpy(l->mac, a.data.p, 6);
			break;
		case LINK_NAME: memcpy(l->name, a.data.p, a.data.n < 15 ? a.data.n : 15); break;
		case LINK_PARENT: (void)get32(&a, &l->parent); break;
		case LINK_INFO: link_info(l, a.data, bad); break;
		default: break;
		}
	}
	return l->index != 0;
}

/* ---- addresses and neighbours ---- */

static bool read_addr(struct netlink_event *e, struct span s, uint32_t *bad)
{
	struct netlink_addr *n = &e->addr;
	bool found = false, local = false;
	uint32_t flags;
	uint8_t family;
	struct attr a;

	if (s.n < 8)
		return false;
	family = s.p[0];
	flags = s.p[2];
	*n = (struct netlink_addr){.len = s.p[1], .scope = s.p[3], .index = host32(s.p + 4)};
	s = (struct span){s.p + 8, s.n - 8};
	while (next_attr(&s, &a, bad)) {
		/* Of a point-to-point link, ADDRESS is the other end's, and LOCAL ours. */
		if (a.type == ADDR_LOCAL)
			found = local = get_address(&a.data, family, &n->addr);
		else if (a.type == ADDR_ADDRESS && !local)
			found = get_address(&a.data, family, &n->addr);
		else if (a.type == ADDR_FLAGS)
			(void)get32(&a, &flags);
	}
	if (n->len > (family == INET ? 32 : 128))
		return false;
	n->len = (uint8_t)(n->len + (family == INET ? MAPPED : 0));
	n->usable = !(flags & (ADDR_TENTATIVE | ADDR_FAILED));
	return found;
}

static bool read_neigh(struct netlink_event *e, struct span s, uint32_t *bad)
{
	struct netlink_neigh *n = &e->neigh;
	bool found = false;
	uint16_t state;
	uint8_t family;
	struct attr a;

	if (s.n < 12)
		return false;
	family = s.p[0];
	state = host16(s.p + 8);
	*n = (struct netlink_neigh){.index = host32(s.p + 4), .permanent = state & NEIGH_PERMANENT};
	s = (struct span){s.p + 12, s.n - 12};
	while (next_attr(&s, &a, bad)) {
		if (a.type == NEIGH_DST)
			found = get_address(&a.data, family, &n->addr);
		if (a.type == NEIGH_LLADDR && a.data.n == 6 &&
		    (state & (NEIGH_KNOWN | NEIGH_PERMANENT))) {
			memcpy(n->mac, a.data.p, 6);
			n->has_mac = !(n->mac[0] & 1);
		}
	}
	return found;
}

/* ---- routes ---- */

/* A gateway of another family than the route's (RFC 5549): only IPv6 ones are understood. */
static bool get_via(const struct span *s, struct ip6 *out)
{
	if (s->n < 2)
		return false;
	return get_address(&(const struct span){s->p + 2, s->n - 2}, (uint8_t)host16(s->p), out);
}

static void one_hop(struct netlink_hop *h, uint8_t family, struct span s, uint32_t *bad)
{
	struct attr a;

	while (next_attr(&s, &a, bad)) {
		if (a.type == ROUTE_GATEWAY)
			*bad += !get_address(&a.data, family, &h->via);
		else if (a.type == ROUTE_VIA)
			*bad += !get_via(&a.data, &h->via);
	}
}

static void multipath(struct netlink_route *r, uint8_t family, struct span s, uint32_t *bad)
{
	while (s.n) {
		size_t len = s.n >= HOP_HEADER ? host16(s.p) : 0, whole;
		struct netlink_hop h;

		if (len < HOP_HEADER || len > s.n) {
			++*bad;
			return;
		}
		h = (struct netlink_hop){.weight = (uint16_t)(s.p[3] + 1u),
					 .index = host32(s.p + 4)};
		one_hop(&h, family, (struct span){s.p + HOP_HEADER, len - HOP_HEADER}, bad);
		if (r->nhop == NETLINK_HOPS)
			++*bad;
		else if (!(s.p[2] & HOP_DEAD))
			r->hop[r->nhop++] = h;
		whole = (len + 3) & ~(size_t)3;
		whole = whole < s.n ? whole : s.n;
		s = (struct span){s.p + whole, s.n - whole};
	}
}

static bool read_route(struct netlink_event *e, struct span s, uint32_t *bad)
{
	struct netlink_route *r = &e->route;
	struct netlink_hop single = {.weight = 1};
	bool found = true, many = false;
	uint32_t flags;
	uint8_t family;
	struct attr a;

	if (s.n < 12)
		return false;
	family = s.p[0];
	flags = host32(s.p + 8);
	if (family != INET && family != INET6)
		return false;
	*r = (struct netlink_route){.len = s.p[1],
				    .table = s.p[4],
				    .kind = s.p[7],
				    .plain = !s.p[2] && !s.p[3] && !(flags & ROUTE_CLONED)};
	if (r->len > (family == INET ? 32 : 128))
		return false;
	if (family == INET) {
		r->prefix = ip6_mapped(0);
		r->len = (uint8_t)(r->len + MAPPED);
	}
	s = (struct span){s.p + 12, s.n - 12};
	while (next_attr(&s, &a, bad)) {
		switch (a.type) {
		case ROUTE_DST: found = get_address(&a.data, family, &r->prefix); break;
		case ROUTE_OIF: (void)get32(&a, &single.index); break;
		case ROUTE_GATEWAY: *bad += !get_address(&a.data, family, &single.via); break;
		case ROUTE_VIA: *bad += !get_via(&a.data, &single.via); break;
		case ROUTE_PRIORITY: (void)get32(&a, &r->metric); break;
		case ROUTE_TABLE: (void)get32(&a, &r->table); break;
		case ROUTE_MULTIPATH:
			many = true;
			multipath(r, family, a.data, bad);
			break;
		default: break;
		}
	}
	if (!many && single.index && !(flags & HOP_DEAD))
		r->hop[r->nhop++] = single;
	r->prefix = ip6_prefix(&r->prefix, r->len);
	return found;
}

/* ---- messages ---- */

/* False: it cannot be read. */
static bool read_body(struct netlink_event *e, struct span s, uint32_t *bad)
{
	switch (e->type) {
	case NETLINK_NEWLINK:
	case NETLINK_DELLINK: return read_link(e, s, bad);
	case NETLINK_NEWADDR:
	case NETLINK_DELADDR: return read_addr(e, s, bad);
	case NETLINK_NEWNEIGH:
	case NETLINK_DELNEIGH: return read_neigh(e, s, bad);
	case NETLINK_NEWROUTE:
	case NETLINK_DELROUTE: return read_route(e, s, bad);
	case NETLINK_ERROR:
		if (s.n < 4)
			return false;
		e->error = (int32_t)host32(s.p);
		return true;
	default: return true;
	}
}

uint32_t netlink_read(const void *buf, size_t len,
		      void (*fn)(void *arg, const struct netlink_event *e), void *arg)
{
	struct span s = {buf, len};
	uint32_t bad = 0;

	while (s.n >= HEADER) {
		size_t n = host32(s.p), whole = (n + 3) & ~(size_t)3;
		struct netlink_event e;

		/* One shorter than its header would be read for ever. */
		if (n < HEADER || n > s.n)
			return bad + 1;
		memset(&e, 0, sizeof(e));
		e.type = host16(s.p + 4);
		e.interrupted = host16(s.p + 6) & FLAG_INTERRUPTED;
		e.seq = host32(s.p + 8);
		if (read_body(&e, (struct span){s.p + HEADER, n - HEADER}, &bad))
			fn(arg, &e);
		else
			bad++;
		whole = whole < s.n ? whole : s.n;
		s = (struct span){s.p + whole, s.n - whole};
	}
	return bad + (s.n != 0);
}

size_t netlink_list(uint8_t out[NETLINK_REQUEST], enum netlink_type type, uint8_t family,
		    uint32_t seq)
{
	/* As long as the longest of the kinds' headers: a shorter one, of family alone, is refused by strict kernels. */
	size_t len = HEADER + (type == NETLINK_GETLINK ? 16 : type == NETLINK_GETADDR ? 8 : 12);
	uint32_t length = (uint32_t)len;
	uint16_t t = type, flags = FLAG_REQUEST | FLAG_DUMP;

	memset(out, 0, NETLINK_REQUEST);
	memcpy(out, &length, 4);
	memcpy(out + 4, &t, 2);
	memcpy(out + 6, &flags, 2);
	memcpy(out + 8, &seq, 4);
	out[HEADER] = family;
	return len;
}
