/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipv4.c - the path of an IPv4 packet through the root domain: check, classify, deliver or forward.
 */
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet.h"
#include "nodeos/root/ipv4.h"

#define ICMP_RATE 200u /* errors a second (RFC 1812 4.3.2.8) */
#define ICMP_BURST 50u

static void unreachable(void *arg, uint8_t *packet, size_t len)
{
	icmp_error(arg, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_HOST, 0, false);
}

static void on_loop(void *arg);

void ipv4_init(struct ipv4 *ip, struct node_pub *pub)
{
	memset(ip, 0, sizeof(*ip));
	ip->pub = pub;
	ip->icmp = (struct bucket){.rate = ICMP_RATE, .burst = ICMP_BURST};
	ip->loop_timer.fn = on_loop;
	ip->loop_timer.arg = ip;
	arp_init(&ip->neigh, pub, &ip->count, unreachable, ip);
}

static void drop(struct ipv4 *ip, enum ip_counter why)
{
	ip->count.n[why]++;
}

void ipv4_frame(struct ipv4 *ip, struct amp_packet *p)
{
	const uint8_t *mac;
	bool group;

	if (p->len < ETH_HLEN || p->port >= ip->pub->nport) {
		drop(ip, IPC_SHORT);
		return;
	}
	mac = ip->pub->port[p->port].mac;
	group = p->data[0] & 1;
	if (!group && memcmp(p->data, mac, 6)) {
		drop(ip, IPC_ETHER_ADDRESS);
		return;
	}
	switch (be16(p->data + 12)) {
	case ETH_ARP: arp_input(&ip->neigh, (uint16_t)p->port, p->data, p->len); break;
	case ETH_IP4:
		ipv4_input(ip, (uint16_t)p->port, p->data + ETH_HLEN, p->len - ETH_HLEN, group);
		break;
	default: drop(ip, IPC_ETHER_TYPE); break;
	}
}

/* ---- options ---- */

/*
 * RFC 791 3.1: a list of one-byte options (end, no-operation) and of type, length, data. Returns true when it can be followed to its
 * end; *source_route tells of LSRR and SSRR, and *at is where a malformed one stands.
 */
static bool options_ok(const uint8_t *packet, size_t hlen, bool *source_route, size_t *at)
{
	size_t i = IP4_HLEN;

	*source_route = false;
	while (i < hlen && packet[i] != 0) {
		uint8_t type = packet[i];

		*at = i;
		if (type == 1) {
			i++;
			continue;
		}
		/* A length below 2 would loop for ever; one past the header would read data as options. */
		if (i + 1 >= hlen || packet[i + 1] < 2 || packet[i + 1] > hlen - i)
			return false;
		if (type == 131 || type == 137)
			*source_route = true;
		i += packet[i + 1];
	}
	return true;
}

/* ---- forwarding ---- */

static void emit(struct ipv4 *ip, const struct node_hop *hop, const uint8_t *packet, size_t len)
{
	arp_send(&ip->neigh, hop->port, hop->next, packet, len);
}

/* RFC 791 3.2: fragments with the header repeated. Options other than copied ones (top bit) become no-operations after the first. */
static void fragment(struct ipv4 *ip, const struct node_hop *hop, const uint8_t *packet, size_t len)
{
	uint8_t out[IP4_PACKET_MAX];
	size_t hlen = (packet[IP4_VIHL] & 15u) * 4u, step = (hop->mtu - hlen) & ~(size_t)7;
	uint16_t frag = be16(packet + IP4_FRAG);

	if (hop->mtu < hlen + 8 || hop->mtu > IP4_PACKET_MAX) {
		drop(ip, IPC_FRAG_NEEDED);
		return;
	}
	ip->count.n[IPC_FRAGMENTED]++;
	for (size_t at = hlen; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		uint16_t offset = (uint16_t)((frag & IP4_OFFSET) + (at - hlen) / 8);
		bool more = at + n < len || (frag & IP4_MF);

		memcpy(out, packet, hlen);
		if (at > hlen) {
			for (size_t i = IP4_HLEN; i < hlen && out[i];) {
				size_t olen = out[i] == 1 ? 1 : out[i + 1];

				if (!(out[i] & 0x80))
					memset(out + i, 1, olen);
				i += olen;
			}
		}
		memcpy(out + hlen, packet + at, n);
		put16(out + IP4_LEN, (uint16_t)(hlen + n));
		put16(out + IP4_FRAG, (uint16_t)(offset | (more ? IP4_MF : 0)));
		put16(out + IP4_SUM, 0);
		put16(out + IP4_SUM, inet_fold(inet_sum(out, hlen)));
		emit(ip, hop, out, hlen + n);
	}
}

