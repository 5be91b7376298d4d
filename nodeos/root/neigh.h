/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.h - the neighbour table: which link address an IPv4 neighbour has (RFC 826), asked for, answered, aged, and published
 * in node_pub for everybody. Bounded in entries, waiting packets and requests.
 *
 * An entry in use is never overwritten by what somebody merely says: a claim to another link address makes the table ask the
 * old one first, and only its silence opens the question again. Nor do claims, or packets to addresses that nobody has, push such an
 * entry out. Static entries never change.
 */
#ifndef NODEOS_NEIGH_H
#define NODEOS_NEIGH_H

#include "amp/amp.h"
#include "nodeos/node.h"
#include "nodeos/root/count.h"

#define NEIGH_WAITING 64u     /* packets in all that wait for an answer */
#define NEIGH_WAITING_EACH 4u /* for one neighbour; the oldest gives way (RFC 1122 2.3.2.2) */
#define NEIGH_UNANSWERED (NODE_NEIGH_WAYS / 2) /* entries of a set that nobody has answered for */
#define NEIGH_RETRY_NS 1000000000ull	       /* at most one request a second (RFC 1122 2.3.2.1) */
#define NEIGH_TRIES 5u	/* broadcast requests before the neighbour counts as unreachable */
#define NEIGH_PROBES 3u /* unicast requests before its address is asked for anew */
#define NEIGH_FRESH_NS 60000000000ull /* then it is probed */
#define NEIGH_PACKET 1514u

enum neigh_state { NEIGH_FREE, NEIGH_INCOMPLETE, NEIGH_RESOLVED, NEIGH_PROBING, NEIGH_STATIC };

struct neigh_entry {
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

struct neigh {
	struct node_pub *pub;
	struct ip_counters *count;
	/* Gets each IPv4 packet whose next hop stayed silent. */
	void (*unreachable)(void *arg, uint8_t *packet, size_t len);
	void *arg;
	struct neigh_entry entry[NODE_NEIGHS]; /* beside pub->neigh, index for index */
	struct neigh_packet pool[NEIGH_WAITING];
	uint8_t free; /* 1 + index of the first free packet */
	struct amp_timer timer;
};

void neigh_init(struct neigh *t, struct node_pub *pub, struct ip_counters *count,
		void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg);

/* Sends an IPv4 packet to a next hop on a connected network; it waits, is counted, or is given to `unreachable` otherwise. */
void neigh_send(struct neigh *t, uint16_t port, uint32_t next, const uint8_t *packet, size_t len);

/* An Ethernet frame of type ARP. */
void neigh_input(struct neigh *t, uint16_t port, const uint8_t *frame, size_t len);

/* Makes a static entry. False: no room for it. */
bool neigh_static(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t mac[6]);

const char *neigh_state_name(unsigned state);

#endif
