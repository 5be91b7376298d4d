/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.c - the configuration commands. Each one checks everything first and changes the configuration last.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config_args.h"

bool config_fail(const struct args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->err, CONFIG_ERROR, fmt, ap);
	va_end(ap);
	return false;
}

void config_init(struct config *c, const struct config_host *host)
{
	memset(c, 0, sizeof(*c));
	c->host = host;
	c->role = NODE_ROUTER;
}

void config_blame(const struct args *a, const char *word)
{
	for (unsigned i = 0; i < a->w->n; i++) {
		if (a->w->w[i] == word)
			*a->blame = i;
	}
}

bool config_unknown(const struct args *a, const char *what, const char *word,
		    const char *const *list, size_t n)
{
	const char *near = text_nearest(word, list, n);
	char all[120] = "";
	size_t at = 0;

	config_blame(a, word);
	if (near)
		return config_fail(a, "there is no %s \"%.20s\": did you mean %s?", what, word,
				   near);
	for (size_t i = 0; i < n && at < sizeof(all); i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
				       !i	   ? ""
				       : i + 1 < n ? ", "
						   : " or ",
				       list[i]);
	return config_fail(a, "there is no %s \"%.20s\": say %s", what, word, all);
}

const char *config_no_host4(uint32_t addr)
{
	if (addr >> 24 == 127)
		return "a loopback address";
	if (addr >> 28 == 14)
		return "the address of a multicast group";
	return addr >> 28 == 15 ? "a reserved address" : "an address of \"this network\"";
}

static bool host_arg(const struct args *a, const char *s, uint32_t *addr)
{
	config_blame(a, s);
	if (!text_ip4(s, addr))
		return config_fail(
			a, "\"%.20s\" is not the IPv4 address of a host: write it as 10.0.0.1", s);
	if (!inet_host_address(*addr))
		return config_fail(a, "%.20s is %s: write the address of a host", s,
				   config_no_host4(*addr));
	return true;
}

bool config_connected(const struct config *c, uint32_t addr, uint16_t *port)
{
	int best = -1;

	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *n = &c->address[i];

		if (n->port != NODE_NO_PORT && !((n->addr ^ addr) & mask4(n->len)) &&
		    n->addr != addr && n->len > best) {
			best = n->len;
			*port = n->port;
		}
	}
	return best >= 0;
}

/* ---- one function for each command ---- */

static bool do_node(struct config *c, const struct args *a)
{
	config_blame(a, a->w->w[1]);
	if (!text_name(a->w->w[1], NODE_NAME - 1))
		return config_fail(a, "a node's name is 1 to %u letters, digits, '-', '_' or '.'",
				   NODE_NAME - 1);
	if (c->line && c->name_line)
		return config_fail(a,
				   "the node is named %s in line %u already: leave out one of them",
				   c->name, c->name_line);
	text_copy(c->name, sizeof(c->name), a->w->w[1]);
	c->name_line = c->line;
	return true;
}

static bool do_role(struct config *c, const struct args *a)
{
	static const char *const role[] = {"router", "host"};
	const char *s = a->w->w[1];

	if (strcmp(s, "router") && strcmp(s, "host"))
		return config_unknown(a, "role", s, role, 2);
	c->role = strcmp(s, "host") ? NODE_ROUTER : NODE_HOST;
	return true;
}

static bool do_port(struct config *c, const struct args *a)
{
	return config_port(c, a);
}

/* An address of the node that no port has: what routing daemons know it by. */
static bool do_loopback(struct config *c, const struct args *a)
{
	struct node_address n = {.len = 32, .port = NODE_NO_PORT};
	const char *s = a->w->w[1];

	if (strchr(s, ':'))
		return config_address6(c, a, NODE_NO_PORT, s);
	config_blame(a, s);
	if (!text_ip4(s, &n.addr) && (!text_prefix(s, &n.addr, &n.len) || n.len != 32))
		return config_fail(a, "\"%.24s\" is not an address, as in 10.255.0.1", s);
	if (!inet_host_address(n.addr))
		return config_fail(a, "%.24s is %s: a node is known by one as 10.255.0.1", s,
				   config_no_host4(n.addr));
	for (uint32_t i = 0; i < c->naddress; i++) {
		if (c->address[i].addr == n.addr)
			return config_fail(a, "%.24s is an address of this node already", s);
	}
	if (c->naddress == NODE_ADDRESSES)
		return config_fail(a, "a node has at most %u addresses", NODE_ADDRESSES);
	c->address[c->naddress++] = n;
	return true;
}

