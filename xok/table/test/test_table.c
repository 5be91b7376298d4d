/* SPDX-License-Identifier: BSD-2-Clause */
/* test_table.c - specifications and sizes, plain memory, buckets, rings, and the one way to change any table. */
#include "common.h"
#include "xok/table/table_int.h"

#define SECOND UINT64_C(1000000000)

static void test_specs(void **state)
{
	static const struct {
		struct xok_table_spec s;
		bool ok;
	} t[] = {
		{{.type = 0, .entries = 1}, false},
		{{.type = XOK_NTABLETYPE, .entries = 1}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 10}, true},
		{{.type = XOK_TABLE_ARRAY, .value_size = 0, .entries = 10}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 4096, .entries = 16383}, true},
		{{.type = XOK_TABLE_ARRAY, .value_size = 4096, .entries = 16384}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 4097, .entries = 1}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 4096, .entries = UINT32_MAX}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 0}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 1, .key_size = 4}, false},
		{{.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 1, .flags = 1}, false},
		{{.type = XOK_TABLE_PERCPU, .value_size = 4096, .entries = 8192}, false},
		{{.type = XOK_TABLE_PERCPU, .value_size = 4096, .entries = 8191}, true},
		{{.type = XOK_TABLE_HASH, .key_size = 40, .value_size = 64, .entries = 5}, true},
		{{.type = XOK_TABLE_HASH, .key_size = 41, .value_size = 64, .entries = 5}, false},
		{{.type = XOK_TABLE_HASH, .key_size = 40, .value_size = 65, .entries = 5}, false},
		{{.type = XOK_TABLE_HASH, .key_size = 0, .value_size = 4, .entries = 5}, false},
		{{.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = UINT32_MAX},
		 false},
		{{.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = 1, .flags = 1},
		 true},
		{{.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = 1, .flags = 2},
		 false},
		{{.type = XOK_TABLE_LPM4, .entries = 1000000}, true},
		{{.type = XOK_TABLE_LPM4, .entries = 4000000}, false},
		{{.type = XOK_TABLE_LPM4, .entries = 0x80000000}, false},
		{{.type = XOK_TABLE_LPM4, .entries = 1, .value_size = 4}, false},
		{{.type = XOK_TABLE_LPM6, .entries = 1000000}, true},
		{{.type = XOK_TABLE_BUCKET, .entries = 1390000}, true},
		{{.type = XOK_TABLE_BUCKET, .entries = 1400000}, false},
		{{.type = XOK_TABLE_RING, .value_size = 64, .entries = 1}, true},
		{{.type = XOK_TABLE_RING, .value_size = 64, .entries = 64}, true},
		{{.type = XOK_TABLE_RING, .value_size = 64, .entries = 63}, false},
		{{.type = XOK_TABLE_RING, .value_size = 65, .entries = 64}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t bytes = tbl_size(&t[i].s, 2);

		if ((bytes > 0) != t[i].ok)
			fail_msg("specification %zu: %zu bytes", i, bytes);
		assert_int_equal(bytes % 4096, 0);
		assert_true(bytes <= XOK_TABLE_BYTES);
		assert_int_equal(tbl_size(&t[i].s, 0), 0);
		if (t[i].ok)
			free(make_table(&t[i].s, 2));
	}
	print_message(
		"bytes for 10 and for 10,000 prefixes: IPv4 %zu and %zu, IPv6 %zu and %zu\n",
		tbl_size(&(struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 10}, 1),
		tbl_size(&(struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 10000}, 1),
		tbl_size(&(struct xok_table_spec){.type = XOK_TABLE_LPM6, .entries = 10}, 1),
		tbl_size(&(struct xok_table_spec){.type = XOK_TABLE_LPM6, .entries = 10000}, 1));
}

