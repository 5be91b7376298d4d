/* SPDX-License-Identifier: BSD-2-Clause */
/* test_forward.c - the forwarding handlers as the kernel runs them, over the tables that root/forward.c keeps: one test a clause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/forward_bench.h"

/* ---- IPv4 ---- */

static void forwards4(void **state)
{
	(void)state;
	expect_forward4(make4(FAR), mac_gateway);
	expect_forward4(make4(NEAR), mac_near);
	expect_forward4(make4_sized(FAR, IP4_HLEN), mac_gateway);
	expect_forward4(make4_sized(FAR, 1500), mac_gateway);
}

/* What the link padded a short packet with is not the packet's. */
static void cuts_padding(void **state)
{
	struct frame f = make4_sized(FAR, 21), g = make6_sized(&far6, 1);

	(void)state;
	f.len = g.len = 60;
	expect_forward4(f, mac_gateway);
	expect_forward6(g, mac_gateway);
}

/* RFC 1812 5.2.2 (1): "The packet length reported by the Link Layer must be large enough to hold the minimum length legal IP datagram (20 bytes)." */
static void too_short_is_not_handled(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	for (f.len = ETH_HLEN; f.len < ETH_HLEN + IP4_HLEN; f.len++)
		assert_int_equal(handle(&f, 0, FORWARD_COUNTERS), XOK_V_PASS);
}

/* RFC 1812 5.2.2 (2): "The IP checksum must be correct." Any single bit that is flipped is found. */
static void checksum(void **state)
{
	(void)state;
	for (unsigned bit = 8; bit < IP4_HLEN * 8; bit++) {
		struct frame f = make4(FAR);

		if (bit >= 16 && bit < 32)
			continue; /* the length is looked at before */
		ip_of(&f)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_drop(f, FORWARD_IP4_CHECKSUM);
	}
}

/* RFC 1812 5.2.2 (3): "The IP version number must be 4." */
static void version(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 16; v++) {
		struct frame f = make4(FAR);

		ip_of(&f)[0] = (uint8_t)(v << 4 | 5);
		fix(&f);
		if (v != 4)
			expect_drop(f, FORWARD_IP4_VERSION);
	}
}

/* RFC 1812 5.2.2 (4): "The IP header length field must be large enough to hold the minimum length legal IP datagram". */
static void header_length(void **state)
{
	(void)state;
	for (unsigned l = 0; l < 5; l++) {
		struct frame f = make4(FAR);

		ip_of(&f)[0] = (uint8_t)(0x40 | l);
		fix(&f);
		expect_drop(f, FORWARD_IP4_HEADER_LENGTH);
	}
}

/* RFC 1812 5.2.2 (5): "The IP total length field must be large enough to hold the IP datagram header"; nor is it more than came. */
static void total_length(void **state)
{
	const unsigned bad[] = {0, 19, 61, 1500, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct frame f = make4(FAR);

		put16(ip_of(&f) + IP4_LEN, (uint16_t)bad[i]);
		fix(&f);
		expect_drop(f, FORWARD_IP4_LENGTH);
	}
}

/* RFC 1812 5.3.7: martian addresses. */
static void martian_sources(void **state)
{
	const uint32_t bad[] = {0,
				0x00ffffff,
				0x7f000001,
				0xe0000001,
				0xf0000001,
				0xffffffff,
				0x0a000001 /* ours */,
				0x0a0000ff /* a broadcast address */,
				0x0a000000};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct frame f = make4(FAR);

		put32(ip_of(&f) + IP4_SRC, bad[i]);
		fix(&f);
		expect_drop(f, FORWARD_IP4_BAD_SOURCE);
	}
}

