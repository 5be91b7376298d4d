/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp.c - the ICMP errors a node sends about packets it cannot deliver (RFC 792, RFC 1812 4.3).
 */
#include <string.h>

#include "nodeos/lib/inet.h"
#include "nodeos/root/ipv4.h"

#define ICMP_HLEN 8u
#define ICMP_ERROR_MAX \
	576u /* RFC 1812 4.3.2.3: as much of the packet as fits into this much in all */
/* RFC 1812 4.3.2.5: precedence 6, and the packet's own type of service, but for the bit that is ECN's now (RFC 3168). */
#define ICMP_PRECEDENCE 0xc0u
#define ICMP_TOS 0x1cu

static bool is_icmp_error(const uint8_t *packet, size_t len)
{
	size_t hlen = (packet[IP4_VIHL] & 15u) * 4u;

	if (packet[IP4_PROTO] != PROTO_ICMP)
		return false;
	if (len <= hlen)
		return true; /* no type to read: treat it as one, so that nothing is sent */
	switch (packet[hlen]) {
	case 3:
	case 4:
	case 5:
	case 11:
	case 12: return true;
	default: return false;
	}
}

/* RFC 1812 4.3.2.7: an ICMP error MUST NOT be sent as the result of receiving any of these. */
static bool must_be_silent(const struct ipv4 *ip, const uint8_t *packet, size_t len,
			   bool link_group)
{
	uint32_t src = be32(packet + IP4_SRC), dst = be32(packet + IP4_DST);

	return is_icmp_error(packet, len) ||
	       /* a packet to a broadcast or multicast address, by network or by link */
	       link_group || dst >> 28 >= 14 || node_is_broadcast(ip->pub, dst) ||
	       /* a source that is not one host's */
	       !inet_host_address(src) || node_is_broadcast(ip->pub, src) ||
	       /* a fragment other than the first */
	       (be16(packet + IP4_FRAG) & IP4_OFFSET);
}

void icmp_error(struct ipv4 *ip, const uint8_t *packet, size_t len, uint8_t type, uint8_t code,
		uint32_t info, bool link_group)
{
	uint8_t out[ICMP_ERROR_MAX];
	uint32_t to = be32(packet + IP4_SRC), from = ip->pub->address;
	struct node_hop hop;
	size_t part;

	if (must_be_silent(ip, packet, len, link_group)) {
		ip->count.n[IPC_ICMP_NOT_SENT]++;
		return;
	}
	if (!node_is_local(ip->pub, to)) {
		if (!node_route(ip->pub, to, &hop)) {
			ip->count.n[IPC_ICMP_NOT_SENT]++;
			return;
		}
		/* RFC 1812 4.3.2.4: an address of the interface that the error leaves by. */
		from = hop.source;
	}
	if (!bucket_take(&ip->icmp, amp_now())) {
		ip->count.n[IPC_ICMP_LIMITED]++;
		return;
	}
	part = ICMP_ERROR_MAX - IP4_HLEN - ICMP_HLEN;
	if (part > len)
		part = len;
	inet_ip4_header(out, ICMP_PRECEDENCE | (packet[IP4_TOS] & ICMP_TOS),
			IP4_HLEN + ICMP_HLEN + part, 0, IP4_TTL, PROTO_ICMP, from, to);
	out[IP4_HLEN] = type;
	out[IP4_HLEN + 1] = code;
	put16(out + IP4_HLEN + 2, 0);
	put32(out + IP4_HLEN + 4, info);
	memcpy(out + IP4_HLEN + ICMP_HLEN, packet, part);
	put16(out + IP4_HLEN + 2, inet_fold(inet_sum(out + IP4_HLEN, ICMP_HLEN + part)));
	ip->count.n[IPC_ICMP_SENT]++;
	ipv4_output(ip, out, IP4_HLEN + ICMP_HLEN + part);
}

/*
 * The host stack's errors quote 28 octets, have no precedence, and are as many as are asked for. What it quotes is what it was given, all of which is at
 * hand, but for a datagram that came in fragments, or that it has had for a while: of these it quotes all there is.
 */
bool icmp_of_stack(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	size_t hlen = (packet[IP4_VIHL] & 15u) * 4u, n;
	const uint8_t *icmp = packet + hlen, *quoted = icmp + ICMP_HLEN;
	const uint8_t *given = ip->delivering.packet;

	/* A quotation shorter than a header would be read past its end. */
	if (!is_icmp_error(packet, len) || len < hlen + ICMP_HLEN + IP4_HLEN)
		return false;
	n = len - hlen - ICMP_HLEN;
	if (given && n <= ip->delivering.len && !memcmp(quoted, given, n)) {
		quoted = given;
		n = ip->delivering.len;
	}
	ip->count.n[IPC_STACK_ERRORS]++;
	icmp_error(ip, quoted, n, icmp[0], icmp[1], be32(icmp + 4),
		   given && ip->delivering.link_group);
	return true;
}
