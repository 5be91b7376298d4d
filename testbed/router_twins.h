/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_twins.h - `amp router` gives Linux the addresses of interfaces that have a mirror: packets to them are for the host's own stack, which answers only where it
 * has the address too. Addresses of VLANs are not among them: an interface for those somebody has to make.
 */
#ifndef TESTBED_ROUTER_TWINS_H
#define TESTBED_ROUTER_TWINS_H

#include <stdbool.h>
#include <stdint.h>

#define TWIN_ADDRESS 64u

struct twin_address {
	char twin[16];		 /* Linux's interface */
	char text[TWIN_ADDRESS]; /* ADDRESS/LEN, as in the file */
	int family;
	uint8_t address[16];
	uint8_t plen;
	bool ours; /* it was not there before */
};

struct twins {
	struct twin_address *address; /* from malloc */
	uint32_t n;
};

struct sup;

/*
 * The node is ready, or has other commands: addresses that are new are added, and of those that are not there any more the ones that were added here are
 * taken away. What fails is told, with the command that does it.
 */
void twins_update(struct sup *s);
void twins_free(struct twins *t);

#endif
