/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - building lines of text without a C library. */
#include "xok/vcode/internal.h"

void vc_text_init(struct vc_text *t, char *buf, size_t len)
{
	*t = (struct vc_text){buf, len, 0};
	if (len)
		buf[0] = 0;
}

void vc_put(struct vc_text *t, const char *s)
{
	while (*s && t->at + 1 < t->len)
		t->buf[t->at++] = *s++;
	if (t->len)
		t->buf[t->at] = 0;
}

static void put_digits(struct vc_text *t, uint64_t v, uint32_t base)
{
	char digits[24], *d = digits + sizeof(digits);

	*--d = 0;
	do {
		*--d = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	vc_put(t, d);
}

void vc_put_int(struct vc_text *t, int64_t v)
{
	if (v < 0)
		vc_put(t, "-");
	put_digits(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

void vc_put_hex(struct vc_text *t, uint64_t v)
{
	vc_put(t, "0x");
	put_digits(t, v, 16);
}
