/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward6.c - IPv6 forwarding as a handler (RFC 8200, RFC 4291). It finishes the packets that need nothing but a route and a
 * neighbour; what it passes is left as it came. The common case goes straight through route(); everything else branches off it.
 */
#include "nodeos/forward/common.h"

#define HEADER 40u
enum { VERSION = 0, LEN = 4, NEXT = 6, HOPS = 7, SRC = 8, DST = 24 };
#define HOP_BY_HOP 0
#define ICMP6 58
#define SOLICITATION 135 /* RFC 4861; 136 is the advertisement */

XOK_MIN_LEN(ETHER + HEADER); /* what is shorter has no IPv6 header, and is passed on */
XOK_TABLE(routes6);
XOK_ARRAY(uint8_t, ours, FORWARD_OURS);

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

/* Neighbour discovery is the router domain's, whoever else listens; routers and hosts find each other by the host's own stack. */
inline_ int discovery(const struct xok_handler_ctx *ctx, const uint8_t *ip)
{
	return ip[NEXT] == ICMP6 && ctx->len > ETHER + HEADER &&
	       (uint8_t)(ip[HEADER] - SOLICITATION) <= 1;
}

/* For us, or for this link. */
inline_ uint64_t here(const struct xok_handler_ctx *ctx, uint32_t iface, const uint8_t *ip,
		      enum forward_counter domain)
{
	if (discovery(ctx, ip))
		return pass(domain);
	return deliver(twin_of(ctx, iface), FORWARD_IP6_HOST, domain);
}

/* What the packets of a flow have in common: RFC 6437's label, where the source gives one, and the addresses; the ports where there are any. */
inline_ uint32_t flow(const struct xok_handler_ctx *ctx, const uint8_t *ip)
{
	uint64_t s = load64(ip + SRC) * 0x9e3779b97f4a7c15u ^ load64(ip + SRC + 8);
	uint64_t d = load64(ip + DST) * 0x9e3779b97f4a7c15u ^ load64(ip + DST + 8);
	uint32_t proto = ip[NEXT];

	s = s * 0xc2b2ae3d27d4eb4fu ^ d ^ proto ^ (load32(ip) & 0xffff0f00);
	if ((proto == 6 || proto == 17) && ctx->len >= ETHER + HEADER + 4)
		s = s * 0x9e3779b97f4a7c15u ^ load32(ip + HEADER);
	return (uint32_t)(s ^ s >> 32);
}

/* What a packet has that the usual one has not. It matters only when the route is known. */
enum { GROUP = 1, LOCAL_SOURCE = 2 };

/* The header is right: where does the packet go? */
inline_ uint64_t route(const struct xok_handler_ctx *ctx, uint32_t flags, uint32_t iface,
		       uint8_t *frame, uint8_t *ip, uint32_t odd)
{
	const uint32_t rpf = FORWARD_RPF_STRICT | FORWARD_RPF_LOOSE;
	uint32_t total;
	struct hop hop;
	int64_t to;

	if (unlikely((flags & rpf) | ours[forward_ours6(load64(ip + SRC + 8))])) {
		int64_t from = xok_lpm6(&routes6, ip + SRC, 16);

		if (from == FORWARD_LOCAL)
			return drop(FORWARD_IP6_BAD_SOURCE); /* ours: a forgery or a loop */
		/* RFC 3704, as for IPv4; a link-local source is its own link's, and goes no further anyhow. */
		if (flags & rpf && !link_local(ip + SRC) &&
		    !source_reached(from, again(ctx, iface), flags))
			return drop(FORWARD_IP6_RPF);
	}
	to = xok_lpm6(&routes6, ip + DST, 16);
	read_again();
	if (unlikely(to == FORWARD_LOCAL))
		return here(ctx, iface, ip, FORWARD_IP6_LOCAL);
	if (unlikely(odd)) {
		/* As RFC 1812 5.3.4 has it for IPv4: what came to a group of stations has one of them forward it, and none was meant. */
		if (odd & GROUP)
			return drop(FORWARD_IP6_LINK_GROUP);
		/*
		 * RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other links." The router
		 * domain tells the sender (RFC 4443 3.1, code 2).
		 */
		return pass(FORWARD_IP6_SCOPE);
	}
	/* RFC 8200 4.3: Hop-by-Hop options are for every node on the path, and follow the header immediately. */
	if (unlikely(ip[NEXT] == HOP_BY_HOP))
		return pass(FORWARD_IP6_HOP_BY_HOP);
	/* RFC 8200 3: "the packet is discarded if Hop Limit was zero when received or is decremented to zero"; the router domain tells the sender. */
	if (unlikely(ip[HOPS] <= 1))
		return pass(FORWARD_IP6_HOP_LIMIT);
	if (unlikely(to < FORWARD_LINK))
		return to == FORWARD_BLACKHOLE ? drop(FORWARD_IP6_BLACKHOLE)
					       : pass(FORWARD_IP6_NO_ROUTE);
	if (unlikely(to >= FORWARD_GROUP))
		to = (int64_t)group_hop((uint64_t)to, flow(ctx, ip));
	if (unlikely(!hop_get((uint64_t)to, &hop)))
		return pass(FORWARD_IP6_NO_NEIGHBOUR);
	total = HEADER + be16(ip + LEN);
	/* RFC 8200 5: routers do not fragment; RFC 4443 3.2: they say Packet Too Big. */
	if (unlikely(total > hop_mtu(&hop)))
		return pass(FORWARD_IP6_TOO_BIG);
	/* RFC 4861 8.2: a redirect may be due. */
	if (unlikely(hop_iface(&hop) == again(ctx, iface)))
		return pass(FORWARD_IP6_SAME_PORT);
	/* RFC 8200 3: Hop Limit is "decremented by 1 by each node that forwards the packet". */
	ip[HOPS]--;
	return send(ctx, frame, &hop, total, FORWARD_IP6_FORWARDED, FORWARD_IP6_TRANSMIT);
}

