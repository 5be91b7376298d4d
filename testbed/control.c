/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop.h"
#include "text.h"

bool control_open(struct control *c, const char *which)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (!state_find(which, c->dir, c->err))
		return false;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/ctl", c->dir);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return true;
	snprintf(c->err, sizeof(c->err),
		 "the testbed in %s does not run (%s): start it with amp testbed up FILE.yaml",
		 c->dir, strerror(errno));
	control_close(c);
	return false;
}

void control_close(struct control *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	for (; c->nevent; c->nevent--, c->first = (c->first + 1) % CONTROL_EVENTS)
		cJSON_Delete(c->event[c->first].json);
}

/* Takes the next line out of the buffer, reading more until then. NULL: time is up (err empty) or the stream has ended. */
static char *next_line(struct control *c, char line[CONTROL_LINE + 1], uint64_t until)
{
	for (;;) {
		char *end = memchr(c->buf, '\n', c->have);

		if (end) {
			size_t len = (size_t)(end - c->buf);

			memcpy(line, c->buf, len);
			line[len] = 0;
			c->have -= len + 1;
			memmove(c->buf, end + 1, c->have);
			return line;
		}
		uint64_t now = loop_now();
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		int ms = until > now ? (int)((until - now + 999999) / 1000000) : 0;

		if (poll(&p, 1, ms) <= 0)
			return NULL;
		ssize_t n = c->have < CONTROL_LINE
				    ? read(c->fd, c->buf + c->have, CONTROL_LINE - c->have)
				    : -1;
		if (n <= 0) {
			snprintf(c->err, sizeof(c->err), "the testbed in %s has ended", c->dir);
			return NULL;
		}
		c->have += (size_t)n;
	}
}

static void keep_event(struct control *c, char *line)
{
	char *json = strchr(line, ' ');

	if (!json || c->nevent == CONTROL_EVENTS)
		return;
	*json++ = 0;
	struct control_event *e = &c->event[(c->first + c->nevent) % CONTROL_EVENTS];

	e->json = cJSON_Parse(json);
	snprintf(e->node, sizeof(e->node), "%s", line);
	c->nevent += e->json != NULL;
}

static bool send_line(struct control *c, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n <= 0) {
			snprintf(c->err, sizeof(c->err), "the testbed in %s has ended", c->dir);
			return false;
		}
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* The rows of an answer until its end. Each of them shows that the node is at it, and is given as long as the first. */
static bool collect(struct control *c, const char *id, const char *node,
		    bool (*fn)(void *arg, cJSON *row), void *arg)
{
	char line[CONTROL_LINE + 1];
	uint64_t until = loop_now() + CONTROL_WAIT * 1000000ull;

	c->err[0] = 0;
	while (next_line(c, line, until)) {
		char *rest = strchr(line, ' ');

		if (rest)
			*rest++ = 0;
		if (!rest)
			continue;
		if (!strcmp(line, "*")) {
			keep_event(c, rest);
		} else if (!strcmp(line, id) || !strcmp(line, "?")) {
			if (*rest == '.')
				return true;
			if (*rest == '!') {
				snprintf(c->err, sizeof(c->err), "%.500s",
					 rest + 1 + (rest[1] == ' '));
				return false;
			}
			cJSON *row = cJSON_Parse(rest);
			if (!cJSON_IsObject(row))
				cJSON_Delete(row); /* a node may say anything */
			else if (!fn(arg, row))
				return false;
			until = loop_now() + CONTROL_WAIT * 1000000ull;
		}
	}
	if (!c->err[0])
		snprintf(c->err, sizeof(c->err),
			 "%s did not answer within %u s: see amp testbed log",
			 strcmp(node, "-") ? node : "the supervisor", CONTROL_WAIT / 1000);
	return false;
}

static bool ask(struct control *c, const char *node, bool (*fn)(void *arg, cJSON *row), void *arg,
		const char *fmt, va_list ap)
{
	char line[CONTROL_LINE], id[16];

	snprintf(id, sizeof(id), "c%u", ++c->serial);
	int head = snprintf(line, sizeof(line), "%s %s ", id, node);
	int len = head + vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
	if ((size_t)len >= 8192) {
		snprintf(c->err, sizeof(c->err), "the request is too long for a node's console");
		return false;
	}
	line[len++] = '\n';
	return send_line(c, line, (size_t)len) && collect(c, id, node, fn, arg);
}

bool control_rows(struct control *c, const char *node, bool (*fn)(void *arg, cJSON *row), void *arg,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool good = ask(c, node, fn, arg, fmt, ap);
	va_end(ap);
	return good;
}

