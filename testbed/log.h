/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - what `amp router` tells its operator: events, a line each, on standard error and in a file.
 *
 * As text a line is the message alone. As JSON (RFC 8259) it is one object with the members "time" (RFC 3339, UTC), "level" ("error", "warning", "notice",
 * "info"), "node", "component" (who noticed: "router" - the supervisor -, "kernel", "node", "config"), "event" (its name: amp-router(8) has all of them),
 * "message", and then the event's own. Under systemd (JOURNAL_STREAM of systemd.exec(5) is our standard error) every line begins with its priority, which
 * the journal takes off again: sd-daemon(3).
 *
 * Texts may come from anywhere: control characters and what is no UTF-8 are replaced.
 */
#ifndef TESTBED_LOG_H
#define TESTBED_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO */

struct log {
	bool json, journal;
	char node[32]; /* "": not known yet */
	FILE *file;    /* NULL: none. Text there begins with seconds since log_open */
	uint64_t began;
	void (*also)(void *arg, int level,
		     const char *message); /* who hears of it besides; NULL: nobody */
	void *also_arg;
	/* Of log_often. */
	uint64_t since;
	uint32_t said, left_out;
};

/* A member of the event's own: a text, or with text NULL a number. The last of a list has no name. */
struct log_field {
	const char *name, *text;
	double number;
};

/* format: "text" or "json"; false: neither. */
bool log_open(struct log *l, const char *format);

const char *log_level_name(int level);

/* A NULL list of fields is an empty one. */
__attribute__((format(printf, 6, 7))) void log_event(struct log *l, int level,
						     const char *component, const char *event,
						     const struct log_field *f, const char *fmt,
						     ...);
/*
 * The same for what others bring about, without end perhaps: 20 lines at once, then one a second. How many were left out is said with the next.
 */
__attribute__((format(printf, 6, 7))) void log_often(struct log *l, int level,
						     const char *component, const char *event,
						     const struct log_field *f, const char *fmt,
						     ...);

#endif
