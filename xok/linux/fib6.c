/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib6.c - IPv6: a root with an entry for each of the first 20 bits, behind it a trie of groups that tell 16 ways by four bits, but only where
 * prefixes differ, and at its ends leaves, the prefixes themselves.
 *
 * An entry is 0, a leaf, or a group and the nibble that it goes by; the nibbles between are skipped. So an address may come to a leaf that does
 * not cover it: it is compared there, and goes on to the leaf's parent, the next shorter prefix, until one does. That gives the longest
 * prefix P of the address A. For let L be the leaf that A comes to. All prefixes below an entry that A went through agree in the nibbles
 * that were skipped. If A agrees with them, too, as far as P reaches, then P covers L or is L, and is in the chain of L's parents; if not, P itself would differ
 * from them there, and a group would go by that nibble.
 *
 * What an entry leads to: of the prefixes that begin with the bits up to the entry and are longer, none, and it is the longest of the shorter
 * ones that cover all of it, or 0; or some, each the parent of the next, and it is the last of them; or others, and it is a group at the
 * first nibble where they differ. So every group tells two prefixes apart that do not cover each other. The prefix of length 0 is not here.
 */
#include "xok/linux/fib_int.h"

#define GROUP 0x80000000u
#define SECOND_HALF 0x40000000u /* of a group: its nibble is the 16th or a later one */
#define INDEX 0x3ffffffu
#define ROOT_BITS 20u
#define WIDTH 16u
#define NUMBER 0xffffffu

struct leaf {
	uint64_t hi, lo; /* the first bit the highest */
	uint64_t mask;	 /* of hi: the bits that count */
	uint32_t parent; /* the longest prefix that covers this one, or 0 */
	uint32_t info;	 /* length in the upper 8 bits, number */
};

_Static_assert(sizeof(struct leaf) == FIB_LEAF, "two to a cache line, none in two");
_Static_assert(sizeof(uint32_t) * WIDTH == FIB_GROUP, "one cache line");

static uint64_t big64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static uint32_t *group_at(const struct fib *f, uint32_t entry)
{
	return (uint32_t *)f->group.base + (size_t)(entry & INDEX) * WIDTH;
}

static struct leaf *leaf_at(const struct fib *f, uint32_t index)
{
	return (struct leaf *)f->leaf.base + index;
}

/* The nibble that a group goes by. */
static uint32_t nibble_of(uint32_t entry)
{
	return entry >> 26 & 31;
}

/*
 * Of an address the nibble that a group goes by: nibble n is (60 - 4n) modulo 64 bits up in its half. The entry has n from bit 26 on, so that 4n is what its
 * highest octet has without its two lowest bits; and minus four less that is the complement of the octet with those bits set.
 */
static inline uint32_t nibble(uint64_t hi, uint64_t lo, uint32_t entry)
{
	return (entry & SECOND_HALF ? lo : hi) >> (~(entry >> 24 | 3) & 63) & 15;
}

static bool covers(const struct leaf *l, uint64_t hi, uint64_t lo)
{
	uint32_t len = FIB_LOAD(&l->info) >> 24;

	if ((l->hi ^ hi) & l->mask)
		return false;
	return len <= 64 || !((l->lo ^ lo) >> (128 - len));
}

/*
 * From a group to what it leads to, from anything else nowhere, without a branch: with few prefixes some addresses have one group on their way and
 * others none, and no processor guesses which. Group 0 is nobody's.
 */
static inline uint32_t step(const struct fib *f, uint32_t e, uint64_t hi, uint64_t lo)
{
	uint32_t group = e & GROUP ? UINT32_MAX : 0;
	uint32_t next = FIB_LOAD(&group_at(f, e & group)[nibble(hi, lo, e)]);

	return (next & group) | (e & ~group);
}

/* The longest prefix that covers an address, or 0. */
static inline uint32_t find(const struct fib *f, uint64_t hi, uint64_t lo)
{
	uint32_t e = FIB_LOAD(&f->root[hi >> (64 - ROOT_BITS)]);

	if (!FIB_LOAD(&f->cold))
		e = step(f, e, hi, lo);
	while (e & GROUP)
		e = FIB_LOAD(&group_at(f, e)[nibble(hi, lo, e)]);
	while (e && !covers(leaf_at(f, e), hi, lo))
		e = FIB_LOAD(&leaf_at(f, e)->parent);
	return e;
}

int32_t fib6_lookup(const void *self, const uint8_t address[16])
{
	const struct fib *f = self;
	uint32_t leaf = find(f, big64(address), big64(address + 8));

	if (!leaf)
		return FIB_LOAD(&f->fallback);
	return (int32_t)(FIB_LOAD(&leaf_at(f, leaf)->info) & NUMBER);
}

