/* SPDX-License-Identifier: BSD-2-Clause */
/* test_fragment6.c - fragments for the router, one test for each clause of RFC 8200 4.5, and those that it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/ip6_bench.h"

#define FHLEN 8u
#define MORE 1u

/* An echo request as its sender would cut it. */
static uint8_t whole[IP6_HLEN + 65535];

static size_t make_echo(size_t size)
{
	size_t len = ICMP6_HLEN + size;
	uint8_t *icmp = whole + IP6_HLEN;

	inet_ip6_header(whole, len, PROTO_ICMP6, 64, &b6.host, &b6.ours);
	for (size_t i = 0; i < len; i++)
		icmp[i] = (uint8_t)(i * 7 + i / 256);
	icmp[0] = ICMP6_ECHO;
	icmp[1] = 0;
	put16(icmp + 2, 0);
	put16(icmp + 2, inet_upper6_sum(whole, PROTO_ICMP6, icmp, len));
	return len;
}

/* Bytes at..at + len of the payload, as a fragment. */
static struct frame6 piece(uint32_t id, uint8_t next, size_t at, size_t len, unsigned flags)
{
	uint8_t payload[IP6_PACKET_MAX] = {next};

	put16(payload + 2, (uint16_t)(at | flags));
	put32(payload + 4, id);
	memcpy(payload + FHLEN, whole + IP6_HLEN + at, len);
	return bench6_make(&b6.ours, PROTO_FRAGMENT, payload, FHLEN + len);
}

static void send_piece(uint32_t id, size_t at, size_t len, unsigned flags)
{
	struct frame6 f = piece(id, PROTO_ICMP6, at, len, flags);

	bench6_input(&f, 0);
}

/* All of it, in pieces of this size. */
static void send_whole(uint32_t id, size_t len, size_t step)
{
	for (size_t at = 0; at < len; at += step)
		send_piece(id, at, len - at < step ? len - at : step, at + step < len ? MORE : 0);
}

/* received = joined + dropped + waiting, whatever happens. */
static int books(void **state)
{
	uint64_t lost = 0;

	(void)state;
	for (unsigned i = IP6C_FRAGMENT_LENGTH; i <= IP6C_FRAGMENT_TIME; i++)
		lost += bench6_count(i);
	assert_int_equal(bench6_count(IP6C_FRAGMENTS_RECEIVED),
			 bench6_count(IP6C_FRAGMENTS_JOINED) + lost + reass_waiting(&b6.ip.reass));
	mock_advance(REASS_NS);
	assert_int_equal(reass_waiting(&b6.ip.reass), 0);
	mock_advance(NEIGH_TRIES * NEIGH_RETRY_NS); /* who was told may have to be found first */
	assert_int_equal(mock_timers(), 0);
	return 0;
}

/* The reply, put together from what was sent. */
static void expect_reply(size_t len)
{
	static uint8_t got[65536];
	size_t have = 0, n;
	uint32_t id = 0;

	if (len + IP6_HLEN <= 1500) {
		const uint8_t *h = bench6_take(0, &n);

		memcpy(got, h + IP6_HLEN, n - IP6_HLEN);
		have = n - IP6_HLEN;
	}
	while (have < len) {
		const uint8_t *h = bench6_take(0, &n), *x = h + IP6_HLEN;
		bool last = have + n - IP6_HLEN - FHLEN == len;

		assert_true(n <= IP6_MTU_MIN);
		assert_int_equal(h[IP6_NEXT], PROTO_FRAGMENT);
		assert_int_equal(x[0], PROTO_ICMP6);
		assert_int_equal(be16(x + 2), have | (last ? 0 : MORE));
		if (have)
			assert_int_equal(be32(x + 4), id);
		id = be32(x + 4);
		memcpy(got + have, x + FHLEN, n - IP6_HLEN - FHLEN);
		have += n - IP6_HLEN - FHLEN;
	}
	assert_null(mock_take());
	assert_int_equal(have, len);
	assert_int_equal(got[0], ICMP6_ECHO_REPLY);
	assert_memory_equal(got + 4, whole + IP6_HLEN + 4, len - 4);
	inet_ip6_header(whole, len, PROTO_ICMP6, 64, &b6.ours, &b6.host);
	assert_int_equal(inet_upper6_sum(whole, PROTO_ICMP6, got, len), 0);
}

