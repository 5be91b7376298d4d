/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping.c - out to the destination and back. The arguments are 8 octets that the sender chooses, so that he knows his answer; the
 * round-trip time is his own clock's, from sending to delivery.
 */
#include "capsule/sdk.h"

CAPSULE_ENTRY(ping)
{
	if (ctx->flags & CAPSULE_RETURNING)
		return ctx->flags & CAPSULE_AT_ORIGIN ? CAPSULE_DELIVER : CAPSULE_FORWARD;
	return ctx->flags & CAPSULE_AT_DESTINATION ? CAPSULE_RETURN : CAPSULE_FORWARD;
}
