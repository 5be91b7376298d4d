/* SPDX-License-Identifier: BSD-2-Clause */
/* test_fetch.c - code fetching under random loss, with a clock of its own; lies; bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capsule/module.h"
#include "nodeos/ee/fetch.h"

#define FROM 0x0a000001u
#define RTT 3000000u
#define NET 1024u

static struct fetches all;
static uint8_t bytes[WIRE_MODULE_MAX];
static uint32_t size;
static uint8_t name[WIRE_CODE_NAME];
static uint64_t now;
static unsigned loss; /* percent, each way */
static struct {
	uint64_t at; /* 0: free */
	uint16_t index;
} net[NET];
static unsigned over_ok, over_failed, outstanding_max;
static const char *why;

static void request(void *arg, const struct fetch *f, uint16_t index, bool again)
{
	unsigned out = 0;

	(void)arg;
	(void)again;
	for (unsigned i = 0; i < FETCH_CHUNKS; i++)
		out += f->chunk[i].tries && !f->chunk[i].have;
	if (out > outstanding_max)
		outstanding_max = out;
	if ((unsigned)random() % 100 < loss || (unsigned)random() % 100 < loss)
		return;
	for (unsigned i = 0; i < NET; i++) {
		if (!net[i].at) {
			/* Delays differ, so answers overtake each other. */
			net[i].at = now + RTT + (uint64_t)random() % RTT;
			net[i].index = index;
			return;
		}
	}
}

static void over(void *arg, struct fetch *f, const char *failure)
{
	(void)arg;
	why = failure;
	if (failure) {
		over_failed++;
		return;
	}
	over_ok++;
	assert_int_equal(f->len, size);
	assert_memory_equal(f->bytes, bytes, size);
}

static void begin(uint32_t len, unsigned percent)
{
	memset(&all, 0, sizeof(all));
	memset(net, 0, sizeof(net));
	all.request = request;
	all.over = over;
	size = len;
	loss = percent;
	now = 1;
	over_ok = over_failed = outstanding_max = 0;
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random();
	module_code_name(bytes, size, name);
}

/* Through the packet format, as the node does it. */
static bool answer(uint16_t index, uint32_t from)
{
	uint8_t packet[WIRE_PACKET_MAX];
	size_t n = wire_chunk_build(packet, sizeof(packet), name, index, bytes, size);
	struct wire_code c;

	assert_true(n > 0);
	assert_int_equal(wire_code_parse(packet, n, &c), WIRE_OK);
	return fetch_input(&all, from, &c, wire_code_chunk(packet), now);
}

/* Runs until nothing is due any more. */
static void run(void)
{
	for (;;) {
		uint64_t at = fetch_deadline(&all);
		int first = -1;

		for (unsigned i = 0; i < NET; i++) {
			if (net[i].at && (first < 0 || net[i].at < net[first].at))
				first = (int)i;
		}
		if (first >= 0 && net[first].at <= at) {
			uint16_t index = net[first].index;

			now = net[first].at;
			net[first].at = 0;
			(void)answer(index, FROM);
		} else if (at != UINT64_MAX) {
			now = at;
			fetch_tick(&all, now);
		} else {
			return;
		}
	}
}

static void whole_without_loss(void **state)
{
	static const uint32_t sizes[] = {1, 104, 1023, 1024, 1025, 5000, 65535, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fetch *f;

		begin(sizes[i], 0);
		f = fetch_start(&all, name, FROM, now);
		assert_non_null(f);
		run();
		assert_int_equal(over_ok, 1);
		assert_true(outstanding_max <= FETCH_WINDOW);
	}
}

/* 20 % each way: a round trip succeeds in 64 %, so 20 tries fail once in 10^9. */
static void whole_under_loss(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 300; i++) {
		begin(1 + (uint32_t)random() % WIRE_MODULE_MAX, 20);
		assert_non_null(fetch_start(&all, name, FROM, now));
		run();
		assert_int_equal(over_ok, 1);
		assert_int_equal(over_failed, 0);
		assert_true(outstanding_max <= FETCH_WINDOW);
	}
}

static void gives_up_in_time(void **state)
{
	(void)state;
	begin(5000, 100);
	assert_non_null(fetch_start(&all, name, FROM, now));
	run();
	assert_int_equal(over_failed, 1);
	assert_string_equal(why, "the previous hop did not answer");
	/* 50 + 100 + 200 + 17 * 400 ms */
	assert_int_equal(now, 1 + 7150000000ull);
}

static void does_not_have_it(void **state)
{
	struct wire_code c = {.type = WIRE_CODE_CHUNK};

	(void)state;
	begin(5000, 100);
	assert_non_null(fetch_start(&all, name, FROM, now));
	memcpy(c.code, name, sizeof(name));
	assert_true(fetch_input(&all, FROM, &c, bytes, now));
	assert_int_equal(over_failed, 1);
	assert_null(fetch_find(&all, name));
}

static void strangers_and_repetitions_are_ignored(void **state)
{
	(void)state;
	begin(5000, 100);
	assert_non_null(fetch_start(&all, name, FROM, now));
	assert_false(answer(0, FROM + 1)); /* not the node that was asked */
	assert_false(answer(3, FROM));	   /* not asked for yet */
	assert_true(answer(0, FROM));
	assert_false(answer(0, FROM)); /* again */
	size = 6000;
	assert_false(answer(1, FROM)); /* another length than before */
	size = 5000;
	for (uint16_t i = 1; i < 5; i++)
		assert_true(answer(i, FROM));
	assert_int_equal(over_ok, 1);
	assert_false(answer(1, FROM)); /* it is over */
}

static void altered_code_is_refused(void **state)
{
	(void)state;
	begin(3000, 100);
	assert_non_null(fetch_start(&all, name, FROM, now));
	bytes[2000] ^= 1;
	for (uint16_t i = 0; i < 3; i++)
		assert_true(answer(i, FROM));
	assert_int_equal(over_failed, 1);
	assert_non_null(strstr(why, "of that name"));
}

static void bounded(void **state)
{
	uint8_t other[WIRE_CODE_NAME] = {0};

	(void)state;
	begin(3000, 100);
	for (unsigned i = 0; i < FETCHES; i++) {
		other[0] = (uint8_t)i;
		assert_non_null(fetch_start(&all, other, FROM, now));
		assert_ptr_equal(fetch_start(&all, other, FROM, now), fetch_find(&all, other));
	}
	other[0] = FETCHES;
	assert_null(fetch_start(&all, other, FROM, now));
	run();
	assert_int_equal(over_failed, FETCHES);
	assert_int_equal(fetch_deadline(&all), UINT64_MAX);
	assert_non_null(fetch_start(&all, other, FROM, now));
	run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_without_loss),
		cmocka_unit_test(whole_under_loss),
		cmocka_unit_test(gives_up_in_time),
		cmocka_unit_test(does_not_have_it),
		cmocka_unit_test(strangers_and_repetitions_are_ignored),
		cmocka_unit_test(altered_code_is_refused),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
