/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.c - lines in, rows and events out. What the verbs do is verbs.c.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nodeos/lib/text.h"
#include "nodeos/root/control.h"
#include "nodeos/root/verbs.h"

static void put_held(struct control *c)
{
	if (c->held && amp_cons_write(CONTROL_PROGRAMS, c->hold, c->held) < 0)
		c->errors += c->held_lines;
	c->held = c->held_lines = 0;
}

static void put_line(struct control *c, uint8_t cons, const char *s, size_t len)
{
	if (!c->open[cons])
		return;
	if (cons == CONTROL_PROGRAMS && len > sizeof(c->hold) - c->held)
		put_held(c);
	if (cons == CONTROL_PROGRAMS && c->holds && len <= sizeof(c->hold)) {
		memcpy(c->hold + c->held, s, len);
		c->held += (uint32_t)len;
		c->held_lines++;
	} else if (amp_cons_write(cons, s, len) < 0) {
		c->errors++;
	}
}

void control_hold(struct control *c)
{
	c->holds = true;
}

void control_release(struct control *c)
{
	c->holds = false;
	put_held(c);
}

/* ---- rows for people ---- */

/* Columns whose values are wider than their names. */
static int width_of(const char *key)
{
	static const struct {
		const char *key;
		int width;
	} wide[] = {
		{"address", 18},  {"prefix", 18},   {"via", 15},   {"mac", 17},	   {"peer", 10},
		{"name", 26},	  {"code", 16},	    {"key", 16},   {"from", 15},   {"state", 10},
		{"group", 8},	  {"source", 9},    {"value", 12}, {"run_ns", 13}, {"rtt_ns", 11},
		{"rx_bytes", 10}, {"tx_bytes", 10}, {"usage", 40}, {"verb", 10},
	};
	int n = (int)strlen(key);

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (!strcmp(wide[i].key, key) && wide[i].width > n)
			n = wide[i].width;
	}
	return n;
}

static void append(char *buf, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void append(char *buf, size_t cap, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, cap - n, fmt, ap);
	va_end(ap);
}

static void cell(struct control *c, const char *key, const char *value, bool right)
{
	int w = width_of(key);

	if (right) {
		append(c->keys, sizeof(c->keys), "%*s  ", w, key);
		append(c->cells, sizeof(c->cells), "%*s  ", w, value);
	} else {
		append(c->keys, sizeof(c->keys), "%-*s  ", w, key);
		append(c->cells, sizeof(c->cells), "%-*s  ", w, value);
	}
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == ' ')
		s[--n] = 0;
}

static void table_line(struct control *c)
{
	trim(c->keys);
	trim(c->cells);
	if (strcmp(c->keys, c->header)) {
		text_copy(c->header, sizeof(c->header), c->keys);
		put_line(c, CONTROL_PEOPLE, c->keys, strlen(c->keys));
		put_line(c, CONTROL_PEOPLE, "\n", 1);
	}
	append(c->cells, sizeof(c->cells), "\n");
	put_line(c, CONTROL_PEOPLE, c->cells, strlen(c->cells));
}

/* ---- rows ---- */

static bool people(const struct control *c)
{
	return c->to.cons == CONTROL_PEOPLE;
}

void row_begin(struct control *c, const struct reply *to)
{
	c->to = *to;
	c->cells[0] = c->keys[0] = 0;
	json_init(&c->j, c->buf, sizeof(c->buf) - 1);
	json_raw(&c->j, to->id);
	json_raw(&c->j, " ");
	json_open(&c->j, '{');
}

void row_text(struct control *c, const char *key, const char *s)
{
	if (people(c))
		cell(c, key, s, false);
	else
		json_put_text(&c->j, key, s);
}

void row_u64(struct control *c, const char *key, uint64_t v)
{
	char buf[24];

	if (people(c)) {
		snprintf(buf, sizeof(buf), "%" PRIu64, v);
		cell(c, key, buf, true);
	} else {
		json_put_u64(&c->j, key, v);
	}
}

void row_hex(struct control *c, const char *key, const void *data, size_t len)
{
	char buf[32];

	if (people(c)) {
		/* Long names are cut: their first digits tell them apart. */
		text_hex(buf, data, len < 8 ? len : 8);
		cell(c, key, buf, false);
	} else {
		json_put_hex(&c->j, key, data, len);
	}
}

void row_ip4(struct control *c, const char *key, uint32_t addr)
{
	char buf[TEXT_IP4];

	row_text(c, key, text_put_ip4(buf, addr));
}

void row_list_begin(struct control *c, const char *key)
{
	if (people(c)) {
		append(c->keys, sizeof(c->keys), "%s  ", key);
	} else {
		json_key(&c->j, key);
		json_open(&c->j, '[');
	}
}

