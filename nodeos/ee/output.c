/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.c - what leaves the capsule domain: packets to ports, packets to the root, events.
 */
#include <string.h>

#include "nodeos/ee/ee.h"

void ee_count(struct ee *ee, enum ee_counter c)
{
	ee->shared->pub.counter[c]++;
}

void ee_punt(struct ee *ee, enum ee_punt_kind kind, uint8_t type, uint8_t code, uint16_t in_port,
	     const uint8_t *packet, size_t len)
{
	struct ee_punt p = {.kind = (uint8_t)kind, .type = type, .code = code, .in_port = in_port};

	p.len = (uint16_t)len;
	ee_count(ee,
		 msgq_put(&ee->punts, &p, sizeof(p), packet, len) < 0 ? EEC_PUNT_FULL : EEC_PUNTED);
	ee->host.notify(ee->host.arg);
}

bool ee_report(struct ee *ee, struct ee_event *e, const void *text, size_t len)
{
	struct bucket *b = &ee->event_rate;

	if (e->kind == EE_REFUSED)
		b = &ee->refused_rate;
	else if (e->kind == EE_LOG)
		b = &ee->log_rate;
	e->text_len = (uint32_t)len;
	if (!bucket_take(b, amp_now()) || msgq_put(&ee->events, e, sizeof(*e), text, len) < 0) {
		ee_count(ee, EEC_EVENTS_LOST);
		return false;
	}
	ee->host.notify(ee->host.arg);
	return true;
}

enum ee_sent ee_send(struct ee *ee, uint8_t *packet, size_t len, uint32_t src, uint32_t dst,
		     uint8_t ttl)
{
	uint8_t *udp = packet + IP4_HLEN, mac[6], own[6];
	size_t total = IP4_HLEN + UDP_HLEN + len;
	struct node_hop hop;
	uint16_t sum;

	if (!node_route(ee->pub, dst, &hop) || total > hop.mtu)
		return EE_SENT_NO_ROUTE;
	if (!src)
		src = hop.source;
	inet_ip4_header(packet, 0, total, IP4_DF, ttl, PROTO_UDP, src, dst);
	put16(udp, WIRE_PORT);
	put16(udp + 2, WIRE_PORT);
	put16(udp + 4, (uint16_t)(UDP_HLEN + len));
	put16(udp + 6, 0);
	sum = inet_udp_sum(src, dst, udp, UDP_HLEN + len);
	put16(udp + 6, sum ? sum : 0xffff); /* RFC 768: zero means that there is none */
	if (!node_link(ee->pub, hop.port, hop.next, mac, own)) {
		ee_punt(ee, EE_PUNT_SEND, 0, 0, hop.port, packet, total);
		return EE_SENT;
	}
	return out_chan_send_ip(&ee->out, hop.port, mac, own, packet, total) < 0 ? EE_SENT_FULL
										 : EE_SENT;
}