static void martian_destinations(void **state)
{
	(void)state;
	expect_drop(make4(0), FORWARD_IP4_BAD_DESTINATION);
	expect_drop(make4(0x00000001), FORWARD_IP4_BAD_DESTINATION);
	expect_drop(make4(0x7f000001), FORWARD_IP4_BAD_DESTINATION);
	expect_drop(make4(0xf0000001), FORWARD_IP4_BAD_DESTINATION);
	expect_drop(make4(0xfffffffe), FORWARD_IP4_BAD_DESTINATION);
}

/* RFC 1812 5.3.5.1: "Limited broadcasts MUST NOT be forwarded"; RFC 2644: nor directed ones; 5.2.1.2: multicast is for multicast routers. */
static void groups(void **state)
{
	(void)state;
	expect_drop(make4(0xffffffff), FORWARD_IP4_BROADCAST);
	expect_drop(make4(0x0a0001ff), FORWARD_IP4_BROADCAST);
	expect_drop(make4(0x0a000100), FORWARD_IP4_BROADCAST);
	expect_drop(make4(0xe0000001), FORWARD_IP4_MULTICAST);
	expect_drop(make4(0xefffffff), FORWARD_IP4_MULTICAST);
}

/* RFC 1812 5.3.4: unicast in a link-layer broadcast or multicast frame; what is for us stays so. */
static void link_groups(void **state)
{
	struct frame f = make4(FAR), g = make6(&far6);

	(void)state;
	memset(f.data, 0xff, 6);
	expect_drop(f, FORWARD_IP4_LINK_GROUP);
	f.data[0] = 1;
	expect_drop(f, FORWARD_IP4_LINK_GROUP);
	put32(ip_of(&f) + IP4_DST, 0x0a000101);
	fix(&f);
	expect_pass(f, FORWARD_IP4_LOCAL);
	g.data[0] = g.data[1] = 0x33;
	expect_drop(g, FORWARD_IP6_LINK_GROUP);
}

/* A frame to another station was not sent to this router. */
static void other_stations(void **state)
{
	struct frame f = make4(FAR), g = make6(&far6);

	(void)state;
	for (unsigned i = 1; i < 6; i++) {
		struct frame h = f;

		h.data[i] ^= 1;
		expect_drop(h, FORWARD_IP4_ETHER_ADDRESS);
	}
	g.data[5] ^= 1;
	expect_drop(g, FORWARD_IP6_ETHER_ADDRESS);
	/* Our address at another port, and a port that does not exist. */
	assert_int_equal(handle(&f, 1, FORWARD_IP4_ETHER_ADDRESS),
			 XOK_DROP_FOR(FORWARD_IP4_ETHER_ADDRESS));
	assert_int_equal(handle(&f, 33, FORWARD_IP4_ETHER_ADDRESS),
			 XOK_DROP_FOR(FORWARD_IP4_ETHER_ADDRESS));
	assert_int_equal(handle(&f, 99, FORWARD_IP4_VLAN), XOK_DROP_FOR(FORWARD_IP4_VLAN));
}

/* RFC 1812 5.3.1: the TTL is checked before it is decremented; 5.2.4: what is for us is delivered whatever it is. */
static void ttl(void **state)
{
	(void)state;
	for (unsigned t = 0; t < 256; t++) {
		struct frame f = make4(FAR);

		ip_of(&f)[IP4_TTL_AT] = (uint8_t)t;
		fix(&f);
		if (t <= 1)
			expect_pass(f, FORWARD_IP4_TTL);
		else
			expect_forward4(f, mac_gateway);
	}
	struct frame f = make4(0x0a000101);

	ip_of(&f)[IP4_TTL_AT] = 1;
	fix(&f);
	expect_pass(f, FORWARD_IP4_LOCAL);
}

/* RFC 1624: the update is right for every checksum, 0 and 0xffff among them (expect_forward4 recomputes it). */
static void incremental_checksum(void **state)
{
	bool low = false, high = false;

	(void)state;
	for (unsigned id = 0; id < 65536; id += 13) {
		struct frame f = make4(FAR);

		put16(ip_of(&f) + IP4_ID, (uint16_t)id);
		fix(&f);
		low |= be16(ip_of(&f) + IP4_SUM) < 0x100;
		high |= be16(ip_of(&f) + IP4_SUM) >= 0xff00;
		expect_forward4(f, mac_gateway);
	}
	assert_true(low && high); /* the carries that matter were there */
}

