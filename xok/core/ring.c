/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c - packet rings. Their frames are pinned, so that the kernel may write a packet whatever
 * the environment does to its mappings. Of the shared header only the tail is ever read, once a
 * packet, and believed within bounds.
 */
#include "kernel.h"

struct ring *ring_of(const struct xok_env *e, uint64_t ring)
{
	return ring < XOK_ENV_RINGS ? e->ring[ring] : NULL;
}

/* Puts a packet into the ring, or returns false when there is no room for it. */
bool ring_put(struct xok *x, struct ring *r, const struct arrival *a, const void *data)
{
	lock(x, &r->lock);
	/* Acquire: the environment is done with the slots it gives back. */
	uint32_t used = r->head - __atomic_load_n(&r->shared->tail, __ATOMIC_ACQUIRE);

	/* A tail outside [head - nslots, head] gives a distance above nslots: full. */
	bool room = used < r->nslots;
	if (room) {
		struct xok_slot *slot = r->slot[r->head & (r->nslots - 1)];

		slot->len = a->len;
		slot->port = a->port;
		slot->filter = a->filter;
		slot->time = a->time;
		memcpy(slot->data, data, a->len);
		r->head++;
		/* Release: the slot is written before the head that covers it. */
		__atomic_store_n(&r->shared->head, r->head, __ATOMIC_RELEASE);
	}
	unlock(x, &r->lock);
	return room;
}

/* Are these frames that k may write, each named once, none pinned already? */
static int ring_check(struct xok *x, const struct xok_cap *k, const uint32_t *frame, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!frame_is_user(x, frame[i]))
			return XOK_ENOENT;
		if (!frame_grants(x, k, frame[i], XOK_W))
			return XOK_EPERM;
		if (x->frame[frame[i]].type != XOK_FRAME_USER ||
		    x->frame[frame[i]].refs == UINT16_MAX)
			return XOK_EBUSY;
		for (uint32_t j = 0; j < i; j++)
			if (frame[j] == frame[i])
				return XOK_EINVAL;
	}
	return XOK_OK;
}

/* The entry of a new ring, or an error. */
static int ring_entry(const struct xok_env *e)
{
	int i = 0;

	while (i < (int)XOK_ENV_RINGS && e->ring[i])
		i++;
	return i < (int)XOK_ENV_RINGS ? i : XOK_EQUOTA;
}

/* Makes entry i the ring of these n frames. */
static void ring_new(struct xok *x, struct xok_env *e, uint32_t i, const uint32_t *frame,
		     uint32_t n)
{
	uint32_t self = frame_take(x, e, XOK_FRAME_KERNEL);
	struct ring *r = frame_ptr(x, self);

	r->self = self;
	r->nframe = n;
	r->nslots = 2 * (n - 1);
	memcpy(r->frame, frame, n * sizeof(*frame));
	for (uint32_t j = 0; j < r->nslots; j++)
		r->slot[j] = (struct xok_slot *)frame_ptr(x, frame[1 + j / 2]) + j % 2;
	r->shared = frame_ptr(x, frame[0]);
	*r->shared = (struct xok_ring){.nslots = r->nslots};
	e->ring[i] = r;
	e->info->ring_frame[i] = frame[0];
}

/* Frames of the kernel's own, which the environment gets to see as one piece. */
static int64_t bind_own(struct xok *x, struct xok_env *e, const struct xok_cap *k, uint32_t i,
			uint32_t n)
{
	uint32_t frame[XOK_RING_FRAMES], first;

	if (!k->valid)
		return XOK_EPERM;
	int rc = frame_room(x, e, n + 1);
	if (rc)
		return rc;
	first = frame_find_run(x, n);
	if (!first)
		return XOK_ENOMEM;
	frame_take_run(x, e, XOK_FRAME_RING, first, n);
	for (uint32_t j = 0; j < n; j++) {
		frame[j] = first + j;
		acl_first(x->frame[first + j].acl, XOK_NACL_FRAME, k);
	}
	if (x->ops->share(x->m, first, n)) {
		for (uint32_t j = 0; j < n; j++)
			frame_put(x, first + j);
		return XOK_ENOMEM;
	}
	ring_new(x, e, i, frame, n);
	return i;
}

int64_t sys_ring_bind(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t n = (uint32_t)a[2].raw, nslots = 2 * (n - 1);

	if (n < 2 || nslots > XOK_RING_MAX || (nslots & (nslots - 1)))
		return XOK_EINVAL;
	int i = ring_entry(e);
	if (!x->spaces)
		return i < 0 ? i : bind_own(x, e, a[0].cap, (uint32_t)i, n);
	const uint32_t *frame = a[1].in;
	int rc = ring_check(x, a[0].cap, frame, n);
	if (rc)
		return rc;
	if (i < 0)
		return i;
	rc = frame_room(x, e, 1);
	if (rc)
		return rc;

	for (uint32_t j = 0; j < n; j++) {
		x->frame[frame[j]].type = XOK_FRAME_DMA;
		frame_ref(x, frame[j]);
	}
	ring_new(x, e, (uint32_t)i, frame, n);
	return i;
}

static void give_back(struct xok *x, uint32_t frame)
{
	if (x->frame[frame].type == XOK_FRAME_RING) {
		frame_put(x, frame);
		return;
	}
	x->frame[frame].type = XOK_FRAME_USER;
	frame_unref(x, frame);
}

/* Gives a ring back, and the filters that end in it: then no processor can be putting anything in. */
void ring_drop(struct xok *x, struct xok_env *e, uint32_t ring)
{
	struct ring *r = e->ring[ring];

	filters_drop(x, e, ring);
	if (x->frame[r->frame[0]].type == XOK_FRAME_RING)
		x->ops->unshare(x->m, r->frame[0], r->nframe);
	for (uint32_t i = 0; i < r->nframe; i++)
		give_back(x, r->frame[i]);
	frame_put(x, r->self);
	e->ring[ring] = NULL;
	e->info->ring_frame[ring] = 0;
}

int64_t sys_ring_release(struct xok *x, struct xok_env *e, const struct arg *a)
{
	if (!ring_of(e, a[0].raw))
		return XOK_ENOENT;

	ring_drop(x, e, (uint32_t)a[0].raw);
	return XOK_OK;
}
