/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - how an `amp` command talks to a running testbed: the supervisor's socket STATE/ctl, lines both ways.
 *
 *	request:  ID NODE COMMAND...    COMMAND as on a node's console; NODE "-" is the supervisor itself
 *	answer:   ID JSON-object        zero or more rows
 *	          ID .                  the end, or
 *	          ID ! TEXT             the end: what is wrong
 *	event:    * NODE JSON-object    after "subscribe"
 *
 * The supervisor knows: testbed, nodes, links, principals, rules (tables); subscribe; console NODE (the connection then carries
 * the bytes of that node's console 0); stop; of `amp router`: reload (reload.h). Beside the nodes' own events it sends {"event":"ended","node","why"}.
 */
#ifndef TESTBED_CONTROL_H
#define TESTBED_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "state.h"
#include "text.h"

#define CONTROL_LINE 9216u
#define CONTROL_EVENTS 1024u

struct control_event {
	char node[32];
	cJSON *json;
};

struct control {
	int fd;
	uint32_t serial;
	size_t have;
	char buf[CONTROL_LINE + 1];
	char dir[STATE_DIR_MAX];
	char err[STATE_ERROR];
	/* Events that came in while an answer was waited for; a ring. */
	struct control_event event[CONTROL_EVENTS];
	uint32_t first, nevent;
};

/* Connects to a testbed (as state_find takes it). False with c->err. */
bool control_open(struct control *c, const char *which);
void control_close(struct control *c);

/*
 * Sends a request and hands each row of its answer to fn as it comes, which takes it over and returns false for no more of them. False with c->err; empty: fn
 * had enough, and the channel is of no further use.
 */
#define CONTROL_WAIT \
	10000u /* ms without a row; longer than any command of a node takes to the first */
__attribute__((format(printf, 5, 6))) bool control_rows(struct control *c, const char *node,
							bool (*fn)(void *arg, cJSON *row),
							void *arg, const char *fmt, ...);
/* The same, and all rows as a JSON array to be deleted by the caller, or NULL with c->err. */
__attribute__((format(printf, 3, 4))) cJSON *control_ask(struct control *c, const char *node,
							 const char *fmt, ...);
/* The same without an interest in rows. */
__attribute__((format(printf, 3, 4))) bool control_do(struct control *c, const char *node,
						      const char *fmt, ...);

/* The next event before monotonic time `until`: true and *e (json is the caller's to delete); false: none, or c->err is not empty. */
bool control_next(struct control *c, uint64_t until, struct control_event *e);

/* Members of rows; a missing one is "" or 0. */
const char *member_text(const cJSON *o, const char *name);
double member_number(const cJSON *o, const char *name);

/*
 * Prints rows as a table whose columns are the members of the first, or as JSON, as they come: a table some at a time, so that it has the widths of
 * the first ones at once, and no more than those are held. rows_end prints what is left; what there was not one row of says so.
 */
struct rows {
	bool json;
	uint32_t n;
	char *column[TABLE_COLUMNS];
	struct table table;
};
void rows_begin(struct rows *r, bool json);
void rows_add(struct rows *r, const cJSON *row);
void rows_end(struct rows *r);
/* All at once; as JSON it may be anything. */
void rows_print(const cJSON *rows, bool json);

#endif
