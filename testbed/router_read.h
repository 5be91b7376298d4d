/* SPDX-License-Identifier: BSD-2-Clause */
/* router_read.h - what the files share that read router.conf: a line's words with their places, and errors at them. */
#ifndef TESTBED_ROUTER_READ_H
#define TESTBED_ROUTER_READ_H

#include <stdio.h>

#include "nodeos/lib/inet6.h"
#include "router.h"

#define LINE_WORDS 41u /* one more than the node takes, so that it says so */
#define LINE_BYTES 2048u
#define LOST 16u

/* A line cut into words, each with the place it has in the file. */
struct line {
	unsigned number, n;
	char *word[LINE_WORDS];
	unsigned column[LINE_WORDS];
	char text[LINE_BYTES];
};

struct reading {
	struct router *r;
	struct router_error *err; /* room for ROUTER_FOUND */
	unsigned nerr;
	const struct line *line;
	FILE *commands; /* what goes to the node, in the same lines as in the file */
	bool named, wants_name, wants_interface; /* wants: a line tried to, and is wrong */
	struct router_place routes_at;
	/* Networks of lines that are wrong: whatever is in them is not wrong for want of them. */
	struct {
		struct ip6 net;
		uint8_t len;
	} lost[LOST];
	unsigned nlost;
	bool lost_any; /* one that could not be read */
};

/* Notes what is wrong at a word of the line, or at a place. Returns false. */
bool router_wrong(struct reading *g, unsigned word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool router_wrong_at(struct reading *g, struct router_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct router_place router_place(const struct line *l, unsigned word);
/* -1: there is none of this name, which has len bytes. */
int router_find_port(const struct router *r, const char *name, size_t len);

/* ---- router_machine.c ---- */

/* Carries out a line of the machine's. known: is this such a command? */
bool router_machine(struct reading *g, const char *verb, bool *known);
/* NULL: there are no more. */
const char *router_machine_verb(size_t i);

/* ---- router_text.c ---- */

/* The byte order mark that some editors begin a file with; 0: there is none. */
size_t router_mark(const char *text, size_t len);

/* Looks for what people do not see, or is no text. NULL: all is well; else what it is and what to do; *at and *width say where. */
const char *router_odd(const char *word, size_t *at, unsigned *width, char why[128]);

#endif
