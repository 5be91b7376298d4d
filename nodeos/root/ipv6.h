/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipv6.h - IPv6 in the router domain: what comes in is checked, answered, forwarded, or dropped under a name. RFC 8200 unless said
 * otherwise. There is no host stack behind it: the node itself speaks ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861), and says so to
 * whoever asks for more. It follows no routing header.
 */
#ifndef NODEOS_IPV6_H
#define NODEOS_IPV6_H

#include "amp/amp.h"
#include "nodeos/lib/bucket.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/count.h"
#include "nodeos/root/neigh.h"
#include "nodeos/root/ra.h"
#include "nodeos/root/reass.h"

#define IP6_PACKET_MAX 1500u

/* What came in: a packet, header checked, padding cut, and how. */
struct ip6_in {
	uint16_t port;
	bool link_group;     /* in a broadcast or multicast frame */
	bool fragmented;     /* it was put together, or has a Fragment header all the same */
	const uint8_t *from; /* the frame's source link address; NULL: it was put together */
	uint8_t *packet;
	size_t len;
};

struct ipv6 {
	struct node_pub *pub;
	struct ip6_counters count;
	struct neigh neigh;
	struct bucket icmp;
	struct ra ra;
	struct reass reass;
	/* Gets the answers to our echo requests: replies, and errors about them. May be NULL. */
	void (*answer)(void *arg, uint8_t type, uint8_t code, const struct ip6 *from, uint16_t id,
		       uint16_t seq);
	/* Is a packet for us ours rather than the host's own stack's? NULL: none is. */
	bool (*claimed)(void *arg, const uint8_t *packet, size_t len);
	void *arg;
};

void ipv6_init(struct ipv6 *ip, struct node_pub *pub);

/* An Ethernet frame of type IPv6 that is for this station or a group. The packet may be changed. */
void ipv6_frame(struct ipv6 *ip, uint16_t port, uint8_t *frame, size_t len);

/* A packet for us, header checked. It may be changed. */
void ipv6_deliver(struct ipv6 *ip, const struct ip6_in *in);

/* A packet of this node itself, without extension headers; `port` is where a link-local or multicast destination is. What is too long is cut. */
void ipv6_output(struct ipv6 *ip, uint16_t port, const uint8_t *packet, size_t len);

/* The upper-layer protocol and where it starts, behind extension headers that are walked and not obeyed; false: it cannot be found. */
bool ipv6_upper(const uint8_t *packet, size_t len, uint8_t *proto, size_t *at);

/* ---- fragment6.c ---- */

void fragment6_init(struct ipv6 *ip);
/* A fragment for us, its header at `at`, whose number stands at `next_at`. When it is the last one its packet is delivered. */
void fragment6_input(struct ipv6 *ip, const struct ip6_in *in, size_t at, size_t next_at);
/* Sends a packet of ours, without extension headers, in fragments. */
void fragment6_output(struct ipv6 *ip, const struct node_hop6 *hop, const uint8_t *packet,
		      size_t len);

/* ---- icmp6.c ---- */

/* A packet whose upper layer is ICMPv6, at `at`, for us. */
void icmp6_input(struct ipv6 *ip, const struct ip6_in *in, size_t at);

/*
 * Tells the sender of a packet (header checked) what happened to it, unless RFC 4443 2.4 (e) or the rate limit forbids it. `info` is the
 * second word: MTU or pointer.
 */
void icmp6_error(struct ipv6 *ip, const struct ip6_in *in, uint8_t type, uint8_t code,
		 uint32_t info);

/* Sends an echo request. XOK_EINVAL: too long; XOK_ENOENT: no route, or no address to send it from. */
int icmp6_echo(struct ipv6 *ip, const struct ip6 *to, uint8_t hops, uint16_t id, uint16_t seq,
	       const uint8_t *data, size_t len);

/* ---- nd.c ---- */

void nd_init(struct neigh *t, struct node_pub *pub, struct ip6_counters *count,
	     void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg);
/* A neighbour solicitation or advertisement, its checksum right. */
void nd_input(struct neigh *t, const struct ip6_in *in, size_t at);

/* Options of neighbour discovery (RFC 4861 4.6). */
enum { ND_SOURCE = 1, ND_TARGET_LINK = 2, ND_PREFIX = 3, ND_MTU = 5 };
/* The link address in option `type` of a message of `len` bytes, whose options begin at `from`; *mac NULL: there is none. False: they are malformed. */
bool nd_link_address(const uint8_t *nd, size_t from, size_t len, uint8_t type, const uint8_t **mac);

#endif
