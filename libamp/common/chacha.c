/* SPDX-License-Identifier: BSD-2-Clause */
/* chacha.c - ChaCha20's block function, for a little-endian processor. */
#include <string.h>

#include "libamp/common/chacha.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* RFC 8439 2.1 */
static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotl(*d ^ *a, 16);
	*c += *d;
	*b = rotl(*b ^ *c, 12);
	*a += *b;
	*d = rotl(*d ^ *a, 8);
	*c += *d;
	*b = rotl(*b ^ *c, 7);
}

void chacha20_block(uint8_t out[CHACHA_BLOCK], const uint8_t key[CHACHA_KEY], uint32_t counter,
		    const uint8_t nonce[CHACHA_NONCE])
{
	static const char constant[16] = {'e', 'x', 'p', 'a', 'n', 'd', ' ', '3',
					  '2', '-', 'b', 'y', 't', 'e', ' ', 'k'};
	uint32_t in[16], x[16];

	memcpy(in, constant, 16);
	memcpy(in + 4, key, CHACHA_KEY);
	in[12] = counter;
	memcpy(in + 13, nonce, CHACHA_NONCE);
	memcpy(x, in, sizeof(x));
	/* RFC 8439 2.3: ten times four columns and four diagonals. */
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < 4; j++)
			quarter_round(&x[j], &x[4 + j], &x[8 + j], &x[12 + j]);
		for (unsigned j = 0; j < 4; j++)
			quarter_round(&x[j], &x[4 + (j + 1) % 4], &x[8 + (j + 2) % 4],
				      &x[12 + (j + 3) % 4]);
	}
	for (unsigned i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(out, x, CHACHA_BLOCK);
}
