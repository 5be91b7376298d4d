/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lpm.c - longest prefixes: a binary trie with path compression behind a root that is indexed by the first bits.
 *
 * Each node holds a prefix, or has two children, or both: N prefixes take at most 2N - 1 nodes of one size, whatever they are and in whatever
 * order they came and went, so that a table made for N prefixes takes N. (Multibit nodes with bitmaps are fewer levels, but their
 * children lie in runs of many sizes: the memory that surely suffices is several times as much; and each level counts bits, without an
 * instruction for it.) The root makes up for the levels: 2^bits slots, about as many as prefixes, each with the trie of the prefixes
 * that begin with these bits, and the longest of the shorter ones, which stand in a trie of their own, `top`. IPv6 has one slot: its
 * first bits tell little.
 *
 * Links are a node's index + 1, in 24 bits. A node's length is in the upper bits of its first link; those of other links are 0.
 */
#include <string.h>

#include "xok/table/table_int.h"

#define LINK 0xffffffu
#define NUMBER 0x1000000u /* numbers are below it */
#define NO_NUMBER UINT32_MAX
#define WORDS 4u

struct slot {
	uint32_t node;	/* link */
	uint32_t cover; /* length + 1 in the upper 8 bits, and number; 0: none */
};

struct node {
	uint32_t link[2]; /* by the bit that follows its prefix */
	uint32_t number;  /* or more than one can be: no number; or a free node */
	uint32_t key[];	  /* 1 or 4 words, the first bit the highest; zero behind the length */
};

struct prefix {
	uint32_t key[WORDS], len;
};

static struct node *node_at(const struct tbl_header *h, uint32_t link)
{
	return link - 1 < h->area[1].count ? tbl_unit(h, 1, link - 1) : NULL;
}

static uint32_t bit(const uint32_t *key, uint32_t i)
{
	return key[i / 32] >> (31 - i % 32) & 1;
}

/* Whether the first len bits are the node's, when the first `same` of them are. */
static inline bool covers(const struct node *n, uint32_t same, uint32_t len, const uint32_t *key,
			  uint32_t words)
{
	uint32_t w = words > 1 ? same / 32 : 0;

	for (; words > 1 && 32 * (w + 1) <= len; w++)
		if (TBL_LOAD(&n->key[w]) != key[w])
			return false;
	if (w == words)
		return true;
	return !((uint64_t)(TBL_LOAD(&n->key[w]) ^ key[w]) >> (32 - (len - 32 * w)));
}

/*
 * The number of the longest prefix of the trie that covers the key, or `best`. Lengths grow from node to node; where they do not, or are
 * impossible, this is not a trie, or one that changes.
 */
static inline uint32_t walk(const struct tbl_header *h, uint32_t link, const uint32_t *key,
			    uint32_t words, uint32_t best)
{
	const struct node *n;

	for (uint32_t least = 0; (n = node_at(h, link));) {
		uint32_t len = TBL_LOAD(&n->link[0]) >> 24, number;

		if (len < least || len > 32 * words || !covers(n, least, len, key, words))
			break;
		number = TBL_LOAD(&n->number);
		best = number < NUMBER ? number : best;
		if (len == 32 * words)
			break;
		link = TBL_LOAD(&n->link[bit(key, len)]) & LINK;
		least = len + 1;
	}
	return best;
}

static inline int32_t lookup(const struct tbl_header *h, const uint32_t *key, uint32_t words)
{
	const struct slot *s = tbl_unit(h, 0, (uint32_t)((uint64_t)key[0] >> (32 - h->bits)));

	for (uint32_t tries = TBL_TRIES; tries; tries--) {
		uint32_t seq = tbl_seq_read(&h->seq), cover = TBL_LOAD(&s->cover);
		uint32_t best = cover ? cover & LINK : NO_NUMBER;

		best = walk(h, TBL_LOAD(&s->node), key, words, best);
		if (tbl_seq_same(&h->seq, seq))
			return best == NO_NUMBER ? TBL_NONE : (int32_t)best;
	}
	return TBL_NONE;
}

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int32_t tbl_lpm4_lookup(const void *mem, uint32_t address)
{
	const struct tbl_header *h = mem;

	return h->spec.type == XOK_TABLE_LPM4 ? lookup(h, &address, 1) : TBL_NONE;
}

