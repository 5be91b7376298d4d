/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipv6.c - the path of an IPv6 packet through the router domain: check, classify, deliver or forward.
 */
#include "nodeos/root/ipv6.h"
#include "nodeos/root/twin.h"

#define ICMP6_RATE 200u /* errors a second (RFC 4443 2.4 (f)) */
#define ICMP6_BURST 50u
#define HEADERS_MAX 8u /* extension headers of a packet */

static void drop(struct ipv6 *ip, enum ip6_counter why)
{
	ip->count.n[why]++;
}

/* RFC 4861 7.2.2: "address resolution has failed. The sender MUST return ICMP destination unreachable indications with code 3". */
static void unreachable(void *arg, uint8_t *packet, size_t len)
{
	const struct ip6_in in = {.packet = packet, .len = len};

	icmp6_error(arg, &in, ICMP6_UNREACHABLE, ICMP6_ADDRESS, 0);
}

void ipv6_init(struct ipv6 *ip, struct node_pub *pub)
{
	memset(ip, 0, sizeof(*ip));
	ip->pub = pub;
	ip->icmp = (struct bucket){.rate = ICMP6_RATE, .burst = ICMP6_BURST};
	nd_init(&ip->neigh, pub, &ip->count, unreachable, ip);
	fragment6_init(ip);
	ra_init(ip);
}

/* ---- extension headers ---- */

bool ipv6_upper(const uint8_t *packet, size_t len, uint8_t *proto, size_t *at)
{
	*proto = packet[IP6_NEXT];
	*at = IP6_HLEN;
	for (unsigned i = 0; i < HEADERS_MAX; i++) {
		size_t n = 8;

		if (*proto != PROTO_HOP_BY_HOP && *proto != PROTO_DEST_OPTIONS &&
		    *proto != PROTO_ROUTING && *proto != PROTO_FRAGMENT)
			return true;
		if (len - *at < 8)
			return false;
		/* Behind a fragment that is not the first comes data, whatever it looks like. */
		if (*proto == PROTO_FRAGMENT) {
			if (be16(packet + *at + 2) & 0xfff8)
				return false;
		} else {
			n = 8u + packet[*at + 1] * 8u;
		}
		if (n > len - *at)
			return false;
		*proto = packet[*at];
		*at += n;
	}
	return false;
}

/*
 * RFC 8200 4.2: the options of the header at `at`, all of which are unknown here but padding: their two highest bits say what is to be
 * done. False: the packet is gone.
 */
static bool options_accepted(struct ipv6 *ip, const struct ip6_in *in, size_t at, size_t end)
{
	const uint8_t *p = in->packet;
	size_t i = at + 2;

	while (i < end) {
		uint8_t type = p[i];

		if (type == 0) { /* Pad1 */
			i++;
			continue;
		}
		/* One past the header would read what follows it as options. */
		if (end - i < 2 || p[i + 1] > end - i - 2) {
			drop(ip, IP6C_OPTIONS);
			icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, (uint32_t)i);
			return false;
		}
		if (type >> 6) {
			struct ip6 dst = ip6_at(p + IP6_DST);

			drop(ip, IP6C_OPTIONS);
			if (type >> 6 == 2 || (type >> 6 == 3 && !ip6_multicast(&dst)))
				icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_OPTION, (uint32_t)i);
			return false;
		}
		i += 2u + p[i + 1];
	}
	return true;
}

/* The end of an extension header of the usual form, 0: it does not fit. */
static size_t header_end(const struct ip6_in *in, size_t at)
{
	size_t n;

	if (in->len - at < 8)
		return 0;
	n = 8u + in->packet[at + 1] * 8u;
	return n <= in->len - at ? at + n : 0;
}

