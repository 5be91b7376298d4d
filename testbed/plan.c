/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.c - what follows from a topology: addresses, MACs, shortest paths, and each node's configuration. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capsule/keys.h"
#include "capsule/module.h"
#include "text.h"
#include "topology.h"

uint32_t topo_find(const struct topo *t, const char *name)
{
	for (uint32_t i = 0; i < t->nnode; i++)
		if (!strcmp(t->node[i].name, name))
			return i;
	return TOPO_NONE;
}

const char *topo_kind_name(enum topo_kind k)
{
	static const char *const names[TOPO_NKIND] = {"xok", "router", "host", "edge"};

	return names[k];
}

bool topo_forwards(enum topo_kind k)
{
	return k == TOPO_XOK || k == TOPO_ROUTER;
}

uint32_t topo_address(const struct topo *t, uint32_t node)
{
	return t->node[node].nport ? t->node[node].port[0].addr : 0;
}

const char *topo_addr_text(uint32_t addr, char buf[16])
{
	snprintf(buf, 16, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
	return buf;
}

/* ---- addresses ---- */

static bool prefix_taken(const struct topo *t, uint32_t net)
{
	for (uint32_t i = 0; i < t->nlink; i++) {
		const struct topo_link *l = &t->link[i];
		uint32_t shorter = l->plen < 24 ? l->plen : 24;

		if (l->plen && !((l->net ^ net) & prefix_mask(shorter)))
			return true;
	}
	return false;
}

int topo_assign(struct topo *t, struct topo_error *err)
{
	for (uint32_t i = 0; i < t->nlink; i++) {
		struct topo_link *l = &t->link[i];
		uint32_t n = i + 1;

		for (; !l->addressed && n < 65536; n++) {
			l->net = 10u << 24 | n << 8;
			if (!prefix_taken(t, l->net))
				break;
		}
		if (n == 65536) {
			err->line = l->line;
			err->column = 1;
			snprintf(err->text, sizeof(err->text),
				 "no free 10.x.y.0/24 for this link: give it addresses");
			return -1;
		}
		if (!l->addressed) {
			l->plen = 24;
			l->host[0] = l->net | 1;
			l->host[1] = l->net | 2;
		}
		for (uint32_t e = 0; e < 2; e++)
			t->node[l->node[e]].port[l->port[e]].addr = l->host[e];
	}
	for (uint32_t i = 0; i < t->nnode; i++)
		for (uint32_t p = 0; p < TOPO_PORTS; p++) {
			const uint8_t mac[6] = {
				0x52,	   0x54, 0, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1),
				(uint8_t)p};

			memcpy(t->node[i].port[p].mac, mac, 6);
		}
	return 0;
}

/* ---- routes ---- */

/*
 * Dijkstra from the goal outwards over (hops, delay, link), compared in that order. A host is expanded only when it is
 * the goal itself. With at most 64 nodes the plain quadratic form is the clearest.
 */
void topo_paths(const struct topo *t, uint32_t to, uint32_t port[TOPO_NODES])
{
	uint32_t hops[TOPO_NODES];
	uint64_t delay[TOPO_NODES];
	bool done[TOPO_NODES] = {false};

	for (uint32_t i = 0; i < t->nnode; i++) {
		hops[i] = UINT32_MAX;
		delay[i] = UINT64_MAX;
		port[i] = TOPO_NONE;
	}
	hops[to] = 0;
	delay[to] = 0;
	for (;;) {
		uint32_t u = TOPO_NONE;

		for (uint32_t i = 0; i < t->nnode; i++)
			if (!done[i] && hops[i] != UINT32_MAX &&
			    (u == TOPO_NONE || hops[i] < hops[u] ||
			     (hops[i] == hops[u] && delay[i] < delay[u])))
				u = i;
		if (u == TOPO_NONE)
			return;
		done[u] = true;
		if (u != to && !topo_forwards(t->node[u].kind))
			continue;
		for (uint32_t i = 0; i < t->nlink; i++) {
			const struct topo_link *l = &t->link[i];

			for (uint32_t e = 0; e < 2; e++) {
				uint32_t v = l->node[e];
				uint64_t d = delay[u] + l->params.delay;

				if (l->node[!e] != u || done[v] || hops[v] < hops[u] + 1 ||
				    (hops[v] == hops[u] + 1 && delay[v] <= d))
					continue;
				hops[v] = hops[u] + 1;
				delay[v] = d;
				port[v] = l->port[e];
			}
		}
	}
}

/*
 * The prefix of a link is reached through the end of it that is nearer; of two equally near ones through the first. The
 * paths to a node end at the node whatever port they come in by, so the way to the nearer end never leads back.
 */