int32_t tbl_lpm6_lookup(const void *mem, const uint8_t address[16])
{
	const struct tbl_header *h = mem;
	uint32_t key[WORDS];

	for (uint32_t i = 0; i < WORDS; i++)
		key[i] = big32(&address[4 * i]);
	return h->spec.type == XOK_TABLE_LPM6 ? lookup(h, key, WORDS) : TBL_NONE;
}

/* ---- changes ---- */

static uint32_t words_of(const struct tbl_header *h)
{
	return h->spec.type == XOK_TABLE_LPM4 ? 1 : WORDS;
}

static uint32_t node_len(const struct node *n)
{
	return n->link[0] >> 24;
}

static void set_link(uint32_t *at, uint32_t link)
{
	__atomic_store_n(at, (*at & ~LINK) | link, __ATOMIC_RELEASE);
}

/* How many bits the keys have in common, `max` at most. */
static uint32_t common(const uint32_t *a, const uint32_t *b, uint32_t max)
{
	for (uint32_t i = 0; 32 * i < max; i++) {
		uint32_t n = 32 * i;

		if (a[i] == b[i])
			continue;
		n += (uint32_t)__builtin_clz(a[i] ^ b[i]);
		return n < max ? n : max;
	}
	return max;
}

static struct slot *slot_of(const struct tbl_header *h, const struct prefix *p)
{
	return tbl_unit(h, 0, (uint32_t)((uint64_t)p->key[0] >> (32 - h->bits)));
}

/* Where a prefix is or would be: the link to the node that begins with it, or to where it differs; and the link to the node before. */
struct place {
	uint32_t *at, *up;
	struct node *node; /* at the end of `at`, or NULL */
	bool exact;
};

static struct place find(struct tbl_header *h, const struct prefix *p)
{
	struct place f = {.at = p->len < h->bits ? &h->top : &slot_of(h, p)->node};

	for (uint32_t steps = 0; steps <= 32 * WORDS; steps++) {
		uint32_t len, least;

		f.node = node_at(h, *f.at & LINK);
		if (!f.node)
			break;
		len = node_len(f.node);
		least = len < p->len ? len : p->len;
		if (common(f.node->key, p->key, least) < len)
			break;
		f.exact = len == p->len;
		if (f.exact)
			break;
		f.up = f.at;
		f.at = &f.node->link[bit(p->key, len)];
	}
	return f;
}

/* A new node, outside the trie as yet: the first len bits of the prefix. */
static uint32_t make_node(struct tbl_header *h, const struct prefix *p, uint32_t len,
			  uint32_t number)
{
	int32_t i = tbl_alloc(h);
	struct node *n;

	if (i < 0)
		return 0;
	n = tbl_unit(h, 1, (uint32_t)i);
	TBL_STORE(&n->link[0], len << 24);
	TBL_STORE(&n->link[1], 0u);
	TBL_STORE(&n->number, number);
	for (uint32_t w = 0; w < words_of(h); w++) {
		uint32_t left = len > 32 * w ? len - 32 * w : 0;
		uint32_t mask = left >= 32 ? UINT32_MAX : ~(UINT32_MAX >> left);

		TBL_STORE(&n->key[w], p->key[w] & mask);
	}
	return (uint32_t)i + 1;
}

static void give_node(struct tbl_header *h, uint32_t link)
{
	if (node_at(h, link))
		tbl_give(h, link - 1);
}

/* Puts a new node at a place where none, or a longer prefix, or a different one is. */
static int insert(struct tbl_header *h, const struct place *f, const struct prefix *p,
		  uint32_t number)
{
	uint32_t leaf = make_node(h, p, p->len, number), above = leaf;
	uint32_t len = p->len;

	if (!leaf)
		return TBL_ENOMEM;
	if (f->node) {
		uint32_t old = node_len(f->node);

		len = common(f->node->key, p->key, old < len ? old : len);
	}
	if (len < p->len && f->node) {
		above = make_node(h, p, len, NO_NUMBER);
		if (!above) {
			give_node(h, leaf);
			return TBL_ENOMEM;
		}
		set_link(&node_at(h, above)->link[bit(p->key, len)], leaf);
	}
	if (f->node && len < 32 * words_of(h))
		set_link(&node_at(h, above)->link[bit(f->node->key, len)], *f->at & LINK);
	set_link(f->at, above);
	return 0;
}

