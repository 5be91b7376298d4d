/* SPDX-License-Identifier: BSD-2-Clause */
/* test_admit.c - what the capsule domain refuses, and in which order, with real signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "nodeos/test/ee_bench.h"

/* ---- refusals ---- */

/* Every combination of faults is reported as the first of them in the order of the contract. */
static void refusals_in_order(void **state)
{
	static const enum ee_refusal order[] = {
		EER_UNSIGNED,	 EER_UNKNOWN_PRINCIPAL, EER_EXPIRED, EER_NOT_PERMITTED,
		EER_OVER_BUDGET, EER_BAD_SIGNATURE,	EER_ADDRESS};

	(void)state;
	pub.nrule = ABSENT; /* ABSENT is not permitted */
	for (unsigned faults = 1; faults < 128; faults++) {
		struct wire_capsule c = sound(faults & 8 ? ABSENT : FORWARD);
		uint8_t buf[WIRE_PACKET_MAX];
		size_t len;

		c.is_signed = !(faults & 1);
		if (faults & 4)
			c.not_after = NOW - 5;
		if (faults & 16)
			c.budget++;
		len = build(buf, &c, faults & 2 ? 2 : 0);
		if (faults & 32)
			buf[87] ^= 1; /* the sequence number, after signing */
		send_udp(faults & 64 ? ORIGIN + 1 : ORIGIN, DEST, 64, buf, len);
		expect_refusal(order[__builtin_ctz(faults)]);
		assert_null(mock_take());
	}
}

static void malformed(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[WIRE_PACKET_MAX];
	size_t len = build(buf, &c, 0);

	(void)state;
	send_udp(ORIGIN, DEST, 64, buf, len - 1);
	expect_refusal(EER_MALFORMED);
	buf[0] = 2;
	send_udp(ORIGIN, DEST, 64, buf, len);
	expect_refusal(EER_MALFORMED);
	send_udp(ORIGIN, DEST, 64, buf, 0);
	expect_refusal(EER_MALFORMED);
}

/* The address that IP carries is the signed one, on the way out and on the way back. */
static void addresses(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[WIRE_PACKET_MAX];
	size_t len = build(buf, &c, 0);

	(void)state;
	send_udp(ORIGIN, DEST + 1, 64, buf, len);
	expect_refusal(EER_ADDRESS);
	send_udp(ORIGIN + 1, DEST, 64, buf, len);
	expect_refusal(EER_ADDRESS);
	c.hop.flags = WIRE_HOP_RETURNING;
	wire_address4(c.origin, DEST);
	wire_address4(c.destination, ORIGIN);
	len = build(buf, &c, 0);
	send_udp(ORIGIN + 1, DEST + 1, 64, buf, len);
	expect_refusal(EER_ADDRESS);
	send_udp(ORIGIN + 1, DEST, 64, buf, len);
	assert_int_equal(refusals(), 0);
}

static void validity(void **state)
{
	struct wire_capsule c = sound(FORWARD);

	(void)state;
	c.not_before = NOW + 1;
	send_capsule(&c, 64);
	expect_refusal(EER_NOT_YET_VALID);
	/* The node's own clock counts. */
	pub.utc_offset = 2000000000;
	send_capsule(&c, 64);
	assert_int_equal(refusals(), 0);
	pub.utc_offset = 20000000000;
	send_capsule(&c, 64);
	expect_refusal(EER_EXPIRED);
}

/* Each signed field, altered in a way that policy lets pass. */
static void altered_anywhere(void **state)
{
	static const uint16_t at[] = {87 /* sequence */,   95 /* not before */,
				      103 /* not after */, 106 /* budget */,
				      109 /* entry */,	   111 /* argument length */,
				      127 /* origin */,	   143 /* destination */,
				      160 /* signature */, 243 /* argument */};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct wire_capsule c = sound(FORWARD);
		uint8_t buf[WIRE_PACKET_MAX];
		size_t len;

		c.budget =
			767; /* 0x2ff: without its bit 0x200 it stays within the rule, but below what is left */
		c.hop.budget_left = 100;
		len = build(buf, &c, 0);
		buf[at[i]] ^= at[i] == 106 ? 2 : 1;
		send_udp(ORIGIN, DEST, 64, buf, len);
		expect_refusal(EER_BAD_SIGNATURE);
	}
}

/* What is not signed may change: the hop fields and the data. */
static void unsigned_parts_may_change(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[WIRE_PACKET_MAX];
	size_t len = build(buf, &c, 0);

	(void)state;
	buf[221] = 9;	   /* hops */
	buf[240 + 8] ^= 1; /* data */
	send_udp(ORIGIN, DEST, 64, buf, len);
	assert_int_equal(refusals(), 0);
	assert_non_null(mock_take());
}

