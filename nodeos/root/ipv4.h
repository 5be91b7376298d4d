/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipv4.h - IPv4 in the root domain: what comes in is checked, delivered to the host stack, forwarded, or dropped under a name;
 * what the host stack or the capsule domain sends is routed. RFC 1812 unless said otherwise.
 *
 * Options: source routes are refused, malformed options are dropped, all others are passed on unchanged.
 */
#ifndef NODEOS_IPV4_H
#define NODEOS_IPV4_H

#include "amp/amp.h"
#include "nodeos/lib/bucket.h"
#include "nodeos/node.h"
#include "nodeos/root/arp.h"
#include "nodeos/root/count.h"

#define IP4_PACKET_MAX 1500u
#define IP4_LOOP 16u /* packets to ourselves that may wait */

struct ipv4 {
	struct node_pub *pub;
	const uint8_t *rpf; /* FORWARD_RPF_... of each interface; NULL: off */
	struct ip_counters count;
	struct neigh neigh;
	struct bucket icmp;
	/* What the host stack is looking at, as it came in; NULL: nothing. */
	struct {
		const uint8_t *packet;
		size_t len;
		bool link_group;
	} delivering;
	struct amp_timer loop_timer;
	uint32_t loop_head, loop_tail;
	uint16_t next_id;
	uint16_t loop_len[IP4_LOOP];
	uint8_t loop[IP4_LOOP][IP4_PACKET_MAX];
	/* Is a packet for us ours rather than the host's own stack's? NULL: none is. */
	bool (*claimed)(void *arg, const uint8_t *packet, size_t len);
	void *arg;
};

void ipv4_init(struct ipv4 *ip, struct node_pub *pub);

/* An Ethernet frame: ARP and IPv4 are handled, all else is counted. The packet may be changed. */
void ipv4_frame(struct ipv4 *ip, struct amp_packet *p);

/* An IPv4 packet that came in at a port. `len` may include link padding. `link_group`: in a broadcast or multicast frame. */
void ipv4_input(struct ipv4 *ip, uint16_t port, uint8_t *packet, size_t len, bool link_group);

/* An IPv4 packet of this node itself, header complete. */
void ipv4_output(struct ipv4 *ip, const uint8_t *packet, size_t len);

/* The same, of the host stack: a router's ICMP errors are its own. */
void ipv4_stack_output(struct ipv4 *ip, const uint8_t *packet, size_t len);

/* ICMP types and codes that a router sends. */
#define ICMP_UNREACHABLE 3u
#define ICMP_UNREACH_NET 0u
#define ICMP_UNREACH_HOST 1u
#define ICMP_UNREACH_FRAG 4u
#define ICMP_UNREACH_SOURCE_ROUTE 5u
#define ICMP_UNREACH_PROHIBITED 13u
#define ICMP_TIME_EXCEEDED 11u
#define ICMP_PARAMETER 12u

/*
 * Tells the sender of `packet` (header checked) what happened to it, unless RFC 1812 4.3.2.7 or the rate limit forbids it. `info` is the
 * second word of the ICMP header: next MTU, or pointer << 24.
 */
void icmp_error(struct ipv4 *ip, const uint8_t *packet, size_t len, uint8_t type, uint8_t code,
		uint32_t info, bool link_group);

/*
 * Is a packet of the host stack (header checked, len its total length) an ICMP error about what it was given? Then the router sends one of its own
 * in its place.
 */
bool icmp_of_stack(struct ipv4 *ip, const uint8_t *packet, size_t len);

#endif
