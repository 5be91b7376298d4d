/* SPDX-License-Identifier: BSD-2-Clause */
/* router_file.c - a router's configuration from its file, with every error told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "router.h"
#include "text.h"

#define SHOWN 100u /* bytes of a line, at most */

static unsigned less(size_t a, size_t b)
{
	return (unsigned)(a < b ? a : b);
}

/* For people: the line itself, or as much of it as matters, and under it what is wrong with it. */
static void show_line(const char *text, size_t len, const struct router_error *e)
{
	const char *line = text, *end = text + len;
	char shown[SHOWN * 8 + 1];

	for (unsigned i = 1; i < e->line && line; i++) {
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return;
	const char *stop = memchr(line, '\n', (size_t)(end - line));
	unsigned n = (unsigned)((stop ? stop : end) - line), at = less(e->column - 1, n), from = 0;

	while (n && line[n - 1] == '\r')
		n--;
	at = less(at, n);
	if (n > SHOWN && at > SHOWN / 2)
		from = at - SHOWN / 2;
	while (from && from < at && ((unsigned char)line[from] & 0xc0) == 0x80)
		from++; /* not within a character */
	n = less(n - from, SHOWN);
	router_shown(shown, sizeof(shown), line + from, n);
	fprintf(stderr, "    %s%s\n    %s", from ? "..." : "", shown, from ? "   " : "");
	router_shown(shown, sizeof(shown), line + from, at - from);
	for (const char *p = shown; *p; p++)
		if (((unsigned char)*p & 0xc0) != 0x80)
			fputc(*p == '\t' ? '\t' : ' ', stderr);
	size_t width = router_shown(shown, sizeof(shown), line + at,
				    less(e->width, n - (at - from)));

	fputc('^', stderr);
	for (size_t i = 1; i < width; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
}

static void show_error(struct log *l, const char *path, const char *text, size_t len,
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
		show_line(text, len, e);
}

bool router_load(struct router *r, const char *path, const char *name, bool at_once, struct log *l)
{
	struct router_error err[ROUTER_ERRORS];
	const struct log_field file[] = {{"file", path, 0}, {0}};
	size_t len;
	char *text = at_once ? text_file_at_once(path, ROUTER_FILE_MAX, &len)
			     : text_file(path, ROUTER_FILE_MAX, &len);

	*r = (struct router){0};
	if (!text) {
		log_event(l, LOG_ERR, "config", "refused", file, "cannot read %s: %s", path,
			  errno == EINVAL ? "it is not a regular file" : strerror(errno));
		return false;
	}
	unsigned n = router_parse(r, text, len, name, err);
	if (!at_once)
		n = router_here(r, err, n);

	if (!l->node[0])
		snprintf(l->node, sizeof(l->node), "%s", r->name);
	for (unsigned i = 0; i < n && i < ROUTER_ERRORS; i++)
		show_error(l, path, text, len, &err[i]);
	free(text);
	if (!n)
		return true;
	const struct log_field f[] = {{"file", path, 0}, {"errors", NULL, n}, {0}};

	log_event(l, LOG_ERR, "config", "refused", f, "%u error%s in %s%s; nothing was changed", n,
		  plural(n), path, n > ROUTER_ERRORS ? ", of which the first are above" : "");
	router_free(r);
	return false;
}
