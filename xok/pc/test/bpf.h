/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf.h - handlers written by hand, for in-guest tests: one macro for each sort of instruction of
 * RFC 9669 that they need. D and S are registers by number, sizes are those of the macro's name.
 */
#ifndef PC_TEST_BPF_H
#define PC_TEST_BPF_H

#include "xok/handler.h"
#include "xok/vcode/vcode.h"

#define INSN(op, d, s, off, imm)                              \
	{                                                     \
		(op), (uint8_t)((d) | (s) << 4), (off), (imm) \
	}
#define MOV(d, imm) INSN(0xb7, d, 0, 0, imm)
#define COPY(d, s) INSN(0xbf, d, s, 0, 0)
#define ADD(d, imm) INSN(0x07, d, 0, 0, imm)
#define ADDR(d, s) INSN(0x0f, d, s, 0, 0)
#define LOAD8(d, s, off) INSN(0x71, d, s, off, 0)
#define LOAD32(d, s, off) INSN(0x61, d, s, off, 0)
#define LOAD64(d, s, off) INSN(0x79, d, s, off, 0)
#define STORE8(d, off, s) INSN(0x73, d, s, off, 0)
#define STORE32(d, off, s) INSN(0x63, d, s, off, 0)
#define STORE64(d, off, s) INSN(0x7b, d, s, off, 0)
#define PUT8(d, off, imm) INSN(0x72, d, 0, off, imm)
#define PUT64(d, off, imm) INSN(0x7a, d, 0, off, imm)
#define JUMP(off) INSN(0x05, 0, 0, off, 0)
#define JNE(d, imm, off) INSN(0x55, d, 0, off, imm)
#define CALL(helper) INSN(0x85, 0, 0, 0, VC_HELPER_##helper)
#define EXIT INSN(0x95, 0, 0, 0, 0)
/* Two slots each: a pointer into table n, which is memory; a handle of it. */
#define TABLE_AT(d, n, off) \
	INSN(0x18, d, 6, 0, (int32_t)(VC_MAP_TABLE + (n))), INSN(0, 0, 0, 0, off)
#define TABLE(d, n) INSN(0x18, d, 5, 0, (int32_t)(VC_MAP_TABLE + (n))), INSN(0, 0, 0, 0, 0)

#define PACKET(d) LOAD64(d, 1, 0) /* while r1 is the context */
#define RETURN(verdict) MOV(0, verdict), EXIT

#endif
