/* SPDX-License-Identifier: BSD-2-Clause */
/* test_hash.c - the hash against a list, full, refilled, and with eviction. */
#include "common.h"
#include "xok/table/table_int.h"

#define LIST 600u

struct list {
	uint32_t n, key_size, value_size;
	uint8_t key[LIST][XOK_TABLE_KEY], value[LIST][XOK_TABLE_VALUE];
};

static int list_find(const struct list *l, const uint8_t *key)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!memcmp(l->key[i], key, l->key_size))
			return (int)i;
	return -1;
}

static void list_remove(struct list *l, int i)
{
	l->n--;
	memmove(l->key[i], l->key[l->n], XOK_TABLE_KEY);
	memmove(l->value[i], l->value[l->n], XOK_TABLE_VALUE);
}

/* A copy of exactly as many bytes as a caller owes, so that ASan sees more being touched. */
static void *exactly(const void *p, size_t n)
{
	void *q = malloc(n);

	assert_non_null(q);
	memcpy(q, p, n);
	return q;
}

static void random_key(const struct list *l, uint8_t *key, uint32_t alphabet)
{
	for (uint32_t i = 0; i < l->key_size; i++)
		key[i] = i < 4 ? (uint8_t)below(alphabet) : (uint8_t)(i & 1);
}

/* One random operation on both. Without eviction; a full chain is possible, and told apart from a full table. */
static void step(void *mem, struct list *l, uint32_t alphabet, uint32_t entries)
{
	uint8_t key[XOK_TABLE_KEY], value[XOK_TABLE_VALUE];
	uint8_t *k, *v;
	int at, err;

	random_key(l, key, alphabet);
	for (uint32_t i = 0; i < l->value_size; i++)
		value[i] = (uint8_t)rnd();
	k = exactly(key, l->key_size);
	v = exactly(value, l->value_size);
	at = list_find(l, k);
	switch (below(3)) {
	case 0:
		err = tbl_hash_set(mem, k, v);
		if (err == TBL_ENOMEM) {
			assert_true(at < 0);
			break;
		}
		assert_int_equal(err, 0);
		assert_true(at >= 0 || l->n < entries);
		if (at < 0)
			at = (int)l->n++;
		memcpy(l->key[at], k, l->key_size);
		memcpy(l->value[at], v, l->value_size);
		break;
	case 1:
		assert_int_equal(tbl_hash_delete(mem, k), at < 0 ? TBL_ENOENT : 0);
		if (at >= 0)
			list_remove(l, at);
		break;
	default:
		assert_int_equal(tbl_hash_get(mem, k, v), at < 0 ? TBL_ENOENT : 0);
		assert_memory_equal(v, at < 0 ? value : l->value[at], l->value_size);
	}
	assert_int_equal(tbl_used(mem), l->n);
	free(k);
	free(v);
}

static bool in_list(void *arg, const struct xok_table_update *u)
{
	struct list *l = arg;
	int at = list_find(l, u->key);

	assert_true(at >= 0);
	assert_memory_equal(u->value, l->value[at], l->value_size);
	list_remove(l, at);
	return true;
}

static void test_against_list(void **state)
{
	static struct list l;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct xok_table_spec s = {.type = XOK_TABLE_HASH,
					   .key_size = 1 + below(XOK_TABLE_KEY),
					   .value_size = 1 + below(XOK_TABLE_VALUE),
					   .entries = 1 + below(LIST)};
		uint32_t alphabet = 2 + below(8);
		void *mem = make_table(&s, 1);

		l.n = 0;
		l.key_size = s.key_size;
		l.value_size = s.value_size;
		for (int i = 0; i < 3000; i++)
			step(mem, &l, alphabet, s.entries);
		/* Each entry is seen once, and no other. */
		tbl_each(mem, in_list, &l);
		assert_int_equal(l.n, 0);
		free(mem);
	}
}

/* Filled and emptied many times, in different orders: it always takes as many. */
static void test_refill(void **state)
{
	struct xok_table_spec s = {
		.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 500};
	void *mem = make_table(&s, 1);
	uint64_t value = 1;

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		uint32_t step = 1 + 2 * below(200), key;

		for (uint32_t i = 0; i < s.entries; i++) {
			key = round << 16 | i;
			assert_int_equal(tbl_hash_set(mem, &key, &value), 0);
		}
		key = UINT32_MAX;
		assert_int_equal(tbl_hash_set(mem, &key, &value), TBL_ENOMEM);
		assert_int_equal(tbl_used(mem), s.entries);
		for (uint32_t i = 0; i < 512; i++) {
			key = round << 16 | ((i * step) & 511);
			assert_int_equal(tbl_hash_delete(mem, &key),
					 (key & 511) < s.entries ? 0 : TBL_ENOENT);
		}
		assert_int_equal(tbl_used(mem), 0);
	}
	free(mem);
}

