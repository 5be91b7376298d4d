/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - reads router.conf: carries out the machine's lines, hands the others to the node's own checks, and places every error. */
#include "router.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/root/config.h"
#include "text.h"
#include "xok/linux/device.h"

#define WORDS 32u

/* A line cut into words, each with the place it has in the file. */
struct line {
	unsigned number, n;
	char *word[WORDS];
	unsigned column[WORDS];
	char text[2048];
};

struct reading {
	struct router *r;
	struct router_error *err;
	unsigned nerr;
	const struct line *line;
	FILE *commands; /* what goes to the node, in the same lines as in the file */
	bool named, port_wrong;
};

/* ---- errors ---- */

/* Notes what is wrong at a word of the line. Returns false. */
__attribute__((format(printf, 3, 4))) static bool wrong(struct reading *g, unsigned word,
							const char *fmt, ...)
{
	struct router_error spare, *e = g->nerr < ROUTER_ERRORS ? &g->err[g->nerr] : &spare;
	const struct line *l = g->line;
	va_list ap;

	word = word < l->n ? word : l->n - 1;
	g->nerr++;
	g->port_wrong = g->port_wrong || !strcmp(l->word[0], "port") ||
			!strcmp(l->word[0], "interface");
	*e = (struct router_error){.line = l->number,
				   .column = l->column[word],
				   .width = (unsigned)strlen(l->word[word])};
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

/* How many letters must change, be added or go to make b of a (Levenshtein); at most 9 are looked at. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32], n = (unsigned)strlen(b);

	if (n >= 32)
		return 9;
	for (unsigned i = 0; i <= n; i++)
		row[i] = i;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned swap = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = row[j] < swap ? row[j] : swap;
		}
	}
	return row[n];
}

/* ---- the machine's lines ---- */

static int find_port(const struct router *r, const char *name)
{
	for (uint32_t i = 0; i < r->nport; i++)
		if (!strcmp(r->port[i].name, name))
			return (int)i;
	return -1;
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
		return wrong(g, word, "%s needs a number from %u to %u behind it", what, min, max);
	if (parse_u64(g->line->word[word], &v) || v < min || v > max)
		return wrong(g, word, "%s is a number from %u to %u, not \"%.40s\"", what, min, max,
			     g->line->word[word]);
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
			return wrong(g, *at,
				     "mac is the address of a station: six bytes such as "
				     "02:00:00:00:00:01, the first of them even");
		strcpy(p->mac, l->word[(*at)++]);
		return true;
	}
	const char *ifname = p->name;

	if (*at < l->n && !is_option(l->word[*at]))
		ifname = l->word[(*at)++];
	if (!is_word(ifname, sizeof(p->mirror) - 1))
		return wrong(
			g, *at - 1,
			"\"%.40s\" cannot be the name of an interface: at most 15 letters, digits "
			"and - _ .",
			ifname);
	for (uint32_t i = 0; i < g->r->nport; i++)
		if (!strcmp(g->r->port[i].mirror, ifname))
			return wrong(g, *at - 1,
				     "%s is the mirror of interface %s already: write mirror and "
				     "another "
				     "name",
				     ifname, g->r->port[i].name);
	strcpy(p->mirror, ifname);
	return true;
}

