/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_sodium.c - libsodium in an environment gives the published answers, whatever vector code it
 * chose.
 */
#include <sodium.h>
#include <string.h>

#include "libamp/test/tap.h"

/* RFC 8032 7.1, test 2: the message is one byte, 0x72. */
static const char seed_hex[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char public_hex[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char signature_hex[] =
	"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
/* RFC 7693 appendix A: BLAKE2b-512("abc"). */
static const char blake_hex[] = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
				"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";

static void unhex(uint8_t *to, size_t len, const char *hex)
{
	sodium_hex2bin(to, len, hex, 2 * len, NULL, NULL, NULL);
}

static void test_ed25519(void)
{
	uint8_t seed[32], pk[32], sk[64], want_pk[32], want[64], sig[64], msg = 0x72;

	unhex(seed, 32, seed_hex);
	unhex(want_pk, 32, public_hex);
	unhex(want, 64, signature_hex);
	crypto_sign_seed_keypair(pk, sk, seed);
	tap(memcmp(pk, want_pk, 32) == 0, "Ed25519 key of RFC 8032");
	crypto_sign_detached(sig, NULL, &msg, 1, sk);
	tap(memcmp(sig, want, 64) == 0, "Ed25519 signature of RFC 8032");
	tap(crypto_sign_verify_detached(sig, &msg, 1, pk) == 0, "it is accepted");
	sig[5] ^= 1;
	tap(crypto_sign_verify_detached(sig, &msg, 1, pk) != 0, "altered, it is not");
}

static void test_blake2b(void)
{
	static uint8_t big[100000];
	uint8_t want[64], hash[64], parts[32], whole[32];
	crypto_generichash_state s;

	unhex(want, 64, blake_hex);
	crypto_generichash(hash, 64, (const uint8_t *)"abc", 3, NULL, 0);
	tap(memcmp(hash, want, 64) == 0, "BLAKE2b of RFC 7693");
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * i);
	crypto_generichash(whole, 32, big, sizeof(big), NULL, 0);
	crypto_generichash_init(&s, NULL, 0, 32);
	for (size_t i = 0; i < sizeof(big); i += 777)
		crypto_generichash_update(&s, big + i,
					  sizeof(big) - i < 777 ? sizeof(big) - i : 777);
	crypto_generichash_final(&s, parts, 32);
	tap(memcmp(whole, parts, 32) == 0, "the same in pieces");
}

int main(void)
{
	uint8_t a[32], b[32];

	int started;

	tap_begin();
	started = sodium_init();
	tap(started == 0, "libsodium starts (AVX2: %d)", sodium_runtime_has_avx2());
	test_ed25519();
	test_blake2b();
	randombytes_buf(a, sizeof(a));
	randombytes_buf(b, sizeof(b));
	tap(memcmp(a, b, sizeof(a)) != 0, "its random bytes are not the same twice");
	tap_end();
}
