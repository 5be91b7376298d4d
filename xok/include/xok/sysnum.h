/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysnum.h - XOK_SYS_name for every call of syscalls.def, without XOK_SYS_BASE, and XOK_NSYS, how
 * many there are. A number in [XOK_SYS_BASE, XOK_SYS_BASE + XOK_NSYS) is the kernel's; every other
 * one is reflected.
 */
#ifndef XOK_SYSNUM_H
#define XOK_SYSNUM_H

#define XOK_SYSCALL(nr, name, args, contract) XOK_SYS_##name = (nr),
enum xok_sysnum {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL

#define XOK_SYSCALL(nr, name, args, contract) +1
enum {
	XOK_NSYS = 0
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL

#endif
