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
	unsigned *blame; /* index of the word that the next error is about */
};

/* The next error is about this word, which is one of the line's. */
void config_blame(const struct args *a, const char *word);

/* Writes the error; returns false. */
bool config_fail(const struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Why no host has this address, which is one of no host's. */
const char *config_no_host4(uint32_t addr);
const char *config_no_host6(const struct ip6 *addr);

/* "there is no WHAT "word": say ...", with the one that may have been meant. */
bool config_unknown(const struct args *a, const char *what, const char *word,
		    const char *const *list, size_t n);

/* ---- config_port.c: interfaces ---- */

bool config_port(struct config *c, const struct args *a);
/* PORT or PORT.VLAN, an interface that there is. */
bool config_port_arg(const struct config *c, const struct args *a, const char *s, uint16_t *iface);

/* ---- config_advertise.c ---- */

/* `advertise`, whose words from `at` on are on or off, and more. */
bool config_advertise(struct config *c, const struct args *a, uint16_t port, unsigned at);

/* ---- config6.c: the same commands with IPv6 addresses ---- */

bool config_address6(struct config *c, const struct args *a, uint16_t port, const char *s);
bool config_prefix6(const struct args *a, const char *s, struct ip6 *prefix, uint8_t *len);
bool config_host6(const struct args *a, const char *s, struct ip6 *addr);
bool config_neighbour6(struct config *c, const struct args *a, uint16_t port, const uint8_t mac[6]);

#endif
