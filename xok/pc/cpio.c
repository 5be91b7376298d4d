/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio.c - the "newc" format: per member a header of 110 bytes (magic, then 13 fields of eight
 * hexadecimal digits), the name with its NUL, padding to 4 bytes, the data, padding to 4 bytes. The
 * member "TRAILER!!!" ends it.
 */
#include <string.h>

#include "xok/pc/cpio.h"

#define HEADER 110u
#define MAGIC "070701"
#define FIELD(n) (6u + 8u * (n))
#define F_MODE 1u
#define F_FILESIZE 6u
#define F_NAMESIZE 11u
#define TYPE_MASK 0170000u
#define TYPE_FILE 0100000u

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The header's field n; -1 when a digit is none. */
static int64_t field(const uint8_t *header, unsigned n)
{
	int64_t v = 0;

	for (unsigned i = 0; i < 8; i++) {
		int d = digit(header[FIELD(n) + i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static size_t pad4(size_t off)
{
	return (off + 3) & ~(size_t)3;
}

int cpio_next(struct cpio *c, struct cpio_file *f)
{
	const uint8_t *h = c->data + c->off;
	size_t left = c->len - c->off, data;
	int64_t mode, size, name;

	if (left == 0)
		return 0;
	if (left < HEADER || memcmp(h, MAGIC, 6) != 0)
		return -1;
	mode = field(h, F_MODE);
	size = field(h, F_FILESIZE);
	name = field(h, F_NAMESIZE);
	/* The fields are below 2^32 and offsets below 2^63, so the sums here cannot wrap. */
	if (mode < 0 || size < 0 || name < 1 || (size_t)name > left - HEADER)
		return -1;
	if (h[HEADER + name - 1] != '\0')
		return -1;
	data = pad4(c->off + HEADER + (size_t)name);
	if (data > c->len || (size_t)size > c->len - data)
		return -1;
	f->name = (const char *)h + HEADER;
	f->mode = (uint32_t)mode;
	f->data = c->data + data;
	f->len = (size_t)size;
	if (strcmp(f->name, "TRAILER!!!") == 0)
		return 0;
	/* The last member's padding may be missing. */
	c->off = pad4(data + f->len) < c->len ? pad4(data + f->len) : c->len;
	return 1;
}

const void *cpio_find(const void *archive, size_t bytes, const char *name, size_t *len)
{
	struct cpio c = {.data = archive, .len = bytes};
	struct cpio_file f;

	while (cpio_next(&c, &f) == 1) {
		const char *n = f.name;

		if (n[0] == '.' && n[1] == '/')
			n += 2;
		if ((f.mode & TYPE_MASK) == TYPE_FILE && strcmp(n, name) == 0) {
			*len = f.len;
			return f.data;
		}
	}
	return NULL;
}
