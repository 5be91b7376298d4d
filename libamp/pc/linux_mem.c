/* SPDX-License-Identifier: BSD-2-Clause */
/* linux_mem.c - brk, mmap and their kin over vm.c. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "libamp/pc/pc.h"

static uint64_t brk_end = PC_HEAP_LO;

static uint32_t prot_of(uint64_t prot)
{
	uint32_t p = 0;

	if (prot & PROT_READ)
		p |= XOK_PROT_R;
	if (prot & PROT_WRITE)
		p |= XOK_PROT_W | XOK_PROT_R;
	if (prot & PROT_EXEC)
		p |= XOK_PROT_X | XOK_PROT_R;
	return p;
}

static int64_t errno_of(int err)
{
	return err == XOK_OK ? 0 : err == XOK_EINVAL ? -EINVAL : -ENOMEM;
}

static uint64_t page_up(uint64_t v)
{
	return (v + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);
}

/* Linux: the new end, or the old one when that cannot be. */
static int64_t brk_(uint64_t want)
{
	uint64_t have = page_up(brk_end), need;

	if (want < PC_HEAP_LO || want > PC_BRK_HI)
		return (int64_t)brk_end;
	need = page_up(want);
	if (need > have &&
	    vm_take_at(have, (need - have) / XOK_PAGE, XOK_PROT_R | XOK_PROT_W) != XOK_OK)
		return (int64_t)brk_end;
	if (need < have)
		vm_release(need, (have - need) / XOK_PAGE);
	brk_end = want;
	return (int64_t)want;
}

static int64_t mmap_(uint64_t addr, uint64_t len, uint64_t prot, uint64_t flags)
{
	uint64_t pages = pages_of(len), va;
	int err;

	if (!(flags & MAP_ANONYMOUS))
		return -ENODEV;
	if (pages == 0 || ((prot & PROT_WRITE) && (prot & PROT_EXEC)))
		return -EINVAL;
	if (flags & MAP_FIXED) {
		err = vm_take_at(addr, pages, prot_of(prot));
		return err == XOK_OK ? (int64_t)addr : errno_of(err);
	}
	va = vm_take(pages, prot_of(prot));
	return va != 0 ? (int64_t)va : -ENOMEM;
}

static int64_t munmap_(uint64_t addr, uint64_t len)
{
	if (addr % XOK_PAGE != 0 || addr < PC_HEAP_LO || addr >= PC_HEAP_HI ||
	    len > PC_HEAP_HI - addr)
		return -EINVAL;
	vm_release(addr, pages_of(len));
	return 0;
}

static int64_t mremap_(uint64_t addr, uint64_t old, uint64_t new, uint64_t flags)
{
	uint64_t va;

	if (flags & MREMAP_FIXED)
		return -EINVAL;
	va = vm_resize(addr, pages_of(old), pages_of(new), flags & MREMAP_MAYMOVE);
	return va != 0 ? (int64_t)va : -ENOMEM;
}

int64_t linux_memory(uint64_t nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_brk: return brk_(a[0]);
	case SYS_mmap: return mmap_(a[0], a[1], a[2], a[3]);
	case SYS_munmap: return munmap_(a[0], a[1]);
	case SYS_mprotect: return errno_of(vm_protect(a[0], pages_of(a[1]), prot_of(a[2])));
	case SYS_mremap: return mremap_(a[0], a[1], a[2], a[3]);
	case SYS_madvise: return 0; /* advice need not be taken */
	default: return -ENOSYS;
	}
}
