/* SPDX-License-Identifier: BSD-2-Clause */
/* test_lpm.c - longest prefixes against a list; the bound on memory; how long lookups take. */
#include <time.h>

#include "common.h"
#include "xok/table/table_int.h"

#define LIST 400u

struct route {
	uint8_t address[16];
	uint32_t len, number;
};

struct list {
	uint32_t n, width; /* 32 or 128 */
	struct route r[LIST];
};

static bool covered(const uint8_t *prefix, uint32_t len, const uint8_t *address)
{
	if (memcmp(prefix, address, len / 8) != 0)
		return false;
	return !(len % 8) || !((prefix[len / 8] ^ address[len / 8]) >> (8 - len % 8));
}

static int32_t list_lookup(const struct list *l, const uint8_t *address)
{
	const struct route *best = NULL;

	for (uint32_t i = 0; i < l->n; i++)
		if ((!best || l->r[i].len > best->len) &&
		    covered(l->r[i].address, l->r[i].len, address))
			best = &l->r[i];
	return best ? (int32_t)best->number : TBL_NONE;
}

static int list_find(const struct list *l, const struct route *r)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->r[i].len == r->len && !memcmp(l->r[i].address, r->address, 16))
			return (int)i;
	return -1;
}

static int do_set(void *mem, uint32_t width, const struct route *r)
{
	struct xok_prefix4 p4 = {.len = r->len};
	struct xok_prefix6 p6 = {.len = r->len};

	memcpy(p4.address, r->address, 4);
	memcpy(p6.address, r->address, 16);
	return width == 32 ? tbl_lpm4_set(mem, &p4, r->number) : tbl_lpm6_set(mem, &p6, r->number);
}

static int do_delete(void *mem, uint32_t width, const struct route *r)
{
	struct xok_prefix4 p4 = {.len = r->len};
	struct xok_prefix6 p6 = {.len = r->len};

	memcpy(p4.address, r->address, 4);
	memcpy(p6.address, r->address, 16);
	return width == 32 ? tbl_lpm4_delete(mem, &p4) : tbl_lpm6_delete(mem, &p6);
}

