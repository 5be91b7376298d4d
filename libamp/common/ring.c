/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.c - takes packets out of a ring. */
#include "libamp/common/ring.h"

uint32_t ring_drain(struct amp_ring *r, uint32_t max)
{
	/* Acquire: the slot's bytes are read after the head that covers them. */
	uint32_t head = __atomic_load_n(&r->hdr->head, __ATOMIC_ACQUIRE);

	while (r->tail != head && max > 0 && !r->closed) {
		struct xok_slot *s = ring_slot(r, r->tail);
		struct amp_packet p = {
			.data = s->data,
			.len = s->len,
			.port = s->port,
			.time = s->time,
			.queued = head - r->tail - 1,
		};

		r->fn(r->arg, &p);
		r->tail++;
		max--;
		/*
		 * Release: the slot is the producer's again only after the callback is done with
		 * it.
		 */
		__atomic_store_n(&r->hdr->tail, r->tail, __ATOMIC_RELEASE);
	}
	return r->closed ? 0 : __atomic_load_n(&r->hdr->head, __ATOMIC_ACQUIRE) - r->tail;
}