/* RFC 1812 5.2.4.1: options are the router domain's. */
static void options(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	ip_of(&f)[0] = 0x46;
	put32(ip_of(&f) + IP4_HLEN, 0x01010100);
	put16(ip_of(&f) + IP4_SUM, 0);
	put16(ip_of(&f) + IP4_SUM, inet_fold(inet_sum(ip_of(&f), 24)));
	expect_pass(f, FORWARD_IP4_OPTIONS);
	/* Their header must fit all the same. */
	ip_of(&f)[0] = 0x4f;
	put16(ip_of(&f) + IP4_LEN, 59);
	expect_drop(f, FORWARD_IP4_LENGTH);
}

static void local_and_no_route(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		expect_pass(make4(0x0a000001 | i << 8), FORWARD_IP4_LOCAL);
	/* Without a default route. */
	no_route_to("0.0.0.0/0");
	forward_flush(&fwd);
	expect_pass(make4(0x08080808), FORWARD_IP4_NO_ROUTE);
	no_route_to("::/0");
	forward_flush(&fwd);
	struct ip6 out = addr6("2001:db8::1");
	expect_pass(make6(&out), FORWARD_IP6_NO_ROUTE);
}

/* RFC 1812 4.2.2.7 and 4.3.3.3: fragments, or Destination Unreachable. */
static void too_big(void **state)
{
	(void)state;
	router.port[1].mtu = 1000;
	forward_config(&fwd);
	expect_forward4(make4_sized(FAR, 1000), mac_gateway);
	expect_pass(make4_sized(FAR, 1001), FORWARD_IP4_TOO_BIG);
	expect_forward6(make6_sized(&far6, 960), mac_gateway);
	expect_pass(make6_sized(&far6, 961), FORWARD_IP6_TOO_BIG);
}

/* RFC 1812 5.2.7.2: what leaves by the port it came in may need a redirect. */
static void same_port(void **state)
{
	struct frame f = make4(0x0a000005), g = make6(&host6);
	struct ip6 other = addr6("fd00:0::6");

	(void)state;
	put32(ip_of(&f) + IP4_SRC, 0x0a000006);
	fix(&f);
	expect_pass(f, FORWARD_IP4_SAME_PORT);
	memcpy(ip_of(&g) + IP6_SRC, &other, 16);
	expect_pass(g, FORWARD_IP6_SAME_PORT);
}

/* ---- IPv6 ---- */

static void forwards6(void **state)
{
	(void)state;
	expect_forward6(make6(&far6), mac_gateway);
	expect_forward6(make6(&near6), mac_near);
	expect_forward6(make6_sized(&far6, 0), mac_gateway);
	expect_forward6(make6_sized(&far6, 1460), mac_gateway);
}

/* RFC 8200 3: "4-bit Internet Protocol version number = 6"; Payload Length is no more than came. */
static void header6(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 16; v++) {
		struct frame f = make6(&far6);

		ip_of(&f)[0] = (uint8_t)(v << 4);
		if (v != 6)
			expect_drop(f, FORWARD_IP6_VERSION);
	}
	struct frame f = make6(&far6);

	put16(ip_of(&f) + IP6_LEN, 21);
	expect_drop(f, FORWARD_IP6_LENGTH);
	put16(ip_of(&f) + IP6_LEN, 65535);
	expect_drop(f, FORWARD_IP6_LENGTH);
	for (f.len = ETH_HLEN; f.len < ETH_HLEN + IP6_HLEN; f.len++)
		assert_int_equal(handle(&f, 0, FORWARD_COUNTERS), XOK_V_PASS);
}

