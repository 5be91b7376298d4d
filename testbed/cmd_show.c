/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_show.c - amp show: a table of a running node, once; amp watch: over and over, with rates. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"
#include "loop.h"
#include "nodeos/lib/text.h"
#include "text.h"

static const char *const show_usage =
	"usage: amp show NODE TABLE [FILTER] [-t TESTBED] [--json]\n"
	"\n"
	"TABLE: %s\n"
	"       handlers are the programs in the kernel and what each did with its packets (--json "
	"has every\n"
	"       outcome: stopped, throttled, ...), tables what they share with the node; units are "
	"work units.\n"
	"FILTER: only rows one of whose cells is this text, such as the name of a counter\n";

static const char *const watch_usage =
	"usage: amp watch NODE TABLE [FILTER] [-i SECS] [-n COUNT] [--all] [-t TESTBED]\n"
	"\n"
	"Asks for the table every SECS (default 1) and shows the rows in which a number has "
	"changed, such a "
	"number with what it\n"
	"grew by in a second; --all shows the other rows as well. -n ends it after COUNT times, "
	"Ctrl-C at "
	"any.\n"
	"TABLE: %s\n";

static const struct option options[] = {{"testbed", required_argument, NULL, 't'},
					{"json", no_argument, NULL, 'j'},
					{"all", no_argument, NULL, 'a'},
					{"interval", required_argument, NULL, 'i'},
					{"count", required_argument, NULL, 'n'},
					{"help", no_argument, NULL, 'h'},
					{NULL, 0, NULL, 0}};

struct request {
	const char *verb, *usage, *node, *table, *filter, *testbed;
	char tables[256]; /* all that a node has */
	uint64_t interval, count;
	bool json, all;
};

/* The node's own list of them: what `show` takes there. */
static void name_tables(char *out, size_t size)
{
	static const struct {
		const char *verb, *usage;
	} verbs[] = {
#define CONFIG_VERB(name, least, most, usage, text)
#define RUN_VERB(name, least, most, usage, text) {#name, usage},
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, "show"))
			snprintf(out, size, "%s", verbs[i].usage);
	for (char *p = out; (p = strchr(p, '|'));)
		*p = ' ';
}

static bool known_table(const char *tables, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = tables; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
		if (!strncmp(p, name, n) && (p[n] == ' ' || !p[n]))
			return n > 0;
	return false;
}

/* What other systems call a table, or the one that may have been meant; NULL: none is like it. */
static const char *meant(const char *tables, const char *name)
{
	static const char *const other[][2] = {
		{"arp", "neighbours"},	    {"nd", "neighbours"},  {"neighbors", "neighbours"},
		{"neighbor", "neighbours"}, {"fib", "routes"},	   {"links", "interfaces"},
		{"addresses", "ports"},	    {"stats", "counters"}, {"cpu", "lcores"}};
	static char list[256];
	const char *word[32];
	size_t n = 0;
	char *rest;

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (!strcmp(name, other[i][0]))
			return other[i][1];
	snprintf(list, sizeof(list), "%s", tables);
	for (char *w = strtok_r(list, " ", &rest); w && n < 32; w = strtok_r(NULL, " ", &rest))
		word[n++] = w;
	return text_nearest(name, word, n);
}

static int no_table(const struct request *q)
{
	const char *near = meant(q->tables, q->table);

	if (near)
		return cmd_misuse(q->verb,
				  "there is no table '%.40s': did you mean %s? A node has %s",
				  q->table, near, q->tables);
	return cmd_misuse(q->verb, "there is no table '%.40s': a node has %s", q->table, q->tables);
}

/* AMP_DONE after --help; -1: go on. */
static int read_request(struct request *q, int argc, char **argv)
{
	static const struct parse_unit secs[] = {
		{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {NULL, 0}};
	static const struct cmd_value forms[] = {
		{'i', "-i", "seconds up to 3600, or such as 200ms"},
		{'n', "-n", "a number from 1 to 1000000"},
		{0}};
	bool watch = !strcmp(q->verb, "watch");

	name_tables(q->tables, sizeof(q->tables));
	for (int c; (c = getopt_long(argc, argv, "t:i:n:", options, NULL)) != -1;) {
		bool bad = false;

		if (strchr(watch ? "j" : "ain", c))
			return cmd_misuse(q->verb, "that option is one of amp %s",
					  watch ? "show" : "watch");
		switch (c) {
		case 't': q->testbed = optarg; break;
		case 'j': q->json = true; break;
		case 'a': q->all = true; break;
		case 'i':
			bad = parse_quantity(optarg, secs, &q->interval) ||
			      q->interval < 10000000 || q->interval > 3600000000000ull;
			break;
		case 'n':
			bad = parse_u64(optarg, &q->count) || !q->count || q->count > 1000000;
			break;
		case 'h': printf(q->usage, q->tables); return AMP_DONE;
		default: bad = true; break;
		}
		if (bad)
			return cmd_bad_option(q->verb, forms, c, optarg);
	}
	if (argc - optind < 2 || argc - optind > 3)
		return cmd_misuse(q->verb, "name a node and a table");
	q->node = argv[optind];
	q->table = argv[optind + 1];
	q->filter = argv[optind + 2];
	if (!known_table(q->tables, q->table))
		return no_table(q);
	return -1;
}

static bool row_has(const cJSON *row, const char *text)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, row)
	{
		if (cJSON_IsString(v) && !strcmp(v->valuestring, text))
			return true;
	}
	return false;
}

struct showing {
	const struct request *q;
	struct rows rows;
};

/* Of no use any more when nobody reads what is printed. */
static bool show_row(void *arg, cJSON *row)
{
	struct showing *s = arg;

	if (!s->q->filter || row_has(row, s->q->filter))
		rows_add(&s->rows, row);
	cJSON_Delete(row);
	return !ferror(stdout);
}

