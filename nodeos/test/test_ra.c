/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ra.c - router advertisements, one test for each clause of RFC 4861 6.1.1 and 6.2 that ra.c implements. Port 0 advertises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/ip6_bench.h"

#define SECOND 1000000000ull

static struct config_advertise conf[NODE_PORTS];

static void configure(void)
{
	ra_config(&b6.ip, conf);
}

static int setup(void **state)
{
	bench6_setup(state);
	memset(conf, 0, sizeof(conf));
	conf[0] = (struct config_advertise){.on = true,
					    .interval = 600,
					    .lifetime = 1800,
					    .valid = 2592000,
					    .preferred = 604800};
	return 0;
}

/* Nothing runs on when it is switched off. */
static int teardown(void **state)
{
	(void)state;
	ra_config(&b6.ip, NULL);
	mock_advance(RA_FINAL * RA_MIN_DELAY_NS);
	mock_advance(2 * NEIGH_FRESH_NS);
	assert_int_equal(mock_timers(), 0);
	return 0;
}

/* The next advertisement, checked as 6.1.2 has it; the time that it took, at most `within`. */
static const uint8_t *expect(uint16_t port, uint64_t within, uint64_t *took, size_t *len)
{
	const uint64_t step = SECOND / 20;
	uint64_t sent = bench6_count(IP6C_RA_SENT), gone = 0;
	const uint8_t *h;

	while (bench6_count(IP6C_RA_SENT) == sent && gone < within) {
		mock_advance(step);
		gone += step;
	}
	assert_int_equal(bench6_count(IP6C_RA_SENT), sent + 1);
	if (took)
		*took = gone;
	h = bench6_take(port, len);
	assert_memory_equal(h + IP6_DST, &b6.all_nodes, 16);
	assert_int_equal(h[IP6_HOPS_AT], 255);
	assert_int_equal(h[IP6_HLEN], ICMP6_RA);
	assert_int_equal(h[IP6_HLEN + 1], 0);
	assert_true(h[IP6_SRC] == 0xfe && h[IP6_SRC + 1] == 0x80);
	assert_null(mock_take());
	return h + IP6_HLEN;
}

static void expect_none(uint64_t in)
{
	uint64_t sent = bench6_count(IP6C_RA_SENT);

	mock_advance(in);
	assert_int_equal(bench6_count(IP6C_RA_SENT), sent);
	assert_null(mock_take());
}

/* The first few have been sent. */
static void settle(void)
{
	configure();
	mock_advance(RA_INITIAL * RA_INITIAL_NS + SECOND);
	mock_forget_sent();
}

static struct frame6 solicitation(const uint8_t *mac)
{
	uint8_t rs[16] = {ICMP6_RS};
	struct frame6 f;

	if (mac) {
		rs[8] = ND_SOURCE;
		rs[9] = 1;
		memcpy(rs + 10, mac, 6);
	}
	f = bench6_make(&b6.all_routers, PROTO_ICMP6, rs, mac ? 16 : 8);
	bench6_packet(&f)[IP6_HOPS_AT] = 255;
	bench6_checksum(&f);
	return f;
}

/* ---- what they say ---- */

/* 4.2, 4.6: every field. */
static void content(void **state)
{
	struct ip6 net = bench6_address("fd00::");
	const uint8_t *ra, *o;
	size_t len;

	(void)state;
	conf[0].other = true;
	b6.pub.port[0].mtu = 1400;
	configure();
	ra = expect(0, SECOND, NULL, &len);
	assert_memory_equal(ra - IP6_HLEN + IP6_SRC, &b6.ours_local, 16);
	assert_int_equal(ra[4], 64);
	assert_int_equal(ra[5], 0x40); /* O */
	assert_int_equal(be16(ra + 6), 1800);
	assert_int_equal(be32(ra + 8), 0);
	assert_int_equal(be32(ra + 12), 0);
	o = ra + 16;
	assert_memory_equal(o, ((const uint8_t[]){1, 1}), 2);
	assert_memory_equal(o + 2, b6.pub.port[0].mac, 6);
	o += 8;
	assert_memory_equal(o, ((const uint8_t[]){5, 1, 0, 0, 0, 0, 1400 >> 8, 1400 & 255}), 8);
	o += 8;
	assert_memory_equal(o, ((const uint8_t[]){3, 4, 64, 0xc0}), 4); /* L, A */
	assert_int_equal(be32(o + 4), 2592000);
	assert_int_equal(be32(o + 8), 604800);
	assert_int_equal(be32(o + 12), 0);
	assert_memory_equal(o + 16, &net, 16);
	assert_ptr_equal(o + 32, ra - IP6_HLEN + len);
}

