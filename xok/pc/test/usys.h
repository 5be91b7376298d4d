/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usys.h - the system calls as functions, for test environments that use nothing else.
 *
 * Both halves come from syscalls.def: a prototype whose parameters have the types that the kinds
 * say, and a stub. The calling convention differs from the kernel's only in the fourth argument
 * (rcx, which syscall overwrites; r10). The stubs are weak, so that every file of a program may
 * include this.
 */
#ifndef PC_TEST_USYS_H
#define PC_TEST_USYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/abi.h"
#include "xok/filter.h"

/* clang-format off */
#define K(name) uint64_t name
#define U32(name) uint64_t name
#define U64(name) uint64_t name
#define ENV(name) uint64_t name
#define VA(name) uint64_t name
#define IN(type, name) const type *name
#define INV(type, name) const type *name
#define OUT(type, name) type *name
#define OUTV(type, name) type *name
#define XOK_SYSCALL(nr, name, args, contract) int64_t sys_##name args;
#include "xok/syscalls.def"
#undef XOK_SYSCALL
#undef K
#undef U32
#undef U64
#undef ENV
#undef VA
#undef IN
#undef INV
#undef OUT
#undef OUTV

#define XOK_SYSCALL(nr, name, args, contract) \
	__asm__(".text\n.weak sys_" #name "\n.type sys_" #name ", @function\n" \
		"sys_" #name ":\n\tmovl $0x786f0000 + " #nr ", %eax\n" \
		"\tmovq %rcx, %r10\n\tsyscall\n\tret\n");
#include "xok/syscalls.def"
#undef XOK_SYSCALL
/* clang-format on */

_Static_assert(XOK_SYS_BASE == 0x786f0000u, "the stubs' base");

#endif