/* A flood of forgeries at one port: it costs no more curves than there is time for, and nobody at another port notices. */
static void forgeries_are_limited(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t good[WIRE_PACKET_MAX], bad[WIRE_PACKET_MAX];
	size_t len = build(good, &c, 0);

	(void)state;
	memcpy(bad, good, len);
	bad[160] ^= 1;
	for (int i = 0; i < 200; i++)
		send_udp(ORIGIN, DEST, 64, bad, len);
	assert_int_equal(shared->pub.refused[EER_BAD_SIGNATURE], 200);
	mock_queued = EE_BEHIND;
	for (int i = 0; i < 1000; i++)
		send_udp(ORIGIN, DEST, 64, bad, len);
	assert_int_equal(shared->pub.refused[EER_SIGNATURE_LIMIT], 1000);
	send_udp(ORIGIN, DEST, 64, good, len);
	assert_int_equal(shared->pub.refused[EER_SIGNATURE_LIMIT], 1001);
	assert_null(mock_take());
	send_udp_at(1, ORIGIN, DEST, 64, good, len);
	assert_non_null(mock_take());
	/* It passes, and true ones are never charged. */
	mock_advance(20000000);
	for (int i = 0; i < 1000; i++)
		send_udp(ORIGIN, DEST, 64, good, len);
	assert_int_equal(shared->pub.counter[EEC_RAN], 1001);
	/* Not behind: whatever came before, it is looked at. */
	for (int i = 0; i < 200; i++)
		send_udp(ORIGIN, DEST, 64, bad, len);
	mock_queued = 0;
	send_udp(ORIGIN, DEST, 64, good, len);
	assert_int_equal(shared->pub.counter[EEC_RAN], 1002);
}

static void entry_point(void **state)
{
	struct wire_capsule c = sound(FORWARD);

	(void)state;
	c.entry = 1;
	send_capsule(&c, 64);
	expect_refusal(EER_BAD_ENTRY);
}

/* Events are limited, counting is not. */
static void refusal_events_are_limited(void **state)
{
	struct ee_event e;
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 500; i++)
		send_udp(ORIGIN, DEST, 64, (const uint8_t *)"x", 1);
	assert_int_equal(shared->pub.refused[EER_MALFORMED], 500);
	while (event(EE_REFUSED, &e, NULL))
		n++;
	assert_int_equal(n, 50);
	assert_int_equal(shared->pub.counter[EEC_EVENTS_LOST], 450);
}

static void headers(void **state)
{
	struct wire_capsule c = sound(FORWARD);
	uint8_t buf[WIRE_PACKET_MAX], f[ETH_HLEN + 20 + 8] = {0x52, 0x54};
	size_t len = build(buf, &c, 0);

	(void)state;
	send_udp(0x0a000001, DEST, 64, buf, len); /* from ourselves */
	send_udp(0x7f000001, DEST, 64, buf, len);
	mock_frame_in(0, f, 10, true);
	mock_frame_in(0, f, sizeof(f), true);
	assert_int_equal(shared->pub.counter[EEC_HEADER], 4);
	send_udp(ORIGIN, 0x0a0001ff, 64, buf, len);
	assert_int_equal(shared->pub.counter[EEC_BROADCAST], 1);
	put16(f + 12, ETH_IP4);
	inet_ip4_header(f + ETH_HLEN, 0, 28, 0, 64, PROTO_UDP, ORIGIN, DEST);
	put16(f + ETH_HLEN + 24, 9); /* a byte more than there is */
	mock_frame_in(0, f, sizeof(f), true);
	put16(f + ETH_HLEN + 24, 7);
	mock_frame_in(0, f, sizeof(f), true);
	assert_int_equal(shared->pub.counter[EEC_UDP_LENGTH], 2);
	put16(f + ETH_HLEN + 24, 8);
	put16(f + ETH_HLEN + 26, 0x1234);
	mock_frame_in(0, f, sizeof(f), true);
	assert_int_equal(shared->pub.counter[EEC_UDP_CHECKSUM], 1);
	assert_int_equal(refusals(), 0);
	assert_null(mock_take());
}

/* An ANEP type that nobody here knows goes on as IP; a host hands over what is not for it. */
static void others_go_to_the_root(void **state)
{
	uint8_t anep[8] = {1, 0, 0x12, 0x34, 0, 2, 0, 8}, buf[MSGQ_MAX];
	struct wire_capsule c = sound(FORWARD);
	struct ee_punt p;

	(void)state;
	send_udp(ORIGIN, DEST, 64, anep, 8);
	assert_int_equal(msgq_get(&punts, buf), sizeof(p) + 36);
	memcpy(&p, buf, sizeof(p));
	assert_int_equal(p.kind, EE_PUNT_FORWARD);
	pub.role = NODE_HOST;
	send_capsule(&c, 64);
	assert_true(msgq_get(&punts, buf) > 0);
	assert_int_equal(refusals(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(refusals_in_order),
		T(malformed),
		T(addresses),
		T(validity),
		T(altered_anywhere),
		T(unsigned_parts_may_change),
		T(entry_point),
		T(refusal_events_are_limited),
		T(forgeries_are_limited),
		T(headers),
		T(others_go_to_the_root),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("admit", tests, NULL, NULL);
}
