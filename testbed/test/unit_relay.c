/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_relay.c - a link under a simulated clock: delay, rate, queue, jitter, loss and repetition; and the boot archive's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testbed/archive.h"
#include "testbed/relay.h"

static struct relay relay;
static uint8_t frame[RELAY_FRAME_MAX + 1];

#define OPEN(...) relay_init(&relay, &(const struct relay_params){__VA_ARGS__}, 42)

static void test_delay(void **state)
{
	(void)state;
	OPEN(.delay = 5000, .queue = 4);
	assert_int_equal(relay_next(&relay), UINT64_MAX);
	assert_int_equal(relay_in(&relay, 1000, frame, 100), RELAY_PASSED);
	assert_int_equal(relay_next(&relay), 6000);
	assert_null(relay_due(&relay, 5999));
	const struct relay_frame *f = relay_due(&relay, 6000);
	assert_non_null(f);
	assert_int_equal(f->len, 100);
	relay_out(&relay, RELAY_PASSED);
	assert_int_equal(relay.out_frames, 1);
	assert_int_equal(relay.out_bytes, 100);
	assert_int_equal(relay_next(&relay), UINT64_MAX);
	relay_fini(&relay);
}

/* 1000 octets at 8 Mbit/s take 1 ms each; the second waits for the first. */
static void test_rate(void **state)
{
	(void)state;
	OPEN(.rate = 8000000, .queue = 10, .delay = 500);
	relay_in(&relay, 0, frame, 1000);
	relay_in(&relay, 0, frame, 1000);
	assert_int_equal(relay_next(&relay), 1000500);
	relay_out(&relay, RELAY_PASSED);
	assert_int_equal(relay_next(&relay), 2000500);
	/* The line has been idle since: no credit is saved up. */
	relay_in(&relay, 10000000, frame, 1000);
	relay_out(&relay, RELAY_PASSED);
	assert_int_equal(relay_next(&relay), 11000500);
	relay_fini(&relay);
}

/* One is being serialised, `queue` wait, the next is dropped; when one has gone there is room for one. */
static void test_queue(void **state)
{
	(void)state;
	OPEN(.rate = 8000000, .queue = 3);
	for (int i = 0; i < 4; i++)
		assert_int_equal(relay_in(&relay, 0, frame, 1000), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 0, frame, 1000), RELAY_QUEUE_FULL);
	assert_int_equal(relay.drops[RELAY_QUEUE_FULL], 1);
	assert_int_equal(relay_in(&relay, 999999, frame, 1000), RELAY_QUEUE_FULL);
	assert_int_equal(relay_in(&relay, 1000000, frame, 1000), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 1000000, frame, 1000), RELAY_QUEUE_FULL);
	relay_fini(&relay);
}

static void test_jitter_keeps_order(void **state)
{
	uint64_t last = 0, spread_lo = UINT64_MAX, spread_hi = 0;

	(void)state;
	OPEN(.delay = 1000, .jitter = 400, .queue = 4);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t now = i * 10000;

		relay_in(&relay, now, frame, 60);
		uint64_t due = relay_next(&relay);
		uint64_t took = due - now;

		assert_true(due >= last);
		last = due;
		spread_lo = took < spread_lo ? took : spread_lo;
		spread_hi = took > spread_hi ? took : spread_hi;
		relay_out(&relay, RELAY_PASSED);
	}
	assert_in_range(spread_lo, 600, 620);
	assert_in_range(spread_hi, 1380, 1400);
	relay_fini(&relay);
	/* Sent together, they come out in the order they went in. */
	OPEN(.delay = 1000, .jitter = 1000, .queue = 4);
	for (uint8_t i = 0; i < 100; i++) {
		frame[0] = i;
		relay_in(&relay, i, frame, 60);
	}
	for (uint8_t i = 0; i < 100; i++) {
		assert_int_equal(relay_due(&relay, UINT64_MAX)->data[0], i);
		relay_out(&relay, RELAY_PASSED);
	}
	relay_fini(&relay);
}

static void test_loss(void **state)
{
	(void)state;
	OPEN(.loss = 200000, .queue = 4);
	for (int i = 0; i < 100000; i++)
		if (relay_in(&relay, 0, frame, 60) == RELAY_PASSED)
			relay_out(&relay, RELAY_PASSED);
	assert_in_range(relay.drops[RELAY_LOSS], 19500, 20500);
	assert_int_equal(relay.drops[RELAY_LOSS] + relay.out_frames, 100000);
	relay_fini(&relay);
	OPEN(.loss = 1000000, .queue = 4);
	assert_int_equal(relay_in(&relay, 0, frame, 60), RELAY_LOSS);
	OPEN(.loss = 0, .queue = 4);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(relay_in(&relay, 0, frame, 60), RELAY_PASSED);
	relay_fini(&relay);
}