/* Each network once; no link-local ones, none of other ports, no lone addresses; addresses are taken from those of 64 bits only. */
static void prefixes(void **state)
{
	static const struct {
		const char *addr;
		uint8_t len;
		uint16_t port;
	} more[] = {{"fd00::2", 64, 0},
		    {"fd00:a::1", 48, 0},
		    {"fd00:b::1", 128, 0},
		    {"fd00:c::1", 64, NODE_NO_PORT}};
	const uint8_t *ra, *o;
	size_t len;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
			.addr = bench6_address(more[i].addr),
			.len = more[i].len,
			.port = more[i].port};
	configure();
	ra = expect(0, SECOND, NULL, &len);
	o = ra + 32;
	assert_int_equal(len, IP6_HLEN + 32 + 2 * 32);
	assert_memory_equal(o, ((const uint8_t[]){3, 4, 64, 0xc0}), 4);
	o += 32;
	assert_memory_equal(o, ((const uint8_t[]){3, 4, 48, 0x80}), 4); /* L alone */
	assert_memory_equal(o + 16, ((const uint8_t[]){0xfd, 0, 0, 0xa, 0, 0, 0, 0}), 8);
}

/* 6.2.3: more of them than fit into the smallest MTU come in several. */
static void many_prefixes(void **state)
{
	unsigned n = 0, messages = 0;
	const struct mock_frame *f;

	(void)state;
	for (unsigned i = 1; i <= 80; i++)
		b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
			.addr.b = {0xfd, 1, (uint8_t)i, [15] = 1}, .len = 64, .port = 0};
	configure();
	mock_advance(SECOND);
	while ((f = mock_take())) {
		assert_true(f->len <= ETH_HLEN + IP6_MTU_MIN);
		messages++;
		n += (unsigned)(f->len - ETH_HLEN - IP6_HLEN - 32) / 32;
	}
	assert_int_equal(n, 81);
	assert_int_equal(messages, 3);
}

/* ---- when ---- */

/* "AdvSendAdvertisements MUST be FALSE by default", and solicitations are nobody's then. */
static void off_by_default(void **state)
{
	struct frame6 f = solicitation(b6.mac_host);

	(void)state;
	conf[0].on = false;
	configure();
	bench6_input(&f, 0);
	assert_int_equal(bench6_count(IP6C_ICMP_TYPE), 1);
	expect_none(3600 * SECOND);
	assert_int_equal(mock_timers(), 0);
}

/* 6.2.4: the first ones within 16 s of each other, then at random between a third of the interval and all of it. */
static void periodic(void **state)
{
	uint64_t took;
	size_t len;

	(void)state;
	configure();
	expect(0, RA_RESPONSE_DELAY_NS + SECOND / 20, NULL, &len);
	for (unsigned i = 1; i < RA_INITIAL; i++) {
		expect(0, RA_INITIAL_NS, &took, &len);
		assert_true(took >= RA_MIN_DELAY_NS);
	}
	for (unsigned i = 0; i < 5; i++) {
		expect(0, 600 * SECOND, &took, &len);
		assert_true(took >= 200 * SECOND - SECOND / 20);
	}
	/* Other ports say nothing. */
	assert_false(ra_advertises(&b6.ip, 1));
}

/* The shortest interval: MinRtrAdvInterval "MUST be no less than 3 seconds". */
static void shortest(void **state)
{
	uint64_t took;
	size_t len;

	(void)state;
	conf[0].interval = 4;
	configure();
	expect(0, SECOND, NULL, &len);
	for (unsigned i = 0; i < 10; i++) {
		expect(0, 4 * SECOND, &took, &len);
		assert_true(took >= 3 * SECOND - SECOND / 20);
	}
}

/* 6.2.6: answered to all nodes within half a second, and the next one is as far off as ever. */
static void solicited(void **state)
{
	struct frame6 f = solicitation(b6.mac_host);
	uint64_t took;
	size_t len;

	(void)state;
	settle();
	mock_advance(10 * SECOND);
	bench6_input(&f, 0);
	assert_null(mock_take()); /* not at once */
	expect(0, RA_RESPONSE_DELAY_NS + SECOND / 20, NULL, &len);
	expect_none(200 * SECOND - SECOND / 10);
	expect(0, 600 * SECOND, &took, &len);
	assert_int_equal(bench6_count(IP6C_RS_RECEIVED), 1);
}

