/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode_programs_bpf.c - what bench-vcode runs, compiled once by clang for BPF and once by gcc for this machine. Each takes a packet of
 * BENCH_LEN bytes. -DEXTERN leaves the counters to the loader, as rte_bpf wants them.
 */
#include "testbed/bench/vcode_programs.h"

#define U16(p, at) (*(uint16_t *)((p) + (at)))
#define U32(p, at) (*(uint32_t *)((p) + (at)))

/* The ceiling: what calling and returning costs. */
PROGRAM(nothing)
{
	(void)p;
	return 0;
}

/* A router's last step: new MAC addresses, TTL, incremental checksum (RFC 1624). */
PROGRAM(rewrite)
{
	uint32_t sum;

	if (U16(p, 12) != 0x0008 || p[22] <= 1)
		return 0;
	U32(p, 0) = 0x00000002;
	U16(p, 4) = 0x0100;
	U32(p, 6) = 0x00000002;
	U16(p, 10) = 0x0200;
	p[22]--;
	sum = (uint16_t)~U16(p, 24) + 0xfffeu;
	sum += (sum >> 16) + 0;
	U16(p, 24) = (uint16_t)~sum;
	return 1;
}

#define ROL(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define FINAL(a, b, c)                                                                   \
	((c) ^= (b), (c) -= ROL(b, 14), (a) ^= (c), (a) -= ROL(c, 11), (b) ^= (a),       \
	 (b) -= ROL(a, 25), (c) ^= (b), (c) -= ROL(b, 16), (a) ^= (c), (a) -= ROL(c, 4), \
	 (b) ^= (a), (b) -= ROL(a, 14), (c) ^= (b), (c) -= ROL(b, 24))
#define MIX(a, b, c)                                                                          \
	((a) -= (c), (a) ^= ROL(c, 4), (c) += (b), (b) -= (a), (b) ^= ROL(a, 6), (a) += (c),  \
	 (c) -= (b), (c) ^= ROL(b, 8), (b) += (a), (a) -= (c), (a) ^= ROL(c, 16), (c) += (b), \
	 (b) -= (a), (b) ^= ROL(a, 19), (a) += (c), (c) -= (b), (c) ^= ROL(b, 4), (b) += (a))

/* Jenkins' lookup3 over addresses, ports and protocol. */
PROGRAM(hash)
{
	uint32_t a = 0xdeadbeef, b = a, c = a;

	a += U32(p, 26);
	b += U32(p, 30);
	c += U32(p, 34);
	MIX(a, b, c);
	a += p[23];
	FINAL(a, b, c);
	return c;
}

/* FNV-1a over the same 13 bytes. */
PROGRAM(fnv)
{
	uint64_t h = 0xcbf29ce484222325;

#define STEP(at) (h = (h ^ p[at]) * 0x100000001b3)
	STEP(26), STEP(27), STEP(28), STEP(29), STEP(30), STEP(31), STEP(32), STEP(33);
	STEP(34), STEP(35), STEP(36), STEP(37), STEP(23);
	return h;
}

/* The Internet checksum of the whole packet, one word a turn. */
PROGRAM(checksum)
{
	uint32_t sum = 0;

	ROLLED
	for (uint32_t n = 0; n < BENCH_LEN; n += 2)
		sum += U16(p, n);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

/* What a router asks of a header (RFC 1812 5.2.2): the flow's key, or 0. */
PROGRAM(parse)
{
	uint32_t sum = 0, length;

	if (U16(p, 12) != 0x0008 || p[14] != 0x45)
		return 0;
	length = (uint32_t)p[16] << 8 | p[17];
	if (length < 20 || length > BENCH_LEN - 14 || p[22] <= 1)
		return 0;
	sum = U16(p, 14) + U16(p, 16) + U16(p, 18) + U16(p, 20) + U16(p, 22) + U16(p, 24) +
	      U16(p, 26) + U16(p, 28) + U16(p, 30) + U16(p, 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (sum != 0xffff || (U16(p, 20) & 0xff3f))
		return 0;
	if (p[30] >= 224 || p[30] == 127 || p[30] == 0)
		return 0;
	if (p[23] != 17 && p[23] != 6)
		return 1;
	return ((uint64_t)U32(p, 30) << 32 | U32(p, 34)) ^ U32(p, 26);
}

/* Looks for four bytes in the payload, one place after the other; they are near the end. */
PROGRAM(search)
{
	ROLLED
	for (uint32_t n = 42; n < 554; n++)
		if (U32(p, n) == 0x21646e65)
			return n;
	return 0;
}

#ifdef EXTERN
extern struct bench_counter bench_counters[BENCH_COUNTERS];
#else
static struct bench_counter bench_counters[BENCH_COUNTERS];
#endif

/* Packets and bytes of one of 256 classes. */
PROGRAM(count)
{
	struct bench_counter *c = &bench_counters[p[33] ^ p[29]];

	c->packets++;
	c->bytes += (uint32_t)p[16] << 8 | p[17];
	return c->packets;
}