/* Obeys one extension header at *at, whose number stands at next_at, and steps over it. False: the packet is gone. */
static bool one_header(struct ipv6 *ip, const struct ip6_in *in, size_t next_at, size_t *at)
{
	uint8_t type = in->packet[next_at];
	size_t end = header_end(in, *at);

	/* RFC 8200 4: a Next Header of zero "in any header other than an IPv6 header" is one that nobody knows. */
	if (type == PROTO_HOP_BY_HOP && *at != IP6_HLEN) {
		drop(ip, IP6C_HEADERS);
		icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_NEXT_HEADER, (uint32_t)next_at);
		return false;
	}
	/* RFC 4443 3.4: its length is wrong, or was cut off with the rest of it. */
	if (!end) {
		drop(ip, IP6C_HEADERS);
		icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, (uint32_t)*at + 1);
		return false;
	}
	switch (type) {
	case PROTO_HOP_BY_HOP:
	case PROTO_DEST_OPTIONS:
		if (!options_accepted(ip, in, *at, end))
			return false;
		break;
	case PROTO_ROUTING:
		/* 4.4: an unrecognized routing type is ignored when Segments Left is zero, else told. RFC 5095: type 0 is one of these. */
		if (in->packet[*at + 3] != 0) {
			drop(ip, IP6C_HEADERS);
			icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_HEADER_FIELD,
				    (uint32_t)(*at + 2));
			return false;
		}
		break;
	default: break;
	}
	*at = end;
	return true;
}

/*
 * A Fragment header at *at. RFC 6946: a fragment that is the whole packet is no fragment, and is stepped over; another one is kept until its packet is
 * complete. False: the packet is gone.
 */
static bool fragment_header(struct ipv6 *ip, struct ip6_in *in, size_t next_at, size_t *at)
{
	/* A shorter one would be read past its end. One in another one's packet nobody sends who means well. */
	if (in->len - *at < 8 || in->fragmented) {
		drop(ip, IP6C_HEADERS);
		return false;
	}
	if (be16(in->packet + *at + 2) & 0xfff9) {
		fragment6_input(ip, in, *at, next_at);
		return false;
	}
	in->fragmented = true;
	*at += 8;
	return true;
}

/* ---- delivery ---- */

void ipv6_deliver(struct ipv6 *ip, const struct ip6_in *packet)
{
	struct ip6_in as_is = *packet, *in = &as_is;
	size_t at = IP6_HLEN, next_at = IP6_NEXT, start;

	for (unsigned i = 0; i < HEADERS_MAX; i++) {
		uint8_t next = in->packet[next_at];

		switch (next) {
		case PROTO_HOP_BY_HOP:
		case PROTO_DEST_OPTIONS:
		case PROTO_ROUTING:
			start = at;
			if (!one_header(ip, in, next_at, &at))
				return;
			next_at = start;
			continue;
		case PROTO_FRAGMENT:
			if (!fragment_header(ip, in, next_at, &at))
				return;
			next_at = at - 8;
			continue;
		case PROTO_ICMP6: icmp6_input(ip, in, at); return;
		case PROTO_TCP:
		case PROTO_UDP:
			/* RFC 4443 3.1: code 4, for want of a listener. */
			drop(ip, IP6C_NO_SERVICE);
			icmp6_error(ip, in, ICMP6_UNREACHABLE, ICMP6_PORT, 0);
			return;
		default:
			/* RFC 8200 4: an unrecognized next header is told with the octet where it stands; 4.7: none is none. */
			drop(ip, IP6C_NO_SERVICE);
			if (next != PROTO_NONE)
				icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_NEXT_HEADER,
					    (uint32_t)next_at);
			return;
		}
	}
	drop(ip, IP6C_HEADERS);
}

/* To one of our addresses, or to one that is each router's? */
static bool is_for_us(const struct ipv6 *ip, uint16_t port, const struct ip6 *dst)
{
	return node_is_local6(ip->pub, port, dst) || node_is_anycast6(ip->pub, port, dst);
}

/* Are we in this group: all nodes, all routers, or the solicited-node group of an address, unicast or anycast, that we have at the port? */
static bool member(const struct ipv6 *ip, uint16_t port, const struct ip6 *group)
{
	const struct node_pub *p = ip->pub;

	for (uint8_t last = 1; last <= 2; last++) {
		const struct ip6 all = {{0xff, 2, [15] = last}};

		if (ip6_equal(group, &all))
			return true;
	}
	for (uint32_t i = 0; i < p->naddress6; i++) {
		const struct node_address6 *a = &p->addresses6[i];
		struct ip6 net = ip6_prefix(&a->addr, a->len);
		struct ip6 one = ip6_solicited_node(&a->addr), any = ip6_solicited_node(&net);

		if (a->port == port && (ip6_equal(group, &one) ||
					(a->len <= IP6_ANYCAST_LEN && ip6_equal(group, &any))))
			return true;
	}
	return false;
}