int cmd_show(int argc, char **argv)
{
	static struct control c;
	struct request q = {.verb = "show", .usage = show_usage};
	struct showing s = {.q = &q};
	int rc = read_request(&q, argc, argv);

	if (rc >= 0)
		return rc;
	if (!places_open(&c, q.testbed, q.node))
		return cmd_error("show", "%s", c.err);
	rows_begin(&s.rows, q.json);
	rc = AMP_DONE;
	if (control_rows(&c, q.node, show_row, &s, "show %.64s", q.table) || s.rows.n)
		rows_end(&s.rows);
	if (c.err[0])
		rc = cmd_error("show", "%s", c.err);
	control_close(&c);
	return rc;
}

/* ---- watch ---- */

/* Rows are the same when all their texts are, and the number of the row's own that tables call id. */
static bool same_row(const cJSON *a, const cJSON *b)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, a)
	{
		const cJSON *w = cJSON_GetObjectItemCaseSensitive(b, v->string);

		if ((cJSON_IsString(v) || !strcmp(v->string, "id")) && !cJSON_Compare(v, w, true))
			return false;
	}
	return true;
}

/*
 * The row like this one. Tables keep their order as a rule, so it is the one behind the last that was found (*at, NULL: none yet); only else all of them are
 * looked at.
 */
static const cJSON *find_row(const cJSON *rows, const cJSON **at, const cJSON *like)
{
	const cJSON *row = *at ? (*at)->next : rows->child;

	if (!row || !same_row(row, like)) {
		cJSON_ArrayForEach(row, rows)
		{
			if (same_row(row, like))
				break;
		}
	}
	if (row)
		*at = row;
	return row;
}

/* A row with its changed numbers as text; NULL: none has changed. */
static cJSON *with_rates(const cJSON *row, const cJSON *before, double seconds)
{
	cJSON *out = cJSON_Duplicate(row, true);
	bool changed = false;
	const cJSON *v;

	cJSON_ArrayForEach(v, row)
	{
		const cJSON *w = cJSON_GetObjectItemCaseSensitive(before, v->string);
		char text[64];

		if (!cJSON_IsNumber(v) || !cJSON_IsNumber(w) || v->valuedouble == w->valuedouble)
			continue;
		snprintf(text, sizeof(text), "%.0f %+.0f/s", v->valuedouble,
			 (v->valuedouble - w->valuedouble) / seconds);
		cJSON_ReplaceItemInObjectCaseSensitive(out, v->string, cJSON_CreateString(text));
		changed = true;
	}
	if (changed)
		return out;
	cJSON_Delete(out);
	return NULL;
}

static void show_changes(const struct request *q, const cJSON *now, const cJSON *before,
			 double seconds)
{
	cJSON *shown = cJSON_CreateArray();
	const cJSON *row, *at = NULL;

	cJSON_ArrayForEach(row, now)
	{
		cJSON *changed = with_rates(row, find_row(before, &at, row), seconds);

		if (!changed && q->all)
			changed = cJSON_Duplicate(row, true);
		if (changed)
			cJSON_AddItemToArray(shown, changed);
	}
	if (isatty(1))
		printf("\033[H\033[J%s %s, every %.3g s\n\n", q->node, q->table,
		       (double)q->interval / 1e9);
	if (shown->child)
		rows_print(shown, false);
	else
		puts("(nothing changes)");
	if (!isatty(1))
		putchar('\n');
	fflush(stdout);
	cJSON_Delete(shown);
}

struct wanted {
	const char *filter;
	cJSON *rows;
};

static bool keep_row(void *arg, cJSON *row)
{
	struct wanted *w = arg;

	if (!w->filter || row_has(row, w->filter))
		cJSON_AddItemToArray(w->rows, row);
	else
		cJSON_Delete(row);
	return !cmd_interrupted;
}

/* The rows that are wanted, or NULL, with c->err unless we were interrupted. */
static cJSON *ask(struct control *c, const struct request *q)
{
	struct wanted w = {.filter = q->filter, .rows = cJSON_CreateArray()};

	if (control_rows(c, q->node, keep_row, &w, "show %.64s", q->table))
		return w.rows;
	cJSON_Delete(w.rows);
	return NULL;
}

static void wait_until(uint64_t when)
{
	for (uint64_t now; !cmd_interrupted && (now = loop_now()) < when;)
		usleep((useconds_t)((when - now) / 1000 < 100000 ? (when - now) / 1000 + 1
								 : 100000));
}

int cmd_watch(int argc, char **argv)
{
	static struct control c;
	struct request q = {.verb = "watch", .usage = watch_usage, .interval = 1000000000};
	cJSON *before = NULL;
	uint64_t asked = 0;
	int rc = read_request(&q, argc, argv);

	if (rc >= 0)
		return rc;
	if (!places_open(&c, q.testbed, q.node))
		return cmd_error("watch", "%s", c.err);
	cmd_catch_signals();
	for (uint64_t n = 0; !cmd_interrupted && (!q.count || n <= q.count) && !ferror(stdout);
	     n++) {
		uint64_t at = loop_now();
		cJSON *rows = ask(&c, &q);

		if (!rows)
			break;
		if (before)
			show_changes(&q, rows, before, (double)(at - asked) / 1e9);
		cJSON_Delete(before);
		before = rows;
		asked = at;
		if (!q.count || n < q.count)
			wait_until(at + q.interval);
	}
	rc = *c.err ? cmd_error("watch", "%s", c.err) : AMP_DONE;
	cJSON_Delete(before);
	control_close(&c);
	return rc;
}