static void echo(void **state)
{
	static const size_t size[] = {56, 1400, 1452, 1453, 3000, 20000, 65527};

	(void)state;
	for (uint32_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		size_t len = make_echo(size[i]);

		send_whole(i, len, i ? 1232 : 32);
		expect_reply(len);
		assert_int_equal(bench6_count(IP6C_REASSEMBLED), i + 1);
		assert_int_equal(bench6_count(IP6C_ECHO_REPLIES), i + 1);
	}
}

/* Two packets at a time, from the end to the beginning. */
static void interleaved(void **state)
{
	size_t len;

	(void)state;
	len = make_echo(992);
	for (size_t at = 800; at > 0; at -= 200) {
		for (uint32_t id = 1; id <= 2; id++)
			send_piece(id, at, 200, at + 200 < len ? MORE : 0);
	}
	assert_null(mock_take());
	for (uint32_t id = 1; id <= 2; id++) {
		send_piece(id, 0, 200, MORE);
		expect_reply(len);
		make_echo(992);
	}
}

/* RFC 8200 4.5: headers and their order are those of the first fragment; what the others have in front is looked at, and goes. */
static void headers_in_front(void **state)
{
	size_t len = make_echo(100), n;
	struct frame6 first = piece(1, PROTO_ICMP6, 0, 56, MORE);
	uint8_t *p = bench6_packet(&first) + IP6_HLEN;
	const uint8_t *h;

	(void)state;
	/* Destination options in front of the first one, and another next header in the second. */
	memmove(p + 8, p, FHLEN + 56);
	memcpy(p, (const uint8_t[8]){PROTO_FRAGMENT, 0, 1, 4}, 8);
	bench6_packet(&first)[IP6_NEXT] = PROTO_DEST_OPTIONS;
	put16(bench6_packet(&first) + IP6_LEN, 8 + FHLEN + 56);
	first.len += 8;
	bench6_input(&first, 0);
	first = piece(1, PROTO_NONE, 56, len - 56, 0);
	bench6_input(&first, 0);
	expect_reply(len);
	/* What is quoted of a packet that was put together is that packet: UDP, to a port that nobody has. */
	inet_ip6_header(whole, 24, PROTO_UDP, 64, &b6.host, &b6.ours);
	first = piece(2, PROTO_UDP, 0, 16, MORE);
	bench6_input(&first, 0);
	first = piece(2, PROTO_UDP, 16, 8, 0);
	bench6_input(&first, 0);
	h = bench6_take(0, &n) + IP6_HLEN;
	assert_int_equal(h[0], ICMP6_UNREACHABLE);
	assert_int_equal(h[1], ICMP6_PORT);
	assert_int_equal(n, IP6_HLEN + ICMP6_HLEN + IP6_HLEN + 24);
	assert_memory_equal(h + ICMP6_HLEN, whole, IP6_HLEN + 24);
}

static void expect_error(const struct frame6 *quoted, uint8_t type, uint8_t code, uint32_t info)
{
	size_t n, part = quoted->len - ETH_HLEN;
	const uint8_t *h = bench6_take(0, &n), *icmp = h + IP6_HLEN;

	if (part > IP6_MTU_MIN - IP6_HLEN - ICMP6_HLEN)
		part = IP6_MTU_MIN - IP6_HLEN - ICMP6_HLEN;
	assert_memory_equal(h + IP6_SRC, &b6.ours, 16);
	assert_memory_equal(h + IP6_DST, &b6.host, 16);
	assert_int_equal(icmp[0], type);
	assert_int_equal(icmp[1], code);
	assert_int_equal(be32(icmp + 4), info);
	assert_int_equal(n, IP6_HLEN + ICMP6_HLEN + part);
	assert_memory_equal(icmp + ICMP6_HLEN, quoted->data + ETH_HLEN, part);
	assert_null(mock_take());
}

