/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - the forwarding handlers in the kernel: their tables, kept in step with the node's addresses, routes and neighbours.
 *
 * Where the kernel runs no handlers, or a table overflows, this family's packets come to the environment, as all those do that a handler
 * passes on; ipv4.c and ipv6.c forward whatever comes to them.
 */
#ifndef NODEOS_ROOT_FORWARD_H
#define NODEOS_ROOT_FORWARD_H

#include "amp/amp.h"
#include "nodeos/forward/forward.h"
#include "nodeos/node.h"
#include "nodeos/root/neigh.h"

/* Prefixes of a family: routes, neighbours, and an address with its network's two broadcast addresses. */
#define FORWARD_ROUTES (NODE_ROUTES + NODE_NEIGHS + 3u * NODE_ADDRESSES)

enum forward_family { FORWARD_IP4, FORWARD_IP6, FORWARD_FAMILIES };

/* A handler module (capsules/FORMAT.md), 4-aligned; NULL: none. */
struct forward_module {
	const uint8_t *bytes;
	size_t len;
};

/* A prefix that stands in the kernel's table; IPv4 ones mapped. */
struct forward_route {
	struct ip6 prefix;
	uint8_t len;
	uint8_t keep;
	uint32_t number; /* index of an adjacency */
};

struct forward_path {
	struct neigh *neigh;
	uint32_t table, filter, prog; /* their ids */
	bool loaded;		      /* the handler can be bound */
	bool bound;
	uint32_t nroute;
	struct forward_route route[FORWARD_ROUTES];
};

struct forward {
	struct node_pub *pub;
	struct forward_adjacency *adjacency; /* NULL: no tables, no handlers */
	struct forward_port *port;
	const uint64_t *counter;
	uint32_t adjacencies, ports, counters; /* ids of the tables */
	struct forward_path path[FORWARD_FAMILIES];
};

/* Makes tables and handlers for packets that otherwise go to `ring`. What is not to be had is said in the log, once. */
void forward_init(struct forward *f, struct node_pub *pub, struct neigh *neigh4,
		  struct neigh *neigh6, struct amp_ring *ring,
		  const struct forward_module module[FORWARD_FAMILIES]);

/* Addresses, routes or the role have changed. */
void forward_config(struct forward *f);

/* What the handlers counted; 0 without them. */
uint64_t forward_counted(const struct forward *f, enum forward_counter which);

#endif
