/* SPDX-License-Identifier: BSD-2-Clause */
/* reload_compare.c - what of a router's configuration takes effect at its start only. */
#include <stdio.h>
#include <string.h>

#include "nodeos/root/config.h"
#include "reload.h"

static bool same_ports(const struct router *a, const struct router *b)
{
	if (a->nport != b->nport)
		return false;
	for (uint32_t i = 0; i < a->nport; i++)
		if (strcmp(a->port[i].name, b->port[i].name) != 0)
			return false;
	return true;
}

static bool same_port(const struct router_port *a, const struct router_port *b)
{
	return !strcmp(a->device, b->device) && !strcmp(a->mirror, b->mirror) &&
	       !strcmp(a->mac, b->mac) && a->mtu == b->mtu && a->queues == b->queues;
}

static uint32_t routes(const struct router *r)
{
	return config_routes(r->commands, r->len);
}

bool reload_compare(const struct router *now, const struct router *next,
		    void (*tell)(void *arg, const char *what), void *arg)
{
	char what[64];

	if (strcmp(now->name, next->name) != 0 || !same_ports(now, next))
		return false;
	for (uint32_t i = 0; i < now->nport; i++) {
		if (same_port(&now->port[i], &next->port[i]))
			continue;
		snprintf(what, sizeof(what), "interface %s", now->port[i].name);
		tell(arg, what);
	}
	if (strcmp(now->lcores, next->lcores) != 0)
		tell(arg, "lcores");
	if (now->memory != next->memory)
		tell(arg, "memory");
	if (now->hugepages != next->hugepages)
		tell(arg, "hugepages");
	if (now->hitless != next->hitless)
		tell(arg, "hitless");
	if (routes(now) != routes(next))
		tell(arg, "routes");
	return true;
}
