/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msgq.c - the message queue. A record is its length in four bytes, the message, and padding to a multiple of 8; it may wrap
 * round the end of the data, byte for byte.
 */
#include <string.h>

#include "nodeos/lib/msgq.h"

void msgq_open_producer(struct msgq *q, void *shared, uint32_t size)
{
	*q = (struct msgq){.s = shared, .size = size};
	q->index = atomic_load_explicit(&q->s->tail, memory_order_acquire) & ~7u;
	atomic_store_explicit(&q->s->head, q->index, memory_order_release);
}

void msgq_open_consumer(struct msgq *q, void *shared, uint32_t size)
{
	*q = (struct msgq){.s = shared, .size = size};
	q->index = atomic_load_explicit(&q->s->head, memory_order_acquire) & ~7u;
	atomic_store_explicit(&q->s->tail, q->index, memory_order_release);
}

static uint32_t record(uint32_t len)
{
	return (len + 4u + 7u) & ~7u;
}

static void copy_in(struct msgq *q, uint32_t at, const void *src, size_t len)
{
	uint32_t off = at & (q->size - 1);
	size_t first = q->size - off;

	if (first > len)
		first = len;
	if (first)
		memcpy(q->s->data + off, src, first);
	if (len > first)
		memcpy(q->s->data, (const uint8_t *)src + first, len - first);
}

static void copy_out(struct msgq *q, uint32_t at, void *dst, size_t len)
{
	uint32_t off = at & (q->size - 1);
	size_t first = q->size - off;

	if (first > len)
		first = len;
	memcpy(dst, q->s->data + off, first);
	if (len > first)
		memcpy((uint8_t *)dst + first, q->s->data, len - first);
}

int msgq_put(struct msgq *q, const void *a, size_t alen, const void *b, size_t blen)
{
	uint32_t used, len;

	/* The consumer's index may be anything; one that lies outside makes `used` exceed the size: full. */
	used = q->index - atomic_load_explicit(&q->s->tail, memory_order_acquire);
	if (alen > MSGQ_MAX || blen > MSGQ_MAX - alen || used > q->size ||
	    record((uint32_t)(alen + blen)) > q->size - used) {
		q->full++;
		return -1;
	}
	len = (uint32_t)(alen + blen);
	copy_in(q, q->index, &len, 4);
	copy_in(q, q->index + 4, a, alen);
	copy_in(q, q->index + 4 + (uint32_t)alen, b, blen);
	q->index += record(len);
	atomic_store_explicit(&q->s->head, q->index, memory_order_release);
	return 0;
}

long msgq_get(struct msgq *q, uint8_t *buf)
{
	uint32_t head = atomic_load_explicit(&q->s->head, memory_order_acquire);
	uint32_t avail = head - q->index, len;

	if (!avail)
		return -1;
	if (avail > q->size || avail < 8)
		goto reset;
	copy_out(q, q->index, &len, 4);
	/* The length is checked against what the producer published: a longer one would hand out stale bytes as a message. */
	if (len > MSGQ_MAX || record(len) > avail)
		goto reset;
	copy_out(q, q->index + 4, buf, len);
	q->index += record(len);
	atomic_store_explicit(&q->s->tail, q->index, memory_order_release);
	return (long)len;
reset:
	q->resets++;
	q->index = head & ~7u;
	atomic_store_explicit(&q->s->tail, q->index, memory_order_release);
	return -1;
}
