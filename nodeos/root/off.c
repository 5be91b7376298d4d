/* SPDX-License-Identifier: BSD-2-Clause */
/* off.c - what was configured is taken back: `off` in the place of what a route, a neighbour or an address was given. Typed only: a file leaves the line out. */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config_args.h"
#include "nodeos/root/off.h"

/* Takes element i out of n, each of `size` bytes; what is behind it moves up. */
static void take_out(void *array, uint32_t i, uint32_t *n, size_t size)
{
	uint8_t *at = (uint8_t *)array + i * size;

	--*n;
	memmove(at, at + size, (*n - i) * size);
}

/* IPv4's are mapped, as in struct config_route. */
static bool prefix_arg(const char *s, struct ip6 *prefix, uint8_t *len)
{
	uint32_t v4;

	if (strchr(s, ':'))
		return text_prefix6(s, prefix, len);
	if (!text_prefix(s, &v4, len))
		return false;
	*prefix = ip6_mapped(v4);
	*len = (uint8_t)(*len + 96);
	return true;
}

static bool route_off(struct config *c, const struct args *a)
{
	const char *s = a->w->w[1];
	struct ip6 prefix;
	uint8_t len;

	config_blame(a, s);
	if (!prefix_arg(s, &prefix, &len))
		return config_fail(a, "\"%.45s\" is not a prefix, as in 10.0.0.0/24", s);
	for (uint32_t i = 0; i < c->nroute; i++) {
		if (c->route[i].len != len || !ip6_equal(&c->route[i].prefix, &prefix))
			continue;
		take_out(c->route, i, &c->nroute, sizeof(c->route[0]));
		return true;
	}
	return config_fail(
		a, "no route to %.45s is configured: show routes has those of source static", s);
}

static bool neighbour_off(struct config *c, const struct args *a, struct off *gone)
{
	const char *s = a->w->w[2];
	struct ip6 addr;
	uint32_t v4 = 0;

	if (!config_port_arg(c, a, a->w->w[1], &gone->port))
		return false;
	config_blame(a, s);
	gone->ip6 = strchr(s, ':') != NULL;
	if (gone->ip6 ? !text_ip6(s, &addr) : !text_ip4(s, &v4))
		return config_fail(a, "\"%.45s\" is not an address, as in 10.0.0.1", s);
	gone->neighbour = true;
	gone->addr = gone->ip6 ? addr : ip6_mapped(v4);
	for (uint32_t i = 0; !gone->ip6 && i < c->nneighbour; i++) {
		if (c->neighbour[i].port != gone->port || c->neighbour[i].addr != v4)
			continue;
		take_out(c->neighbour, i, &c->nneighbour, sizeof(c->neighbour[0]));
		return true;
	}
	for (uint32_t i = 0; gone->ip6 && i < c->nneighbour6; i++) {
		if (c->neighbour6[i].port != gone->port ||
		    !ip6_equal(&c->neighbour6[i].addr, &addr))
			continue;
		take_out(c->neighbour6, i, &c->nneighbour6, sizeof(c->neighbour6[0]));
		return true;
	}
	return config_fail(
		a,
		"no neighbour %.45s is configured there: show neighbours has those that are static",
		s);
}

static bool address_off(struct config *c, const struct args *a)
{
	const char *s = a->w->w[3];
	bool ip6 = strchr(s, ':') != NULL;
	struct ip6 addr;
	uint16_t port;
	uint8_t len;

	if (!config_port_arg(c, a, a->w->w[1], &port))
		return false;
	config_blame(a, s);
	if (!prefix_arg(s, &addr, &len))
		return config_fail(
			a, "\"%.45s\" is not an address with a prefix length, as in 10.0.0.1/24",
			s);
	for (uint32_t i = 0; !ip6 && i < c->naddress; i++) {
		const struct node_address *n = &c->address[i];

		if (n->port != port || n->addr != ip6_unmapped(&addr) || n->len + 96 != len)
			continue;
		take_out(c->address, i, &c->naddress, sizeof(c->address[0]));
		return true;
	}
	for (uint32_t i = 0; ip6 && i < c->naddress6; i++) {
		const struct node_address6 *n = &c->address6[i];

		if (n->port != port || n->len != len || !ip6_equal(&n->addr, &addr))
			continue;
		take_out(c->address6, i, &c->naddress6, sizeof(c->address6[0]));
		return true;
	}
	return config_fail(a, "%.45s is not configured there: show ports has what is", s);
}

bool off_asked(const struct words *w)
{
	static const struct {
		const char *verb;
		unsigned words;
	} form[] = {{"route", 3}, {"neighbour", 4}, {"port", 5}};

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++)
		if (!strcmp(w->w[0], form[i].verb) && w->n == form[i].words)
			return !strcmp(w->w[w->n - 1], "off") &&
			       (w->n != 5 || !strcmp(w->w[2], "address"));
	return false;
}

bool off_command(struct config *c, const struct words *w, struct off *gone, char err[CONFIG_ERROR])
{
	const struct args a = {.w = w, .err = err, .blame = &c->blame};

	memset(gone, 0, sizeof(*gone));
	if (!strcmp(w->w[0], "route"))
		return route_off(c, &a);
	return strcmp(w->w[0], "port") ? neighbour_off(c, &a, gone) : address_off(c, &a);
}
