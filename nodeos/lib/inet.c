/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet.c - Internet checksums and the checks of an IPv4 header.
 */
#include "nodeos/lib/inet.h"

uint64_t inet_sum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len >= 2; p += 2, len -= 2)
		sum += be16(p);
	if (len)
		sum += (uint64_t)*p << 8;
	return sum;
}

uint16_t inet_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t inet_adjust(uint16_t sum, uint16_t from, uint16_t to)
{
	/* RFC 1624: HC' = ~(~HC + ~m + m') */
	return inet_fold((uint64_t)(uint16_t)~sum + (uint16_t)~from + to);
}

uint16_t inet_udp_sum(uint32_t src, uint32_t dst, const uint8_t *udp, size_t len)
{
	uint64_t sum = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff);

	return inet_fold(sum + PROTO_UDP + len + inet_sum(udp, len));
}

void inet_ip4_header(uint8_t *h, uint8_t tos, size_t len, uint16_t frag, uint8_t ttl, uint8_t proto,
		     uint32_t src, uint32_t dst)
{
	h[IP4_VIHL] = 0x45;
	h[IP4_TOS] = tos;
	put16(h + IP4_LEN, (uint16_t)len);
	put16(h + IP4_ID, 0);
	put16(h + IP4_FRAG, frag);
	h[IP4_TTL_AT] = ttl;
	h[IP4_PROTO] = proto;
	put16(h + IP4_SUM, 0);
	put32(h + IP4_SRC, src);
	put32(h + IP4_DST, dst);
	put16(h + IP4_SUM, inet_fold(inet_sum(h, IP4_HLEN)));
}

/* RFC 1812 5.2.2, its five tests, in an order that reads no byte before it is known to be there. */
enum inet_check inet_ip4_check(const uint8_t *p, size_t len)
{
	size_t hlen;

	if (len < IP4_HLEN)
		return INET_SHORT;
	if (p[IP4_VIHL] >> 4 != 4)
		return INET_VERSION;
	hlen = (p[IP4_VIHL] & 15u) * 4u;
	if (hlen < IP4_HLEN)
		return INET_HEADER_LENGTH;
	/* A frame shorter than its total length was cut: forwarding it would send what follows it in memory. */
	if (be16(p + IP4_LEN) < hlen || be16(p + IP4_LEN) > len)
		return INET_LENGTH;
	if (inet_fold(inet_sum(p, hlen)) != 0)
		return INET_CHECKSUM;
	return INET_OK;
}

bool inet_host_address(uint32_t addr)
{
	uint32_t net = addr >> 24;

	return net != 0 && net != 127 && net < 224;
}
