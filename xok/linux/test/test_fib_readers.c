/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fib_readers.c - threads that look up while prefixes come and go. Freed units are poisoned once nobody may be reading them, so that the
 * sanitizer ends a reader that does.
 */
#include <pthread.h>
#include <unistd.h>

#include "fib_common.h"

#define READERS 2u
#define KEPT 500u
#define MOVING 4000u
#define CHANGES 500000u

static struct table table;
static struct route route[KEPT + MOVING]; /* number: index */
static uint64_t bursts[READERS];	  /* odd: in one */
static bool done;

/* Waits until each reader has left the burst it was in. */
void lcores_quiesce(void *d)
{
	(void)d;
	for (uint32_t i = 0; i < READERS; i++) {
		uint64_t was = __atomic_load_n(&bursts[i], __ATOMIC_SEQ_CST);

		while ((was & 1) && __atomic_load_n(&bursts[i], __ATOMIC_SEQ_CST) == was)
			usleep(1);
	}
}

/* The longest of the prefixes that are always there, or one that comes and goes and is longer. */
static void check(const uint8_t address[16])
{
	int32_t got = route_lookup(&table, address), least = TBL_NONE;

	for (uint32_t i = 0; i < KEPT; i++)
		if (route_covers(&route[i], address) &&
		    (least < 0 || route[i].len > route[least].len))
			least = (int32_t)i;
	if (got == least)
		return;
	assert_true(got >= 0);
	assert_true(route_covers(&route[got], address));
	assert_true(least < 0 || route[got].len > route[least].len);
}

static void *reader(void *arg)
{
	uint64_t *count = arg;
	uint8_t address[16];

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
		for (uint32_t i = 0; i < 64; i++) {
			const struct route *r = &route[rnd() % (KEPT + MOVING)];

			random_address(address);
			memcpy(address, r->address, r->len / 8);
			if (i % 16)
				route_lookup(&table, address);
			else
				check(address);
		}
		__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void changes(void)
{
	for (uint32_t i = 0; i < CHANGES; i++) {
		const struct route *r = &route[KEPT + rnd() % MOVING];

		if (rnd() % 2)
			route_remove(&table, r);
		else
			assert_int_equal(route_set(&table, r), 0);
	}
}

static bool known(uint32_t n, const struct route *r)
{
	for (uint32_t i = 0; i < n; i++)
		if (route[i].len == r->len && !memcmp(route[i].address, r->address, 16))
			return true;
	return false;
}

static void run(bool wide)
{
	pthread_t thread[READERS];

	table = table_open(wide, KEPT + MOVING);
	for (uint32_t i = 0; i < KEPT + MOVING;) {
		route[i] = random_route(wide, i);
		if (i >= KEPT && route[i].len < 14)
			route[i].len += 14;
		cut(&route[i]);
		i += !known(i, &route[i]);
	}
	for (uint32_t i = 0; i < KEPT; i++)
		assert_int_equal(route_set(&table, &route[i]), 0);
	done = false;
	for (uint32_t i = 0; i < READERS; i++)
		pthread_create(&thread[i], NULL, reader, &bursts[i]);
	changes();
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	table_close(&table);
}

static void test_readers4(void **state)
{
	(void)state;
	run(false);
}

static void test_readers6(void **state)
{
	(void)state;
	run(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers4),
		cmocka_unit_test(test_readers6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
