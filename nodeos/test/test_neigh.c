/* SPDX-License-Identifier: BSD-2-Clause */
/* test_neigh.c - ARP: resolving, answering, ageing, bounds, and claims that must not be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet.h"
#include "nodeos/root/arp.h"
#include "nodeos/test/mock_amp.h"

#define US 0x0a000001u
#define PEER 0x0a000002u
#define REQUEST 1u
#define REPLY 2u

static struct node_pub pub;
static struct neigh t;
static struct ip_counters count;
static unsigned lost;
static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};
static const uint8_t packet[40] = {0x45};

static void unreachable(void *arg, uint8_t *p, size_t len)
{
	(void)arg;
	assert_int_equal(len, sizeof(packet));
	assert_memory_equal(p, packet, len);
	lost++;
}

static int setup(void **state)
{
	(void)state;
	mock_reset(2);
	mock_node(&pub, 2, NODE_ROUTER);
	memset(&count, 0, sizeof(count));
	lost = 0;
	arp_init(&t, &pub, &count, unreachable, NULL);
	return 0;
}

static void arp_in(uint16_t op, uint32_t spa, const uint8_t *sha, uint32_t tpa)
{
	uint8_t f[ETH_HLEN + 28] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t *a = f + ETH_HLEN;

	memcpy(f + 6, sha, 6);
	put16(f + 12, ETH_ARP);
	put16(a, 1);
	put16(a + 2, ETH_IP4);
	a[4] = 6;
	a[5] = 4;
	put16(a + 6, op);
	memcpy(a + 8, sha, 6);
	put32(a + 14, spa);
	put32(a + 24, tpa);
	arp_input(&t, 0, f, sizeof(f));
}

static bool knows(uint32_t addr, const uint8_t *mac)
{
	uint8_t got[6], own[6];

	return node_link(&pub, 0, addr, got, own) && !memcmp(got, mac, 6);
}

/* The next frame is an ARP request for addr, to this link address (NULL: broadcast). */
static void expect_request(uint32_t addr, const uint8_t *to)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const struct mock_frame *f = mock_take();

	assert_non_null(f);
	assert_int_equal(be16(f->data + 12), ETH_ARP);
	assert_int_equal(be16(f->data + ETH_HLEN + 6), REQUEST);
	assert_int_equal(be32(f->data + ETH_HLEN + 24), addr);
	assert_int_equal(be32(f->data + ETH_HLEN + 14), US);
	assert_memory_equal(f->data, to ? to : all, 6);
}

static void resolves_and_sends(void **state)
{
	const struct mock_frame *f;

	(void)state;
	arp_send(&t, 0, PEER, packet, sizeof(packet));
	expect_request(PEER, NULL);
	assert_null(mock_take());
	arp_in(REPLY, PEER, mac_a, US);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data, mac_a, 6);
	assert_memory_equal(f->data + ETH_HLEN, packet, sizeof(packet));
	assert_true(knows(PEER, mac_a));
	arp_send(&t, 0, PEER, packet, sizeof(packet));
	assert_int_equal(be16(mock_take()->data + 12), ETH_IP4);
}

static void answers_and_learns(void **state)
{
	const struct mock_frame *f;

	(void)state;
	arp_in(REQUEST, PEER, mac_a, US);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(be16(f->data + ETH_HLEN + 6), REPLY);
	assert_memory_equal(f->data, mac_a, 6);
	assert_int_equal(be32(f->data + ETH_HLEN + 14), US);
	assert_true(knows(PEER, mac_a));
	/* For others, and for our address of another port, there is no answer. */
	arp_in(REQUEST, PEER, mac_a, 0x0a000009);
	arp_in(REQUEST, PEER, mac_a, 0x0a000101);
	assert_null(mock_take());
}

static void gives_up(void **state)
{
	(void)state;
	arp_send(&t, 0, PEER, packet, sizeof(packet));
	mock_advance(NEIGH_TRIES * NEIGH_RETRY_NS);
	assert_int_equal(count.n[IPC_ARP_REQUESTS], NEIGH_TRIES);
	assert_int_equal(lost, 1);
	assert_int_equal(count.n[IPC_NO_NEIGHBOUR], 1);
	assert_int_equal(mock_timers(), 0);
}