/* Takes the number from the node, and the node from the trie if nothing needs it any more, and the one above likewise. */
static void clear(struct tbl_header *h, const struct place *f)
{
	uint32_t a = f->node->link[0] & LINK, b = f->node->link[1] & LINK, link = *f->at & LINK;
	struct node *above = f->up ? node_at(h, *f->up & LINK) : NULL;

	TBL_STORE(&f->node->number, NO_NUMBER);
	if (a && b)
		return;
	set_link(f->at, a | b);
	give_node(h, link);
	if (a || b || !above || above->number < NUMBER)
		return;
	link = *f->up & LINK;
	set_link(f->up, (above->link[0] | above->link[1]) & LINK);
	give_node(h, link);
}

/* What covers a prefix in this trie, it or a shorter one, as a slot has it; `cover` if nothing does. */
static uint32_t cover_in(const struct tbl_header *h, uint32_t link, const struct prefix *p,
			 uint32_t cover)
{
	const struct node *n;

	for (uint32_t steps = 0; steps <= 32 && (n = node_at(h, link)); steps++) {
		uint32_t len = node_len(n);

		if (len > p->len || common(n->key, p->key, len) < len)
			break;
		if (n->number < NUMBER)
			cover = (len + 1) << 24 | n->number;
		if (len == p->len)
			break;
		link = n->link[bit(p->key, len)] & LINK;
	}
	return cover;
}

/* What covers the slots of a short prefix now: it, or the next shorter one. */
static uint32_t cover_of(const struct tbl_header *h, const struct prefix *p)
{
	return cover_in(h, h->top, p, 0);
}

/* Short prefixes: renews the slots for which it is, or was, the longest one. */
static void cover_slots(struct tbl_header *h, const struct prefix *p)
{
	uint32_t cover = cover_of(h, p), n = 1u << (h->bits - p->len);
	struct slot *s = slot_of(h, p);

	for (uint32_t i = 0; i < n; i++)
		if (s[i].cover >> 24 <= p->len + 1)
			TBL_STORE(&s[i].cover, cover);
}

static int set(struct tbl_header *h, const struct prefix *p, uint32_t number)
{
	struct place f = find(h, p);
	bool more = !f.exact || f.node->number >= NUMBER;
	int err = 0;

	if (number >= NUMBER)
		return TBL_EINVAL;
	if (more && h->used >= h->spec.entries)
		return TBL_ENOMEM;
	tbl_seq_begin(&h->seq);
	if (f.exact)
		TBL_STORE(&f.node->number, number);
	else
		err = insert(h, &f, p, number);
	if (!err && p->len < h->bits)
		cover_slots(h, p);
	tbl_seq_end(&h->seq);
	if (!err && more)
		TBL_STORE(&h->used, h->used + 1);
	return err;
}

static int delete (struct tbl_header *h, const struct prefix *p)
{
	struct place f = find(h, p);

	if (!f.exact || f.node->number >= NUMBER)
		return TBL_ENOENT;
	tbl_seq_begin(&h->seq);
	clear(h, &f);
	if (p->len < h->bits)
		cover_slots(h, p);
	tbl_seq_end(&h->seq);
	TBL_STORE(&h->used, h->used - 1);
	return 0;
}

/* False: not a prefix of the table's family, longer than an address, or with bits behind its length. */
static bool load_prefix(const struct tbl_header *h, uint32_t type, const uint8_t *address,
			uint32_t len, struct prefix *p)
{
	*p = (struct prefix){.len = len};
	if (h->spec.type != type || len > 32 * words_of(h))
		return false;
	for (uint32_t i = 0; i < words_of(h); i++)
		p->key[i] = big32(&address[4 * i]);
	for (uint32_t i = len; i < 32 * words_of(h); i++)
		if (bit(p->key, i))
			return false;
	return true;
}

