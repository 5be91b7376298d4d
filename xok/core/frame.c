/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.c - the frame table: one type a frame, references, charges, and giving back. */
#include "kernel.h"

/*
 * Free frames are linked through `owner`, which names nobody while a frame is free, and back
 * through the name in its access list, which lets nobody in: so each can be taken out of the list,
 * wherever it stands.
 */
static uint32_t back(const struct xok *x, uint32_t frame)
{
	uint32_t before;

	memcpy(&before, x->frame[frame].acl[0].name, sizeof(before));
	return before;
}

static void set_back(struct xok *x, uint32_t frame, uint32_t before)
{
	if (frame)
		memcpy(x->frame[frame].acl[0].name, &before, sizeof(before));
}

static void push_free(struct xok *x, uint32_t frame)
{
	x->frame[frame] = (struct xok_frame_info){.type = XOK_FRAME_FREE, .owner = x->frame_list};
	set_back(x, x->frame_list, frame);
	x->frame_list = frame;
	x->info->frames_free++;
}

/* Makes a free frame e's. */
static void take(struct xok *x, struct xok_env *e, uint8_t type, uint32_t frame)
{
	uint32_t before = back(x, frame), next = x->frame[frame].owner;

	*(before ? &x->frame[before].owner : &x->frame_list) = next;
	set_back(x, next, before);
	x->frame[frame] = (struct xok_frame_info){.type = type, .owner = e->info->id};
	x->info->frames_free--;
	e->info->frames++;
}

void xok_frame_release(struct xok *x, uint32_t frame)
{
	/* Frame 0 stays the kernel's: 0 ends the list, and stands for "none" in an environment. */
	if (!frame || frame >= x->nframe)
		return;
	if (x->frame[frame].type == XOK_FRAME_KERNEL && !x->frame[frame].owner)
		push_free(x, frame);
}

void *frame_ptr(struct xok *x, uint32_t frame)
{
	return x->ops->frame_ptr(x->m, frame);
}

/* May e be charged n more frames, and are there as many? */
int frame_room(const struct xok *x, const struct xok_env *e, uint32_t n)
{
	if (n > e->info->frames_quota - e->info->frames)
		return XOK_EQUOTA;
	return n > x->info->frames_free ? XOK_ENOMEM : XOK_OK;
}

uint32_t frame_take(struct xok *x, struct xok_env *e, uint8_t type)
{
	uint32_t frame = x->frame_list;

	take(x, e, type, frame);
	memset(frame_ptr(x, frame), 0, XOK_PAGE);
	return frame;
}

void frame_put(struct xok *x, uint32_t frame)
{
	env_by_id(x, x->frame[frame].owner)->info->frames--;
	push_free(x, frame);
}

void frame_ref(struct xok *x, uint32_t frame)
{
	x->frame[frame].refs++;
}

void frame_unref(struct xok *x, uint32_t frame)
{
	struct xok_frame_info *f = &x->frame[frame];

	if (--f->refs == 0 && (f->flags & XOK_FRAME_RELEASED))
		frame_put(x, frame);
}

/*
 * Does the number name a frame that capabilities speak about: an environment's, not yet given
 * back?
 */
bool frame_is_user(const struct xok *x, uint64_t frame)
{
	if (frame >= x->nframe || (x->frame[frame].flags & XOK_FRAME_RELEASED))
		return false;
	return x->frame[frame].type == XOK_FRAME_USER || x->frame[frame].type == XOK_FRAME_DMA;
}

bool frame_grants(const struct xok *x, const struct xok_cap *c, uint32_t frame, uint8_t need)
{
	return cap_grants(c, x->frame[frame].acl, XOK_NACL_FRAME, need);
}

/* Of a table that was not given back? */
bool frame_is_table(const struct xok *x, uint64_t frame)
{
	return frame < x->nframe && x->frame[frame].type == XOK_FRAME_TABLE &&
	       !(x->frame[frame].flags & XOK_FRAME_RELEASED);
}

/* Of such a table, or of a ring of the kernel's: a piece that is mapped, not given back by itself? */
bool frame_is_piece(const struct xok *x, uint64_t frame)
{
	return frame_is_table(x, frame) ||
	       (frame < x->nframe && x->frame[frame].type == XOK_FRAME_RING);
}

/* The first of n consecutive free frames, or 0. */
uint32_t frame_find_run(const struct xok *x, uint32_t n)
{
	uint32_t len = 0;

	for (uint32_t f = 1; f < x->nframe; f++) {
		len = x->frame[f].type == XOK_FRAME_FREE ? len + 1 : 0;
		if (len == n)
			return f + 1 - n;
	}
	return 0;
}

/* Takes the frames that frame_find_run found, after frame_room. */
void frame_take_run(struct xok *x, struct xok_env *e, uint8_t type, uint32_t first, uint32_t n)
{
	for (uint32_t f = first; f < first + n; f++)
		take(x, e, type, f);
	memset(frame_ptr(x, first), 0, (size_t)n * XOK_PAGE);
}

static void release(struct xok *x, uint32_t frame)
{
	x->frame[frame].flags |= XOK_FRAME_RELEASED;
	if (!x->frame[frame].refs)
		frame_put(x, frame);
}

/*
 * Gives back what an ended environment still owns, after its address space, rings and tables are
 * gone. What others have mapped, or use as a table, lives on until they let go of it, charged to
 * the heir, which gets the quota for it as well.
 */
void frame_retire(struct xok *x, struct xok_env *e, struct xok_env *heir)
{
	for (uint32_t f = 1; f < x->nframe && e->info->frames; f++) {
		struct xok_frame_info *fi = &x->frame[f];

		if (fi->owner != e->info->id ||
		    (fi->type != XOK_FRAME_USER && fi->type != XOK_FRAME_DMA &&
		     fi->type != XOK_FRAME_TABLE))
			continue;
		release(x, f);
		if (fi->type == XOK_FRAME_FREE || !heir)
			continue;
		fi->owner = heir->info->id;
		heir->info->frames++;
		e->info->frames--;
	}
}

int64_t sys_frame_alloc(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t n = (uint32_t)a[2].raw, frame[64];

	if (!n || n > 64)
		return XOK_EINVAL;
	if (!a[0].cap->valid)
		return XOK_EPERM;
	int rc = frame_room(x, e, n);
	if (rc)
		return rc;

	for (uint32_t i = 0; i < n; i++) {
		frame[i] = frame_take(x, e, XOK_FRAME_USER);
		acl_first(x->frame[frame[i]].acl, XOK_NACL_FRAME, a[0].cap);
	}
	return x->ops->copyout(x->m, e->root, a[1].raw, frame, n * sizeof(frame[0]));
}

int64_t sys_frame_free(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t frame = (uint32_t)a[1].raw;
	(void)e;

	if (!frame_is_user(x, frame))
		return XOK_ENOENT;
	if (!frame_grants(x, a[0].cap, frame, XOK_C))
		return XOK_EPERM;

	release(x, frame);
	return XOK_OK;
}