/* The most random keys without one full chain: a full table refuses nobody who belongs in it. */
static void test_full_load(void **state)
{
	struct xok_table_spec s = {
		.type = XOK_TABLE_HASH, .key_size = 8, .value_size = 8, .entries = 50000};
	void *mem = make_table(&s, 1);

	(void)state;
	for (uint64_t i = 0; i < s.entries; i++) {
		uint64_t key = i << 32, value = ~i;

		assert_int_equal(tbl_hash_set(mem, &key, &value), 0);
	}
	for (uint64_t i = 0; i < s.entries; i++) {
		uint64_t key = i << 32, value = 0;

		assert_int_equal(tbl_hash_get(mem, &key, &value), 0);
		assert_true(value == ~i);
	}
	free(mem);
}

/* Keys of one chain, found by watching which entry makes room. */
static void test_full_chain(void **state)
{
	struct xok_table_spec s = {
		.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = 64};
	struct tbl_header *h = make_table(&s, 1);
	uint32_t key[TBL_CHAIN + 1], n = 0, value = 0;

	(void)state;
	/* With one chain in use all keys collide. */
	h->area[0].count = 1;
	for (; n < TBL_CHAIN; n++) {
		key[n] = n;
		assert_int_equal(tbl_hash_set(h, &key[n], &n), 0);
	}
	key[n] = n;
	assert_int_equal(tbl_hash_set(h, &key[n], &n), TBL_ENOMEM);
	assert_int_equal(tbl_hash_set(h, &key[0], &n), 0);
	h->spec.flags = XOK_TABLE_EVICT;
	/* Entry 0 was set again, so 1 is the least recently set. */
	assert_int_equal(tbl_hash_set(h, &key[n], &n), 0);
	assert_int_equal(tbl_hash_get(h, &key[1], &value), TBL_ENOENT);
	for (uint32_t i = 0; i <= TBL_CHAIN; i++) {
		if (i == 1)
			continue;
		assert_int_equal(tbl_hash_get(h, &key[i], &value), 0);
		assert_int_equal(value, i ? i : n);
	}
	assert_int_equal(tbl_used(h), TBL_CHAIN);
	free(h);
}

/* A cache: every set succeeds and is found at once, what is found is what was set last, and the newest ones stay. */
static void test_eviction(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_HASH,
				   .flags = XOK_TABLE_EVICT,
				   .key_size = 4,
				   .value_size = 4,
				   .entries = 256};
	void *mem = make_table(&s, 1);
	uint32_t last[4096] = {0}, value, kept = 0;

	(void)state;
	for (uint32_t i = 1; i < 200000; i++) {
		uint32_t key = below(4096);

		assert_int_equal(tbl_hash_set(mem, &key, &i), 0);
		last[key] = i;
		assert_int_equal(tbl_hash_get(mem, &key, &value), 0);
		assert_int_equal(value, i);
		key = below(4096);
		if (!tbl_hash_get(mem, &key, &value))
			assert_int_equal(value, last[key]);
		if (!below(16) && !tbl_hash_delete(mem, &key))
			last[key] = 0;
		assert_true(tbl_used(mem) <= s.entries);
	}
	for (uint32_t key = 0; key < 4096; key++) {
		if (tbl_hash_get(mem, &key, &value))
			continue;
		assert_int_equal(value, last[key]);
		kept++;
	}
	assert_int_equal(kept, tbl_used(mem));
	assert_true(kept > s.entries / 2);
	free(mem);
}

/* Nobody who does not know the seed can tell which keys collide: other seeds, other chains. */
static void test_seed(void **state)
{
	struct xok_table_spec s = {
		.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = 512};
	uint32_t order[2][512], n[2] = {0};
	struct tbl_header *h[2];

	(void)state;
	for (int t = 0; t < 2; t++) {
		h[t] = make_table(&s, 1);
		h[t]->seed = (uint64_t)t + 1;
		for (uint32_t k = 0; k < 512; k++)
			assert_int_equal(tbl_hash_set(h[t], &k, &k), 0);
		for (uint32_t c = 0; c < 1024; c++) {
			uint32_t link = ((uint32_t *)tbl_unit(h[t], 0, c))[1];

			while (link) {
				uint32_t *e = tbl_unit(h[t], 1, link - 1);

				order[t][n[t]++] = (uint32_t) * (uint64_t *)&e[2];
				link = e[0];
			}
		}
		assert_int_equal(n[t], 512);
	}
	uint32_t same = 0;
	for (uint32_t i = 0; i < 512; i++)
		same += order[0][i] == order[1][i];
	assert_true(same < 20);
	free(h[0]);
	free(h[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_list), cmocka_unit_test(test_refill),
		cmocka_unit_test(test_full_load),    cmocka_unit_test(test_full_chain),
		cmocka_unit_test(test_eviction),     cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
