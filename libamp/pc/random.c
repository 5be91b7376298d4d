/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random.c - random bytes: the processor's RDRAND seeds a ChaCha20 generator whose key is replaced
 * after every request, so that what was given out cannot be recomputed from what is in memory
 * later.
 */
#include <cpuid.h>
#include <string.h>

#include "libamp/common/chacha.h"
#include "libamp/pc/pc.h"

#define RESEED_BYTES (1u << 20)

static const char no_rdrand[] = "this processor has no working RDRAND\n";

static uint8_t key[CHACHA_KEY];
static uint64_t since_seed;
static bool have_rdrand;

/*
 * One word of RDRAND; the manual (SDM 7.3.17) takes ten failures in a row for a broken generator.
 */
static bool rdrand(uint64_t *v)
{
	for (unsigned i = 0; i < 10; i++) {
		unsigned char ok;

		__asm__ volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(ok) : : "cc");
		if (ok)
			return true;
	}
	return false;
}

/* Mixes 256 fresh bits into the key. False: the processor gave none. */
static bool seed(void)
{
	for (size_t i = 0; i < sizeof(key); i += sizeof(uint64_t)) {
		uint64_t fresh, old;

		if (!have_rdrand || !rdrand(&fresh))
			return false;
		memcpy(&old, key + i, sizeof(old));
		old ^= fresh;
		memcpy(key + i, &old, sizeof(old));
	}
	since_seed = 0;
	return true;
}

void random_init(void)
{
	unsigned a, b, c = 0, d;

	have_rdrand = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
	/*
	 * Without it there is no secret to be had here, and every key made from it would be
	 * guessable.
	 */
	if (!seed()) {
		/* Too early for amp_fatal: the C library has not started. */
		xok_cons_write(PC_CAP, 0, no_rdrand, sizeof(no_rdrand) - 1);
		xok_env_exit(127);
	}
}

void amp_random(void *buf, size_t len)
{
	static const uint8_t nonce[CHACHA_NONCE];
	uint8_t block[CHACHA_BLOCK], now[CHACHA_KEY], *p = buf;

	since_seed += len;
	if (since_seed > RESEED_BYTES && !seed())
		amp_fatal("%s", no_rdrand);
	/*
	 * Block 0 of this key makes the next one, the blocks behind it the output; then this key is
	 * gone.
	 */
	memcpy(now, key, sizeof(now));
	chacha20_block(block, now, 0, nonce);
	memcpy(key, block, sizeof(key));
	for (uint32_t counter = 1; len > 0; counter++) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		chacha20_block(block, now, counter, nonce);
		memcpy(p, block, n);
		p += n;
		len -= n;
	}
	explicit_bzero(block, sizeof(block));
	explicit_bzero(now, sizeof(now));
}
