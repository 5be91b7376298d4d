/* SPDX-License-Identifier: BSD-2-Clause */
/* rings.c - packet rings, filters and transmission, by the kernel. */
#include <stdlib.h>

#include "libamp/common/backend.h"
#include "libamp/pc/pc.h"

/* Binds the ring's memory, a populated piece of the heap. */
static int64_t bind_memory(uint64_t va, uint32_t pages)
{
	uint32_t frame[1 + XOK_RING_MAX / 2];

	for (uint32_t i = 0; i < pages; i++)
		frame[i] = vm_frame(va + i * XOK_PAGE);
	return xok_ring_bind(PC_CAP, frame, pages);
}

struct amp_ring *amp_ring_open(uint32_t nslots, void (*fn)(void *arg, struct amp_packet *p),
			       void *arg)
{
	uint32_t pages = ring_pages(nslots);
	struct amp_ring *r;
	int64_t id;

	if (!ring_size_ok(nslots))
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->hdr = amp_share_alloc((size_t)pages * XOK_PAGE);
	if (r->hdr == NULL) {
		free(r);
		return NULL;
	}
	id = bind_memory((uintptr_t)r->hdr, pages);
	if (id < 0) {
		vm_release((uintptr_t)r->hdr, pages);
		free(r);
		return NULL;
	}
	r->id = (uint32_t)id;
	r->nslots = nslots;
	r->fn = fn;
	r->arg = arg;
	loop_ring_add(r);
	return r;
}

void backend_ring_unbind(struct amp_ring *r)
{
	xok_ring_release(r->id);
}

void backend_ring_free(struct amp_ring *r)
{
	vm_release((uintptr_t)r->hdr, ring_pages(r->nslots));
}

int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f)
{
	return r->closed ? XOK_ENOENT : xok_filter_insert(PC_CAP, f, r->id);
}

int amp_filter_remove(uint32_t id)
{
	return (int)xok_filter_remove(PC_CAP, id);
}

int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n)
{
	int err = (int)xok_transmit(PC_CAP, port, iov, n);

	if (err != XOK_EFAULT)
		return err;
	/*
	 * Part of it may be memory that was never touched, and so has no frame: it is zeros all the
	 * same.
	 */
	for (uint32_t i = 0; i < n && i < XOK_NIOV; i++)
		if (iov[i].len <= XOK_FRAME_MAX)
			vm_touch((const void *)iov[i].base, iov[i].len);
	return (int)xok_transmit(PC_CAP, port, iov, n);
}