/* ---- forwarding ---- */

/* No route, or one that leads nowhere on purpose: RFC 4443 3.1. */
static void no_route(struct ipv6 *ip, const struct ip6_in *in, int32_t number)
{
	uint8_t code = ICMP6_NO_ROUTE;

	switch (number) {
	case FORWARD_BLACKHOLE: drop(ip, IP6C_BLACKHOLE); return;
	/* "If the reason for the failure to deliver is administrative prohibition ..., the Code field is set to 1." */
	case FORWARD_PROHIBITED:
		code = ICMP6_PROHIBITED;
		drop(ip, IP6C_PROHIBITED);
		break;
	/* "If the reason ... is that the route to the destination is a reject route, the Code field is set to 6." */
	case FORWARD_UNREACHABLE:
		code = ICMP6_REJECT;
		drop(ip, IP6C_NO_ROUTE);
		break;
	default: drop(ip, IP6C_NO_ROUTE); break;
	}
	icmp6_error(ip, in, ICMP6_UNREACHABLE, code, 0);
}

static void forward(struct ipv6 *ip, const struct ip6_in *in)
{
	struct ip6 src = ip6_at(in->packet + IP6_SRC), dst = ip6_at(in->packet + IP6_DST);
	struct node_hop6 hop;

	if (in->link_group) {
		drop(ip, IP6C_LINK_GROUP);
		return;
	}
	/* RFC 4291 2.5.2: a packet with the unspecified source "must never be forwarded by an IPv6 router". */
	if (ip6_unspecified(&src)) {
		drop(ip, IP6C_BAD_SOURCE);
		return;
	}
	/* RFC 4291 2.5.6; RFC 4443 3.1: beyond the scope of the source address. Link-local destinations are those of others here. */
	if (ip6_link_local(&src) || ip6_link_local(&dst)) {
		drop(ip, IP6C_SCOPE);
		if (!ip6_link_local(&dst))
			icmp6_error(ip, in, ICMP6_UNREACHABLE, ICMP6_BEYOND_SCOPE, 0);
		return;
	}
	/* RFC 8200 3: "decremented to zero"; RFC 4443 3.3. */
	if (in->packet[IP6_HOPS_AT] <= 1) {
		drop(ip, IP6C_HOP_LIMIT);
		icmp6_error(ip, in, ICMP6_TIME_EXCEEDED, 0, 0);
		return;
	}
	if (in->packet[IP6_NEXT] == PROTO_HOP_BY_HOP) {
		size_t at = IP6_HLEN;

		if (!one_header(ip, in, IP6_NEXT, &at))
			return;
	}
	if (!node_route6(ip->pub, &dst, &hop)) {
		no_route(ip, in, hop.number);
		return;
	}
	/* RFC 4443 3.2: with the MTU of the next-hop link. */
	if (in->len > hop.mtu) {
		drop(ip, IP6C_TOO_BIG);
		icmp6_error(ip, in, ICMP6_TOO_BIG, 0, hop.mtu);
		return;
	}
	in->packet[IP6_HOPS_AT]--;
	ip->count.n[IP6C_FORWARDED]++;
	neigh_send(&ip->neigh, hop.port, &hop.next, in->packet, in->len);
}

/* ---- input and output ---- */

/* False: dropped. */
static bool header_ok(struct ipv6 *ip, const uint8_t *packet, size_t len)
{
	if (len < IP6_HLEN)
		drop(ip, IP6C_SHORT);
	else if (packet[IP6_VERSION] >> 4 != 6)
		drop(ip, IP6C_VERSION);
	else if (be16(packet + IP6_LEN) > len - IP6_HLEN)
		drop(ip, IP6C_LENGTH); /* it was cut */
	else if (be16(packet + IP6_LEN) > IP6_PACKET_MAX - IP6_HLEN)
		drop(ip, IP6C_LENGTH);
	else
		return true;
	return false;
}

