/* SPDX-License-Identifier: BSD-2-Clause */
#include "capsule/sdk.h"

static const char *const names[] = {"alpha", "beta", "gamma"};

CAPSULE_ENTRY(pointers)
{
	return names[ctx->hops & 1][0];
}
