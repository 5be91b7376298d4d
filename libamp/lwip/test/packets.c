/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "packets.h"

uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint32_t add(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

uint16_t checksum(const uint8_t *p, size_t len, uint32_t sum)
{
	sum = add(p, len, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 768, RFC 793: addresses, protocol and length, as UDP and TCP cover them. */
static uint32_t pseudo(const struct packet *p)
{
	return add(p->b + 12, 8, (uint32_t)p->b[9] + (uint32_t)(p->len - 20));
}

void fix_ip_checksum(struct packet *p)
{
	put16(p->b + 10, 0);
	put16(p->b + 10, checksum(p->b, 20, 0));
}

void make_ip(struct packet *p, uint8_t proto, uint32_t src, uint32_t dst, const void *body,
	     size_t len)
{
	if (len > PACKET_MAX - 20)
		abort();
	memset(p->b, 0, 20);
	p->len = 20 + len;
	p->b[0] = 0x45;
	put16(p->b + 2, (uint16_t)p->len);
	p->b[8] = 64;
	p->b[9] = proto;
	put32(p->b + 12, src);
	put32(p->b + 16, dst);
	fix_ip_checksum(p);
	memcpy(p->b + 20, body, len);
}

/* A header and its data, and the checksum at `at` in the header. */
static void make(struct packet *p, uint8_t proto, uint32_t src, uint32_t dst, const uint8_t *head,
		 size_t hlen, const void *data, size_t len, size_t at)
{
	uint8_t body[PACKET_MAX - 20];

	if (hlen + len > sizeof(body))
		abort();
	memcpy(body, head, hlen);
	if (len)
		memcpy(body + hlen, data, len);
	make_ip(p, proto, src, dst, body, hlen + len);
	put16(IP_BODY(p) + at, checksum(IP_BODY(p), hlen + len, proto == 1 ? 0 : pseudo(p)));
}

void make_icmp_echo(struct packet *p, uint32_t src, uint32_t dst, uint16_t id, uint16_t seq,
		    const void *data, size_t len)
{
	uint8_t h[8] = {8};

	put16(h + 4, id);
	put16(h + 6, seq);
	make(p, 1, src, dst, h, sizeof(h), data, len, 2);
}

void make_udp(struct packet *p, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport,
	      const void *data, size_t len)
{
	uint8_t h[8] = {0};

	put16(h, sport);
	put16(h + 2, dport);
	put16(h + 4, (uint16_t)(8 + len));
	make(p, 17, src, dst, h, sizeof(h), data, len, 6);
}

void make_tcp(struct packet *p, uint32_t src, uint32_t dst, const struct tcp *t, const void *data,
	      size_t len)
{
	uint8_t h[20] = {0};

	put16(h, t->sport);
	put16(h + 2, t->dport);
	put32(h + 4, t->seq);
	put32(h + 8, t->ack);
	h[12] = 5 << 4;
	h[13] = t->flags;
	put16(h + 14, t->wnd);
	make(p, 6, src, dst, h, sizeof(h), data, len, 16);
}

void fix_checksums(struct packet *p)
{
	size_t at = p->b[9] == 1 ? 2 : p->b[9] == 17 ? 6 : p->b[9] == 6 ? 16 : SIZE_MAX;

	fix_ip_checksum(p);
	if (at == SIZE_MAX || IP_BODY_LEN(p) < at + 2)
		return;
	put16(IP_BODY(p) + at, 0);
	put16(IP_BODY(p) + at, checksum(IP_BODY(p), IP_BODY_LEN(p), p->b[9] == 1 ? 0 : pseudo(p)));
}

bool packet_good(const struct packet *p)
{
	if (p->len < 20 || p->b[0] != 0x45 || get16(p->b + 2) != p->len || checksum(p->b, 20, 0))
		return false;
	/* A fragment: the checksum covers what is not here. */
	if (get16(p->b + 6) & 0x3fff)
		return true;
	switch (p->b[9]) {
	case 1: return checksum(IP_BODY(p), IP_BODY_LEN(p), 0) == 0;
	case 6: return checksum(IP_BODY(p), IP_BODY_LEN(p), pseudo(p)) == 0;
	case 17:
		/* RFC 768: zero would mean that the sender made none. */
		return get16(IP_BODY(p) + 6) != 0 &&
		       checksum(IP_BODY(p), IP_BODY_LEN(p), pseudo(p)) == 0;
	default: return false;
	}
}
