/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pc.h - what the files of libamp/pc share, assembly included: the address space, the control page,
 * the parts.
 *
 *   0x00400000            the program (linked here)
 *   PC_WINDOW_LO..HI      frames of others while amp_spawn fills them
 *   PC_HEAP_LO..HI        everything allocated: brk, mmap, rings, shared memory (vm.c)
 *   PC_TABLE_LO..HI       vm.c's table: one word for each page of the heap
 *   AMP_SHARE_VA          what a parent shares with us
 *   PC_MAP_LO             tables of programs, a place of XOK_TABLE_BYTES for each (tables.c)
 *   PC_STACK_TOP          the stack, 1 MiB, grown on demand
 * Window, program and heap lie close together so that a small environment needs few page tables.
 */
#ifndef AMP_PC_H
#define AMP_PC_H

#include "xok/regs.h"

#define PC_WINDOW_LO 0x3fe00000
#define PC_WINDOW_HI 0x40000000
#define PC_HEAP_LO 0x40000000
#define PC_BRK_HI 0x50000000
#define PC_HEAP_HI 0x7ff00000
#define PC_TABLE_LO 0x7ff00000
#define PC_TABLE_HI 0x80000000
#define PC_MAP_LO 0x610000000000
#define PC_STACK_TOP 0x6f0000000000
#define PC_STACK_MAX 0x100000

#define PC_UPCALL_STACK 16384

/* Offsets in struct xok_uenv and a call's number for upcall.S, checked in crt.c. */
#define U_DISABLED 0
#define U_PENDING 4
#define PC_SYS_YIELD 0x786f000a

#ifndef __ASSEMBLER__
#include "amp/amp.h"
#include "amp/sys.h"

/* The slot that every environment's authority stands in. */
#define PC_CAP 0u

/* ---- upcall.S: entries that the kernel jumps to ---- */
void upcall_fault(void);
void upcall_slice_end(void);
void upcall_syscall(void);
extern struct xok_uenv pc_uenv;
extern uint8_t pc_upcall_stack[PC_UPCALL_STACK];

/* ---- fault.c: true: handled, go on; false: report made, let the kernel end us ---- */
bool fault_upcall(const struct xok_regs *r);

/* ---- info.c: the open bookkeeping ---- */
static inline const volatile struct xok_info *info(void)
{
	return (const volatile struct xok_info *)XOK_INFO_VA;
}
void info_init(void);
const struct xok_env_info *info_self(void);

/* ---- vm.c ---- */
void vm_init(uint64_t stack_pointer);
/*
 * Takes `pages` free pages of the heap; frames come when they are touched. 0: no room, or beyond
 * the quota.
 */
uint64_t vm_take(uint64_t pages, uint32_t prot);
/* The same at a given place, taking the place of what is there. XOK_EINVAL outside the heap. */
int vm_take_at(uint64_t va, uint64_t pages, uint32_t prot);
void vm_release(uint64_t va, uint64_t pages);
int vm_protect(uint64_t va, uint64_t pages, uint32_t prot);
/* Gives `pages` taken pages frames now. */
int vm_populate(uint64_t va, uint64_t pages);
/* The frame behind a populated page, 0: none. */
uint32_t vm_frame(uint64_t va);
/*
 * Grows or shrinks [va, va + old pages) in place, or moves it when it may. Returns where it is, 0:
 * impossible.
 */
uint64_t vm_resize(uint64_t va, uint64_t old, uint64_t pages, bool may_move);
/* A page fault at `addr`: true when the page is there now. Callable in an upcall. */
bool vm_fault(uint64_t addr, bool write);
/* Frames that can still be promised. */
uint64_t vm_left(void);
/* Reads one byte of each page, so that the kernel, which does not fault pages in, finds them. */
void vm_touch(const void *p, size_t len);

static inline uint64_t pages_of(uint64_t bytes)
{
	return bytes / XOK_PAGE + (bytes % XOK_PAGE != 0);
}

/* ---- cons.c ---- */
void cons_poll(uint32_t events);
bool cons_waiting(void);
/* Blocks until something is there; for stdio. */
int64_t cons_read_wait(void *buf, size_t len);

/* ---- random.c ---- */
void random_init(void);

/* ---- linux.c, linux_mem.c, linux_file.c ---- */
int64_t linux_syscall(uint64_t nr, const uint64_t arg[6]);
int64_t linux_memory(uint64_t nr, const uint64_t arg[6]);
int64_t linux_file(uint64_t nr, const uint64_t arg[6]);
#endif

#endif
