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
#include "nodeos/root/rib.h"

#define FORWARD_BATCH 64u    /* changes of a table that are made together */
#define FORWARD_OLD 8u	     /* tables of an earlier process but for its counters, see adopt.h */
#define FORWARD_FILTERS 160u /* each family at each port and VLAN, and each mirror */

enum forward_family { FORWARD_IP4, FORWARD_IP6, FORWARD_FAMILIES };

/* Handler modules (capsules/FORMAT.md), 4-aligned; NULL: none. */
enum forward_program {
	FORWARD_PLAIN4,
	FORWARD_PLAIN6,
	FORWARD_TAGGED4,
	FORWARD_TAGGED6,
	FORWARD_TO_TWIN,
	FORWARD_PROGRAMS
};
struct forward_module {
	const uint8_t *bytes;
	size_t len;
};

/* A filter of ours and the handler that takes its packets. */
struct forward_filter {
	uint32_t id;
	uint8_t program;
	uint8_t family; /* FORWARD_FAMILIES: neither */
	uint8_t iface;	/* of a VLAN's */
	bool bound;
	int32_t port; /* or XOK_PORT_ANY */
};

/* A neighbour that is its own next hop, as a prefix of full length in the kernel's table. */
struct forward_host {
	struct ip6 addr;
	uint32_t number; /* 0: there is none */
};

struct forward_path {
	struct neigh *neigh;
	uint32_t table; /* its id */
	bool usable;	/* the tables are complete: handlers may be bound */
	uint32_t n;	/* changes that wait */
	struct xok_table_update batch[FORWARD_BATCH];
	struct forward_host host[NODE_NEIGHS]; /* index for index as in neigh */
};

struct forward {
	struct node_pub *pub;
	struct amp_ring *ring;
	struct hops hops;
	struct rib rib;
	struct forward_module module[FORWARD_PROGRAMS];
	bool tables; /* the kernel has them */
	struct forward_port *port;
	uint8_t *ours;
	const void *counters_mem; /* a PERCPU table */
	uint32_t adjacencies, groups, ports, ours_table, counters, scratch, vlans; /* ids */
	uint32_t prog[FORWARD_PROGRAMS];
	uint32_t nfilter;
	struct forward_filter filter[FORWARD_FILTERS];
	uint16_t ours_count[FORWARD_OURS];
	uint32_t routes; /* how many each table holds */
	bool routes_changed;
	uint8_t rpf[NODE_PORTS];		 /* FORWARD_RPF_... of each interface */
	uint64_t refused;			 /* routes that found no room */
	uint32_t old[FORWARD_OLD], old_counters; /* 0: none */
	bool held;				 /* handlers are not bound yet: forward_release */
	struct forward_path path[FORWARD_FAMILIES];
};

/*
 * Makes tables with room for `routes` routes of each family, and handlers for packets that otherwise go to `ring`. What is not to be had is
 * said in the log, once.
 */
void forward_init(struct forward *f, struct node_pub *pub, struct neigh *neigh4,
		  struct neigh *neigh6, struct amp_ring *ring, uint32_t routes,
		  const struct forward_module module[FORWARD_PROGRAMS]);

/* Interfaces, addresses or the role have changed. */
void forward_config(struct forward *f);

/*
 * Changes of routes, of all prefixes in f->rib. Prefixes of IPv4 are mapped ones; the number is one of enum forward_number, of hops and groups with a
 * reference that is taken over. XOK_ENOMEM: no room. They come into force at once for node_pub, and with forward_flush for the handlers.
 */
int forward_route(struct forward *f, const struct ip6 *prefix, unsigned len, enum rib_source source,
		  uint32_t metric, uint32_t number);
void forward_flush(struct forward *f);

/*
 * From now on the handlers get their packets, if they could be made. Until then those of an earlier process of this domain have them: it is called
 * when all that is known stands in the tables.
 */
void forward_release(struct forward *f);

/* What the handlers counted; 0 without them. */
uint64_t forward_counted(const struct forward *f, enum forward_counter which);

#endif
