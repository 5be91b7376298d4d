/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance_packets.h - the router's configuration, packets of every kind for it and mutations of them, and a trivial router that says what is to become
 * of each.
 */
#ifndef XOK_LINUX_TEST_BALANCE_PACKETS_H
#define XOK_LINUX_TEST_BALANCE_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip6;

#define WAN_MTU 1400u
#define PACKET_MAX 1600u

extern const char packet_conf[];

struct packet {
	size_t len;
	uint8_t data[PACKET_MAX];
};

/* xorshift64* */
struct random {
	uint64_t state; /* not 0 */
};
uint32_t random_below(struct random *r, uint32_t n);

/* A packet that arrives at this port. */
void packet_make(struct packet *p, uint32_t port, struct random *r);

/* Where a handler is to send a packet on to: one of these. None: nowhere. */
struct way {
	uint32_t n;
	bool other; /* its length changes: it gets a tag, or loses it */
	bool maybe; /* or not at all: one of its route's next hops would not do, or has only just been heard of */
	bool four, tagged; /* what it is */
	size_t total;
	struct hop_to {
		uint32_t port, vlan; /* 0: none */
		uint8_t mac[6];
	} hop[2];
};
struct way packet_way(const struct packet *p, uint32_t port);
/* The test's: the link address of a neighbour that the router has learned at interface 0 to 2, or at its VLAN (3). */
bool packet_neighbour(uint32_t iface, const struct ip6 *addr, uint8_t mac[6]);

/* What is sent to a hop. */
void packet_forwarded(struct packet *out, const struct packet *in, const struct way *w,
		      const struct hop_to *hop);

#endif
