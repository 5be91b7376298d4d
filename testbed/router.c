/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - reads router.conf: carries out the machine's lines, hands the others to the node's own checks, and places every error. */
#include "router.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/lib/text.h"
#include "nodeos/root/config.h"
#include "router_read.h"
#include "text.h"

/* What else the node's first environment needs of the memory, in MiB. */
#define MEMORY_BESIDES 16u
#define MEMORY_USUAL 256u

/* ---- errors ---- */

struct router_place router_place(const struct line *l, unsigned word)
{
	word = word < l->n ? word : l->n - 1;
	return (struct router_place){l->number, l->column[word], (unsigned)strlen(l->word[word])};
}

static void note(struct reading *g, struct router_place at, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void note(struct reading *g, struct router_place at, const char *fmt, va_list ap)
{
	struct router_error spare, *e = g->nerr < ROUTER_FOUND ? &g->err[g->nerr] : &spare;
	char text[sizeof(e->text)];

	g->nerr++;
	*e = (struct router_error){.line = at.line, .column = at.column, .width = at.width};
	vsnprintf(text, sizeof(text), fmt, ap);
	/* Our own lines stay; what they quote may be anything. */
	for (char *p = text, *save; (p = strtok_r(p, "\n", &save)); p = NULL) {
		size_t n = strlen(e->text);

		if (n + 1 < sizeof(e->text) && n)
			strcat(e->text + n++, "\n");
		router_shown(e->text + n, sizeof(e->text) - n, p, strlen(p));
	}
}

bool router_wrong_at(struct reading *g, struct router_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(g, at, fmt, ap);
	va_end(ap);
	return false;
}

static void lose(struct reading *g, const struct line *l);

bool router_wrong(struct reading *g, unsigned word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(g, router_place(g->line, word), fmt, ap);
	va_end(ap);
	lose(g, g->line);
	return false;
}

int router_find_port(const struct router *r, const char *name, size_t len)
{
	for (uint32_t i = 0; i < r->nport; i++)
		if (strlen(r->port[i].name) == len && !memcmp(r->port[i].name, name, len))
			return (int)i;
	return -1;
}

/* ---- networks that are missing because their own line is wrong ---- */

static bool read_prefix(const char *s, struct ip6 *net, uint8_t *len)
{
	uint32_t v4;

	if (strchr(s, ':'))
		return text_prefix6(s, net, len);
	if (!text_prefix(s, &v4, len))
		return false;
	*net = ip6_mapped(v4);
	*len = (uint8_t)(*len + 96);
	return true;
}

/* It may have been meant for one. */
static bool like_address(const char *s)
{
	size_t digits = strspn(s, "[0123456789abcdefABCDEF");

	return s[digits] == ':' || (s[digits] == '.' && strspn(s, "0123456789") == digits);
}

static void lose(struct reading *g, const struct line *l)
{
	const char *verb = l->word[0];

	g->wants_name = g->wants_name || !strcmp(verb, "node");
	g->wants_interface = g->wants_interface || !strcmp(verb, "interface");
	if (!strcmp(verb, "route") || !strcmp(verb, "neighbour") || !strcmp(verb, "loopback") ||
	    !strcmp(verb, "interface"))
		return;
	for (unsigned i = 1; i < l->n; i++) {
		struct ip6 net;
		uint8_t len;

		if (read_prefix(l->word[i], &net, &len) && g->nlost < LOST) {
			g->lost[g->nlost].net = net;
			g->lost[g->nlost++].len = len;
		} else if (like_address(l->word[i])) {
			g->lost_any = true;
		}
	}
}

static bool is_lost(const struct reading *g, const char *addr)
{
	struct ip6 a;
	uint32_t v4;

	if (text_ip4(addr, &v4))
		a = ip6_mapped(v4);
	else if (!text_ip6(addr, &a))
		return false;
	for (unsigned i = 0; i < g->nlost; i++)
		if (ip6_match(&a, &g->lost[i].net, g->lost[i].len))
			return true;
	return g->lost_any;
}

/* ---- the node's lines ---- */

static const char *const node_verbs[] = {
#define CONFIG_VERB(name, least, most, usage, text) #name,
#define RUN_VERB(name, least, most, usage, text)
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
};
#define NNODE (sizeof(node_verbs) / sizeof(node_verbs[0]))

#define VERBS (ROUTER_MACHINE + NNODE)

static const char *verb(size_t i)
{
	return i < ROUTER_MACHINE ? router_machine_verb(i) : node_verbs[i - ROUTER_MACHINE];
}

static bool unknown(struct reading *g)
{
	const char *said = g->line->word[0], *all[VERBS], *best;
	char list[256] = "";
	bool known;

	for (size_t i = 0; i < VERBS; i++)
		all[i] = verb(i);
	best = text_nearest(said, all, VERBS);
	if (!best) {
		for (size_t i = 0; i < VERBS; i++)
			text_append(list, sizeof(list), "%s%s", i ? ", " : "", all[i]);
		return router_wrong(g, 0, "there is no command \"%.40s\": there are %s", said,
				    list);
	}
	router_wrong(g, 0, "there is no command \"%.40s\": did you mean %s?", said, best);
	g->wants_name = g->wants_name || !strcmp(best, "node");
	/* The interface is there, so that the lines that use it are not wrong as well. */
	if (!strcmp(best, "interface"))
		router_machine(g, best, &known);
	return false;
}

/* The commands whose first word is a port take an interface's name for it. */
static bool takes_port(const char *verb)
{
	return !strcmp(verb, "port") || !strcmp(verb, "neighbour");
}

static bool no_interface(struct reading *g, const char *name)
{
	const char *all[ROUTER_PORTS], *near;
	size_t len = strcspn(name, ".");
	char port[LINE_BYTES];

	for (uint32_t i = 0; i < g->r->nport; i++)
		all[i] = g->r->port[i].name;
	near = text_nearest(name, all, g->r->nport);
	if (near)
		return router_wrong(g, 1, "there is no interface \"%.40s\": did you mean %s?", name,
				    near);
	snprintf(port, sizeof(port), "%.*s", (int)len, name);
	near = name[len] ? text_nearest(port, all, g->r->nport) : NULL;
	if (near)
		return router_wrong(g, 1, "there is no interface \"%.40s\": did you mean %s%.20s?",
				    name, near, name + len);
	return router_wrong(
		g, 1,
		"there is no interface \"%.40s\" above this line: write interface %.40s "
		"DEVICE there",
		name, name);
}

/* The number of the port that a word names, and what of the word follows its name: nothing, or a dot and a VLAN. -1: none. */
static int port_of(const struct router *r, const char *name, const char **rest)
{
	const char *dot = strrchr(name, '.');
	int port = router_find_port(r, name, strlen(name));
	uint64_t id;

	*rest = name + strlen(name);
	if (port >= 0 || !dot || parse_u64(dot + 1, &id))
		return port;
	*rest = dot;
	return router_find_port(r, name, (size_t)(dot - name));
}

static bool node_line(struct reading *g)
{
	const struct line *l = g->line;

	if (!strcmp(l->word[0], "node") && l->n > 1) {
		if (!text_is_name(l->word[1]) || strlen(l->word[1]) >= ROUTER_NAME)
			return router_wrong(g, 1,
					    "\"%.40s\" cannot be a node's name: a letter, then "
					    "letters, digits, - or _, at most %u",
					    l->word[1], ROUTER_NAME - 1);
		if (!g->named)
			strcpy(g->r->name, l->word[1]);
		g->named = true;
	}
	if (!strcmp(l->word[0], "routes") && l->n > 1)
		g->routes_at = router_place(l, 1);
	if (!takes_port(l->word[0]) || l->n < 2) {
		for (unsigned i = 0; i < l->n; i++)
			fprintf(g->commands, "%s ", l->word[i]);
		return true;
	}
	const char *name = l->word[1];
	const char *rest;
	int port = port_of(g->r, name, &rest);
	uint64_t v;

	if (port < 0 && parse_u64(name, &v))
		return no_interface(g, name);
	fprintf(g->commands, "%s ", l->word[0]);
	if (port < 0)
		fprintf(g->commands, "%s", name);
	else
		fprintf(g->commands, "%d%s", port, rest);
	for (unsigned i = 2; i < l->n; i++)
		fprintf(g->commands, " %s", l->word[i]);
	return true;
}

/* Is all of it text that people see? */
static bool is_text(struct reading *g)
{
	for (unsigned i = 0; i < g->line->n; i++) {
		struct router_place at = router_place(g->line, i);
		size_t skip;
		char why[128];

		if (!router_odd(g->line->word[i], &skip, &at.width, why))
			continue;
		at.column += (unsigned)skip;
		lose(g, g->line);
		g->lost_any = true;
		return router_wrong_at(g, at, "%s", why);
	}
	return true;
}

static bool one_line(struct reading *g)
{
	const char *word = g->line->word[0];
	bool known, right;

	if (!is_text(g))
		return false;
	right = router_machine(g, word, &known);
	return known ? right : config_is_verb(word) ? node_line(g) : unknown(g);
}

/* ---- the whole ---- */

static void cut(struct line *l, const char *text, size_t len, unsigned number)
{
	l->number = number;
	l->n = 0;
	len = len < sizeof(l->text) ? len : sizeof(l->text) - 1;
	memcpy(l->text, text, len);
	l->text[len] = 0;
	for (char *p = l->text; l->n < LINE_WORDS;) {
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

/* Says what the node's check said, at the word that it is about: the words of both files are the same but for ports' names. */
static void place(struct reading *g, const struct config_error *ce, const char *text, size_t len)
{
	struct line l, sent;
	unsigned word = 0;

	line_at(&l, text, len, ce->line);
	line_at(&sent, g->r->commands, g->r->len, ce->line);
	if (!ce->line || !l.n) {
		router_wrong_at(g, (struct router_place){0}, "%s", ce->text);
		return;
	}
	for (unsigned i = 0; i < sent.n && i < l.n; i++)
		if (sent.column[i] == ce->column)
			word = i;
	if (ce->missing && is_lost(g, l.word[word]))
		return;
	g->line = &l;
	if (ce->missing)
		router_wrong_at(g, router_place(&l, word), "%s", ce->text);
	else
		router_wrong(g, word, "%s", ce->text);
}

static void check_node(struct reading *g, const char *text, size_t len)
{
	static struct config c;
	static struct config_error ce[ROUTER_FOUND];
	struct config_host host = {.nport = g->r->nport};

	for (uint32_t i = 0; i < g->r->nport; i++)
		strcpy(host.name[i], g->r->port[i].name);
	config_init(&c, &host);
	unsigned n = config_file(&c, g->r->commands, g->r->len, ce, ROUTER_FOUND);
	config_drop_modules(&c);
	n = n < ROUTER_FOUND ? n : ROUTER_FOUND;
	for (unsigned i = 0; i < n; i++)
		if (ce[i].line && !ce[i].missing)
			place(g, &ce[i], text, len);
	for (unsigned i = 0; i < n; i++)
		if (ce[i].line && ce[i].missing)
			place(g, &ce[i], text, len);
	if (!g->r->name[0] && !g->wants_name)
		router_wrong_at(g, (struct router_place){0},
				"the node has no name: begin with node NAME");
}

/* What the whole of the machine's lines can tell. */
static void check_machine(struct reading *g)
{
	const struct router *r = g->r;
	uint32_t routes = config_routes(r->commands, r->len);
	size_t need = node_size(routes) >> 20;
	uint32_t has = r->memory ? r->memory : MEMORY_USUAL;

	if (!r->nport && !g->wants_interface)
		router_wrong_at(g, (struct router_place){0},
				"there is no interface: write interface NAME DEVICE for each, such "
				"as interface lan af_packet:eth1");
	if (g->routes_at.line && need && need + MEMORY_BESIDES > has)
		router_wrong_at(
			g, g->routes_at,
			"tables of %u routes take %zu MiB, and memory is %u: write memory %zu",
			routes, need, has, need + MEMORY_BESIDES);
}

static int by_line(const void *a, const void *b)
{
	const struct router_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

void router_sort(struct router_error *err, unsigned n)
{
	qsort(err, n, sizeof(*err), by_line);
}

/* Reads the line at text, which ends at stop. False: what follows is not to be read. */
static bool read_line(struct reading *g, const char *text, const char *stop, unsigned number,
		      size_t skip)
{
	const char *zero = memchr(text, 0, (size_t)(stop - text));
	struct line l;

	if (zero)
		return router_wrong_at(
			g, (struct router_place){number, (unsigned)(zero - text) + 1, 1},
			"a byte of value 0 stands here: this is no text file, and what follows was "
			"not "
			"read");
	cut(&l, text + skip, (size_t)(stop - text) - skip, number);
	for (unsigned i = 0; i < l.n; i++)
		l.column[i] += (unsigned)skip;
	g->line = &l;
	if (l.n && (size_t)(stop - text) - skip >= sizeof(l.text))
		router_wrong(g, 0, "this line is longer than %zu bytes", sizeof(l.text) - 1);
	else if (l.n)
		one_line(g);
	fputc('\n', g->commands);
	return true;
}

unsigned router_parse(struct router *r, const char *text, size_t len, const char *name,
		      struct router_error err[ROUTER_ERRORS])
{
	static struct router_error found[ROUTER_FOUND];
	struct reading g = {.r = r, .err = found};
	unsigned number = 1;
	bool whole = true;

	memset(r, 0, sizeof(*r));
	r->hitless = true;
	g.commands = open_memstream(&r->commands, &r->len);
	if (!g.commands)
		abort();
	for (const char *p = text, *end = text + len; p < end && whole; number++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		whole = read_line(&g, p, stop, number, number == 1 ? router_mark(text, len) : 0);
		p = stop + 1;
	}
	if (!g.named && name) {
		snprintf(r->name, sizeof(r->name), "%s", name);
		fprintf(g.commands, "node %s\n", name);
	}
	fclose(g.commands);
	if (whole) {
		check_node(&g, text, len);
		check_machine(&g);
	}
	unsigned n = g.nerr < ROUTER_FOUND ? g.nerr : ROUTER_FOUND;

	router_sort(found, n);
	memcpy(err, found, (n < ROUTER_ERRORS ? n : ROUTER_ERRORS) * sizeof(*err));
	return g.nerr;
}

void router_free(struct router *r)
{
	free(r->commands);
	r->commands = NULL;
}
