/* SPDX-License-Identifier: BSD-2-Clause */
/* map.c - mappings: one PTE a call, and the control page, which is pinned where it is mapped. */
#include "kernel.h"

static bool page_in_user(uint64_t va)
{
	return va % XOK_PAGE == 0 && va >= XOK_USER_LO && va < XOK_USER_HI;
}

/* May the environment write the whole range? What it may is then so until something is mapped. */
bool user_writable(struct xok *x, const struct xok_env *e, uint64_t va, uint64_t len)
{
	uint32_t prot;

	/* Where the machine alone knows, copyout tells. */
	if (!len || !x->spaces)
		return true;
	if (va < XOK_USER_LO || va >= XOK_USER_HI || len > XOK_USER_HI - va)
		return false;
	for (uint64_t p = va & ~(uint64_t)(XOK_PAGE - 1); p < va + len; p += XOK_PAGE)
		if (x->ops->map_get(x->m, e->root, p, &prot) < 0 || !(prot & XOK_PROT_W))
			return false;
	return true;
}

struct table_taker {
	struct xok *x;
	struct xok_env *e;
};

/* Page tables are charged to the environment whose space they are in, whoever maps. */
static int64_t take_table(void *arg)
{
	struct table_taker *t = arg;
	int rc = frame_room(t->x, t->e, 1);

	return rc ? rc : (int64_t)frame_take(t->x, t->e, XOK_FRAME_PT);
}

/* Writes one PTE and keeps both frames' references true. prot 0 unmaps. */
int map_page(struct xok *x, struct xok_env *e, uint64_t va, uint32_t frame, uint32_t prot)
{
	struct table_taker t = {x, e};
	uint32_t old_prot;
	int64_t old = x->ops->map_get(x->m, e->root, va, &old_prot);

	if (!prot && old < 0)
		return XOK_OK;
	int rc = x->ops->map_set(x->m, e->root, va, frame, prot, take_table, &t);
	if (rc)
		return rc;
	if (prot)
		frame_ref(x, frame);
	if (old >= 0)
		frame_unref(x, (uint32_t)old);
	return XOK_OK;
}

/*
 * A table is the kernel's to change, but for what is plain memory to all, and nothing of it is
 * code.
 */
static int table_map_check(const struct xok *x, uint32_t frame, uint32_t prot)
{
	if (prot & XOK_PROT_X)
		return XOK_EINVAL;
	return prot & XOK_PROT_W && !table_page_writable(x, frame) ? XOK_EINVAL : XOK_OK;
}

static int map_check(const struct xok *x, const struct xok_cap *k, uint32_t frame, uint32_t prot)
{
	uint8_t need = XOK_R | (prot & XOK_PROT_W ? XOK_W : 0);

	if (prot & ~(XOK_PROT_R | XOK_PROT_W | XOK_PROT_X))
		return XOK_EINVAL;
	/*
	 * Nothing is readable less than it is writable or executable, and nothing is both of
	 * those.
	 */
	if (!(prot & XOK_PROT_R) || ((prot & XOK_PROT_W) && (prot & XOK_PROT_X)))
		return XOK_EINVAL;
	if (!frame_is_user(x, frame) && !frame_is_piece(x, frame))
		return XOK_ENOENT;
	if (!frame_grants(x, k, frame, need))
		return XOK_EPERM;
	if (frame_is_table(x, frame) && table_map_check(x, frame, prot))
		return XOK_EINVAL;
	return x->frame[frame].refs == UINT16_MAX ? XOK_EBUSY : XOK_OK;
}

int xok_map_check(struct xok *x, const struct xok_env *e, uint32_t k, uint32_t frame, uint32_t prot)
{
	return k < XOK_NCAP ? map_check(x, &e->info->cap[k], frame, prot) : XOK_EINVAL;
}

int64_t sys_map(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t frame = (uint32_t)a[4].raw, prot = (uint32_t)a[5].raw;
	(void)e;

	if (!env_grants(a[2].env, a[1].cap, XOK_W))
		return XOK_EPERM;
	if (!page_in_user(a[3].raw))
		return XOK_EINVAL;
	int rc = prot ? map_check(x, a[0].cap, frame, prot) : XOK_OK;

	return rc ? rc : map_page(x, a[2].env, a[3].raw, prot ? frame : 0, prot);
}

/* The frame of a page that may become e's control page, or an error. */
int64_t uenv_check(struct xok *x, const struct xok_env *e, uint64_t va)
{
	uint32_t prot;

	if (!page_in_user(va))
		return XOK_EINVAL;
	int64_t frame = x->ops->map_get(x->m, e->root, va, &prot);
	if (frame < 0 || !(prot & XOK_PROT_W))
		return XOK_EFAULT;
	return x->frame[frame].refs == UINT16_MAX ? XOK_EBUSY : frame;
}

/* Pins the frame as e's control page in place of the one before; 0: none. */
void uenv_pin(struct xok *x, struct xok_env *e, uint64_t va, uint32_t frame)
{
	uint32_t old = e->uenv_frame;

	if (frame)
		frame_ref(x, frame);
	e->uenv_frame = frame;
	e->uenv_va = va;
	if (old)
		frame_unref(x, old);
}

int64_t sys_env_uenv(struct xok *x, struct xok_env *e, const struct arg *a)
{
	int64_t frame = uenv_check(x, e, a[0].raw);

	if (frame < 0)
		return frame;

	uenv_pin(x, e, a[0].raw, (uint32_t)frame);
	return XOK_OK;
}