/* RFC 4291 2.5.2, 2.5.3, 2.7. A packet from ourselves can only be a forgery or a loop. */
static bool addresses_ok(struct ipv6 *ip, uint16_t port, const struct ip6 *src,
			 const struct ip6 *dst)
{
	/* The unspecified source is that of who has no address yet. Neighbour discovery counts who uses ours itself. */
	if (!ip6_unspecified(src) && !ip6_host(src)) {
		drop(ip, IP6C_BAD_SOURCE);
		return false;
	}
	if (node_is_local6(ip->pub, port, src)) {
		drop(ip, IP6C_BAD_SOURCE);
		return false;
	}
	if (!ip6_multicast(dst) && !ip6_host(dst)) {
		drop(ip, IP6C_BAD_DESTINATION);
		return false;
	}
	return true;
}

/* For us or for the link, where the host's own stack listens; neighbour discovery is ours, and routers' where we advertise. */
static bool for_host(const struct ipv6 *ip, const struct ip6_in *in, const struct ip6 *dst)
{
	uint8_t proto;
	size_t at;

	if (!twin_of(ip->pub, in->port))
		return false;
	if (!(ip6_multicast(dst) && (dst->b[1] & 15) == 2) && !is_for_us(ip, in->port, dst) &&
	    node_fib(ip->pub, dst) != FORWARD_LOCAL)
		return false;
	if (!ipv6_upper(in->packet, in->len, &proto, &at) || proto != PROTO_ICMP6 || at >= in->len)
		return true;
	switch (in->packet[at]) {
	case ICMP6_NS:
	case ICMP6_NA: return false;
	case ICMP6_RS: return !ra_advertises(ip, in->port);
	default: return true;
	}
}

void ipv6_frame(struct ipv6 *ip, uint16_t port, uint8_t *frame, size_t len)
{
	struct ip6_in in = {.port = port,
			    .link_group = frame[0] & 1,
			    .from = frame + 6,
			    .packet = frame + ETH_HLEN,
			    .len = len - ETH_HLEN};
	struct ip6 src, dst;

	ip->count.n[IP6C_RECEIVED]++;
	if (!header_ok(ip, in.packet, in.len))
		return;
	in.len = IP6_HLEN + be16(in.packet + IP6_LEN); /* what follows is link padding */
	src = ip6_at(in.packet + IP6_SRC);
	dst = ip6_at(in.packet + IP6_DST);
	if (!addresses_ok(ip, port, &src, &dst))
		return;
	if (ip->claimed && is_for_us(ip, port, &dst) && ip->claimed(ip->arg, in.packet, in.len)) {
		ipv6_deliver(ip, &in);
	} else if (for_host(ip, &in, &dst)) {
		if (twin_packet(ip->pub, port, ETH_IP6, in.packet, in.len))
			ip->count.n[IP6C_TO_HOST]++;
		else
			drop(ip, IP6C_HOST);
	} else if (ip6_multicast(&dst)) {
		if (member(ip, port, &dst))
			ipv6_deliver(ip, &in);
		else
			drop(ip, IP6C_MULTICAST);
	} else if (is_for_us(ip, port, &dst)) {
		ipv6_deliver(ip, &in);
	} else {
		forward(ip, &in);
	}
}

void ipv6_output(struct ipv6 *ip, uint16_t port, const uint8_t *packet, size_t len)
{
	struct ip6 dst = ip6_at(packet + IP6_DST);
	struct node_hop6 hop = {.port = port, .next = dst};
	uint8_t copy[IP6_PACKET_MAX];

	if (is_for_us(ip, port, &dst) && len <= sizeof(copy)) {
		const struct ip6_in in = {.port = port, .packet = copy, .len = len};

		memcpy(copy, packet, len);
		ipv6_deliver(ip, &in);
		return;
	}
	if (!ip6_link_local(&dst) && !node_route6(ip->pub, &dst, &hop)) {
		drop(ip, IP6C_NO_ROUTE);
		return;
	}
	if (len > ip->pub->port[hop.port].mtu && ip->pub->port[hop.port].mtu < IP6_MTU_MIN) {
		drop(ip, IP6C_TOO_BIG);
		return;
	}
	ip->count.n[IP6C_SENT]++;
	if (len > ip->pub->port[hop.port].mtu)
		fragment6_output(ip, &hop, packet, len);
	else
		neigh_send(&ip->neigh, hop.port, &hop.next, packet, len);
}