uint32_t config_routes_most(void)
{
	uint32_t fits = 16, over = CONFIG_ROUTES_MAX + 1;

	while (over - fits > 1) {
		uint32_t n = fits + (over - fits) / 2;

		if (node_size(n))
			fits = n;
		else
			over = n;
	}
	return fits;
}

static bool do_routes(struct config *c, const struct args *a)
{
	uint64_t n;

	config_blame(a, a->w->w[1]);
	if (!text_u64(a->w->w[1], CONFIG_ROUTES_MAX, &n) || n < 16 || !node_size((uint32_t)n))
		return config_fail(a, "\"%.20s\" is not how many routes a table may hold: 16 to %u",
				   a->w->w[1], config_routes_most());
	c->routes = (uint32_t)n;
	return true;
}

/* via ADDRESS [weight N], once or more, from word `at` on. */
static bool route_hops(const struct args *a, unsigned at, bool ip6, struct config_route *r)
{
	while (at < a->w->n) {
		struct config_hop *h = &r->hop[r->nhop];
		uint64_t weight = 1;
		uint32_t via;

		config_blame(a, a->w->w[at]);
		if (strcmp(a->w->w[at], "via"))
			return config_fail(a, "\"%.20s\" stands where \"via\" should", a->w->w[at]);
		if (at + 1 == a->w->n)
			return config_fail(a, "the gateway's address is missing behind \"via\"");
		if (r->nhop == CONFIG_HOPS)
			return config_fail(a, "a route has at most %u next hops", CONFIG_HOPS);
		h->column = (uint16_t)a->w->column[at + 1];
		if (ip6 && !config_host6(a, a->w->w[at + 1], &h->via))
			return false;
		if (!ip6) {
			if (!host_arg(a, a->w->w[at + 1], &via))
				return false;
			h->via = ip6_mapped(via);
		}
		at += 2;
		if (at + 1 < a->w->n && !strcmp(a->w->w[at], "weight")) {
			config_blame(a, a->w->w[at + 1]);
			if (!text_u64(a->w->w[at + 1], 255, &weight) || !weight)
				return config_fail(a, "\"%.20s\" is not a weight: 1 to 255",
						   a->w->w[at + 1]);
			at += 2;
		}
		h->weight = (uint16_t)weight;
		r->nhop++;
	}
	return true;
}

static bool route_prefix(const struct args *a, const char *s, struct config_route *r)
{
	uint32_t prefix;
	char network[TEXT_PREFIX];

	if (strchr(s, ':'))
		return config_prefix6(a, s, &r->prefix, &r->len);
	config_blame(a, s);
	if (!strcmp(s, "default"))
		return config_fail(a, "\"default\" is of no family: write 0.0.0.0/0 or ::/0");
	if (!text_prefix(s, &prefix, &r->len))
		return config_fail(a, "\"%.24s\" is not a prefix, as in 10.0.0.0/24", s);
	if (prefix & ~mask4(r->len))
		return config_fail(
			a, "%.24s has bits set behind its length: write the network's address, %s",
			s, text_put_prefix(network, prefix & mask4(r->len), r->len));
	r->prefix = ip6_mapped(prefix);
	r->len = (uint8_t)(r->len + 96);
	return true;
}