/* MIN_DELAY_BETWEEN_RAS: however many ask, one every 3 s. */
static void rate_limited(void **state)
{
	struct frame6 f = solicitation(NULL);
	uint64_t sent;

	(void)state;
	settle();
	mock_advance(10 * SECOND);
	sent = bench6_count(IP6C_RA_SENT);
	for (unsigned i = 0; i < 3000; i++) {
		bench6_input(&f, 0);
		mock_advance(SECOND / 100);
	}
	assert_in_range(bench6_count(IP6C_RA_SENT) - sent, 8, 11);
	mock_forget_sent();
	mock_advance(5 * SECOND);
}

/* 6.2.6: "solicitations with a proper source address update the Neighbor Cache". */
static void teaches(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct ip6 peer = bench6_address("fe80::9");
	struct frame6 f = solicitation(mac);
	const struct neigh_entry *e;

	(void)state;
	settle();
	bench6_source(&f, &peer);
	bench6_checksum(&f);
	bench6_input(&f, 0);
	e = neigh_find(&b6.ip.neigh, 0, &peer);
	assert_non_null(e);
	assert_memory_equal(e->mac, mac, 6);
	/* "Router Solicitations in which the Source Address is the unspecified address MUST NOT". */
	f = solicitation(NULL);
	bench6_source(&f, &b6.none);
	bench6_checksum(&f);
	bench6_input(&f, 0);
	assert_null(neigh_find(&b6.ip.neigh, 0, &b6.none));
	assert_int_equal(bench6_count(IP6C_RS_RECEIVED), 2);
	assert_int_equal(bench6_count(IP6C_RS_MALFORMED), 0);
}

/* 6.1.1: what a router silently discards. */
static void malformed(void **state)
{
	struct frame6 f[7];
	uint8_t *p;

	(void)state;
	settle();
	mock_advance(10 * SECOND);
	for (unsigned i = 0; i < 7; i++)
		f[i] = solicitation(b6.mac_host);
	bench6_packet(&f[0])[IP6_HOPS_AT] = 254;
	bench6_packet(&f[1])[IP6_HLEN + 1] = 1;	  /* code */
	bench6_packet(&f[2])[IP6_HLEN + 9] = 0;	  /* an option of no length */
	bench6_packet(&f[3])[IP6_HLEN + 9] = 2;	  /* one beyond the end */
	bench6_packet(&f[4])[IP6_HLEN + 10] |= 1; /* a group's address */
	bench6_source(&f[5], &b6.none);		  /* no source, an option */
	p = bench6_packet(&f[6]);		  /* in a fragment (RFC 6980) */
	memmove(p + IP6_HLEN + 8, p + IP6_HLEN, 16);
	memcpy(p + IP6_HLEN, (const uint8_t[8]){PROTO_ICMP6}, 8);
	p[IP6_NEXT] = PROTO_FRAGMENT;
	put16(p + IP6_LEN, 24);
	f[6].len += 8;
	for (unsigned i = 0; i < 7; i++) {
		if (i < 6)
			bench6_checksum(&f[i]);
		bench6_input(&f[i], 0);
		assert_int_equal(bench6_count(IP6C_RS_MALFORMED), i + 1);
	}
	/* Too short to have a checksum, or a wrong one. */
	p = bench6_packet(&f[0]);
	p[IP6_HOPS_AT] = 255;
	p[IP6_HLEN + 4] ^= 1;
	bench6_input(&f[0], 0);
	assert_int_equal(bench6_count(IP6C_CHECKSUM), 1);
	put16(p + IP6_LEN, 7);
	bench6_input(&f[0], 0);
	assert_int_equal(bench6_count(IP6C_SHORT), 1);
	expect_none(5 * SECOND);
}

/* ---- changes ---- */

