/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - words, numbers, addresses and hex as people and programs type them. Every parser accepts the whole string or
 * nothing, and leaves its result alone when it refuses.
 */
#ifndef NODEOS_TEXT_H
#define NODEOS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_WORDS 40u

struct words {
	unsigned n;
	char *w[TEXT_WORDS];
	unsigned column[TEXT_WORDS]; /* where it begins in the line, from 1 */
};

/* Cuts a line into words in place; `#` at the start of a word ends it. False: more than TEXT_WORDS words. */
bool text_split(char *line, struct words *out);

bool text_u64(const char *s, uint64_t max, uint64_t *out);
bool text_ip4(const char *s, uint32_t *out);
/* A.B.C.D/LEN; host bits are kept. */
bool text_prefix(const char *s, uint32_t *addr, uint8_t *len);
bool text_mac(const char *s, uint8_t mac[6]);
/* Hex digits, two a byte; at most `cap` bytes. Returns how many, or -1. */
long text_unhex(const char *s, uint8_t *out, size_t cap);
/* 2 * len digits and a NUL. */
void text_hex(char *out, const void *data, size_t len);
/* The one of n words that is most like s, when one or two slips of the fingers could have made it s; NULL: none. */
const char *text_nearest(const char *s, const char *const *word, size_t n);
/* A name: 1 to max letters, digits, '-', '_' or '.'. */
bool text_name(const char *s, size_t max);

#define TEXT_IP4 16u
#define TEXT_PREFIX 20u
#define TEXT_MAC 18u
const char *text_put_ip4(char buf[TEXT_IP4], uint32_t addr);
const char *text_put_prefix(char buf[TEXT_PREFIX], uint32_t addr, unsigned len);
const char *text_put_mac(char buf[TEXT_MAC], const uint8_t mac[6]);

/* Copies as much as fits and always ends with NUL. */
void text_copy(char *dst, size_t cap, const char *src);

#endif
