/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_nd.c - what neighbour advertisements change (RFC 4861 7.2.5), and the subnet-router anycast address (RFC 4291 2.6.1), one test for each clause.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/ip6_bench.h"

enum { SOLICITED = 0x40, OVERRIDE = 0x20 };

static const uint8_t mac_new[6] = {2, 0, 0, 0, 0, 0x77}, mac_evil[6] = {2, 0, 0, 0, 0, 0x66};

static void expect_silence(void)
{
	assert_null(mock_take());
}

static bool knows(const struct ip6 *a, const uint8_t *mac)
{
	uint8_t got[6], own[6];

	return node_link6(&b6.pub, 0, a, got, own) && !memcmp(got, mac, 6);
}

static struct frame6 make_nd(uint8_t type, const struct ip6 *src, const struct ip6 *dst,
			     const struct ip6 *target, uint8_t flags, const uint8_t *mac)
{
	uint8_t nd[32] = {type, [4] = flags};
	struct frame6 f;

	memcpy(nd + 8, target, 16);
	if (mac) {
		nd[24] = type == ICMP6_NS ? ND_SOURCE : ND_TARGET_LINK;
		nd[25] = 1;
		memcpy(nd + 26, mac, 6);
	}
	f = bench6_make(dst, PROTO_ICMP6, nd, mac ? 32 : 24);
	bench6_source(&f, src);
	bench6_packet(&f)[IP6_HOPS_AT] = 255;
	bench6_checksum(&f);
	return f;
}

/* ---- RFC 4861 7.2.5: what an advertisement changes ---- */

static void advertised(const struct ip6 *peer, uint8_t flags, const uint8_t *mac)
{
	struct frame6 p = make_nd(ICMP6_NA, peer, flags & SOLICITED ? &b6.ours : &b6.all_nodes,
				  peer, flags, mac);

	bench6_input(&p, 0);
}

static void expect_entry(const struct ip6 *peer, enum neigh_state s, const uint8_t *mac)
{
	const struct neigh_entry *e = neigh_find(&b6.ip.neigh, 0, peer);

	assert_non_null(e);
	assert_int_equal(e->state, s);
	assert_true(knows(peer, mac));
}

/* A neighbour that waits for its first answer, and the packet that waits for it. */
static void ask_for(const struct ip6 *peer)
{
	static const uint8_t data[20];
	struct frame6 p = bench6_make(peer, PROTO_UDP, data, sizeof(data));

	neigh_send(&b6.ip.neigh, 0, peer, bench6_packet(&p), p.len - ETH_HLEN);
	mock_forget_sent();
}

/* The next frame is a solicitation to this link address. */
static void expect_probe(const uint8_t *mac)
{
	const struct mock_frame *f = mock_take();

	assert_non_null(f);
	assert_memory_equal(f->data, mac, 6);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_NS);
	expect_silence();
}

/* "If the advertisement's Solicited flag is set, the state of the entry is set to REACHABLE; otherwise, it is set to STALE." */
static void advertisement_of_unknown(void **state)
{
	struct ip6 peer = bench6_address("fd00::80");

	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		uint8_t flags = (uint8_t)((i & 1 ? SOLICITED : 0) | (i & 2 ? OVERRIDE : 0));
		const struct mock_frame *f;

		peer.b[15]++;
		ask_for(&peer);
		advertised(&peer, flags, mac_new);
		expect_entry(&peer, flags & SOLICITED ? NEIGH_RESOLVED : NEIGH_STALE, mac_new);
		f = mock_take();
		assert_non_null(f);
		assert_memory_equal(f->data, mac_new, 6);
		expect_silence();
	}
}

/* A stale one is in use, asked for after a while, asked for anew when it is silent, and forgotten. */
static void stale_entries_age(void **state)
{
	struct ip6 peer = bench6_address("fd00::80");

	(void)state;
	ask_for(&peer);
	advertised(&peer, 0, mac_new);
	mock_forget_sent();
	mock_advance(NEIGH_STALE_NS - 1);
	expect_silence();
	mock_advance(1);
	expect_probe(mac_new);
	expect_entry(&peer, NEIGH_PROBING, mac_new);
	advertised(&peer, SOLICITED, mac_new);
	expect_entry(&peer, NEIGH_RESOLVED, mac_new);
	advertised(&peer, OVERRIDE, mac_evil);
	mock_advance(NEIGH_STALE_NS + (NEIGH_PROBES + NEIGH_TRIES) * NEIGH_RETRY_NS);
	assert_null(neigh_find(&b6.ip.neigh, 0, &peer));
	assert_int_equal(mock_timers(), 0);
}

/* I. a and b */
static void advertisement_without_override(void **state)
{
	struct ip6 peer = bench6_address("fd00::80");

	(void)state;
	ask_for(&peer);
	advertised(&peer, SOLICITED, mac_new);
	advertised(&peer, SOLICITED, mac_evil);
	expect_entry(&peer, NEIGH_STALE, mac_new);
	advertised(&peer, SOLICITED, mac_evil);
	expect_entry(&peer, NEIGH_STALE, mac_new);
	assert_int_equal(bench6_count(IP6C_ND_CONFLICT), 2);
	mock_forget_sent();
	/* However often it is said, the old address is asked at its time, and answers. */
	mock_advance(NEIGH_STALE_NS - 1);
	advertised(&peer, 0, mac_evil);
	expect_silence();
	mock_advance(1);
	expect_probe(mac_new);
	advertised(&peer, 0, mac_evil);
	expect_entry(&peer, NEIGH_PROBING, mac_new);
	advertised(&peer, SOLICITED, mac_new);
	expect_entry(&peer, NEIGH_RESOLVED, mac_new);
}

