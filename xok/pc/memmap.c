/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memmap.c - physical memory: what the loader says there is, and a bump allocator for what the
 * kernel keeps for good.
 *
 * The structures are those of the PVH boot ABI (Xen, include/public/arch-x86/hvm/start_info.h).
 * They lie in low memory that is never handed out; everything needed is copied here once.
 */
#include "pc.h"

struct start_info {
	uint32_t magic, version;
	uint32_t flags, nr_modules;
	uint64_t modlist, cmdline, rsdp;
	uint64_t memmap; /* since version 1 */
	uint32_t memmap_entries, reserved;
};

struct start_module {
	uint64_t addr, size, cmdline, reserved;
};

struct start_memory {
	uint64_t addr, size;
	uint32_t type, reserved;
};

#define START_MAGIC 0x336ec578u
#define TYPE_RAM 1u
#define TYPE_ACPI 3u
#define TYPE_NVS 4u
#define FOUR_GIB (1ull << 32)
#define LOW_END (1ull << 20)   /* the first MiB is the firmware's */
#define EARLY_END (1ull << 30) /* what entry.S mapped */

struct memmap memmap;

extern const char kernel_end[];
static uint64_t bump, bump_end;

static void add_ram(uint64_t start, uint64_t end)
{
	memmap.ram_bytes += end - start;
	start = (start + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);
	end &= ~(uint64_t)(XOK_PAGE - 1);
	if (start < LOW_END)
		start = LOW_END;
	if (start >= end || memmap.nram == MEM_NRANGE)
		return;
	memmap.ram[memmap.nram].start = start;
	memmap.ram[memmap.nram].end = end;
	memmap.nram++;
}

static void read_map(const struct start_info *si)
{
	const struct start_memory *map = phys_ptr(si->memmap);

	for (uint32_t i = 0; i < si->memmap_entries; i++) {
		uint64_t end = map[i].addr + map[i].size;

		if (end < map[i].addr)
			continue;
		if (map[i].type == TYPE_RAM)
			add_ram(map[i].addr, end);
		else if (map[i].type != TYPE_ACPI && map[i].type != TYPE_NVS)
			continue;
		if (end <= FOUR_GIB && end > memmap.low_top)
			memmap.low_top = end;
		if (end > memmap.top)
			memmap.top = end;
	}
}

/*
 * The bump allocator works in the RAM that holds the kernel, from its end to the archive or the
 * end.
 */
static void find_bump(void)
{
	uint64_t end = (uint64_t)kernel_end - KERNEL_BASE;

	for (uint32_t i = 0; i < memmap.nram; i++) {
		if (memmap.ram[i].start < end && end <= memmap.ram[i].end) {
			bump = end;
			bump_end = memmap.ram[i].end;
		}
	}
	if (memmap.archive.end > bump && memmap.archive.start < bump_end) {
		if (memmap.archive.start >= bump)
			bump_end = memmap.archive.start & ~(uint64_t)(XOK_PAGE - 1);
		else
			bump = (memmap.archive.end + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);
	}
	if (bump_end > EARLY_END)
		bump_end = EARLY_END;
	if (bump == 0 || bump >= bump_end)
		panic("no memory behind the kernel");
}

void memmap_init(uint64_t start_info)
{
	const struct start_info *si = phys_ptr(start_info);

	if (start_info + sizeof(*si) > EARLY_END || si->magic != START_MAGIC || si->version < 1)
		panic("not booted with PVH start information");
	if (si->memmap + si->memmap_entries * sizeof(struct start_memory) > EARLY_END)
		panic("the memory map is out of reach");
	memmap.rsdp = si->rsdp;
	if (si->nr_modules > 0 && si->modlist + sizeof(struct start_module) <= EARLY_END) {
		const struct start_module *m = phys_ptr(si->modlist);

		memmap.archive.start = m->addr;
		memmap.archive.end = m->addr + m->size;
	}
	read_map(si);
	find_bump();
}

void *boot_alloc(size_t bytes, size_t align)
{
	uint64_t start = (bump + align - 1) & ~(uint64_t)(align - 1);

	if (start + bytes > bump_end || start + bytes < start)
		panic("no memory for %lu bytes at boot", bytes);
	bump = start + bytes;
	memset(phys_ptr(start), 0, bytes);
	return phys_ptr(start);
}

void *phys_ptr_checked(uint64_t pa, size_t len)
{
	if (pa + len < pa)
		return NULL;
	if (pa + len <= memmap.low_top || (pa >= FOUR_GIB && pa + len <= memmap.top))
		return phys_ptr(pa);
	return NULL;
}

static bool overlaps(uint64_t page, uint64_t start, uint64_t end)
{
	return page + XOK_PAGE > start && page < end;
}

void memmap_release(struct xok *x)
{
	extern const char kernel_start[];
	uint64_t used = (uint64_t)kernel_start - KERNEL_BASE;
	uint64_t bumped = (bump + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);

	for (uint32_t i = 0; i < memmap.nram; i++) {
		for (uint64_t pa = memmap.ram[i].start; pa < memmap.ram[i].end; pa += XOK_PAGE) {
			if (overlaps(pa, used, bumped) ||
			    overlaps(pa, memmap.archive.start, memmap.archive.end))
				continue;
			xok_frame_release(x, (uint32_t)(pa / XOK_PAGE));
		}
	}
	bump_end = bump;
}
