/* SPDX-License-Identifier: BSD-2-Clause */
/* packets.c - packet rings, whose memory the kernel takes, filters and transmission. */
#include <stdlib.h>
#include <sys/mman.h>

#include "libamp/linux/linux.h"

/* The memory of a ring that is bound, or NULL. */
static struct xok_ring *map_ring(uint32_t ring, uint32_t pages)
{
	const uint64_t arg[3] = {CAP, info_self()->ring_frame[ring], XOK_PROT_R | XOK_PROT_W};
	int fd;

	if (machine_call(XL_MAP, arg, NULL, &fd) != pages)
		return NULL;
	return map_fd(fd, NULL, (size_t)pages * XOK_PAGE, true);
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
	id = xok_ring_bind(CAP, NULL, pages);
	if (id < 0) {
		free(r);
		return NULL;
	}
	r->hdr = map_ring((uint32_t)id, pages);
	if (r->hdr == NULL) {
		xok_ring_release((uint32_t)id);
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
	munmap(r->hdr, (size_t)ring_pages(r->nslots) * XOK_PAGE);
}

int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f)
{
	return r->closed ? XOK_ENOENT : xok_filter_insert(CAP, f, r->id);
}

int amp_filter_remove(uint32_t id)
{
	return (int)xok_filter_remove(CAP, id);
}

int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n)
{
	return (int)xok_transmit(CAP, port, iov, n);
}