static const struct topo_port *way(const struct topo *t, uint32_t node, uint32_t link)
{
	const struct topo_link *l = &t->link[link];
	uint32_t best = UINT32_MAX, out = TOPO_NONE;

	for (uint32_t e = 0; e < 2; e++) {
		uint32_t port[TOPO_NODES], n = node, hops = 0;

		if (l->node[e] == node)
			return NULL;
		topo_paths(t, l->node[e], port);
		if (port[node] == TOPO_NONE)
			continue;
		for (; n != l->node[e]; hops++) {
			const struct topo_link *step = &t->link[t->node[n].port[port[n]].link];

			n = step->node[step->node[0] == n];
		}
		/* A host at the near end does not forward to the rest of its link. */
		if (!topo_forwards(t->node[l->node[e]].kind))
			hops++;
		if (hops < best) {
			best = hops;
			out = port[node];
		}
	}
	return out == TOPO_NONE ? NULL : &t->node[node].port[out];
}

bool topo_gateway(const struct topo *t, uint32_t node, uint32_t link, uint32_t *gateway)
{
	const struct topo_port *p = way(t, node, link);

	if (p)
		*gateway = t->link[p->link].host[!p->end];
	return p != NULL;
}

bool topo_gateway6(const struct topo *t, uint32_t node, uint32_t link, const uint8_t **gateway)
{
	const struct topo_port *p = way(t, node, link);

	if (!p || !t->link[p->link].plen6 || !t->link[link].plen6)
		return false;
	*gateway = t->link[p->link].host6[!p->end];
	return true;
}

/* ---- configuration ---- */

/* A host with one port has no choice: all that it does not reach itself goes to the router there. */
static bool default_only(const struct topo *t, const struct topo_node *n)
{
	if (n->kind != TOPO_HOST || n->nport != 1)
		return false;
	const struct topo_link *l = &t->link[n->port[0].link];
	return topo_forwards(t->node[l->node[!n->port[0].end]].kind);
}

static void write_ports(const struct topo *t, const struct topo_node *n, FILE *out)
{
	char a[16];

	for (uint32_t i = 0; i < n->nport; i++) {
		const struct topo_port *p = &n->port[i];
		const struct topo_link *l = &t->link[p->link];

		fprintf(out, "port %u address %s/%u\nport %u peer %s\n", i,
			topo_addr_text(p->addr, a), l->plen, i, t->node[l->node[!p->end]].name);
		if (l->params.mtu)
			fprintf(out, "port %u mtu %u\n", i, l->params.mtu);
	}
}

static void write_routes(const struct topo *t, uint32_t node, FILE *out)
{
	const struct topo_node *n = &t->node[node];
	char a[16], b[16];
	uint32_t gateway;

	if (default_only(t, n)) {
		const struct topo_port *p = &n->port[0];

		fprintf(out, "route 0.0.0.0/0 via %s\n",
			topo_addr_text(t->link[p->link].host[!p->end], a));
		return;
	}
	for (uint32_t i = 0; i < t->nlink && !n->no_static; i++)
		if (topo_gateway(t, node, i, &gateway))
			fprintf(out, "route %s/%u via %s\n", topo_addr_text(t->link[i].net, a),
				t->link[i].plen, topo_addr_text(gateway, b));
}

/* Edges have no IPv6. */
static void write_conf6(const struct topo *t, uint32_t node, FILE *out)
{
	const struct topo_node *n = &t->node[node];
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	const uint8_t *gateway;

	for (uint32_t i = 0; i < n->nport; i++) {
		const struct topo_link *l = &t->link[n->port[i].link];

		if (l->plen6)
			fprintf(out, "port %u address %s/%u\n", i,
				inet_ntop(AF_INET6, l->host6[n->port[i].end], a, sizeof(a)),
				l->plen6);
	}
	if (default_only(t, n)) {
		const struct topo_port *p = &n->port[0];
		const struct topo_link *l = &t->link[p->link];

		if (l->plen6)
			fprintf(out, "route ::/0 via %s\n",
				inet_ntop(AF_INET6, l->host6[!p->end], a, sizeof(a)));
		return;
	}
	for (uint32_t i = 0; i < t->nlink && !n->no_static; i++) {
		const struct topo_link *l = &t->link[i];
		uint8_t net[16];

		if (!topo_gateway6(t, node, i, &gateway))
			continue;
		prefix6(net, l->host6[0], l->plen6);
		fprintf(out, "route %s/%u via %s\n", inet_ntop(AF_INET6, net, a, sizeof(a)),
			l->plen6, inet_ntop(AF_INET6, gateway, b, sizeof(b)));
	}
}

