/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_ring.h - records from one thread to another: slots of one size, whose number is a power of two. The producer never waits: what does
 * not fit is counted.
 */
#ifndef XOK_LINUX_CAPTURE_RING_H
#define XOK_LINUX_CAPTURE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_ring {
	uint8_t *slot;
	uint32_t nslot, bytes;	       /* of a slot */
	_Alignas(64) atomic_uint head; /* the producer's; both count up and wrap */
	atomic_ulong missed;
	_Alignas(64) atomic_uint tail; /* the consumer's */
};

/* So many slots as fit into `room` bytes, at least one. False: no memory. */
bool capture_ring_init(struct capture_ring *r, uint32_t slot_bytes, size_t room);
void capture_ring_fini(struct capture_ring *r);

/* The producer's: a slot to write to, or NULL after counting; and then hand it over. */
static inline void *capture_ring_begin(struct capture_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) >= r->nslot) {
		atomic_fetch_add_explicit(&r->missed, 1, memory_order_relaxed);
		return NULL;
	}
	return r->slot + (size_t)(head & (r->nslot - 1)) * r->bytes;
}

static inline void capture_ring_end(struct capture_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

/* The consumer's: the oldest slot, or NULL; and then give it back. */
static inline void *capture_ring_peek(struct capture_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (atomic_load_explicit(&r->head, memory_order_acquire) == tail)
		return NULL;
	return r->slot + (size_t)(tail & (r->nslot - 1)) * r->bytes;
}

static inline void capture_ring_next(struct capture_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

#endif
