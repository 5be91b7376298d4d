/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs.h - what typed commands do: tables, echo requests, datagrams, and configuration while the node runs.
 */
#ifndef NODEOS_VERBS_H
#define NODEOS_VERBS_H

#include "nodeos/lib/inet6.h"
#include "nodeos/lib/text.h"
#include "nodeos/root/control.h"

/* Runs a command; the reply ends now or later. */
void verb_run(struct root *root, const struct words *w, const struct reply *r);

#define PENDING 16u
#define UDP_SOURCE 49152u /* the port that datagrams are sent from */

/* An echo request or datagram that waits for its answer. */
struct pending {
	struct root *root;
	struct reply reply;
	struct amp_timer timer;
	bool used, udp;
	uint16_t seq;  /* echo */
	uint16_t port; /* datagram */
	struct ip6 to; /* IPv4 addresses mapped */
	uint64_t sent;
};

struct pendings {
	struct pending p[PENDING];
	uint16_t id, next_seq;
	bool udp_open;
};

void verbs_init(struct root *root);

/*
 * tables.c: the rows of `show WHAT [from N]`. A long table is shown in parts, so that nobody waits behind it: *from is where this one begins, and
 * then where the next one does, 0 behind the last. False: there is no such table.
 */
bool table_show(struct root *root, const char *what, uint32_t *from, const struct reply *r);

/* The table that may have been meant; NULL: none is like it. */
const char *table_nearest(const char *what);

/* tables_kernel.c: what the kernel's open bookkeeping says of downloaded programs and their tables. */
void tables_handlers(struct root *root, const struct reply *r);
void tables_tables(struct root *root, const struct reply *r);
void tables_lcores(struct root *root, const struct reply *r);

#endif