static void test_check(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_LPM4, .entries = 100};
	size_t bytes = tbl_size(&s, 1);
	uint8_t *mem = make_table(&s, 1);

	(void)state;
	assert_false(tbl_check(mem, bytes - 1));
	assert_false(tbl_check(mem, 0));
	/* Whatever byte of the geometry differs, it is none of our tables; names, seeds and counters may be any. */
	for (size_t i = 0; i < sizeof(struct tbl_header); i++) {
		bool free_ = (i >= offsetof(struct tbl_header, spec.name) &&
			      i < offsetof(struct tbl_header, area)) ||
			     i >= offsetof(struct tbl_header, ncpu) ||
			     (i >= offsetof(struct tbl_header, ring.head) &&
			      i < offsetof(struct tbl_header, spec));

		free_ &= !(i >= offsetof(struct tbl_header, bits) &&
			   i < offsetof(struct tbl_header, top));
		mem[i] ^= 0x55;
		assert_true(free_ || !tbl_check(mem, bytes));
		mem[i] ^= 0x55;
	}
	assert_true(tbl_check(mem, bytes));
	free(mem);
}

static void test_memory(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_ARRAY, .value_size = 12, .entries = 1000};
	uint8_t *mem = make_table(&s, 1);
	size_t bytes;
	uint8_t *p = tbl_memory(mem, 7, &bytes);

	(void)state;
	assert_int_equal(bytes, 12000);
	assert_ptr_equal(p, mem + 4096);
	memset(p, 0xff, bytes);
	assert_false(tbl_writable(&s, 0));
	assert_true(tbl_writable(&s, 1));
	assert_int_equal(tbl_used(mem), 0);
	free(mem);

	s.type = XOK_TABLE_PERCPU;
	mem = make_table(&s, 3);
	for (uint32_t cpu = 0; cpu < 3; cpu++) {
		p = tbl_memory(mem, cpu, &bytes);
		assert_int_equal(bytes, 12000);
		assert_int_equal((uintptr_t)p % 64, 0);
		memset(p, (int)cpu + 1, bytes);
	}
	for (uint32_t cpu = 0; cpu < 3; cpu++) {
		p = tbl_memory(mem, cpu, &bytes);
		assert_int_equal(p[0], cpu + 1);
		assert_int_equal(p[bytes - 1], cpu + 1);
	}
	assert_null(tbl_memory(mem, 3, &bytes));
	assert_int_equal(bytes, 0);
	assert_false(tbl_writable(&s, 1));
	free(mem);

	s = (struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 1};
	mem = make_table(&s, 1);
	assert_null(tbl_memory(mem, 0, &bytes));
	free(mem);
}

/* A bucket with 128-bit arithmetic, which counts in billionths of a token. */
struct big_bucket {
	uint64_t rate, burst, at;
	unsigned __int128 level;
};

static void big_fill(struct big_bucket *b, uint64_t now)
{
	unsigned __int128 full = (unsigned __int128)b->burst * SECOND;

	if (now <= b->at) {
		if (b->at - now > SECOND)
			b->at = now;
		return;
	}
	b->level += (unsigned __int128)(now - b->at) * b->rate;
	if (b->level > full)
		b->level = full;
	b->at = now;
}

static uint64_t random_rate(void)
{
	uint64_t r = rnd() >> (24 + below(40));

	return r > UINT64_C(1) << 40 ? UINT64_C(1) << 40 : r;
}

static void test_bucket_random(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_BUCKET, .entries = 1};
	uint64_t taken = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		void *mem = make_table(&s, 1);
		struct xok_bucket spec = {random_rate(), random_rate()};
		uint64_t now = rnd() >> (1 + below(40));
		struct big_bucket b = {spec.rate, spec.burst, now,
				       (unsigned __int128)spec.burst * SECOND};

		assert_int_equal(tbl_bucket_set(mem, 0, &spec, now), 0);
		for (int i = 0; i < 100; i++) {
			uint32_t amount = (uint32_t)rnd() >> below(32);
			bool want;

			switch (below(8)) {
			case 0: now -= now < SECOND ? 0 : below(2000000000); break;
			case 1: now += rnd() >> below(64); break;
			default: now += below(spec.rate < 1000 ? 2000000000 : 100000); break;
			}
			big_fill(&b, now);
			want = b.level >= (unsigned __int128)amount * SECOND;
			assert_int_equal(tbl_bucket_take(mem, 0, amount, now), want);
			if (want)
				b.level -= (unsigned __int128)amount * SECOND;
			taken += want;
			refused += !want;
		}
		free(mem);
	}
	assert_true(taken > 10000 && refused > 10000);
}