/* "If insufficient fragments are received ... within 60 seconds": code 1 with the first fragment, when that has come. */
static void time_exceeded(void **state)
{
	struct frame6 first;

	(void)state;
	make_echo(2000);
	first = piece(1, PROTO_ICMP6, 0, 1232, MORE);
	send_piece(1, 1232, 200, MORE);
	bench6_input(&first, 0);
	mock_advance(REASS_NS - 1);
	assert_null(mock_take());
	mock_advance(1);
	expect_error(&first, ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY, 0);
	assert_int_equal(bench6_count(IP6C_FRAGMENT_TIME), 2);
	send_piece(2, 1232, 200, MORE);
	mock_advance(REASS_NS);
	assert_null(mock_take());
	assert_int_equal(bench6_count(IP6C_FRAGMENT_TIME), 3);
}

/* "not a multiple of 8 octets and the M flag of that fragment is 1": to the Payload Length field. */
static void odd_length(void **state)
{
	struct frame6 f;

	(void)state;
	make_echo(100);
	f = piece(1, PROTO_ICMP6, 0, 57, MORE);
	bench6_input(&f, 0);
	expect_error(&f, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_LEN);
	send_piece(1, 8, 0, MORE);
	send_piece(1, 8, 0, 0);
	assert_null(mock_take());
	assert_int_equal(bench6_count(IP6C_FRAGMENT_LENGTH), 3);
}

/* "would exceed 65,535 octets": to the Fragment Offset field. */
static void too_long(void **state)
{
	uint8_t options[16] = {PROTO_FRAGMENT, 0, 1, 4};
	struct frame6 f;

	(void)state;
	make_echo(60000);
	memset(whole + IP6_HLEN + 65000, 0, 535);
	f = piece(1, PROTO_ICMP6, 0xfff8, 0, 0);
	f.len += 8;
	put16(bench6_packet(&f) + IP6_LEN, FHLEN + 8);
	bench6_input(&f, 0);
	expect_error(&f, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 2);
	/* 7 are the most that fit there; with options in front they do not. */
	put16(bench6_packet(&f) + IP6_LEN, FHLEN + 7);
	bench6_input(&f, 0);
	assert_null(mock_take());
	assert_int_equal(reass_waiting(&b6.ip.reass), 1);
	memcpy(options + 8, bench6_packet(&f) + IP6_HLEN, 8);
	f = bench6_make(&b6.ours, PROTO_DEST_OPTIONS, options, 16);
	f.len += 7;
	put16(bench6_packet(&f) + IP6_LEN, 16 + 7);
	bench6_input(&f, 0);
	expect_error(&f, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 8 + 2);
	assert_int_equal(bench6_count(IP6C_FRAGMENT_LENGTH), 2);
}

/* The headers of the first fragment count, and it comes last: nothing to point to, and nothing is delivered. */
static void too_long_after_all(void **state)
{
	struct frame6 first;
	uint8_t *p;

	(void)state;
	make_echo(65527);
	for (size_t at = 1232; at < 65535; at += 1232)
		send_piece(1, at, 65535 - at < 1232 ? 65535 - at : 1232,
			   at + 1232 < 65535 ? MORE : 0);
	first = piece(1, PROTO_ICMP6, 0, 1232, MORE);
	p = bench6_packet(&first) + IP6_HLEN;
	memmove(p + 8, p, FHLEN + 1232);
	memcpy(p, (const uint8_t[8]){PROTO_FRAGMENT, 0, 1, 4}, 8);
	bench6_packet(&first)[IP6_NEXT] = PROTO_DEST_OPTIONS;
	put16(bench6_packet(&first) + IP6_LEN, 8 + FHLEN + 1232);
	first.len += 8;
	bench6_input(&first, 0);
	assert_null(mock_take());
	assert_int_equal(bench6_count(IP6C_FRAGMENT_LENGTH), 54);
	assert_int_equal(bench6_count(IP6C_REASSEMBLED), 0);
}

/* "If the first fragment does not include all headers through an Upper-Layer header": code 3, pointer zero (RFC 7112). */
static void headers_cut(void **state)
{
	struct frame6 f;

	(void)state;
	make_echo(100);
	f = piece(1, PROTO_TCP, 0, 16, MORE);
	bench6_input(&f, 0);
	expect_error(&f, ICMP6_PARAMETER, ICMP6_FIRST_FRAGMENT, 0);
	memcpy(whole + IP6_HLEN, (const uint8_t[8]){PROTO_TCP, 1, 1, 4}, 8);
	f = piece(1, PROTO_DEST_OPTIONS, 0, 8, MORE);
	bench6_input(&f, 0);
	expect_error(&f, ICMP6_PARAMETER, ICMP6_FIRST_FRAGMENT, 0);
	assert_int_equal(bench6_count(IP6C_FRAGMENT_HEADERS), 2);
	assert_int_equal(reass_waiting(&b6.ip.reass), 0);
}