static int change(void *mem, uint32_t type, const uint8_t *address, uint32_t len, bool add,
		  uint32_t number)
{
	struct prefix p;

	if (!load_prefix(mem, type, address, len, &p))
		return TBL_EINVAL;
	return add ? set(mem, &p, number) : delete (mem, &p);
}

int tbl_lpm4_set(void *mem, const struct xok_prefix4 *p, uint32_t number)
{
	return change(mem, XOK_TABLE_LPM4, p->address, p->len, true, number);
}

int tbl_lpm4_delete(void *mem, const struct xok_prefix4 *p)
{
	return change(mem, XOK_TABLE_LPM4, p->address, p->len, false, 0);
}

int tbl_lpm6_set(void *mem, const struct xok_prefix6 *p, uint32_t number)
{
	return change(mem, XOK_TABLE_LPM6, p->address, p->len, true, number);
}

int tbl_lpm6_delete(void *mem, const struct xok_prefix6 *p)
{
	return change(mem, XOK_TABLE_LPM6, p->address, p->len, false, 0);
}

int32_t tbl_lpm4_cover(const void *mem, const struct xok_prefix4 *prefix, uint32_t *len)
{
	const struct tbl_header *h = mem;
	uint32_t cover;
	struct prefix p;

	if (!load_prefix(h, XOK_TABLE_LPM4, prefix->address, prefix->len, &p) || !p.len)
		return TBL_NONE;
	p.len--;
	cover = cover_in(h, h->top, &p, 0);
	if (p.len >= h->bits)
		cover = cover_in(h, slot_of(h, &p)->node, &p, cover);
	if (!cover)
		return TBL_NONE;
	*len = (cover >> 24) - 1;
	return (int32_t)(cover & LINK);
}

/* ---- behind struct tbl_lpm_ops ---- */

static void *own_create(void *machine, void *mem)
{
	(void)machine;
	return mem;
}

static void own_destroy(void *self)
{
	(void)self;
}

static int own_change(void *self, const struct xok_table_update *u, bool add)
{
	const struct tbl_header *h = self;
	bool wide = h->spec.type == XOK_TABLE_LPM6;
	uint32_t len;

	memcpy(&len, &u->key[wide ? 16 : 4], sizeof(len));
	return change(self, wide ? XOK_TABLE_LPM6 : XOK_TABLE_LPM4, u->key, len, add, u->number);
}

static int own_set(void *self, const struct xok_table_update *u)
{
	return own_change(self, u, true);
}

static int own_remove(void *self, const struct xok_table_update *u)
{
	return own_change(self, u, false);
}

const struct tbl_lpm_ops tbl_lpm = {
	.create = own_create,
	.destroy = own_destroy,
	.set = own_set,
	.remove = own_remove,
	.lookup4 = tbl_lpm4_lookup,
	.lookup6 = tbl_lpm6_lookup,
};

/* ---- for tools ---- */

static bool read_node(const struct tbl_header *h, const struct node *n, uint32_t *key,
		      uint32_t *len, uint32_t *number)
{
	for (uint32_t tries = TBL_TRIES; tries; tries--) {
		uint32_t seq = tbl_seq_read(&h->seq);

		*len = TBL_LOAD(&n->link[0]) >> 24;
		*number = TBL_LOAD(&n->number);
		for (uint32_t w = 0; w < words_of(h); w++)
			key[w] = TBL_LOAD(&n->key[w]);
		if (tbl_seq_same(&h->seq, seq))
			return *number < NUMBER && *len <= 32 * words_of(h);
	}
	return false;
}

void lpm_each(const struct tbl_header *h, tbl_visit *fn, void *arg)
{
	uint32_t n = TBL_LOAD(&h->fresh), bytes = 4 * words_of(h);

	for (uint32_t i = 0; i < n && i < h->area[1].count; i++) {
		struct xok_table_update u = {.op = XOK_TABLE_SET};
		uint32_t key[WORDS], len;

		if (!read_node(h, tbl_unit(h, 1, i), key, &len, &u.number))
			continue;
		for (uint32_t b = 0; b < bytes; b++)
			u.key[b] = (uint8_t)(key[b / 4] >> (24 - 8 * (b % 4)));
		memcpy(&u.key[bytes], &len, sizeof(len));
		if (!fn(arg, &u))
			return;
	}
}
