/* SPDX-License-Identifier: BSD-2-Clause */
/* Read-only tables, private data that starts as zeroes, atomics on it, division, signed arithmetic, a switch. */
#include "xok/vcode/test/programs/program.h"

static const uint16_t weights[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
static const char text[] = "the quick brown fox jumps over the lazy dog";
static uint64_t seen[8];
static uint32_t total;

NOINLINE int64_t combine(int64_t x, int32_t y, uint32_t how)
{
	switch (how % 7) {
	case 0: return (int64_t)((uint64_t)x + (uint64_t)y);
	case 1: return (int64_t)((uint64_t)x - (uint64_t)y * 3);
	case 2: return (int64_t)((uint64_t)x * (uint64_t)y);
	case 3: return y ? (int64_t)((uint64_t)x / (uint32_t)y) : ~x;
	case 4: return x ^ (int64_t)((uint64_t)y << 17);
	case 5: return (int16_t)x + (int8_t)y;
	default: return y ? (int64_t)((uint64_t)x % (uint32_t)y) : x >> 3;
	}
}

/* The window again, further on: a pointer that a function returns. */
NOINLINE uint8_t *further(uint8_t *p, uint32_t by)
{
	return by > 8 ? p + 1 : p + by;
}

PROGRAM(tables)
{
	int64_t x = ctx->negative - ctx->half;
	uint64_t hash;

	for (int n = 0; n < 8; n++)
		seen[n] = 0;
	total = 0;
	for (uint32_t n = 0; n < 16; n++) {
		uint8_t byte = *further(ctx->window, n % 16);

		x = combine(x, (int8_t)byte * weights[byte % 16], n + byte);
		__sync_fetch_and_add(&total, text[byte % (sizeof(text) - 1)]);
		seen[byte % 8] += (uint64_t)x;
	}
	hash = (uint64_t)x;
	for (int n = 0; n < 8; n++)
		hash = hash * 31 + (__builtin_bswap64(seen[n]) ^ __builtin_bswap32(total));
	return hash;
}
