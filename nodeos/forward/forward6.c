/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward6.c - IPv6 forwarding as a handler (RFC 8200, RFC 4291). It finishes the packets that need nothing but a route and a
 * neighbour; what it passes is left as it came.
 */
#include "nodeos/forward/common.h"

#define HEADER 40u
enum { VERSION = 0, LEN = 4, NEXT = 6, HOPS = 7, SRC = 8, DST = 24 };
#define HOP_BY_HOP 0

XOK_MIN_LEN(54); /* ETHER + HEADER: what is shorter has no IPv6 header, and is passed on */
XOK_TABLE(routes6);

/*
 * RFC 4291 2.5.2: the unspecified address "must not be used as the destination address of IPv6 packets", and a packet with it as its source
 * "must never be forwarded by an IPv6 router". 2.5.3: packets with the loopback address as source or destination are not sent beyond a node.
 */
inline_ int nobody(const uint8_t *addr)
{
	return load64(addr) == 0 && (__builtin_bswap64(load64(addr + 8)) >> 1) == 0;
}

/* RFC 4291 2.5.6: fe80::/10 */
inline_ int link_local(const uint8_t *addr)
{
	return (load16(addr) & 0xc0ff) == 0x80fe;
}

inline_ int multicast(const uint8_t *addr)
{
	return addr[0] == 0xff;
}

/* The header is right: where does the packet go? */
inline_ uint64_t route(const struct xok_handler_ctx *ctx, uint8_t *frame, uint8_t *ip)
{
	uint32_t total = HEADER + be16(ip + LEN);
	int64_t from, to;
	struct hop hop;

	from = xok_lpm6(&routes6, ip + SRC, 16);
	if (from == FORWARD_LOCAL)
		return drop(FORWARD_IP6_BAD_SOURCE); /* ours: a forgery or a loop */
	to = xok_lpm6(&routes6, ip + DST, 16);
	if (to == FORWARD_LOCAL)
		return pass(FORWARD_IP6_LOCAL);
	/* As RFC 1812 5.3.4 has it for IPv4: what came to a group of stations has one of them forward it, and none was meant. */
	if (link_group(frame))
		return drop(FORWARD_IP6_LINK_GROUP);
	/*
	 * RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other links." The router domain
	 * tells the sender (RFC 4443 3.1, code 2).
	 */
	if (link_local(ip + SRC))
		return pass(FORWARD_IP6_SCOPE);
	/* RFC 8200 4.3: Hop-by-Hop options are for every node on the path, and follow the header immediately. */
	if (ip[NEXT] == HOP_BY_HOP)
		return pass(FORWARD_IP6_HOP_BY_HOP);
	/* RFC 8200 3: "the packet is discarded if Hop Limit was zero when received or is decremented to zero"; the router domain tells the sender. */
	if (ip[HOPS] <= 1)
		return pass(FORWARD_IP6_HOP_LIMIT);
	if (to < 0)
		return pass(FORWARD_IP6_NO_ROUTE);
	if (!hop_get(to, &hop))
		return pass(FORWARD_IP6_NO_NEIGHBOUR);
	/* RFC 8200 5: routers do not fragment; RFC 4443 3.2: they say Packet Too Big. */
	if (total > hop.mtu)
		return pass(FORWARD_IP6_TOO_BIG);
	/* RFC 4861 8.2: a redirect may be due. */
	if (hop.port == ctx->port)
		return pass(FORWARD_IP6_SAME_PORT);
	/* RFC 8200 3: Hop Limit is "decremented by 1 by each node that forwards the packet". */
	ip[HOPS]--;
	return send(ctx, frame, &hop, total, FORWARD_IP6_FORWARDED);
}

HANDLER(forward6)
{
	uint8_t *frame = ctx->packet, *ip = frame + ETHER;

	if (!for_us(ctx, frame))
		return drop(FORWARD_IP6_ETHER_ADDRESS);
	/* RFC 8200 3: "4-bit Internet Protocol version number = 6." */
	if (ip[VERSION] >> 4 != 6)
		return drop(FORWARD_IP6_VERSION);
	/* RFC 8200 3: Payload Length is the rest of the packet behind this header. One beyond the frame's end: the packet was cut. */
	if (be16(ip + LEN) > ctx->len - ETHER - HEADER)
		return drop(FORWARD_IP6_LENGTH);
	/* RFC 4291 2.7: "Multicast addresses must not be used as source addresses in IPv6 packets". */
	if (multicast(ip + SRC))
		return drop(FORWARD_IP6_BAD_SOURCE);
	/* RFC 4291 2.7: "Routers must not forward any multicast packets beyond of the scope indicated by the scop field": ff02 is this link's, for us perhaps. */
	if (multicast(ip + DST))
		return (ip[DST + 1] & 15) == 2 ? pass(FORWARD_IP6_SCOPE)
					       : drop(FORWARD_IP6_MULTICAST);
	if (nobody(ip + SRC))
		return drop(FORWARD_IP6_BAD_SOURCE);
	if (nobody(ip + DST))
		return drop(FORWARD_IP6_BAD_DESTINATION);
	if (link_local(ip + DST))
		return pass(FORWARD_IP6_SCOPE);
	return route(ctx, frame, ip);
}
