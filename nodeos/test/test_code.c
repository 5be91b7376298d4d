/* SPDX-License-Identifier: BSD-2-Clause */
/* test_code.c - code asked for, handed on, kept and evicted; capsules that wait for it; injection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "nodeos/test/ee_bench.h"

#define FETCHES_TRIED 20u

/* ---- code ---- */

static void answer_request(int which, bool have)
{
	const struct mock_frame *f = mock_take();
	uint8_t buf[WIRE_PACKET_MAX];
	struct wire_code c;
	size_t len;

	assert_non_null(f);
	assert_int_equal(be32(f->data + ETH_HLEN + IP4_DST), ORIGIN);
	assert_int_equal(be32(f->data + ETH_HLEN + IP4_SRC), 0x0a000001);
	assert_int_equal(wire_code_parse(f->data + ETH_HLEN + 28, f->len - ETH_HLEN - 28, &c),
			 WIRE_OK);
	assert_int_equal(c.type, WIRE_CODE_REQUEST);
	assert_memory_equal(c.code, mod[which], 32);
	len = wire_chunk_build(buf, sizeof(buf), c.code, c.index, have ? mod_bytes[which] : NULL,
			       have ? (uint32_t)mod_len[which] : 0);
	send_udp(ORIGIN, 0x0a000001, 64, buf, len);
}

static void fetches_and_goes_on(void **state)
{
	struct wire_capsule c = sound(ABSENT);
	const uint8_t *anep;
	struct ee_event e;

	(void)state;
	send_capsule(&c, 64);
	c.sequence = 2;
	send_capsule(&c, 64);
	mock_advance(60000000); /* the first request was lost */
	mock_take();
	answer_request(ABSENT, true);
	assert_int_equal(sent(1, ORIGIN, DEST, 63, &anep).sequence, 1);
	assert_int_equal(sent(1, ORIGIN, DEST, 63, &anep).sequence, 2);
	assert_null(mock_take());
	assert_true(event(EE_FETCH, &e, NULL));
	assert_int_equal(e.state, EE_FETCH_STARTED);
	assert_true(event(EE_FETCH, &e, NULL));
	assert_int_equal(e.state, EE_FETCH_DONE);
	assert_int_equal(e.resumed, 2);
	assert_int_equal(e.retransmits, 1);
	assert_int_equal(mock_timers(), 0);
	/* Now it is there. */
	c.sequence = 3;
	send_capsule(&c, 64);
	assert_int_equal(sent(1, ORIGIN, DEST, 63, &anep).sequence, 3);
}

static void code_unavailable(void **state)
{
	struct wire_capsule c = sound(ABSENT);

	(void)state;
	send_capsule(&c, 64);
	answer_request(ABSENT, false);
	expect_refusal(EER_CODE_UNAVAILABLE);
	/* Nobody answers at all. */
	send_capsule(&c, 64);
	mock_advance(10000000000);
	expect_refusal(EER_CODE_UNAVAILABLE);
	mock_forget_sent();
	/* Somebody far away must not be asked. */
	wire_address4(c.hop.previous, 0x08080808);
	c.not_after = NOW + 100;
	send_capsule(&c, 64);
	expect_refusal(EER_CODE_UNAVAILABLE);
	assert_null(mock_take());
}

static void code_rejected(void **state)
{
	const struct vc_insn no_exit[] = {MOV(0, 1), MOV(0, 1)};
	struct wire_capsule c;

	(void)state;
	free(mod_bytes[ABSENT]);
	make_module(ABSENT, no_exit, 2);
	memcpy(pub.rule[ABSENT].module, mod[ABSENT], 32);
	c = sound(ABSENT);
	send_capsule(&c, 64);
	answer_request(ABSENT, true);
	expect_refusal(EER_CODE_REJECTED);
}

/* A sound module of another kind: its program would take our context for a packet of the kernel's. */
static void code_of_another_kind(void **state)
{
	const struct vc_insn drop[] = {MOV(0, 0), EXIT};
	struct module m = {.name = "x", .kind = VC_KIND_HANDLER, .ninsn = 2, .nentry = 1};
	struct wire_capsule c;

	(void)state;
	m.insn = (const uint8_t *)drop;
	strcpy(m.entry[0].name, "main");
	mod_len[ABSENT] = module_write(&m, mod_bytes[ABSENT], 4096, NULL);
	assert_true(mod_len[ABSENT] > 0);
	module_code_name(mod_bytes[ABSENT], mod_len[ABSENT], mod[ABSENT]);
	memcpy(pub.rule[ABSENT].module, mod[ABSENT], 32);
	c = sound(ABSENT);
	send_capsule(&c, 64);
	answer_request(ABSENT, true);
	expect_refusal(EER_CODE_REJECTED);
}

