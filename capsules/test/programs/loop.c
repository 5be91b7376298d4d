/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c - never ends: the budget stops it (budget-exhausted). */
#include "capsule/sdk.h"

CAPSULE_ENTRY(loop)
{
	volatile uint32_t going = 1;

	while (going)
		;
	return ctx->flags & CAPSULE_RETURNING ? CAPSULE_DELIVER : CAPSULE_FORWARD;
}