/* 6.2.5: three that say that this is no router any more, 3 s apart, and no answers. */
static void ceases(void **state)
{
	struct frame6 f = solicitation(NULL);
	const uint8_t *ra;
	uint64_t took;
	size_t len;

	(void)state;
	settle();
	mock_advance(10 * SECOND);
	conf[0].on = false;
	configure();
	for (unsigned i = 0; i < RA_FINAL; i++) {
		if (i == 0) {
			ra = bench6_take(0, &len) + IP6_HLEN;
		} else {
			ra = expect(0, RA_MIN_DELAY_NS, &took, &len);
			assert_true(took >= RA_MIN_DELAY_NS - SECOND / 20);
		}
		assert_int_equal(be16(ra + 6), 0);
		assert_int_equal(be32(ra + 32 + 4), 2592000); /* others may route the same prefix */
		bench6_input(&f, 0);
	}
	expect_none(3600 * SECOND);
	assert_int_equal(bench6_count(IP6C_RS_RECEIVED), 0);
}

/* Not even then more than one in 3 s; and when it is on again these end. */
static void ceases_late(void **state)
{
	const uint8_t *ra;
	uint64_t took;
	size_t len;

	(void)state;
	configure();
	expect(0, SECOND, NULL, &len);
	conf[0].on = false;
	configure();
	assert_null(mock_take());
	ra = expect(0, RA_MIN_DELAY_NS + SECOND / 20, &took, &len);
	assert_true(took >= RA_MIN_DELAY_NS - SECOND / 20);
	assert_int_equal(be16(ra + 6), 0);
	conf[0].on = true;
	configure();
	ra = expect(0, RA_MIN_DELAY_NS + RA_RESPONSE_DELAY_NS, &took, &len);
	assert_true(took >= RA_MIN_DELAY_NS - SECOND / 20);
	assert_int_equal(be16(ra + 6), 1800);
}

/* The node ends: at once, where it advertises. */
static void node_ends(void **state)
{
	const uint8_t *ra;
	size_t len;

	(void)state;
	conf[1] = conf[0];
	settle();
	assert_true(ra_end(&b6.ip));
	assert_false(ra_end(&b6.ip));
	for (uint16_t port = 0; port < 2; port++) {
		ra = bench6_take(port, &len) + IP6_HLEN;
		assert_int_equal(be16(ra + 6), 0);
	}
	expect_none(3600 * SECOND);
}

/* 6.2.4: what changes is told soon; a configuration that changes nothing says nothing. */
static void changes(void **state)
{
	const uint8_t *ra;
	size_t len;

	(void)state;
	settle();
	mock_advance(10 * SECOND);
	configure();
	conf[0].line = 7;
	configure();
	expect_none(SECOND);
	b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
		.addr = bench6_address("fd00:a::1"), .len = 64, .port = 0};
	configure();
	expect(0, SECOND, NULL, &len);
	assert_int_equal(len, IP6_HLEN + 32 + 2 * 32);
	mock_advance(60 * SECOND);
	mock_forget_sent();
	/* A prefix that is gone is deprecated (RFC 4862 5.5.4), and back when it is. */
	b6.pub.naddress6--;
	configure();
	ra = expect(0, SECOND, NULL, &len);
	assert_int_equal(len, IP6_HLEN + 32 + 2 * 32);
	assert_int_equal(be32(ra + 32 + 4), 2592000);
	assert_memory_equal(ra + 64 + 16, ((const uint8_t[]){0xfd, 0, 0, 0xa}), 4);
	assert_int_equal(be32(ra + 64 + 4), 0);
	assert_int_equal(be32(ra + 64 + 8), 0);
	mock_advance(60 * SECOND);
	mock_forget_sent();
	b6.pub.naddress6++;
	configure();
	ra = expect(0, SECOND, NULL, &len);
	assert_int_equal(len, IP6_HLEN + 32 + 2 * 32);
	assert_int_equal(be32(ra + 64 + 8), 604800);
	b6.pub.naddress6--;
	configure();
	mock_advance(RA_GONE_NS);
	mock_forget_sent();
	expect(0, 600 * SECOND, NULL, &len);
	assert_int_equal(len, IP6_HLEN + 32 + 32);
	mock_advance(60 * SECOND);
	mock_forget_sent();
	conf[0].lifetime = 0;
	configure();
	ra = expect(0, SECOND, NULL, &len);
	assert_int_equal(be16(ra + 6), 0);
}

/* A port that has no IPv6 (any more) says nothing. */
static void no_ip6(void **state)
{
	(void)state;
	b6.pub.naddress6 = 0;
	configure();
	expect_none(3600 * SECOND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(content),  T(prefixes),    T(many_prefixes), T(off_by_default), T(periodic),
		T(shortest), T(solicited),   T(rate_limited),  T(teaches),	  T(malformed),
		T(ceases),   T(ceases_late), T(node_ends),     T(changes),	  T(no_ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
