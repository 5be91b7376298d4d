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

		if (n->port != NODE_NO_PORT && ip6_match(addr, &n->addr, n->len) &&
		    !ip6_equal(&n->addr, addr) && n->len > best) {
			best = n->len;
			*port = n->port;
		}
	}
	return best >= 0;
}

const char *config_no_host6(const struct ip6 *addr)
{
	if (ip6_multicast(addr))
		return "the address of a multicast group";
	if (ip6_is_mapped(addr))
		return "an IPv4 address: write it as one";
	return addr->b[15] == 1 ? "the loopback address" : "no address";
}

bool config_host6(const struct args *a, const char *s, struct ip6 *addr)
{
	config_blame(a, s);
	if (text_ip6(s, addr) && ip6_link_local(addr))
		return config_fail(a,
				   "%.45s is a link-local address, which no route can name: write "
				   "the gateway's global one",
				   s);
	if (text_ip6(s, addr) && !ip6_host(addr))
		return config_fail(a, "%.45s is %s: write the address of a host", s,
				   config_no_host6(addr));
	if (!text_ip6(s, addr))
		return config_fail(
			a, "\"%.45s\" is not the global IPv6 address of a host, as in fd00:1::1",
			s);
	return true;
}

bool config_address6(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	struct node_address6 n = {.port = port, .len = 128};
	char name[CONFIG_PORT];

	config_blame(a, s);
	if (!(port == NODE_NO_PORT && text_ip6(s, &n.addr)) && !text_prefix6(s, &n.addr, &n.len))
		return config_fail(a, "\"%.49s\" is not an address%s", s,
				   port == NODE_NO_PORT
					   ? ", as in fd00:ff::1"
					   : " with a prefix length, as in fd00:1::1/64");
	if (!ip6_host(&n.addr) || ip6_is_mapped(&n.addr) || n.len < 1)
		return config_fail(a, "%.49s is %s; no interface may have it", s,
				   n.len < 1 ? "no network's: its prefix length is 0"
					     : config_no_host6(&n.addr));
	if (ip6_link_local(&n.addr))
		return config_fail(a,
				   "%.49s is link-local, and such addresses follow from the MAC: "
				   "give a global one",
				   s);
	for (uint32_t i = 0; i < c->naddress6; i++) {
		const struct node_address6 *o = &c->address6[i];

		if (ip6_equal(&o->addr, &n.addr))
			return config_fail(a, "%.49s is an address of port %s already", s,
					   config_port_name(c, o->port, name));
		if (o->port != port && o->port != NODE_NO_PORT && port != NODE_NO_PORT &&
		    o->len == n.len && ip6_match(&o->addr, &n.addr, n.len))
			return config_fail(a, "the network of %.49s is at port %s already", s,
					   config_port_name(c, o->port, name));
	}
	if (c->naddress6 == CONFIG_ADDRESSES6)
		return config_fail(a, "a node has at most %u IPv6 addresses of its own",
				   CONFIG_ADDRESSES6);
	c->address6[c->naddress6++] = n;
	return true;
}

bool config_prefix6(const struct args *a, const char *s, struct ip6 *prefix, uint8_t *len)
{
	struct ip6 net;

	config_blame(a, s);
	if (!text_prefix6(s, prefix, len))
		return config_fail(a, "\"%.49s\" is not a prefix, as in fd00:1::/64", s);
	net = ip6_prefix(prefix, *len);
	if (!ip6_equal(&net, prefix))
		return config_fail(
			a, "%.49s has bits set behind its length: write the network's address", s);
	if (ip6_is_mapped(prefix) || ip6_multicast(prefix) || ip6_link_local(prefix))
		return config_fail(a, "%.49s is no network that packets are forwarded to", s);
	return true;
}

bool config_neighbour6(struct config *c, const struct args *a, uint16_t port, const uint8_t mac[6])
{
	struct config_neighbour6 n = {.port = port, .line = c->line, .column = a->w->column[2]};

	memcpy(n.mac, mac, 6);
	config_blame(a, a->w->w[2]);
	if (!text_ip6(a->w->w[2], &n.addr) || !ip6_host(&n.addr))
		return config_fail(a, "\"%.45s\" is not the IPv6 address of a host", a->w->w[2]);
	for (uint32_t i = 0; i < c->nneighbour6; i++) {
		if (c->neighbour6[i].port == port && ip6_equal(&c->neighbour6[i].addr, &n.addr)) {
			if (c->line && c->neighbour6[i].line)
				return config_fail(a, "the neighbour %s stands in line %u already",
						   a->w->w[2], c->neighbour6[i].line);
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
