/* SPDX-License-Identifier: BSD-2-Clause */
/* twokinds.c - a capsule and a handler in one file. */
#include "capsule/sdk.h"
#include "xok/handler.h"

CAPSULE_ENTRY(one)
{
	return CAPSULE_FORWARD;
}

HANDLER(two)
{
	return XOK_V_PASS;
}
