/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - the consumer's side of packet rings (struct xok_ring), the same on both backends. The
 * backend makes the memory and produces into it, or has the kernel do so.
 */
#ifndef AMP_COMMON_RING_H
#define AMP_COMMON_RING_H

#include "amp/amp.h"

struct amp_ring {
	struct amp_ring *next;
	struct xok_ring *hdr; /* page 0; slots start at page 1 */
	uint32_t nslots, tail;
	uint32_t id; /* the backend's */
	bool closed; /* by amp_ring_close; released when no callback is under way */
	void (*fn)(void *arg, struct amp_packet *p);
	void *arg;
};

/* Pages of a ring of nslots slots, header included. */
static inline uint32_t ring_pages(uint32_t nslots)
{
	return 1 + nslots / 2;
}

static inline bool ring_size_ok(uint32_t nslots)
{
	return nslots >= 2 && nslots <= XOK_RING_MAX && (nslots & (nslots - 1)) == 0;
}

static inline struct xok_slot *ring_slot(const struct amp_ring *r, uint32_t i)
{
	return (struct xok_slot *)((uint8_t *)r->hdr + XOK_PAGE) + (i & (r->nslots - 1));
}

/* Hands at most `max` packets to the ring's callback; returns how many are left. */
uint32_t ring_drain(struct amp_ring *r, uint32_t max);

#endif
