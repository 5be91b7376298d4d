/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_reader.c - a thread that reads while another changes: what is found is always one of the values that were set, whole, and what always
 * was there is always found.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "common.h"
#include "xok/table/table_int.h"

#define CHANGES 400000u
#define STABLE 16u /* keys that stay; others come and go */

struct value {
	uint64_t word[7], sum;
};

struct run {
	void *mem;
	atomic_bool done;
	uint64_t reads, hits;
	const char *wrong;
};

static uint64_t sum_of(const struct value *v, uint64_t key)
{
	uint64_t sum = key * UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < 7; i++)
		sum = (sum ^ v->word[i]) * UINT64_C(0xff51afd7ed558ccd);
	return sum;
}

static void set_value(void *mem, uint64_t key, uint64_t x)
{
	struct value v;

	for (uint64_t i = 0; i < 7; i++)
		v.word[i] = x * (i + 1);
	v.sum = sum_of(&v, key);
	assert_int_equal(tbl_hash_set(mem, &key, &v), 0);
}

static bool whole(void *arg, const struct xok_table_update *u)
{
	struct run *r = arg;
	struct value v;
	uint64_t key;

	memcpy(&key, u->key, 8);
	memcpy(&v, u->value, sizeof(v));
	if (v.sum != sum_of(&v, key))
		r->wrong = "tbl_each: a mixture";
	return true;
}

static void *read_hash(void *arg)
{
	struct run *r = arg;
	uint64_t x = 1;

	while (!atomic_load(&r->done) && !r->wrong) {
		uint64_t key = (x = x * 6364136223846793005u + 1) >> 33 & 127;
		struct value v;
		int err = tbl_hash_get(r->mem, &key, &v);

		if (err && key < STABLE)
			r->wrong = "an entry that was there was not found";
		if (!err && v.sum != sum_of(&v, key))
			r->wrong = "a mixture";
		r->reads++;
		r->hits += !err;
		if (!(r->reads & 0xfff))
			tbl_each(r->mem, whole, r);
	}
	return NULL;
}

static void test_hash(void **state)
{
	struct xok_table_spec s = {
		.type = XOK_TABLE_HASH, .key_size = 8, .value_size = 64, .entries = 64};
	struct run r = {.mem = make_table(&s, 1)};
	pthread_t t;

	(void)state;
	for (uint64_t k = 0; k < STABLE; k++)
		set_value(r.mem, k, k);
	assert_int_equal(pthread_create(&t, NULL, read_hash, &r), 0);
	for (uint64_t i = 0; i < CHANGES; i++) {
		uint64_t key = STABLE + below(112);

		if (!below(4))
			set_value(r.mem, below(STABLE), i);
		else if (below(2) || tbl_used(r.mem) == s.entries)
			tbl_hash_delete(r.mem, &key);
		else
			set_value(r.mem, key, i);
	}
	atomic_store(&r.done, true);
	pthread_join(t, NULL);
	if (r.wrong)
		fail_msg("%s", r.wrong);
	print_message("%lu changes, %lu reads, %lu found\n", (unsigned long)CHANGES, r.reads,
		      r.hits);
	assert_true(r.hits > 0);
	free(r.mem);
}

/*
 * Prefixes under 10/8: 10/8 itself always has a number of kind 0 (mod 4), /16s one of kind 1, /24s of kind 2, and hosts of kind 3, so that an
 * answer that mixes levels shows. 10.n/16 for n < STABLE always is there.
 */
static int set_route(void *mem, uint32_t address, uint32_t len, uint32_t x)
{
	struct xok_prefix4 p = {.len = len};

	for (int i = 0; i < 4; i++)
		p.address[i] = (uint8_t)(address >> (24 - 8 * i));
	if (!x)
		return tbl_lpm4_delete(mem, &p);
	return tbl_lpm4_set(mem, &p, (x << 2 | (len / 8 - 1)) & 0xffffff);
}