void topo_write_conf(const struct topo *t, uint32_t node, FILE *out)
{
	const struct topo_node *n = &t->node[node];
	char hex[65];

	fprintf(out, "node %s\nrole %s\n", n->name, topo_forwards(n->kind) ? "router" : "host");
	if (n->routes)
		fprintf(out, "routes %u\n", n->routes);
	write_ports(t, n, out);
	write_routes(t, node, out);
	if (n->kind != TOPO_EDGE)
		write_conf6(t, node, out);
	if (n->kind == TOPO_HOST) /* which runs no capsules */
		return;
	for (uint32_t i = 0; i < t->nprincipal; i++) {
		key_hex(t->principal[i].key, 32, hex);
		fprintf(out, "principal %s %s\n", t->principal[i].name, hex);
	}
	for (uint32_t i = 0; i < t->nallow; i++) {
		const struct topo_allow *w = &t->allow[i];

		if (!w->at || (w->at >> node & 1))
			fprintf(out, "allow %s %s budget %u\n", t->principal[w->principal].name,
				w->module, w->budget);
	}
}

void topo_write_hosts(const struct topo *t, FILE *out)
{
	char a[INET6_ADDRSTRLEN];

	fprintf(out, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	for (uint32_t i = 0; i < t->nnode; i++) {
		const struct topo_node *n = &t->node[i];

		if (!n->nport)
			continue;
		const struct topo_link *l = &t->link[n->port[0].link];

		fprintf(out, "%s %s\n", topo_addr_text(n->port[0].addr, a), n->name);
		if (l->plen6 && n->kind != TOPO_EDGE)
			fprintf(out, "%s %s\n",
				inet_ntop(AF_INET6, l->host6[n->port[0].end], a, sizeof(a)),
				n->name);
	}
}

/* ---- keys and modules ---- */

static int load_module(struct topo_allow *a, const char *dir, const char *capsules,
		       struct topo_error *err)
{
	char path[TOPO_PATH * 3];
	uint8_t hash[MODULE_CODE_NAME];
	size_t len = strlen(a->module);
	bool file = len > 4 && !strcmp(a->module + len - 4, ".mod");

	if (!strcmp(a->module, "*") || (len == 64 && key_unhex(a->module, 64, hash, 32)))
		return 0;
	if (!file && !text_is_name(a->module)) {
		snprintf(err->text, sizeof(err->text),
			 "module '%.60s': write *, a code name of 64 hex digits, FILE.mod, or the "
			 "name of a capsule of the system",
			 a->module);
		return -1;
	}
	bool fits = file ? text_path(path, sizeof(path), "%s%s%s", a->module[0] == '/' ? "" : dir,
				     a->module[0] == '/' ? "" : "/", a->module)
			 : text_path(path, sizeof(path), "%s/%s.mod", capsules, a->module);
	char *bytes = fits ? text_file(path, MODULE_MAX, &len) : NULL;
	if (!bytes) {
		snprintf(err->text, sizeof(err->text),
			 "module '%.60s': cannot read %.200s: %s; make it with amp build",
			 a->module, path, strerror(fits ? errno : ENAMETOOLONG));
		return -1;
	}
	module_code_name((const uint8_t *)bytes, len, hash);
	free(bytes);
	key_hex(hash, 32, a->module);
	return 0;
}

/* The command that would make the key, when that is what helps. */
static void name_missing_key(const struct topo_principal *p, const char *path, const char *why,
			     struct topo_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(path);

	snprintf(err->text, sizeof(err->text), "key of principal '%s': %.250s", p->name, why);
	if (errno == ENOENT && len > 4 && !strcmp(path + len - 4, ".pub"))
		text_append(err->text, sizeof(err->text), "\n  make it: amp keygen %.*s -d %.*s",
			    (int)(len - 4 - (size_t)(slash + 1 - path)), slash + 1,
			    (int)(slash - path), path);
}

int topo_load_keys(struct topo *t, const char *dir, const char *capsules, struct topo_error *err)
{
	memset(err, 0, sizeof(*err));
	for (uint32_t i = 0; i < t->nprincipal; i++) {
		struct topo_principal *p = &t->principal[i];
		char path[TOPO_PATH * 3], why[KEY_ERROR];
		struct key_public pub;
		bool absolute = p->path[0] == '/';

		if (!text_path(path, sizeof(path), "%s%s%s", absolute ? "" : dir,
			       absolute ? "" : "/", p->path))
			path[sizeof(path) - 1] = 0;
		int rc = key_read_public(path, &pub, why);
		if (rc) {
			errno = -rc;
			err->line = p->line;
			err->column = 1;
			name_missing_key(p, path, why, err);
			return -1;
		}
		memcpy(p->key, pub.key, sizeof(p->key));
	}
	for (uint32_t i = 0; i < t->nallow; i++)
		if (load_module(&t->allow[i], dir, capsules, err)) {
			err->line = t->allow[i].line;
			err->column = 1;
			return -1;
		}
	return 0;
}
