/* SPDX-License-Identifier: BSD-2-Clause */
/* longest.c - wants longer packets than there are. */
#include "xok/handler.h"

XOK_MIN_LEN(9000);

HANDLER(longest)
{
	return XOK_V_PASS;
}
