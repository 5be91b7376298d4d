/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hops.h - what routes lead to: next hops, and groups of them that share a prefix's flows. Each is there once however many routes lead to
 * it, has a number (forward.h), and counts its references. The handlers' adjacencies and groups, and node_pub's, are kept in step: a neighbour that
 * comes or goes changes its one adjacency, and no route.
 */
#ifndef NODEOS_HOPS_H
#define NODEOS_HOPS_H

#include "nodeos/node.h"
#include "nodeos/root/neigh.h"

#define HOPS_MEMBERS 16u /* next hops of a group */
#define HOPS_CHAINS 256u

/* One of a group; a weight of 0 counts as 1. */
struct hops_member {
	struct ip6 addr; /* IPv4 addresses mapped */
	uint16_t port;
	uint16_t weight;
};

struct hops_group {
	uint32_t refs;
	uint32_t n;
	uint16_t number[HOPS_MEMBERS], weight[HOPS_MEMBERS];
};

struct hops {
	struct node_pub *pub;
	struct forward_adjacency *adjacency; /* NULL: no handlers */
	struct forward_group *groups;
	struct neigh *neigh[2]; /* IPv4's and IPv6's */
	uint32_t refs[FORWARD_HOPS];
	uint16_t chain[FORWARD_HOPS], head[HOPS_CHAINS]; /* 1 + index */
	uint32_t next_hop, next_group;			 /* where to look for a free one */
	struct hops_group group[FORWARD_GROUPS];
};

void hops_init(struct hops *h, struct node_pub *pub, struct neigh *neigh4, struct neigh *neigh6);

/* The number of a next hop, or XOK_ENOMEM; the caller has a reference. */
int32_t hops_get(struct hops *h, uint16_t port, const struct ip6 *addr);
/* Of n next hops: of one alone if n is 1. The same ones in another order are the same group. */
int32_t hops_group(struct hops *h, const struct hops_member *m, unsigned n);
/* One reference less; numbers that are neither next hops nor groups are ignored. */
void hops_put(struct hops *h, uint32_t number);

/* A neighbour has changed: its next hop, if it is one, follows. */
void hops_neighbour(struct hops *h, const struct neigh_entry *e);
/* An interface has changed. */
void hops_ports(struct hops *h);

/* The next hops of a number: how many, at most HOPS_MEMBERS. */
unsigned hops_list(const struct hops *h, uint32_t number, struct hops_member *out);

#endif
