/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.h - the router in one process, for test_balance.c: the kernel core on memory of the test's own with this machine's lookup tables, libamp
 * straight on its system calls, and the root domain with its handlers. What the router transmits is handed to the test; time stands still until
 * told.
 */
#ifndef XOK_LINUX_TEST_BALANCE_H
#define XOK_LINUX_TEST_BALANCE_H

#include "nodeos/root/root.h"
#include "xok/core/core.h"

#define BALANCE_PORTS 4u
#define BALANCE_MIRROR 3u /* the host's own stack behind port 2 */

struct balance {
	struct xok *x;
	const struct xok_info *info;
	struct root root;
	uint64_t now;
	bool in_burst; /* what is transmitted is sent by a handler on the side */
	/* A frame that does not come out of a burst. False: the port's queue is full. */
	bool (*sent)(struct balance *b, uint32_t port, const uint8_t *frame, size_t len);
	bool stuck;	   /* the router domain takes nothing out of its ring */
	uint64_t stack_in; /* packets that were given to the host stack */
};
extern struct balance balance;

/* The kernel, the root domain, and what `conf` says in force. */
void balance_start(const char *conf);
void balance_end(void);

/* Packets that arrive at a port at once: through the core, and, unless it is stuck, what is for the router domain through that. At most XOK_BURST. */
void balance_burst(uint32_t port, struct xok_packet *p, uint32_t n);
void balance_drain(void);
/* Lets time pass; timers fire. */
void balance_pass(uint64_t ns);

#endif
