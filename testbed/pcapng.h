/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng.h - capture files as Wireshark and tcpdump read them (draft-ietf-opsawg-pcapng): a section header, one description for each
 * interface, then packets, each with what is to be said about it. Times are UTC in ns.
 */
#ifndef TESTBED_PCAPNG_H
#define TESTBED_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pcapng_interface {
	const char *name;
	uint8_t mac[6];
	uint32_t snap;
};

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT };

struct pcapng_packet {
	uint32_t interface; /* index, in the order in which they were given */
	uint64_t time;
	uint32_t len, captured;
	const void *data;
	enum pcapng_direction direction;
	const char *comment; /* NULL: none */
};

/* False: it could not be written (errno). */
bool pcapng_begin(FILE *f, const char *who, const struct pcapng_interface *i, uint32_t n);
bool pcapng_packet(FILE *f, const struct pcapng_packet *p);

#endif
