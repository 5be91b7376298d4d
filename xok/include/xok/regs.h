/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regs.h - where the registers stand in struct xok_regs, for assembly on both sides of the system interface.
 */
#ifndef XOK_REGS_H
#define XOK_REGS_H

#define R_RAX 0
#define R_RBX 8
#define R_RCX 16
#define R_RDX 24
#define R_RSI 32
#define R_RDI 40
#define R_RBP 48
#define R_R8 56
#define R_R9 64
#define R_R10 72
#define R_R11 80
#define R_R12 88
#define R_R13 96
#define R_R14 104
#define R_R15 112
#define R_RIP 120
#define R_RFLAGS 128
#define R_RSP 136
#define R_FS_BASE 144
#define R_GS_BASE 152
#define R_TRAPNO 160
#define R_ERROR 168
#define R_ADDR 176
#define R_SIZE 184

#ifndef __ASSEMBLER__
#include "xok/abi.h"

#define XOK_REG_AT(member, off) _Static_assert(offsetof(struct xok_regs, member) == (off), #member)
XOK_REG_AT(rax, R_RAX);
XOK_REG_AT(rbx, R_RBX);
XOK_REG_AT(rcx, R_RCX);
XOK_REG_AT(rdx, R_RDX);
XOK_REG_AT(rsi, R_RSI);
XOK_REG_AT(rdi, R_RDI);
XOK_REG_AT(rbp, R_RBP);
XOK_REG_AT(r8, R_R8);
XOK_REG_AT(r9, R_R9);
XOK_REG_AT(r10, R_R10);
XOK_REG_AT(r11, R_R11);
XOK_REG_AT(r12, R_R12);
XOK_REG_AT(r13, R_R13);
XOK_REG_AT(r14, R_R14);
XOK_REG_AT(r15, R_R15);
XOK_REG_AT(rip, R_RIP);
XOK_REG_AT(rflags, R_RFLAGS);
XOK_REG_AT(rsp, R_RSP);
XOK_REG_AT(fs_base, R_FS_BASE);
XOK_REG_AT(gs_base, R_GS_BASE);
XOK_REG_AT(trapno, R_TRAPNO);
XOK_REG_AT(error, R_ERROR);
XOK_REG_AT(addr, R_ADDR);
_Static_assert(sizeof(struct xok_regs) == R_SIZE, "size");
#undef XOK_REG_AT
#endif

#endif
