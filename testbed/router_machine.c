/* SPDX-License-Identifier: BSD-2-Clause */
/* router_machine.c - the machine's lines of router.conf: interfaces, processors, memory, and where metrics are served. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router_read.h"
#include "text.h"
#include "xok/linux/device.h"

const char *router_ifname(const char *device)
{
	static const char *const kind[] = {"tun:", "tap:", "af_packet:", "af_xdp:"};

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++)
		if (!strncmp(device, kind[i], strlen(kind[i])))
			return device + strlen(kind[i]);
	return NULL;
}

static bool is_word(const char *s, size_t max)
{
	return *s && strlen(s) <= max &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       strlen(s);
}

static bool number(struct reading *g, unsigned word, const char *what, uint32_t min, uint32_t max,
		   uint32_t *out)
{
	uint64_t v;

	if (word >= g->line->n)
		return router_wrong(g, word, "%s needs a number from %u to %u behind it", what, min,
				    max);
	if (parse_u64(g->line->word[word], &v) || v < min || v > max)
		return router_wrong(g, word, "%s is a number from %u to %u, not \"%.40s\"", what,
				    min, max, g->line->word[word]);
	*out = (uint32_t)v;
	return true;
}

static bool is_option(const char *s)
{
	return !strcmp(s, "mirror") || !strcmp(s, "mac") || !strcmp(s, "mtu") ||
	       !strcmp(s, "queues");
}

/* Six bytes, the first of them even; xokd reads it again. */
static bool is_mac(const char *s)
{
	uint8_t m[6];
	char rest;

	return strlen(s) == 17 &&
	       sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &m[0], &m[1], &m[2], &m[3], &m[4],
		      &m[5], &rest) == 6 &&
	       !(m[0] & 1);
}

