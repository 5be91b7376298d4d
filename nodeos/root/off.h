/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * off.h - taking back what was configured, while the node runs: `route PREFIX off`, `neighbour PORT ADDRESS off`, `port PORT address ADDRESS/LEN off`.
 */
#ifndef NODEOS_OFF_H
#define NODEOS_OFF_H

#include "nodeos/root/config.h"

/* A neighbour that is static no more, which the tables of neighbours must be told. */
struct off {
	bool neighbour, ip6;
	uint16_t port;
	struct ip6 addr; /* IPv4's mapped */
};

/* Is it one of these commands? */
bool off_asked(const struct words *w);
/* Takes it out of the configuration. False: err says what, and c is unchanged. */
bool off_command(struct config *c, const struct words *w, struct off *gone, char err[CONFIG_ERROR]);

#endif
