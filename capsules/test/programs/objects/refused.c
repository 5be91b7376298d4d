/* SPDX-License-Identifier: BSD-2-Clause */
/* Links, but the verifier refuses it: the test wants this line named. */
#include "capsule/sdk.h"

CAPSULE_ENTRY(refused)
{
	ctx->hops = 1; /* the context is read-only */
	return CAPSULE_FORWARD;
}
