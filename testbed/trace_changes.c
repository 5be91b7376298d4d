/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_changes.c - what a router has rewritten, field by field. */
#include <stdbool.h>
#include <string.h>

#include "text.h"
#include "trace_text.h"

struct field {
	const char *name;
	uint8_t off, size;
	bool number; /* its value is worth saying */
};

static const struct field ether[] = {
	{"destination MAC", 0, 6, false}, {"source MAC", 6, 6, false}, {NULL, 0, 0, false}};
static const struct field ip4[] = {{"version", 0, 1, true},	 {"tos", 1, 1, true},
				   {"total length", 2, 2, true}, {"id", 4, 2, true},
				   {"fragment", 6, 2, true},	 {"ttl", 8, 1, true},
				   {"protocol", 9, 1, true},	 {"checksum", 10, 2, false},
				   {"source", 12, 4, false},	 {"destination", 16, 4, false},
				   {NULL, 0, 0, false}};
static const struct field ip6[] = {{"class and flow", 0, 4, false},
				   {"payload length", 4, 2, true},
				   {"next header", 6, 1, true},
				   {"hop limit", 7, 1, true},
				   {"source", 8, 16, false},
				   {"destination", 24, 16, false},
				   {NULL, 0, 0, false}};

static uint32_t value(const uint8_t *at, uint32_t size)
{
	return size == 1 ? at[0] : (uint32_t)at[0] << 8 | at[1];
}

static void add(char *buf, size_t size, const char *what)
{
	text_append(buf, size, "%s%s", *buf ? ", " : "", what);
}

static void compare(const struct field *f, const uint8_t *in, uint32_t n, const uint8_t *out,
		    uint32_t m, char *buf, size_t size)
{
	for (; f->name; f++) {
		uint32_t end = f->off + f->size;

		if (end > n || end > m || !memcmp(in + f->off, out + f->off, f->size))
			continue;
		add(buf, size, f->name);
		if (f->number)
			text_append(buf, size, " %u to %u", value(in + f->off, f->size),
				    value(out + f->off, f->size));
	}
}

/* How long the Ethernet header is, with its tag; and the type behind it. */
static uint32_t header(const uint8_t *frame, uint32_t n, uint32_t *type, uint32_t *vlan)
{
	*type = value(frame + 12, 2);
	*vlan = 0;
	if (*type != 0x8100 || n < 18)
		return 14;
	*vlan = value(frame + 14, 2) & 0xfff;
	*type = value(frame + 16, 2);
	return 18;
}

void trace_changes(const uint8_t *in, uint32_t n, const uint8_t *out, uint32_t m, char *buf,
		   size_t size)
{
	uint32_t type[2], vlan[2];

	*buf = 0;
	if (n < 14 || m < 14)
		return;
	compare(ether, in, n, out, m, buf, size);
	uint32_t a = header(in, n, &type[0], &vlan[0]), b = header(out, m, &type[1], &vlan[1]);
	if (a != b)
		add(buf, size, a < b ? "VLAN tag added" : "VLAN tag removed");
	else if (vlan[0] != vlan[1])
		add(buf, size, "VLAN");
	if (type[0] != type[1]) {
		add(buf, size, "ether type");
		return;
	}
	uint32_t head = type[0] == 0x0800 ? 20 : type[0] == 0x86dd ? 40 : 0;
	if (head)
		compare(head == 20 ? ip4 : ip6, in + a, n - a, out + b, m - b, buf, size);
	if (n - a != m - b)
		add(buf, size, "length");
	else if (n - a > head && memcmp(in + a + head, out + b + head, n - a - head) != 0)
		add(buf, size, "payload");
}
