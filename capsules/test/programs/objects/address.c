/* SPDX-License-Identifier: BSD-2-Clause */
#include "capsule/sdk.h"

static __attribute__((noinline)) int callee(uint32_t x)
{
	return (int)x + 1;
}

CAPSULE_ENTRY(address)
{
	int (*volatile f)(uint32_t) = callee;

	return f(ctx->hops);
}
