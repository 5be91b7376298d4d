/* SPDX-License-Identifier: BSD-2-Clause */
/* packets.c - random packets of what the expressions of the tests name. */
#include <string.h>

#include "test.h"

uint64_t rnd(void)
{
	static uint64_t seed = 0x5eed;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() >> 33) % n;
}

static void put(uint8_t *p, unsigned size, uint64_t v)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> 8 * (size - 1 - i));
}

static uint32_t one_of(const uint32_t *v, uint32_t n)
{
	return below(12) ? v[below(n)] : (uint32_t)rnd();
}
#define ONE_OF(...)                             \
	one_of((const uint32_t[]){__VA_ARGS__}, \
	       sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void mac(uint8_t *p)
{
	static const uint64_t some[] = {0x525400123456, 0x525400123457, 0xffffffffffff,
					0x01005e000005};

	put(p, 6, below(10) ? some[below(4)] : rnd());
}

static uint32_t address4(void)
{
	return ONE_OF(0x0a000001, 0x0a000002, 0x0a010203, 0xc0a80101, 0xc0a80201, 0xe0000005,
		      0xffffffff, 5);
}

static void address6(uint8_t *p)
{
	put(p, 8,
	    below(3)   ? UINT64_C(0x20010db800000000)
	    : below(2) ? UINT64_C(0xfe80000000000000)
		       : UINT64_C(0xff02000000000000));
	put(p + 8, 8, below(10) ? 1 + below(2) : rnd());
}

static unsigned number(void)
{
	return ONE_OF(6, 17, 132, 1, 58, 2, 6, 17, 44, 50, 51, 103, 112) & 0xff;
}

static unsigned port(void)
{
	return ONE_OF(53, 80, 443, 22, 1000, 1500, 2000, 999, 2001, 65535, 0) & 0xffff;
}

/* TCP, UDP, ICMP: ports and what would be flags lie at the same places. */
static void transport(uint8_t *p, unsigned n)
{
	put(p, 2, port());
	put(p + 2, 2, port());
	if (n == 1 || n == 58) {
		p[0] = (uint8_t)ONE_OF(0, 8, 128, 129, 133, 135, 136);
		p[1] = (uint8_t)below(3);
	}
	p[13] = (uint8_t)ONE_OF(2, 0x12, 0x10, 4, 0x18, 0x11, 0);
}

static void ip4(uint8_t *p)
{
	unsigned ihl = below(3) ? 5 : below(16), n = number();

	p[0] = (uint8_t)((below(20) ? 0x40 : below(16) << 4) | ihl);
	p[1] = (uint8_t)(below(3) ? 0 : rnd());
	put(p + 6, 2, below(3) ? (below(2) ? 0x4000 : 0) : (below(2) ? 0x2000 : rnd() & 0x3fff));
	p[8] = (uint8_t)(below(3) ? 64 : below(3));
	p[9] = (uint8_t)n;
	put(p + 12, 4, address4());
	put(p + 16, 4, address4());
	transport(p + 4 * ihl, n);
}

static void ip6(uint8_t *p)
{
	unsigned n = number(), at = 40;

	p[0] = 0x60;
	p[6] = (uint8_t)n;
	p[7] = 64;
	address6(p + 8);
	address6(p + 24);
	if (n == 44) {
		n = number();
		p[40] = (uint8_t)n;
		at = 48;
	}
	transport(p + at, n);
}

static void arp(uint8_t *p)
{
	put(p, 8, UINT64_C(0x0001080006040000) | (1 + below(3)));
	mac(p + 8);
	put(p + 14, 4, address4());
	mac(p + 18);
	put(p + 24, 4, address4());
}

size_t make_packet(uint8_t *pkt)
{
	size_t len = PACKET_FULL + below(PACKET_MAX - PACKET_FULL + 1), at = 12;
	unsigned type;

	for (size_t i = 0; i < len; i++)
		pkt[i] = (uint8_t)(below(2) ? rnd() : 0);
	mac(pkt);
	mac(pkt + 6);
	while (!below(3) && at < 24) {
		put(pkt + at, 2, ONE_OF(0x8100, 0x88a8, 0x9100));
		put(pkt + at + 2, 2, below(2) ? 5 | rnd() << 12 : 1 + below(3));
		at += 4;
	}
	type = ONE_OF(0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x88cc, 0x8864, 100);
	put(pkt + at, 2, type);
	switch (type) {
	case 0x0800: ip4(pkt + at + 2); break;
	case 0x86dd: ip6(pkt + at + 2); break;
	case 0x0806:
	case 0x8035: arp(pkt + at + 2); break;
	default: break;
	}
	for (uint32_t n = below(4) ? 0 : below(4); n; n--)
		pkt[below(90)] ^= (uint8_t)(1 << below(8));
	return len;
}

static void bend_atom(uint8_t *p, const struct xok_atom *a)
{
	uint64_t value = a->value, mask = a->mask;

	if (a->kind == XOK_ATOM_RANGE) {
		uint64_t low = (uint32_t)a->value, high = a->value >> 32;

		value = low + rnd() % (high - low + 1);
		if (!below(3))
			value = below(2) ? low : high;
		if (!below(8))
			value = below(2) ? low - 1 : high + 1;
	}
	for (unsigned i = 0; i < a->size; i++) {
		unsigned down = 8 * (a->size - 1u - i);

		p[i] = (uint8_t)((p[i] & ~(mask >> down)) | ((value & mask) >> down));
	}
}

void bend_packet(uint8_t *pkt, size_t len, const struct xok_filter *f)
{
	uint32_t spared = below(4) ? UINT32_MAX : below(f->natoms + 1);
	size_t base = 0;

	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];
		uint8_t *p = pkt + base + a->off;

		if (base + a->off + a->size > len)
			return;
		if (a->kind == XOK_ATOM_SHIFT)
			base += (size_t)(p[0] & a->mask) << a->shl;
		else if (i != spared)
			bend_atom(p, a);
		else
			p[below(a->size)] ^= (uint8_t)(1 << below(8));
	}
}
