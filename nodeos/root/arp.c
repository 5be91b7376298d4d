/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arp.c - ARP packets: asking, answering, and what they teach (RFC 826, RFC 5227).
 */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/arp.h"
#include "nodeos/root/twin.h"

#define ARP_LEN 28u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u
enum { ARP_HTYPE = 0, ARP_PTYPE = 2, ARP_HLEN = 4, ARP_PLEN = 5, ARP_OP = 6 };
enum { ARP_SHA = 8, ARP_SPA = 14, ARP_THA = 18, ARP_TPA = 24 };

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Our address on the port's network that `addr` is on: what the neighbour should learn about us. */
static uint32_t source_for(const struct neigh *t, uint16_t port, uint32_t addr)
{
	const struct node_pub *p = t->pub;

	for (uint32_t i = 0; i < p->naddress; i++) {
		const struct node_address *a = &p->addresses[i];

		if (a->port == port && !((a->addr ^ addr) & mask4(a->len)))
			return a->addr;
	}
	return 0;
}

static void transmit(struct neigh *t, uint16_t port, uint16_t op, uint32_t spa,
		     const uint8_t link_dst[6], const uint8_t tha[6], uint32_t tpa)
{
	uint8_t arp[ARP_LEN];

	put16(arp + ARP_HTYPE, 1);
	put16(arp + ARP_PTYPE, ETH_IP4);
	arp[ARP_HLEN] = 6;
	arp[ARP_PLEN] = 4;
	put16(arp + ARP_OP, op);
	memcpy(arp + ARP_SHA, t->pub->port[port].mac, 6);
	put32(arp + ARP_SPA, spa);
	memcpy(arp + ARP_THA, tha, 6);
	put32(arp + ARP_TPA, tpa);
	neigh_transmit(t, port, link_dst, ETH_ARP, arp, ARP_LEN);
	t->count[op == ARP_REQUEST ? IPC_ARP_REQUESTS : IPC_ARP_REPLIES]++;
}

/* ---- the family ---- */

static unsigned set(uint16_t port, const struct ip6 *addr)
{
	return node_neigh_set(port, ip6_unmapped(addr));
}

static void ask(struct neigh *t, const struct neigh_entry *e, bool unicast)
{
	static const uint8_t zero[6];
	uint32_t addr = ip6_unmapped(&e->addr);

	transmit(t, e->port, ARP_REQUEST, source_for(t, e->port, addr),
		 unicast ? e->mac : broadcast, zero, addr);
}

static void publish(struct neigh *t, unsigned i)
{
	const struct neigh_entry *e = &t->entry[i];
	struct node_neigh *n = &t->pub->neigh[i];

	*n = (struct node_neigh){
		.addr = ip6_unmapped(&e->addr), .port = e->port, .usable = e->usable};
	memcpy(n->mac, e->mac, 6);
}

void arp_init(struct neigh *t, struct node_pub *pub, struct ip_counters *count,
	      void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg)
{
	static const struct neigh_family family = {
		.ether_type = ETH_IP4,
		.counter =
			{
				[NEIGHC_NO_NEIGHBOUR] = IPC_NO_NEIGHBOUR,
				[NEIGHC_QUEUE_FULL] = IPC_QUEUE_FULL,
				[NEIGHC_FULL] = IPC_ARP_FULL,
				[NEIGHC_CLAIMS_FULL] = IPC_ARP_CLAIMS_FULL,
				[NEIGHC_UNSOLICITED] = IPC_ARP_UNSOLICITED,
				[NEIGHC_CONFLICT] = IPC_ARP_CONFLICT,
				[NEIGHC_TRANSMIT] = IPC_TRANSMIT,
				[NEIGHC_TRANSMIT_FULL] = IPC_TRANSMIT_FULL,
			},
		.set = set,
		.ask = ask,
		.publish = publish,
	};

	neigh_init(t, &family, pub, count->n, unreachable, arg);
}

void arp_send(struct neigh *t, uint16_t port, uint32_t next, const uint8_t *packet, size_t len)
{
	struct ip6 addr = ip6_mapped(next);

	neigh_send(t, port, &addr, packet, len);
}

bool arp_static(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t mac[6])
{
	struct ip6 mapped = ip6_mapped(addr);

	return neigh_static(t, port, &mapped, mac);
}

/* ---- receiving ---- */

static bool ours(const struct neigh *t, uint16_t port, uint32_t addr)
{
	for (uint32_t i = 0; i < t->pub->naddress; i++) {
		if (t->pub->addresses[i].port == port && t->pub->addresses[i].addr == addr)
			return true;
	}
	return false;
}

static bool well_formed(const uint8_t *frame, size_t len)
{
	const uint8_t *arp = frame + ETH_HLEN;

	/* Shorter ones would be read past their end below. */
	if (len < ETH_HLEN + ARP_LEN)
		return false;
	if (be16(arp + ARP_HTYPE) != 1 || be16(arp + ARP_PTYPE) != ETH_IP4)
		return false;
	if (arp[ARP_HLEN] != 6 || arp[ARP_PLEN] != 4)
		return false;
	if (be16(arp + ARP_OP) != ARP_REQUEST && be16(arp + ARP_OP) != ARP_REPLY)
		return false;
	/* A group address is nobody's own; one that differs from the frame's is a forgery or a broken proxy. */
	return !(arp[ARP_SHA] & 1) && !memcmp(arp + ARP_SHA, frame + 6, 6);
}

/* The sender tells its own address. */
static void learn(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t *mac, bool request,
		  bool to_us)
{
	struct ip6 mapped = ip6_mapped(addr);

	if (source_for(t, port, addr))
		neigh_learn(t, port, &mapped, mac, request, to_us);
	else if (!request && !twin_of(t->pub, port))
		t->count[IPC_ARP_UNSOLICITED]++; /* nobody asks for what is not on the network */
}

void arp_input(struct neigh *t, uint16_t port, const uint8_t *frame, size_t len)
{
	const uint8_t *arp = frame + ETH_HLEN;
	uint32_t spa, tpa;
	bool request, to_us;

	t->count[IPC_ARP_RECEIVED]++;
	if (!node_port_used(t->pub, port) || !well_formed(frame, len)) {
		t->count[IPC_ARP_MALFORMED]++;
		return;
	}
	spa = be32(arp + ARP_SPA);
	tpa = be32(arp + ARP_TPA);
	request = be16(arp + ARP_OP) == ARP_REQUEST;
	to_us = ours(t, port, tpa);
	/* The host's own stack asks for itself: it must hear the answers. */
	if (!request && twin_of(t->pub, port))
		(void)twin_transmit(t->pub, port, frame, len);
	if (spa && ours(t, port, spa)) {
		t->count[IPC_ARP_CONFLICT]++;
		return;
	}
	/* RFC 5227 2.1.1: a request from 0.0.0.0 probes an address; it is answered and teaches nothing. */
	if (spa)
		learn(t, port, spa, arp + ARP_SHA, request, to_us);
	if (request && to_us)
		transmit(t, port, ARP_REPLY, tpa, arp + ARP_SHA, arp + ARP_SHA, spa);
}
