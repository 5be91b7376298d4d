/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "xok/abi.h"

/* ---- requests ---- */

/* The end of the head: an empty line. RFC 9112 2.2: a line may end without CR. 0: it is not there yet. */
static size_t head_length(const char *buf, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (buf[i] == '\n' &&
		    (buf[i - 1] == '\n' || (i > 1 && buf[i - 1] == '\r' && buf[i - 2] == '\n')))
			return i + 1;
	return 0;
}

/* RFC 9112 3.2: a request of HTTP/1.1 names the host, in exactly one line. */
static unsigned host_lines(const char *head)
{
	unsigned n = 0;

	for (const char *p = head; (p = strchr(p, '\n')); p++)
		n += !strncasecmp(p + 1, "host:", 5);
	return n;
}

/* RFC 9112 3.2.2: the target may be a whole URI. What stands behind a question mark is nobody's here. */
static bool is_ours(const char *target)
{
	if (!strncasecmp(target, "http://", 7)) {
		target += 7 + strcspn(target + 7, "/?");
	}
	return !strncmp(target, "/metrics", 8) && (!target[8] || target[8] == '?');
}

/* Cuts a word off the line that *p stands in; what ends it must be `end`. NULL: something else does. */
static char *word(char **p, char end)
{
	char *w = *p;

	*p += strcspn(*p, " \t\r\n");
	if (*p == w || **p != end)
		return NULL;
	*(*p)++ = 0;
	return w;
}

int metrics_request(const char *buf, size_t len, bool *head)
{
	char text[METRICS_REQUEST + 1], *p = text;
	size_t n = head_length(buf, len < METRICS_REQUEST ? len : METRICS_REQUEST);

	*head = false;
	if (!n)
		return len >= METRICS_REQUEST ? 431 : 0;
	memcpy(text, buf, n);
	text[n] = 0;
	if (strlen(text) != n)
		return 400;
	unsigned hosts = host_lines(text);
	const char *method = word(&p, ' '), *target = method ? word(&p, ' ') : NULL;
	const char *version = target ? word(&p, p[strcspn(p, "\r\n")]) : NULL;

	if (!version || strncmp(version, "HTTP/", 5) != 0)
		return 400;
	if (strcmp(version, "HTTP/1.0") != 0 && strcmp(version, "HTTP/1.1") != 0)
		return 505;
	if (version[7] == '1' && hosts != 1)
		return 400;
	if (!is_ours(target))
		return 404;
	*head = !strcmp(method, "HEAD");
	return *head || !strcmp(method, "GET") ? 200 : 405;
}

const char *metrics_reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 431: return "Request Header Fields Too Large";
	case 503: return "Service Unavailable";
	default: return "HTTP Version Not Supported";
	}
}

/* ---- what is shown ---- */

const char *const metrics_table[METRICS_TABLES] = {"interfaces", "ports",  "drops",
						   "counters",	 "tables", "neighbours",
						   "handlers",	 "lcores", "domains"};

static const struct metric {
	const char *name, *type, *table, *column, *labels, *fixed;
	double unit;
	const char *help;
} metrics[] = {
#define METRIC(name, type, table, column, labels, fixed, unit, help) \
	{#name, #type, table, column, labels, fixed, unit, help},
#include "metrics.def"
#undef METRIC
};
#define NMETRIC (sizeof(metrics) / sizeof(metrics[0]))

/* ---- samples ---- */

/* The samples of one metric, by what stands between the braces. */
struct samples {
	struct sample {
		char *labels;
		double value;
	} * s;
	size_t n;
};

static void add_sample(struct samples *all, const char *labels, double value)
{
	size_t i = 0;

	while (i < all->n && strcmp(all->s[i].labels, labels) != 0)
		i++;
	if (i == all->n) {
		all->s = realloc(all->s, ++all->n * sizeof(*all->s));
		if (!all->s || !(all->s[i].labels = strdup(labels)))
			abort();
		all->s[i].value = 0;
	}
	all->s[i].value += value;
}

#define LABEL 64u    /* bytes of a value; no name in a table is as long */
#define LABELS 1024u /* room for all of a sample, each of its bytes escaped */

/* NAME="VALUE": a backslash, a quotation mark and the end of a line are escaped; names in tables are ASCII. */
static void add_label(char *buf, size_t size, const char *name, const char *value)
{
	text_append(buf, size, "%s%s=\"", *buf ? "," : "", name);
	for (unsigned i = 0; *value && i < LABEL; value++, i++) {
		bool plain = *value >= 0x20 && *value < 0x7f;

		if (*value == '\\' || *value == '"')
			text_append(buf, size, "\\%c", *value);
		else if (*value == '\n')
			text_append(buf, size, "\\n");
		else
			text_append(buf, size, "%c", plain ? *value : '?');
	}
	text_append(buf, size, "\"");
}

static void add_member(char *buf, size_t size, const cJSON *row, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
	char number[32];

	snprintf(number, sizeof(number), "%.0f", cJSON_IsNumber(v) ? v->valuedouble : 0);
	add_label(buf, size, name, cJSON_IsString(v) ? v->valuestring : number);
}

/* [MEMBER=TEXT]:LABEL=VALUE. False: the row is none of those. */
static bool add_fixed(char *buf, size_t size, const cJSON *row, const char *fixed)
{
	char member[32] = "", is[32] = "", label[32], value[32];

	if (!*fixed)
		return true;
	if (sscanf(fixed, ":%31[^=]=%31s", label, value) != 2 &&
	    sscanf(fixed, "%31[^=]=%31[^:]:%31[^=]=%31s", member, is, label, value) != 4)
		abort();
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, member));

	if (*member && (!text || strcmp(text, is) != 0))
		return false;
	add_label(buf, size, label, value);
	return true;
}