static bool do_route(struct config *c, const struct args *a)
{
	static const char *const kind[] = {"via", "blackhole", "unreachable", "prohibit"};
	static const uint16_t number[] = {0, FORWARD_BLACKHOLE, FORWARD_UNREACHABLE,
					  FORWARD_PROHIBITED};
	struct config_route r = {.line = c->line, .column = a->w->column[1]};
	unsigned k = 0;

	if (!route_prefix(a, a->w->w[1], &r))
		return false;
	while (k < 4 && strcmp(a->w->w[2], kind[k]))
		k++;
	if (k == 4)
		return config_unknown(a, "kind of route", a->w->w[2], kind, 4);
	if (k == 0 && !route_hops(a, 2, strchr(a->w->w[1], ':') != NULL, &r))
		return false;
	if (k && a->w->n > 3) {
		config_blame(a, a->w->w[3]);
		return config_fail(a, "nothing follows \"%s\"", kind[k]);
	}
	r.number = number[k];
	for (uint32_t i = 0; i < c->nroute; i++) {
		if (c->route[i].len == r.len && ip6_equal(&c->route[i].prefix, &r.prefix)) {
			config_blame(a, a->w->w[1]);
			if (c->line && c->route[i].line)
				return config_fail(
					a,
					"a route to %.49s stands in line %u already: write all "
					"gateways in one route, via ... via ...",
					a->w->w[1], c->route[i].line);
			c->route[i] = r; /* the one that is typed replaces it */
			return true;
		}
	}
	if (c->nroute == CONFIG_ROUTES)
		return config_fail(a, "a node has at most %u routes of its own", CONFIG_ROUTES);
	c->route[c->nroute++] = r;
	return true;
}

static bool do_neighbour(struct config *c, const struct args *a)
{
	struct config_neighbour n = {.line = c->line, .column = a->w->column[2]};

	if (!config_port_arg(c, a, a->w->w[1], &n.port))
		return false;
	config_blame(a, a->w->w[3]);
	if (!text_mac(a->w->w[3], n.mac) || (n.mac[0] & 1))
		return config_fail(
			a, "\"%.20s\" is not a station's link address, as in 52:54:00:00:00:01",
			a->w->w[3]);
	if (strchr(a->w->w[2], ':'))
		return config_neighbour6(c, a, n.port, n.mac);
	if (!host_arg(a, a->w->w[2], &n.addr))
		return false;
	for (uint32_t i = 0; i < c->nneighbour; i++) {
		if (c->neighbour[i].addr == n.addr && c->neighbour[i].port == n.port) {
			if (c->line && c->neighbour[i].line)
				return config_fail(a, "the neighbour %s stands in line %u already",
						   a->w->w[2], c->neighbour[i].line);
			c->neighbour[i] = n;
			return true;
		}
	}
	if (c->nneighbour == CONFIG_NEIGHBOURS)
		return config_fail(a, "a node has at most %u static neighbours", CONFIG_NEIGHBOURS);
	c->neighbour[c->nneighbour++] = n;
	return true;
}

static bool key_arg(const struct args *a, const char *s, uint8_t out[32], const char *what)
{
	uint8_t key[32];

	config_blame(a, s);
	if (strlen(s) != 64 || text_unhex(s, key, 32) != 32)
		return config_fail(a, "\"%.20s\" is not %s: that has 64 hexadecimal digits", s,
				   what);
	memcpy(out, key, 32);
	return true;
}

static bool do_principal(struct config *c, const struct args *a)
{
	struct node_principal p = {0};

	config_blame(a, a->w->w[1]);
	if (!text_name(a->w->w[1], NODE_NAME - 1))
		return config_fail(a,
				   "a principal's name is 1 to %u letters, digits, '-', '_' or '.'",
				   NODE_NAME - 1);
	if (!key_arg(a, a->w->w[2], p.key, "a public key"))
		return false;
	text_copy(p.name, sizeof(p.name), a->w->w[1]);
	for (uint32_t i = 0; i < c->nprincipal; i++) {
		if (!strcmp(c->principal[i].name, p.name))
			return config_fail(a, "there is a principal %s already: take another name",
					   p.name);
		if (!memcmp(c->principal[i].key, p.key, 32))
			return config_fail(a, "this key is the one of principal %s already",
					   c->principal[i].name);
	}
	if (c->nprincipal == NODE_PRINCIPALS)
		return config_fail(a, "a node has at most %u principals", NODE_PRINCIPALS);
	c->principal[c->nprincipal++] = p;
	return true;
}

