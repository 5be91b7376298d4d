/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_file.c - a whole configuration: its lines, and what only all of them together can tell.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config_args.h"

struct errors {
	struct config_error *list;
	unsigned n, max;
	struct config_error spare; /* takes those that nobody has room for */
};

static struct config_error *tell(struct errors *e, unsigned line, unsigned column, const char *fmt,
				 ...) __attribute__((format(printf, 4, 5)));
static struct config_error *tell(struct errors *e, unsigned line, unsigned column, const char *fmt,
				 ...)
{
	struct config_error *at = e->n < e->max ? &e->list[e->n] : &e->spare;
	va_list ap;

	e->n++;
	*at = (struct config_error){.line = line, .column = column};
	va_start(ap, fmt);
	vsnprintf(at->text, sizeof(at->text), fmt, ap);
	va_end(ap);
	return at;
}

/* ---- addresses that no neighbour has ---- */

/* Whose is it, or why has nobody got it? "": somebody may have it. */
static const char *not_others4(const struct config *c, uint32_t addr, char buf[80])
{
	const struct node_address *net = NULL;
	char name[CONFIG_PORT];

	buf[0] = 0;
	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *n = &c->address[i];

		if (n->addr == addr) {
			snprintf(buf, 80, "this node's own address, of %s",
				 config_port_name(c, n->port, name));
			return buf;
		}
		if (n->port != NODE_NO_PORT && !((n->addr ^ addr) & mask4(n->len)) &&
		    (!net || n->len > net->len))
			net = n;
	}
	if (net && net->len < 31 && (!(addr & ~mask4(net->len)) || !~(addr | mask4(net->len))))
		snprintf(buf, 80, "the %s address of the network of %s",
			 addr & ~mask4(net->len) ? "broadcast" : "first, unused",
			 config_port_name(c, net->port, name));
	return buf;
}

static const char *not_others6(const struct config *c, const struct ip6 *addr, char buf[80])
{
	char name[CONFIG_PORT];

	buf[0] = 0;
	for (uint32_t i = 0; i < c->naddress6; i++)
		if (ip6_equal(&c->address6[i].addr, addr))
			snprintf(buf, 80, "this node's own address, of %s",
				 config_port_name(c, c->address6[i].port, name));
	return buf;
}

static void check_hop(const struct config *c, const struct config_route *r,
		      const struct config_hop *h, struct errors *e)
{
	bool ip4 = ip6_is_mapped(&h->via);
	char addr[TEXT_IP6], why[80];
	uint16_t port;

	if (ip4)
		text_put_ip4(addr, ip6_unmapped(&h->via));
	else
		text_put_ip6(addr, &h->via);
	if (ip4 ? *not_others4(c, ip6_unmapped(&h->via), why) : *not_others6(c, &h->via, why))
		tell(e, r->line, h->column, "the gateway %s is %s: name the other router's", addr,
		     why);
	else if (ip4 ? !config_connected(c, ip6_unmapped(&h->via), &port)
		     : !config_connected6(c, &h->via, &port))
		tell(e, r->line, h->column,
		     "the gateway %s is on no connected network: give a port an address there",
		     addr)
			->missing = true;
}

/* The port whose network the whole prefix is; NODE_PORTS: none. */
static uint16_t network_of(const struct config *c, const struct config_route *r)
{
	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *n = &c->address[i];

		if (ip6_is_mapped(&r->prefix) && r->len == n->len + 96u &&
		    !((n->addr ^ ip6_unmapped(&r->prefix)) & mask4(n->len)))
			return n->port;
	}
	for (uint32_t i = 0; i < c->naddress6; i++) {
		const struct node_address6 *n = &c->address6[i];

		if (!ip6_is_mapped(&r->prefix) && r->len == n->len &&
		    ip6_match(&n->addr, &r->prefix, n->len))
			return n->port;
	}
	return NODE_PORTS;
}

static void check_route(const struct config *c, const struct config_route *r, struct errors *e)
{
	uint16_t port = network_of(c, r);
	char name[CONFIG_PORT];

	if (port != NODE_PORTS && r->nhop)
		tell(e, r->line, r->column,
		     "this is the network of %s, which needs no route: leave it out, or take a "
		     "longer prefix",
		     config_port_name(c, port, name));
	for (unsigned i = 0; i < r->nhop; i++)
		check_hop(c, r, &r->hop[i], e);
}

