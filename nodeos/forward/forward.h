/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - what the forwarding handlers (forward4.c, forward6.c, mirror.c, BPF) and the router domain that feeds them share: the tables.
 *
 *	routes4 (LPM4), routes6 (LPM6)	prefix to a number, enum forward_number
 *	adjacency (ARRAY)		numbers below FORWARD_GROUP: where such packets go
 *	groups (ARRAY)			numbers from FORWARD_GROUP on: several next hops, one for each flow
 *	ports (ARRAY)			our interfaces, by number: link address and what is checked there
 *	ours (ARRAY)			a byte for each hash of an address, not 0 when one of ours or a broadcast address hashes so
 *	vlans (HASH)			port and VLAN to interface; of the handlers of tagged frames only
 *	counters (PERCPU)		forward.def
 *
 * An interface is a port, or a VLAN at a port (802.1Q), then numbered from FORWARD_VLANS.
 *
 * The router domain alone writes all but the counters, which the handlers write. A handler may run between any two instructions of the
 * router domain, and on other machines beside it: bit FORWARD_CLOSED of an adjacency's `version` is set while it changes, and as long as nothing
 * can be sent to it; a handler that sees it, or another version before than after, passes the packet on. A group is complete before a route leads to it, and
 * is not changed until long after the last one is gone.
 */
#ifndef NODEOS_FORWARD_H
#define NODEOS_FORWARD_H

#include <stdint.h>

#define FORWARD_PORTS 32u  /* of the kernel */
#define FORWARD_VLANS 32u  /* the first interface that is a VLAN; as many as there may be */
#define FORWARD_IFACES 64u /* interfaces in all */
#define FORWARD_HOPS 1024u /* next hops, of both families */
#define FORWARD_GROUPS 256u
#define FORWARD_BUCKETS 64u /* of a group; a power of two */
#define FORWARD_OURS 1024u  /* a power of two */
#define FORWARD_FRAME 1518u /* the largest frame: 14, a tag, 1500 */

/* What a route leads to. */
enum forward_number {
	FORWARD_LOCAL,	     /* one of our addresses */
	FORWARD_BROADCAST,   /* of a connected network; not forwarded, and no source */
	FORWARD_BLACKHOLE,   /* dropped in silence */
	FORWARD_UNREACHABLE, /* dropped; the router domain tells the sender */
	FORWARD_PROHIBITED,  /* likewise */
	FORWARD_LINK, /* + interface: a connected network; the router domain finds the neighbour */
	FORWARD_HOP = FORWARD_LINK + FORWARD_IFACES, /* + index of a next hop */
	FORWARD_GROUP = FORWARD_HOP + FORWARD_HOPS,  /* + index of a group */
	FORWARD_NUMBERS = FORWARD_GROUP + FORWARD_GROUPS,
};
#define FORWARD_ADJACENCIES 2048u /* a power of two, so that handlers need no comparison */

#define FORWARD_CLOSED 1u /* bits of `version`: nothing can be sent */
#define FORWARD_TAGGED 2u /* frames get a tag */
#define FORWARD_AGE 4u	  /* what it grows by with each change */

struct forward_adjacency {
	uint32_t version;
	uint16_t mtu; /* largest IP packet */
	uint8_t iface;
	uint8_t port;	   /* of the interface */
	uint8_t ether[12]; /* destination and source link address, as a frame begins */
	uint16_t tag;	   /* VLAN in network byte order */
	uint16_t pad[5];
} __attribute__((aligned(32)));

struct forward_group {
	uint64_t ifaces;		  /* bit n: a next hop is at interface n */
	uint16_t bucket[FORWARD_BUCKETS]; /* adjacencies, by the flow's hash */
};

#define FORWARD_RPF_STRICT \
	1u /* RFC 3704 2.2: sources must be reached by the interface they come from */
#define FORWARD_RPF_LOOSE 2u /* RFC 3704 2.4: sources must be reached */
#define FORWARD_UP 4u	     /* the interface is there */

struct forward_port {
	uint64_t
		mac; /* our link address in the upper six bytes, as a load of the frame's first eight shifted left by 16 gives it */
	uint16_t flags;
	uint8_t twin; /* 1 + the port whose other end is the host's own stack; 0: none */
	uint8_t pad[5];
};

/* The key of table vlans, port << 12 | VLAN, and its value, are uint32_t. */

/* The byte of table ours that an IPv4 address in host order has; and an IPv6 address, by its last eight bytes as they are loaded. */
static inline __attribute__((always_inline)) uint32_t forward_ours(uint32_t address)
{
	return (address * 0x9e3779b1u) >> 22;
}

static inline __attribute__((always_inline)) uint32_t forward_ours6(uint64_t low)
{
	return (uint32_t)((low * 0x9e3779b97f4a7c15u) >> 54);
}

enum forward_counter {
#define FORWARD(name, stable, text) FORWARD_##name,
#include "nodeos/forward/forward.def"
#undef FORWARD
	FORWARD_COUNTERS
};

_Static_assert(sizeof(struct forward_adjacency) == 32, "layout");
_Static_assert(__builtin_offsetof(struct forward_adjacency, mtu) == 4 &&
		       __builtin_offsetof(struct forward_adjacency, iface) == 6 &&
		       __builtin_offsetof(struct forward_adjacency, port) == 7 &&
		       __builtin_offsetof(struct forward_adjacency, ether) == 8 &&
		       __builtin_offsetof(struct forward_adjacency, tag) == 20,
	       "the handlers load it in words");
_Static_assert(sizeof(struct forward_group) == 136, "layout");
_Static_assert(sizeof(struct forward_port) == 16, "layout");
_Static_assert(FORWARD_OURS == 1u << (32 - 22) && FORWARD_OURS == 1u << (64 - 54),
	       "the hashes have ten bits");
_Static_assert(FORWARD_GROUP <= FORWARD_ADJACENCIES, "a place for each number below");
_Static_assert(FORWARD_NUMBERS < 1u << 16, "a bucket holds any");

#endif
