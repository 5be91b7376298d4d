/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_file.c - a whole configuration: its lines, and what only all of them together can tell.
 */
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

static char *another(struct errors *e, unsigned line, unsigned column)
{
	struct config_error *at = e->n < e->max ? &e->list[e->n] : &e->spare;

	e->n++;
	at->line = line;
	at->column = column;
	return at->text;
}

static void check_route(const struct config *c, const struct config_route *r, struct errors *e)
{
	char addr[TEXT_IP6];
	uint16_t port;

	for (unsigned i = 0; i < r->nhop; i++) {
		const struct config_hop *h = &r->hop[i];
		bool ip4 = ip6_is_mapped(&h->via);

		if (ip4 ? config_connected(c, ip6_unmapped(&h->via), &port)
			: config_connected6(c, &h->via, &port))
			continue;
		snprintf(another(e, r->line, h->column), CONFIG_ERROR,
			 "the gateway %s is on no connected network: give a port an address there",
			 ip4 ? text_put_ip4(addr, ip6_unmapped(&h->via))
			     : text_put_ip6(addr, &h->via));
	}
}

static void check_neighbours(const struct config *c, struct errors *e)
{
	char addr[TEXT_IP6], name[CONFIG_PORT];
	uint16_t port;

	for (uint32_t i = 0; i < c->nneighbour; i++) {
		const struct config_neighbour *n = &c->neighbour[i];

		if (!config_connected(c, n->addr, &port) || port != n->port)
			snprintf(another(e, n->line, 0), CONFIG_ERROR,
				 "the neighbour %s is on no network of port %s",
				 text_put_ip4(addr, n->addr), config_port_name(c, n->port, name));
	}
	for (uint32_t i = 0; i < c->nneighbour6; i++) {
		const struct config_neighbour6 *n = &c->neighbour6[i];

		if (!ip6_link_local(&n->addr) &&
		    (!config_connected6(c, &n->addr, &port) || port != n->port))
			snprintf(another(e, n->line, 0), CONFIG_ERROR,
				 "the neighbour %s is on no network of port %s",
				 text_put_ip6(addr, &n->addr), config_port_name(c, n->port, name));
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
			snprintf(another(e, c->advertise[i].line, 0), CONFIG_ERROR,
				 "port %s advertises a router, and the node is a host: leave out "
				 "one of them",
				 config_port_name(c, i, name));
		else if (c->mtu[i] && c->mtu[i] < IP6_MTU_MIN)
			snprintf(another(e, c->advertise[i].line, 0), CONFIG_ERROR,
				 "port %s advertises an IPv6 router, and has an MTU of %u: IPv6 "
				 "asks for %u",
				 config_port_name(c, i, name), c->mtu[i], IP6_MTU_MIN);
	}
}

static void check(const struct config *c, struct errors *e)
{
	char name[CONFIG_PORT];

	if (!c->name[0])
		snprintf(another(e, 0, 0), CONFIG_ERROR,
			 "the node has no name: begin with node NAME");
	for (uint32_t i = 0; i < c->nroute; i++)
		check_route(c, &c->route[i], e);
	check_neighbours(c, e);
	check_advertisers(c, e);
	/* RFC 8200 5: "IPv6 requires that every link in the Internet have an MTU of 1280 octets or greater." */
	for (uint32_t i = 0; i < c->naddress6; i++) {
		uint16_t port = c->address6[i].port;

		if (port != NODE_NO_PORT && c->mtu[port] && c->mtu[port] < IP6_MTU_MIN)
			snprintf(another(e, 0, 0), CONFIG_ERROR,
				 "port %s has an IPv6 address, and an MTU of %u: IPv6 asks for %u",
				 config_port_name(c, port, name), c->mtu[port], IP6_MTU_MIN);
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
		snprintf(another(&e, 0, 0), CONFIG_ERROR, "out of memory");
		return e.n;
	}
	for (c->line = 1; text < end; c->line++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		char *why;

		if (n >= LINE_MAX_BYTES || memchr(text, 0, n)) {
			snprintf(another(&e, c->line, 0), CONFIG_ERROR,
				 "the line is longer than %u bytes, or not text",
				 LINE_MAX_BYTES - 1);
		} else {
			memcpy(line, text, n);
			line[n] = 0;
			if (!text_split(line, &w)) {
				snprintf(another(&e, c->line, 0), CONFIG_ERROR,
					 "a line has at most %u words", TEXT_WORDS);
			} else if (w.n) {
				char buf[CONFIG_ERROR];

				if (!config_command(c, &w, buf)) {
					why = another(&e, c->line, w.column[c->blame]);
					memcpy(why, buf, CONFIG_ERROR);
					why[CONFIG_ERROR - 1] = 0;
				}
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
