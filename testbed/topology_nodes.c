/* SPDX-License-Identifier: BSD-2-Clause */
/* topology_nodes.c - the nodes of a topology file: their kinds, and which keys each kind has. */
#include <string.h>

#include "reader.h"

static int node_kind(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_node *n = arg;
	const char *s = reader_scalar(r, v, "kind");

	if (!s)
		return -1;
	for (uint32_t k = 0; k < TOPO_NKIND; k++)
		if (!strcmp(s, topo_kind_name((enum topo_kind)k))) {
			n->kind = (enum topo_kind)k;
			return 0;
		}
	return reader_bad(
		r, v, "kind is '%.40s': this testbed has 'xok', 'router', 'host' and 'edge'", s);
}

/* The kind may stand behind it: what is too much for that kind is told by check_node. */
static int node_memory(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t mib;

	if (reader_number(r, v, "memory (MiB)", 16, 65536, &mib))
		return -1;
	((struct topo_node *)arg)->memory = (uint32_t)mib;
	return 0;
}

static int node_lcores(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_node *n = arg;
	const char *s = reader_scalar(r, v, "lcores");

	if (!s)
		return -1;
	if (!*s || strlen(s) >= sizeof(n->lcores) || strspn(s, "0123456789,-") != strlen(s))
		return reader_bad(r, v, "lcores is '%.40s': write processors as \"0\" or \"0,2-3\"",
				  s);
	strcpy(n->lcores, s);
	return 0;
}

static int truth(struct reader *r, const yaml_node_t *v, const char *key, bool *out)
{
	const char *s = reader_scalar(r, v, key);

	if (!s)
		return -1;
	if (strcmp(s, "true") && strcmp(s, "false"))
		return reader_bad(r, v, "%s is '%.40s': write true or false", key, s);
	*out = !strcmp(s, "true");
	return 0;
}

static int node_mirror(struct reader *r, const yaml_node_t *v, void *arg)
{
	return truth(r, v, "mirror", &((struct topo_node *)arg)->mirror);
}

static int node_static(struct reader *r, const yaml_node_t *v, void *arg)
{
	bool yes = true;
	int rc = truth(r, v, "static", &yes);

	((struct topo_node *)arg)->no_static = !yes;
	return rc;
}

static int node_routes(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t n;

	if (reader_number(r, v, "routes", 16, TOPO_ROUTES, &n))
		return -1;
	((struct topo_node *)arg)->routes = (uint32_t)n;
	return 0;
}

/* Which keys are which kind's. */
static int check_node(struct reader *r, const yaml_node_t *v, struct topo_node *n)
{
	static const char *const of_router[] = {"lcores", "mirror", "static", "routes"};
	const yaml_node_t *memory = reader_value(r, v, "memory"), *only = NULL;
	const char *kind = topo_kind_name(n->kind);

	if (memory && !topo_forwards(n->kind))
		return reader_bad(r, memory, "a node of kind %s has no memory of its own", kind);
	if (n->memory > 64 && n->kind == TOPO_XOK)
		return reader_bad(r, memory, "memory of a node of kind xok is 16 to 64 (MiB)");
	for (size_t i = 0; i < sizeof(of_router) / sizeof(of_router[0]) && !only; i++)
		only = n->kind == TOPO_ROUTER ? NULL : reader_value(r, v, of_router[i]);
	if (only)
		return reader_bad(r, only,
				  "lcores, mirror, static and routes are for nodes of kind router, "
				  "not %s",
				  kind);
	if (!n->memory)
		n->memory = 64;
	return 0;
}

int topology_node(struct reader *r, const yaml_node_t *key, const yaml_node_t *value, void *arg)
{
	static const struct reader_key keys[] = {
		{"kind", node_kind, true},	{"memory", node_memory, false},
		{"lcores", node_lcores, false}, {"mirror", node_mirror, false},
		{"static", node_static, false}, {"routes", node_routes, false}};
	struct topo *t = arg;
	struct topo_node *n = &t->node[t->nnode];

	if (t->nnode == TOPO_NODES)
		return reader_bad(r, key, "more than %u nodes: this testbed has no more",
				  TOPO_NODES);
	memset(n, 0, sizeof(*n));
	if (reader_name(r, key, "a node's name", n->name, sizeof(n->name)))
		return -1;
	if (topo_find(t, n->name) != TOPO_NONE)
		return reader_bad(r, key, "node '%s' stands twice: rename one", n->name);
	n->line = key->start_mark.line + 1;
	for (uint32_t i = 0; i < TOPO_PORTS; i++)
		n->port[i].link = TOPO_NONE;
	if (reader_map(r, value, "a node", keys, sizeof(keys) / sizeof(keys[0]), n) ||
	    check_node(r, value, n))
		return -1;
	t->nnode++;
	return 0;
}