static double value_of(const cJSON *row, const struct metric *m)
{
	const char *is = strchr(m->column, '=');
	char column[32];

	if (!*m->column)
		return 1;
	snprintf(column, sizeof(column), "%.*s", (int)strcspn(m->column, "="), m->column);
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, column);

	if (is)
		return cJSON_IsString(v) && !strcmp(v->valuestring, is + 1);
	return cJSON_IsNumber(v) ? v->valuedouble * m->unit : 0;
}

static void sample_row(struct samples *all, const struct metric *m, const cJSON *row)
{
	char labels[LABELS] = "", name[32];
	int used;

	for (const char *p = m->labels; sscanf(p, "%31s%n", name, &used) == 1; p += used)
		add_member(labels, sizeof(labels), row, name);
	if (add_fixed(labels, sizeof(labels), row, m->fixed))
		add_sample(all, labels, value_of(row, m));
}

/* ---- the exposition ---- */

/* All digits: no number of ours has a fraction that counts, and of large ones each unit does. */
static void print_samples(FILE *out, const char *name, struct samples *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct sample *s = &all->s[i];

		if (*s->labels)
			fprintf(out, "%s{%s} %.0f\n", name, s->labels, s->value);
		else
			fprintf(out, "%s %.0f\n", name, s->value);
		free(s->labels);
	}
	free(all->s);
	*all = (struct samples){0};
}

static void print_head(FILE *out, const struct metric *m)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
}

static const cJSON *rows_of(cJSON *rows[METRICS_TABLES], const char *table)
{
	for (unsigned i = 0; i < METRICS_TABLES; i++)
		if (!strcmp(metrics_table[i], table))
			return rows[i];
	return NULL;
}

/* Ports have numbers in their table; the interface that is the port itself, and no VLAN at it, has its name. */
static void name_ports(cJSON *rows[METRICS_TABLES])
{
	const cJSON *ports = rows_of(rows, "ports"), *interfaces = rows_of(rows, "interfaces"), *i;
	cJSON *p;

	cJSON_ArrayForEach(p, ports)
	{
		const cJSON *number = cJSON_GetObjectItemCaseSensitive(p, "port");
		const char *name = "";

		cJSON_ArrayForEach(i, interfaces)
		{
			const cJSON *vlan = cJSON_GetObjectItemCaseSensitive(i, "vlan");

			if (cJSON_IsNumber(vlan) && !vlan->valueint &&
			    cJSON_Compare(cJSON_GetObjectItemCaseSensitive(i, "port"), number,
					  true))
				name = cJSON_GetStringValue(
					cJSON_GetObjectItemCaseSensitive(i, "name"));
		}
		cJSON_AddStringToObject(p, "interface", name ? name : "");
	}
}

void metrics_print(FILE *out, cJSON *rows[METRICS_TABLES], const char *node, const char *version)
{
	struct samples all = {0};
	char labels[LABELS] = "";

	name_ports(rows);
	add_label(labels, sizeof(labels), "version", version);
	add_label(labels, sizeof(labels), "node", node);
	fprintf(out,
		"# HELP amp_build_info The version that runs, and the node's name.\n"
		"# TYPE amp_build_info gauge\namp_build_info{%s} 1\n",
		labels);
	for (size_t i = 0; i < NMETRIC; i++) {
		const struct metric *m = &metrics[i];
		const cJSON *row;

		if (!i || strcmp(m->name, m[-1].name) != 0)
			print_head(out, m);
		cJSON_ArrayForEach(row, rows_of(rows, m->table))
		{
			sample_row(&all, m, row);
		}
		if (i + 1 == NMETRIC || strcmp(m->name, m[1].name) != 0)
			print_samples(out, m->name, &all);
	}
}