static bool same_name(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* One option of an interface; *at is left behind it. */
static bool interface_option(struct reading *g, struct router_port *p, unsigned *at)
{
	const struct line *l = g->line;
	const char *what = l->word[(*at)++];

	if (!strcmp(what, "mtu"))
		return number(g, (*at)++, "mtu", 68, 1500, &p->mtu);
	if (!strcmp(what, "queues"))
		return number(g, (*at)++, "queues", 1, 16, &p->queues);
	if (!strcmp(what, "mac")) {
		if (*at == l->n || !is_mac(l->word[*at]))
			return router_wrong(g, *at,
					    "mac is the address of a station: six bytes such as "
					    "02:00:00:00:00:01, the first of them even");
		strcpy(p->mac, l->word[(*at)++]);
		return true;
	}
	const char *ifname = p->name;

	if (*at < l->n && !is_option(l->word[*at]))
		ifname = l->word[(*at)++];
	if (!is_word(ifname, sizeof(p->mirror) - 1))
		return router_wrong(
			g, *at - 1,
			"\"%.40s\" cannot be the name of an interface: at most 15 letters, digits "
			"and - _ .",
			ifname);
	for (uint32_t i = 0; i < g->r->nport; i++) {
		const struct router_port *o = &g->r->port[i];

		if (!strcmp(o->mirror, ifname))
			return router_wrong(g, *at - 1,
					    "%s is the mirror of interface %s already: write "
					    "mirror and another name",
					    ifname, o->name);
		if (same_name(router_ifname(o->device), ifname))
			return router_wrong(
				g, *at - 1,
				"%s is what interface %s is made of: write mirror and another name",
				ifname, o->name);
	}
	p->mirror_at = router_place(l, *at - 1);
	strcpy(p->mirror, ifname);
	return true;
}

/* Has another interface this device, or a mirror of this name? Both ends of a ring, and files, may stand twice. */
static bool device_is_free(struct reading *g, const struct device *device)
{
	const char *text = g->line->word[2], *ifname = router_ifname(text);
	struct device d;

	for (uint32_t i = 0; i + 1 < g->r->nport; i++) {
		const struct router_port *o = &g->r->port[i];

		if (ifname && !strcmp(o->mirror, ifname))
			return router_wrong(
				g, 2,
				"%s is the mirror of interface %s (line %u): take another "
				"name for one of them",
				ifname, o->name, o->line);
		if (!o->device[0] || device_parse(&d, o->device, i))
			continue;
		bool same = ifname ? same_name(router_ifname(o->device), ifname)
				   : d.kind == device->kind &&
					     (d.kind == DEVICE_PCI || d.kind == DEVICE_UNIX) &&
					     !strcmp(d.what, device->what);
		if (same)
			return router_wrong(
				g, 2,
				"interface %s (line %u) is made of it already: a device "
				"makes one interface",
				o->name, o->line);
	}
	return true;
}

static bool do_interface(struct reading *g)
{
	const struct line *l = g->line;
	struct router *r = g->r;
	struct router_port *p;
	struct device device;

	if (l->n < 3)
		return router_wrong(
			g, l->n,
			"write: interface NAME DEVICE [mirror [IFNAME]] [mac MAC] [mtu BYTES] "
			"[queues N]");
	if (!is_word(l->word[1], sizeof(p->name) - 1) || strchr("0123456789", l->word[1][0]))
		return router_wrong(
			g, 1,
			"\"%.40s\" cannot be an interface's name: a letter, then letters, "
			"digits and "
			"- _ . , at most %zu",
			l->word[1], sizeof(p->name) - 1);
	int other = router_find_port(r, l->word[1], strlen(l->word[1]));
	if (other >= 0)
		return router_wrong(g, 1, "there is an interface %s in line %u: take another name",
				    l->word[1], r->port[other].line);
	if (r->nport == ROUTER_PORTS)
		return router_wrong(g, 0, "a router has at most %u interfaces", ROUTER_PORTS);
	const char *why = strlen(l->word[2]) < sizeof(p->device)
				  ? device_parse(&device, l->word[2], r->nport)
				  : "it is too long";
	/* It has its name whatever else is wrong with it, so that the lines that use it are not wrong as well. */
	p = &r->port[r->nport++];
	*p = (struct router_port){.line = l->number};
	strcpy(p->name, l->word[1]);
	if (why)
		return router_wrong(g, 2, "%.300s", why);
	if (!device_is_free(g, &device))
		return false;
	strcpy(p->device, l->word[2]);
	p->device_at = router_place(l, 2);
	for (unsigned at = 3; at < l->n;) {
		if (!is_option(l->word[at]))
			return router_wrong(
				g, at,
				"\"%.40s\" is unknown here: an interface has mirror [IFNAME], mac "
				"MAC, mtu BYTES and queues N",
				l->word[at]);
		if (!interface_option(g, p, &at))
			return false;
	}
	return true;
}

static bool one_word(struct reading *g, const char *form)
{
	return g->line->n == 2 ||
	       router_wrong(g, g->line->n < 2 ? 0 : 2, "write: %s %s", g->line->word[0], form);
}

bool router_lcores(const char *s, bool (*each)(void *arg, unsigned cpu), void *arg)
{
	uint64_t seen[ROUTER_CPUS / 64] = {0};

	for (unsigned n = 0; n < ROUTER_LCORES;) {
		char *end;
		unsigned long first, last;

		if (*s < '0' || *s > '9')
			return false;
		first = last = strtoul(s, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= ROUTER_CPUS)
			return false;
		for (unsigned long cpu = first; cpu <= last; cpu++) {
			uint64_t bit = 1ull << cpu % 64;

			if (n++ == ROUTER_LCORES || (seen[cpu / 64] & bit))
				return false;
			seen[cpu / 64] |= bit;
			if (each && !each(arg, (unsigned)cpu))
				return false;
		}
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		s = end + 1;
	}
	return false;
}

static bool do_lcores(struct reading *g)
{
	const char *s = g->line->word[1];

	if (!one_word(g, "LIST, processors such as 1,3-5"))
		return false;
	if (strlen(s) >= sizeof(g->r->lcores) || !router_lcores(s, NULL, NULL))
		return router_wrong(g, 1,
				    "\"%.40s\" is no list of processors: write it as 1,3-5, each "
				    "once, at most %u",
				    s, ROUTER_LCORES);
	strcpy(g->r->lcores, s);
	return true;
}

static bool do_memory(struct reading *g)
{
	return one_word(g, "MIB") && number(g, 1, "memory", 16, 65536, &g->r->memory);
}

static bool on_or_off(struct reading *g, bool *out)
{
	if (!one_word(g, "on|off"))
		return false;
	*out = !strcmp(g->line->word[1], "on");
	if (!*out && strcmp(g->line->word[1], "off"))
		return router_wrong(g, 1, "say on or off, not \"%.40s\"", g->line->word[1]);
	return true;
}

static bool do_hugepages(struct reading *g)
{
	return on_or_off(g, &g->r->hugepages);
}

static bool do_hitless(struct reading *g)
{
	return on_or_off(g, &g->r->hitless);
}

/* ADDRESS:PORT. */
static bool read_listen(const char *s, struct router_metrics *m)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&m->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&m->address;
	const char *colon = strrchr(s, ':');
	size_t len = colon ? (size_t)(colon - s) : 0;
	bool bracketed = len > 2 && s[0] == '[' && s[len - 1] == ']';
	char host[sizeof(m->text)] = "";
	uint64_t port;

	*m = (struct router_metrics){0};
	if (!len || strlen(s) >= sizeof(m->text) || parse_u64(colon + 1, &port) || !port ||
	    port > 65535)
		return false;
	memcpy(host, s + bracketed, len - 2u * bracketed);
	v4->sin_family = bracketed ? AF_INET6 : AF_INET;
	if (inet_pton(v4->sin_family, host, bracketed ? (void *)&v6->sin6_addr : &v4->sin_addr) !=
	    1)
		return false;
	v4->sin_port = htons((uint16_t)port); /* both have it in the same place */
	m->length = bracketed ? sizeof(*v6) : sizeof(*v4);
	strcpy(m->text, s);
	return true;
}
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
	       "read_listen");

