/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * demux.c - rings and filters of a host process: what the kernel does for an environment on the
 * exokernel, with the same demultiplexer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libamp/host/host.h"
#include "xok/dpf/dpf.h"

static struct {
	struct {
		void *arena;
		struct dpf *dpf;
	} * port;
	uint32_t nport;
	struct {
		struct amp_ring *ring; /* NULL: free */
		int32_t port;
	} filter[HOST_FILTERS]; /* a filter's id is its place */
} demux;

int demux_open(uint32_t nport)
{
	demux.port = calloc(nport > 0 ? nport : 1, sizeof(*demux.port));
	if (demux.port == NULL)
		return -ENOMEM;
	for (demux.nport = 0; demux.nport < nport; demux.nport++) {
		void *arena = aligned_alloc(16, HOST_ARENA);

		if (arena == NULL) {
			demux_close();
			return -ENOMEM;
		}
		demux.port[demux.nport].arena = arena;
		demux.port[demux.nport].dpf = dpf_init(arena, HOST_ARENA);
	}
	return 0;
}

void demux_close(void)
{
	for (uint32_t i = 0; i < demux.nport; i++)
		free(demux.port[i].arena);
	free(demux.port);
	memset(&demux, 0, sizeof(demux));
}

static int from_dpf(int err)
{
	switch (err) {
	case 0: return XOK_OK;
	case DPF_EINVAL: return XOK_EINVAL;
	case DPF_EEXIST: return XOK_EBUSY;
	case DPF_ENOMEM: return XOK_ENOMEM;
	default: return XOK_ENOENT;
	}
}

/* Removes filter `id` from the demultiplexers of ports [first, end). */
static void take_out(uint32_t id, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		dpf_remove(demux.port[i].dpf, id);
}

int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f)
{
	uint32_t id = 0, first = 0, end = demux.nport;

	if (r->closed)
		return XOK_ENOENT;
	if (f->port != XOK_PORT_ANY) {
		if (f->port < 0 || (uint32_t)f->port >= demux.nport)
			return XOK_ENOENT;
		first = (uint32_t)f->port;
		end = first + 1;
	}
	while (id < HOST_FILTERS && demux.filter[id].ring != NULL)
		id++;
	if (id == HOST_FILTERS)
		return XOK_ENOMEM;
	for (uint32_t i = first; i < end; i++) {
		uint32_t equal;
		int err = dpf_insert(demux.port[i].dpf, f, id, &equal);

		if (err != 0) {
			take_out(id, first, i);
			return from_dpf(err);
		}
		ports_info(i)->nfilter++;
	}
	demux.filter[id].ring = r;
	demux.filter[id].port = f->port;
	return id;
}

int amp_filter_remove(uint32_t id)
{
	uint32_t first = 0, end = demux.nport;

	if (id >= HOST_FILTERS || demux.filter[id].ring == NULL)
		return XOK_ENOENT;
	if (demux.filter[id].port != XOK_PORT_ANY) {
		first = (uint32_t)demux.filter[id].port;
		end = first + 1;
	}
	take_out(id, first, end);
	for (uint32_t i = first; i < end; i++)
		ports_info(i)->nfilter--;
	demux.filter[id].ring = NULL;
	return XOK_OK;
}

struct amp_ring *amp_ring_open(uint32_t nslots, void (*fn)(void *arg, struct amp_packet *p),
			       void *arg)
{
	size_t bytes = (size_t)ring_pages(nslots) * XOK_PAGE;
	struct amp_ring *r;

	if (!ring_size_ok(nslots))
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->hdr = aligned_alloc(XOK_PAGE, bytes);
	if (r->hdr == NULL) {
		free(r);
		return NULL;
	}
	memset(r->hdr, 0, bytes);
	r->hdr->nslots = nslots;
	r->nslots = nslots;
	r->fn = fn;
	r->arg = arg;
	loop_ring_add(r);
	return r;
}

void backend_ring_unbind(struct amp_ring *r)
{
	for (uint32_t id = 0; id < HOST_FILTERS; id++)
		if (demux.filter[id].ring == r)
			amp_filter_remove(id);
}

void backend_ring_free(struct amp_ring *r)
{
	free(r->hdr);
}

void demux_packet(uint32_t port, const uint8_t *data, size_t len, uint64_t time)
{
	uint32_t id = dpf_match(demux.port[port].dpf, data, len);
	struct amp_ring *r;
	struct xok_slot *s;

	if (id == DPF_NONE) {
		ports_info(port)->rx_no_filter++;
		return;
	}
	r = demux.filter[id].ring;
	if (r->hdr->head - r->tail >= r->nslots) {
		ports_info(port)->rx_ring_full++;
		return;
	}
	s = ring_slot(r, r->hdr->head);
	s->len = (uint16_t)len;
	s->port = (uint16_t)port;
	s->filter = id;
	s->time = time;
	memcpy(s->data, data, len);
	r->hdr->head++;
}
