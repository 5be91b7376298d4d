/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overrun.c - accesses memory behind the window at an offset that only the run knows: stopped (fault, window-bounds). Entry 0 writes, entry 1
 * reads, entry 2 uses an offset near 2^32, whose end would wrap in 32 bits.
 */
#include "capsule/sdk.h"

CAPSULE_ENTRY(write)
{
	ctx->payload[ctx->payload_max + ctx->hops] = 1;
	return CAPSULE_FORWARD;
}

CAPSULE_ENTRY(read)
{
	return ctx->payload[ctx->payload_max + ctx->hops] ? CAPSULE_FORWARD : CAPSULE_RETURN;
}

CAPSULE_ENTRY(wrap)
{
	uint32_t at = 0u - 4u - ctx->hops;

	*(uint64_t *)(ctx->payload + at) = 1;
	return CAPSULE_FORWARD;
}
