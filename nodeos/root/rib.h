/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rib.h - the routing information base: every route that anybody has told us, by prefix, of which the best one counts. It is a hash, so that a
 * million routes come and go in constant time each; who looks an address up asks the tables made from it (node.h).
 *
 * Prefixes of IPv4 are mapped ones, of length 96 and more. What a route leads to is a number (forward.h); a route holds a reference to its
 * next hop or group (hops.h).
 */
#ifndef NODEOS_RIB_H
#define NODEOS_RIB_H

#include "nodeos/node.h"
#include "nodeos/root/hops.h"

/* Who says so. Of several sources of one prefix the one with the least rank counts, of one source's the least metric. */
enum rib_source {
	RIB_LOCAL,	/* our addresses and broadcast addresses, as configured */
	RIB_CONNECTED,	/* their networks */
	RIB_STATIC,	/* configured routes */
	RIB_HOST_LOCAL, /* the addresses that the host's own stack has */
	RIB_HOST,	/* its routes */
	RIB_SOURCES
};

struct rib_route {
	struct ip6 prefix;
	uint32_t metric;
	uint32_t next; /* 1 + index, of the bucket's or of the free ones; 0: the last */
	uint16_t number;
	uint8_t len;
	uint8_t source; /* enum rib_source */
	uint8_t mark;
	uint8_t used;
	uint8_t pad[2];
};
_Static_assert(sizeof(struct rib_route) == 32, "a million of them are 32 MB");

struct rib {
	struct hops *hops;
	/* Told when what counts of a prefix changes; -1: none. The new number's reference is held, the old one's still. */
	void (*changed)(void *arg, const struct ip6 *prefix, unsigned len, int32_t was, int32_t is);
	void *arg;
	struct rib_route *route;
	uint32_t *bucket; /* 1 + index */
	uint32_t nroute, room, max, used, free, buckets;
	uint8_t mark[RIB_SOURCES];
};

/* At most `max` routes. */
void rib_init(struct rib *r, struct hops *hops, uint32_t max,
	      void (*changed)(void *arg, const struct ip6 *prefix, unsigned len, int32_t was,
			      int32_t is),
	      void *arg);
void rib_end(struct rib *r);

/*
 * Adds or changes the route of a source with this metric. It takes over the caller's reference to the number, also when it fails: XOK_ENOMEM.
 */
int rib_set(struct rib *r, const struct ip6 *prefix, unsigned len, enum rib_source source,
	    uint32_t metric, uint32_t number);
/* XOK_ENOENT: there is none. */
int rib_delete(struct rib *r, const struct ip6 *prefix, unsigned len, enum rib_source source,
	       uint32_t metric);

/* All routes of a source that are not set between mark and sweep are gone after sweep. */
void rib_mark(struct rib *r, enum rib_source source);
void rib_sweep(struct rib *r, enum rib_source source);

/* The route of a prefix that counts; NULL: none. */
const struct rib_route *rib_best(const struct rib *r, const struct ip6 *prefix, unsigned len);

#endif
