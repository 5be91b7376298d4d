/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.c - the kernel's half of the address space, the same in every one.
 *
 * No address is both writable and executable. Text is mapped read-execute at KERNEL_BASE and
 * read-only in the direct map, which holds no executable page at all; generated code is mapped
 * read-execute at CODE_BASE and written through the direct map. The page under each kernel stack is
 * not mapped.
 */
#include "pc.h"
#include "x86.h"

#define TWO_MIB (2ull << 20)

extern const char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];
extern const char kernel_stack_guard[], ist_stacks[];

uint64_t *kernel_pml4;
static uint64_t mmio_next = MMIO_BASE;

static uint64_t *next_table(uint64_t *table, uint64_t va, unsigned shift, uint64_t flags)
{
	uint64_t *pte = &table[(va >> shift) & 511];

	if (!(*pte & PTE_P))
		*pte = direct_phys(boot_alloc(XOK_PAGE, XOK_PAGE)) | flags;
	return phys_ptr(*pte & PTE_ADDR);
}

static void map_small(uint64_t va, uint64_t pa, uint64_t flags)
{
	uint64_t table = flags & PTE_U ? PTE_P | PTE_W | PTE_U : PTE_P | PTE_W;
	uint64_t *t = next_table(kernel_pml4, va, 39, table);

	t = next_table(t, va, 30, table);
	t = next_table(t, va, 21, table);
	t[(va >> 12) & 511] = pa | flags;
}

static void map_large(uint64_t va, uint64_t pa, uint64_t flags)
{
	uint64_t *t = next_table(kernel_pml4, va, 39, PTE_P | PTE_W);

	t = next_table(t, va, 30, PTE_P | PTE_W);
	t[(va >> 21) & 511] = pa | flags | PTE_PS;
}

/* How the kernel's own page at this address of its image may be used; 0: not at all. */
static uint64_t image_flags(uint64_t va)
{
	const uint64_t base = PTE_P | PTE_A | PTE_G;

	if (va < (uint64_t)kernel_text_end)
		return base;
	if (va < (uint64_t)kernel_rodata_end)
		return base | PTE_NX;
	/* Guards: one page, then 32 KiB of stack; four times one page, then 8 KiB. */
	if (va == (uint64_t)kernel_stack_guard)
		return 0;
	if (va >= (uint64_t)ist_stacks && (va - (uint64_t)ist_stacks) % (3 * XOK_PAGE) == 0)
		return 0;
	return base | PTE_NX | PTE_W | PTE_D;
}

static void map_image(void)
{
	for (uint64_t va = (uint64_t)kernel_start; va < (uint64_t)kernel_end; va += XOK_PAGE) {
		uint64_t flags = image_flags(va);

		if (flags != 0)
			map_small(va, va - KERNEL_BASE, flags);
	}
}

static void map_direct(uint64_t start, uint64_t end)
{
	uint64_t image = (uint64_t)kernel_start - KERNEL_BASE;
	uint64_t image_end = (uint64_t)kernel_end - KERNEL_BASE;
	const uint64_t flags = PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX;

	for (uint64_t pa = start; pa < end; pa += TWO_MIB) {
		if (pa + TWO_MIB <= image || pa >= image_end) {
			map_large(DIRECT_BASE + pa, pa, flags);
			continue;
		}
		for (uint64_t p = pa; p < pa + TWO_MIB; p += XOK_PAGE) {
			uint64_t f = flags;

			if (p >= image && p < image_end)
				f = image_flags(p + KERNEL_BASE) | PTE_NX;
			if (f & PTE_P)
				map_small(DIRECT_BASE + p, p, f);
		}
	}
}

void paging_init(void)
{
	kernel_pml4 = boot_alloc(XOK_PAGE, XOK_PAGE);
	map_image();
	memmap.low_top = (memmap.low_top + TWO_MIB - 1) & ~(TWO_MIB - 1);
	map_direct(0, memmap.low_top);
	if (memmap.top > (1ull << 32))
		map_direct(1ull << 32, memmap.top);
	write_cr4(read_cr4() | CR4_PGE);
	write_cr3(direct_phys(kernel_pml4));
}

volatile void *mmio_map(uint64_t pa, size_t len)
{
	uint64_t first = pa & ~(uint64_t)(XOK_PAGE - 1);
	uint64_t va = mmio_next;

	for (uint64_t p = first; p < pa + len; p += XOK_PAGE) {
		map_small(mmio_next, p,
			  PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX | PTE_PCD | PTE_PWT);
		mmio_next += XOK_PAGE;
	}
	return (volatile void *)(va + (pa - first));
}

/* Text like the kernel's own, but for its alias in the direct map, which stays writable data. */
void paging_code(size_t bytes, uint8_t **w, const uint8_t **x)
{
	*w = boot_alloc(bytes, XOK_PAGE);
	for (size_t off = 0; off < bytes; off += XOK_PAGE)
		map_small(CODE_BASE + off, direct_phys(*w) + off, PTE_P | PTE_A | PTE_G);
	*x = (const uint8_t *)CODE_BASE;
}

/* Built under the kernel's own top-level table, then taken out of it: only environments see it. */
uint64_t paging_shared_ro(uint64_t va, uint64_t pa, size_t len)
{
	uint64_t *entry = &kernel_pml4[(va >> 39) & 511];
	uint64_t value;

	for (uint64_t off = 0; off < len; off += XOK_PAGE)
		map_small(va + off, pa + off, PTE_P | PTE_U | PTE_A | PTE_NX);
	value = *entry;
	*entry = 0;
	return value;
}
