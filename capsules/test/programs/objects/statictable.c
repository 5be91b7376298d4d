/* SPDX-License-Identifier: BSD-2-Clause */
/* statictable.c - a table that clang may take apart. */
#include "xok/handler.h"

static XOK_ARRAY(uint64_t, own, 4);

HANDLER(statictable)
{
	return own[3]++;
}