/* At most one request a second for a neighbour, however many packets come; the oldest waiting one gives way. */
static void rate_and_queue_are_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		arp_send(&t, 0, PEER, packet, sizeof(packet));
	assert_int_equal(count.n[IPC_ARP_REQUESTS], 1);
	assert_int_equal(count.n[IPC_QUEUE_FULL], 100 - NEIGH_WAITING_EACH);
	mock_advance(NEIGH_RETRY_NS);
	assert_int_equal(count.n[IPC_ARP_REQUESTS], 2);
	mock_forget_sent();
	arp_in(REPLY, PEER, mac_a, US);
	for (unsigned i = 0; i < NEIGH_WAITING_EACH; i++)
		assert_non_null(mock_take());
	assert_null(mock_take());
}

/* Many neighbours at once: entries and packets run out, nothing else happens, and everything comes back. */
static void table_is_bounded(void **state)
{
	(void)state;
	pub.addresses[0].len = 16;
	for (uint32_t i = 2; i < 3000; i++)
		arp_send(&t, 0, 0x0a000000u + i, packet, sizeof(packet));
	assert_true(count.n[IPC_ARP_FULL] > 0);
	assert_true(count.n[IPC_QUEUE_FULL] > 0);
	mock_advance((NEIGH_TRIES + 1) * NEIGH_RETRY_NS);
	assert_int_equal(lost, NEIGH_WAITING);
	for (unsigned i = 0; i < NODE_NEIGHS; i++)
		assert_int_equal(t.entry[i].state, NEIGH_FREE);
	lost = 0;
	/* All of the pool is free again. */
	for (uint32_t i = 2; i < 3000; i++)
		arp_send(&t, 0, 0x0a000000u + i, packet, sizeof(packet));
	mock_advance((NEIGH_TRIES + 1) * NEIGH_RETRY_NS);
	assert_int_equal(lost, NEIGH_WAITING);
}

static void unsolicited_adds_nothing(void **state)
{
	(void)state;
	arp_in(REPLY, PEER, mac_a, US);
	arp_in(REQUEST, PEER, mac_a, PEER); /* gratuitous */
	assert_false(knows(PEER, mac_a));
	assert_int_equal(count.n[IPC_ARP_UNSOLICITED], 1);
}

/* A claim against an entry in use makes us ask its owner; while it answers, nothing changes. */
static void claim_is_verified(void **state)
{
	(void)state;
	arp_in(REQUEST, PEER, mac_a, US);
	mock_forget_sent();
	arp_in(REPLY, PEER, mac_b, US);
	assert_true(knows(PEER, mac_a));
	assert_int_equal(count.n[IPC_ARP_CONFLICT], 1);
	expect_request(PEER, mac_a);
	arp_in(REPLY, PEER, mac_b, US); /* still not believed */
	assert_true(knows(PEER, mac_a));
	arp_in(REPLY, PEER, mac_a, US);
	assert_true(knows(PEER, mac_a));
	mock_advance(5 * NEIGH_RETRY_NS);
	assert_null(mock_take());
}

/* When the old one is silent the address is asked for anew, and may have moved. */
static void moved_neighbour(void **state)
{
	(void)state;
	arp_in(REQUEST, PEER, mac_a, US);
	mock_forget_sent();
	arp_in(REPLY, PEER, mac_b, US);
	for (unsigned i = 0; i < NEIGH_PROBES; i++) {
		expect_request(PEER, mac_a);
		assert_true(knows(PEER, mac_a));
		mock_advance(NEIGH_RETRY_NS);
	}
	expect_request(PEER, NULL);
	assert_false(knows(PEER, mac_a));
	arp_in(REPLY, PEER, mac_b, US);
	assert_true(knows(PEER, mac_b));
}

static void ages(void **state)
{
	(void)state;
	arp_in(REQUEST, PEER, mac_a, US);
	mock_forget_sent();
	mock_advance(NEIGH_FRESH_NS);
	expect_request(PEER, mac_a);
	assert_true(knows(PEER, mac_a)); /* still usable while it is asked */
	mock_advance((NEIGH_PROBES + NEIGH_TRIES) * NEIGH_RETRY_NS);
	assert_false(knows(PEER, mac_a));
	assert_int_equal(mock_timers(), 0);
}

static void static_stays(void **state)
{
	(void)state;
	assert_true(arp_static(&t, 0, PEER, mac_a));
	arp_in(REPLY, PEER, mac_b, US);
	arp_in(REQUEST, PEER, mac_b, US);
	mock_advance(10 * NEIGH_FRESH_NS);
	assert_true(knows(PEER, mac_a));
	assert_int_equal(count.n[IPC_ARP_CONFLICT], 2);
}

