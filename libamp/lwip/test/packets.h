/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packets.h - IPv4 packets made and read by hand, to hold the host stack against the RFCs and not
 * against itself. Addresses and numbers are in host byte order here.
 */
#ifndef AMP_TEST_PACKETS_H
#define AMP_TEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 1500u

struct packet {
	size_t len;
	uint8_t b[PACKET_MAX];
};

enum { TCP_F = 1, TCP_S = 2, TCP_R = 4, TCP_P = 8, TCP_A = 16 };

struct tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd;
};

uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
void put16(uint8_t *p, uint16_t v);
void put32(uint8_t *p, uint32_t v);

/*
 * RFC 1071, over an odd or even number of bytes, on top of a partial sum; 0 when the data carry a
 * good one.
 */
uint16_t checksum(const uint8_t *p, size_t len, uint32_t sum);

/*
 * An IPv4 header of 20 bytes before what is in p; the checksums of what follows are the caller's.
 */
void make_ip(struct packet *p, uint8_t proto, uint32_t src, uint32_t dst, const void *body,
	     size_t len);
void make_icmp_echo(struct packet *p, uint32_t src, uint32_t dst, uint16_t id, uint16_t seq,
		    const void *data, size_t len);
void make_udp(struct packet *p, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport,
	      const void *data, size_t len);
void make_tcp(struct packet *p, uint32_t src, uint32_t dst, const struct tcp *t, const void *data,
	      size_t len);
void fix_ip_checksum(struct packet *p);
/* Of a packet whose IP header is 20 bytes long: also ICMP's, UDP's or TCP's. */
void fix_checksums(struct packet *p);

/*
 * Whether the header's length fits and every checksum in the packet is good; fragments: IP's only.
 */
bool packet_good(const struct packet *p);

static inline uint32_t ip_src(const struct packet *p)
{
	return get32(p->b + 12);
}

static inline uint32_t ip_dst(const struct packet *p)
{
	return get32(p->b + 16);
}

/* The body of a packet whose IP header is 20 bytes long. */
#define IP_BODY(p) ((p)->b + 20)
#define IP_BODY_LEN(p) ((p)->len - 20)

#endif