/* Principal `who` may run everything. */
static void allow(int who)
{
	memcpy(pub.principal[who].key, pk[who], 32);
	pub.nprincipal = 3;
	pub.rule[pub.nrule++] = (struct node_rule){
		.principal = (uint16_t)who, .any = 1, .budget = BUDGET};
}

static void send_as(int who, const struct wire_capsule *c)
{
	uint8_t buf[WIRE_PACKET_MAX];

	send_udp(ORIGIN, DEST, 64, buf, build(buf, c, who));
}

/* One captured capsule, sent again and again, fills its principal's half; the others' remains. */
static void waiting_is_bounded(void **state)
{
	struct wire_capsule c = sound(ABSENT);

	(void)state;
	allow(1);
	allow(2);
	for (unsigned i = 0; i < EE_WAITING_EACH; i++)
		send_as(0, &c);
	assert_int_equal(refusals(), 0);
	send_as(0, &c);
	expect_refusal(EER_WAITING_FULL);
	for (unsigned i = 0; i < EE_WAITING_EACH; i++)
		send_as(1, &c);
	assert_int_equal(refusals(), 0);
	send_as(2, &c);
	expect_refusal(EER_WAITING_FULL);
	mock_advance(10000000000);
	assert_int_equal(shared->pub.refused[EER_CODE_UNAVAILABLE], EE_WAITING);
	for (unsigned i = 0; i < EE_WAITING; i++)
		assert_false(ee->waiting[i].used);
}

/* A principal who names modules that do not exist keeps half of the fetches from others, not all. */
static void fetches_are_shared(void **state)
{
	struct wire_capsule c = sound(ABSENT);

	(void)state;
	c.not_after = NOW + 100;
	allow(0);
	allow(1);
	for (unsigned i = 0; i < FETCHES_TRIED; i++) {
		c.code[0]++;
		send_as(0, &c);
	}
	assert_int_equal(shared->pub.refused[EER_WAITING_FULL], FETCHES_TRIED - EE_FETCHES_EACH);
	send_as(1, &c); /* of one that was refused above */
	assert_int_equal(shared->pub.counter[EEC_FETCH_STARTED], EE_FETCHES_EACH + 1);
	/* One more that waits for a fetch under way costs none. */
	send_as(0, &c);
	assert_int_equal(shared->pub.refused[EER_WAITING_FULL], FETCHES_TRIED - EE_FETCHES_EACH);
	mock_advance(10000000000);
	for (unsigned i = 0; i < EE_WAITING; i++)
		assert_false(ee->waiting[i].used);
	send_as(0, &c);
	assert_int_equal(shared->pub.counter[EEC_FETCH_STARTED], EE_FETCHES_EACH + 2);
}

/* A neighbour's address at a port that is not its own: a forged answer would end the fetch. */
static void forged_answers(void **state)
{
	struct wire_capsule c = sound(ABSENT);
	uint8_t buf[WIRE_PACKET_MAX];
	const uint8_t *anep;
	size_t len;

	(void)state;
	send_capsule(&c, 64);
	len = wire_chunk_build(buf, sizeof(buf), mod[ABSENT], 0, NULL, 0);
	send_udp_at(1, ORIGIN, 0x0a000001, 64, buf, len);
	assert_int_equal(refusals(), 0);
	assert_int_equal(shared->pub.counter[EEC_STRANGER], 1);
	answer_request(ABSENT, true);
	(void)sent(1, ORIGIN, DEST, 63, &anep);
	/* Nor does a request in a neighbour's name bring chunks upon it. */
	len = wire_request_build(buf, sizeof(buf), mod[FORWARD], 0);
	send_udp_at(1, ORIGIN, 0x0a000001, 64, buf, len);
	assert_int_equal(shared->pub.counter[EEC_STRANGER], 2);
	assert_null(mock_take());
}

/* HOP is not signed: who replays a capsule must not choose which neighbour at another port we ask, and wait for in vain. */
static void forged_previous(void **state)
{
	struct wire_capsule c = sound(ABSENT);

	(void)state;
	wire_address4(c.hop.previous, DEST);
	send_capsule(&c, 64);
	expect_refusal(EER_CODE_UNAVAILABLE);
	assert_null(mock_take());
}

