/* SPDX-License-Identifier: BSD-2-Clause */
/* jit_emit.c - see jit_emit.h; encodings after the Intel and AMD manuals, volume 2 and 3. */
#include <string.h>

#include "xok/vcode/jit_emit.h"

bool jit_flush(struct jit_buf *b)
{
	uint32_t n = b->n;

	b->n = 0;
	if (n > JIT_BUF || (b->out && (b->size < b->base || b->size - b->base < n)))
		return false;
	if (b->out)
		memcpy(b->out + b->base, b->wait, n);
	b->base += n;
	return true;
}

void jit_imm32(struct jit_buf *b, uint32_t v)
{
	jit_octet(b, v);
	jit_octet(b, v >> 8);
	jit_octet(b, v >> 16);
	jit_octet(b, v >> 24);
}

static bool is_octet(int32_t v)
{
	return v == (int8_t)v;
}

/* Prefixes and opcode. x and m are the registers that extend ModRM's index and base or rm. */
static void opcode(struct jit_buf *b, uint32_t op, int reg, int x, int m, bool rm_is_reg)
{
	uint32_t rex = (op & O_W ? 8u : 0) | (reg >= 8 ? 4u : 0) | (x >= 8 ? 2u : 0) |
		       (m >= 8 ? 1u : 0);
	bool octet = (op & O_BYTE) && (reg >= 4 || (rm_is_reg && m >= 4));

	/* Below 8 reg may extend the opcode: as a register it counts only from there on. */
	b->used |= (1u << reg & ~0xffu) | 1u << m | (x == NONE ? 0 : 1u << x);
	if (op & O_LOCK)
		jit_octet(b, 0xf0);
	if (op & O_16)
		jit_octet(b, 0x66);
	if (rex || octet)
		jit_octet(b, 0x40 | rex);
	if (op & O_0F)
		jit_octet(b, 0x0f);
	jit_octet(b, op);
}

static void modrm(struct jit_buf *b, uint32_t mod, int reg, int rm)
{
	jit_octet(b, mod << 6 | ((uint32_t)reg & 7) << 3 | ((uint32_t)rm & 7));
}

void jit_rr(struct jit_buf *b, uint32_t op, int reg, int rm)
{
	opcode(b, op, reg, 0, rm, true);
	modrm(b, 3, reg, rm);
}

void jit_rm(struct jit_buf *b, uint32_t op, int reg, struct jit_mem m)
{
	bool sib = m.index != NONE || (m.base & 7) == RSP;
	/* Base 5 without displacement means something else. */
	uint32_t mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : is_octet(m.disp) ? 1 : 2;

	opcode(b, op, reg, m.index, m.base, false);
	modrm(b, mod, reg, sib ? RSP : m.base);
	if (sib)
		modrm(b, 0, m.index == NONE ? RSP : m.index, m.base);
	if (mod == 1)
		jit_octet(b, (uint32_t)m.disp);
	else if (mod == 2)
		jit_imm32(b, (uint32_t)m.disp);
}

void jit_mov(struct jit_buf *b, uint32_t w, int d, int s)
{
	jit_rr(b, 0x8b | w, d, s);
}

void jit_mov_imm(struct jit_buf *b, int d, uint64_t v)
{
	if (v == 0)
		jit_rr(b, 0x33, d, d);
	else
		jit_put_imm(b, d, v);
}

void jit_put_imm(struct jit_buf *b, int d, uint64_t v)
{
	if (v == (uint32_t)v) {
		opcode(b, 0xb8u + ((uint32_t)d & 7), 0, 0, d, false);
		jit_imm32(b, (uint32_t)v);
	} else if (v == (uint64_t)(int32_t)v) {
		jit_rr(b, 0xc7 | O_W, 0, d);
		jit_imm32(b, (uint32_t)v);
	} else {
		opcode(b, (0xb8u + ((uint32_t)d & 7)) | O_W, 0, 0, d, false);
		jit_imm32(b, (uint32_t)v);
		jit_imm32(b, (uint32_t)(v >> 32));
	}
}

void jit_load64(struct jit_buf *b, int d, struct jit_mem m)
{
	jit_rm(b, 0x8b | O_W, d, m);
}

void jit_store64(struct jit_buf *b, struct jit_mem m, int s)
{
	jit_rm(b, 0x89 | O_W, s, m);
}

