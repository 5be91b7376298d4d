/* SPDX-License-Identifier: BSD-2-Clause */
/* everything.c - all that the linker has to put together: the test runs it and knows the answers. */
#include "capsule/sdk.h"

static const uint32_t squares[8] = {0, 1, 4, 9, 16, 25, 36, 49};
static const char text[] = "hello from a capsule";
static const uint64_t wide[2] = {0x1122334455667788, 0x99aabbccddeeff00};
static uint32_t calls;
static uint64_t sums[4];
static uint32_t zeroed = 0;
static const uint8_t matrix[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};

static __attribute__((noinline)) uint32_t inner(uint32_t x)
{
	calls++;
	return squares[x & 7];
}

static __attribute__((noinline)) uint32_t outer(uint32_t x)
{
	sums[x & 3] += inner(x);
	zeroed += 2;
	return (uint32_t)sums[x & 3] + inner(x + 1) + calls + zeroed;
}

/* Not reached from any entry point: it must not be in the module. */
uint64_t unused(uint64_t x);
uint64_t unused(uint64_t x)
{
	return wide[x & 1];
}

/* hops 3: 9 + 16 + 2 calls + 2 */
CAPSULE_ENTRY(first)
{
	return (int)outer(ctx->hops);
}

/* The log gets the text; hops 2: 11 */
CAPSULE_ENTRY(second)
{
	if (capsule_log(text, sizeof(text) - 1) != 0)
		return -1;
	return matrix[ctx->hops % 3][2];
}

/* hops 4: 1000 + 16 */
CAPSULE_ENTRY(third)
{
	static uint32_t private[4];

	for (uint32_t i = 0; i < 4; i++)
	private[i & ctx->hops] += 250;
	return (int)(private[0] + inner(ctx->hops));
}
