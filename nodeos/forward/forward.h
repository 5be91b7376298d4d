/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - what the forwarding handlers (forward4.c and forward6.c, BPF) and the router domain that feeds them share: the tables.
 *
 *	routes4 (LPM4), routes6 (LPM6)	prefix to index of an adjacency
 *	adjacency (ARRAY)		where such packets go
 *	ports (ARRAY)			our link address at each port
 *	counters (ARRAY)		forward.def
 *
 * The router domain alone writes routes, adjacencies and ports; the handlers alone write counters. A handler may run between any two
 * instructions of the router domain, and on other machines beside it: `version` of an adjacency is odd while it changes, and a handler that
 * sees it odd, or different before and after, passes the packet on.
 */
#ifndef NODEOS_FORWARD_H
#define NODEOS_FORWARD_H

#include <stdint.h>

#define FORWARD_PORTS 16u
#define FORWARD_NEIGHS 256u /* of each family */

/* Indices of adjacencies. Those of neighbours stand index for index beside the tables of node.h. */
enum forward_index {
	FORWARD_LOCAL,	   /* one of our addresses */
	FORWARD_BROADCAST, /* of a connected network; not forwarded, and no source */
	FORWARD_RESOLVE,   /* the router domain has to find the next hop */
	FORWARD_NEIGH4,
	FORWARD_NEIGH6 = FORWARD_NEIGH4 + FORWARD_NEIGHS,
	FORWARD_ADJACENCIES = FORWARD_NEIGH6 + FORWARD_NEIGHS,
};

struct forward_adjacency {
	uint32_t version; /* odd: being written */
	uint16_t mtu;	  /* largest IP packet */
	uint8_t port;
	uint8_t complete;  /* the link addresses are known */
	uint8_t ether[12]; /* destination and source link address, as a frame begins */
	uint32_t pad;
};

struct forward_port {
	uint8_t mac[8]; /* six and two zeros */
};

enum forward_counter {
#define FORWARD(name, stable, text) FORWARD_##name,
#include "nodeos/forward/forward.def"
#undef FORWARD
	FORWARD_COUNTERS
};

_Static_assert(sizeof(struct forward_adjacency) == 24, "layout");
_Static_assert(sizeof(struct forward_port) == 8, "layout");

#endif
