/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c - the hash: chains of at most TBL_CHAIN entries, most recently set first.
 *
 * Each chain has a sequence number (table_int.h). A set makes a new entry, at the front of the chain, and then takes the old one out, so that
 * there is a whole one at any time. Keys and values are whole words, padded with zero bytes.
 */
#include <string.h>

#include "xok/table/table_int.h"

#define KEY_WORDS (XOK_TABLE_KEY / 8u)
#define VALUE_WORDS (XOK_TABLE_VALUE / 8u)

struct chain {
	uint32_t seq, first; /* an entry's index + 1; 0: empty */
};

struct entry {
	uint32_t next;	 /* as first */
	uint32_t chain;	 /* its index, or TBL_FREE and the list of free ones */
	uint64_t word[]; /* key, value */
};

static uint32_t key_words(const struct tbl_header *h)
{
	return (h->spec.key_size + 7) / 8;
}

static uint32_t value_words(const struct tbl_header *h)
{
	return (h->spec.value_size + 7) / 8;
}

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein) over whole words; all keys of a table are of one length. */
static uint32_t chain_of(const struct tbl_header *h, const uint64_t *key)
{
	uint64_t k0 = h->seed, k1 = rotate(h->seed, 29) ^ UINT64_C(0x9e3779b97f4a7c15);
	uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
			 k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};

	for (uint32_t i = 0; i < key_words(h); i++) {
		v[3] ^= key[i];
		sip_round(v);
		v[0] ^= key[i];
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(((v[0] ^ v[1] ^ v[2] ^ v[3]) >> 32) * h->area[0].count >> 32);
}

/* The entry that a link names, or NULL. */
static struct entry *entry_at(const struct tbl_header *h, uint32_t link)
{
	return link - 1 < h->area[1].count ? tbl_unit(h, 1, link - 1) : NULL;
}

/* Where a search ended: the link to the entry of the key, or 0; how long the chain is, and its last link. */
struct found {
	uint32_t link, length, last;
};

static struct found find(const struct tbl_header *h, const struct chain *c, const uint64_t *key)
{
	struct found f = {0};
	const struct entry *e;

	for (uint32_t link = TBL_LOAD(&c->first); f.length < TBL_CHAIN && (e = entry_at(h, link));
	     link = TBL_LOAD(&e->next)) {
		uint32_t i = 0;

		f.length++;
		f.last = link;
		while (i < key_words(h) && TBL_LOAD(&e->word[i]) == key[i])
			i++;
		if (i == key_words(h)) {
			f.link = link;
			break;
		}
	}
	return f;
}

static void load_key(const struct tbl_header *h, const void *key, uint64_t *words)
{
	memset(words, 0, KEY_WORDS * 8);
	memcpy(words, key, h->spec.key_size);
}

int tbl_hash_get(const void *mem, const void *key, void *value)
{
	const struct tbl_header *h = mem;
	uint64_t k[KEY_WORDS], v[VALUE_WORDS];
	const struct chain *c;

	if (h->spec.type != XOK_TABLE_HASH)
		return TBL_EINVAL;
	load_key(h, key, k);
	c = tbl_unit(h, 0, chain_of(h, k));
	for (uint32_t tries = TBL_TRIES; tries; tries--) {
		uint32_t seq = tbl_seq_read(&c->seq);
		uint32_t link = find(h, c, k).link;
		const struct entry *e = entry_at(h, link);

		for (uint32_t i = 0; e && i < value_words(h); i++)
			v[i] = TBL_LOAD(&e->word[key_words(h) + i]);
		if (!tbl_seq_same(&c->seq, seq))
			continue;
		if (!e)
			return TBL_ENOENT;
		memcpy(value, v, h->spec.value_size);
		return 0;
	}
	return TBL_ENOENT;
}

/* Takes an entry out of its chain, which may be one too long for a moment, and gives it back. */
static void remove_entry(struct tbl_header *h, struct chain *c, uint32_t link)
{
	uint32_t *at = &c->first;
	struct entry *e;

	tbl_seq_begin(&c->seq);
	for (uint32_t n = 0; n <= TBL_CHAIN && (e = entry_at(h, *at)); n++, at = &e->next) {
		if (*at != link)
			continue;
		TBL_STORE(at, e->next);
		break;
	}
	tbl_seq_end(&c->seq);
	tbl_give(h, link - 1);
}

static void store_words(uint64_t *to, const void *from, uint32_t bytes)
{
	uint64_t w[VALUE_WORDS] = {0};

	memcpy(w, from, bytes);
	for (uint32_t i = 0; i < (bytes + 7) / 8; i++)
		TBL_STORE(&to[i], w[i]);
}

