/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c - parsing and printing of small things.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/lib/text.h"

bool text_split(char *line, struct words *out)
{
	char *p = line;

	out->n = 0;
	for (;;) {
		while (*p == ' ' || *p == '\t' || *p == '\r')
			p++;
		if (!*p || *p == '#')
			return true;
		if (out->n == TEXT_WORDS)
			return false;
		out->column[out->n] = (unsigned)(p - line) + 1;
		out->w[out->n++] = p;
		while (*p && *p != ' ' && *p != '\t' && *p != '\r')
			p++;
		if (*p)
			*p++ = 0;
	}
}

bool text_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned d = (unsigned)(*s - '0');

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* Reads one dotted address and stops behind it. No leading zeros: some tools read those as octal. */
static const char *scan_ip4(const char *s, uint32_t *out)
{
	uint32_t addr = 0;

	for (int i = 0; i < 4; i++) {
		unsigned v = 0, digits = 0;

		if (i && *s++ != '.')
			return NULL;
		for (; *s >= '0' && *s <= '9'; s++) {
			if ((digits && v == 0) || ++digits > 3)
				return NULL;
			v = v * 10 + (unsigned)(*s - '0');
		}
		if (!digits || v > 255)
			return NULL;
		addr = addr << 8 | v;
	}
	*out = addr;
	return s;
}

bool text_ip4(const char *s, uint32_t *out)
{
	uint32_t addr;
	const char *end = scan_ip4(s, &addr);

	if (!end || *end)
		return false;
	*out = addr;
	return true;
}

bool text_prefix(const char *s, uint32_t *addr, uint8_t *len)
{
	uint32_t a;
	uint64_t l;
	const char *end = scan_ip4(s, &a);

	if (!end || *end != '/' || !text_u64(end + 1, 32, &l))
		return false;
	*addr = a;
	*len = (uint8_t)l;
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_mac(const char *s, uint8_t mac[6])
{
	uint8_t m[6];

	for (int i = 0; i < 6; i++) {
		int hi, lo;

		if (i && *s++ != ':')
			return false;
		hi = digit(s[0]);
		lo = hi < 0 ? -1 : digit(s[1]);
		if (lo < 0)
			return false;
		m[i] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	if (*s)
		return false;
	memcpy(mac, m, 6);
	return true;
}

long text_unhex(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; *s; s += 2, n++) {
		int hi = digit(s[0]), lo = hi < 0 ? -1 : digit(s[1]);

		if (lo < 0 || n == cap)
			return -1;
		out[n] = (uint8_t)(hi << 4 | lo);
	}
	return (long)n;
}

void text_hex(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = 0;
}

/* How many letters were left out, put in, changed or swapped (Damerau); both are at most NEAR long, or it is much. */
#define NEAR 20u
static unsigned slips(const char *a, const char *b)
{
	size_t n = strnlen(a, NEAR + 1), m = strnlen(b, NEAR + 1);
	unsigned d[NEAR + 1][NEAR + 1];

	if (n > NEAR || m > NEAR)
		return NEAR;
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
			best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *text_nearest(const char *s, const char *const *word, size_t n)
{
	const char *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < n; i++) {
		unsigned k = slips(s, word[i]);

		/* Of a short word nothing would be left. */
		if (k < least && 2 * k < strlen(word[i])) {
			least = k;
			best = word[i];
		}
	}
	return best;
}

bool text_name(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n < 1 || n > max)
		return false;
	for (; *s; s++) {
		bool ok = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			  (*s >= '0' && *s <= '9') || *s == '-' || *s == '_' || *s == '.';

		if (!ok)
			return false;
	}
	return true;
}

const char *text_put_ip4(char buf[TEXT_IP4], uint32_t addr)
{
	snprintf(buf, TEXT_IP4, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		 addr & 255);
	return buf;
}

const char *text_put_prefix(char buf[TEXT_PREFIX], uint32_t addr, unsigned len)
{
	char a[TEXT_IP4];

	snprintf(buf, TEXT_PREFIX, "%s/%u", text_put_ip4(a, addr), len & 63);
	return buf;
}

const char *text_put_mac(char buf[TEXT_MAC], const uint8_t mac[6])
{
	snprintf(buf, TEXT_MAC, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

void text_copy(char *dst, size_t cap, const char *src)
{
	size_t n = strnlen(src, cap - 1);

	memcpy(dst, src, n);
	dst[n] = 0;
}