static void test_bucket(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_BUCKET, .entries = 4};
	struct xok_bucket b = {.rate = 10, .burst = 3}, big = {.rate = (UINT64_C(1) << 40) + 1};
	void *mem = make_table(&s, 1);

	(void)state;
	assert_int_equal(tbl_bucket_take(mem, 0, 1, 0), TBL_ENOENT);
	assert_int_equal(tbl_bucket_take(mem, 4, 1, 0), TBL_ENOENT);
	assert_int_equal(tbl_bucket_set(mem, 4, &b, 0), TBL_ENOENT);
	assert_int_equal(tbl_bucket_set(mem, 0, &big, 0), TBL_EINVAL);
	assert_int_equal(tbl_bucket_set(mem, 0, &b, SECOND), 0);
	assert_int_equal(tbl_used(mem), 1);
	assert_int_equal(tbl_bucket_take(mem, 0, 4, SECOND), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 3, SECOND), 1);
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND + SECOND / 10 - 1), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND + SECOND / 10), 1);
	/* A step back gives nothing, neither then nor when time has caught up. */
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND + SECOND / 10), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 3, 10 * SECOND), 1);
	/* A new clock: it goes on from there. */
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND + SECOND / 10), 1);
	/* Set again: what is in it stays, as far as it fits. */
	assert_int_equal(tbl_bucket_set(mem, 0, &b, SECOND + SECOND / 10), 0);
	assert_int_equal(tbl_bucket_take(mem, 0, 1, SECOND + SECOND / 10), 0);
	assert_int_equal(tbl_used(mem), 1);
	assert_int_equal(tbl_bucket_delete(mem, 0), 0);
	assert_int_equal(tbl_bucket_delete(mem, 0), TBL_ENOENT);
	assert_int_equal(tbl_bucket_take(mem, 0, 0, 20 * SECOND), TBL_ENOENT);
	assert_int_equal(tbl_used(mem), 0);
	free(mem);
}

static void test_ring(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_RING, .value_size = 12, .entries = 8};
	struct xok_table_spec l = {.type = XOK_TABLE_LPM4, .entries = 8};
	uint8_t *mem = make_table(&s, 1), *lpm = make_table(&l, 1);
	uint32_t head = 0, put = 0, got = 0, *tail = (uint32_t *)(mem + 4096);

	(void)state;
	assert_true(tbl_writable(&s, 1));
	assert_false(tbl_writable(&s, 0));
	assert_false(tbl_writable(&s, 2));
	for (int i = 0; i < 100000; i++) {
		uint32_t record[3] = {put, ~put, 7};

		if (below(2)) {
			bool room = put - got < 8;

			assert_int_equal(tbl_ring_put(mem, &head, record), room);
			put += room;
		} else {
			assert_int_equal(tbl_ring_get(mem, record), got != put);
			if (got != put) {
				assert_int_equal(record[0], got);
				assert_int_equal(record[1], ~got);
				got++;
			}
		}
		assert_int_equal(tbl_used(mem), put - got);
	}
	/* Tails that cannot be are full rings, and the producer's head does not come from memory. */
	while (tbl_ring_get(mem, (uint32_t[3]){0}))
		;
	((struct tbl_ring_header *)mem)->head = 0xdeadbeef;
	for (int i = 0; i < 1000; i++) {
		bool room;

		*tail = (uint32_t)rnd();
		room = head - *tail < 8;
		assert_int_equal(tbl_ring_put(mem, &head, (uint32_t[3]){0}), room);
		assert_true(tbl_used(mem) <= 8);
	}
	*tail = head + 1;
	assert_false(tbl_ring_put(mem, &head, (uint32_t[3]){0}));
	*tail = head - 9;
	assert_false(tbl_ring_put(mem, &head, (uint32_t[3]){0}));
	*tail = head - 7;
	assert_true(tbl_ring_put(mem, &head, (uint32_t[3]){0}));
	assert_false(tbl_ring_put(lpm, &head, (uint32_t[3]){0}));
	free(mem);
	free(lpm);
}