static bool keep_row(void *rows, cJSON *row)
{
	return cJSON_AddItemToArray(rows, row);
}

cJSON *control_ask(struct control *c, const char *node, const char *fmt, ...)
{
	cJSON *rows = cJSON_CreateArray();
	va_list ap;

	va_start(ap, fmt);
	bool good = ask(c, node, keep_row, rows, fmt, ap);
	va_end(ap);
	if (good)
		return rows;
	cJSON_Delete(rows);
	return NULL;
}

static bool forget_row(void *arg, cJSON *row)
{
	(void)arg;
	cJSON_Delete(row);
	return true;
}

bool control_do(struct control *c, const char *node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool good = ask(c, node, forget_row, NULL, fmt, ap);
	va_end(ap);
	return good;
}

bool control_next(struct control *c, uint64_t until, struct control_event *e)
{
	char line[CONTROL_LINE + 1];

	c->err[0] = 0;
	while (!c->nevent) {
		if (!next_line(c, line, until))
			return false;
		if (line[0] == '*' && line[1] == ' ')
			keep_event(c, line + 2);
	}
	*e = c->event[c->first];
	c->first = (c->first + 1) % CONTROL_EVENTS;
	c->nevent--;
	return true;
}

const char *member_text(const cJSON *o, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return s ? s : "";
}

double member_number(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

/* ---- tables ---- */

static void cell(char *buf, size_t size, const cJSON *v)
{
	if (cJSON_IsString(v)) {
		/* A node's word must not move the cursor, nor begin another column. */
		for (char *p = v->valuestring; *p; p++)
			*p = (char)((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
		text_append(buf, size, "%s", v->valuestring);
	} else if (cJSON_IsArray(v)) {
		const cJSON *item;

		cJSON_ArrayForEach(item, v)
		{
			if (item != v->child)
				text_append(buf, size, ", ");
			cell(buf, size, item);
		}
	} else if (cJSON_IsObject(v)) {
		const cJSON *item;

		cJSON_ArrayForEach(item, v)
		{
			text_append(buf, size, "%s%s ", item == v->child ? "" : " ", item->string);
			cell(buf, size, item);
		}
	} else if (v) {
		char *text = cJSON_PrintUnformatted(v);

		text_append(buf, size, "%s", text ? text : "");
		cJSON_free(text);
	}
}

#define ROWS_HELD 500u

void rows_begin(struct rows *r, bool json)
{
	memset(r, 0, sizeof(*r));
	r->json = json;
}

static void begin_table(struct rows *r, const cJSON *first)
{
	char line[2048] = "";
	const cJSON *column;
	uint32_t n = 0;

	cJSON_ArrayForEach(column, first)
	{
		if (n == TABLE_COLUMNS)
			break;
		text_append(line, sizeof(line), "%s%s", n ? "|" : "", column->string);
		r->column[n] = strdup(column->string);
		if (!r->column[n++])
			abort();
	}
	table_init(&r->table, line);
}

static void add_json(struct rows *r, const cJSON *row)
{
	char *text = cJSON_PrintUnformatted(row);

	printf("%s%s", r->n ? ",\n" : "[", text ? text : "null");
	cJSON_free(text);
}

void rows_add(struct rows *r, const cJSON *row)
{
	char line[2048] = "";

	if (r->json)
		add_json(r, row);
	else if (!r->n)
		begin_table(r, row);
	for (uint32_t i = 0; i < TABLE_COLUMNS && r->column[i]; i++) {
		if (i)
			text_append(line, sizeof(line), "\t");
		cell(line, sizeof(line), cJSON_GetObjectItemCaseSensitive(row, r->column[i]));
	}
	if (!r->json)
		table_row(&r->table, "%s", line);
	if (++r->n % ROWS_HELD == 0)
		table_flush(&r->table, stdout);
}

void rows_end(struct rows *r)
{
	if (r->json)
		puts(r->n ? "]" : "[]");
	else if (!r->n)
		puts("(nothing)");
	table_print(&r->table, stdout);
	for (uint32_t i = 0; i < TABLE_COLUMNS; i++)
		free(r->column[i]);
}

void rows_print(const cJSON *rows, bool json)
{
	const cJSON *row;
	struct rows r;

	if (json) {
		char *text = cJSON_Print(rows);

		puts(text ? text : "[]");
		cJSON_free(text);
		return;
	}
	rows_begin(&r, false);
	cJSON_ArrayForEach(row, rows)
	{
		rows_add(&r, row);
	}
	rows_end(&r);
}
