/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.h - the kernel's system calls as functions: xok_NAME(arguments), made from syscalls.def.
 * Environments only: on machine pc the processor's instruction, on linux (AMP_LINUX) a message to xokd.
 *
 * Each argument kind becomes a pair (type, name); STUBn turns n pairs into a parameter list and
 * into register values.
 */
#ifndef AMP_SYS_H
#define AMP_SYS_H

#include "xok/abi.h"
#include "xok/filter.h"

#ifdef AMP_LINUX
int64_t xok_call6(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		  uint64_t f);
#else
static inline int64_t xok_call6(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
				uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	uint64_t rax = XOK_SYS_BASE + nr;

	__asm__ volatile("syscall"
			 : "+a"(rax)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return (int64_t)rax;
}
#endif

/* clang-format off */
#define K(name) (uint32_t, name)
#define U32(name) (uint32_t, name)
#define U64(name) (uint64_t, name)
#define ENV(name) (uint32_t, name)
#define VA(name) (uint64_t, name)
#define IN(type, name) (const type *, name)
#define OUT(type, name) (type *, name)
#define INV(type, name) (const type *, name)
#define OUTV(type, name) (type *, name)

#define XOK_PARAM(type, name) type name
#define XOK_VALUE(type, name) (uint64_t)(name)
#define XOK_STUB1(nr, fn, a) \
	static inline int64_t xok_##fn(XOK_PARAM a) \
	{ return xok_call6(nr, XOK_VALUE a, 0, 0, 0, 0, 0); }
#define XOK_STUB2(nr, fn, a, b) \
	static inline int64_t xok_##fn(XOK_PARAM a, XOK_PARAM b) \
	{ return xok_call6(nr, XOK_VALUE a, XOK_VALUE b, 0, 0, 0, 0); }
#define XOK_STUB3(nr, fn, a, b, c) \
	static inline int64_t xok_##fn(XOK_PARAM a, XOK_PARAM b, XOK_PARAM c) \
	{ return xok_call6(nr, XOK_VALUE a, XOK_VALUE b, XOK_VALUE c, 0, 0, 0); }
#define XOK_STUB4(nr, fn, a, b, c, d) \
	static inline int64_t xok_##fn(XOK_PARAM a, XOK_PARAM b, XOK_PARAM c, XOK_PARAM d) \
	{ return xok_call6(nr, XOK_VALUE a, XOK_VALUE b, XOK_VALUE c, XOK_VALUE d, 0, 0); }
#define XOK_STUB5(nr, fn, a, b, c, d, e) \
	static inline int64_t xok_##fn(XOK_PARAM a, XOK_PARAM b, XOK_PARAM c, XOK_PARAM d, \
				       XOK_PARAM e) \
	{ return xok_call6(nr, XOK_VALUE a, XOK_VALUE b, XOK_VALUE c, XOK_VALUE d, XOK_VALUE e, 0); }
#define XOK_STUB6(nr, fn, a, b, c, d, e, f) \
	static inline int64_t xok_##fn(XOK_PARAM a, XOK_PARAM b, XOK_PARAM c, XOK_PARAM d, \
				       XOK_PARAM e, XOK_PARAM f) \
	{ return xok_call6(nr, XOK_VALUE a, XOK_VALUE b, XOK_VALUE c, XOK_VALUE d, XOK_VALUE e, XOK_VALUE f); }

#define XOK_LIST(...) __VA_ARGS__
#define XOK_PICK(a, b, c, d, e, f, stub, ...) stub
#define XOK_STUB(nr, fn, ...) \
	XOK_PICK(__VA_ARGS__, XOK_STUB6, XOK_STUB5, XOK_STUB4, XOK_STUB3, XOK_STUB2, XOK_STUB1, ) \
	(nr, fn, __VA_ARGS__)
#define XOK_STUB_EXPANDED(...) XOK_STUB(__VA_ARGS__)
#define XOK_SYSCALL(nr, fn, args, contract) XOK_STUB_EXPANDED(nr, fn, XOK_LIST args)
#include "xok/syscalls.def"
#undef XOK_SYSCALL
#undef XOK_STUB_EXPANDED
#undef XOK_STUB
#undef XOK_PICK
#undef XOK_LIST
#undef XOK_STUB1
#undef XOK_STUB2
#undef XOK_STUB3
#undef XOK_STUB4
#undef XOK_STUB5
#undef XOK_STUB6
#undef XOK_VALUE
#undef XOK_PARAM
#undef K
#undef U32
#undef U64
#undef ENV
#undef VA
#undef IN
#undef OUT
#undef INV
#undef OUTV

/* The numbers, for batches: XOK_NR_map and so on. */
#define XOK_SYSCALL(nr, fn, args, contract) XOK_NR_##fn = (nr),
enum xok_nr {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL
/* clang-format on */

#endif