static bool do_interface(struct reading *g)
{
	const struct line *l = g->line;
	struct router *r = g->r;
	struct router_port *p;
	struct device device;

	if (l->n < 3)
		return wrong(g, l->n,
			     "write: interface NAME DEVICE [mirror [IFNAME]] [mac MAC] [mtu BYTES] "
			     "[queues N]");
	if (!is_word(l->word[1], sizeof(p->name) - 1) || strchr("0123456789", l->word[1][0]))
		return wrong(g, 1,
			     "\"%.40s\" cannot be an interface's name: a letter, then letters, "
			     "digits and "
			     "- _ . , at most %zu",
			     l->word[1], sizeof(p->name) - 1);
	int other = find_port(r, l->word[1]);
	if (other >= 0)
		return wrong(g, 1, "there is an interface %s in line %u: take another name",
			     l->word[1], r->port[other].line);
	if (r->nport == ROUTER_PORTS)
		return wrong(g, 0, "a router has at most %u interfaces", ROUTER_PORTS);
	const char *why = strlen(l->word[2]) < sizeof(p->device)
				  ? device_parse(&device, l->word[2], r->nport)
				  : "it is too long";
	/* It has its name whatever else is wrong with it, so that the lines that use it are not wrong as well. */
	p = &r->port[r->nport++];
	*p = (struct router_port){.line = l->number};
	strcpy(p->name, l->word[1]);
	if (why)
		return wrong(g, 2, "%.300s", why);
	strcpy(p->device, l->word[2]);
	for (unsigned at = 3; at < l->n;) {
		if (!is_option(l->word[at]))
			return wrong(
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
	       wrong(g, g->line->n < 2 ? 0 : 2, "write: %s %s", g->line->word[0], form);
}

static bool do_lcores(struct reading *g)
{
	const char *s = g->line->word[1];

	if (!one_word(g, "LIST, processors such as 1,3-5"))
		return false;
	if (strlen(s) >= sizeof(g->r->lcores) || strspn(s, "0123456789,-") != strlen(s) ||
	    strchr(",-", s[0]) || strchr(",-", s[strlen(s) - 1]) || strstr(s, ",,"))
		return wrong(g, 1, "\"%.40s\" is no list of processors: write it as 1,3-5", s);
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
		return wrong(g, 1, "say on or off, not \"%.40s\"", g->line->word[1]);
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
	       wrong(g, 1,
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

/* ---- the node's lines ---- */

static const char *const node_verbs[] = {
#define CONFIG_VERB(name, least, most, usage, text) #name,
#define RUN_VERB(name, least, most, usage, text)
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
};
#define NNODE (sizeof(node_verbs) / sizeof(node_verbs[0]))

/* The nearest command of either sort, when it is near. */
static const char *meant(const char *verb)
{
	const char *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < NMACHINE + NNODE; i++) {
		const char *name = i < NMACHINE ? machine[i].name : node_verbs[i - NMACHINE];
		unsigned d = distance(verb, name);

		if (d < least) {
			least = d;
			best = name;
		}
	}
	return best;
}

static bool unknown(struct reading *g)
{
	const char *verb = g->line->word[0], *best = meant(verb);
	char all[256] = "";

	if (best)
		return wrong(g, 0, "there is no command \"%.40s\": did you mean %s?", verb, best);
	for (size_t i = 0; i < NMACHINE + NNODE; i++)
		text_append(all, sizeof(all), "%s%s", i ? ", " : "",
			    i < NMACHINE ? machine[i].name : node_verbs[i - NMACHINE]);
	return wrong(g, 0, "there is no command \"%.40s\": there are %s", verb, all);
}

/* The commands whose first word is a port take an interface's name for it. */
static bool takes_port(const char *verb)
{
	return !strcmp(verb, "port") || !strcmp(verb, "neighbour");
}

static bool no_interface(struct reading *g, const char *name)
{
	for (uint32_t i = 0; i < g->r->nport; i++)
		if (distance(name, g->r->port[i].name) <= 1 + (strlen(name) > 4))
			return wrong(g, 1, "there is no interface \"%.40s\": did you mean %s?",
				     name, g->r->port[i].name);
	return wrong(
		g, 1,
		"there is no interface \"%.40s\" above this line: write interface %.40s DEVICE "
		"there",
		name, name);
}

static bool node_line(struct reading *g)
{
	const struct line *l = g->line;

	if (!strcmp(l->word[0], "node") && l->n > 1) {
		if (!text_is_name(l->word[1]) || strlen(l->word[1]) >= ROUTER_NAME)
			return wrong(g, 1,
				     "\"%.40s\" cannot be a node's name: a letter, then letters, "
				     "digits, "
				     "- or _, at most %u",
				     l->word[1], ROUTER_NAME - 1);
		strcpy(g->r->name, l->word[1]);
		g->named = true;
	}
	if (!takes_port(l->word[0]) || l->n < 2) {
		for (unsigned i = 0; i < l->n; i++)
			fprintf(g->commands, "%s ", l->word[i]);
		return true;
	}
	const char *name = l->word[1];
	int port = find_port(g->r, name);
	uint64_t v;

	if (port < 0 && parse_u64(name, &v))
		return no_interface(g, name);
	fprintf(g->commands, "%s ", l->word[0]);
	if (port < 0)
		fprintf(g->commands, "%s", name);
	else
		fprintf(g->commands, "%d", port);
	for (unsigned i = 2; i < l->n; i++)
		fprintf(g->commands, " %s", l->word[i]);
	return true;
}

static bool one_line(struct reading *g)
{
	const char *verb = g->line->word[0];

	for (size_t i = 0; i < NMACHINE; i++)
		if (!strcmp(machine[i].name, verb))
			return machine[i].fn(g);
	return config_is_verb(verb) ? node_line(g) : unknown(g);
}

/* ---- the node's own errors, which know the line only ---- */

static void cut(struct line *l, const char *text, size_t len, unsigned number)
{
	l->number = number;
	l->n = 0;
	len = len < sizeof(l->text) ? len : sizeof(l->text) - 1;
	memcpy(l->text, text, len);
	l->text[len] = 0;
	for (char *p = l->text; l->n < WORDS;) {
		p += strspn(p, " \t\r");
		if (!*p || *p == '#')
			return;
		l->column[l->n] = (unsigned)(p - l->text) + 1;
		l->word[l->n++] = p;
		p += strcspn(p, " \t\r");
		if (*p)
			*p++ = 0;
	}
}

static bool quotes(const char *text, const char *word)
{
	char quoted[128];

	snprintf(quoted, sizeof(quoted), "\"%s\"", word);
	return strstr(text, quoted) != NULL;
}

/* Is the word there as a whole? */
static bool mentions(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; len > 1 && (p = strstr(p, word)); p++)
		if ((p == text || strchr(" \"", p[-1])) && (!p[len] || strchr(" \",:;", p[len])))
			return true;
	return false;
}

static void line_at(struct line *l, const char *text, size_t len, unsigned number)
{
	const char *end = text + len;

	for (unsigned i = 1; i < number && text; i++) {
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : NULL;
	}
	const char *stop = text ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	cut(l, text ? text : "", text ? (size_t)((stop ? stop : end) - text) : 0, number);
}

/*
 * What the node's check says quotes the word that it is about, or at least names it: that is where the error stands. Ports have names here.
 */
static void place(struct reading *g, const struct config_error *ce, const char *text, size_t len)
{
	struct line l;
	unsigned word = 0;
	char said[320];
	const char *port = strstr(ce->text, "port ");
	uint32_t v;
	int used;

	if (port && sscanf(port, "port %" SCNu32 "%n", &v, &used) == 1 && v < g->r->nport)
		snprintf(said, sizeof(said), "%.*s%s%s", (int)(port - ce->text), ce->text,
			 g->r->port[v].name, port + used);
	else
		snprintf(said, sizeof(said), "%s", ce->text);
	line_at(&l, text, len, ce->line);
	if (!ce->line || !l.n) {
		if (g->nerr < ROUTER_ERRORS) {
			g->err[g->nerr] = (struct router_error){.line = 0};
			snprintf(g->err[g->nerr].text, sizeof(said), "%s", said);
		}
		g->nerr++;
		return;
	}
	for (unsigned i = l.n; i-- > 1 && !word;)
		word = quotes(ce->text, l.word[i]) ? i : 0;
	for (unsigned i = l.n; i-- > 1 && !word;)
		word = mentions(ce->text, l.word[i]) ? i : 0;
	g->line = &l;
	wrong(g, word, "%s", said);
}

/* Does a line of these say what the node's ports are? */
static bool says_ports(const char *text, size_t len, unsigned number)
{
	struct line l;

	line_at(&l, text, len, number);
	return l.n && !strcmp(l.word[0], "port");
}

/*
 * Is it an echo of another error? A route is wrong for want of an address that stands in a line with an error itself. Such lines are right
 * when read alone.
 */
static bool is_echo(const struct reading *g, unsigned number)
{
	static struct config alone;
	const struct config_host host = {.nport = g->r->nport};
	char err[CONFIG_ERROR], text[2048];
	struct words words;
	struct line l;

	if (!g->port_wrong || !number || says_ports(g->r->commands, g->r->len, number))
		return false;
	line_at(&l, g->r->commands, g->r->len, number);
	text[0] = 0;
	for (unsigned i = 0; i < l.n; i++)
		text_append(text, sizeof(text), "%s ", l.word[i]);
	config_init(&alone, &host);
	return l.n && text_split(text, &words) && config_command(&alone, &words, err);
}

static void check_node(struct reading *g, const char *text, size_t len)
{
	static struct config c;
	static struct config_error ce[ROUTER_ERRORS];
	const struct config_host host = {.nport = g->r->nport};

	config_init(&c, &host);
	unsigned n = config_file(&c, g->r->commands, g->r->len, ce, ROUTER_ERRORS);
	config_drop_modules(&c);
	for (unsigned i = 0; i < n && i < ROUTER_ERRORS; i++)
		g->port_wrong = g->port_wrong || says_ports(text, len, ce[i].line);
	for (unsigned i = 0; i < n && i < ROUTER_ERRORS; i++)
		if (!is_echo(g, ce[i].line))
			place(g, &ce[i], text, len);
}

static int by_line(const void *a, const void *b)
{
	const struct router_error *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

unsigned router_parse(struct router *r, const char *text, size_t len, const char *name,
		      struct router_error err[ROUTER_ERRORS])
{
	struct reading g = {.r = r, .err = err};
	unsigned number = 1;

	memset(r, 0, sizeof(*r));
	r->hitless = true;
	g.commands = open_memstream(&r->commands, &r->len);
	if (!g.commands)
		abort();
	for (const char *p = text, *end = text + len; p < end; number++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct line l;

		stop = stop ? stop : end;
		cut(&l, p, (size_t)(stop - p), number);
		g.line = &l;
		if (l.n && (size_t)(stop - p) >= sizeof(l.text))
			wrong(&g, 0, "this line is longer than %zu bytes", sizeof(l.text) - 1);
		else if (l.n)
			one_line(&g);
		fputc('\n', g.commands);
		p = stop + 1;
	}
	if (!g.named && name) {
		snprintf(r->name, sizeof(r->name), "%s", name);
		fprintf(g.commands, "node %s\n", name);
	}
	fclose(g.commands);
	check_node(&g, text, len);
	qsort(err, g.nerr < ROUTER_ERRORS ? g.nerr : ROUTER_ERRORS, sizeof(*err), by_line);
	return g.nerr;
}

void router_free(struct router *r)
{
	free(r->commands);
	r->commands = NULL;
}
