/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.c - a frame to UDP port 3322, from the wire to what it is. The filter chose it; everything is checked again here, since a
 * filter compares a few fields and promises nothing about the rest.
 */
#include <string.h>

#include "nodeos/ee/ee.h"

/* RFC 1812 5.2.2 and 5.3.7; a source of ours is a forgery or a loop. */
static bool ip_ok(struct ee *ee, const uint8_t *ip, size_t len)
{
	uint32_t src;

	if (inet_ip4_check(ip, len) != INET_OK || ip[IP4_PROTO] != PROTO_UDP ||
	    (be16(ip + IP4_FRAG) & (IP4_MF | IP4_OFFSET)))
		return false;
	src = be32(ip + IP4_SRC);
	return inet_host_address(src) && !node_is_broadcast(ee->pub, src) &&
	       !node_is_local(ee->pub, src);
}

/* RFC 768; the length that counts is UDP's, which may be shorter than IP's, never longer. */
static bool udp_ok(struct ee *ee, struct incoming *in)
{
	size_t hlen = (in->ip[IP4_VIHL] & 15u) * 4u;
	uint8_t *udp = in->ip + hlen;
	size_t room = in->ip_len - hlen, len;

	if (room < UDP_HLEN) {
		ee_count(ee, EEC_UDP_LENGTH);
		return false;
	}
	len = be16(udp + 4);
	if (len < UDP_HLEN || len > room) {
		ee_count(ee, EEC_UDP_LENGTH);
		return false;
	}
	/* A checksum of zero: the sender made none. */
	if (be16(udp + 6) && inet_udp_sum(in->src, in->dst, udp, len)) {
		ee_count(ee, EEC_UDP_CHECKSUM);
		return false;
	}
	in->anep = udp + UDP_HLEN;
	in->len = len - UDP_HLEN;
	return true;
}

static void anep(struct ee *ee, struct incoming *in)
{
	enum wire_type type;
	enum wire_result r = wire_peek(in->anep, in->len, &type);

	/* FORMAT.md 1.1: a node that does not know the type forwards the packet as IP. */
	if (r == WIRE_BAD_TYPE && !in->local) {
		ee_punt(ee, EE_PUNT_FORWARD, 0, 0, in->port, in->ip, in->ip_len);
	} else if (r != WIRE_OK) {
		ee_refuse(ee, in, NULL, EER_MALFORMED, wire_result_text(r));
	} else if (type == WIRE_CAPSULE) {
		ee_capsule(ee, in);
	} else if (!in->local) {
		/* Requests and chunks are for the node they are addressed to. */
		ee_punt(ee, EE_PUNT_FORWARD, 0, 0, in->port, in->ip, in->ip_len);
	} else if (type == WIRE_CODE_REQUEST) {
		ee_code_request(ee, in);
	} else {
		ee_code_chunk(ee, in);
	}
}

void ee_input(void *arg, struct amp_packet *p)
{
	struct ee *ee = arg;
	struct incoming in = {.port = (uint16_t)p->port, .behind = p->queued >= EE_BEHIND};

	ee_count(ee, EEC_RECEIVED);
	if (p->len < ETH_HLEN || p->port >= NODE_PORTS ||
	    !ip_ok(ee, p->data + ETH_HLEN, p->len - ETH_HLEN)) {
		ee_count(ee, EEC_HEADER);
		return;
	}
	in.ip = p->data + ETH_HLEN;
	in.ip_len = be16(in.ip + IP4_LEN); /* what follows is link padding */
	in.src = be32(in.ip + IP4_SRC);
	in.dst = be32(in.ip + IP4_DST);
	in.ttl = in.ip[IP4_TTL_AT];
	in.local = node_is_local(ee->pub, in.dst);
	in.arrival = node_utc(ee->pub) - (amp_now() - p->time);
	if ((p->data[0] & 1) || !inet_host_address(in.dst) || node_is_broadcast(ee->pub, in.dst)) {
		ee_count(ee, EEC_BROADCAST);
		return;
	}
	if (memcmp(p->data, ee->pub->port[p->port].mac, 6)) {
		ee_count(ee, EEC_HEADER);
		return;
	}
	if (!udp_ok(ee, &in))
		return;
	/* A host takes only what is for it; what a host does with the rest is the root's to say. */
	if (!in.local && ee->pub->role != NODE_ROUTER)
		ee_punt(ee, EE_PUNT_FORWARD, 0, 0, in.port, in.ip, in.ip_len);
	else
		anep(ee, &in);
}
