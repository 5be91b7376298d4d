/* SPDX-License-Identifier: BSD-2-Clause */
/* places.c - names, addresses and links of a running testbed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "text.h"
#include "topology.h"

bool places_read(struct control *c, struct places *p)
{
	p->nodes = control_ask(c, "-", "nodes");
	p->links = p->nodes ? control_ask(c, "-", "links") : NULL;
	if (p->links)
		return true;
	places_free(p);
	return false;
}

bool places_open(struct control *c, const char *which, const char *node)
{
	char dir[STATE_DIR_MAX], err[STATE_ERROR];

	if (which || !text_is_name(node))
		return control_open(c, which);
	if (state_find_node(NULL, node, dir, err))
		return control_open(c, dir);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	snprintf(c->err, sizeof(c->err), "%s", err);
	return false;
}

void places_free(struct places *p)
{
	cJSON_Delete(p->nodes);
	cJSON_Delete(p->links);
	p->nodes = p->links = NULL;
}

static bool has_address(const cJSON *node, const char *address)
{
	const cJSON *a;

	cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(node, "addresses"))
	{
		if (!strcmp(cJSON_GetStringValue(a), address))
			return true;
	}
	return false;
}

const cJSON *places_node(struct control *c, const struct places *p, const char *name)
{
	char known[256] = "";
	const cJSON *o;

	cJSON_ArrayForEach(o, p->nodes)
	{
		if (!strcmp(member_text(o, "node"), name) || has_address(o, name))
			return o;
		text_append(known, sizeof(known), "%s%s", *known ? ", " : "",
			    member_text(o, "node"));
	}
	snprintf(c->err, sizeof(c->err), "there is no node '%.40s': this testbed has %s", name,
		 known);
	return NULL;
}

bool places_is_edge(struct control *c, const struct places *p, const cJSON *node)
{
	char edges[256] = "";
	const cJSON *o;

	if (!strcmp(member_text(node, "kind"), "edge"))
		return true;
	cJSON_ArrayForEach(o, p->nodes)
	{
		if (!strcmp(member_text(o, "kind"), "edge"))
			text_append(edges, sizeof(edges), "%s%s", *edges ? ", " : "",
				    member_text(o, "node"));
	}
	snprintf(c->err, sizeof(c->err),
		 "capsules are sent from edges, and %.40s is a router: this testbed's edges are %s",
		 member_text(node, "node"), *edges ? edges : "none");
	return false;
}

const char *places_at(const struct places *p, uint32_t addr)
{
	char text[16];
	const cJSON *o;

	topo_addr_text(addr, text);
	cJSON_ArrayForEach(o, p->nodes)
	{
		if (has_address(o, text))
			return member_text(o, "node");
	}
	return "?";
}

void places_link(const struct places *p, const char *node, unsigned port, char *buf, size_t size)
{
	char end[64];
	const cJSON *o;

	snprintf(end, sizeof(end), "%s:%u", node, port);
	snprintf(buf, size, "-");
	cJSON_ArrayForEach(o, p->links)
	{
		if (strcmp(member_text(o, "to"), end))
			continue;
		snprintf(buf, size, "%s-%s", member_text(o, "from"), end);
		return;
	}
}
