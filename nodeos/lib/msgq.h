/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msgq.h - a queue of messages between two domains in shared memory: one producer, one consumer, no system call.
 *
 * Both indices count bytes up and wrap at 2^32. Neither side trusts the other: each keeps its own index in private
 * memory, reads the other's once per call, and takes one that cannot be as "full" (producer) or "start again" (consumer, counted in
 * `resets`). A message is copied out before it is looked at, so it cannot change under the reader.
 */
#ifndef NODEOS_MSGQ_H
#define NODEOS_MSGQ_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct msgq_shared {
	_Atomic uint32_t head; /* the producer's */
	uint32_t pad[15];
	_Atomic uint32_t tail; /* the consumer's */
	uint32_t pad2[15];
	uint8_t data[];
};

#define MSGQ_MAX 2048u /* bytes of the largest message */

struct msgq {
	struct msgq_shared *s;
	uint32_t size;	/* of data: a power of two, at least 2 * MSGQ_MAX */
	uint32_t index; /* our own: head when producing, tail when consuming */
	uint64_t full, resets;
};

/* Bytes of shared memory for a queue of `size` data bytes. */
static inline size_t msgq_bytes(uint32_t size)
{
	return sizeof(struct msgq_shared) + size;
}

/* The shared part is zeroed before the first side opens it. A consumer that opens again starts at what is there now. */
void msgq_open_producer(struct msgq *q, void *shared, uint32_t size);
void msgq_open_consumer(struct msgq *q, void *shared, uint32_t size);

/* Adds one message of two parts (b may be NULL with blen 0). 0, or -1: full, or longer than MSGQ_MAX; counted in `full`. */
int msgq_put(struct msgq *q, const void *a, size_t alen, const void *b, size_t blen);

/* Takes one message into buf of MSGQ_MAX bytes. Its length, or -1: none. */
long msgq_get(struct msgq *q, uint8_t *buf);

#endif
