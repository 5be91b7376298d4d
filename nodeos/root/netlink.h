/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink.h - what a host's own stack says about its interfaces, addresses, neighbours and routes, read strictly: rtnetlink(7), and RFC 3549 for the
 * messages' form. Numbers are host order, as netlink's are; addresses are as packets have them, IPv4 ones mapped.
 *
 * Nothing here trusts a length: a message, attribute or next hop that reaches beyond what contains it ends the reading of that container, and is
 * counted.
 */
#ifndef NODEOS_NETLINK_H
#define NODEOS_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nodeos/node.h"

#define NETLINK_HOPS 16u /* next hops of a route; more are left out, and counted */

/* RFC 3549 2.3.2: message types of all families, and of the routing family. */
enum netlink_type {
	NETLINK_ERROR = 2,
	NETLINK_DONE = 3,
	NETLINK_NEWLINK = 16,
	NETLINK_DELLINK = 17,
	NETLINK_GETLINK = 18,
	NETLINK_NEWADDR = 20,
	NETLINK_DELADDR = 21,
	NETLINK_GETADDR = 22,
	NETLINK_NEWROUTE = 24,
	NETLINK_DELROUTE = 25,
	NETLINK_GETROUTE = 26,
	NETLINK_NEWNEIGH = 28,
	NETLINK_DELNEIGH = 29,
	NETLINK_GETNEIGH = 30,
};

/* Multicast groups of the routing family, as bits. */
#define NETLINK_GROUPS (0x1u | 0x4u | 0x10u | 0x40u | 0x100u | 0x400u)

enum netlink_route_kind {
	NETLINK_UNICAST = 1,
	NETLINK_BLACKHOLE = 6,
	NETLINK_UNREACHABLE = 7,
	NETLINK_PROHIBIT = 8
};

struct netlink_link {
	uint32_t index, parent; /* parent: of a VLAN; 0: none */
	uint16_t vlan;
	bool up; /* and it has a carrier: else the ways through it are dead */
	bool has_mac;
	uint8_t mac[6];
	char name[16];
};

struct netlink_addr {
	struct ip6 addr;
	uint32_t index;
	uint8_t len; /* of IPv4 96 and more */
	uint8_t scope;
	bool usable; /* not being verified, nor found to be somebody else's */
};

struct netlink_neigh {
	struct ip6 addr;
	uint32_t index;
	bool has_mac; /* known, and believed */
	bool permanent;
	uint8_t mac[6];
};

struct netlink_hop {
	struct ip6 via; /* :: none: connected */
	uint32_t index;
	uint16_t weight;
};

struct netlink_route {
	struct ip6 prefix;
	uint32_t metric, table;
	uint8_t len;
	uint8_t kind; /* enum netlink_route_kind, or another of rtnetlink(7) */
	bool plain;   /* no type of service, no source prefix, and nobody's copy */
	uint32_t nhop;
	struct netlink_hop hop[NETLINK_HOPS];
};

struct netlink_event {
	uint16_t type; /* enum netlink_type; of other types only the header was read */
	uint32_t seq;
	bool interrupted; /* what is being listed changed meanwhile: the list is not consistent */
	int32_t error;	  /* NETLINK_ERROR: negative errno, or 0 */
	union {
		struct netlink_link link;
		struct netlink_addr addr;
		struct netlink_neigh neigh;
		struct netlink_route route;
	};
};

/*
 * Calls fn for each message in a datagram that can be read. Returns how many could not, or not whole.
 */
uint32_t netlink_read(const void *buf, size_t len,
		      void (*fn)(void *arg, const struct netlink_event *e), void *arg);

/* Writes a request to list all of a kind (NETLINK_GETLINK ...); family 0: all. Returns its length. */
#define NETLINK_REQUEST 32u
size_t netlink_list(uint8_t out[NETLINK_REQUEST], enum netlink_type type, uint8_t family,
		    uint32_t seq);

#endif