/*
 * In a large table the first load is only one of several that miss the caches, each of which waits for the one before. Done here for all packets of a
 * burst, whose ways do not depend on each other, they overlap.
 */
void fib6_prefetch(const void *self, const uint8_t address[16])
{
	const struct fib *f = self;
	uint64_t hi = big64(address), lo;
	const uint32_t *root = &f->root[hi >> (64 - ROOT_BITS)];
	uint32_t e;

	if (!FIB_LOAD(&f->large)) {
		__builtin_prefetch(root);
		return;
	}
	lo = big64(address + 8);
	e = FIB_LOAD(root);
	while (e & GROUP)
		e = FIB_LOAD(&group_at(f, e)[nibble(hi, lo, e)]);
	__builtin_prefetch(leaf_at(f, e));
}

/* ---- changes ---- */

/* Leaf 0, which is none, has length 0. */
static uint32_t len_of(const struct fib *f, uint32_t leaf)
{
	return leaf_at(f, leaf)->info >> 24;
}

/* The first of a leaf and its parents that is no longer than that. */
static uint32_t at_most(const struct fib *f, uint32_t leaf, uint32_t len)
{
	while (leaf && len_of(f, leaf) > len)
		leaf = leaf_at(f, leaf)->parent;
	return leaf;
}

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How many bits two prefixes have in common. */
static uint32_t common(const struct fib *f, uint32_t a, uint32_t b)
{
	const struct leaf *x = leaf_at(f, a), *y = leaf_at(f, b);
	uint32_t n = 128;

	if (x->hi != y->hi)
		n = (uint32_t)__builtin_clzll(x->hi ^ y->hi);
	else if (x->lo != y->lo)
		n = 64 + (uint32_t)__builtin_clzll(x->lo ^ y->lo);
	return min(n, min(len_of(f, a), len_of(f, b)));
}

static uint32_t leaf_nibble(const struct fib *f, uint32_t leaf, uint32_t n)
{
	return nibble(leaf_at(f, leaf)->hi, leaf_at(f, leaf)->lo, n << 26);
}

/* One of the longer prefixes behind an entry, of which all have the bits before its group. A shorter one is among them only as what covers. */
static uint32_t some_leaf(const struct fib *f, uint32_t entry)
{
	while (entry & GROUP) {
		const uint32_t *e = group_at(f, entry);
		uint32_t bits = 4 * nibble_of(entry), i = 0;

		while (!(e[i] & GROUP) && len_of(f, e[i]) <= bits)
			i++;
		entry = e[i];
	}
	return entry;
}

/* What covers way i of a group that goes by nibble n: the longest of a leaf and its parents that covers all of it. */
static uint32_t cover_of(const struct fib *f, uint32_t leaf, uint32_t n, uint32_t i)
{
	uint32_t bits = 4 * n + 4;

	for (leaf = at_most(f, leaf, bits); leaf; leaf = leaf_at(f, leaf)->parent) {
		uint32_t len = len_of(f, leaf);

		if (len + 4 <= bits || !((leaf_nibble(f, leaf, n) ^ i) >> (bits - len)))
			break;
	}
	return leaf;
}

/* Puts a group that goes by nibble n between an entry and what is behind it. */
static void branch(struct fib *f, uint32_t *entry, uint32_t n)
{
	uint32_t index = fib_take(f, &f->group), *e = fib_unit(&f->group, index);
	uint32_t some = some_leaf(f, *entry);

	for (uint32_t i = 0; i < WIDTH; i++)
		e[i] = cover_of(f, some, n, i);
	e[leaf_nibble(f, some, n)] = *entry;
	FIB_STORE(entry, GROUP | n << 26 | index);
}

/* All that a new leaf covers behind an entry: what is longer has it among its parents, what is shorter makes room. */
static void cover(struct fib *f, uint32_t *entry, uint32_t leaf)
{
	uint32_t e = *entry, len = len_of(f, leaf);

	if (e & GROUP) {
		for (uint32_t i = 0; i < WIDTH; i++)
			cover(f, &group_at(f, e)[i], leaf);
	} else if (len_of(f, e) < len) {
		FIB_STORE(entry, leaf);
	} else if (e != leaf) {
		while (len_of(f, leaf_at(f, e)->parent) > len)
			e = leaf_at(f, e)->parent;
		FIB_STORE(&leaf_at(f, e)->parent, leaf);
	}
}

/* And when it goes again. */
static void uncover(struct fib *f, uint32_t *entry, uint32_t leaf)
{
	uint32_t e = *entry, next = leaf_at(f, leaf)->parent;

	if (e & GROUP) {
		for (uint32_t i = 0; i < WIDTH; i++)
			uncover(f, &group_at(f, e)[i], leaf);
		return;
	}
	if (e == leaf) {
		FIB_STORE(entry, next);
		return;
	}
	while (e && leaf_at(f, e)->parent != leaf)
		e = leaf_at(f, e)->parent;
	if (e)
		FIB_STORE(&leaf_at(f, e)->parent, next);
}

