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
bool ring_put(struct xok_env *e, struct ring *r, const struct arrival *a, const void *data)
{
	/* Acquire: the environment is done with the slots it gives back. */
	uint32_t used = r->head - __atomic_load_n(&r->shared->tail, __ATOMIC_ACQUIRE);

	/* A tail outside [head - nslots, head] gives a distance above nslots: full. */
	if (used >= r->nslots)
		return false;
	struct xok_slot *slot = r->slot[r->head & (r->nslots - 1)];

	slot->len = a->len;
	slot->port = a->port;
	slot->filter = a->filter;
	slot->time = a->time;
	memcpy(slot->data, data, a->len);
	r->head++;
	/* Release: the slot is written before the head that covers it. */
	__atomic_store_n(&r->shared->head, r->head, __ATOMIC_RELEASE);
	e->info->packets++;
	env_post(e, XOK_EV_PACKET);
	return true;
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

int64_t sys_ring_bind(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const uint32_t *frame = a[1].in;
	uint64_t n = a[2].raw, nslots = 2 * (n - 1);
	uint32_t i = 0;

	if (n < 2 || nslots > XOK_RING_MAX || (nslots & (nslots - 1)))
		return XOK_EINVAL;
	int rc = ring_check(x, a[0].cap, frame, (uint32_t)n);
	if (rc)
		return rc;
	while (i < XOK_ENV_RINGS && e->ring[i])
		i++;
	if (i == XOK_ENV_RINGS)
		return XOK_EQUOTA;
	rc = frame_room(x, e, 1);
	if (rc)
		return rc;

	uint32_t self = frame_take(x, e, XOK_FRAME_KERNEL);
	struct ring *r = frame_ptr(x, self);
	r->self = self;
	r->nframe = (uint32_t)n;
	r->nslots = (uint32_t)nslots;
	for (uint32_t j = 0; j < r->nframe; j++) {
		r->frame[j] = frame[j];
		x->frame[frame[j]].type = XOK_FRAME_DMA;
		frame_ref(x, frame[j]);
	}
	for (uint32_t j = 0; j < r->nslots; j++)
		r->slot[j] = (struct xok_slot *)frame_ptr(x, frame[1 + j / 2]) + j % 2;
	r->shared = frame_ptr(x, frame[0]);
	*r->shared = (struct xok_ring){.nslots = r->nslots};
	e->ring[i] = r;
	return i;
}

/* Gives a ring back, and the filters that end in it. */
void ring_drop(struct xok *x, struct xok_env *e, uint32_t ring)
{
	struct ring *r = e->ring[ring];

	filters_drop(x, e, ring);
	for (uint32_t i = 0; i < r->nframe; i++) {
		x->frame[r->frame[i]].type = XOK_FRAME_USER;
		frame_unref(x, r->frame[i]);
	}
	frame_put(x, r->self);
	e->ring[ring] = NULL;
}

int64_t sys_ring_release(struct xok *x, struct xok_env *e, const struct arg *a)
{
	if (!ring_of(e, a[0].raw))
		return XOK_ENOENT;

	ring_drop(x, e, (uint32_t)a[0].raw);
	return XOK_OK;
}
