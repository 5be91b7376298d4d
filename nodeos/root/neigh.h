/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.h - the neighbour table of one family: which link address a neighbour has, asked for, aged, and published in node_pub for
 * everybody. Bounded in entries, waiting packets and requests. How one asks and what an answer looks like is arp.c's (RFC 826) and nd.c's
 * (RFC 4861) business; addresses here are IPv6, IPv4 ones mapped.
 *
 * An entry in use is not overwritten by what somebody merely says, be it in ARP, in a solicitation, or in an advertisement without the Override flag: a
 * claim to another link address makes the table ask the old one first, and only its silence opens the question again. An advertisement with the Override
 * flag is obeyed: RFC 4861 7.2.5 leaves no choice. Neither claims nor packets to addresses that nobody has push an entry in use out. Static
 * entries never change.
 *
 * Entries are asked about whenever they are old, used or not: what the kernel's handler forwards is not seen here.
 */
#ifndef NODEOS_NEIGH_H
#define NODEOS_NEIGH_H

#include "amp/amp.h"
#include "nodeos/node.h"
#include "nodeos/root/count.h"

#define NEIGH_WAITING 64u     /* packets in all that wait for an answer */
#define NEIGH_WAITING_EACH 4u /* for one neighbour; the oldest gives way (RFC 1122 2.3.2.2) */
#define NEIGH_UNANSWERED (NODE_NEIGH_WAYS / 2) /* entries of a set that nobody has answered for */
#define NEIGH_RETRY_NS \
	1000000000ull /* RFC 1122 2.3.2.1: one a second at most; RFC 4861 10: RETRANS_TIMER */
#define NEIGH_TRIES \
	3u /* requests to all before the neighbour counts as unreachable: RFC 4861 10, MAX_MULTICAST_SOLICIT */
#define NEIGH_PROBES \
	3u /* requests to itself before its address is asked for anew: MAX_UNICAST_SOLICIT */
#define NEIGH_FRESH_NS 60000000000ull /* then it is probed */
#define NEIGH_STALE_NS 5000000000ull  /* so is a stale one: RFC 4861 10, DELAY_FIRST_PROBE_TIME */
#define NEIGH_PACKET 1514u

/* Stale: in use, though nobody has heard that it is reached there (RFC 4861 7.3.2). */
enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE,
	NEIGH_RESOLVED,
	NEIGH_PROBING,
	NEIGH_STATIC,
	NEIGH_STALE
};

struct neigh_entry {
	struct ip6 addr;
	uint16_t port;
	uint8_t mac[6];
	uint8_t usable; /* mac may be sent to */
	uint8_t state;
	uint8_t tries, nwaiting;
	uint8_t first, last; /* waiting packets: 1 + index into the pool */
	uint64_t deadline;   /* of the next request or of its end */
	uint64_t stamp;	     /* last used or confirmed */
};

struct neigh_packet {
	uint16_t len;
	uint8_t next; /* 1 + index, 0: the last */
	uint8_t data[NEIGH_PACKET];
};

struct neigh;

/* What the table counts, as places in the family's counters. */
enum neigh_counter {
	NEIGHC_NO_NEIGHBOUR,
	NEIGHC_QUEUE_FULL,
	NEIGHC_FULL,
	NEIGHC_CLAIMS_FULL,
	NEIGHC_UNSOLICITED,
	NEIGHC_CONFLICT,
	NEIGHC_TRANSMIT,
	NEIGHC_TRANSMIT_FULL,
	NEIGHC_N
};

struct neigh_family {
	uint16_t ether_type; /* of the packets */
	uint8_t counter[NEIGHC_N];
	/* The first place of an address's set. */
	unsigned (*set)(uint16_t port, const struct ip6 *addr);
	/* Sends one request: to everybody, or to the link address that the entry has. */
	void (*ask)(struct neigh *t, const struct neigh_entry *e, bool unicast);
	/* Entry i has changed, or is gone: writes it to node_pub. */
	void (*publish)(struct neigh *t, unsigned i);
};

struct neigh {
	struct node_pub *pub;
	const struct neigh_family *family;
	uint64_t *count;
	/* Gets each packet whose next hop stayed silent. */
	void (*unreachable)(void *arg, uint8_t *packet, size_t len);
	void *arg;
	/* Told after each change of entry i; may be NULL. */
	void (*changed)(void *arg, unsigned i);
	void *changed_arg;
	struct neigh_entry entry[NODE_NEIGHS]; /* index for index as in node_pub */
	struct neigh_packet pool[NEIGH_WAITING];
	uint8_t free; /* 1 + index of the first free packet */
	struct amp_timer timer;
};

void neigh_init(struct neigh *t, const struct neigh_family *family, struct node_pub *pub,
		uint64_t *count, void (*unreachable)(void *arg, uint8_t *packet, size_t len),
		void *arg);

/* Sends a packet to a next hop on a connected network; it waits, is counted, or is given to `unreachable` otherwise. */
void neigh_send(struct neigh *t, uint16_t port, const struct ip6 *next, const uint8_t *packet,
		size_t len);

/*
 * What a neighbour says about itself in ARP, or in a solicitation. asks: in a question of its own, which teaches us its address; else in an answer. to_us:
 * it asked for one of our addresses, or answers us. mac NULL: it says no more than that nothing has changed.
 */
void neigh_learn(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6],
		 bool asks, bool to_us);

/* A neighbour advertisement and its flags; mac NULL: without a link address. */
void neigh_advertised(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6],
		      bool solicited, bool override);

/* Somebody who knows says so: the entry is made, or changes at once, unless it is static. */
void neigh_told(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6]);

/* The entry of an address; NULL: none. */
const struct neigh_entry *neigh_find(const struct neigh *t, uint16_t port, const struct ip6 *addr);

/* Makes a static entry. False: no room for it. */
bool neigh_static(struct neigh *t, uint16_t port, const struct ip6 *addr, const uint8_t mac[6]);
/* It is one that was learnt from now on, and is asked whether it is still there; nothing when it is none. */
void neigh_not_static(struct neigh *t, uint16_t port, const struct ip6 *addr);

/* Sends a frame. */
void neigh_transmit(struct neigh *t, uint16_t port, const uint8_t dst[6], uint16_t type,
		    const uint8_t *data, size_t len);

const char *neigh_state_name(unsigned state);

#endif
