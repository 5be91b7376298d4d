/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random.c - random bytes: ChaCha20 (RFC 8439) under a key that is replaced with its own output
 * after every request, so that what was given out cannot be computed from what is here later. The
 * key is seeded from RDSEED or RDRAND where the processor has them, always mixed with the jitter of
 * the time-stamp counter, and stirred at each request.
 */
#include "pc.h"
#include "x86.h"

#define BLOCK 64u
#define KEY_WORDS 8u

static uint32_t key[KEY_WORDS];
static bool have_rdseed, have_rdrand;

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = rotl(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotl(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotl(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotl(s[b] ^ s[c], 7);
}

/* RFC 8439 2.3: the block function, with the nonce made of the processor's time. */
static void chacha_block(uint32_t counter, uint64_t nonce, uint32_t out[16])
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(in + 4, key, sizeof(key));
	in[12] = counter;
	in[13] = (uint32_t)nonce;
	in[14] = (uint32_t)(nonce >> 32);
	memcpy(out, in, sizeof(in));
	for (unsigned i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}

static uint64_t hardware(void)
{
	uint64_t v = 0;
	uint8_t ok = 0;

	for (unsigned i = 0; have_rdseed && !ok && i < 16; i++)
		__asm__ volatile("rdseed %0; setc %1" : "=r"(v), "=qm"(ok) : : "cc");
	for (unsigned i = 0; have_rdrand && !ok && i < 16; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok) : : "cc");
	return ok ? v : 0;
}

/*
 * A word in which the low bits of many time-stamp differences are folded; CMOS reads take uneven
 * time.
 */
static uint64_t jitter(unsigned rounds)
{
	uint64_t v = 0, last = rdtsc();

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t now;

		outb(0x70, 0);
		(void)inb(0x71);
		now = rdtsc();
		v = (v << 7 | v >> 57) ^ (now - last) ^ now;
		last = now;
	}
	return v;
}

static void stir(uint64_t v)
{
	uint32_t out[16];

	key[0] ^= (uint32_t)v;
	key[1] ^= (uint32_t)(v >> 32);
	chacha_block(0, rdtsc(), out);
	memcpy(key, out, sizeof(key));
	memset(out, 0, sizeof(out));
}

void random_init(void)
{
	have_rdrand = (cpuid(1, 0).c & (1u << 30)) != 0;
	have_rdseed = (cpuid(7, 0).b & (1u << 18)) != 0;
	for (unsigned i = 0; i < 8; i++) {
		stir(hardware());
		stir(jitter(16));
	}
	stir(clock.wall0);
}

void random_bytes(void *m, void *buf, size_t len)
{
	uint64_t nonce;
	uint32_t out[16];
	uint8_t *p = buf;

	(void)m;
	stir(hardware() ^ rdtsc());
	nonce = rdtsc();
	for (uint32_t counter = 1; len > 0; counter++) {
		size_t n = len < BLOCK ? len : BLOCK;

		chacha_block(counter, nonce, out);
		memcpy(p, out, n);
		p += n;
		len -= n;
	}
	chacha_block(0, nonce, out);
	memcpy(key, out, sizeof(key));
	memset(out, 0, sizeof(out));
}
