/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.c - the one-line JSON printer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nodeos/lib/json.h"
#include "nodeos/lib/text.h"

void json_init(struct json *j, char *buf, size_t cap)
{
	*j = (struct json){.buf = buf, .cap = cap};
}

static void put(struct json *j, const char *s, size_t n)
{
	/* One byte is kept for the NUL. */
	if (j->over || n >= j->cap - j->len) {
		j->over = true;
		return;
	}
	memcpy(j->buf + j->len, s, n);
	j->len += n;
}

void json_raw(struct json *j, const char *s)
{
	put(j, s, strlen(s));
}

static void separate(struct json *j)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = false;
}

void json_open(struct json *j, char bracket)
{
	separate(j);
	put(j, &bracket, 1);
}

void json_close(struct json *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

static void quoted(struct json *j, const char *s, size_t len)
{
	put(j, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char esc[8];

		if (c == '"' || c == '\\') {
			esc[0] = '\\';
			esc[1] = (char)c;
			put(j, esc, 2);
		} else if (c < 0x20 || c > 0x7e) {
			snprintf(esc, sizeof(esc), "\\u%04x", c);
			put(j, esc, 6);
		} else {
			put(j, s + i, 1);
		}
	}
	put(j, "\"", 1);
}

void json_key(struct json *j, const char *key)
{
	separate(j);
	quoted(j, key, strlen(key));
	put(j, ":", 1);
}

void json_textn(struct json *j, const char *s, size_t len)
{
	separate(j);
	quoted(j, s, len);
	j->comma = true;
}

void json_text(struct json *j, const char *s)
{
	json_textn(j, s, strlen(s));
}

void json_u64(struct json *j, uint64_t v)
{
	char buf[24];

	separate(j);
	put(j, buf, (size_t)snprintf(buf, sizeof(buf), "%" PRIu64, v));
	j->comma = true;
}

void json_hex(struct json *j, const void *data, size_t len)
{
	const uint8_t *p = data;
	char two[3];

	separate(j);
	put(j, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		text_hex(two, p + i, 1);
		put(j, two, 2);
	}
	put(j, "\"", 1);
	j->comma = true;
}

void json_put_text(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_text(j, s);
}

void json_put_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void json_put_hex(struct json *j, const char *key, const void *data, size_t len)
{
	json_key(j, key);
	json_hex(j, data, len);
}

void json_put_ip4(struct json *j, const char *key, uint32_t addr)
{
	char buf[TEXT_IP4];

	json_put_text(j, key, text_put_ip4(buf, addr));
}

const char *json_end(struct json *j)
{
	if (j->over)
		return NULL;
	j->buf[j->len] = 0;
	return j->buf;
}
