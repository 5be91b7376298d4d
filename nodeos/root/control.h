/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - the two consoles: people on console 0 (plain lines and tables), programs on console 1 (CONTROL.md).
 *
 * A verb answers through a struct reply, row by row, and ends it with reply_done or reply_error, at once or later: the
 * structure may be copied and kept.
 */
#ifndef NODEOS_CONTROL_H
#define NODEOS_CONTROL_H

#include "amp/amp.h"
#include "nodeos/lib/json.h"

struct root;
struct control;

#define CONTROL_ID 15u
#define CONTROL_PROGRAMS 1u
#define CONTROL_PEOPLE 0u
#define CONTROL_BUFFER 8192u
#define CONTROL_HEADER 512u
#define CONTROL_HELD 4096u

struct reply {
	struct control *c;
	uint8_t cons;
	char id[CONTROL_ID + 1];
};

struct control {
	struct root *root;
	bool open[2];
	char header[CONTROL_HEADER]; /* the last table header shown to people */
	/* The row being built: JSON, or a line of a table and its header. */
	struct reply to;
	struct json j;
	char buf[CONTROL_BUFFER];
	char cells[CONTROL_BUFFER], keys[CONTROL_HEADER];
	uint64_t lines, errors; /* lines that came in; lines not written, or not whole */
	/* Lines for programs that are written together. */
	bool holds;
	uint32_t held, held_lines;
	char hold[CONTROL_HELD];
};

/* Opens both consoles; one that does not exist is left out. */
void control_init(struct control *c, struct root *root);

/* Between these two calls lines for programs may wait for each other: a write for each row of a long table costs more than the rows. */
void control_hold(struct control *c);
void control_release(struct control *c);

void row_begin(struct control *c, const struct reply *to);
void row_text(struct control *c, const char *key, const char *s);
void row_u64(struct control *c, const char *key, uint64_t v);
void row_hex(struct control *c, const char *key, const void *data, size_t len);
void row_ip4(struct control *c, const char *key, uint32_t addr);
void row_end(struct control *c);

/* Programs and people alike: a list of pairs under one key. People see "text:number ...". */
void row_list_begin(struct control *c, const char *key);
void row_list_pair(struct control *c, const char *k1, const char *text, const char *k2, uint64_t v);
void row_list_end(struct control *c);

void reply_done(const struct reply *r);
/* There is more of this table: it goes on with `show TABLE from N`. */
void reply_more(const struct reply *r, const char *table, uint32_t from);
void reply_error(const struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An event line: fill in the object between these two. {"event":"name" stands in it already. */
struct json *event_begin(struct control *c, const char *name);
void event_end(struct control *c);

#endif
