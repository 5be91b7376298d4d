/* SPDX-License-Identifier: BSD-2-Clause */
/* interface.h - what Linux says of its own interfaces, in the network namespace of the socket that is asked (netdevice(7)). */
#ifndef XOK_LINUX_INTERFACE_H
#define XOK_LINUX_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum interface_state { INTERFACE_UP, INTERFACE_DOWN, INTERFACE_GONE };

/* One interface. It is found by its number, which it keeps when it gets another name, and which no later one of its name gets. */
struct interface {
	int fd; /* a socket to ask by; -1: none */
	unsigned index;
	char name[IFNAMSIZ]; /* as it was last seen */
};

/* 0, or -1 with errno; ENODEV: there is none of this name. */
int interface_open(struct interface *i, const char *name);
void interface_close(struct interface *i);

/* wire: with a carrier as well, for those whose other end is not us. */
enum interface_state interface_state(struct interface *i, bool wire);

/* Frames that Linux counts as lost on their way to who reads the interface's packets. 0: it does not say. */
uint64_t interface_lost(const struct interface *i);

#define INTERFACE_WHY 64u
#define INTERFACE_HOW 160u
/*
 * An interface whose frames we take copies of: does Linux's own stack take them as well? Then `why` gets what for, and `how` a command that ends it.
 */
bool interface_is_used(const struct interface *i, char why[INTERFACE_WHY], char how[INTERFACE_HOW]);

#endif
