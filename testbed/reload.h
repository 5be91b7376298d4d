/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reload.h - `amp router` reads its file again, on SIGHUP or `amp reload`: all of it is checked, and nothing changes when any line is wrong. Then the node's commands
 * are in force in the place of what was, without a pause in forwarding. What the machine under the node is made of (interfaces, lcores, memory, ...) stays as it is
 * until the next start, and is told; a file with other interfaces is refused, since its lines speak of ports that are not there.
 */
#ifndef TESTBED_RELOAD_H
#define TESTBED_RELOAD_H

#include "router.h"

struct sup;
struct client;

struct reload {
	bool busy;	/* the node has been asked */
	bool restarted; /* its environment was started again meanwhile, and is asked again */
	bool again;	/* a signal came meanwhile, or before the router was ready */
	struct router next;
	/* Who has asked, and hears of it: NULL: nobody, or gone. */
	struct client *client;
	uint32_t client_serial;
	char id[16];
};

/* client: who asks, under this id; NULL: a signal. Its answer is rows of {"level","message"}, and an end. */
void reload_begin(struct sup *s, struct client *client, const char *id);

/*
 * What of two configurations differs and needs a new start. Calls tell once for each, with what differs; false: the node has another name, or its interfaces are not
 * the same ones in the same order, and the second cannot come into force.
 */
bool reload_compare(const struct router *now, const struct router *next,
		    void (*tell)(void *arg, const char *what), void *arg);

#endif