void row_list_pair(struct control *c, const char *k1, const char *text, const char *k2, uint64_t v)
{
	if (people(c)) {
		append(c->cells, sizeof(c->cells), "%.16s:%" PRIu64 " ", text, v);
		return;
	}
	json_open(&c->j, '{');
	json_put_text(&c->j, k1, text);
	json_put_u64(&c->j, k2, v);
	json_close(&c->j, '}');
}

void row_list_end(struct control *c)
{
	if (!people(c))
		json_close(&c->j, ']');
}

/* Ends the JSON line in the buffer, one byte of which was kept for the newline. */
static void put_json(struct control *c)
{
	json_close(&c->j, '}');
	if (!json_end(&c->j)) {
		c->errors++;
		return;
	}
	c->buf[c->j.len] = '\n';
	put_line(c, CONTROL_PROGRAMS, c->buf, c->j.len + 1);
}

void row_end(struct control *c)
{
	if (people(c))
		table_line(c);
	else
		put_json(c);
}

void reply_done(const struct reply *r)
{
	char buf[CONTROL_ID + 8];

	if (r->cons == CONTROL_PROGRAMS)
		put_line(r->c, r->cons, buf, (size_t)snprintf(buf, sizeof(buf), "%s .\n", r->id));
}

void reply_more(const struct reply *r, const char *table, uint32_t from)
{
	char buf[80];
	int n;

	if (r->cons == CONTROL_PROGRAMS)
		n = snprintf(buf, sizeof(buf), "%s + %" PRIu32 "\n", r->id, from);
	else
		n = snprintf(buf, sizeof(buf), "more: show %.32s from %" PRIu32 "\n", table, from);
	put_line(r->c, r->cons, buf, (size_t)n);
}

void reply_error(const struct reply *r, const char *fmt, ...)
{
	char text[400], buf[480];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line, whatever was quoted in it. */
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	if (r->cons == CONTROL_PROGRAMS)
		n = snprintf(buf, sizeof(buf), "%s ! %s\n", r->id, text);
	else
		n = snprintf(buf, sizeof(buf), "error: %s\n", text);
	put_line(r->c, r->cons, buf, (size_t)n);
}

struct json *event_begin(struct control *c, const char *name)
{
	json_init(&c->j, c->buf, sizeof(c->buf) - 1);
	json_raw(&c->j, "* ");
	json_open(&c->j, '{');
	json_put_text(&c->j, "event", name);
	return &c->j;
}

void event_end(struct control *c)
{
	put_json(c);
}

/* ---- lines in ---- */

/* Takes "ID " off the front of a program's line. */
static char *take_id(char *line, char id[CONTROL_ID + 1])
{
	size_t n = 0;

	while ((line[n] >= '0' && line[n] <= '9') || (line[n] >= 'a' && line[n] <= 'z') ||
	       (line[n] >= 'A' && line[n] <= 'Z'))
		n++;
	if (n < 1 || n > CONTROL_ID || line[n] != ' ')
		return NULL;
	memcpy(id, line, n);
	id[n] = 0;
	return line + n + 1;
}

static void on_line(void *arg, char *line, bool cut, uint8_t cons)
{
	struct control *c = arg;
	struct reply r = {.c = c, .cons = cons, .id = "?"};
	struct words w;

	c->lines++;
	c->header[0] = 0;
	if (cons == CONTROL_PROGRAMS) {
		line = take_id(line, r.id);
		if (!line) {
			reply_error(&r,
				    "a request is ID, a blank, and a command; an ID is 1 to %u "
				    "letters or digits",
				    CONTROL_ID);
			return;
		}
	}
	if (cut) {
		reply_error(&r, "the line is longer than %u bytes", AMP_LINE);
		return;
	}
	if (!text_split(line, &w)) {
		reply_error(&r, "a line has at most %u words", TEXT_WORDS);
		return;
	}
	if (!w.n) {
		reply_done(&r);
		return;
	}
	verb_run(c->root, &w, &r);
}

static void on_people(void *arg, char *line, bool cut)
{
	on_line(arg, line, cut, CONTROL_PEOPLE);
}

static void on_programs(void *arg, char *line, bool cut)
{
	on_line(arg, line, cut, CONTROL_PROGRAMS);
}

void control_init(struct control *c, struct root *root)
{
	memset(c, 0, sizeof(*c));
	c->root = root;
	c->open[0] = amp_cons_open(CONTROL_PEOPLE, on_people, c) == 0;
	c->open[1] = amp_cons_open(CONTROL_PROGRAMS, on_programs, c) == 0;
}
