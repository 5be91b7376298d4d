/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alu.h - what the arithmetic and jump operations compute (RFC 9669 sections 4.1 to 4.3), as pure functions.
 *
 * Division by zero gives 0, a remainder by zero the dividend; the one overflow of signed division, the
 * smallest number by -1, wraps to itself with remainder 0. Shift counts are masked.
 */
#ifndef XOK_VCODE_ALU_H
#define XOK_VCODE_ALU_H

#include "xok/vcode/internal.h"

static inline uint64_t vc_divide64(uint64_t a, uint64_t b, bool is_signed)
{
	if (b == 0)
		return 0;
	if (!is_signed)
		return a / b;
	return b == UINT64_MAX ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t vc_modulo64(uint64_t a, uint64_t b, bool is_signed)
{
	if (b == 0)
		return a;
	if (!is_signed)
		return a % b;
	return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

/* The low `bits` bits of v as a signed number; 0 and 64 bits: v itself. */
static inline uint64_t vc_sign_extend(uint64_t v, int bits)
{
	switch (bits) {
	case 8: return (uint64_t)(int64_t)(int8_t)v;
	case 16: return (uint64_t)(int64_t)(int16_t)v;
	case 32: return (uint64_t)(int64_t)(int32_t)v;
	default: return v;
	}
}

/* a `code` b; off tells signed operations and sign-extending moves from plain ones. */
static inline uint64_t vc_alu64(uint32_t code, uint64_t a, uint64_t b, int16_t off)
{
	switch (code) {
	case VC_ADD: return a + b;
	case VC_SUB: return a - b;
	case VC_MUL: return a * b;
	case VC_DIV: return vc_divide64(a, b, off == 1);
	case VC_OR: return a | b;
	case VC_AND: return a & b;
	case VC_LSH: return a << (b & 63);
	case VC_RSH: return a >> (b & 63);
	case VC_NEG: return 0 - a;
	case VC_MOD: return vc_modulo64(a, b, off == 1);
	case VC_XOR: return a ^ b;
	case VC_MOV: return vc_sign_extend(b, off);
	case VC_ARSH: return (uint64_t)((int64_t)a >> (b & 63));
	default: return a;
	}
}

/* The same on lower halves: the operation on 64 bits, with the operands widened as their signedness says. */
static inline uint32_t vc_alu32(uint32_t code, uint32_t a, uint32_t b, int16_t off)
{
	bool divides = code == VC_DIV || code == VC_MOD;
	bool shifts = code == VC_LSH || code == VC_RSH || code == VC_ARSH;
	bool is_signed = code == VC_ARSH || (divides && off == 1);
	uint64_t x = is_signed ? vc_sign_extend(a, 32) : a;
	uint64_t y = is_signed ? vc_sign_extend(b, 32) : b;

	return (uint32_t)vc_alu64(code, x, shifts ? b & 31 : y, off);
}

/* Byte order: truncates to `bits` bits, and swaps them unless the machine's order (little-endian) is what is wanted. */
static inline uint64_t vc_byte_order(uint64_t a, int32_t bits, bool swap)
{
	switch (bits) {
	case 16: return swap ? __builtin_bswap16((uint16_t)a) : (uint16_t)a;
	case 32: return swap ? __builtin_bswap32((uint32_t)a) : (uint32_t)a;
	default: return swap ? __builtin_bswap64(a) : a;
	}
}

/* Does the conditional jump `code` go? 32-bit jumps pass sign-extended lower halves, which compare alike in both ways. */
static inline bool vc_condition(uint32_t code, uint64_t a, uint64_t b)
{
	int64_t x = (int64_t)a, y = (int64_t)b;

	switch (code) {
	case VC_JEQ: return a == b;
	case VC_JNE: return a != b;
	case VC_JGT: return a > b;
	case VC_JGE: return a >= b;
	case VC_JLT: return a < b;
	case VC_JLE: return a <= b;
	case VC_JSET: return (a & b) != 0;
	case VC_JSGT: return x > y;
	case VC_JSGE: return x >= y;
	case VC_JSLT: return x < y;
	case VC_JSLE: return x <= y;
	default: return false;
	}
}

/* What an atomic operation stores; the exchanges are the caller's. */
static inline uint64_t vc_atomic_result(int32_t imm, uint64_t was, uint64_t operand)
{
	switch (imm & ~VC_FETCH) {
	case VC_ADD: return was + operand;
	case VC_OR: return was | operand;
	case VC_AND: return was & operand;
	default: return was ^ operand;
	}
}

#endif