/* RFC 4291 2.5.2, 2.5.3, 2.7: no sources and destinations; and our own address from outside. */
static void addresses6(void **state)
{
	const char *sources[] = {"::", "::1", "ff02::1", "ff0e::1", "fd00:1::1"};

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct frame f = make6(&far6);
		struct ip6 src = addr6(sources[i]);

		memcpy(ip_of(&f) + IP6_SRC, &src, 16);
		expect_drop(f, FORWARD_IP6_BAD_SOURCE);
	}
	struct ip6 a = addr6("::"), b = addr6("::1"), c = addr6("::2");

	expect_drop(make6(&a), FORWARD_IP6_BAD_DESTINATION);
	expect_drop(make6(&b), FORWARD_IP6_BAD_DESTINATION);
	expect_pass(make6(&c), FORWARD_IP6_NO_NEIGHBOUR);
}

/* RFC 4291 2.5.6 and 2.7: link-local and link-scope packets stay here, all other multicast ends here. */
static void scopes6(void **state)
{
	const char *groups6[] = {"ff01::1", "ff03::1", "ff05::2", "ff08::1", "ff0e::1"};
	struct ip6 a = addr6("fe80::1"), b = addr6("febf::1"), c = addr6("ff02::1"),
		   d = addr6("ff12::1"), e = addr6("fec0::1");
	struct frame f = make6(&far6);

	(void)state;
	expect_pass(make6(&a), FORWARD_IP6_SCOPE);
	expect_pass(make6(&b), FORWARD_IP6_SCOPE);
	expect_pass(make6(&c), FORWARD_IP6_SCOPE);
	expect_pass(make6(&d), FORWARD_IP6_SCOPE);
	expect_pass(make6(&e), FORWARD_IP6_NO_NEIGHBOUR); /* no longer special: RFC 3879 */
	for (size_t i = 0; i < sizeof(groups6) / sizeof(groups6[0]); i++) {
		struct ip6 g = addr6(groups6[i]);

		expect_drop(make6(&g), FORWARD_IP6_MULTICAST);
	}
	memcpy(ip_of(&f) + IP6_SRC, &a, 16);
	expect_pass(f, FORWARD_IP6_SCOPE);
	memcpy(ip_of(&f) + IP6_DST, &our6, 16);
	expect_pass(f, FORWARD_IP6_LOCAL);
}

/* RFC 8200 3 and 4.3: the hop limit; Hop-by-Hop options. Any other header is data. */
static void hop_limit_and_options6(void **state)
{
	struct frame f = make6(&far6);

	(void)state;
	for (unsigned h = 0; h < 256; h++) {
		ip_of(&f)[IP6_HOPS_AT] = (uint8_t)h;
		if (h <= 1)
			expect_pass(f, FORWARD_IP6_HOP_LIMIT);
		else
			expect_forward6(f, mac_gateway);
	}
	for (unsigned n = 0; n < 256; n++) {
		ip_of(&f)[IP6_NEXT] = (uint8_t)n;
		if (n == PROTO_HOP_BY_HOP)
			expect_pass(f, FORWARD_IP6_HOP_BY_HOP);
		else
			expect_forward6(f, mac_gateway);
	}
	f = make6(&our6);
	ip_of(&f)[IP6_HOPS_AT] = 0;
	expect_pass(f, FORWARD_IP6_LOCAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, forward_setup, forward_teardown)
	const struct CMUnitTest tests[] = {
		T(forwards4),
		T(cuts_padding),
		T(too_short_is_not_handled),
		T(checksum),
		T(version),
		T(header_length),
		T(total_length),
		T(martian_sources),
		T(martian_destinations),
		T(groups),
		T(link_groups),
		T(other_stations),
		T(ttl),
		T(incremental_checksum),
		T(options),
		T(local_and_no_route),
		T(too_big),
		T(same_port),
		T(forwards6),
		T(header6),
		T(addresses6),
		T(scopes6),
		T(hop_limit_and_options6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
