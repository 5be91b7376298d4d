/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp6.c - ICMPv6 (RFC 4443): errors about packets that cannot be delivered, echo, and neighbour discovery handed on.
 */
#include "nodeos/root/ipv6.h"

/* Sends an ICMPv6 message that stands in out behind room for the header: checksum, header, and on its way. */
static void send(struct ipv6 *ip, uint16_t port, uint8_t *out, size_t len, uint8_t hops,
		 const struct ip6 *src, const struct ip6 *dst)
{
	uint8_t *icmp = out + IP6_HLEN;

	inet_ip6_header(out, len, PROTO_ICMP6, hops, src, dst);
	put16(icmp + 2, 0);
	put16(icmp + 2, inet_upper6_sum(out, PROTO_ICMP6, icmp, len));
	ipv6_output(ip, port, out, IP6_HLEN + len);
}

/* ---- errors ---- */

/* RFC 4443 2.4 (e): an ICMPv6 error message MUST NOT be originated as a result of receiving any of these. */
static bool must_be_silent(const struct ip6_in *in, uint8_t type, uint8_t code)
{
	const struct ip6 src = ip6_at(in->packet + IP6_SRC), dst = ip6_at(in->packet + IP6_DST);
	/* (e.3) and (e.4) but for these two, so that path MTU discovery works for multicast, and options can be refused. */
	bool excepted = type == ICMP6_TOO_BIG || (type == ICMP6_PARAMETER && code == ICMP6_OPTION);
	uint8_t proto;
	size_t at;

	/* (e.6) a source that is not one node's */
	if (!ip6_host(&src))
		return true;
	/* (e.3) to a multicast address, (e.4) and (e.5) in a link-layer multicast or broadcast */
	if (!excepted && (ip6_multicast(&dst) || in->link_group))
		return true;
	if (!ipv6_upper(in->packet, in->len, &proto, &at))
		return false;
	/* (e.1) an ICMPv6 error, (e.2) a redirect; without a type to read it counts as one */
	return proto == PROTO_ICMP6 &&
	       (at >= in->len || in->packet[at] < ICMP6_ECHO || in->packet[at] == ICMP6_REDIRECT);
}

/* RFC 4443 2.2: our address that the packet was sent to, or one that suits the way back. */
static bool error_source(const struct ipv6 *ip, const struct ip6_in *in, const struct ip6 *to,
			 struct ip6 *from)
{
	struct node_hop6 hop;

	*from = ip6_at(in->packet + IP6_DST);
	if (node_is_local6(ip->pub, in->port, from))
		return true;
	if (node_route6(ip->pub, to, &hop))
		return node_source6(ip->pub, hop.port, to, from);
	/* A neighbour's link-local address is where the packet came in. */
	return (ip6_link_local(to) || node_is_local6(ip->pub, in->port, to)) &&
	       node_source6(ip->pub, in->port, to, from);
}

void icmp6_error(struct ipv6 *ip, const struct ip6_in *in, uint8_t type, uint8_t code,
		 uint32_t info)
{
	/* RFC 4443 2.4 (c): as much of the packet as fits without exceeding the minimum IPv6 MTU. */
	uint8_t out[IP6_MTU_MIN], *icmp = out + IP6_HLEN;
	size_t part = sizeof(out) - IP6_HLEN - ICMP6_HLEN;
	struct ip6 to = ip6_at(in->packet + IP6_SRC), from;

	if (must_be_silent(in, type, code) || !error_source(ip, in, &to, &from)) {
		ip->count.n[IP6C_ICMP_NOT_SENT]++;
		return;
	}
	/* 2.4 (f): "an IPv6 node MUST limit the rate of ICMPv6 error messages it originates." */
	if (!bucket_take(&ip->icmp, amp_now())) {
		ip->count.n[IP6C_ICMP_LIMITED]++;
		return;
	}
	if (part > in->len)
		part = in->len;
	icmp[0] = type;
	icmp[1] = code;
	put32(icmp + 4, info);
	memcpy(icmp + ICMP6_HLEN, in->packet, part);
	ip->count.n[IP6C_ICMP_SENT]++;
	send(ip, in->port, out, ICMP6_HLEN + part, IP6_HOPS, &from, &to);
}

/* ---- echo ---- */