static int32_t do_lookup(const void *mem, uint32_t width, const uint8_t *a)
{
	if (width == 128)
		return tbl_lpm6_lookup(mem, a);
	return tbl_lpm4_lookup(mem, (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
					    (uint32_t)a[2] << 8 | a[3]);
}

/* Addresses that have much in common: bytes from a small set. */
static void random_address(uint8_t *a, uint32_t width, uint32_t wild)
{
	memset(a, 0, 16);
	for (uint32_t i = 0; i < width / 8; i++)
		a[i] = below(100) < wild ? (uint8_t)rnd()
					 : (uint8_t)(below(2) ? 0xff : 1 << below(8));
}

static void truncate_address(uint8_t *a, uint32_t len)
{
	for (uint32_t i = len; i < 128; i++)
		a[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void step(void *mem, struct list *l, uint32_t entries, uint32_t wild)
{
	struct route r = {.len = below(l->width + 1), .number = (uint32_t)rnd() & 0xffffff};
	int at;

	random_address(r.address, l->width, wild);
	if (l->n && !below(4))
		memcpy(r.address, l->r[below(l->n)].address, 16);
	truncate_address(r.address, r.len);
	at = list_find(l, &r);
	if (below(5) < 3) {
		int err = do_set(mem, l->width, &r);

		assert_int_equal(err, at < 0 && l->n == entries ? TBL_ENOMEM : 0);
		if (!err)
			l->r[at < 0 ? (int)l->n++ : at] = r;
	} else {
		if (l->n && below(2)) {
			at = (int)below(l->n);
			r = l->r[at];
		}
		assert_int_equal(do_delete(mem, l->width, &r), at < 0 ? TBL_ENOENT : 0);
		if (at >= 0)
			l->r[at] = l->r[--l->n];
	}
	assert_int_equal(tbl_used(mem), l->n);
	for (int i = 0; i < 8; i++) {
		uint8_t a[16];

		random_address(a, l->width, wild);
		if (l->n && below(2)) {
			memcpy(a, l->r[below(l->n)].address, 16);
			a[below(l->width / 8)] ^= (uint8_t)(below(2) << below(8));
		}
		assert_int_equal(do_lookup(mem, l->width, a), list_lookup(l, a));
	}
}

static bool in_list(void *arg, const struct xok_table_update *u)
{
	struct list *l = arg;
	struct route r = {.number = u->number};
	int at;

	memcpy(r.address, u->key, l->width / 8);
	memcpy(&r.len, &u->key[l->width / 8], 4);
	at = list_find(l, &r);
	assert_true(at >= 0);
	assert_int_equal(l->r[at].number, u->number);
	l->r[at] = l->r[--l->n];
	return true;
}

static void against_list(uint32_t width)
{
	static struct list l;

	for (int round = 0; round < 40; round++) {
		struct xok_table_spec s = {.type = width == 32 ? XOK_TABLE_LPM4 : XOK_TABLE_LPM6,
					   .entries = 1 + below(below(2) ? 12 : LIST)};
		uint32_t wild = below(2) ? 0 : 60;
		void *mem = make_table(&s, 1);

		l.n = 0;
		l.width = width;
		for (int i = 0; i < 1500; i++)
			step(mem, &l, s.entries, wild);
		tbl_each(mem, in_list, &l);
		assert_int_equal(l.n, 0);
		free(mem);
	}
}

static void test_lpm4(void **state)
{
	(void)state;
	against_list(32);
}

static void test_lpm6(void **state)
{
	(void)state;
	against_list(128);
}

static void test_refused(void **state)
{
	struct xok_table_spec s4 = {.type = XOK_TABLE_LPM4, .entries = 8};
	struct xok_table_spec s6 = {.type = XOK_TABLE_LPM6, .entries = 8};
	void *m4 = make_table(&s4, 1), *m6 = make_table(&s6, 1);
	struct xok_prefix4 p4 = {{10, 0, 0, 0}, 8};
	struct xok_prefix6 p6 = {{0x20}, 129};

	(void)state;
	assert_int_equal(tbl_lpm4_set(m4, &p4, 0xffffff), 0);
	assert_int_equal(tbl_lpm4_lookup(m4, 0x0a000001), 0xffffff);
	assert_int_equal(tbl_lpm4_set(m4, &p4, 0x1000000), TBL_EINVAL);
	p4.len = 33;
	assert_int_equal(tbl_lpm4_set(m4, &p4, 1), TBL_EINVAL);
	p4.len = UINT32_MAX;
	assert_int_equal(tbl_lpm4_set(m4, &p4, 1), TBL_EINVAL);
	assert_int_equal(tbl_lpm4_delete(m4, &p4), TBL_EINVAL);
	p4.len = 6; /* 10/6 has a bit behind its length */
	assert_int_equal(tbl_lpm4_set(m4, &p4, 1), TBL_EINVAL);
	assert_int_equal(tbl_lpm6_set(m6, &p6, 1), TBL_EINVAL);
	p6.len = 2;
	assert_int_equal(tbl_lpm6_set(m6, &p6, 1), TBL_EINVAL);
	p6.len = 128;
	assert_int_equal(tbl_lpm6_set(m6, &p6, 1), 0);
	assert_int_equal(tbl_lpm6_lookup(m6, p6.address), 1);
	/* The families are not mixed. */
	assert_int_equal(tbl_lpm6_set(m4, &p6, 1), TBL_EINVAL);
	assert_int_equal(tbl_lpm6_delete(m4, &p6), TBL_EINVAL);
	p4.len = 8;
	assert_int_equal(tbl_lpm4_set(m6, &p4, 1), TBL_EINVAL);
	assert_int_equal(tbl_lpm6_lookup(m4, p6.address), TBL_NONE);
	assert_int_equal(tbl_lpm4_lookup(m6, 0x0a000001), TBL_NONE);
	assert_int_equal(tbl_used(m4), 1);
	free(m4);
	free(m6);
}

/* A table for N takes any N, again and again: long prefixes that differ early and late, chains of nested ones, host routes. */
static void refill(uint32_t width)
{
	struct xok_table_spec s = {.type = width == 32 ? XOK_TABLE_LPM4 : XOK_TABLE_LPM6,
				   .entries = LIST};
	void *mem = make_table(&s, 1);
	static struct list l;

	for (uint32_t round = 0; round < 120; round++) {
		l.n = 0;
		while (l.n < LIST) {
			struct route r = {.len = width, .number = l.n};

			random_address(r.address, width, round % 3 ? 100 : 0);
			if (round % 4 == 1)
				r.len = below(width + 1);
			if (round % 4 == 2)
				r.len = 16 + l.n % (width - 15);
			truncate_address(r.address, r.len);
			if (list_find(&l, &r) >= 0)
				continue;
			assert_int_equal(do_set(mem, width, &r), 0);
			l.r[l.n++] = r;
		}
		struct route more = {.address = {0x5a, 0x5a, 0x5a, 0x5b}, .len = 32};

		if (list_find(&l, &more) < 0)
			assert_int_equal(do_set(mem, width, &more), TBL_ENOMEM);
		while (l.n) {
			uint32_t i = round % 2 ? below(l.n) : l.n - 1;

			assert_int_equal(do_delete(mem, width, &l.r[i]), 0);
			l.r[i] = l.r[--l.n];
		}
		assert_int_equal(tbl_used(mem), 0);
		for (int i = 0; i < 20; i++) {
			uint8_t a[16];

			random_address(a, width, 50);
			assert_int_equal(do_lookup(mem, width, a), TBL_NONE);
		}
	}
	free(mem);
}

static void test_refill4(void **state)
{
	(void)state;
	refill(32);
}

static void test_refill6(void **state)
{
	(void)state;
	refill(128);
}

static bool next(void *arg, const struct xok_table_update *u)
{
	return ++*(uint32_t *)arg && u;
}

/* Full tables of many sizes, among them those where the root grows. */
static void test_exactly_full(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 70; n++) {
		struct xok_table_spec s = {.type = XOK_TABLE_LPM4, .entries = n};
		void *mem = make_table(&s, 1);
		uint32_t seen = 0;

		for (uint32_t i = 0; i < n; i++) {
			struct xok_prefix4 p = {{(uint8_t)(i * 37), (uint8_t)i, 0, (uint8_t)rnd()},
						32};

			assert_int_equal(tbl_lpm4_set(mem, &p, i), 0);
		}
		tbl_each(mem, next, &seen);
		assert_int_equal(seen, n);
		free(mem);
	}
}

/* Memory that is no trie, but a circle: an end is found all the same. */
static void test_circle(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_LPM6, .entries = 4};
	struct xok_prefix6 p = {{0x20, 0x01}, 16}, q = {{0x20, 0x01, 0x0d}, 24};
	struct tbl_header *h = make_table(&s, 1);
	uint32_t *node;

	(void)state;
	assert_int_equal(tbl_lpm6_set(h, &p, 1), 0);
	node = tbl_unit(h, 1, 0);
	node[0] = 16u << 24 | 1;
	node[1] = 1;
	assert_int_equal(tbl_lpm6_lookup(h, q.address), 1);
	tbl_lpm6_set(h, &q, 2);
	tbl_lpm6_delete(h, &q);
	free(h);
}

/* Not a benchmark (this is compiled with sanitizers), but it shows at once when a lookup is not bounded by the depth. */
static void test_time(void **state)
{
	struct xok_table_spec s = {.type = XOK_TABLE_LPM4, .entries = 10000};
	void *mem = make_table(&s, 1);
	struct timespec a, b;
	int64_t sum = 0;

	(void)state;
	while (tbl_used(mem) < 10000) {
		uint32_t r = (uint32_t)rnd();
		struct xok_prefix4 p = {{(uint8_t)r, (uint8_t)(r >> 8), (uint8_t)(r >> 16), 0}, 24};

		assert_int_equal(tbl_lpm4_set(mem, &p, r & 0xffffff), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 1000000; i++)
		sum += tbl_lpm4_lookup(mem, (uint32_t)rnd());
	clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("10,000 prefixes: %lld ns a lookup, with sanitizers (%lld)\n",
		      ((long long)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec) /
			      1000000,
		      (long long)sum);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lpm4),	cmocka_unit_test(test_lpm6),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_refill4),
		cmocka_unit_test(test_refill6), cmocka_unit_test(test_exactly_full),
		cmocka_unit_test(test_circle),	cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests_name("lpm", tests, NULL, NULL);
}
