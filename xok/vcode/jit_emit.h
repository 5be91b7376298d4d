/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_emit.h - x86-64 instructions as octets. They gather in a small buffer that jit_flush hands to the output, or only counts in
 * a dry run; so a short jump within one instruction's code can be patched until then.
 */
#ifndef XOK_VCODE_JIT_EMIT_H
#define XOK_VCODE_JIT_EMIT_H

#include "xok/vcode/internal.h"

enum jit_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
#define NONE (-1)

/* Condition codes; the lowest bit turns one into its opposite. */
enum jit_cc {
	CC_B = 2,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_L = 12,
	CC_GE,
	CC_LE,
	CC_G,
	CC_ALWAYS = 16
};

/* The first group of arithmetic: its number is the extension of the immediate forms. */
enum jit_arith { A_ADD, A_OR, A_AND = 4, A_SUB, A_XOR, A_CMP };
/* Extensions of opcodes C1 and D3, and of F7. */
enum jit_shift { S_ROL, S_SHL = 4, S_SHR, S_SAR = 7 };
enum jit_unary { U_NOT = 2, U_NEG, U_MUL, U_IMUL, U_DIV, U_IDIV };

#define O_0F 0x100u   /* two octets of opcode, 0F first */
#define O_16 0x200u   /* 16-bit operands */
#define O_W 0x400u    /* 64-bit operands */
#define O_BYTE 0x800u /* register operands are octets: sil and the like need a prefix */
#define O_LOCK 0x1000u

/* [base + index + disp]; index NONE: without. */
struct jit_mem {
	int base, index;
	int32_t disp;
};

#define JIT_BUF 512u
struct jit_buf {
	uint8_t *out; /* NULL: a dry run */
	size_t size;
	uint32_t base; /* octets flushed */
	uint32_t n;    /* octets waiting */
	uint32_t
		used; /* registers in the code, a bit each: those from r8 on, and those that address memory */
	uint8_t wait[JIT_BUF];
};

static inline uint32_t jit_here(const struct jit_buf *b)
{
	return b->base + b->n;
}

/* False: it does not fit. */
bool jit_flush(struct jit_buf *b);

static inline void jit_octet(struct jit_buf *b, uint32_t v)
{
	b->wait[b->n++ % JIT_BUF] = (uint8_t)v;
}
void jit_imm32(struct jit_buf *b, uint32_t v);

/* op with the ModRM field reg, and a register or memory. */
void jit_rr(struct jit_buf *b, uint32_t op, int reg, int rm);
void jit_rm(struct jit_buf *b, uint32_t op, int reg, struct jit_mem m);

/* w: 0, or O_W for 64 bits. */
void jit_mov(struct jit_buf *b, uint32_t w, int d, int s);
void jit_mov_imm(struct jit_buf *b, int d, uint64_t v);
/* As jit_mov_imm, and leaves the flags alone. */
void jit_put_imm(struct jit_buf *b, int d, uint64_t v);
void jit_load64(struct jit_buf *b, int d, struct jit_mem m);
void jit_store64(struct jit_buf *b, struct jit_mem m, int s);
void jit_arith(struct jit_buf *b, enum jit_arith a, uint32_t w, int d, int s);
void jit_arith_imm(struct jit_buf *b, enum jit_arith a, uint32_t w, int d, int32_t v);
void jit_arith_mem(struct jit_buf *b, enum jit_arith a, uint32_t w, struct jit_mem m, int32_t v);
void jit_shift_imm(struct jit_buf *b, enum jit_shift s, uint32_t w, int d, uint32_t count);
void jit_lea(struct jit_buf *b, uint32_t w, int d, struct jit_mem m);
void jit_push(struct jit_buf *b, int r);
void jit_pop(struct jit_buf *b, int r);
void jit_test(struct jit_buf *b, uint32_t w, int x, int y);
void jit_test_imm(struct jit_buf *b, uint32_t w, int x, int32_t v);

/* BMI2: d = s shifted by count; RORX by a constant. */
void jit_shiftx(struct jit_buf *b, enum jit_shift s, uint32_t w, int d, int from, int count);
void jit_rorx(struct jit_buf *b, uint32_t w, int d, int from, uint32_t count);

/* A jump to a place of the output; near: in two octets, and then it must be in reach. */
void jit_jump_to(struct jit_buf *b, enum jit_cc cc, uint32_t to, bool near);
/* A short jump forward within the buffer: returns what jit_land takes. */
uint32_t jit_skip(struct jit_buf *b, enum jit_cc cc);
void jit_land(struct jit_buf *b, uint32_t skip);

#endif
