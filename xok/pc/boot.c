/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.c - the order in which the machine comes up, and its table of operations for the core.
 */
#include "cpio.h"
#include "pc.h"
#include "x86.h"

void boot_main(uint64_t start_info, uint64_t tsc0);

static uint64_t op_now(void *m)
{
	(void)m;
	return clock_now();
}

static void *op_frame_ptr(void *m, uint32_t frame)
{
	(void)m;
	return phys_ptr((uint64_t)frame * XOK_PAGE);
}

static const struct xok_machine_ops ops = {
	.now = op_now,
	.random = random_bytes,
	.frame_ptr = op_frame_ptr,
	.space_init = space_init,
	.map_get = space_map_get,
	.map_set = space_map_set,
	.space_free = space_free,
	.copyin = space_copyin,
	.copyout = space_copyout,
	.fpu_init = fpu_init,
	.transmit = net_transmit,
	.cons_write = serial_write,
	.cons_read = serial_read,
	.power = power,
};

/* Processor, memory and devices, in the order of their needs. */
static void machine_init(uint64_t start_info, uint64_t tsc0)
{
	cpu_init_tables();
	serial_init();
	memmap_init(start_info);
	cpu_init_protection();
	paging_init();
	acpi_init();
	apic_init();
	clock_init(tsc0);
	random_init();
	fpu_setup();
	net_init();
}

/*
 * What programs and demultiplexers are compiled into: 16 KiB for each program there can be, and as
 * much as a sixty-fourth of the smallest machine there is (64 MiB). What finds no room is
 * interpreted.
 */
#define CODE_BYTES (XOK_NPROG * (16u << 10))

static struct xok *core_init(struct xok_info **info)
{
	uint32_t nframe = (uint32_t)(memmap.ram[memmap.nram - 1].end / XOK_PAGE);
	struct xok_boot b = {
		.ops = &ops,
		.nframe = nframe,
		.nport = net_ports(),
		.tsc0 = clock.tsc0,
		.tsc_mult = clock.tsc_mult,
		.wall0 = clock.wall0,
		.boot_len = memmap.archive.end - memmap.archive.start,
		.code_bytes = CODE_BYTES,
	};
	size_t info_size = xok_info_size(b.nframe, b.nport);

	b.info = boot_alloc(info_size, XOK_PAGE);
	paging_code(CODE_BYTES, &b.code_w, &b.code_x);
	b.core = boot_alloc(xok_core_size(b.nport, b.ncpu), XOK_PAGE);
	space_setup(nframe, paging_shared_ro(XOK_INFO_VA, direct_phys(b.info), info_size));
	*info = b.info;
	return xok_init(&b);
}

static void start_root(struct xok *x, uint64_t archive_entry)
{
	size_t bytes = memmap.archive.end - memmap.archive.start, len;
	const void *archive = phys_ptr_checked(memmap.archive.start, bytes), *image;
	struct xok_env *root;

	if (bytes == 0 || archive == NULL)
		panic("no boot archive (give one with -initrd)");
	image = cpio_find(archive, bytes, "init", &len);
	if (image == NULL)
		panic("no file \"init\" in the boot archive");
	root = xok_root_env(x, "init");
	if (root == NULL)
		panic("the core has no room for the root environment");
	space_map_archive(root->root, archive_entry);
	load_root(x, root, image, len);
}

/*
 * Maps the archive for the root environment, to begin exactly at XOK_BOOT_VA. Returns its top-level
 * entry.
 */
static uint64_t map_archive(void)
{
	uint64_t start = memmap.archive.start, bytes = memmap.archive.end - start;
	uint64_t rest = -bytes % XOK_PAGE;
	uint8_t *p = phys_ptr_checked(start, bytes + rest);

	if (bytes == 0)
		return 0;
	if (p == NULL || start % XOK_PAGE != 0)
		panic("the boot archive is out of reach or not page-aligned");
	memset(p + bytes, 0,
	       rest); /* what the firmware left in the last page is nobody's business */
	return paging_shared_ro(XOK_BOOT_VA, start, bytes);
}

void boot_main(uint64_t start_info, uint64_t tsc0)
{
	uint64_t archive_entry;
	struct xok_info *info;
	struct xok *x;

	machine_init(start_info, tsc0);
	archive_entry = map_archive();
	x = core_init(&info);
	panic_kernel(x);
	memmap_release(x);
	net_attach(x, info);
	start_root(x, archive_entry);
	kprintf("xok %s, abi %u: x86-64, %lu MiB, %u port%s, boot %lu.%03lu ms\n", PC_VERSION,
		XOK_ABI_VERSION, (memmap.ram_bytes + (1u << 20) - 1) >> 20, net_ports(),
		net_ports() == 1 ? "" : "s", clock_now() / 1000000, clock_now() / 1000 % 1000);
	trap_run(x);
}