/* Its validity ends while it waits. */
static void expires_while_waiting(void **state)
{
	struct wire_capsule c = sound(ABSENT);

	(void)state;
	c.not_after = NOW + 1;
	send_capsule(&c, 64);
	mock_advance(1010000000);
	while (shared->pub.counter[EEC_FETCH_REQUESTS] > 1) {
		mock_take();
		shared->pub.counter[EEC_FETCH_REQUESTS]--;
	}
	answer_request(ABSENT, true);
	expect_refusal(EER_EXPIRED);
	assert_null(mock_take());
	assert_int_equal(shared->pub.counter[EEC_RAN], 0);
}

static void serves_neighbours_only(void **state)
{
	uint8_t buf[WIRE_PACKET_MAX];
	size_t len = wire_request_build(buf, sizeof(buf), mod[FORWARD], 0);
	const struct mock_frame *f;
	struct wire_code c;

	(void)state;
	send_udp(ORIGIN, 0x0a000001, 64, buf, len);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(wire_code_parse(f->data + ETH_HLEN + 28, f->len - ETH_HLEN - 28, &c),
			 WIRE_OK);
	assert_int_equal(c.module_len, mod_len[FORWARD]);
	assert_memory_equal(wire_code_chunk(f->data + ETH_HLEN + 28), mod_bytes[FORWARD],
			    c.chunk_len);
	send_udp(0x0a090001, 0x0a000001, 64, buf, len);
	assert_int_equal(shared->pub.counter[EEC_STRANGER], 1);
	len = wire_request_build(buf, sizeof(buf), mod[FORWARD], 1);
	send_udp(ORIGIN, 0x0a000001, 64, buf, len);
	assert_int_equal(shared->pub.counter[EEC_CODE_MALFORMED], 1);
	assert_null(mock_take());
	len = wire_request_build(buf, sizeof(buf), mod[ABSENT], 0);
	send_udp(ORIGIN, 0x0a000001, 64, buf, len);
	assert_int_equal(shared->pub.counter[EEC_SERVED_NONE], 1);
	for (int i = 0; i < 1000; i++)
		send_udp(ORIGIN, 0x0a000001, 64, buf, len);
	assert_true(shared->pub.counter[EEC_SERVE_LIMITED] > 700);
}

static void cache_evicts_the_oldest(void **state)
{
	char err[CACHE_ERROR];

	(void)state;
	for (uint32_t i = 0; i < 2 * EE_MODULES; i++) {
		struct module m = {.name = "x", .kind = VC_KIND_CAPSULE, .ninsn = 2, .nentry = 1};
		const struct vc_insn code[] = {MOV(0, (int32_t)i), EXIT};
		uint8_t *bytes = malloc(4096);
		size_t len;

		strcpy(m.entry[0].name, "main");
		m.insn = (const uint8_t *)code;
		len = module_write(&m, bytes, 4096, NULL);
		assert_non_null(cache_add(&ee->cache, bytes, len, ORIGIN, false, err));
	}
	assert_true(ee->cache.evicted > 0);
	assert_non_null(cache_find(&ee->cache, mod[FORWARD])); /* loaded by hand: it stays */
}

/* An edge sends without running. */
static void inject(void **state)
{
	struct wire_capsule c = sound(FORWARD), out;
	uint8_t buf[WIRE_PACKET_MAX];
	char err[EE_ERROR];
	const uint8_t *anep;
	size_t len;

	(void)state;
	wire_address4(c.origin, 0x0a000001);
	len = build(buf, &c, 0);
	assert_true(ee_inject(ee, buf, len, err));
	out = sent(1, 0x0a000001, DEST, 64, &anep);
	assert_int_equal(out.hop.budget_left, BUDGET);
	assert_false(ee_inject(ee, buf, len - 1, err));
	wire_address4(c.destination, 0x0a000001);
	len = build(buf, &c, 0);
	assert_false(ee_inject(ee, buf, len, err));
	assert_int_equal(shared->pub.counter[EEC_RAN], 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(fetches_and_goes_on),	   T(code_unavailable),	       T(code_rejected),
		T(code_of_another_kind),   T(waiting_is_bounded),      T(fetches_are_shared),
		T(forged_answers),	   T(forged_previous),	       T(expires_while_waiting),
		T(serves_neighbours_only), T(cache_evicts_the_oldest), T(inject),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
