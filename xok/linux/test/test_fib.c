/* SPDX-License-Identifier: BSD-2-Clause */
/* test_fib.c - the lookup tables against a list, against the table in memory, and what they give back. */
#include "fib_common.h"

#include "xok/linux/fib_int.h"

#define LIST 300u

static uint32_t quiesced;

void lcores_quiesce(void *d)
{
	(void)d;
	quiesced++;
}

struct list {
	uint32_t n;
	struct route r[LIST];
};

static int32_t list_lookup(const struct list *l, const uint8_t *address)
{
	const struct route *best = NULL;

	for (uint32_t i = 0; i < l->n; i++)
		if ((!best || l->r[i].len > best->len) && route_covers(&l->r[i], address))
			best = &l->r[i];
	return best ? (int32_t)best->number : TBL_NONE;
}

static struct route *list_find(struct list *l, const struct route *r)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->r[i].len == r->len && !memcmp(l->r[i].address, r->address, 16))
			return &l->r[i];
	return NULL;
}

/* An address at an edge of some prefix, or anywhere. */
static void interesting(const struct list *l, uint8_t address[16])
{
	const struct route *r = &l->r[rnd() % LIST];

	random_address(address);
	if (r >= &l->r[l->n])
		return;
	for (uint32_t i = 0; i < r->len; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		address[i / 8] = (uint8_t)((address[i / 8] & ~bit) | (r->address[i / 8] & bit));
	}
	if (r->len && rnd() % 4 == 0)
		address[(r->len - 1) / 8] ^= (uint8_t)(0x80 >> (r->len - 1) % 8);
}

static void compare(const struct table *t, const struct list *l, uint32_t n)
{
	uint8_t address[16];

	while (n--) {
		interesting(l, address);
		assert_int_equal(route_lookup(t, address), list_lookup(l, address));
		assert_int_equal(mem_lookup(t, address), list_lookup(l, address));
	}
}

/* Longest lengths last: as if aggregated; shortest last: everything is covered anew; and mixed. */
static void change(const struct table *t, struct list *l, uint32_t number)
{
	struct route r = random_route(t->wide, number), *had;

	if (l->n && rnd() % 2)
		r = l->r[rnd() % l->n];
	had = list_find(l, &r);
	r.number = number;
	if (had && rnd() % 3) {
		assert_int_equal(route_remove(t, &r), 0);
		assert_int_equal(route_remove(t, &r), TBL_ENOENT);
		*had = l->r[--l->n];
	} else if (had) {
		assert_int_equal(route_set(t, &r), 0);
		*had = r;
	} else if (l->n < LIST) {
		assert_int_equal(route_set(t, &r), 0);
		l->r[l->n++] = r;
	}
}

static uint32_t waiting_or_free(const struct fib_pool *p)
{
	uint32_t n = p->nwait;

	for (uint32_t i = p->free; i; n++) {
		uint32_t *u = fib_unit(p, i);
		ASAN_UNPOISON_MEMORY_REGION(u, p->unit);
		i = *u;
	}
	return n;
}

/* Every group and every leaf has come back, and the root is as new. */
static void expect_empty(const struct table *t)
{
	const struct fib *f = t->self;
	const struct fib_pool *pool[] = {&f->group, &f->leaf};
	size_t bytes = t->wide ? FIB6_ROOT : FIB4_ROOT;

	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(waiting_or_free(pool[i]), pool[i]->fresh - 1);
	for (size_t i = 0; i < bytes / sizeof(uint32_t); i++)
		assert_int_equal(f->root[i], 0);
}

static void against_list(bool wide)
{
	struct table t = table_open(wide, LIST);
	static struct list l;

	l.n = 0;
	for (uint32_t i = 0; i < 6000; i++) {
		change(&t, &l, i);
		compare(&t, &l, i % 16 ? 4 : 60);
	}
	while (l.n) {
		assert_int_equal(route_remove(&t, &l.r[--l.n]), 0);
		compare(&t, &l, 10);
	}
	expect_empty(&t);
	table_close(&t);
}

static void test_list4(void **state)
{
	(void)state;
	against_list(false);
}

static void test_list6(void **state)
{
	(void)state;
	against_list(true);
}