static void add_entry(const struct tbl_header *h, struct chain *c, uint32_t i, const uint64_t *key,
		      const void *value)
{
	struct entry *e = tbl_unit(h, 1, i);

	tbl_seq_begin(&c->seq);
	e->chain = (uint32_t)(((uint8_t *)c - (uint8_t *)tbl_unit(h, 0, 0)) / sizeof(*c));
	store_words(e->word, key, h->spec.key_size);
	store_words(&e->word[key_words(h)], value, h->spec.value_size);
	TBL_STORE(&e->next, c->first);
	__atomic_store_n(&c->first, i + 1, __ATOMIC_RELEASE);
	tbl_seq_end(&c->seq);
}

/* All entries are in use: one goes, in turn. Of two in a row, one is not the spare one. */
static void evict(struct tbl_header *h)
{
	for (int i = 0; i < 2; i++) {
		uint32_t chain;

		h->hand = h->hand + 1 < h->area[1].count ? h->hand + 1 : 0;
		chain = ((struct entry *)tbl_unit(h, 1, h->hand))->chain;
		if (chain < h->area[0].count) {
			remove_entry(h, tbl_unit(h, 0, chain), h->hand + 1);
			TBL_STORE(&h->used, h->used - 1);
			return;
		}
	}
}

int tbl_hash_set(void *mem, const void *key, const void *value)
{
	struct tbl_header *h = mem;
	uint64_t k[KEY_WORDS];
	struct chain *c;
	struct found f;
	int32_t i;

	if (h->spec.type != XOK_TABLE_HASH)
		return TBL_EINVAL;
	load_key(h, key, k);
	c = tbl_unit(h, 0, chain_of(h, k));
	f = find(h, c, k);
	if (!f.link && (f.length == TBL_CHAIN || h->used >= h->spec.entries)) {
		if (!(h->spec.flags & XOK_TABLE_EVICT))
			return TBL_ENOMEM;
		if (f.length == TBL_CHAIN)
			f.link = f.last;
		else
			evict(h);
	}
	i = tbl_alloc(h);
	if (i < 0)
		return TBL_ENOMEM;
	add_entry(h, c, (uint32_t)i, k, value);
	if (f.link)
		remove_entry(h, c, f.link);
	else
		TBL_STORE(&h->used, h->used + 1);
	return 0;
}

int tbl_hash_delete(void *mem, const void *key)
{
	struct tbl_header *h = mem;
	uint64_t k[KEY_WORDS];
	struct chain *c;
	uint32_t link;

	if (h->spec.type != XOK_TABLE_HASH)
		return TBL_EINVAL;
	load_key(h, key, k);
	c = tbl_unit(h, 0, chain_of(h, k));
	link = find(h, c, k).link;
	if (!link)
		return TBL_ENOENT;
	remove_entry(h, c, link);
	TBL_STORE(&h->used, h->used - 1);
	return 0;
}

/* Copies entry n of a chain; false: the chain is shorter. */
static bool chain_read(const struct tbl_header *h, const struct chain *c, uint32_t n,
		       struct xok_table_update *u)
{
	uint64_t w[KEY_WORDS + VALUE_WORDS];
	uint32_t kw = key_words(h);

	for (uint32_t tries = TBL_TRIES; tries; tries--) {
		uint32_t seq = tbl_seq_read(&c->seq);
		const struct entry *e = entry_at(h, TBL_LOAD(&c->first));

		for (uint32_t i = 0; e && i < n; i++)
			e = entry_at(h, TBL_LOAD(&e->next));
		for (uint32_t i = 0; e && i < kw + value_words(h); i++)
			w[i] = TBL_LOAD(&e->word[i]);
		if (!tbl_seq_same(&c->seq, seq))
			continue;
		if (!e)
			return false;
		memcpy(u->key, w, h->spec.key_size);
		memcpy(u->value, &w[kw], h->spec.value_size);
		return true;
	}
	return false;
}

void hash_each(const struct tbl_header *h, tbl_visit *fn, void *arg)
{
	for (uint32_t i = 0; i < h->area[0].count; i++) {
		for (uint32_t n = 0; n < TBL_CHAIN; n++) {
			struct xok_table_update u = {.op = XOK_TABLE_SET};

			if (!chain_read(h, tbl_unit(h, 0, i), n, &u))
				break;
			if (!fn(arg, &u))
				return;
		}
	}
}
