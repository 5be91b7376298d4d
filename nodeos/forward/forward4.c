/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward4.c - IPv4 forwarding as a handler (RFC 1812). It finishes the packets that need nothing but a route and a neighbour; what
 * it passes is left as it came. The common case goes straight through route(); everything else branches off it.
 */
#include "nodeos/forward/common.h"

#define HEADER 20u
enum { VIHL = 0, LEN = 2, FRAG = 6, TTL = 8, PROTO = 9, SUM = 10, SRC = 12, DST = 16 };

XOK_MIN_LEN(ETHER + HEADER); /* what is shorter has no IPv4 header, and is passed on */
XOK_TABLE(routes4);
XOK_ARRAY(uint8_t, ours, FORWARD_OURS);

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

/*
 * 5.2.2 (2): "The IP checksum must be correct." Of a header without options. The one's complement sum of its 16-bit words (RFC 1071), which may be
 * summed in wider ones and in any byte order, is 0xffff when their sum, which is not 0, is a multiple of 65535. That is seen without
 * dividing: times the inverse of 65535 modulo 2^64, multiples become the quotients, that is numbers up to (2^64 - 1) / 65535, and no others do.
 */
inline_ int checksum_wrong(const uint8_t *ip)
{
	uint64_t sum = (uint64_t)load32(ip) + load32(ip + 4) + load32(ip + 8) + load32(ip + 12) +
		       load32(ip + 16);

	return sum * 0xfffefffefffeffffu > 0x0001000100010001u;
}
_Static_assert(65535 * 0xfffefffefffeffffu == 1, "the inverse");

/*
 * No host has an address on network 0, on 127, or from 224 on. As a source, RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an
 * invalid IP source address or a source address on network 0" nor one "that has a source address on network 127"; 4.2.2.11: broadcast and
 * multicast addresses are no sources, and what lies behind them (class E) is no host's either.
 */
inline_ int no_host(uint32_t addr)
{
	return addr - 0x01000000u >= 0xdf000000u || addr >> 24 == 127;
}

/*
 * RFC 1812 5.3.1: each router "MUST decrement the TTL by at least one". 4.2.2.5 allows the checksum's incremental update; RFC 1624 eqn. 3: HC' =
 * ~(~HC + ~m + m'), m being the word of TTL and protocol, of which the TTL is the first byte and so the low one here: HC grows by one, and by one more
 * when that is 0xffff or a carry. Both words lie in one of 32 bits, the TTL's not 0.
 */
inline_ void decrement(uint8_t *ip)
{
	uint64_t both = (uint64_t)load32(ip + TTL) + 0x10000 - 1;

	if (unlikely(both >= 0xffff0000))
		both += 0x10000;
	*(uint32_t *)(ip + TTL) = (uint32_t)both;
}

/* What the packets of a flow have in common: addresses, protocol, and the ports where each packet has them. */
inline_ uint32_t flow(const struct xok_handler_ctx *ctx, const uint8_t *ip)
{
	uint32_t h = load32(ip + SRC) * 0x85ebca6bu ^ load32(ip + DST), proto = ip[PROTO];

	h ^= proto;
	/* The fragments of a datagram have no ports but in the first one: it must not go another way. */
	if ((proto == 6 || proto == 17) && !(load16(ip + FRAG) & 0xff3f) &&
	    ctx->len >= ETHER + HEADER + 4)
		h = h * 0xc2b2ae35u ^ load32(ip + HEADER);
	return h ^ h >> 15;
}

/* To no host's address, in a frame for us or for a group. */
inline_ uint64_t to_no_host(uint8_t twin, uint32_t dst)
{
	/*
	 * RFC 1812 5.3.5.1: "Limited broadcasts MUST NOT be forwarded." The host's own stack may listen to them, and to multicast on the link:
	 * 5.3.10, 224.0.0.0/24 is not forwarded whatever its TTL.
	 */
	if (dst == 0xffffffff)
		return twin ? deliver(twin, FORWARD_IP4_HOST, FORWARD_IP4_LOCAL)
			    : drop(FORWARD_IP4_BROADCAST);
	/* Nobody here is a multicast router: RFC 1812 5.2.1.2 leaves it to those. */
	if (dst >> 28 == 14)
		return twin && dst >> 8 == 0xe00000
			       ? deliver(twin, FORWARD_IP4_HOST, FORWARD_IP4_LOCAL)
			       : drop(FORWARD_IP4_MULTICAST);
	/* RFC 1812 5.3.7: no packet "that has an invalid IP destination address or a destination address on network 0", nor on 127. */
	return drop(FORWARD_IP4_BAD_DESTINATION);
}

