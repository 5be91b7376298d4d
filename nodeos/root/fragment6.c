/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fragment6.c - IPv6 fragments (RFC 8200 4.5): those for us are put together, and what we send is cut where it must be.
 */
#include "nodeos/root/ipv6.h"

#define FRAGMENT_HLEN 8u /* next header, reserved, offset and M, identification */
enum { FRAGMENT_OFFSET = 2, FRAGMENT_ID = 4 };
#define FRAGMENT_MORE 1u
#define FRAGMENT_UNITS 0xfff8u /* the offset, in units of 8 as it stands */

/* ---- putting together ---- */

/* The first fragment of a packet whose time is up goes back to its sender. */
static void time_exceeded(struct ipv6 *ip, const struct reass_packet *p)
{
	uint8_t first[IP6_PACKET_MAX];
	struct ip6_in in = {.port = p->port, .link_group = p->link_group, .packet = first};

	for (unsigned i = 0; i < p->n; i++) {
		if (p->piece[i].at == 0)
			in.len = (size_t)p->head + p->piece[i].len;
	}
	/* It came in one packet, so it fits into one. */
	memcpy(first, p->room + REASS_HEAD - p->head, in.len);
	icmp6_error(ip, &in, ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY, 0);
}

static void lost(void *arg, const struct reass_packet *p, enum reass_loss why, unsigned n)
{
	static const enum ip6_counter name[REASS_LOSSES] = {
		[REASS_DUPLICATE] = IP6C_FRAGMENT_DUPLICATE,
		[REASS_OVERLAP] = IP6C_FRAGMENT_OVERLAP,
		[REASS_MANY] = IP6C_FRAGMENT_MANY,
		[REASS_FULL] = IP6C_FRAGMENT_FULL,
		[REASS_TIME] = IP6C_FRAGMENT_TIME,
	};
	struct ipv6 *ip = arg;

	ip->count.n[name[why]] += n;
	if (why == REASS_TIME && p->head)
		time_exceeded(ip, p);
}

void fragment6_init(struct ipv6 *ip)
{
	reass_init(&ip->reass, lost, ip);
}

/* RFC 8200 4.5: does the first fragment have "all headers through an Upper-Layer header"? */
static bool has_upper(const struct ip6_in *in)
{
	uint8_t proto;
	size_t at;

	if (!ipv6_upper(in->packet, in->len, &proto, &at))
		return false;
	switch (proto) {
	case PROTO_TCP: return in->len - at >= TCP_HLEN;
	case PROTO_UDP: return in->len - at >= UDP_HLEN;
	case PROTO_ICMP6: return in->len - at >= ICMP6_HLEN;
	default: return true;
	}
}

/* The fragment behind the header at `at`: is it one that may be kept? Else its sender is told. */
static bool acceptable(struct ipv6 *ip, const struct ip6_in *in, size_t at, size_t offset,
		       size_t len, bool more)
{
	if (len == 0 || (more && len % 8)) {
		ip->count.n[IP6C_FRAGMENT_LENGTH]++;
		if (len)
			icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_LEN);
		return false;
	}
	/* The headers of this fragment stand for those of the first one: what a packet has in front differs rarely. */
	if (at - IP6_HLEN + offset + len > REASS_BYTES) {
		ip->count.n[IP6C_FRAGMENT_LENGTH]++;
		icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_HEADER_FIELD,
			    (uint32_t)at + FRAGMENT_OFFSET);
		return false;
	}
	if (offset == 0 && !has_upper(in)) {
		ip->count.n[IP6C_FRAGMENT_HEADERS]++;
		icmp6_error(ip, in, ICMP6_PARAMETER, ICMP6_FIRST_FRAGMENT, 0);
		return false;
	}
	return true;
}

