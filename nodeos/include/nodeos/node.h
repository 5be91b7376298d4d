/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node.h - the node's published tables: one page-aligned block that the root domain writes and every other domain maps
 * read-only. What forwarding, policy and tools need to know stands here, so that nobody has to ask.
 *
 * A sequence lock keeps readers consistent: `seq` is odd while the root writes. The calls below retry until they saw one
 * version. They bound every index and count they read, since they may run over a half-written table before they find out.
 * Addresses are numbers in host order. Times are nanoseconds.
 */
#ifndef NODEOS_NODE_H
#define NODEOS_NODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nodeos/forward/forward.h"

#define NODE_MAGIC 0x45444f4eu
#define NODE_VERSION 3u

#define NODE_NAME 32u
#define NODE_PORTS FORWARD_IFACES /* ports, and from FORWARD_VLANS on VLANs: interfaces */
#define NODE_ADDRESSES 64u
#define NODE_ROUTES 1024u /* of a family, unless more are asked for */
#define NODE_NEIGH_WAYS 8u
#define NODE_NEIGH_SETS 32u
#define NODE_NEIGHS (NODE_NEIGH_WAYS * NODE_NEIGH_SETS)
#define NODE_PRINCIPALS 64u
#define NODE_RULES 256u
#define NODE_FIB_BYTES (28u * 4096u) /* of NODE_ROUTES */
#define NODE_NO_PORT 0xffffu
#define NODE_ADDRESSES6 128u /* link-local ones included */

enum node_role { NODE_ROUTER, NODE_HOST };

/* An interface: a port, or a VLAN at one. */
struct node_port {
	char peer[NODE_NAME];
	uint8_t mac[6];
	uint16_t mtu;
	uint8_t used;	/* there is one of this number */
	uint8_t device; /* the port */
	uint16_t vlan;	/* 0: none */
	uint8_t twin;	/* 1 + the mirror port of the host's own stack; 0: none */
	uint8_t pad[3];
};

struct node_address {
	uint32_t addr;
	uint8_t len;
	uint8_t pad;
	uint16_t port;
};

struct node_neigh {
	uint32_t addr; /* 0: the entry is free */
	uint16_t port;
	uint8_t mac[6];
	uint8_t usable; /* mac may be sent to */
	uint8_t pad[3];
};

/* An IPv6 address as it stands in packets. */
struct ip6 {
	uint8_t b[16];
};

struct node_address6 {
	struct ip6 addr;
	uint16_t port;
	uint8_t len;
	uint8_t pad;
};

/* What number FORWARD_HOP + index stands for. */
struct node_next {
	struct ip6 addr; /* IPv4 addresses mapped */
	uint16_t port;
	uint16_t used;
};

struct node_neigh6 {
	struct ip6 addr; /* ::: the entry is free */
	uint16_t port;
	uint8_t mac[6];
	uint8_t usable;
	uint8_t pad[3];
};

struct node_principal {
	uint8_t key[32];
	char name[NODE_NAME];
};

/* principal may run module (any: every module), spending at most budget a capsule. */
struct node_rule {
	uint16_t principal;
	uint16_t any;
	uint32_t budget;
	uint8_t module[32];
};

struct node_pub {
	uint32_t magic, version;
	_Atomic uint32_t seq;
	uint32_t role; /* enum node_role */
	char name[NODE_NAME];
	int64_t utc_offset; /* added to amp_wall() */
	uint32_t address;   /* the node's own: the first of its lowest port */
	uint32_t nport, naddress, nprincipal, nrule;
	struct node_port port[NODE_PORTS]; /* the first nport are the ports */
	struct node_address addresses[NODE_ADDRESSES];
	struct node_next next[FORWARD_HOPS];
	uint16_t group[FORWARD_GROUPS][FORWARD_BUCKETS]; /* numbers, by the destination's hash */
	struct node_neigh neigh[NODE_NEIGHS];		 /* set-associative by node_neigh_set */
	struct node_principal principal[NODE_PRINCIPALS];
	struct node_rule rule[NODE_RULES];
	uint32_t naddress6;
	uint32_t fib6_off; /* from fib */
	struct node_address6 addresses6[NODE_ADDRESSES6];
	struct node_neigh6 neigh6[NODE_NEIGHS]; /* set-associative by node_neigh_set6 */
	/*
	 * Two longest-prefix tables (xok/table/table.h) of numbers (forward.h), IPv4's first: their sequence numbers are their own. The
	 * memory goes on behind the structure where there are more routes.
	 */
	_Alignas(4096) uint8_t fib[NODE_FIB_BYTES];
};