static bool do_metrics(struct reading *g)
{
	if (!one_word(g, "ADDRESS:PORT, such as 127.0.0.1:9477 or [::1]:9477"))
		return false;
	return read_listen(g->line->word[1], &g->r->metrics) ||
	       router_wrong(g, 1,
			    "\"%.64s\" is no address and port: write 127.0.0.1:9477, or with IPv6 "
			    "[::1]:9477",
			    g->line->word[1]);
}

static const struct {
	const char *name;
	bool (*fn)(struct reading *g);
} machine[] = {{"interface", do_interface}, {"lcores", do_lcores},	 {"memory", do_memory},
	       {"metrics", do_metrics},	    {"hugepages", do_hugepages}, {"hitless", do_hitless}};
#define NMACHINE (sizeof(machine) / sizeof(machine[0]))
_Static_assert(NMACHINE == ROUTER_MACHINE, "router.h");

const char *router_machine_verb(size_t i)
{
	return i < NMACHINE ? machine[i].name : NULL;
}

bool router_machine(struct reading *g, const char *verb, bool *known)
{
	size_t i = 0;

	while (i < NMACHINE && strcmp(machine[i].name, verb))
		i++;
	*known = i < NMACHINE;
	if (!*known)
		return false;
	struct router_place *at = &g->r->at[i];

	/* Of all but interfaces there is one. */
	if (i && at->line)
		return router_wrong(g, 0, "%s stands in line %u already: leave out one of them",
				    verb, at->line);
	*at = router_place(g->line, g->line->n > 1 ? 1 : 0);
	return machine[i].fn(g);
}