/* II */
static void advertisement_with_override(void **state)
{
	struct ip6 peer = bench6_address("fd00::80");

	(void)state;
	ask_for(&peer);
	advertised(&peer, SOLICITED, mac_new);
	advertised(&peer, OVERRIDE | SOLICITED, mac_evil);
	expect_entry(&peer, NEIGH_RESOLVED, mac_evil);
	advertised(&peer, OVERRIDE, mac_new);
	expect_entry(&peer, NEIGH_STALE, mac_new);
	/* "Otherwise, the entry's state remains unchanged." */
	advertised(&peer, OVERRIDE, mac_new);
	advertised(&peer, 0, NULL);
	expect_entry(&peer, NEIGH_STALE, mac_new);
	advertised(&peer, SOLICITED, NULL);
	expect_entry(&peer, NEIGH_RESOLVED, mac_new);
	advertised(&peer, 0, mac_new);
	expect_entry(&peer, NEIGH_RESOLVED, mac_new);
	/* What was configured is not overridden. */
	advertised(&b6.host, OVERRIDE | SOLICITED, mac_evil);
	expect_entry(&b6.host, NEIGH_STATIC, b6.mac_host);
	assert_int_equal(bench6_count(IP6C_ND_CONFLICT), 1);
}

/* ---- RFC 4291 2.6.1: the subnet-router anycast address ---- */

/* RFC 6164: /127 has none; no more has /128, nor a host. */
static void anycast_addresses(void **state)
{
	static const struct {
		const char *net;
		uint16_t port;
		bool yes;
	} t[] = {{"fd00::", 0, true},	 {"fd00::", 2, true},	   {"fe80::", 1, true},
		 {"fd00:3::", 0, false}, {"fd00:126::", 0, true},  {"fd00:127::", 0, false},
		 {"::", 0, false},	 {"fd00:128::", 0, false}, {"fd00:64::", 0, false}};

	(void)state;
	for (uint8_t len = 126; len <= 128; len++) {
		struct ip6 a = bench6_address("fd00::1");

		put16(a.b + 2, (uint16_t)(0x126 + len - 126));
		b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
			.addr = a, .len = len, .port = 0};
	}
	/* One that is an address of ours itself is that. */
	b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
		.addr = bench6_address("fd00:64::"), .len = 64, .port = 0};
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ip6 a = bench6_address(t[i].net);

		assert_int_equal(node_is_anycast6(&b6.pub, t[i].port, &a), t[i].yes);
	}
	b6.pub.role = NODE_HOST;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ip6 a = bench6_address(t[i].net);

		assert_false(node_is_anycast6(&b6.pub, t[i].port, &a));
	}
}

/* RFC 4443 4.2, 2.2 (b): answered from an address that is ours alone. */
static void anycast_is_answered(void **state)
{
	static const char *const net[] = {"fd00::", "fd00:2::"};
	static const uint8_t echo[64] = {ICMP6_ECHO};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct ip6 any = bench6_address(net[i]);
		struct frame6 p = bench6_make(&any, PROTO_ICMP6, echo, sizeof(echo));
		const struct mock_frame *f;

		bench6_checksum(&p);
		bench6_input(&p, 0);
		f = mock_take();
		assert_non_null(f);
		assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_ECHO_REPLY);
		assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &b6.ours, 16);
		p = bench6_make(&any, PROTO_UDP, echo, 20);
		bench6_input(&p, 0);
		f = mock_take();
		assert_non_null(f);
		assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &b6.ours, 16);
		assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_UNREACHABLE);
	}
	expect_silence();
}

/* RFC 4861 7.2.7: without Override. Another router's advertisement of it is no conflict. */
static void anycast_is_advertised(void **state)
{
	struct ip6 any = bench6_address("fd00::"), other = bench6_address("fd00:2::");
	struct ip6 group = ip6_solicited_node(&any);
	struct frame6 p = make_nd(ICMP6_NS, &b6.host, &group, &any, 0, b6.mac_host);
	const struct mock_frame *f;

	(void)state;
	bench6_input(&p, 0);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN + 4], 0xc0); /* router, solicited */
	assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &b6.ours, 16);
	assert_memory_equal(f->data + ETH_HLEN + IP6_HLEN + 8, &any, 16);
	p = make_nd(ICMP6_NS, &b6.none, &group, &any, 0, NULL);
	bench6_input(&p, 0);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN + 4], 0x80);
	assert_memory_equal(f->data + ETH_HLEN + IP6_DST, &b6.all_nodes, 16);
	p = make_nd(ICMP6_NS, &b6.host, &b6.ours, &other, 0, b6.mac_host);
	bench6_input(&p, 0);
	assert_int_equal(bench6_count(IP6C_ND_NOT_OURS), 1);
	p = make_nd(ICMP6_NA, &b6.host, &b6.all_nodes, &any, 0, b6.mac_host);
	bench6_input(&p, 0);
	assert_int_equal(bench6_count(IP6C_ND_CONFLICT), 0);
	assert_int_equal(bench6_count(IP6C_ND_UNSOLICITED), 1);
	expect_silence();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, bench6_setup)
	const struct CMUnitTest tests[] = {
		T(advertisement_of_unknown),
		T(stale_entries_age),
		T(advertisement_without_override),
		T(advertisement_with_override),
		T(anycast_addresses),
		T(anycast_is_answered),
		T(anycast_is_advertised),
	};

	return cmocka_run_group_tests_name("nd", tests, NULL, NULL);
}
