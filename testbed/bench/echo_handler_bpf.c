/* SPDX-License-Identifier: BSD-2-Clause */
/* echo_handler_bpf.c - the round-trip benchmark's handler: answers the datagrams of its filter. */
#include "xok/handler.h"

#include "testbed/bench/echo_packet.h"

HANDLER(echo)
{
	uint8_t *p = ctx->packet;

	if (!sound(p, ctx->len))
		return XOK_V_DROP;
	turn(p);
	return XOK_V_REPLY;
}
