/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib.c - the few C library functions the compiler may call and the kernel wants. Bulk moves go
 * eight bytes at a time by string instructions, which an emulator runs much faster than byte loops;
 * what is left at the end is moved by words that overlap what is already there.
 */
#include "pc.h"

/* Moves a word that may stand anywhere. */
static inline void move8(uint8_t *d, const uint8_t *s)
{
	uint64_t v;

	__builtin_memcpy(&v, s, 8);
	__builtin_memcpy(d, &v, 8);
}

static inline void move4(uint8_t *d, const uint8_t *s)
{
	uint32_t v;

	__builtin_memcpy(&v, s, 4);
	__builtin_memcpy(d, &v, 4);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (n >= 8) {
		void *to = d;
		const void *from = s;
		size_t words = (n - 1) / 8;

		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
		move8(d + n - 8, s + n - 8);
	} else if (n >= 4) {
		move4(d, s);
		move4(d + n - 4, s + n - 4);
	} else {
		for (size_t i = 0; i < n; i++)
			d[i] = s[i];
	}
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if (d <= s || d >= s + n) {
		/* Forward: a word is read before any byte at or above it is written. */
		size_t words = n / 8, rest = n % 8;

		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
		__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(rest) : : "memory");
		return dst;
	}
	while (n > 0) {
		n--;
		d[n] = s[n];
	}
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;
	uint64_t pattern = 0x0101010101010101ull * (unsigned char)c;
	size_t words = n / 8, rest = n % 8;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

/* The compiler's, for __builtin_popcountl where the processor may lack the instruction. */
int __popcountdi2(long v);

int __popcountdi2(long v)
{
	int n = 0;

	for (unsigned long u = (unsigned long)v; u != 0; u &= u - 1)
		n++;
	return n;
}