/* RFC 5722: "silently discarded". */
static void overlap(void **state)
{
	size_t len;

	(void)state;
	len = make_echo(100);
	send_piece(1, 0, 64, MORE);
	send_piece(1, 56, len - 56, 0);
	send_piece(1, 64, len - 64, 0);
	assert_null(mock_take());
	assert_int_equal(bench6_count(IP6C_FRAGMENT_OVERLAP), 3);
	/* A copy is none (RFC 8200). */
	send_piece(2, 0, 64, MORE);
	send_piece(2, 0, 64, MORE);
	send_piece(2, 64, len - 64, 0);
	expect_reply(len);
	assert_int_equal(bench6_count(IP6C_FRAGMENT_DUPLICATE), 1);
}

/* RFC 6946: one that is the whole packet is no fragment, whatever waits with its identification. */
static void atomic(void **state)
{
	size_t len;

	(void)state;
	len = make_echo(100);
	send_piece(1, 0, 64, MORE);
	send_piece(1, 0, len, 0);
	expect_reply(len);
	assert_int_equal(reass_waiting(&b6.ip.reass), 1);
	make_echo(100);
	send_piece(1, 64, len - 64, 0);
	expect_reply(len);
}

/* RFC 6980 5: neighbour discovery in fragments is ignored, a whole one behind a Fragment header, too. */
static void discovery(void **state)
{
	struct frame6 f;

	(void)state;
	memset(whole, 0, sizeof(whole));
	inet_ip6_header(whole, 32, PROTO_ICMP6, 255, &b6.host, &b6.ours);
	whole[IP6_HLEN] = ICMP6_NS;
	memcpy(whole + IP6_HLEN + 8, &b6.ours, 16);
	memcpy(whole + IP6_HLEN + 24, (const uint8_t[8]){1, 1, 2, 0, 0, 0, 0, 5}, 8);
	put16(whole + IP6_HLEN + 2, inet_upper6_sum(whole, PROTO_ICMP6, whole + IP6_HLEN, 32));
	f = bench6_make(&b6.ours, PROTO_ICMP6, whole + IP6_HLEN, 32);
	bench6_packet(&f)[IP6_HOPS_AT] = 255;
	bench6_input(&f, 0);
	assert_non_null(mock_take());
	for (unsigned cut = 0; cut < 2; cut++) {
		f = piece(1, PROTO_ICMP6, 0, cut ? 16 : 32, cut ? MORE : 0);
		bench6_packet(&f)[IP6_HOPS_AT] = 255;
		bench6_input(&f, 0);
		if (cut) {
			f = piece(1, PROTO_ICMP6, 16, 16, 0);
			bench6_packet(&f)[IP6_HOPS_AT] = 255;
			bench6_input(&f, 0);
		}
		assert_null(mock_take());
		assert_int_equal(bench6_count(IP6C_ND_MALFORMED), cut + 1);
	}
}

/* Link-local senders of the same address at two ports are two. */
static void zones(void **state)
{
	struct ip6 local = bench6_address("fe80::5");
	struct frame6 f;

	(void)state;
	make_echo(100);
	for (uint16_t port = 0; port < 2; port++) {
		f = piece(1, PROTO_ICMP6, 0, 64, MORE);
		bench6_source(&f, &local);
		bench6_input(&f, port);
	}
	assert_int_equal(reass_waiting(&b6.ip.reass), 2);
	assert_int_equal(bench6_count(IP6C_FRAGMENT_DUPLICATE), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench6_setup, books)
	const struct CMUnitTest tests[] = {
		T(echo),       T(interleaved), T(headers_in_front),   T(time_exceeded),
		T(odd_length), T(too_long),    T(too_long_after_all), T(headers_cut),
		T(overlap),    T(atomic),      T(discovery),	      T(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
