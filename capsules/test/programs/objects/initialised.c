/* SPDX-License-Identifier: BSD-2-Clause */
#include "capsule/sdk.h"

static uint32_t counter = 5;

CAPSULE_ENTRY(initialised)
{
	counter += ctx->hops;
	return (int)counter;
}
