/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6_bench.h - a router with three ports, port i with fd00:i::1/64, and packets for it, for tests of what IPv6 is made of. HOST at port 0 is known to it. */
#ifndef NODEOS_IP6_BENCH_H
#define NODEOS_IP6_BENCH_H

#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"

struct frame6 {
	uint8_t data[ETH_HLEN + IP6_PACKET_MAX];
	size_t len;
};

struct bench6 {
	struct node_pub pub;
	struct ipv6 ip;
	struct ip6 host, ours, ours_local, all_nodes, all_routers, none;
	uint8_t mac_host[6];
};
extern struct bench6 b6;

/* For cmocka: everything anew. */
int bench6_setup(void **state);

struct ip6 bench6_address(const char *s);

/* A packet from HOST with this payload, in a frame to port 0. */
struct frame6 bench6_make(const struct ip6 *dst, uint8_t next, const void *payload, size_t len);

static inline uint8_t *bench6_packet(struct frame6 *f)
{
	return f->data + ETH_HLEN;
}

void bench6_source(struct frame6 *f, const struct ip6 *src);
/* Mends the ICMPv6 checksum. */
void bench6_checksum(struct frame6 *f);
/* In as a copy of exactly its length, so that reading past it shows. */
void bench6_input(const struct frame6 *f, uint16_t port);

/* The next frame sent, its IPv6 header and ICMPv6 checksum right, from the IPv6 header on; len: of the packet. */
const uint8_t *bench6_take(uint16_t port, size_t *len);

static inline uint64_t bench6_count(enum ip6_counter c)
{
	return b6.ip.count.n[c];
}

#endif