int icmp6_echo(struct ipv6 *ip, const struct ip6 *to, uint8_t hops, uint16_t id, uint16_t seq,
	       const uint8_t *data, size_t len)
{
	uint8_t out[IP6_PACKET_MAX], *icmp = out + IP6_HLEN;
	struct node_hop6 hop = {0};
	struct ip6 from;

	if (len > sizeof(out) - IP6_HLEN - ICMP6_HLEN)
		return XOK_EINVAL;
	if ((!node_route6(ip->pub, to, &hop) && !node_is_local6(ip->pub, 0, to) &&
	     !node_is_anycast6(ip->pub, 0, to)) ||
	    !node_source6(ip->pub, hop.port, to, &from))
		return XOK_ENOENT;
	icmp[0] = ICMP6_ECHO;
	icmp[1] = 0;
	put16(icmp + 4, id);
	put16(icmp + 6, seq);
	memcpy(icmp + ICMP6_HLEN, data, len);
	send(ip, hop.port, out, ICMP6_HLEN + len, hops, &from, to);
	return 0;
}

/* RFC 4443 4.2: the reply has the request's identifier, sequence number and data, and the address that was asked as its source. */
static void echo_reply(struct ipv6 *ip, const struct ip6_in *in, size_t at)
{
	struct ip6 to = ip6_at(in->packet + IP6_SRC), from = ip6_at(in->packet + IP6_DST);
	size_t len = in->len - at;

	if (!ip6_host(&to)) {
		ip->count.n[IP6C_BAD_SOURCE]++;
		return;
	}
	/* To a group or an anycast address: "a unicast address belonging to the interface on which the Echo Request message was received". */
	if (!node_is_local6(ip->pub, in->port, &from) &&
	    !node_source6(ip->pub, in->port, &to, &from)) {
		ip->count.n[IP6C_MULTICAST]++;
		return;
	}
	in->packet[at] = ICMP6_ECHO_REPLY;
	ip->count.n[IP6C_DELIVERED]++;
	ip->count.n[IP6C_ECHO_REPLIES]++;
	/* The reply is the request with another header in front, over whatever stood there. */
	send(ip, in->port, in->packet + at - IP6_HLEN, len, IP6_HOPS, &from, &to);
}

/* An error about an echo request of ours quotes it. */
static void quoted_echo(struct ipv6 *ip, const struct ip6_in *in, const uint8_t *icmp, size_t len)
{
	const uint8_t *q = icmp + ICMP6_HLEN;
	struct ip6 from = ip6_at(in->packet + IP6_SRC);
	uint8_t proto;
	size_t at;

	if (ip->answer && len >= ICMP6_HLEN + IP6_HLEN &&
	    ipv6_upper(q, len - ICMP6_HLEN, &proto, &at) && proto == PROTO_ICMP6 &&
	    len - ICMP6_HLEN - at >= ICMP6_HLEN && q[at] == ICMP6_ECHO)
		ip->answer(ip->arg, icmp[0], icmp[1], &from, be16(q + at + 4), be16(q + at + 6));
}

/* ---- input ---- */

void icmp6_input(struct ipv6 *ip, const struct ip6_in *in, size_t at)
{
	const uint8_t *icmp = in->packet + at;
	struct ip6 from = ip6_at(in->packet + IP6_SRC);
	size_t len = in->len - at;

	/* A shorter one has no checksum to look at. */
	if (len < ICMP6_HLEN) {
		ip->count.n[IP6C_SHORT]++;
		return;
	}
	if (inet_upper6_sum(in->packet, PROTO_ICMP6, icmp, len) != 0) {
		ip->count.n[IP6C_CHECKSUM]++;
		return;
	}
	/* What is dropped here was not delivered: each packet counts once. */
	switch (icmp[0]) {
	case ICMP6_ECHO: echo_reply(ip, in, at); break;
	case ICMP6_ECHO_REPLY:
		ip->count.n[IP6C_DELIVERED]++;
		if (ip->answer)
			ip->answer(ip->arg, icmp[0], icmp[1], &from, be16(icmp + 4),
				   be16(icmp + 6));
		break;
	case ICMP6_NS:
	case ICMP6_NA:
		ip->count.n[IP6C_DELIVERED]++;
		nd_input(&ip->neigh, in, at);
		break;
	case ICMP6_RS:
		/* RFC 4861 6.2.6: routers answer "valid solicitations received on an advertising interface". */
		if (!ra_advertises(ip, in->port)) {
			ip->count.n[IP6C_ICMP_TYPE]++;
			break;
		}
		ip->count.n[IP6C_DELIVERED]++;
		ra_input(ip, in, at);
		break;
	case ICMP6_UNREACHABLE:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER:
		ip->count.n[IP6C_DELIVERED]++;
		quoted_echo(ip, in, icmp, len);
		break;
	default: ip->count.n[IP6C_ICMP_TYPE]++; break;
	}
}