/* The same seed loses the same frames; another one others. */
static void test_repeats(void **state)
{
	uint8_t fate[2][1000];
	const struct relay_params p = {.loss = 300000, .delay = 100, .jitter = 50, .queue = 4};

	(void)state;
	for (int run = 0; run < 3; run++) {
		relay_init(&relay, &p, run == 2 ? 8 : 7);
		uint32_t same = 0;

		for (int i = 0; i < 1000; i++) {
			uint8_t f = (uint8_t)relay_in(&relay, (uint64_t)i, frame, 60);

			same += run > 0 && f == fate[0][i];
			fate[run > 0][i] = f;
		}
		if (run == 1)
			assert_int_equal(same, 1000);
		if (run == 2)
			assert_true(same < 900);
		relay_fini(&relay);
	}
}

/* The MTU is of what follows the Ethernet header, and an 802.1Q tag is a part of that header. */
static void test_mtu(void **state)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x05};

	(void)state;
	OPEN(.queue = 4);
	assert_int_equal(relay_in(&relay, 0, frame, 1514), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 0, frame, 1515), RELAY_MTU);
	memcpy(frame + 12, tag, 4);
	assert_int_equal(relay_in(&relay, 0, frame, 1518), RELAY_PASSED);
	relay_fini(&relay);
	OPEN(.queue = 4, .mtu = 1280);
	assert_int_equal(relay_in(&relay, 0, frame, 1298), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 0, frame, 1299), RELAY_MTU);
	/* Two bytes of a tag are no tag: a short frame is not read beyond its end. */
	assert_int_equal(relay_in(&relay, 0, frame, 14), RELAY_PASSED);
	memset(frame + 12, 0, 4);
	assert_int_equal(relay_in(&relay, 0, frame, 1294), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 0, frame, 1295), RELAY_MTU);
	assert_int_equal(relay.drops[RELAY_MTU], 2);
	relay_fini(&relay);
}

static void test_limits(void **state)
{
	(void)state;
	OPEN(.delay = 1000, .queue = 4);
	assert_int_equal(relay_in(&relay, 0, frame, 13), RELAY_LENGTH);
	assert_int_equal(relay_in(&relay, 0, frame, 1519), RELAY_LENGTH);
	assert_int_equal(relay_in(&relay, 0, frame, 14), RELAY_PASSED);
	for (uint32_t i = 1; i < RELAY_FLIGHT_MAX; i++)
		assert_int_equal(relay_in(&relay, 0, frame, 14), RELAY_PASSED);
	assert_int_equal(relay_in(&relay, 0, frame, 14), RELAY_WIRE_FULL);
	relay_out(&relay, RELAY_PEER_GONE);
	assert_int_equal(relay.drops[RELAY_PEER_GONE], 1);
	assert_int_equal(relay_in(&relay, 0, frame, 14), RELAY_PASSED);
	assert_string_equal(relay_drop_name(RELAY_WIRE_FULL), "wire-full");
	relay_fini(&relay);
}

/* Field by field from cpio(5), "new ASCII format". */
static void test_archive(void **state)
{
	char *bytes = NULL;
	size_t len;

	(void)state;
	FILE *f = open_memstream(&bytes, &len);
	assert_int_equal(archive_add(f, "init", "12345", 5), 0);
	assert_int_equal(archive_end(f), 0);
	fclose(f);
	assert_memory_equal(bytes, "070701", 6);
	assert_memory_equal(bytes + 14, "000081A4", 8); /* mode: regular file, 0644 */
	assert_memory_equal(bytes + 54, "00000005", 8); /* size */
	assert_memory_equal(bytes + 94, "00000005", 8); /* name size, with its zero */
	assert_memory_equal(bytes + 110, "init", 5);
	assert_memory_equal(bytes + 116, "12345", 5); /* 110 + 5, padded to 4 */
	assert_memory_equal(bytes + 124, "070701", 6);
	assert_memory_equal(bytes + 124 + 110, "TRAILER!!!", 11);
	assert_int_equal(len % 4, 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay),	cmocka_unit_test(test_rate),
		cmocka_unit_test(test_queue),	cmocka_unit_test(test_jitter_keeps_order),
		cmocka_unit_test(test_loss),	cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_mtu),	cmocka_unit_test(test_limits),
		cmocka_unit_test(test_archive),
	};
	return cmocka_run_group_tests_name("testbed/relay", tests, NULL, NULL);
}
