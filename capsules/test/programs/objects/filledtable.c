/* SPDX-License-Identifier: BSD-2-Clause */
/* filledtable.c - a table with an initial value. */
#include "xok/handler.h"

XOK_ARRAY(uint32_t, filled, 2) = {0, 1};

HANDLER(filledtable)
{
	return filled[ctx->port & 1];
}
