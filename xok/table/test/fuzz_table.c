/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_table.c - tables whose memory somebody else wrote.
 *
 * The input is a specification, then either any header (tbl_check decides), or a good one; then steps: operations, and writes anywhere behind
 * the header and into its counters. Nothing may touch a byte outside the table (ASan), or take longer than the table is large.
 */
#include <stdlib.h>
#include <string.h>

#include "xok/table/table_int.h"

#define LIMIT (64u << 10) /* larger tables only cost time */

struct input {
	const uint8_t *p;
	size_t n;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t x = 0;

	for (; bytes && in->n; bytes--, in->n--)
		x = x << 8 | *in->p++;
	return x;
}

static bool visit(void *arg, const struct xok_table_update *u)
{
	uint64_t *n = arg;

	if (u->op != XOK_TABLE_SET)
		abort();
	++*n;
	return true;
}

/* What a hostile environment may have in its own frames, or a kernel's bug in its: anything but the geometry. */
static void scribble(struct input *in, uint8_t *mem, size_t bytes)
{
	struct tbl_header *h = (struct tbl_header *)mem;
	size_t at = TBL_PAGE + take(in, 3) % (bytes - TBL_PAGE), n = 1 + take(in, 1) % 64;
	uint8_t with = (uint8_t)take(in, 1);

	switch (take(in, 1) % 8) {
	case 0: h->used = (uint32_t)take(in, 4); break;
	case 1: h->free = (uint32_t)take(in, 4); break;
	case 2: h->hand = (uint32_t)take(in, 4); break;
	case 3: h->top = (uint32_t)take(in, 4); break;
	case 4: h->seq = (uint32_t)take(in, 1); break;
	case 5:
		for (; n && at < bytes; n--)
			mem[at++] = (uint8_t)take(in, 1);
		break;
	default: memset(&mem[at], with, n < bytes - at ? n : bytes - at); break;
	}
}

static void operate(struct input *in, uint8_t *mem)
{
	const struct xok_table_spec *s = tbl_spec(mem);
	struct xok_table_update u = {0};
	uint8_t value[4096];
	uint32_t head = (uint32_t)take(in, 1);
	uint64_t seen = 0, now = take(in, 4) << take(in, 1) % 32;

	for (unsigned i = 0; i < 18; i++)
		u.key[i] = (uint8_t)take(in, 1);
	u.number = (uint32_t)take(in, 3);
	u.op = 1 + take(in, 1) % 2;
	if (s->type == XOK_TABLE_LPM4)
		memset(&u.key[5], 0, 3);
	switch (take(in, 1) % 4) {
	case 0: tbl_update(mem, &u, now); break;
	case 1:
		tbl_hash_get(mem, u.key, value);
		tbl_lpm4_lookup(mem, u.number);
		tbl_lpm6_lookup(mem, u.key);
		break;
	case 2:
		tbl_bucket_take(mem, (uint32_t)take(in, 1), (uint32_t)take(in, 4), now);
		tbl_ring_put(mem, &head, value);
		if (s->type == XOK_TABLE_RING)
			tbl_ring_get(mem, value);
		break;
	default:
		tbl_each(mem, visit, &seen);
		if (seen > 16ull * s->entries)
			abort();
		tbl_used(mem);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct xok_table_spec s = {.type = (uint32_t)take(&in, 1) % 9};
	uint32_t ncpu = 1 + (uint32_t)take(&in, 1) % 3;
	bool any = take(&in, 1) % 16 == 0;
	uint8_t *mem;
	size_t bytes;

	s.flags = (uint32_t)take(&in, 1) % 2;
	s.key_size = (uint32_t)take(&in, 1) % 44;
	s.value_size = (uint32_t)take(&in, 1);
	s.entries = (uint32_t)take(&in, 2);
	bytes = tbl_size(&s, ncpu);
	if (!bytes || bytes > LIMIT)
		return 0;
	mem = aligned_alloc(4096, bytes);
	memset(mem, 0, bytes);
	tbl_init(mem, &s, ncpu, take(&in, 8));
	while (any && in.n > 64)
		mem[take(&in, 1) % sizeof(struct tbl_header)] = (uint8_t)take(&in, 1);
	if (!tbl_check(mem, bytes)) {
		if (!any)
			abort();
		free(mem);
		return 0;
	}
	for (unsigned steps = 0; in.n && steps < 200; steps++) {
		if (take(&in, 1) % 4 == 0 && bytes > TBL_PAGE)
			scribble(&in, mem, bytes);
		else
			operate(&in, mem);
	}
	free(mem);
	return 0;
}