static void *read_lpm(void *arg)
{
	struct run *r = arg;
	uint64_t x = 1;

	while (!atomic_load(&r->done) && !r->wrong) {
		uint32_t a = (uint32_t)((x = x * 6364136223846793005u + 1) >> 33),
			 second = a >> 16 & 31;
		int32_t n = tbl_lpm4_lookup(r->mem, 0x0a000000 | second << 16 | (a & 0x0303));

		if (n < 0)
			r->wrong = "10/8 was not found";
		else if (!(n & 3) && second < STABLE)
			r->wrong = "a /16 that was there was not found";
		if (tbl_lpm4_lookup(r->mem, 0x0b000000 | (a & 0xffffff)) != TBL_NONE)
			r->wrong = "a route where there is none";
		r->reads++;
		r->hits += n & 1;
	}
	return NULL;
}

static void test_lpm(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_LPM4, .entries = 800};
	struct run r = {.mem = make_table(&s, 1)};
	pthread_t t;

	(void)state;
	assert_int_equal(set_route(r.mem, 0x0a000000, 8, 1), 0);
	for (uint32_t i = 0; i < STABLE; i++)
		assert_int_equal(set_route(r.mem, 0x0a000000 | i << 16, 16, 1), 0);
	assert_int_equal(pthread_create(&t, NULL, read_lpm, &r), 0);
	for (uint32_t i = 1; i < CHANGES; i++) {
		uint32_t len = 8 * (1 + below(4)), x = below(2) ? i : 0, second = below(32);
		uint32_t a = 0x0a000000 | second << 16 | (below(4) << 8) | below(4);

		a &= ~(uint32_t)(UINT64_C(0xffffffff) >> len);
		if (len == 8 || (len == 16 && second < STABLE))
			x = i;
		set_route(r.mem, a, len, x);
	}
	atomic_store(&r.done, true);
	pthread_join(t, NULL);
	if (r.wrong)
		fail_msg("%s", r.wrong);
	print_message("%lu changes, %lu lookups\n", (unsigned long)CHANGES, r.reads);
	assert_true(r.hits > 0);
	free(r.mem);
}

static void *read_ring(void *arg)
{
	struct run *r = arg;
	struct value v;

	while (r->reads < CHANGES && !r->wrong) {
		if (!tbl_ring_get(r->mem, &v))
			continue;
		if (v.word[0] != r->reads || v.sum != sum_of(&v, r->reads))
			r->wrong = "a record out of order, or a mixture";
		r->reads++;
	}
	return NULL;
}

static void test_ring(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_RING, .value_size = 64, .entries = 16};
	struct run r = {.mem = make_table(&s, 1)};
	uint32_t head = 0;
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, read_ring, &r), 0);
	for (uint64_t i = 0; i < CHANGES; i++) {
		struct value v = {.word = {i, ~i, i * 3}};

		v.sum = sum_of(&v, i);
		while (!tbl_ring_put(r.mem, &head, &v) && !r.wrong)
			sched_yield();
	}
	pthread_join(t, NULL);
	if (r.wrong)
		fail_msg("%s", r.wrong);
	assert_int_equal(r.reads, CHANGES);
	free(r.mem);
}

/* A writer that was stopped in the middle of a change, its sequence numbers odd, keeps nobody from reading. */
static void test_stopped_writer(void **state)
{
	struct xok_table_spec hs = {
		.type = XOK_TABLE_HASH, .key_size = 8, .value_size = 64, .entries = 64};
	struct xok_table_spec ls = {.type = XOK_TABLE_LPM4, .entries = 64};
	struct tbl_header *h = make_table(&hs, 1), *l = make_table(&ls, 1);
	struct value v;

	(void)state;
	for (uint64_t k = 0; k < 64; k++)
		set_value(h, k, k);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(set_route(l, 0x0a000000 | i << 16, 16, 1 + i), 0);
	for (uint32_t i = 0; i < h->area[0].count; i++)
		++*(uint32_t *)tbl_unit(h, 0, i);
	l->seq++;
	for (uint64_t k = 0; k < 64; k++) {
		assert_int_equal(tbl_hash_get(h, &k, &v), 0);
		assert_true(v.sum == sum_of(&v, k));
		assert_true(tbl_lpm4_lookup(l, 0x0a000001 | (uint32_t)k << 16) > 0);
	}
	free(h);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_writer),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_lpm),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