/* Of the addresses that begin with 0x00, 0xfe or 0xff some are no host's, or not to be forwarded; of the others none. */
inline_ int special(const uint8_t *addr)
{
	return addr[0] - 1u >= 0xfd;
}

inline_ uint64_t forward(const struct xok_handler_ctx *ctx)
{
	uint8_t *frame = ctx->packet, *ip = frame + ETHER;
	uint32_t iface = interface(ctx, frame), flags, odd = 0;
	const struct forward_port *in;

	if (unlikely(iface >= FORWARD_IFACES))
		return drop(FORWARD_IP6_VLAN);
	in = port_at(iface);
	flags = in->flags;
	if (unlikely(!for_us(in, frame))) {
		if (!link_group(frame))
			return drop(FORWARD_IP6_ETHER_ADDRESS);
		odd = GROUP;
	}
	/* RFC 8200 3: "4-bit Internet Protocol version number = 6." */
	if (unlikely((ip[VERSION] & 0xf0) != 0x60))
		return drop(FORWARD_IP6_VERSION);
	/* RFC 8200 3: Payload Length is the rest of the packet behind this header. One beyond the frame's end: the packet was cut. */
	if (unlikely(be16(ip + LEN) > ctx->len - ETHER - HEADER))
		return drop(FORWARD_IP6_LENGTH);
	if (unlikely(special(ip + SRC)) || unlikely(special(ip + DST))) {
		/* RFC 4291 2.7: "Multicast addresses must not be used as source addresses in IPv6 packets". */
		if (multicast(ip + SRC))
			return drop(FORWARD_IP6_BAD_SOURCE);
		/* RFC 4291 2.7: "Routers must not forward any multicast packets beyond of the scope indicated by the scop field": ff02 is this link's, for us perhaps. */
		if (multicast(ip + DST))
			return (ip[DST + 1] & 15) == 2 ? here(ctx, iface, ip, FORWARD_IP6_SCOPE)
						       : drop(FORWARD_IP6_MULTICAST);
		if (nobody(ip + SRC))
			return drop(FORWARD_IP6_BAD_SOURCE);
		if (nobody(ip + DST))
			return drop(FORWARD_IP6_BAD_DESTINATION);
		if (link_local(ip + DST))
			return here(ctx, iface, ip, FORWARD_IP6_SCOPE);
		if (link_local(ip + SRC))
			odd |= LOCAL_SOURCE;
	}
	return route(ctx, flags, iface, frame, ip, odd);
}

#ifdef TAGGED
HANDLER(forward6_tagged)
#else
HANDLER(forward6)
#endif
{
	return forward(ctx);
}
