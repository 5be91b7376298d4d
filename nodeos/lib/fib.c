/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib.c - the published longest-prefix tables: which number an address has, and what it stands for. IPv4 addresses are mapped ones, and stand
 * in a table of their own.
 */
#include <string.h>

#include "amp/amp.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/node.h"
#include "xok/table/table.h"

#define MAPPED 96u /* bits before a mapped IPv4 address */

static struct xok_table_spec spec(uint32_t type, uint32_t routes)
{
	return (struct xok_table_spec){.type = type, .entries = routes};
}

static size_t table_size(uint32_t type, uint32_t routes)
{
	const struct xok_table_spec s = spec(type, routes);

	return tbl_size(&s, 1);
}

size_t node_size(uint32_t routes)
{
	size_t n4 = table_size(XOK_TABLE_LPM4, routes), n6 = table_size(XOK_TABLE_LPM6, routes);
	size_t n = offsetof(struct node_pub, fib) + n4 + n6;

	if (!n4 || !n6)
		return 0;
	return n > sizeof(struct node_pub) ? n : sizeof(struct node_pub);
}

void node_make(struct node_pub *p, uint32_t routes)
{
	const struct xok_table_spec s4 = spec(XOK_TABLE_LPM4, routes),
				    s6 = spec(XOK_TABLE_LPM6, routes);

	p->magic = NODE_MAGIC;
	p->version = NODE_VERSION;
	p->fib6_off = (uint32_t)table_size(XOK_TABLE_LPM4, routes);
	tbl_init(p->fib, &s4, 1, 0);
	tbl_init(p->fib + p->fib6_off, &s6, 1, 0);
}

void node_init(struct node_pub *p)
{
	memset(p, 0, sizeof(*p));
	node_make(p, NODE_ROUTES);
}

static int change(struct node_pub *p, uint32_t op, const struct ip6 *prefix, unsigned len,
		  uint32_t number)
{
	struct xok_table_update u = {.op = op, .number = number};
	bool ip4 = len >= MAPPED && ip6_is_mapped(prefix);
	struct xok_prefix4 p4 = {.len = len - MAPPED};
	struct xok_prefix6 p6 = {.len = len};
	int rc;

	memcpy(p4.address, prefix->b + MAPPED / 8, 4);
	memcpy(p6.address, prefix->b, 16);
	if (ip4)
		memcpy(u.key, &p4, sizeof(p4));
	else
		memcpy(u.key, &p6, sizeof(p6));
	rc = tbl_update(ip4 ? p->fib : p->fib + p->fib6_off, &u, 0);
	if (rc == TBL_ENOMEM)
		return XOK_ENOMEM;
	return rc == TBL_ENOENT ? XOK_ENOENT : rc < 0 ? XOK_EINVAL : 0;
}

int node_fib_set(struct node_pub *p, const struct ip6 *prefix, unsigned len, uint32_t number)
{
	return change(p, XOK_TABLE_SET, prefix, len, number);
}

int node_fib_delete(struct node_pub *p, const struct ip6 *prefix, unsigned len)
{
	return change(p, XOK_TABLE_DELETE, prefix, len, 0);
}

int32_t node_fib(const struct node_pub *p, const struct ip6 *addr)
{
	if (ip6_is_mapped(addr))
		return tbl_lpm4_lookup(p->fib, be32(addr->b + MAPPED / 8));
	return tbl_lpm6_lookup(p->fib + p->fib6_off, addr->b);
}

/* A group's next hop for a destination: what the capsule and router domains send themselves need not follow other flows. */
static int32_t member(const struct node_pub *p, int32_t number, const struct ip6 *addr)
{
	uint32_t h = (be32(addr->b + 12) ^ be32(addr->b + 8)) * 0x9e3779b1u;
	uint32_t g = (uint32_t)number - FORWARD_GROUP;

	return g < FORWARD_GROUPS ? p->group[g][h >> 26] : number;
}

bool node_next_hop(const struct node_pub *p, const struct ip6 *addr, int32_t *number,
		   struct ip6 *next, uint16_t *port)
{
	int32_t n = *number = node_fib(p, addr);

	n = member(p, n, addr);
	if (n >= FORWARD_HOP && n < FORWARD_GROUP) {
		const struct node_next *h = &p->next[n - FORWARD_HOP];

		*next = h->addr;
		*port = h->port;
	} else if (n >= FORWARD_LINK && n < FORWARD_HOP) {
		*next = *addr;
		*port = (uint16_t)(n - FORWARD_LINK);
	} else {
		return false;
	}
	return *port < NODE_PORTS;
}