/* Sends, cut into fragments where the link asks for it and DF allows it. False: it does not fit. */
static bool emit_fitting(struct ipv4 *ip, const struct node_hop *hop, const uint8_t *packet,
			 size_t len)
{
	if (len <= hop->mtu) {
		emit(ip, hop, packet, len);
		return true;
	}
	if (be16(packet + IP4_FRAG) & IP4_DF)
		return false;
	fragment(ip, hop, packet, len);
	return true;
}

static void forward(struct ipv4 *ip, uint8_t *packet, size_t len, bool link_group)
{
	struct node_hop hop;
	uint16_t word;

	if (ip->pub->role != NODE_ROUTER) {
		drop(ip, IPC_NOT_FOR_US);
		return;
	}
	/* RFC 1812 5.3.4, RFC 1122 3.3.6: a unicast packet in a broadcast frame is not forwarded. */
	if (link_group) {
		drop(ip, IPC_BROADCAST);
		return;
	}
	/* RFC 1812 5.3.1: checked before it is decremented; it is never sent with a TTL of zero. */
	if (packet[IP4_TTL_AT] <= 1) {
		drop(ip, IPC_TTL);
		icmp_error(ip, packet, len, ICMP_TIME_EXCEEDED, 0, 0, false);
		return;
	}
	if (!node_route(ip->pub, be32(packet + IP4_DST), &hop)) {
		drop(ip, IPC_NO_ROUTE);
		icmp_error(ip, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_NET, 0, false);
		return;
	}
	/* RFC 1812 4.3.3.3 and RFC 1191 4: told with the MTU, about the packet as it came. */
	if (len > hop.mtu && (be16(packet + IP4_FRAG) & IP4_DF)) {
		drop(ip, IPC_FRAG_NEEDED);
		icmp_error(ip, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_FRAG, hop.mtu, false);
		return;
	}
	word = be16(packet + IP4_TTL_AT);
	packet[IP4_TTL_AT]--;
	put16(packet + IP4_SUM,
	      inet_adjust(be16(packet + IP4_SUM), word, be16(packet + IP4_TTL_AT)));
	ip->count.n[IPC_FORWARDED]++;
	(void)emit_fitting(ip, &hop, packet, len); /* the case it refuses is excluded above */
}

static void deliver(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	ip->count.n[IPC_DELIVERED]++;
	amp_ip_input(packet, len);
}

/* ---- input ---- */

static bool header_ok(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	static const enum ip_counter why[] = {
		[INET_SHORT] = IPC_SHORT,
		[INET_VERSION] = IPC_VERSION,
		[INET_HEADER_LENGTH] = IPC_HEADER_LENGTH,
		[INET_LENGTH] = IPC_LENGTH,
		[INET_CHECKSUM] = IPC_CHECKSUM,
	};
	enum inet_check c = inet_ip4_check(packet, len);

	if (c != INET_OK)
		drop(ip, why[c]);
	return c == INET_OK;
}

static bool options_accepted(struct ipv4 *ip, const uint8_t *packet, size_t len, bool link_group)
{
	size_t hlen = (packet[IP4_VIHL] & 15u) * 4u, at = 0;
	bool source_route;

	if (hlen == IP4_HLEN)
		return true;
	ip->count.n[IPC_WITH_OPTIONS]++;
	if (!options_ok(packet, hlen, &source_route, &at)) {
		drop(ip, IPC_OPTIONS);
		icmp_error(ip, packet, len, ICMP_PARAMETER, 0, (uint32_t)at << 24, link_group);
		return false;
	}
	if (source_route) {
		drop(ip, IPC_SOURCE_ROUTE);
		icmp_error(ip, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_SOURCE_ROUTE, 0,
			   link_group);
		return false;
	}
	return true;
}

