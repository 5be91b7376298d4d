/* SPDX-License-Identifier: BSD-2-Clause */
/* checksum.c - the Internet checksum's sum (RFC 1071), eight bytes at a time. */
#include "kernel.h"

/*
 * The 16-bit one's-complement sum of the data as it stands in memory: RFC 1071 section 2 (B), the
 * sum does not depend on the byte order of the machine. An odd last byte is padded with zero.
 *
 * A 64-bit sum with end-around carry is the same modulo 2^16 - 1, since 2^64 is 1 modulo that; so
 * is what folding makes of it.
 */
uint32_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = 0, w;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&w, p, 8);
		sum += w;
		sum += sum < w;
	}
	if (len) {
		w = 0;
		for (size_t i = 0; i < len; i++)
			w |= (uint64_t)p[i] << 8 * i;
		sum += w;
		sum += sum < w;
	}
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint32_t)sum;
}
