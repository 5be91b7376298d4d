/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 of the window, from its description by Aumasson and Bernstein (2012). */
#include "xok/vcode/test/programs/program.h"

static inline uint64_t rotate(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

#define ROUND                             \
	do {                              \
		v0 += v1;                 \
		v2 += v3;                 \
		v1 = rotate(v1, 13) ^ v0; \
		v3 = rotate(v3, 16) ^ v2; \
		v0 = rotate(v0, 32);      \
		v2 += v1;                 \
		v0 += v3;                 \
		v1 = rotate(v1, 17) ^ v2; \
		v3 = rotate(v3, 21) ^ v0; \
		v2 = rotate(v2, 32);      \
	} while (0)

PROGRAM(siphash)
{
	uint64_t v0 = ctx->a ^ 0x736f6d6570736575, v1 = ctx->b ^ 0x646f72616e646f6d;
	uint64_t v2 = ctx->a ^ 0x6c7967656e657261, v3 = ctx->b ^ 0x7465646279746573;
	uint32_t len = ctx->len, at = 0;
	uint64_t last = (uint64_t)len << 56;

	for (; at + 8 <= len; at += 8) {
		uint64_t m = 0;

		for (uint32_t n = 0; n < 8; n++)
			m |= (uint64_t)ctx->window[at + n] << (8 * n);
		v3 ^= m;
		ROUND;
		ROUND;
		v0 ^= m;
	}
	for (uint32_t n = 0; at + n < len; n++)
		last |= (uint64_t)ctx->window[at + n] << (8 * n);
	v3 ^= last;
	ROUND;
	ROUND;
	v0 ^= last;
	v2 ^= 0xff;
	ROUND;
	ROUND;
	ROUND;
	ROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}
