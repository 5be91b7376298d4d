/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spawn.c - children: a program of the boot archive in an environment of its own, with its own
 * capability and quota.
 *
 * The child's frames are allocated by us and under our capability, filled through a window in our
 * own space, mapped into the child and then given up: from there on the child's mapping alone keeps
 * them. So whatever goes wrong, ending the child returns everything but what the step under way
 * holds, and that step cleans up after itself.
 */
#include <string.h>

#include "libamp/pc/pc.h"
#include "xok/pc/cpio.h"
#include "xok/pc/elf.h"

#define MAX_ARGS 15u
#define BATCH 64u
#define STACK_PAGES 4u
#define SHARE_SIZE (1ull << 30)
#define R_W (XOK_PROT_R | XOK_PROT_W)

const void *amp_boot_file(const char *name, size_t *len)
{
	*len = 0;
	/* The archive is mapped in the root environment alone. */
	if (amp_parent() != 0)
		return NULL;
	return cpio_find((const void *)XOK_BOOT_VA, info()->boot_len, name, len);
}

int amp_boot_forget(const char *name)
{
	(void)name;
	return XOK_ENOSYS;
}

/* ---- pages for a child ---- */

static uint32_t frames[BATCH];
static struct xok_call calls[BATCH];

/* Maps the n frames (prot 0: nothing) at va of env in one crossing. */
static int64_t map_frames(uint32_t env, uint64_t va, uint32_t n, uint32_t prot)
{
	int64_t done;

	for (uint32_t i = 0; i < n; i++)
		calls[i] = (struct xok_call){
			.nr = XOK_NR_map,
			.arg = {PC_CAP, PC_CAP, env, va + i * XOK_PAGE, frames[i], prot},
		};
	done = xok_batch(calls, n);
	return done == n ? XOK_OK : done < 0 ? done : calls[done].result;
}

/* Copies [va, va + n pages) of a segment to the window; what the file does not cover stays zero. */
static void copy_part(const struct elf_segment *s, uint64_t va, uint32_t n)
{
	uint64_t from = va > s->va ? va : s->va;
	uint64_t end = va + (uint64_t)n * XOK_PAGE, file_end = s->va + s->len;

	if (end > file_end)
		end = file_end;
	if (from < end)
		memcpy((uint8_t *)PC_WINDOW_LO + (from - va), s->data + (from - s->va), end - from);
}

/* Gives the child n pages at va with the segment's bytes. */
static int64_t load_part(uint32_t child, const struct elf_segment *s, uint64_t va, uint32_t n)
{
	int64_t err = xok_frame_alloc(PC_CAP, frames, n);

	if (err < 0)
		return err;
	err = map_frames(0, PC_WINDOW_LO, n, R_W);
	if (err == XOK_OK) {
		copy_part(s, va, n);
		err = map_frames(child, va, n, s->prot);
	}
	map_frames(0, PC_WINDOW_LO, n, 0);
	for (uint32_t i = 0; i < n; i++)
		xok_frame_free(PC_CAP, frames[i]);
	return err;
}

static int64_t load_segment(uint32_t child, const struct elf_segment *s)
{
	uint64_t first = s->va & ~(uint64_t)(XOK_PAGE - 1), end = s->va + s->size;

	for (uint64_t va = first; va < end; va += BATCH * XOK_PAGE) {
		uint64_t n = pages_of(end - va);
		int64_t err = load_part(child, s, va, n < BATCH ? (uint32_t)n : BATCH);

		if (err < 0)
			return err;
	}
	return XOK_OK;
}

/* ---- the child's first stack ---- */

static uint64_t count(const char *const *argv)
{
	uint64_t n = 0;

	while (n <= MAX_ARGS && argv[n] != NULL)
		n++;
	return n;
}

/*
 * Arguments and the rest of the System V start fill one page: rsp is its start, and the stack grows
 * down from there, a few pages at first. Returns rsp, or an error.
 */
static int64_t load_stack(uint32_t child, const char *const *argv)
{
	static uint64_t page[XOK_PAGE / sizeof(uint64_t)];
	const uint64_t top = PC_STACK_TOP - XOK_PAGE, argc = count(argv);
	/* argc, argv and its end, the empty environment, the empty auxiliary vector. */
	const size_t vector = (1 + argc + 1 + 1 + 2) * sizeof(uint64_t);
	const struct elf_segment vectors = {
		.va = top,
		.size = XOK_PAGE,
		.data = (const uint8_t *)page,
		.len = XOK_PAGE,
		.prot = R_W,
	};
	const struct elf_segment rest = {
		.va = top - STACK_PAGES * XOK_PAGE,
		.size = STACK_PAGES * XOK_PAGE,
		.prot = R_W,
	};
	size_t text = sizeof(page);
	int64_t err;

	if (argc == 0 || argc > MAX_ARGS)
		return XOK_EINVAL;
	memset(page, 0, sizeof(page));
	page[0] = argc;
	for (uint64_t i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]) + 1;

		if (len > text - vector)
			return XOK_EINVAL;
		text -= len;
		memcpy((char *)page + text, argv[i], len);
		page[1 + i] = top + text;
	}
	err = load_segment(child, &rest);
	if (err >= 0)
		err = load_segment(child, &vectors);
	return err < 0 ? err : (int64_t)top;
}

