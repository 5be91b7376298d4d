/* SPDX-License-Identifier: BSD-2-Clause */
/* chacha.h - the ChaCha20 block function (RFC 8439 section 2.3). */
#ifndef AMP_COMMON_CHACHA_H
#define AMP_COMMON_CHACHA_H

#include <stdint.h>

#define CHACHA_KEY 32u
#define CHACHA_NONCE 12u
#define CHACHA_BLOCK 64u

void chacha20_block(uint8_t out[CHACHA_BLOCK], const uint8_t key[CHACHA_KEY], uint32_t counter,
		    const uint8_t nonce[CHACHA_NONCE]);

#endif