void jit_arith(struct jit_buf *b, enum jit_arith a, uint32_t w, int d, int s)
{
	jit_rr(b, ((uint32_t)a << 3 | 3) | w, d, s);
}

void jit_arith_imm(struct jit_buf *b, enum jit_arith a, uint32_t w, int d, int32_t v)
{
	if (is_octet(v)) {
		jit_rr(b, 0x83 | w, (int)a, d);
		jit_octet(b, (uint32_t)v);
	} else {
		jit_rr(b, 0x81 | w, (int)a, d);
		jit_imm32(b, (uint32_t)v);
	}
}

void jit_arith_mem(struct jit_buf *b, enum jit_arith a, uint32_t w, struct jit_mem m, int32_t v)
{
	jit_rm(b, (is_octet(v) ? 0x83 : 0x81) | w, (int)a, m);
	if (is_octet(v))
		jit_octet(b, (uint32_t)v);
	else
		jit_imm32(b, (uint32_t)v);
}

void jit_shift_imm(struct jit_buf *b, enum jit_shift s, uint32_t w, int d, uint32_t count)
{
	jit_rr(b, (count == 1 ? 0xd1 : 0xc1) | w, (int)s, d);
	if (count != 1)
		jit_octet(b, count);
}

void jit_lea(struct jit_buf *b, uint32_t w, int d, struct jit_mem m)
{
	jit_rm(b, 0x8d | w, d, m);
}

void jit_push(struct jit_buf *b, int r)
{
	opcode(b, 0x50u + ((uint32_t)r & 7), 0, 0, r, false);
}

void jit_pop(struct jit_buf *b, int r)
{
	opcode(b, 0x58u + ((uint32_t)r & 7), 0, 0, r, false);
}

void jit_test(struct jit_buf *b, uint32_t w, int x, int y)
{
	jit_rr(b, 0x85 | w, y, x);
}

void jit_test_imm(struct jit_buf *b, uint32_t w, int x, int32_t v)
{
	jit_rr(b, 0xf7 | w, 0, x);
	jit_imm32(b, (uint32_t)v);
}

/* A three-octet VEX prefix; map 2 is 0F38, 3 is 0F3A; pp 1, 2, 3 stand for 66, F3, F2. */
static void vex(struct jit_buf *b, uint32_t map, uint32_t pp, uint32_t w, int reg, int v, int rm)
{
	b->used |= 1u << reg | 1u << v | 1u << rm;
	jit_octet(b, 0xc4);
	jit_octet(b, (reg >= 8 ? 0 : 0x80u) | 0x40u | (rm >= 8 ? 0 : 0x20u) | map);
	jit_octet(b, (w ? 0x80u : 0) | ((uint32_t)~v & 15) << 3 | pp);
}

void jit_shiftx(struct jit_buf *b, enum jit_shift s, uint32_t w, int d, int from, int count)
{
	uint32_t pp = s == S_SHL ? 1 : s == S_SAR ? 2 : 3;

	vex(b, 2, pp, w, d, count, from);
	jit_octet(b, 0xf7);
	modrm(b, 3, d, from);
}

void jit_rorx(struct jit_buf *b, uint32_t w, int d, int from, uint32_t count)
{
	vex(b, 3, 3, w, d, 0, from);
	jit_octet(b, 0xf0);
	modrm(b, 3, d, from);
	jit_octet(b, count);
}

void jit_jump_to(struct jit_buf *b, enum jit_cc cc, uint32_t to, bool near)
{
	if (near) {
		jit_octet(b, cc == CC_ALWAYS ? 0xeb : 0x70u + cc);
		jit_octet(b, to - (jit_here(b) + 1));
		return;
	}
	if (cc == CC_ALWAYS) {
		jit_octet(b, 0xe9);
	} else {
		jit_octet(b, 0x0f);
		jit_octet(b, 0x80u + cc);
	}
	jit_imm32(b, to - (jit_here(b) + 4));
}

uint32_t jit_skip(struct jit_buf *b, enum jit_cc cc)
{
	jit_octet(b, cc == CC_ALWAYS ? 0xeb : 0x70u + cc);
	jit_octet(b, 0);
	return b->n;
}

void jit_land(struct jit_buf *b, uint32_t skip)
{
	b->wait[(skip - 1) % JIT_BUF] = (uint8_t)(b->n - skip);
}
