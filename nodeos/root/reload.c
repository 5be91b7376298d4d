/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reload.c - `reload`: the configuration file is read again, and put in force as a whole in the place of what was. Routes and addresses that stand in both stay in
 * the tables all the time, so their packets do not notice; what was typed since and does not stand in the file is gone.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/root/root.h"

/* Those of before, to tell which are static no more. */
static struct {
	uint32_t n, n6;
	struct config_neighbour neighbour[CONFIG_NEIGHBOURS];
	struct config_neighbour6 neighbour6[CONFIG_NEIGHBOURS];
} was;

static void keep_neighbours(const struct config *c)
{
	was.n = c->nneighbour;
	was.n6 = c->nneighbour6;
	memcpy(was.neighbour, c->neighbour, sizeof(was.neighbour));
	memcpy(was.neighbour6, c->neighbour6, sizeof(was.neighbour6));
}

static bool is_static(const struct config *c, const struct config_neighbour *o)
{
	for (uint32_t i = 0; i < c->nneighbour; i++)
		if (c->neighbour[i].port == o->port && c->neighbour[i].addr == o->addr)
			return true;
	return false;
}

static bool is_static6(const struct config *c, const struct config_neighbour6 *o)
{
	for (uint32_t i = 0; i < c->nneighbour6; i++)
		if (c->neighbour6[i].port == o->port && ip6_equal(&c->neighbour6[i].addr, &o->addr))
			return true;
	return false;
}

/* They are asked for from now on, and keep their link addresses until they do not answer. */
static void release_neighbours(struct root *r)
{
	for (uint32_t i = 0; i < was.n; i++) {
		const struct config_neighbour *o = &was.neighbour[i];
		const struct ip6 addr = ip6_mapped(o->addr);

		if (!is_static(&r->cfg, o))
			neigh_not_static(&r->ip.neigh, o->port, &addr);
	}
	for (uint32_t i = 0; i < was.n6; i++) {
		const struct config_neighbour6 *o = &was.neighbour6[i];

		if (!is_static6(&r->cfg, o))
			neigh_not_static(&r->ip6.neigh, o->port, &o->addr);
	}
}

bool root_reload(struct root *r, char err[CONFIG_ERROR])
{
	struct config_error e = {0};
	const char *text;
	size_t len = 0;

	text = r->host.conf ? r->host.conf(r->host.arg, &len) : NULL;
	if (!text) {
		snprintf(err, CONFIG_ERROR, "the configuration file cannot be read again here");
		return false;
	}
	config_init(&r->draft, &r->config_host);
	/* Numbers of interfaces stand in routes and filters: a VLAN keeps its own, also when the file has it no more. */
	memcpy(r->draft.vlan, r->cfg.vlan, sizeof(r->draft.vlan));
	if (root_read(r, text, len, &e, 1)) {
		config_drop_modules(&r->draft);
		snprintf(err, CONFIG_ERROR, "line %u: %.180s", e.line, e.text);
		return false;
	}
	keep_neighbours(&r->cfg);
	if (!root_apply(r, err))
		return false;
	release_neighbours(r);
	return true;
}