/*
 * Eviction must not be the way round the verification of claims: whoever pretends to be everybody gets what is free, and the entry in
 * use stays, so that a claim to it is still a conflict.
 */
static void claims_push_out_nobody(void **state)
{
	(void)state;
	pub.addresses[0].len = 16;
	arp_in(REQUEST, PEER, mac_a, US);
	for (uint32_t i = 3; i < 3000; i++)
		arp_in(REQUEST, 0x0a000000u + i, mac_b, US);
	assert_true(knows(PEER, mac_a));
	assert_true(count.n[IPC_ARP_CLAIMS_FULL] > 0);
	assert_int_equal(count.n[IPC_ARP_FULL], 0); /* no packet was lost */
	arp_in(REQUEST, PEER, mac_b, US);
	assert_true(knows(PEER, mac_a));
	assert_int_equal(count.n[IPC_ARP_CONFLICT], 1);
	/* Those that nobody claimed before can still be asked for. */
	arp_send(&t, 0, 0x0a004321, packet, sizeof(packet));
	arp_in(REPLY, 0x0a004321, mac_b, US);
	assert_true(knows(0x0a004321, mac_b));
}

/* Packets from afar to every address of a network: neighbours in use stay, and a new one is found after a second. */
static void scan_pushes_out_nobody(void **state)
{
	(void)state;
	pub.addresses[0].len = 16;
	arp_in(REQUEST, PEER, mac_a, US);
	for (uint32_t i = 3; i < 3000; i++)
		arp_send(&t, 0, 0x0a000000u + i, packet, sizeof(packet));
	assert_true(knows(PEER, mac_a));
	assert_true(count.n[IPC_ARP_REQUESTS] <= NODE_NEIGH_SETS * NEIGH_UNANSWERED);
	arp_send(&t, 0, 0x0a004321, packet, sizeof(packet));
	arp_in(REPLY, 0x0a004321, mac_b, US);
	assert_false(knows(0x0a004321, mac_b)); /* it was not asked for: the set's half is full */
	mock_advance(NEIGH_RETRY_NS);
	arp_send(&t, 0, 0x0a004321, packet, sizeof(packet));
	arp_in(REPLY, 0x0a004321, mac_b, US);
	assert_true(knows(0x0a004321, mac_b));
	mock_advance((NEIGH_TRIES + 1) * NEIGH_RETRY_NS);
	assert_true(knows(PEER, mac_a));
	assert_int_equal(count.n[IPC_QUEUE_FULL] + count.n[IPC_ARP_FULL] +
				 count.n[IPC_NO_NEIGHBOUR],
			 3000 - 3 + 2); /* every packet is accounted for; the pool was full */
}

static void malformed_and_strange(void **state)
{
	uint8_t f[ETH_HLEN + 28] = {0};
	const uint8_t group[6] = {3, 0, 0, 0, 0, 1};

	(void)state;
	arp_input(&t, 0, f, sizeof(f));
	arp_input(&t, 0, f, sizeof(f) - 1);
	arp_input(&t, 9, f, sizeof(f));
	arp_in(REQUEST, PEER, group, US);
	arp_in(3, PEER, mac_a, US);
	assert_int_equal(count.n[IPC_ARP_MALFORMED], 5);
	/* Our own address claimed by another; a sender that is not on the network. */
	arp_in(REQUEST, US, mac_a, US);
	assert_int_equal(count.n[IPC_ARP_CONFLICT], 1);
	arp_in(REPLY, 0x0b000001, mac_a, US);
	assert_int_equal(count.n[IPC_ARP_UNSOLICITED], 1);
	assert_null(mock_take());
	/* RFC 5227: a probe is answered and not learned. */
	arp_in(REQUEST, 0, mac_a, US);
	assert_non_null(mock_take());
	assert_false(knows(0, mac_a));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(resolves_and_sends),
		T(answers_and_learns),
		T(gives_up),
		T(rate_and_queue_are_bounded),
		T(table_is_bounded),
		T(unsolicited_adds_nothing),
		T(claim_is_verified),
		T(moved_neighbour),
		T(ages),
		T(static_stays),
		T(claims_push_out_nobody),
		T(scan_pushes_out_nobody),
		T(malformed_and_strange),
	};

	return cmocka_run_group_tests_name("neigh", tests, NULL, NULL);
}