/* ---- what the child may ---- */

static int64_t empty_slot(void)
{
	for (uint32_t i = 0; i < XOK_NCAP; i++)
		if (!info_self()->cap[i].valid)
			return i;
	return XOK_EQUOTA;
}

/* Our access list's entry that lets `cap` notify us, or an unused one. */
static int64_t notify_entry(const struct xok_cap *entry)
{
	const struct xok_cap *acl = info_self()->acl;

	for (uint32_t i = 1; i < XOK_NACL; i++)
		if (memcmp(&acl[i], entry, sizeof(*entry)) == 0)
			return i;
	for (uint32_t i = 1; i < XOK_NACL; i++)
		if (!acl[i].valid)
			return i;
	return XOK_EQUOTA;
}

/* Slot 0 of the child, and its power over itself, which it needs for its own page tables. */
static int64_t give_authority(uint32_t child, const struct xok_cap *cap)
{
	int64_t slot = empty_slot(), err;

	if (slot < 0)
		return slot;
	err = xok_cap_forge(PC_CAP, (uint32_t)slot, cap);
	if (err < 0)
		return err;
	err = xok_cap_give(PC_CAP, child, (uint32_t)slot, PC_CAP);
	xok_cap_drop((uint32_t)slot);
	return err < 0 ? err : xok_acl_set(PC_CAP, XOK_RES_ENV, child, 1, cap);
}

static int64_t share(uint32_t child, const struct amp_share *s)
{
	uint64_t va = (uintptr_t)s->addr, pages = pages_of(s->len);

	if (s->len == 0 || s->at % XOK_PAGE != 0 || s->at < AMP_SHARE_VA ||
	    s->at - AMP_SHARE_VA >= SHARE_SIZE || s->len > SHARE_SIZE - (s->at - AMP_SHARE_VA))
		return XOK_EINVAL;
	for (uint64_t i = 0; i < pages; i++) {
		uint32_t frame = vm_frame(va + i * XOK_PAGE);
		int64_t err;

		if (frame == 0)
			return XOK_EINVAL;
		err = xok_map(PC_CAP, PC_CAP, child, s->at + i * XOK_PAGE, frame,
			      s->write ? R_W : XOK_PROT_R);
		if (err < 0)
			return err;
	}
	return XOK_OK;
}

/* Lets the child notify us. */
static int64_t allow_notify(const struct xok_cap *cap)
{
	struct xok_cap entry = *cap;
	int64_t index;

	entry.perms = XOK_N;
	index = notify_entry(&entry);
	return index < 0 ? index : xok_acl_set(PC_CAP, XOK_RES_ENV, 0, (uint32_t)index, &entry);
}

/* ---- spawn ---- */

static int64_t build(uint32_t child, const struct amp_spawn *s, const struct elf_program *p)
{
	int64_t err = give_authority(child, &s->cap), sp;

	for (uint32_t i = 0; err >= 0 && i < p->nsegment; i++)
		err = load_segment(child, &p->segment[i]);
	for (uint32_t i = 0; err >= 0 && i < s->nshare; i++)
		err = share(child, &s->share[i]);
	if (err < 0)
		return err;
	sp = load_stack(child, s->argv);
	if (sp < 0)
		return sp;
	err = xok_slice_alloc(PC_CAP, PC_CAP, child);
	if (err >= 0 && s->strict)
		err = xok_env_strict(PC_CAP, child);
	/*
	 * The last that can fail, since it is the one thing that ending the child does not take
	 * back.
	 */
	if (err >= 0 && s->may_notify_us)
		err = allow_notify(&s->cap);
	return err < 0 ? err : xok_env_run(PC_CAP, child, p->entry, (uint64_t)sp, 0);
}

int64_t amp_spawn(const struct amp_spawn *s)
{
	size_t len;
	const void *image = amp_boot_file(s->file, &len);
	struct elf_program p;
	const char *wrong;
	int64_t child, err;

	if (image == NULL)
		return XOK_ENOENT;
	wrong = elf_read(&p, image, len, XOK_USER_LO, PC_WINDOW_LO);
	if (wrong != NULL) {
		amp_log("%s: %s", s->file, wrong);
		return XOK_EINVAL;
	}
	if (s->argv[0] == NULL)
		return XOK_EINVAL;
	if (s->frames > vm_left())
		return XOK_EQUOTA;
	child = xok_env_alloc(PC_CAP, s->frames, s->argv[0], (uint32_t)strnlen(s->argv[0], 15));
	if (child < 0)
		return child;
	err = build((uint32_t)child, s, &p);
	if (err >= 0)
		return child;
	xok_env_destroy(PC_CAP, (uint32_t)child);
	xok_env_destroy(PC_CAP, (uint32_t)child); /* its entry */
	return err;
}

int amp_env_destroy(uint32_t id)
{
	return (int)xok_env_destroy(PC_CAP, id);
}

int amp_env_notify(uint32_t id, uint32_t bits)
{
	return (int)xok_env_notify(PC_CAP, id, bits);
}

int amp_grant(uint32_t resource, uint32_t id, uint32_t index, const struct xok_cap *entry)
{
	return (int)xok_acl_set(PC_CAP, resource, id, index, entry);
}