static bool do_allow(struct config *c, const struct args *a)
{
	struct node_rule r = {.principal = NODE_PRINCIPALS};
	uint64_t budget;

	config_blame(a, a->w->w[1]);
	for (uint32_t i = 0; i < c->nprincipal; i++) {
		if (!strcmp(c->principal[i].name, a->w->w[1]))
			r.principal = (uint16_t)i;
	}
	if (r.principal == NODE_PRINCIPALS)
		return config_fail(a,
				   "there is no principal \"%.32s\": name it before, with its key",
				   a->w->w[1]);
	r.any = !strcmp(a->w->w[2], "*");
	if (!r.any && !key_arg(a, a->w->w[2], r.module, "a code name or *"))
		return false;
	config_blame(a, a->w->w[3]);
	if (strcmp(a->w->w[3], "budget"))
		return config_fail(a, "\"%.20s\" stands where \"budget\" should", a->w->w[3]);
	config_blame(a, a->w->w[4]);
	if (!text_u64(a->w->w[4], UINT32_MAX, &budget))
		return config_fail(a, "\"%.20s\" is not a budget: a number up to %u", a->w->w[4],
				   UINT32_MAX);
	r.budget = (uint32_t)budget;
	for (uint32_t i = 0; i < c->nrule; i++) {
		struct node_rule *o = &c->rule[i];

		if (o->principal == r.principal && o->any == r.any &&
		    !memcmp(o->module, r.module, 32)) {
			*o = r;
			return true;
		}
	}
	if (c->nrule == NODE_RULES)
		return config_fail(a, "a node has at most %u rules", NODE_RULES);
	c->rule[c->nrule++] = r;
	return true;
}

static bool do_module(struct config *c, const struct args *a)
{
	struct config_module m;

	config_blame(a, a->w->w[1]);
	if (!c->host->load)
		return config_fail(a, "this node reads no files: load the module at an edge");
	if (c->nmodule == CONFIG_MODULES)
		return config_fail(a, "a file names at most %u modules", CONFIG_MODULES);
	if (!c->host->load(c->host->arg, a->w->w[1], &m, a->err))
		return false;
	c->module[c->nmodule++] = m;
	return true;
}

static bool do_clock(struct config *c, const struct args *a)
{
	uint64_t utc;

	config_blame(a, a->w->w[1]);
	if (!text_u64(a->w->w[1], INT64_MAX, &utc))
		return config_fail(a, "\"%.24s\" is not a time: nanoseconds since 1970, UTC",
				   a->w->w[1]);
	c->clock = utc;
	c->set_clock = true;
	return true;
}

/* ---- the table ---- */

struct verb {
	const char *name;
	unsigned least, most;
	const char *usage;
	bool (*fn)(struct config *c, const struct args *a); /* NULL: not for files */
};

static const struct verb verbs[] = {
#define CONFIG_VERB(name, least, most, usage, text) {#name, least, most, usage, do_##name},
#define RUN_VERB(name, least, most, usage, text) {#name, least, most, usage, NULL},
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
};

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

const char *config_nearest_verb(const char *s)
{
	const char *name[sizeof(verbs) / sizeof(verbs[0])];

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		name[i] = verbs[i].name;
	return text_nearest(s, name, sizeof(verbs) / sizeof(verbs[0]));
}

bool config_is_verb(const char *name)
{
	const struct verb *v = find(name);

	return v && v->fn;
}

bool config_command(struct config *c, const struct words *w, char err[CONFIG_ERROR])
{
	const struct args a = {.w = w, .err = err, .blame = &c->blame};
	const struct verb *v = w->n ? find(w->w[0]) : NULL;
	const char *near;

	c->blame = 0;
	if (!v) {
		near = w->n ? config_nearest_verb(w->w[0]) : NULL;
		if (near)
			return config_fail(&a, "there is no command \"%.32s\": did you mean %s?",
					   w->w[0], near);
		return config_fail(&a, "there is no command \"%.32s\": help lists them",
				   w->n ? w->w[0] : "");
	}
	if (!v->fn)
		return config_fail(&a, "\"%s\" can be typed, but not stand in a configuration",
				   v->name);
	if (w->n - 1 > v->most)
		c->blame = v->most + 1;
	if (w->n - 1 < v->least || w->n - 1 > v->most)
		return config_fail(&a, "wrong number of words: %s %s", v->name, v->usage);
	return v->fn(c, &a);
}
