/* SPDX-License-Identifier: BSD-2-Clause */
#include "capsule/sdk.h"

int helper_of_others(uint32_t x);

CAPSULE_ENTRY(undefined)
{
	return helper_of_others(ctx->hops);
}
