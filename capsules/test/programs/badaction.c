/* SPDX-License-Identifier: BSD-2-Clause */
/* badaction.c - returns what is no action (bad-action). Entry 1 turns round a second time when it is home. */
#include "capsule/sdk.h"

CAPSULE_ENTRY(badaction)
{
	return 77 + (int)(ctx->flags & CAPSULE_RETURNING);
}

CAPSULE_ENTRY(again)
{
	if (ctx->flags & (CAPSULE_AT_DESTINATION | CAPSULE_AT_ORIGIN))
		return CAPSULE_RETURN;
	return CAPSULE_FORWARD;
}