static void check_neighbours(const struct config *c, struct errors *e)
{
	char addr[TEXT_IP6], name[CONFIG_PORT], why[80];
	uint16_t port;

	for (uint32_t i = 0; i < c->nneighbour; i++) {
		const struct config_neighbour *n = &c->neighbour[i];

		text_put_ip4(addr, n->addr);
		if (*not_others4(c, n->addr, why))
			tell(e, n->line, n->column, "the neighbour %s is %s", addr, why);
		else if (!config_connected(c, n->addr, &port) || port != n->port)
			tell(e, n->line, n->column, "the neighbour %s is on no network of port %s",
			     addr, config_port_name(c, n->port, name))
				->missing = true;
	}
	for (uint32_t i = 0; i < c->nneighbour6; i++) {
		const struct config_neighbour6 *n = &c->neighbour6[i];

		text_put_ip6(addr, &n->addr);
		if (*not_others6(c, &n->addr, why))
			tell(e, n->line, n->column, "the neighbour %s is %s", addr, why);
		else if (!ip6_link_local(&n->addr) &&
			 (!config_connected6(c, &n->addr, &port) || port != n->port))
			tell(e, n->line, n->column, "the neighbour %s is on no network of port %s",
			     addr, config_port_name(c, n->port, name))
				->missing = true;
	}
}

/* RFC 4861 6.2.4: "A host MUST NOT send Router Advertisement messages at any time." */
static void check_advertisers(const struct config *c, struct errors *e)
{
	char name[CONFIG_PORT];

	for (uint16_t i = 0; i < NODE_PORTS; i++) {
		if (!c->advertise[i].on)
			continue;
		if (c->role != NODE_ROUTER)
			tell(e, c->advertise[i].line, 0,
			     "port %s advertises a router, and the node is a host: leave out "
			     "one of them",
			     config_port_name(c, i, name));
		else if (c->mtu[i] && c->mtu[i] < IP6_MTU_MIN)
			tell(e, c->advertise[i].line, 0,
			     "port %s advertises an IPv6 router, and has an MTU of %u: IPv6 "
			     "asks for %u",
			     config_port_name(c, i, name), c->mtu[i], IP6_MTU_MIN);
	}
}

static void check(const struct config *c, struct errors *e)
{
	bool told[NODE_PORTS] = {0};
	char name[CONFIG_PORT];

	if (!c->name[0])
		tell(e, 0, 0, "the node has no name: begin with node NAME");
	for (uint32_t i = 0; i < c->nroute; i++)
		check_route(c, &c->route[i], e);
	check_neighbours(c, e);
	check_advertisers(c, e);
	/* RFC 8200 5: "IPv6 requires that every link in the Internet have an MTU of 1280 octets or greater." */
	for (uint32_t i = 0; i < c->naddress6; i++) {
		uint16_t port = c->address6[i].port;

		if (port != NODE_NO_PORT && c->mtu[port] && c->mtu[port] < IP6_MTU_MIN &&
		    !told[port])
			tell(e, c->mtu_at[port].line, c->mtu_at[port].column,
			     "port %s has an IPv6 address, and an MTU of %u: IPv6 asks for %u",
			     config_port_name(c, port, name), c->mtu[port], IP6_MTU_MIN);
		if (port != NODE_NO_PORT)
			told[port] = true;
	}
}

unsigned config_check(const struct config *c, struct config_error *err, unsigned max)
{
	struct errors e = {.list = err, .max = max};

	check(c, &e);
	return e.n;
}

#define LINE_MAX_BYTES 8192u

unsigned config_file(struct config *c, const char *text, size_t len, struct config_error *err,
		     unsigned max)
{
	struct errors e = {.list = err, .max = max};
	const char *end = text + len;
	char *line = malloc(LINE_MAX_BYTES);
	struct words w;

	if (!line) {
		tell(&e, 0, 0, "out of memory");
		return e.n;
	}
	for (c->line = 1; text < end; c->line++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		if (n >= LINE_MAX_BYTES || memchr(text, 0, n)) {
			tell(&e, c->line, 0, "the line is longer than %u bytes, or not text",
			     LINE_MAX_BYTES - 1);
		} else {
			memcpy(line, text, n);
			line[n] = 0;
			if (!text_split(line, &w)) {
				tell(&e, c->line, 0, "a line has at most %u words", TEXT_WORDS);
			} else if (w.n) {
				char buf[CONFIG_ERROR];

				if (!config_command(c, &w, buf))
					tell(&e, c->line, w.column[c->blame], "%s", buf);
			}
		}
		text += n + (nl ? 1 : 0);
	}
	c->line = 0;
	free(line);
	check(c, &e);
	return e.n;
}

uint32_t config_routes(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t n = 0;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((nl ? nl : end) - text);
		char copy[64];
		struct words w;

		if (line < sizeof(copy)) {
			memcpy(copy, text, line);
			copy[line] = 0;
			if (text_split(copy, &w) && w.n == 2 && !strcmp(w.w[0], "routes") &&
			    !text_u64(w.w[1], CONFIG_ROUTES_MAX, &n))
				n = 0;
		}
		text += line + (nl ? 1 : 0);
	}
	return (uint32_t)n;
}

void config_drop_modules(struct config *c)
{
	for (uint32_t i = 0; i < c->nmodule; i++)
		free(c->module[i].bytes);
	c->nmodule = 0;
}