/* The header is right: where does the packet go? */
inline_ uint64_t route(const struct xok_handler_ctx *ctx, uint32_t flags, uint32_t iface,
		       uint8_t *frame, uint8_t *ip)
{
	uint32_t src = __builtin_bswap32(load32(ip + SRC));
	uint32_t dst = __builtin_bswap32(load32(ip + DST)), total;
	struct hop hop;
	int64_t to;

	if (unlikely(no_host(src)))
		return drop(FORWARD_IP4_BAD_SOURCE);
	if (unlikely(no_host(dst)))
		return to_no_host(twin_of(ctx, iface), dst);
	if (unlikely((flags & (FORWARD_RPF_STRICT | FORWARD_RPF_LOOSE)) |
		     ours[forward_ours(src)])) {
		int64_t from = xok_lpm4(&routes4, src);

		/* 5.3.7 again: what claims to come from us, or from a network's broadcast address, is a forgery or a loop. */
		if (from == FORWARD_LOCAL || from == FORWARD_BROADCAST)
			return drop(FORWARD_IP4_BAD_SOURCE);
		/* RFC 1812 5.3.8: a router checks that packets come from where it would send back, if it is told to. */
		if (flags & (FORWARD_RPF_STRICT | FORWARD_RPF_LOOSE) &&
		    !source_reached(from, again(ctx, iface), flags))
			return drop(FORWARD_IP4_RPF);
	}
	to = xok_lpm4(&routes4, dst);
	read_again();
	if (to == FORWARD_LOCAL)
		return deliver(twin_of(ctx, iface), FORWARD_IP4_HOST, FORWARD_IP4_LOCAL);
	/* RFC 2644: directed broadcasts are not forwarded unless somebody asks for it. */
	if (unlikely(to == FORWARD_BROADCAST)) {
		uint8_t twin = twin_of(ctx, iface);

		return twin && link_group(frame)
			       ? deliver(twin, FORWARD_IP4_HOST, FORWARD_IP4_LOCAL)
			       : drop(FORWARD_IP4_BROADCAST);
	}
	/* RFC 1812 5.3.4: a packet in a link-layer broadcast or multicast is not forwarded. */
	if (unlikely(link_group(frame)))
		return drop(FORWARD_IP4_LINK_GROUP);
	/* RFC 1812 5.3.1: it is discarded when the TTL becomes zero, and the router domain tells the sender. */
	if (unlikely(ip[TTL] <= 1))
		return pass(FORWARD_IP4_TTL);
	if (unlikely(to < FORWARD_LINK))
		return to == FORWARD_BLACKHOLE ? drop(FORWARD_IP4_BLACKHOLE)
					       : pass(FORWARD_IP4_NO_ROUTE);
	if (unlikely(to >= FORWARD_GROUP))
		to = (int64_t)group_hop((uint64_t)to, flow(ctx, ip));
	if (unlikely(!hop_get((uint64_t)to, &hop)))
		return pass(FORWARD_IP4_NO_NEIGHBOUR);
	total = be16(ip + LEN);
	/* RFC 1812 4.2.2.7: fragments, or Destination Unreachable when DF forbids them. */
	if (unlikely(total > hop_mtu(&hop)))
		return pass(FORWARD_IP4_TOO_BIG);
	/* RFC 1812 5.2.7.2: a redirect may be due, and is nothing that happens often. */
	if (unlikely(hop_iface(&hop) == again(ctx, iface)))
		return pass(FORWARD_IP4_SAME_PORT);
	decrement(ip);
	return send(ctx, frame, &hop, total, FORWARD_IP4_FORWARDED, FORWARD_IP4_TRANSMIT);
}

inline_ uint64_t forward(const struct xok_handler_ctx *ctx)
{
	uint8_t *frame = ctx->packet, *ip = frame + ETHER;
	uint32_t iface = interface(ctx, frame), flags;
	const struct forward_port *in;
	enum forward_counter why;

	if (iface >= FORWARD_IFACES)
		return drop(FORWARD_IP4_VLAN);
	in = port_at(iface);
	flags = in->flags;
	if (unlikely(!for_us(in, frame)) && !link_group(frame))
		return drop(FORWARD_IP4_ETHER_ADDRESS);
	/* The usual header in two comparisons, the lengths from 20 to the frame's in one; what differs from it, is told apart. */
	if (unlikely(ip[VIHL] != 0x45) ||
	    unlikely(be16(ip + LEN) - HEADER > ctx->len - ETHER - HEADER)) {
		if (header_wrong(ip, ctx->len - ETHER, &why))
			return drop(why);
		/* RFC 1812 5.2.4.1: options may have to be acted upon; the router domain checks the rest, too. */
		return pass(FORWARD_IP4_OPTIONS);
	}
	if (checksum_wrong(ip))
		return drop(FORWARD_IP4_CHECKSUM);
	return route(ctx, flags, iface, frame, ip);
}

#ifdef TAGGED
HANDLER(forward4_tagged)
#else
HANDLER(forward4)
#endif
{
	return forward(ctx);
}
