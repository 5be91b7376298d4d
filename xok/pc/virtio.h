/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - a modern virtio device on PCI and its split queues, seen from a driver that does not
 * trust it.
 *
 * Source: Virtual I/O Device Version 1.1, sections 2.6, 3.1 and 4.1. Each queue owns fixed buffers,
 * one descriptor each, so what the device writes into the used ring can name nothing but a buffer
 * that was given to it; vq_used checks that, and that no index runs ahead of what was posted.
 */
#ifndef PC_VIRTIO_H
#define PC_VIRTIO_H

#include "pc.h"

#define VQ_SIZE 128u	/* at most; a power of two */
#define VQ_BUFFER 2048u /* bytes of a buffer */

struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct vq_avail {
	uint16_t flags, idx;
	uint16_t ring[];
};

struct vq_used_elem {
	uint32_t id, len;
};

struct vq_used {
	uint16_t flags, idx;
	struct vq_used_elem ring[];
};

struct vq {
	uint16_t size;
	uint16_t avail_next; /* the driver's own counts, never read back from shared memory */
	uint16_t used_next;
	uint16_t posted;    /* descriptors the device holds */
	bool held[VQ_SIZE]; /* which ones */
	struct vq_desc *desc;
	struct vq_avail *avail;
	volatile struct vq_used *used;
	volatile uint16_t *notify;
	uint16_t index; /* of the queue */
	uint8_t *buffers;
};

struct virtio {
	struct pci_dev pci;
	volatile uint8_t *common, *device;
	uint64_t notify_base;
	uint32_t notify_multiplier;
	uint64_t features; /* agreed on */
};

/*
 * Finds the device's register windows, resets it and agrees on `wanted` (those of it that are
 * offered).
 */
bool virtio_start(struct virtio *v, const struct pci_dev *d, uint64_t wanted, uint64_t required);
/* Makes queue `index` with its buffers. vector: its MSI-X entry or VIRTIO_NO_VECTOR. */
bool virtio_queue(struct virtio *v, struct vq *q, uint16_t index, uint16_t vector);
void virtio_ready(struct virtio *v);
void virtio_fail(struct virtio *v); /* gives the device up */

#define VIRTIO_NO_VECTOR 0xffff
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)

/*
 * Gives descriptor `id`, which the device must not hold, with len bytes of its buffer to the
 * device.
 */
void vq_post(struct vq *q, uint16_t id, uint32_t len, bool device_writes);
void vq_kick(struct vq *q);
/* Wants interrupts, or not. */
void vq_interrupts(struct vq *q, bool want);

enum vq_result {
	VQ_EMPTY,
	VQ_BUFFER_BACK,
	VQ_BAD_ID, /* it names no buffer that the device holds; nothing was taken back */
	VQ_BROKEN, /* the used index is ahead of all that was posted: the ring is lost */
};
enum vq_result vq_take(struct vq *q, uint16_t *id, uint32_t *len);
bool vq_waiting(const struct vq *q);
/* How many of the posted buffers the device has not finished, by what it says. */
uint16_t vq_unfinished(const struct vq *q);

static inline uint8_t *vq_buffer(const struct vq *q, uint16_t id)
{
	return q->buffers + (size_t)id * VQ_BUFFER;
}

#endif