/* Takes the group behind an entry away when all ways but one lead only to what covers that one. */
static void fold(struct fib *f, uint32_t *entry)
{
	const uint32_t *e = group_at(f, *entry);
	uint32_t stay = 0, index = *entry & INDEX, leaf;

	for (uint32_t i = 0; i < WIDTH; i++) {
		if ((e[i] & GROUP) && (stay & GROUP))
			return;
		if (!(stay & GROUP) && ((e[i] & GROUP) || len_of(f, e[i]) > len_of(f, stay)))
			stay = e[i];
	}
	leaf = some_leaf(f, stay);
	for (uint32_t i = 0; i < WIDTH; i++)
		if (e[i] != stay && at_most(f, leaf, len_of(f, e[i] & GROUP ? 0 : e[i])) != e[i])
			return;
	FIB_STORE(entry, stay);
	fib_give(f, &f->group, index);
}

/* The entries that a prefix covers, in one table: n from `entry` on; and the entries that lead to groups on the way, the root's first. */
struct span {
	uint32_t *entry, n;
	uint32_t *up[32], nup;
};

/* All the ways of the group, or those that begin with the prefix, which is longer than what the group has in common. */
static void span_in(const struct fib *f, struct span *s, uint32_t *entry, uint32_t leaf)
{
	uint32_t n = nibble_of(*entry), len = len_of(f, leaf);

	s->up[s->nup++] = entry;
	s->entry = group_at(f, *entry);
	s->n = len <= 4 * n ? WIDTH : 1u << (4 * n + 4 - len);
	if (len > 4 * n)
		s->entry += leaf_nibble(f, leaf, n);
}

/*
 * Goes to where the prefix is, making groups where it leaves the trie's ways (`grow`), which a prefix that is in it never does. One entry, if it is
 * shorter than the prefix: then it has a leaf or nothing behind it.
 */
static void locate(struct fib *f, struct span *s, uint32_t leaf, bool grow)
{
	uint32_t len = len_of(f, leaf);

	*s = (struct span){.n = 1};
	s->entry = &f->root[leaf_at(f, leaf)->hi >> (64 - ROOT_BITS)];
	if (len <= ROOT_BITS) {
		s->n = 1u << (ROOT_BITS - len);
		return;
	}
	for (uint32_t e = *s->entry; e; e = *s->entry) {
		uint32_t same = grow ? common(f, leaf, some_leaf(f, e)) : len;
		uint32_t n = e & GROUP ? nibble_of(e) : 32;

		if (grow && same < len && same < 4 * n && (e & GROUP || same < len_of(f, e))) {
			branch(f, s->entry, same / 4);
			continue;
		}
		if (!(e & GROUP))
			return;
		if (len <= 4 * n + 4) {
			span_in(f, s, s->entry, leaf);
			return;
		}
		s->up[s->nup++] = s->entry;
		s->entry = &group_at(f, e)[leaf_nibble(f, leaf, n)];
	}
}

static struct leaf leaf_from(const struct xok_prefix6 *p, uint32_t number)
{
	uint64_t mask = p->len < 64 ? ~(UINT64_MAX >> p->len) : UINT64_MAX;

	return (struct leaf){.hi = big64(p->address),
			     .lo = big64(p->address + 8),
			     .mask = mask,
			     .info = p->len << 24 | number};
}

/* The longest prefix that covers this one, it itself included. */
static uint32_t nearest(const struct fib *f, const struct leaf *l)
{
	return at_most(f, find(f, l->hi, l->lo), l->info >> 24);
}

void fib6_set(struct fib *f, const struct xok_prefix6 *p, uint32_t number)
{
	struct leaf new = leaf_from(p, number);
	uint32_t leaf;
	struct span s;

	new.parent = nearest(f, &new);
	if (new.parent && len_of(f, new.parent) == p->len) {
		FIB_STORE(&leaf_at(f, new.parent)->info, new.info);
		return;
	}
	leaf = fib_take(f, &f->leaf);
	*leaf_at(f, leaf) = new;
	locate(f, &s, leaf, true);
	for (uint32_t i = 0; i < s.n; i++)
		cover(f, &s.entry[i], leaf);
}

void fib6_remove(struct fib *f, const struct xok_prefix6 *p)
{
	struct leaf l = leaf_from(p, 0);
	uint32_t leaf = nearest(f, &l);
	struct span s;

	locate(f, &s, leaf, false);
	for (uint32_t i = 0; i < s.n; i++)
		uncover(f, &s.entry[i], leaf);
	while (s.nup--)
		fold(f, s.up[s.nup]);
	fib_give(f, &f->leaf, leaf);
}
