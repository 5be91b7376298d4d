/* SPDX-License-Identifier: BSD-2-Clause */
/* router_text.c - characters in router.conf that are not what they look like, and how any bytes are shown to people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "router_read.h"

/*
 * One character of UTF-8 (RFC 3629 3). Returns how many bytes it has; *code is UINT32_MAX for a byte that begins none.
 */
static size_t character(const char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = (uint8_t)s[0];
	size_t n = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;

	*code = n == 1 ? first : first & (0x7fu >> n);
	if (n == 4 && first >> 3 != 30)
		n = 5;
	for (size_t i = 1; i < n && n < 5; i++) {
		if (i >= len || ((uint8_t)s[i] & 0xc0) != 0x80)
			n = 5;
		else
			*code = *code << 6 | ((uint8_t)s[i] & 0x3f);
	}
	if (n == 5 || *code < least[n] || *code > 0x10ffff || *code >> 11 == 0xd800 >> 11) {
		*code = UINT32_MAX;
		return 1;
	}
	return n;
}

static bool blank(uint32_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* Marks without a form of their own, of which some turn the direction of writing. */
static bool unseen(uint32_t c)
{
	return c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static bool control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

size_t router_mark(const char *text, size_t len)
{
	return len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

const char *router_odd(const char *word, size_t *at, unsigned *width, char why[128])
{
	size_t len = strlen(word), n;
	uint32_t c;

	for (*at = 0; *at < len; *at += n) {
		n = character(word + *at, len - *at, &c);
		*width = (unsigned)n;
		if (c == UINT32_MAX)
			snprintf(why, 128, "the byte %02X is no text: write the file as UTF-8",
				 (uint8_t)word[*at]);
		else if (control(c))
			snprintf(why, 128, "U+%04" PRIX32 " is a control character: take it away",
				 c);
		else if (blank(c))
			snprintf(why, 128,
				 "U+%04" PRIX32 " is %s, and no blank: write a blank in its place",
				 c, c == 0xa0 ? "a no-break space" : "a space of typesetters");
		else if (unseen(c))
			snprintf(why, 128,
				 "U+%04" PRIX32 " is a character that is not seen: take it away",
				 c);
		else
			continue;
		return why;
	}
	return NULL;
}

size_t router_shown(char *buf, size_t size, const char *s, size_t len)
{
	size_t at = 0, columns = 0, n;

	for (uint32_t c; len; s += n, len -= n) {
		char one[16];
		bool escaped = true;

		n = character(s, len, &c);
		if (c == UINT32_MAX)
			snprintf(one, sizeof(one), "<%02X>", (uint8_t)*s);
		else if ((control(c) && c != '\t') || blank(c) || unseen(c))
			snprintf(one, sizeof(one), "<U+%04" PRIX32 ">", c);
		else
			escaped = snprintf(one, sizeof(one), "%.*s", (int)n, s) < 0;
		if (at + strlen(one) >= size)
			break;
		columns += escaped ? strlen(one) : 1;
		memcpy(buf + at, one, strlen(one));
		at += strlen(one);
	}
	buf[at] = 0;
	return columns;
}
