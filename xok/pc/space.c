/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.c - the user half of an address space: one PTE at a time, only bits of the whitelist.
 *
 * Page tables are walked in software for copyin and copyout, and user memory is reached through the
 * direct map, so that the kernel never sets AC and never faults on a user address. User mappings
 * are 4 KiB pages below XOK_USER_HI; the two shared top-level entries above it (bookkeeping, boot
 * archive) are not the environment's.
 */
#include "pc.h"
#include "x86.h"

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U)
#define USER_SLOTS \
	((XOK_USER_HI >> 39) & 511) /* top-level entries that are the environment's own */
#define SLOT(va) (((va) >> 39) & 511)

_Static_assert(XOK_USER_HI % (1ull << 39) == 0, "the user part ends with a top-level entry");
_Static_assert(SLOT(XOK_INFO_VA) >= USER_SLOTS && SLOT(XOK_INFO_VA) < 256, "bookkeeping entry");
_Static_assert(SLOT(XOK_BOOT_VA) > SLOT(XOK_INFO_VA) && SLOT(XOK_BOOT_VA) < 256, "archive entry");

static uint32_t frames;
static uint64_t info_slot;

void space_setup(uint32_t nframe, uint64_t info_entry)
{
	frames = nframe;
	info_slot = info_entry;
}

static uint64_t *table_of(uint32_t frame)
{
	return phys_ptr((uint64_t)frame * XOK_PAGE);
}

static bool loaded(uint32_t root)
{
	return (read_cr3() & PTE_ADDR) == (uint64_t)root * XOK_PAGE;
}

void space_load(uint32_t root)
{
	if (!loaded(root))
		write_cr3((uint64_t)root * XOK_PAGE);
}

void space_init(void *m, uint32_t root)
{
	uint64_t *t = table_of(root);

	(void)m;
	memset(t, 0, XOK_PAGE / 2);
	memcpy(t + 256, kernel_pml4 + 256, XOK_PAGE / 2);
	t[SLOT(XOK_INFO_VA)] = info_slot;
}

void space_map_archive(uint32_t root, uint64_t boot_entry)
{
	table_of(root)[SLOT(XOK_BOOT_VA)] = boot_entry;
}

/* The PTE of va, 0 when a table on the way is missing. va is below USER_END. */
static inline uint64_t pte_at(uint32_t root, uint64_t va)
{
	const uint64_t *t = table_of(root);

#pragma GCC unroll 3
	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t entry = t[(va >> shift) & 511];

		if (!(entry & PTE_P))
			return 0;
		t = phys_ptr(entry & PTE_ADDR);
	}
	return t[(va >> 12) & 511];
}

static bool user_page(uint64_t va)
{
	return va >= XOK_USER_LO && va < XOK_USER_HI && va % XOK_PAGE == 0;
}

int64_t space_map_get(void *m, uint32_t root, uint64_t va, uint32_t *prot)
{
	uint64_t pte;

	(void)m;
	if (va < XOK_USER_LO || va >= XOK_USER_HI)
		return -1;
	pte = pte_at(root, va);
	if (!(pte & PTE_P))
		return -1;
	*prot = XOK_PROT_R | (pte & PTE_W ? XOK_PROT_W : 0) | (pte & PTE_NX ? 0 : XOK_PROT_X);
	return (int64_t)((pte & PTE_ADDR) / XOK_PAGE);
}

/* The whole whitelist: what of a PTE an environment decides. */
static uint64_t pte_of(uint32_t frame, uint32_t prot)
{
	uint64_t pte;

	if (prot == 0)
		return 0;
	pte = (uint64_t)frame * XOK_PAGE | PTE_P | PTE_U | PTE_A;
	if (prot & XOK_PROT_W)
		pte |= PTE_W | PTE_D;
	if (!(prot & XOK_PROT_X))
		pte |= PTE_NX;
	return pte;
}

static int walk_make(uint32_t root, uint64_t va, int64_t (*pt_alloc)(void *arg), void *arg,
		     uint64_t **out)
{
	uint64_t *t = table_of(root);

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &t[(va >> shift) & 511];

		if (!(*entry & PTE_P)) {
			int64_t frame = pt_alloc(arg);

			if (frame < 0)
				return (int)frame;
			memset(table_of((uint32_t)frame), 0, XOK_PAGE);
			*entry = (uint64_t)frame * XOK_PAGE | TABLE_FLAGS;
		}
		t = phys_ptr(*entry & PTE_ADDR);
	}
	*out = &t[(va >> 12) & 511];
	return XOK_OK;
}

