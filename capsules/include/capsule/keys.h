/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.h - the key files of FORMAT.md section 3. Ed25519 keys of principals (RFC 8032).
 *
 * Functions return 0 or -errno; then err (a buffer of KEY_ERROR octets) holds one line that says what, where and what to do.
 * sodium_init() must have been called. Secrets are wiped with sodium_memzero before a function returns with an error.
 */
#ifndef CAPSULE_KEYS_H
#define CAPSULE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_PUBLIC 32u
#define KEY_SECRET \
	64u /* as libsodium has it: seed, then public key; the first 32 octets are the seed */
#define KEY_NAME 28u /* letters, digits, '.', '_' and '-', beginning with a letter or digit */
#define KEY_ERROR 512u

struct key_public {
	uint8_t key[KEY_PUBLIC];
	char name[KEY_NAME + 1];
};

struct key_secret {
	uint8_t key[KEY_SECRET]; /* what wire_sign takes */
	char name[KEY_NAME + 1];
};

/* Makes a key pair from the system's random source. */
int key_generate(const char *name, struct key_secret *secret, char err[KEY_ERROR]);
/* The same from a given seed: for test vectors. */
int key_from_seed(const char *name, const uint8_t seed[32], struct key_secret *secret,
		  char err[KEY_ERROR]);
void key_public_of(const struct key_secret *secret, struct key_public *pub);
void key_wipe(struct key_secret *secret);

/*
 * Writes DIR/NAME.key (mode 0600) and DIR/NAME.pub (mode 0644), each complete or not at all. Without force an existing file of either
 * name is left alone and -EEXIST returned.
 */
int key_write(const char *dir, const struct key_secret *secret, bool force, char err[KEY_ERROR]);

/* Refuses a secret key that group or others can read, write or execute, or that is not a regular file, with -EACCES. */
int key_read_secret(const char *path, struct key_secret *secret, char err[KEY_ERROR]);
int key_read_public(const char *path, struct key_public *pub, char err[KEY_ERROR]);

/* One line of text, without a file: "amp-public-key HEX NAME" and a newline. False: not one. */
bool key_parse_public(const char *text, size_t len, struct key_public *pub);
bool key_name_ok(const char *name);

/* Lower-case hex: 2 * len characters and a zero. */
void key_hex(const uint8_t *bytes, size_t len, char *out);
/* Exactly 2 * len characters of hex, either case. */
bool key_unhex(const char *text, size_t text_len, uint8_t *out, size_t len);

#endif