static bool count(void *arg, const struct xok_table_update *u)
{
	assert_int_equal(u->op, XOK_TABLE_SET);
	return ++*(int *)arg < 3;
}

/* What the system call does, for each type; tbl_each gives updates that make the table again. */
static void test_update(void **state)
{
	static const struct xok_table_spec specs[] = {
		{.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 4, .entries = 8},
		{.type = XOK_TABLE_LPM4, .entries = 8},
		{.type = XOK_TABLE_LPM6, .entries = 8},
		{.type = XOK_TABLE_BUCKET, .entries = 8},
	};
	static const struct xok_table_spec memory = {
		.type = XOK_TABLE_ARRAY, .value_size = 4, .entries = 8};

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		void *mem = make_table(&specs[i], 1);
		struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 5};
		int n = 0;

		assert_int_equal(tbl_update(mem, &u, 0), 0);
		assert_int_equal(tbl_used(mem), 1);
		tbl_each(mem, count, &n);
		assert_int_equal(n, 1);
		u.op = XOK_TABLE_DELETE;
		assert_int_equal(tbl_update(mem, &u, 0), 0);
		assert_int_equal(tbl_update(mem, &u, 0), TBL_ENOENT);
		u.op = 3;
		assert_int_equal(tbl_update(mem, &u, 0), TBL_EINVAL);
		assert_int_equal(tbl_used(mem), 0);
		/* The walk ends when it is told to. */
		u.op = XOK_TABLE_SET;
		for (uint8_t k = 0; k < 8; k++) {
			u.key[specs[i].type == XOK_TABLE_BUCKET ? 0 : 3] = k;
			u.key[4] = specs[i].type == XOK_TABLE_LPM4 ? 32 : 0;
			u.key[16] = specs[i].type == XOK_TABLE_LPM6 ? 128 : 0;
			assert_int_equal(tbl_update(mem, &u, 0), 0);
		}
		assert_int_equal(tbl_used(mem), 8);
		n = 0;
		tbl_each(mem, count, &n);
		assert_int_equal(n, 3);
		free(mem);
	}
	void *mem = make_table(&memory, 1);
	int n = 0;

	assert_int_equal(tbl_update(mem, &(struct xok_table_update){.op = XOK_TABLE_SET}, 0),
			 TBL_EINVAL);
	tbl_each(mem, count, &n);
	assert_int_equal(n, 0);
	assert_int_equal(tbl_hash_get(mem, "", &n), TBL_EINVAL);
	assert_int_equal(tbl_hash_set(mem, "", &n), TBL_EINVAL);
	assert_int_equal(tbl_hash_delete(mem, ""), TBL_EINVAL);
	assert_int_equal(tbl_lpm4_lookup(mem, 0), TBL_NONE);
	assert_int_equal(tbl_lpm4_set(mem, &(struct xok_prefix4){.len = 0}, 1), TBL_EINVAL);
	assert_int_equal(tbl_bucket_take(mem, 0, 0, 0), TBL_ENOENT);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specs),	      cmocka_unit_test(test_check),
		cmocka_unit_test(test_memory),	      cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_bucket_random), cmocka_unit_test(test_ring),
		cmocka_unit_test(test_update),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