/* All is here: headers without the Fragment header, and what they say, and it is delivered. */
static void complete(struct ipv6 *ip, struct reass_packet *p)
{
	size_t hlen = p->head - FRAGMENT_HLEN;
	uint8_t *packet = reass_data(p) - hlen;
	const struct ip6_in whole = {.port = p->port,
				     .link_group = p->link_group,
				     .fragmented = true,
				     .packet = packet,
				     .len = hlen + p->total};
	uint8_t next = *(reass_data(p) - FRAGMENT_HLEN);

	/* The first fragment's headers may be longer than those of the others. */
	if (hlen - IP6_HLEN + p->total > REASS_BYTES) {
		ip->count.n[IP6C_FRAGMENT_LENGTH] += p->n;
	} else {
		memmove(packet, packet - FRAGMENT_HLEN, hlen);
		packet[p->next_at] = next;
		put16(packet + IP6_LEN, (uint16_t)(whole.len - IP6_HLEN));
		ip->count.n[IP6C_FRAGMENTS_JOINED] += p->n;
		ip->count.n[IP6C_REASSEMBLED]++;
		ipv6_deliver(ip, &whole);
	}
	reass_release(&ip->reass, p);
}

void fragment6_input(struct ipv6 *ip, const struct ip6_in *in, size_t at, size_t next_at)
{
	const uint8_t *h = in->packet + at, *data = h + FRAGMENT_HLEN;
	struct ip6 src = ip6_at(in->packet + IP6_SRC);
	size_t offset = be16(h + FRAGMENT_OFFSET) & FRAGMENT_UNITS;
	size_t len = in->len - at - FRAGMENT_HLEN;
	bool more = be16(h + FRAGMENT_OFFSET) & FRAGMENT_MORE;
	const struct reass_fragment f = {
		.key = {.src = src,
			.dst = ip6_at(in->packet + IP6_DST),
			.id = be32(h + FRAGMENT_ID),
			.zone = ip6_link_local(&src) ? in->port : NODE_NO_PORT},
		.port = in->port,
		.link_group = in->link_group,
		.at = offset,
		.len = len,
		.more = more,
		.data = data,
		.head = in->packet,
		.head_len = at + FRAGMENT_HLEN,
		.next_at = (uint16_t)next_at,
	};
	struct reass_packet *p;

	ip->count.n[IP6C_FRAGMENTS_RECEIVED]++;
	if (!acceptable(ip, in, at, offset, len, more))
		return;
	p = reass_add(&ip->reass, &f);
	if (p)
		complete(ip, p);
}

/* ---- cutting ---- */

void fragment6_output(struct ipv6 *ip, const struct node_hop6 *hop, const uint8_t *packet,
		      size_t len)
{
	/* RFC 8200 5: who does not discover path MTUs "may simply restrict itself to sending packets no larger than 1280 octets". */
	uint8_t out[IP6_MTU_MIN];
	const size_t step = (sizeof(out) - IP6_HLEN - FRAGMENT_HLEN) & ~(size_t)7;
	uint8_t *h = out + IP6_HLEN;
	uint32_t id;

	/* RFC 7739: one that nobody can foresee. */
	amp_random(&id, sizeof(id));
	ip->count.n[IP6C_FRAGMENTED]++;
	for (size_t at = IP6_HLEN; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		bool more = at + n < len;

		memcpy(out, packet, IP6_HLEN);
		put16(out + IP6_LEN, (uint16_t)(FRAGMENT_HLEN + n));
		out[IP6_NEXT] = PROTO_FRAGMENT;
		h[0] = packet[IP6_NEXT];
		h[1] = 0;
		put16(h + FRAGMENT_OFFSET,
		      (uint16_t)((at - IP6_HLEN) | (more ? FRAGMENT_MORE : 0)));
		put32(h + FRAGMENT_ID, id);
		memcpy(h + FRAGMENT_HLEN, packet + at, n);
		ip->count.n[IP6C_FRAGMENTS]++;
		neigh_send(&ip->neigh, hop->port, &hop->next, out, IP6_HLEN + FRAGMENT_HLEN + n);
	}
}
