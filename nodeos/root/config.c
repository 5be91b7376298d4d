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

static bool port_arg(const struct config *c, const struct args *a, const char *s, uint16_t *port)
{
	uint64_t v;

	if (!text_u64(s, NODE_PORTS - 1, &v) || v >= c->host->nport)
		return config_fail(a,
				   "there is no port \"%.20s\": this node has %u, numbered from 0",
				   s, c->host->nport);
	*port = (uint16_t)v;
	return true;
}

static bool host_arg(const struct args *a, const char *s, uint32_t *addr)
{
	if (!text_ip4(s, addr) || !inet_host_address(*addr))
		return config_fail(
			a, "\"%.20s\" is not the IPv4 address of a host: write it as 10.0.0.1", s);
	return true;
}

bool config_connected(const struct config *c, uint32_t addr, uint16_t *port)
{
	int best = -1;

	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *n = &c->address[i];

		if (!((n->addr ^ addr) & mask4(n->len)) && n->addr != addr && n->len > best) {
			best = n->len;
			*port = n->port;
		}
	}
	return best >= 0;
}

/* ---- one function for each command ---- */

static bool do_node(struct config *c, const struct args *a)
{
	if (!text_name(a->w->w[1], NODE_NAME - 1))
		return config_fail(a, "a node's name is 1 to %u letters, digits, '-', '_' or '.'",
				   NODE_NAME - 1);
	text_copy(c->name, sizeof(c->name), a->w->w[1]);
	return true;
}

static bool do_role(struct config *c, const struct args *a)
{
	const char *s = a->w->w[1];

	if (strcmp(s, "router") && strcmp(s, "host"))
		return config_fail(a, "there is no role \"%.20s\": say router or host", s);
	c->role = strcmp(s, "host") ? NODE_ROUTER : NODE_HOST;
	return true;
}

static bool port_address(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	struct node_address n = {.port = port};

	if (!text_prefix(s, &n.addr, &n.len) || !inet_host_address(n.addr) || n.len < 1)
		return config_fail(
			a, "\"%.24s\" is not an address with a prefix length, as in 10.0.0.1/24",
			s);
	if (n.len < 31 && ((n.addr & ~mask4(n.len)) == 0 || !~(n.addr | mask4(n.len))))
		return config_fail(
			a, "%.24s is the network's own or its broadcast address: take another", s);
	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *o = &c->address[i];

		if (o->addr == n.addr)
			return config_fail(a, "%.24s is an address of port %u already", s, o->port);
		if (o->port != port && o->len == n.len && !((o->addr ^ n.addr) & mask4(n.len)))
			return config_fail(a, "the network of %.24s is at port %u already", s,
					   o->port);
	}
	if (c->naddress == NODE_ADDRESSES)
		return config_fail(a, "a node has at most %u addresses", NODE_ADDRESSES);
	c->address[c->naddress++] = n;
	return true;
}

/* RFC 8200 5: no link of IPv6 carries less than 1280 octets. */
static bool port_mtu(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	uint64_t mtu;

	if (!text_u64(s, 1500, &mtu) || mtu < IP6_MTU_MIN)
		return config_fail(a, "\"%.20s\" is not an MTU: %u to 1500", s, IP6_MTU_MIN);
	c->mtu[port] = (uint16_t)mtu;
	return true;
}

static bool do_port(struct config *c, const struct args *a)
{
	const char *what = a->w->w[2], *value = a->w->w[3];
	uint16_t port = 0;

	if (!port_arg(c, a, a->w->w[1], &port))
		return false;
	if (!strcmp(what, "address") && strchr(value, ':'))
		return config_address6(c, a, port, value);
	if (!strcmp(what, "address"))
		return port_address(c, a, port, value);
	if (!strcmp(what, "mtu"))
		return port_mtu(c, a, port, value);
	if (strcmp(what, "peer"))
		return config_fail(a, "a port has no \"%.20s\": say address, mtu or peer", what);
	if (!text_name(value, NODE_NAME - 1))
		return config_fail(a, "a peer's name is 1 to %u letters, digits, '-', '_' or '.'",
				   NODE_NAME - 1);
	text_copy(c->peer[port], NODE_NAME, value);
	return true;
}

static bool do_route(struct config *c, const struct args *a)
{
	struct config_route r = {.line = c->line};

	if (strcmp(a->w->w[2], "via"))
		return config_fail(a, "\"%.20s\" stands where \"via\" should", a->w->w[2]);
	if (strchr(a->w->w[1], ':'))
		return config_route6(c, a);
	if (!text_prefix(a->w->w[1], &r.prefix, &r.len))
		return config_fail(a, "\"%.24s\" is not a prefix, as in 10.0.0.0/24", a->w->w[1]);
	if (r.prefix & ~mask4(r.len))
		return config_fail(
			a, "%.24s has bits set behind its length: write the network's address",
			a->w->w[1]);
	if (!host_arg(a, a->w->w[3], &r.via))
		return false;
	for (uint32_t i = 0; i < c->nroute; i++) {
		if (c->route[i].prefix == r.prefix && c->route[i].len == r.len) {
			c->route[i] = r; /* the later one replaces it */
			return true;
		}
	}
	if (c->nroute == sizeof(c->route) / sizeof(c->route[0]))
		return config_fail(a, "a node has at most %u routes of its own",
				   NODE_ROUTES - NODE_ADDRESSES);
	c->route[c->nroute++] = r;
	return true;
}

