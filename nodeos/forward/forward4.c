/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward4.c - IPv4 forwarding as a handler (RFC 1812). It finishes the packets that need nothing but a route and a neighbour; what
 * it passes is left as it came.
 */
#include "nodeos/forward/common.h"

#define HEADER 20u
enum { VIHL = 0, LEN = 2, TTL = 8, SUM = 10, SRC = 12, DST = 16 };

XOK_MIN_LEN(34); /* ETHER + HEADER: what is shorter has no IPv4 header, and is passed on */
XOK_TABLE(routes4);

/* The one's complement sum of 16 bits, in whatever byte order it was summed (RFC 1071 2(B)); three folds suffice below 2^36. */
inline_ uint32_t fold(uint64_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

/* RFC 1812 5.2.2, tests (2) to (5), (1) being the minimum length. Options come back as they are: the router domain sees to them. */
inline_ int header_wrong(const uint8_t *ip, uint32_t room, enum forward_counter *why)
{
	uint32_t total = be16(ip + LEN);

	/* 5.2.2 (3): "The IP version number must be 4." */
	*why = FORWARD_IP4_VERSION;
	if (ip[VIHL] >> 4 != 4)
		return 1;
	/* 5.2.2 (4): "The IP header length field must be large enough to hold the minimum length legal IP datagram (20 bytes = 5 words)." */
	*why = FORWARD_IP4_HEADER_LENGTH;
	if ((ip[VIHL] & 15) < 5)
		return 1;
	/*
	 * 5.2.2 (5): "The IP total length field must be large enough to hold the IP datagram header, whose length is specified in the IP header
	 * length field." A frame shorter than its total length was cut: it would go on as something else.
	 */
	*why = FORWARD_IP4_LENGTH;
	return total < (uint32_t)(ip[VIHL] & 15) * 4 || total > room;
}

/* 5.2.2 (2): "The IP checksum must be correct." Of a header without options. */
inline_ int checksum_wrong(const uint8_t *ip)
{
	return fold((uint64_t)load32(ip) + load32(ip + 4) + load32(ip + 8) + load32(ip + 12) +
		    load32(ip + 16)) != 0xffff;
}

/*
 * RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an invalid IP source address or a source address on network 0"
 * nor one "that has a source address on network 127"; 4.2.2.11: broadcast and multicast addresses are no sources, and what lies behind them
 * (class E) is no host's either.
 */
inline_ int bad_source(uint32_t src)
{
	uint32_t net = src >> 24;

	return net == 0 || net == 127 || net >= 224;
}

/* RFC 1812 5.3.7: no packet "that has an invalid IP destination address or a destination address on network 0", nor on 127. */
inline_ int bad_destination(uint32_t dst)
{
	uint32_t net = dst >> 24;

	return net == 0 || net == 127 || (net >= 240 && dst != 0xffffffff);
}

/*
 * RFC 1812 5.3.1: each router "MUST decrement the TTL by at least one". 4.2.2.5 allows the checksum's incremental update; RFC 1624 eqn. 3:
 * HC' = ~(~HC + ~m + m'), m being the word of TTL and protocol, of which the TTL is the first byte and so the low one here.
 */
inline_ void decrement(uint8_t *ip)
{
	uint32_t m = load16(ip + TTL), sum = load16(ip + SUM);

	sum = fold((uint64_t)(sum ^ 0xffff) + (m ^ 0xffff) + (m - 1)) ^ 0xffff;
	*(uint16_t *)(ip + TTL) = (uint16_t)(m - 1);
	*(uint16_t *)(ip + SUM) = (uint16_t)sum;
}

/* The header is right: where does the packet go? */
inline_ uint64_t route(const struct xok_handler_ctx *ctx, uint8_t *frame, uint8_t *ip)
{
	uint32_t src = __builtin_bswap32(load32(ip + SRC));
	uint32_t dst = __builtin_bswap32(load32(ip + DST)), total = be16(ip + LEN);
	int64_t from, to;
	struct hop hop;

	if (bad_source(src))
		return drop(FORWARD_IP4_BAD_SOURCE);
	if (bad_destination(dst))
		return drop(FORWARD_IP4_BAD_DESTINATION);
	/* Nobody here is a multicast router: RFC 1812 5.2.1.2 leaves it to those. */
	if (dst >> 28 == 14)
		return drop(FORWARD_IP4_MULTICAST);
	/* RFC 1812 5.3.5.1: "Limited broadcasts MUST NOT be forwarded." Nothing here listens to them. */
	if (dst == 0xffffffff)
		return drop(FORWARD_IP4_BROADCAST);
	/* 5.3.7 again: what claims to come from us, or from a network's broadcast address, is a forgery or a loop. */
	from = xok_lpm4(&routes4, src);
	if (from == FORWARD_LOCAL || from == FORWARD_BROADCAST)
		return drop(FORWARD_IP4_BAD_SOURCE);
	to = xok_lpm4(&routes4, dst);
	if (to == FORWARD_LOCAL)
		return pass(FORWARD_IP4_LOCAL);
	/* RFC 2644: directed broadcasts are not forwarded unless somebody asks for it. */
	if (to == FORWARD_BROADCAST)
		return drop(FORWARD_IP4_BROADCAST);
	/* RFC 1812 5.3.4: a packet in a link-layer broadcast or multicast is not forwarded. */
	if (link_group(frame))
		return drop(FORWARD_IP4_LINK_GROUP);
	/* RFC 1812 5.3.1: it is discarded when the TTL becomes zero, and the router domain tells the sender. */
	if (ip[TTL] <= 1)
		return pass(FORWARD_IP4_TTL);
	if (to < 0)
		return pass(FORWARD_IP4_NO_ROUTE);
	if (!hop_get(to, &hop))
		return pass(FORWARD_IP4_NO_NEIGHBOUR);
	/* RFC 1812 4.2.2.7: fragments, or Destination Unreachable when DF forbids them. */
	if (total > hop.mtu)
		return pass(FORWARD_IP4_TOO_BIG);
	/* RFC 1812 5.2.7.2: a redirect may be due, and is nothing that happens often. */
	if (hop.port == ctx->port)
		return pass(FORWARD_IP4_SAME_PORT);
	decrement(ip);
	return send(ctx, frame, &hop, total, FORWARD_IP4_FORWARDED);
}

HANDLER(forward4)
{
	uint8_t *frame = ctx->packet, *ip = frame + ETHER;
	enum forward_counter why;

	if (!for_us(ctx, frame))
		return drop(FORWARD_IP4_ETHER_ADDRESS);
	if (header_wrong(ip, ctx->len - ETHER, &why))
		return drop(why);
	/* RFC 1812 5.2.4.1: options may have to be acted upon; the router domain checks the rest, too. */
	if ((ip[VIHL] & 15) > 5)
		return pass(FORWARD_IP4_OPTIONS);
	if (checksum_wrong(ip))
		return drop(FORWARD_IP4_CHECKSUM);
	return route(ctx, frame, ip);
}
