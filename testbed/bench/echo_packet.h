/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo_packet.h - what both of ours do to a datagram, the handler and the environment: the checks
 * that the filter leaves, both checksums among them, and the turn. Frames have at least FRAME_LEN
 * bytes; the filter has seen to IPv4 without options, UDP, and no fragment.
 */
#ifndef BENCH_ECHO_PACKET_H
#define BENCH_ECHO_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_LEN 60u
#define IP 14u
#define UDP (IP + 20)
#define DATA (UDP + 8)
#define TTL 64u
#define PORT_HANDLER 7u
#define PORT_ENV 8u
#define PORT_CONTROL 9u

/* Both instruction sets access memory at any address; compilers for BPF must be told so. */
typedef uint16_t __attribute__((may_alias)) any16;
typedef uint32_t __attribute__((may_alias)) any32;

static inline uint16_t get16(const uint8_t *p)
{
	return *(const any16 *)p;
}

static inline uint32_t get32(const uint8_t *p)
{
	return *(const any32 *)p;
}

static inline void put16(uint8_t *p, uint16_t v)
{
	*(any16 *)p = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	*(any32 *)p = v;
}

/*
 * The 16-bit sum, with the carries added in, of a sum of at most 65,536 words of 32 bits: so below
 * 2^48, of which the first step leaves at most 2^32 + 0xfffe, and the second 0x1fffe.
 */
static inline uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* RFC 768: the datagram with its pseudo header, of words in the order of the wire. */
static inline bool sound_udp(const uint8_t *p, uint32_t len)
{
	uint64_t sum = (uint64_t)get32(p + IP + 12) + get32(p + IP + 16) +
		       ((uint32_t)get16(p + UDP + 4) + __builtin_bswap16(17));
	uint32_t i = 0;

	if (get16(p + UDP + 6) == 0)
		return true;
	/* Of a datagram that fills the shortest frame, or more, so much needs no loop. */
	if (len >= FRAME_LEN - UDP) {
#pragma GCC unroll 6
		for (; i < 24; i += 4)
			sum += get32(p + UDP + i);
		sum += get16(p + UDP + i);
		i += 2;
	}
	for (; i + 2 <= len; i += 2)
		sum += get16(p + UDP + i);
	return fold(i < len ? sum + p[UDP + i] : sum) == 0xffff;
}

/* What the filter did not look at: lengths and both checksums, as any host looks at them. */
static inline bool sound(const uint8_t *p, uint32_t len)
{
	uint32_t total = __builtin_bswap16(get16(p + IP + 2));
	uint32_t datagram = __builtin_bswap16(get16(p + UDP + 4));
	uint64_t sum = (uint64_t)get32(p + IP) + get32(p + IP + 4) + get32(p + IP + 8) +
		       get32(p + IP + 12) + get32(p + IP + 16);

	return total + IP <= len && datagram >= 8 && datagram + 20 <= total &&
	       fold(sum) == 0xffff && sound_udp(p, datagram);
}

/* Exchanges both ends, which no checksum notices, and starts its life anew, which the header's does. */
static inline void turn(uint8_t *p)
{
	uint32_t mac_hi = get32(p), from = get32(p + IP + 12), ports = get32(p + UDP);
	uint16_t mac_lo = get16(p + 4), old = get16(p + IP + 8);
	uint16_t renewed = (uint16_t)((old & 0xff00) | TTL);

	put32(p, get32(p + 6));
	put16(p + 4, get16(p + 10));
	put32(p + 6, mac_hi);
	put16(p + 10, mac_lo);
	put32(p + IP + 12, get32(p + IP + 16));
	put32(p + IP + 16, from);
	put32(p + UDP, ports << 16 | ports >> 16);
	/* RFC 1624: HC' = ~(~HC + ~m + m'); the word is the TTL, in its first byte, and the protocol. */
	if (old != renewed) {
		put16(p + IP + 8, renewed);
		put16(p + IP + 10, (uint16_t)~fold((uint64_t)(uint16_t)~get16(p + IP + 10) +
						   (uint16_t)~old + renewed));
	}
}

#endif
