/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mirror.c - what the host's own stack sends through the mirror of a port leaves by that port, whatever it is. The stack has our addresses and
 * link addresses, and has done itself what a router would do.
 */
#include "nodeos/forward/forward.h"
#include "xok/handler.h"

XOK_MIN_LEN(14);
XOK_ARRAY(struct forward_port, ports, FORWARD_IFACES);
XOK_ARRAY(uint64_t, counters, FORWARD_COUNTERS);

HANDLER(mirror)
{
	uint32_t port = ctx->port, twin = port < FORWARD_PORTS ? ports[port].twin : 0;

	if (!twin) {
		counters[FORWARD_MIRROR_NONE]++;
		return XOK_DROP_FOR(FORWARD_MIRROR_NONE);
	}
	counters[FORWARD_MIRROR]++;
	return XOK_FORWARD_TO(twin - 1);
}
