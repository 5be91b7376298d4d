/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet.h - bytes of Ethernet, ARP, IPv4, UDP and ICMP headers. Addresses are numbers in host order everywhere in nodeos;
 * packets are bytes and read with the be functions, so alignment never matters.
 */
#ifndef NODEOS_INET_H
#define NODEOS_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETH_HLEN 14u
#define ETH_IP4 0x0800u
#define ETH_ARP 0x0806u
#define ETH_VLAN 0x8100u /* 802.1Q */
#define ETH_TAG 4u	 /* bytes of its tag */

#define IP4_HLEN 20u
#define IP4_TTL 64u
#define IP4_RESERVED 0x8000u
#define IP4_DF 0x4000u
#define IP4_MF 0x2000u
#define IP4_OFFSET 0x1fffu
#define PROTO_ICMP 1u
#define PROTO_TCP 6u
#define PROTO_UDP 17u
#define UDP_HLEN 8u
#define TCP_HLEN 20u /* without options */

/* Offsets in an IPv4 header. */
enum {
	IP4_VIHL = 0,
	IP4_TOS = 1,
	IP4_LEN = 2,
	IP4_ID = 4,
	IP4_FRAG = 6,
	IP4_TTL_AT = 8,
	IP4_PROTO = 9,
	IP4_SUM = 10,
	IP4_SRC = 12,
	IP4_DST = 16
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* The network mask of a prefix length 0..32. */
static inline uint32_t mask4(unsigned len)
{
	return len ? ~0u << (32 - len) : 0;
}

/* Sum of 16-bit words, not folded; an odd last byte counts as the high half. Sums of even-length parts may be added. */
uint64_t inet_sum(const uint8_t *p, size_t len);
/* The Internet checksum of a sum (RFC 1071). */
uint16_t inet_fold(uint64_t sum);
/* The checksum after a 16-bit word changed from `from` to `to` (RFC 1624, equation 3). */
uint16_t inet_adjust(uint16_t sum, uint16_t from, uint16_t to);

/* The UDP checksum of a datagram whose checksum field counts as it stands; 0 when a received one is right. */
uint16_t inet_udp_sum(uint32_t src, uint32_t dst, const uint8_t *udp, size_t len);

/* Writes a header without options for `len` bytes in all, checksum included. */
void inet_ip4_header(uint8_t *h, uint8_t tos, size_t len, uint16_t frag, uint8_t ttl, uint8_t proto,
		     uint32_t src, uint32_t dst);

/* What is wrong with an IPv4 header in `len` bytes, or INET_OK. */
enum inet_check {
	INET_OK,
	INET_SHORT,
	INET_VERSION,
	INET_HEADER_LENGTH,
	INET_LENGTH,
	INET_CHECKSUM,
};
enum inet_check inet_ip4_check(const uint8_t *p, size_t len);

/* May this address be a source (RFC 1812 5.3.7)? Loopback, this-network, multicast and reserved ones may not. */
bool inet_host_address(uint32_t addr);

#endif