int space_map_set(void *m, uint32_t root, uint64_t va, uint32_t frame, uint32_t prot,
		  int64_t (*pt_alloc)(void *arg), void *arg)
{
	uint64_t *pte = NULL;
	int err;

	(void)m;
	if (!user_page(va) || (prot & ~(XOK_PROT_R | XOK_PROT_W | XOK_PROT_X)) != 0)
		return XOK_EINVAL;
	if ((prot & XOK_PROT_W) && (prot & XOK_PROT_X))
		return XOK_EINVAL;
	if (prot != 0 && frame >= frames)
		return XOK_EINVAL;
	/* Nothing to unmap makes no table. */
	if (prot == 0 && !(pte_at(root, va) & PTE_P))
		return XOK_OK;
	err = walk_make(root, va, pt_alloc, arg, &pte);
	if (err != XOK_OK)
		return err;
	*pte = pte_of(frame, prot);
	/* Without PCID the entries of every other space are gone at the next load of cr3. */
	if (loaded(root))
		invlpg(va);
	return XOK_OK;
}

struct visit {
	void (*unmap)(void *arg, uint32_t frame);
	void (*pt_free)(void *arg, uint32_t frame);
	void *arg;
};

/* Visits what hangs under a table `level` steps above the pages, then gives that table back. */
static void free_table(uint64_t *t, unsigned level, unsigned slots, const struct visit *v)
{
	for (unsigned i = 0; i < slots; i++) {
		uint32_t frame = (uint32_t)((t[i] & PTE_ADDR) / XOK_PAGE);

		if (!(t[i] & PTE_P))
			continue;
		t[i] = 0;
		if (level == 1) {
			v->unmap(v->arg, frame);
			continue;
		}
		free_table(table_of(frame), level - 1, 512, v);
		v->pt_free(v->arg, frame);
	}
}

void space_free(void *m, uint32_t root, void (*unmap)(void *arg, uint32_t frame),
		void (*pt_free)(void *arg, uint32_t frame), void *arg)
{
	const struct visit v = {unmap, pt_free, arg};

	(void)m;
	/* The processor must not walk tables that are given back. */
	if (loaded(root))
		write_cr3(direct_phys(kernel_pml4));
	free_table(table_of(root), 4, USER_SLOTS, &v);
	pt_free(arg, root);
}

#define USER_READ (PTE_P | PTE_U)
#define USER_WRITE (PTE_P | PTE_U | PTE_W)

/* The kernel's pointer to the user byte that a PTE leads to. */
static inline uint8_t *user_ptr(uint64_t pte, uint64_t va)
{
	return (uint8_t *)phys_ptr(pte & PTE_ADDR) + va % XOK_PAGE;
}

/* Is the range user memory where all of `flags` are set? */
static bool user_range(uint32_t root, uint64_t va, size_t len, uint64_t flags)
{
	uint64_t end = va + len;

	if (end < va || end > USER_END)
		return false;
	for (uint64_t page = va & ~(uint64_t)(XOK_PAGE - 1); page < end; page += XOK_PAGE) {
		if ((pte_at(root, page) & flags) != flags)
			return false;
	}
	return true;
}

/* Copies a range of any size, into user memory or out of it. */
static __attribute__((noinline)) int copy_pages(uint32_t root, uint64_t va, void *buf, size_t len,
						uint64_t flags)
{
	uint8_t *b = buf;
	size_t run;

	if (!user_range(root, va, len, flags))
		return XOK_EFAULT;
	for (; len > 0; len -= run, va += run, b += run) {
		uint8_t *user = user_ptr(pte_at(root, va), va);

		run = XOK_PAGE - va % XOK_PAGE;
		if (run > len)
			run = len;
		if (flags & PTE_W)
			memcpy(user, b, run);
		else
			memcpy(b, user, run);
	}
	return XOK_OK;
}

/* The usual case: a range in one page, which is looked up once; not an empty one. */
static inline bool in_one_page(uint64_t va, size_t len)
{
	return va < USER_END && len - 1 < XOK_PAGE - va % XOK_PAGE;
}

int space_copyin(void *m, uint32_t root, void *dst, uint64_t src, size_t len)
{
	uint64_t pte;

	(void)m;
	if (!in_one_page(src, len))
		return copy_pages(root, src, dst, len, USER_READ);
	pte = pte_at(root, src);
	if ((pte & USER_READ) != USER_READ)
		return XOK_EFAULT;
	memcpy(dst, user_ptr(pte, src), len);
	return XOK_OK;
}

int space_copyout(void *m, uint32_t root, uint64_t dst, const void *src, size_t len)
{
	uint64_t pte;

	(void)m;
	if (!in_one_page(dst, len))
		return copy_pages(root, dst, (void *)(uintptr_t)src, len, USER_WRITE);
	pte = pte_at(root, dst);
	if ((pte & USER_WRITE) != USER_WRITE)
		return XOK_EFAULT;
	memcpy(user_ptr(pte, dst), src, len);
	return XOK_OK;
}
