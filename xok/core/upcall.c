/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upcall.c - what the kernel tells an environment by running it elsewhere: a fault, a slice's end,
 * a foreign system call.
 *
 * The control page is pinned and reached through the kernel's own view of its frame, so delivery
 * cannot fault. The environment may write it at any time: each word is read once, and what becomes
 * rip and rsp must be user addresses.
 */
#include "kernel.h"

#define READ_ONCE(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static struct xok_uenv *uenv_of(struct xok *x, const struct xok_env *e)
{
	return e->uenv_frame ? frame_ptr(x, e->uenv_frame) : NULL;
}

static bool is_disabled(struct xok_uenv *u, uint64_t rip)
{
	return READ_ONCE(u->disabled) ||
	       (rip >= READ_ONCE(u->crit_lo) && rip < READ_ONCE(u->crit_hi));
}

static bool usable(uint64_t entry)
{
	return entry >= XOK_USER_LO && entry < XOK_USER_HI;
}

/*
 * Saves e's registers into a save area and turns them to the entry. False: entry or stack are no
 * user addresses.
 */
static bool enter(struct xok_env *e, struct xok_uenv *u, uint64_t entry, enum xok_save_area area)
{
	uint64_t sp = READ_ONCE(u->upcall_sp);

	if (!usable(entry) || sp < XOK_USER_LO || sp > XOK_USER_HI)
		return false;
	memcpy(&u->save[area], &e->regs, sizeof(e->regs));
	__atomic_store_n(&u->disabled, 1, __ATOMIC_RELAXED);
	e->regs.rip = entry;
	e->regs.rsp = sp;
	e->regs.rdi = e->uenv_va + offsetof(struct xok_uenv, save) + area * sizeof(u->save[0]);
	e->regs.rflags = XOK_RFLAGS_USER;
	return true;
}

enum upcall_result upcall_slice_end(struct xok *x, struct xok_env *e)
{
	struct xok_uenv *u = uenv_of(x, e);
	uint64_t entry = u ? READ_ONCE(u->entry[XOK_UP_SLICE_END]) : 0;

	if (!entry)
		return UPCALL_NONE;
	if (is_disabled(u, e->regs.rip)) {
		__atomic_store_n(&u->slice_pending, 1, __ATOMIC_RELAXED);
		return UPCALL_DONE;
	}
	e->regs.trapno = e->regs.error = e->regs.addr = 0;
	return enter(e, u, entry, XOK_SAVE_SLICE) ? UPCALL_DONE : UPCALL_BAD;
}

void xok_trap(struct xok *x, struct xok_env *e)
{
	struct xok_uenv *u = uenv_of(x, e);
	uint64_t entry = u ? READ_ONCE(u->entry[XOK_UP_FAULT]) : 0;

	e->info->faults++;
	if (!entry || is_disabled(u, e->regs.rip))
		env_end(x, e, XOK_END_FAULT);
	else if (!enter(e, u, entry, XOK_SAVE_FAULT))
		env_end(x, e, XOK_END_UPCALL);
}

void xok_reflect(struct xok *x, struct xok_env *e)
{
	struct xok_uenv *u = uenv_of(x, e);
	uint64_t entry = u ? READ_ONCE(u->entry[XOK_UP_SYSCALL]) : 0;

	if (!usable(entry)) {
		env_end(x, e, XOK_END_UPCALL);
		return;
	}
	e->regs.rcx = e->regs.rip;
	e->regs.r11 = e->regs.rflags;
	e->regs.rip = entry;
}
