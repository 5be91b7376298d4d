/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib4.c - IPv4: a root with an entry for each of the first 24 bits, and behind it, where prefixes are longer, groups of 16 entries for four
 * bits each (DIR-24-8-BASIC of Gupta, Lin and McKeown 1998, with the last 8 bits cut in two: a group is a cache line then, and a
 * million host routes that have nothing in common take 128 MiB and not a gigabyte).
 *
 * An entry is a group's index with GROUP set; or the number of the longest prefix that covers its addresses and is no longer than the entry's
 * depth, with the prefix's length + 1 above it, by which changes know what is theirs; or 0. The prefix of length 0 is not here.
 */
#include "xok/linux/fib_int.h"

#define GROUP 0x80000000u
#define NUMBER 0xffffffu
#define ROOT_BITS 24u
#define STRIDE 4u
#define WIDTH 16u

_Static_assert(sizeof(uint32_t) * WIDTH == FIB_GROUP, "one cache line");

static uint32_t *group_at(const struct fib *f, uint32_t entry)
{
	return (uint32_t *)f->group.base + (size_t)(entry & ~GROUP) * WIDTH;
}

int32_t fib4_lookup(const void *self, uint32_t address)
{
	const struct fib *f = self;
	uint32_t e = FIB_LOAD(&f->root[address >> 8]);

	if (e & GROUP) {
		e = FIB_LOAD(&group_at(f, e)[address >> 4 & 15]);
		if (e & GROUP)
			e = FIB_LOAD(&group_at(f, e)[address & 15]);
	}
	return e ? (int32_t)(e & NUMBER) : FIB_LOAD(&f->fallback);
}

void fib4_prefetch(const void *self, uint32_t address)
{
	const struct fib *f = self;

	__builtin_prefetch(&f->root[address >> 8]);
}

/* ---- changes ---- */

/* An entry that covers everything with one prefix becomes a group that does. */
static void split(struct fib *f, uint32_t *entry)
{
	uint32_t index = fib_take(f, &f->group), *e = fib_unit(&f->group, index);

	for (uint32_t i = 0; i < WIDTH; i++)
		e[i] = *entry;
	FIB_STORE(entry, GROUP | index);
}

/* The reverse, when the group behind an entry of this depth has come to hold nothing longer. */
static void fold(struct fib *f, uint32_t *entry, uint32_t depth)
{
	const uint32_t *e = group_at(f, *entry);
	uint32_t index = *entry & ~GROUP;

	if ((e[0] & GROUP) || e[0] >> ROOT_BITS > depth + 1)
		return;
	for (uint32_t i = 1; i < WIDTH; i++)
		if (e[i] != e[0])
			return;
	FIB_STORE(entry, e[0]);
	fib_give(f, &f->group, index);
}

/* Of n entries and all behind them, those whose prefix is no longer than `len` get the new one. */
static void paint(struct fib *f, uint32_t *entry, uint32_t n, uint32_t len, uint32_t with)
{
	for (uint32_t i = 0; i < n; i++) {
		if (entry[i] & GROUP)
			paint(f, group_at(f, entry[i]), WIDTH, len, with);
		else if (entry[i] >> ROOT_BITS <= len + 1)
			FIB_STORE(&entry[i], with);
	}
}

/*
 * The addresses of a prefix that no longer one covers get an entry. To set: its own. To remove: that of the next shorter prefix; what had a
 * shorter one before has none of the prefix's addresses.
 */
static void change(struct fib *f, const struct xok_prefix4 *p, uint32_t with)
{
	uint32_t address = (uint32_t)p->address[0] << 24 | (uint32_t)p->address[1] << 16 |
			   (uint32_t)p->address[2] << 8 | p->address[3];
	uint32_t *entry = &f->root[address >> 8], *up[2], depth = ROOT_BITS, n = 0;

	for (; p->len > depth; depth += STRIDE) {
		if (!(*entry & GROUP))
			split(f, entry);
		up[n++] = entry;
		entry = &group_at(f, *entry)[address >> (28 - depth) & 15];
	}
	paint(f, entry, 1u << (depth - p->len), p->len, with);
	while (n--) {
		depth -= STRIDE;
		fold(f, up[n], depth);
	}
}

void fib4_set(struct fib *f, const struct xok_prefix4 *p, uint32_t number)
{
	change(f, p, (p->len + 1) << ROOT_BITS | number);
}

void fib4_remove(struct fib *f, const struct xok_prefix4 *p)
{
	uint32_t len;
	int32_t number = tbl_lpm4_cover(f->mem, p, &len);

	change(f, p, number < 0 || !len ? 0 : (len + 1) << ROOT_BITS | (uint32_t)number);
}
