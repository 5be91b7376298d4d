/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config6.c - addresses, routes and neighbours of IPv6 in the configuration.
 */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config_args.h"

bool config_connected6(const struct config *c, const struct ip6 *addr, uint16_t *port)
{
	int best = -1;

	for (uint32_t i = 0; i < c->naddress6; i++) {
		const struct node_address6 *n = &c->address6[i];

		if (ip6_match(addr, &n->addr, n->len) && !ip6_equal(&n->addr, addr) &&
		    n->len > best) {
			best = n->len;
			*port = n->port;
		}
	}
	return best >= 0;
}

static bool host_arg(const struct args *a, const char *s, struct ip6 *addr)
{
	if (!text_ip6(s, addr) || !ip6_host(addr) || ip6_link_local(addr))
		return config_fail(
			a, "\"%.45s\" is not the global IPv6 address of a host, as in fd00:1::1",
			s);
	return true;
}

bool config_address6(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	struct node_address6 n = {.port = port};

	if (!text_prefix6(s, &n.addr, &n.len) || !ip6_host(&n.addr) || n.len < 1)
		return config_fail(
			a, "\"%.49s\" is not an address with a prefix length, as in fd00:1::1/64",
			s);
	if (ip6_link_local(&n.addr))
		return config_fail(a,
				   "link-local addresses follow from the MAC: give a global one");
	for (uint32_t i = 0; i < c->naddress6; i++) {
		const struct node_address6 *o = &c->address6[i];

		if (ip6_equal(&o->addr, &n.addr))
			return config_fail(a, "%.49s is an address of port %u already", s, o->port);
		if (o->port != port && o->len == n.len && ip6_match(&o->addr, &n.addr, n.len))
			return config_fail(a, "the network of %.49s is at port %u already", s,
					   o->port);
	}
	if (c->naddress6 == CONFIG_ADDRESSES6)
		return config_fail(a, "a node has at most %u IPv6 addresses of its own",
				   CONFIG_ADDRESSES6);
	c->address6[c->naddress6++] = n;
	return true;
}

bool config_route6(struct config *c, const struct args *a)
{
	struct config_route6 r = {.line = c->line};
	struct ip6 net;

	if (!text_prefix6(a->w->w[1], &r.prefix, &r.len))
		return config_fail(a, "\"%.49s\" is not a prefix, as in fd00:1::/64", a->w->w[1]);
	net = ip6_prefix(&r.prefix, r.len);
	if (!ip6_equal(&net, &r.prefix))
		return config_fail(
			a, "%.49s has bits set behind its length: write the network's address",
			a->w->w[1]);
	if (!host_arg(a, a->w->w[3], &r.via))
		return false;
	for (uint32_t i = 0; i < c->nroute6; i++) {
		if (c->route6[i].len == r.len && ip6_equal(&c->route6[i].prefix, &r.prefix)) {
			c->route6[i] = r; /* the later one replaces it */
			return true;
		}
	}
	if (c->nroute6 == CONFIG_ROUTES6)
		return config_fail(a, "a node has at most %u IPv6 routes of its own",
				   CONFIG_ROUTES6);
	c->route6[c->nroute6++] = r;
	return true;
}

bool config_neighbour6(struct config *c, const struct args *a, uint16_t port, const uint8_t mac[6])
{
	struct config_neighbour6 n = {.port = port, .line = c->line};

	memcpy(n.mac, mac, 6);
	if (!text_ip6(a->w->w[2], &n.addr) || !ip6_host(&n.addr))
		return config_fail(a, "\"%.45s\" is not the IPv6 address of a host", a->w->w[2]);
	for (uint32_t i = 0; i < c->nneighbour6; i++) {
		if (c->neighbour6[i].port == port && ip6_equal(&c->neighbour6[i].addr, &n.addr)) {
			c->neighbour6[i] = n;
			return true;
		}
	}
	if (c->nneighbour6 == CONFIG_NEIGHBOURS)
		return config_fail(a, "a node has at most %u static IPv6 neighbours",
				   CONFIG_NEIGHBOURS);
	c->neighbour6[c->nneighbour6++] = n;
	return true;
}