/* ---- the root's side ---- */

/* How many bytes a node with so many routes takes; 0: more than a table holds. */
size_t node_size(uint32_t routes);
/* With room for `routes` routes of each family, in zeroed memory of that size; node_init: for NODE_ROUTES. */
void node_make(struct node_pub *p, uint32_t routes);
void node_init(struct node_pub *p);
void node_write_begin(struct node_pub *p);
void node_write_end(struct node_pub *p);

/*
 * A prefix leads to a number; IPv4 prefixes are mapped ones, of length 96 and more. 0, XOK_ENOMEM: the table is full, XOK_ENOENT: no such prefix.
 * Readers see one or the other at once, outside node_write_begin and _end.
 */
int node_fib_set(struct node_pub *p, const struct ip6 *prefix, unsigned len, uint32_t number);
int node_fib_delete(struct node_pub *p, const struct ip6 *prefix, unsigned len);
/* The number of an address, mapped if of IPv4; -1: none. */
int32_t node_fib(const struct node_pub *p, const struct ip6 *addr);
/* Its next hop, too; false: it has none. For callers that hold the sequence lock, or may see a change. */
bool node_next_hop(const struct node_pub *p, const struct ip6 *addr, int32_t *number,
		   struct ip6 *next, uint16_t *port);

/* ---- everybody's side ---- */

/* UTC as this node knows it, ns since 1970. */
uint64_t node_utc(const struct node_pub *p);

struct node_hop {
	int32_t number; /* of the route (forward.h), -1: there is none; also when there is no hop */
	uint16_t port;
	uint32_t next;	 /* whose link address the frame goes to */
	uint32_t source; /* our address on that port; the node's when it has none */
	uint16_t mtu;
};
/* Longest-prefix match; false: no route that leads anywhere. */
bool node_route(const struct node_pub *p, uint32_t dst, struct node_hop *out);

/* Is there an interface of this number? */
static inline bool node_port_used(const struct node_pub *p, uint32_t port)
{
	return port < NODE_PORTS && p->port[port].used;
}

/* One of our addresses? */
bool node_is_local(const struct node_pub *p, uint32_t addr);
/* On a connected network, and not the network's own or broadcast address? Stores the port when asked. */
bool node_is_connected(const struct node_pub *p, uint32_t addr, uint16_t *port);
/* 255.255.255.255, or the broadcast or network address of a connected network (RFC 1812 5.3.5). */
bool node_is_broadcast(const struct node_pub *p, uint32_t addr);

/* Link address of a neighbour and of our own port; false: the root has to resolve it. */
bool node_link(const struct node_pub *p, uint16_t port, uint32_t addr, uint8_t dst[6],
	       uint8_t src[6]);
unsigned node_neigh_set(uint16_t port, uint32_t addr); /* first index of the set */

/* ---- the same for IPv6 (node6.c); a link-local address means something at its own port only ---- */

struct node_hop6 {
	int32_t number;
	uint16_t port;
	uint16_t mtu;
	struct ip6 next;
};
/* Longest-prefix match; false: no route. Link-local destinations have none. */
bool node_route6(const struct node_pub *p, const struct ip6 *dst, struct node_hop6 *out);
bool node_is_local6(const struct node_pub *p, uint16_t port, const struct ip6 *addr);
/*
 * The subnet-router anycast address of a network that we have an address of (RFC 4291 2.6.1)? It is every router's there, and no source. Networks of /127
 * and longer have none (RFC 6164).
 */
bool node_is_anycast6(const struct node_pub *p, uint16_t port, const struct ip6 *addr);
/* On a network of this port? */
bool node_is_connected6(const struct node_pub *p, uint16_t port, const struct ip6 *addr);
/* Our address to speak to `peer` with, through `port`: of its network, of the port, any global one, link-local; false: we have none. */
bool node_source6(const struct node_pub *p, uint16_t port, const struct ip6 *peer, struct ip6 *out);
bool node_link6(const struct node_pub *p, uint16_t port, const struct ip6 *addr, uint8_t dst[6],
		uint8_t src[6]);
unsigned node_neigh_set6(uint16_t port, const struct ip6 *addr);

/* What policy says of a principal and a module: the verdict and, when allowed, the budget. */
enum node_verdict { NODE_ALLOWED, NODE_UNKNOWN_PRINCIPAL, NODE_DENIED };
enum node_verdict node_policy(const struct node_pub *p, const uint8_t key[32],
			      const uint8_t module[32], uint32_t *budget);

#endif