/* RFC 1812 5.3.7: martians. A packet from ourselves can only be a forgery or a loop. */
static bool addresses_ok(struct ipv4 *ip, uint32_t src, uint32_t dst)
{
	if (!inet_host_address(src) || node_is_broadcast(ip->pub, src) ||
	    node_is_local(ip->pub, src)) {
		drop(ip, IPC_BAD_SOURCE);
		return false;
	}
	if (dst >> 24 == 0 || dst >> 24 == 127 || (dst >> 28 == 15 && dst != 0xffffffffu)) {
		drop(ip, IPC_BAD_DESTINATION);
		return false;
	}
	return true;
}

void ipv4_input(struct ipv4 *ip, uint16_t port, uint8_t *packet, size_t len, bool link_group)
{
	uint32_t dst;

	(void)port;
	ip->count.n[IPC_RECEIVED]++;
	if (!header_ok(ip, packet, len))
		return;
	len = be16(packet + IP4_LEN); /* what follows is link padding */
	dst = be32(packet + IP4_DST);
	if (!addresses_ok(ip, be32(packet + IP4_SRC), dst))
		return;
	if (!options_accepted(ip, packet, len, link_group))
		return;
	if (node_is_local(ip->pub, dst)) {
		deliver(ip, packet, len);
	} else if (dst >> 28 == 14) {
		drop(ip, IPC_MULTICAST);
	} else if (node_is_broadcast(ip->pub, dst)) {
		/* RFC 2644: directed broadcasts are not forwarded, and nothing here listens to them. */
		drop(ip, IPC_BROADCAST);
	} else {
		forward(ip, packet, len, link_group);
	}
}

/* ---- output ---- */

/* To ourselves: later, since the host stack may be in the middle of sending. */
static void loop_back(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	uint32_t at = ip->loop_head % IP4_LOOP;

	if (ip->loop_head - ip->loop_tail == IP4_LOOP) {
		drop(ip, IPC_QUEUE_FULL);
		return;
	}
	memcpy(ip->loop[at], packet, len);
	ip->loop_len[at] = (uint16_t)len;
	ip->loop_head++;
	(void)amp_timer_in(&ip->loop_timer, 0); /* on failure the next packet tries again */
}

static void on_loop(void *arg)
{
	struct ipv4 *ip = arg;
	uint32_t end = ip->loop_head;

	while (ip->loop_tail != end) {
		uint32_t at = ip->loop_tail % IP4_LOOP;

		deliver(ip, ip->loop[at], ip->loop_len[at]);
		ip->loop_tail++;
	}
}

void ipv4_output(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	struct node_hop hop;
	uint32_t dst;

	if (!header_ok(ip, packet, len))
		return;
	len = be16(packet + IP4_LEN);
	if (len > IP4_PACKET_MAX) {
		drop(ip, IPC_LENGTH);
		return;
	}
	dst = be32(packet + IP4_DST);
	if (!inet_host_address(dst) || node_is_broadcast(ip->pub, dst)) {
		drop(ip, IPC_BAD_DESTINATION);
		return;
	}
	/* Fragmentation walks the options; those of the capsule domain are no better than a stranger's. */
	if (!options_accepted(ip, packet, len, false))
		return;
	if (node_is_local(ip->pub, dst)) {
		loop_back(ip, packet, len);
		return;
	}
	if (!node_route(ip->pub, dst, &hop)) {
		drop(ip, IPC_NO_ROUTE);
		icmp_error(ip, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_NET, 0, false);
		return;
	}
	ip->count.n[IPC_SENT]++;
	if (!emit_fitting(ip, &hop, packet, len)) {
		drop(ip, IPC_FRAG_NEEDED);
		icmp_error(ip, packet, len, ICMP_UNREACHABLE, ICMP_UNREACH_FRAG, hop.mtu, false);
	}
}
