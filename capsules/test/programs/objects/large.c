/* SPDX-License-Identifier: BSD-2-Clause */
#include "capsule/sdk.h"

static uint8_t much[20000];

CAPSULE_ENTRY(large)
{
	much[ctx->hops] = 1;
	return much[ctx->node];
}
