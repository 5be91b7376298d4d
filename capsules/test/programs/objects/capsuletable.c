/* SPDX-License-Identifier: BSD-2-Clause */
/* capsuletable.c - a capsule with a table. */
#include "capsule/sdk.h"
#include "xok/handler.h"

XOK_ARRAY(uint32_t, counts, 4);

CAPSULE_ENTRY(capsuletable)
{
	counts[ctx->hops & 3]++;
	return CAPSULE_FORWARD;
}
