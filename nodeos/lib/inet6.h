/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet6.h - bytes of IPv6 and ICMPv6 headers, kinds of IPv6 addresses, and addresses as text.
 */
#ifndef NODEOS_INET6_H
#define NODEOS_INET6_H

#include <string.h>

#include "nodeos/lib/inet.h"
#include "nodeos/node.h"

#define ETH_IP6 0x86ddu
#define IP6_HLEN 40u
#define IP6_HOPS 64u
#define IP6_MTU_MIN 1280u
#define IP6_ANYCAST_LEN \
	126u /* the longest prefix with a subnet-router anycast address: RFC 6164 6 */
#define PROTO_HOP_BY_HOP 0u
#define PROTO_ROUTING 43u
#define PROTO_FRAGMENT 44u
#define PROTO_ICMP6 58u
#define PROTO_NONE 59u
#define PROTO_DEST_OPTIONS 60u
#define ICMP6_HLEN 8u

/* Offsets in an IPv6 header. */
enum { IP6_VERSION = 0, IP6_LEN = 4, IP6_NEXT = 6, IP6_HOPS_AT = 7, IP6_SRC = 8, IP6_DST = 24 };

/* RFC 4443, RFC 4861. */
enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_RS = 133,
	ICMP6_RA = 134,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ICMP6_REDIRECT = 137,
};
enum {
	ICMP6_NO_ROUTE = 0,
	ICMP6_PROHIBITED = 1,
	ICMP6_BEYOND_SCOPE = 2,
	ICMP6_ADDRESS = 3,
	ICMP6_PORT = 4,
	ICMP6_REJECT = 6
};
enum { ICMP6_HOPS = 0, ICMP6_REASSEMBLY = 1 };
enum {
	ICMP6_HEADER_FIELD = 0,
	ICMP6_NEXT_HEADER = 1,
	ICMP6_OPTION = 2,
	ICMP6_FIRST_FRAGMENT = 3 /* RFC 7112 */
};

static inline struct ip6 ip6_at(const uint8_t *p)
{
	struct ip6 a;

	memcpy(a.b, p, 16);
	return a;
}

static inline bool ip6_equal(const struct ip6 *a, const struct ip6 *b)
{
	return !memcmp(a, b, 16);
}

static inline bool ip6_multicast(const struct ip6 *a)
{
	return a->b[0] == 0xff;
}

static inline bool ip6_link_local(const struct ip6 *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ip6_unspecified(const struct ip6 *a);
/* May it be one host's: not unspecified, loopback or multicast (RFC 4291 2.5.2, 2.5.3, 2.7). */
bool ip6_host(const struct ip6 *a);
/* Are the first len bits the same? */
bool ip6_match(const struct ip6 *a, const struct ip6 *b, unsigned len);
/* Clears what follows the first len bits. */
struct ip6 ip6_prefix(const struct ip6 *a, unsigned len);
/* fe80:: and the modified EUI-64 of a MAC (RFC 4291 appendix A). */
struct ip6 ip6_from_mac(const uint8_t mac[6]);
/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1). */
struct ip6 ip6_solicited_node(const struct ip6 *a);
/* ::ffff:a.b.c.d, and back. */
struct ip6 ip6_mapped(uint32_t addr);
uint32_t ip6_unmapped(const struct ip6 *a);
/* ::ffff:0:0/96? */
static inline bool ip6_is_mapped(const struct ip6 *a)
{
	static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(a->b, head, sizeof(head));
}
/* 33-33 and the last four bytes (RFC 2464 7). */
void ip6_multicast_mac(uint8_t mac[6], const struct ip6 *group);

void inet_ip6_header(uint8_t *h, size_t payload, uint8_t next, uint8_t hops, const struct ip6 *src,
		     const struct ip6 *dst);
/* The upper-layer checksum (RFC 8200 8.1) of a packet's payload, its own field counting as it stands; 0 when a received one is right. */
uint16_t inet_upper6_sum(const uint8_t *ip, uint8_t proto, const uint8_t *payload, size_t len);

/* ---- text ---- */

#define TEXT_IP6 46u
#define TEXT_PREFIX6 50u
bool text_ip6(const char *s, struct ip6 *out);
/* ADDRESS/LEN; host bits are kept. */
bool text_prefix6(const char *s, struct ip6 *out, uint8_t *len);
const char *text_put_ip6(char buf[TEXT_IP6], const struct ip6 *a);
const char *text_put_prefix6(char buf[TEXT_PREFIX6], const struct ip6 *a, unsigned len);

#endif
