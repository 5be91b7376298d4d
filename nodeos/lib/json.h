/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - prints JSON objects on one line into a buffer of fixed size. Nothing is allocated. When the buffer does not suffice
 * `over` is set and the text is useless; sizes are chosen so that only a programming error gets there.
 */
#ifndef NODEOS_JSON_H
#define NODEOS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;
	size_t cap, len;
	bool over, comma;
};

void json_init(struct json *j, char *buf, size_t cap);
/* Puts text as it is. */
void json_raw(struct json *j, const char *s);
void json_open(struct json *j, char bracket);	/* '{' or '[' */
void json_close(struct json *j, char bracket);	/* '}' or ']' */
void json_key(struct json *j, const char *key); /* then a value, or json_open */
/* Values. Text is escaped (RFC 8259, 7); bytes that are not printable ASCII become \u00XX. */
void json_text(struct json *j, const char *s);
void json_textn(struct json *j, const char *s, size_t len);
void json_u64(struct json *j, uint64_t v);
void json_hex(struct json *j, const void *data, size_t len);

/* Key and value in one. */
void json_put_text(struct json *j, const char *key, const char *s);
void json_put_u64(struct json *j, const char *key, uint64_t v);
void json_put_hex(struct json *j, const char *key, const void *data, size_t len);
void json_put_ip4(struct json *j, const char *key, uint32_t addr);

/* The text, NUL-terminated; NULL when it did not fit. */
const char *json_end(struct json *j);

#endif
