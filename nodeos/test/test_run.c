/* SPDX-License-Identifier: BSD-2-Clause */
/* test_run.c - what a capsule's program does to it, to its budget and to the node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "nodeos/test/ee_bench.h"

/* ---- runs ---- */

static void forward(void **state)
{
	struct wire_capsule c = sound(FORWARD), out;
	const uint8_t *anep;
	uint32_t prev;
	struct ee_event e;

	(void)state;
	send_capsule(&c, 64);
	out = sent(1, ORIGIN, DEST, 63, &anep);
	assert_int_equal(out.hop.hops, 4);
	assert_int_equal(out.hop.budget_left, BUDGET - EE_FORWARD_COST - 2);
	assert_true(wire_is_address4(out.hop.previous, &prev));
	assert_int_equal(prev, 0x0a000101); /* our address on the network it leaves by */
	assert_true(event(EE_RAN, &e, NULL));
	assert_int_equal(e.action, CAPSULE_FORWARD);
	assert_int_equal(e.out_port, 1);
	assert_int_equal(shared->pub.counter[EEC_FORWARDED], 1);
}

/* Signed arguments go on as they came, data as the program left it, the length as it asked for. */
static void writes(void **state)
{
	struct wire_capsule c = sound(WRITER), out;
	const uint8_t *anep;

	(void)state;
	send_capsule(&c, 64);
	out = sent(1, ORIGIN, DEST, 63, &anep);
	assert_int_equal(out.payload_len, 100);
	assert_int_equal(anep[240], 0x11);
	assert_int_equal(anep[240 + 20], 0x77);
	assert_int_equal(anep[240 + 21], 0x11);
	assert_int_equal(anep[240 + 99], 0);
}

/* The signed arguments cannot be cut off. */
static void shrinks_no_further_than_arguments(void **state)
{
	struct wire_capsule c = sound(SHRINK);
	const uint8_t *anep;

	(void)state;
	send_capsule(&c, 64);
	assert_int_equal(sent(1, ORIGIN, DEST, 63, &anep).payload_len, 40);
}

static void turn_back(void **state)
{
	struct wire_capsule c = sound(RETURN), out;
	const uint8_t *anep;

	(void)state;
	send_capsule(&c, 1);
	out = sent(0, 0x0a000001, ORIGIN, 64, &anep);
	assert_int_equal(out.hop.flags, WIRE_HOP_RETURNING);
	/* One that returns already cannot: it comes from anywhere and goes to the origin. */
	c.hop.flags = WIRE_HOP_RETURNING;
	wire_address4(c.origin, DEST);
	send_capsule(&c, 64);
	expect_refusal(EER_BAD_ACTION);
}

static void deliver_here(void **state)
{
	struct wire_capsule c = sound(DELIVER);
	uint8_t buf[WIRE_PACKET_MAX], text[MSGQ_MAX];
	struct ee_event e;

	(void)state;
	wire_address4(c.destination, 0x0a000001);
	send_udp(ORIGIN, 0x0a000001, 1, buf, build(buf, &c, 0));
	assert_true(event(EE_DELIVERED, &e, text));
	assert_int_equal(e.flags, CAPSULE_AT_DESTINATION);
	assert_int_equal(e.text_len, 40);
	assert_int_equal(text[39], 0x11);
	assert_int_equal(shared->pub.counter[EEC_DELIVERED], 1);
	/* Forward has nowhere to go from here. */
	memcpy(c.code, mod[FORWARD], sizeof(c.code));
	send_udp(ORIGIN, 0x0a000001, 64, buf, build(buf, &c, 0));
	expect_refusal(EER_BAD_ACTION);
}

static void stops(void **state)
{
	static const struct {
		int module;
		enum ee_refusal why;
		const char *detail;
	} bad[] = {
		{ODD, EER_BAD_ACTION, "77"},
		{LOOP, EER_BUDGET_EXHAUSTED, "budget-exhausted"},
		{WILD, EER_FAULT, "window-bounds"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_capsule c = sound(bad[i].module);
		uint8_t text[MSGQ_MAX] = {0};
		struct ee_event e;

		send_capsule(&c, 64);
		expect_refusal(bad[i].why);
		assert_true(event(EE_REFUSED, &e, text));
		assert_non_null(strstr((char *)text, bad[i].detail));
		assert_null(mock_take());
	}
}

static void limits(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[MSGQ_MAX];
	struct ee_punt p;

	(void)state;
	send_capsule(&c, 1);
	expect_refusal(EER_HOP_LIMIT);
	assert_true(msgq_get(&punts, buf) > 0);
	memcpy(&p, buf, sizeof(p));
	assert_int_equal(p.kind, EE_PUNT_ICMP);
	assert_int_equal(p.type, 11);
	c.hop.hops = 255;
	send_capsule(&c, 64);
	expect_refusal(EER_HOP_LIMIT);
	c.hop.hops = 0;
	c.hop.budget_left = EE_FORWARD_COST + 1; /* two instructions are spent, 49 are left */
	send_capsule(&c, 64);
	expect_refusal(EER_BUDGET_EXHAUSTED);
	c.hop.budget_left = BUDGET;
	mock_transmit_result(XOK_EAGAIN);
	send_capsule(&c, 64);
	expect_refusal(EER_TRANSMIT);
}

/* An unknown neighbour is the root's to resolve. */
static void punts_what_is_not_resolved(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[MSGQ_MAX];
	struct ee_punt p;

	(void)state;
	memset(pub.neigh, 0, sizeof(pub.neigh));
	send_capsule(&c, 64);
	assert_null(mock_take());
	assert_true(msgq_get(&punts, buf) > 0);
	memcpy(&p, buf, sizeof(p));
	assert_int_equal(p.kind, EE_PUNT_SEND);
	assert_int_equal(inet_ip4_check(buf + sizeof(p), p.len), INET_OK);
	assert_true(notified > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(forward),
		T(writes),
		T(shrinks_no_further_than_arguments),
		T(turn_back),
		T(deliver_here),
		T(stops),
		T(limits),
		T(punts_what_is_not_resolved),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