/* More of them, so that groups nest; half go again. */
static void against_mem(bool wide)
{
	enum { N = 20000 };
	struct table t = table_open(wide, N);
	struct route *r = calloc(N, sizeof(*r));
	uint8_t address[16];

	for (uint32_t i = 0; i < N; i++) {
		r[i] = random_route(wide, i);
		if (r[i].len < 12)
			r[i].len += 12;
		cut(&r[i]);
		assert_int_equal(route_set(&t, &r[i]), 0);
	}
	for (uint32_t i = 0; i < N; i += 2)
		route_remove(&t, &r[i]);
	for (uint32_t i = 0; i < 400000; i++) {
		const struct route *at = &r[rnd() % N];

		random_address(address);
		memcpy(address, at->address, at->len / 8);
		assert_int_equal(route_lookup(&t, address), mem_lookup(&t, address));
	}
	for (uint32_t i = 0; i < N; i++)
		route_remove(&t, &r[i]);
	expect_empty(&t);
	free(r);
	table_close(&t);
}

static void test_mem4(void **state)
{
	(void)state;
	against_mem(false);
}

static void test_mem6(void **state)
{
	(void)state;
	against_mem(true);
}

/* What set refuses leaves everything as it was. */
static void test_refused(void **state)
{
	struct table t = table_open(false, 2);
	struct route r[] = {{{10}, 8, 1}, {{10, 1}, 16, 2}, {{10, 2}, 16, 3}};
	struct route bad[] = {{{10, 1}, 8, 1}, {{10}, 33, 1}, {{10}, 8, 1u << 24}};
	uint8_t inside[16] = {10, 2};

	(void)state;
	assert_int_equal(route_set(&t, &r[0]), 0);
	assert_int_equal(route_set(&t, &r[1]), 0);
	assert_int_equal(route_set(&t, &r[2]), TBL_ENOMEM);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(route_set(&t, &bad[i]), TBL_EINVAL);
	assert_int_equal(route_lookup(&t, inside), 1);
	table_close(&t);
}

static void test_default(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		struct table t = table_open(wide, 2);
		struct route all = {{0}, 0, 7}, half = {{0x80}, 1, 8};
		uint8_t low[16] = {0x20}, high[16] = {0xff};

		assert_int_equal(route_lookup(&t, low), TBL_NONE);
		assert_int_equal(route_set(&t, &all), 0);
		assert_int_equal(route_set(&t, &half), 0);
		assert_int_equal(route_lookup(&t, low), 7);
		assert_int_equal(route_lookup(&t, high), 8);
		assert_int_equal(route_remove(&t, &all), 0);
		assert_int_equal(route_lookup(&t, low), TBL_NONE);
		assert_int_equal(route_lookup(&t, high), 8);
		table_close(&t);
	}
}

/* Prefixes of every length of one address: longest first, shortest first, and gone from the middle. */
static void test_nested(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		uint32_t bits = wide ? 128 : 32;
		struct table t = table_open(wide, bits + 1);
		uint8_t address[16];

		memset(address, 0xa5, sizeof(address));
		for (uint32_t i = 0; i <= bits; i++) {
			struct route r = {.len = i % 2 ? i : bits - i, .number = i};

			memcpy(r.address, address, sizeof(address));
			cut(&r);
			assert_int_equal(route_set(&t, &r), 0);
			assert_int_equal(route_lookup(&t, address), mem_lookup(&t, address));
		}
		for (uint32_t i = 0; i <= bits; i++) {
			struct route r = {.len = (i * 5 + 3) % (bits + 1)};

			memcpy(r.address, address, sizeof(address));
			cut(&r);
			route_remove(&t, &r);
			assert_int_equal(route_lookup(&t, address), mem_lookup(&t, address));
		}
		table_close(&t);
	}
}

/* The same prefix again and again: units come back, each after a grace period. */
static void test_reuse(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		struct table t = table_open(wide, 4);
		struct route keep = {{0x20, 1, 2, 3}, 32, 1}, churn = {{0x20, 1, 9, 4}, 32, 2};

		quiesced = 0;
		assert_int_equal(route_set(&t, &keep), 0);
		for (uint32_t i = 0; i < 8 * FIB_BATCH; i++) {
			assert_int_equal(route_set(&t, &churn), 0);
			assert_int_equal(route_lookup(&t, churn.address), 2);
			assert_int_equal(route_remove(&t, &churn), 0);
			assert_int_equal(route_lookup(&t, churn.address), TBL_NONE);
		}
		assert_in_range(quiesced, 4, 32);
		assert_int_equal(route_remove(&t, &keep), 0);
		expect_empty(&t);
		table_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list4),	cmocka_unit_test(test_list6),
		cmocka_unit_test(test_mem4),	cmocka_unit_test(test_mem6),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_default),
		cmocka_unit_test(test_nested),	cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
