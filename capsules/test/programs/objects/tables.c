/* SPDX-License-Identifier: BSD-2-Clause */
/* tables.c - a handler with all that the linker knows of tables: the test runs it and knows the answers. */
#include "xok/handler.h"

XOK_MIN_LEN(60);

struct pair {
	uint32_t first, second;
};

XOK_TABLE(routes);
XOK_ARRAY(struct pair, pairs, 8);
XOK_ARRAY(uint64_t, hidden, 4);
XOK_ARRAY(uint64_t, behind, 4);
XOK_TABLE(unused);

static const uint32_t order[4] = {3, 1, 0, 2};

/* The fourth pair's second, the last of the hidden and the third behind it, and what the table says of the packet's first four octets. */
HANDLER(sum)
{
	uint32_t port = ctx->port;

	hidden[3] += port;
	behind[order[port & 3]] += 1;
	return pairs[3].second + hidden[3] + behind[2] +
	       (uint64_t)xok_lpm4(&routes, *(uint32_t *)ctx->packet);
}

HANDLER(other)
{
	return xok_lpm4(&routes, 5) == 7 ? XOK_V_CONSUME : XOK_V_PASS;
}
