/* SPDX-License-Identifier: BSD-2-Clause */
/* router_file.c - a router's configuration from its file, with every error told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "router.h"
#include "text.h"

/* For people: the line itself, and under it what is wrong with it. */
static void show_line(const char *text, const struct router_error *e)
{
	const char *line = text;

	for (unsigned i = 1; i < e->line && line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return;
	int len = (int)strcspn(line, "\r\n");

	fprintf(stderr, "    %.*s\n    ", len, line);
	for (unsigned i = 0; i + 1 < e->column; i++)
		fputc(line[i] == '\t' ? '\t' : ' ', stderr);
	fputc('^', stderr);
	for (unsigned i = 1; i < e->width; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
}

static void show_error(struct log *l, const char *path, const char *text,
		       const struct router_error *e)
{
	const struct log_field f[] = {{"file", path, 0},
				      {"line", NULL, e->line},
				      {"column", NULL, e->column},
				      {"text", e->text, 0},
				      {0}};
	char at[32] = "";

	if (e->line)
		snprintf(at, sizeof(at), ":%u:%u", e->line, e->column);
	if (l->json || l->journal || l->file) {
		log_event(l, LOG_ERR, "config", "wrong-line", f, "%s%s: %s", path, at, e->text);
		return;
	}
	fprintf(stderr, "%s%s: %s\n", path, at, e->text);
	if (e->line)
		show_line(text, e);
}

bool router_load(struct router *r, const char *path, const char *name, struct log *l)
{
	struct router_error err[ROUTER_ERRORS];
	const struct log_field file[] = {{"file", path, 0}, {0}};
	size_t len;
	char *text = text_file(path, ROUTER_FILE_MAX, &len);

	*r = (struct router){0};
	if (!text) {
		log_event(l, LOG_ERR, "config", "refused", file, "cannot read %s: %s", path,
			  strerror(errno));
		return false;
	}
	unsigned n = router_parse(r, text, len, name, err);

	if (!l->node[0])
		snprintf(l->node, sizeof(l->node), "%s", r->name);
	for (unsigned i = 0; i < n && i < ROUTER_ERRORS; i++)
		show_error(l, path, text, &err[i]);
	free(text);
	if (!n)
		return true;
	const struct log_field f[] = {{"file", path, 0}, {"errors", NULL, n}, {0}};

	log_event(l, LOG_ERR, "config", "refused", f, "%u error%s in %s%s; nothing was changed", n,
		  plural(n), path, n > ROUTER_ERRORS ? ", of which the first are above" : "");
	router_free(r);
	return false;
}
