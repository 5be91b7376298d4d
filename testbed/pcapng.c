/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng.c - blocks are put together in memory, since each begins and ends with its length. */
#include "pcapng.h"

#include <string.h>

#define BLOCK 4096u

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6 };
enum { OPT_END, OPT_COMMENT };			     /* of any block */
enum { SHB_APPLICATION = 4 };			     /* of a section */
enum { IF_NAME = 2, IF_MAC = 6, IF_RESOLUTION = 9 }; /* of an interface */
enum { EPB_FLAGS = 2 };				     /* of a packet */
#define LINK_ETHERNET 1u
#define NANOSECONDS 9u /* as a power of ten */

struct block {
	uint32_t len;
	uint8_t at[BLOCK];
};

static void put(struct block *b, const void *data, uint32_t len)
{
	uint32_t padded = (len + 3) & ~3u;

	if (padded > BLOCK - b->len)
		return; /* who puts something in has bounded it */
	memset(b->at + b->len, 0, padded);
	if (len)
		memcpy(b->at + b->len, data, len);
	b->len += padded;
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	put32(b, type);
	put32(b, 0);
}

static bool end(FILE *f, struct block *b)
{
	uint32_t total = b->len + 4;

	put32(b, total);
	memcpy(b->at + 4, &total, sizeof(total));
	return fwrite(b->at, 1, b->len, f) == b->len;
}

static void option(struct block *b, uint16_t code, const void *value, size_t len)
{
	uint16_t cut = (uint16_t)(len < 512 ? len : 512);

	put(b, (const uint16_t[2]){code, cut}, 4);
	put(b, value, cut);
}

static void text_option(struct block *b, uint16_t code, const char *text)
{
	option(b, code, text, strlen(text));
}

bool pcapng_begin(FILE *f, const char *who, const struct pcapng_interface *i, uint32_t n)
{
	struct block b;

	begin(&b, SECTION);
	put32(&b, 0x1a2b3c4d);
	put(&b, (const uint16_t[2]){1, 0}, 4);
	put(&b, &(const uint64_t){UINT64_MAX}, 8); /* its length is not known */
	text_option(&b, SHB_APPLICATION, who);
	option(&b, OPT_END, NULL, 0);
	if (!end(f, &b))
		return false;
	for (const struct pcapng_interface *last = i + n; i < last; i++) {
		begin(&b, INTERFACE);
		put32(&b, LINK_ETHERNET);
		put32(&b, i->snap);
		text_option(&b, IF_NAME, i->name);
		option(&b, IF_MAC, i->mac, 6);
		option(&b, IF_RESOLUTION, &(const uint8_t){NANOSECONDS}, 1);
		option(&b, OPT_END, NULL, 0);
		if (!end(f, &b))
			return false;
	}
	return true;
}

bool pcapng_packet(FILE *f, const struct pcapng_packet *p)
{
	uint32_t captured = p->captured < BLOCK / 2 ? p->captured : BLOCK / 2;
	struct block b;

	begin(&b, PACKET);
	put32(&b, p->interface);
	put32(&b, (uint32_t)(p->time >> 32));
	put32(&b, (uint32_t)p->time);
	put32(&b, captured);
	put32(&b, p->len);
	put(&b, p->data, captured);
	if (p->comment && *p->comment)
		text_option(&b, OPT_COMMENT, p->comment);
	option(&b, EPB_FLAGS, &(const uint32_t){p->direction}, 4);
	option(&b, OPT_END, NULL, 0);
	return end(f, &b);
}
