/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_args.h - what the configuration commands share: their words, and a place to say what is wrong with them.
 */
#ifndef NODEOS_CONFIG_ARGS_H
#define NODEOS_CONFIG_ARGS_H

#include "nodeos/root/config.h"

struct args {
	const struct words *w;
	char *err;
};

/* Writes the error; returns false. */
bool config_fail(const struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- config6.c: the same commands with IPv6 addresses ---- */

bool config_address6(struct config *c, const struct args *a, uint16_t port, const char *s);
bool config_route6(struct config *c, const struct args *a);
bool config_neighbour6(struct config *c, const struct args *a, uint16_t port, const uint8_t mac[6]);

#endif
