/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet6.c - IPv6 addresses, headers and checksums.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/lib/text.h"

bool ip6_unspecified(const struct ip6 *a)
{
	static const struct ip6 zero;

	return ip6_equal(a, &zero);
}

bool ip6_host(const struct ip6 *a)
{
	static const struct ip6 loopback = {{[15] = 1}};

	return !ip6_unspecified(a) && !ip6_equal(a, &loopback) && !ip6_multicast(a);
}

bool ip6_match(const struct ip6 *a, const struct ip6 *b, unsigned len)
{
	unsigned bytes = len / 8, bits = len % 8;

	if (len > 128 || memcmp(a, b, bytes))
		return false;
	return !bits || !((a->b[bytes] ^ b->b[bytes]) >> (8 - bits));
}

struct ip6 ip6_prefix(const struct ip6 *a, unsigned len)
{
	struct ip6 p = {{0}};

	for (unsigned i = 0; i < 16 && len; i++) {
		unsigned n = len < 8 ? len : 8;

		p.b[i] = (uint8_t)(a->b[i] & 0xff00 >> n);
		len -= n;
	}
	return p;
}

struct ip6 ip6_from_mac(const uint8_t mac[6])
{
	return (struct ip6){{0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe,
			     mac[3], mac[4], mac[5]}};
}

struct ip6 ip6_solicited_node(const struct ip6 *a)
{
	return (struct ip6){
		{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a->b[13], a->b[14], a->b[15]}};
}

struct ip6 ip6_mapped(uint32_t addr)
{
	struct ip6 a = {{[10] = 0xff, [11] = 0xff}};

	put32(a.b + 12, addr);
	return a;
}

uint32_t ip6_unmapped(const struct ip6 *a)
{
	return be32(a->b + 12);
}

void ip6_multicast_mac(uint8_t mac[6], const struct ip6 *group)
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group->b + 12, 4);
}

void inet_ip6_header(uint8_t *h, size_t payload, uint8_t next, uint8_t hops, const struct ip6 *src,
		     const struct ip6 *dst)
{
	put32(h, 0x60000000);
	put16(h + IP6_LEN, (uint16_t)payload);
	h[IP6_NEXT] = next;
	h[IP6_HOPS_AT] = hops;
	memcpy(h + IP6_SRC, src, 16);
	memcpy(h + IP6_DST, dst, 16);
}

uint16_t inet_upper6_sum(const uint8_t *ip, uint8_t proto, const uint8_t *payload, size_t len)
{
	return inet_fold(inet_sum(ip + IP6_SRC, 32) + len + proto + inet_sum(payload, len));
}

bool text_ip6(const char *s, struct ip6 *out)
{
	struct ip6 a;

	if (inet_pton(AF_INET6, s, a.b) != 1)
		return false;
	*out = a;
	return true;
}

bool text_prefix6(const char *s, struct ip6 *out, uint8_t *len)
{
	const char *slash = strchr(s, '/');
	char addr[TEXT_IP6];
	struct ip6 a;
	uint64_t n;

	if (!slash || (size_t)(slash - s) >= sizeof(addr))
		return false;
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = 0;
	if (!text_ip6(addr, &a) || !text_u64(slash + 1, 128, &n))
		return false;
	*out = a;
	*len = (uint8_t)n;
	return true;
}

const char *text_put_ip6(char buf[TEXT_IP6], const struct ip6 *a)
{
	return inet_ntop(AF_INET6, a->b, buf, TEXT_IP6);
}

const char *text_put_prefix6(char buf[TEXT_PREFIX6], const struct ip6 *a, unsigned len)
{
	char addr[TEXT_IP6];

	snprintf(buf, TEXT_PREFIX6, "%s/%u", text_put_ip6(addr, a), len & 255);
	return buf;
}