static bool do_neighbour(struct config *c, const struct args *a)
{
	struct config_neighbour n = {.line = c->line};

	if (!port_arg(c, a, a->w->w[1], &n.port))
		return false;
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

	if (strlen(s) != 64 || text_unhex(s, key, 32) != 32)
		return config_fail(a, "\"%.20s\" is not %s: that has 64 hexadecimal digits", s,
				   what);
	memcpy(out, key, 32);
	return true;
}

static bool do_principal(struct config *c, const struct args *a)
{
	struct node_principal p = {0};

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
	if (strcmp(a->w->w[3], "budget"))
		return config_fail(a, "\"%.20s\" stands where \"budget\" should", a->w->w[3]);
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

bool config_is_verb(const char *name)
{
	const struct verb *v = find(name);

	return v && v->fn;
}

bool config_command(struct config *c, const struct words *w, char err[CONFIG_ERROR])
{
	const struct args a = {.w = w, .err = err};
	const struct verb *v = w->n ? find(w->w[0]) : NULL;

	if (!v)
		return config_fail(&a, "there is no command \"%.32s\": help lists them",
				   w->n ? w->w[0] : "");
	if (!v->fn)
		return config_fail(&a, "\"%s\" can be typed, but not stand in a configuration",
				   v->name);
	if (w->n - 1 < v->least || w->n - 1 > v->most)
		return config_fail(&a, "wrong number of words: %s %s", v->name, v->usage);
	return v->fn(c, &a);
}

/* ---- the whole ---- */

struct errors {
	struct config_error *list;
	unsigned n, max;
	struct config_error spare; /* takes those that nobody has room for */
};

static char *another(struct errors *e, unsigned line)
{
	struct config_error *at = e->n < e->max ? &e->list[e->n] : &e->spare;

	e->n++;
	at->line = line;
	return at->text;
}

static void check6(const struct config *c, struct errors *e)
{
	char addr[TEXT_IP6];
	uint16_t port;

	for (uint32_t i = 0; i < c->nroute6; i++) {
		const struct config_route6 *r = &c->route6[i];

		if (!config_connected6(c, &r->via, &port))
			snprintf(another(e, r->line), CONFIG_ERROR,
				 "the gateway %s is on no connected network: give a port an "
				 "address there",
				 text_put_ip6(addr, &r->via));
	}
	for (uint32_t i = 0; i < c->nneighbour6; i++) {
		const struct config_neighbour6 *n = &c->neighbour6[i];

		if (!ip6_link_local(&n->addr) &&
		    (!config_connected6(c, &n->addr, &port) || port != n->port))
			snprintf(another(e, n->line), CONFIG_ERROR,
				 "the neighbour %s is on no network of port %u",
				 text_put_ip6(addr, &n->addr), n->port);
	}
}

static void check(const struct config *c, struct errors *e)
{
	char addr[TEXT_IP4];
	uint16_t port;

	if (!c->name[0])
		snprintf(another(e, 0), CONFIG_ERROR, "the node has no name: begin with node NAME");
	for (uint32_t i = 0; i < c->nroute; i++) {
		const struct config_route *r = &c->route[i];

		if (!config_connected(c, r->via, &port))
			snprintf(
				another(e, r->line), CONFIG_ERROR,
				"the gateway %s is on no connected network: give a port an address "
				"there",
				text_put_ip4(addr, r->via));
	}
	for (uint32_t i = 0; i < c->nneighbour; i++) {
		const struct config_neighbour *n = &c->neighbour[i];

		if (!config_connected(c, n->addr, &port) || port != n->port)
			snprintf(another(e, n->line), CONFIG_ERROR,
				 "the neighbour %s is on no network of port %u",
				 text_put_ip4(addr, n->addr), n->port);
	}
	check6(c, e);
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
		snprintf(another(&e, 0), CONFIG_ERROR, "out of memory");
		return e.n;
	}
	for (c->line = 1; text < end; c->line++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		char *why;

		if (n >= LINE_MAX_BYTES || memchr(text, 0, n)) {
			snprintf(another(&e, c->line), CONFIG_ERROR,
				 "the line is longer than %u bytes, or not text",
				 LINE_MAX_BYTES - 1);
		} else {
			memcpy(line, text, n);
			line[n] = 0;
			if (!text_split(line, &w)) {
				snprintf(another(&e, c->line), CONFIG_ERROR,
					 "a line has at most %u words", TEXT_WORDS);
			} else if (w.n) {
				char buf[CONFIG_ERROR];

				if (!config_command(c, &w, buf)) {
					why = another(&e, c->line);
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

void config_drop_modules(struct config *c)
{
	for (uint32_t i = 0; i < c->nmodule; i++)
		free(c->module[i].bytes);
	c->nmodule = 0;
}
