/* SPDX-License-Identifier: BSD-2-Clause */
/* test_forward_more.c - reverse-path checks, several next hops, routes that lead nowhere, VLANs, and ports that the host's own stack mirrors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/forward_bench.h"

static struct frame from4(uint32_t src, uint32_t dst)
{
	struct frame f = make4(dst);

	put32(ip_of(&f) + IP4_SRC, src);
	fix(&f);
	return f;
}

static struct frame from6(const char *src, const struct ip6 *dst)
{
	struct frame f = make6(dst);
	struct ip6 a = addr6(src);

	memcpy(ip_of(&f) + IP6_SRC, &a, 16);
	return f;
}

/* ---- RFC 3704 ---- */

/* 2.2: "if the packet would be routed out the same interface it came in, it passes the check". Off unless asked for. */
static void strict_reverse_path(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 2, 2};

	(void)state;
	assert_true(arp_static(&arp, 2, 0x0a000202, mac));
	expect_forward4(from4(FAR + 1, NEAR), mac_near);
	fwd.rpf[0] = FORWARD_RPF_STRICT;
	forward_config(&fwd);
	expect_forward4(make4(FAR), mac_gateway);	      /* a neighbour at this port */
	expect_forward4(from4(0x0a000077, FAR), mac_gateway); /* on its network, not met yet */
	expect_drop(from4(FAR + 1, NEAR), FORWARD_IP4_RPF);   /* behind another port */
	expect_drop(from4(0x08080808, FAR), FORWARD_IP4_RPF); /* by the default route, at port 2 */
	expect_forward6(make6(&far6), mac_gateway);
	expect_drop(from6("fd00:9::77", &near6), FORWARD_IP6_RPF);
	expect_drop(from6("2001:db8::1", &near6), FORWARD_IP6_RPF);
}

/* 2.4: "checks only for the existence of a route". */
static void loose_reverse_path(void **state)
{
	(void)state;
	no_route_to("0.0.0.0/0");
	no_route_to("::/0");
	special_route("10.66.0.0/16", FORWARD_BLACKHOLE);
	forward_flush(&fwd);
	fwd.rpf[0] = FORWARD_RPF_LOOSE;
	forward_config(&fwd);
	expect_forward4(from4(FAR + 1, NEAR), mac_near);
	expect_drop(from4(0x08080808, FAR), FORWARD_IP4_RPF);
	expect_drop(from4(0x0a420001, FAR), FORWARD_IP4_RPF);
	expect_forward6(from6("fd00:9::77", &near6), mac_near);
	expect_drop(from6("2001:db8::1", &near6), FORWARD_IP6_RPF);
}

/* With several next hops, each of their interfaces is a way back. */
static void strict_with_several_hops(void **state)
{
	struct hops_member m[2] = {{.port = 0}, {.port = 1}};
	struct ip6 net = ip6_mapped(0x0a420000);

	(void)state;
	m[0].addr = ip6_mapped(HOST);
	m[1].addr = ip6_mapped(GATEWAY);
	assert_int_equal(forward_route(&fwd, &net, 112, RIB_STATIC, 0,
				       (uint32_t)hops_group(&fwd.hops, m, 2)),
			 0);
	fwd.rpf[0] = FORWARD_RPF_STRICT;
	forward_config(&fwd);
	expect_forward4(from4(0x0a420001, FAR), mac_gateway);
	m[0].port = m[1].port = 2;
	m[0].addr = ip6_mapped(0x0a000202);
	m[1].addr = ip6_mapped(0x0a000203);
	assert_int_equal(forward_route(&fwd, &net, 112, RIB_STATIC, 0,
				       (uint32_t)hops_group(&fwd.hops, m, 2)),
			 0);
	forward_flush(&fwd);
	expect_drop(from4(0x0a420001, FAR), FORWARD_IP4_RPF);
}

/* ---- routes that lead nowhere ---- */

static void nowhere(void **state)
{
	struct ip6 a = addr6("fd00:66::1"), b = addr6("fd00:67::1");

	(void)state;
	special_route("10.66.0.0/16", FORWARD_BLACKHOLE);
	special_route("10.67.0.0/16", FORWARD_UNREACHABLE);
	special_route("10.68.0.0/16", FORWARD_PROHIBITED);
	special_route("fd00:66::/32", FORWARD_BLACKHOLE);
	special_route("fd00:67::/32", FORWARD_PROHIBITED);
	forward_flush(&fwd);
	expect_drop(make4(0x0a420001), FORWARD_IP4_BLACKHOLE);
	expect_pass(make4(0x0a430001), FORWARD_IP4_NO_ROUTE);
	expect_pass(make4(0x0a440001), FORWARD_IP4_NO_ROUTE);
	expect_drop(make6(&a), FORWARD_IP6_BLACKHOLE);
	expect_pass(make6(&b), FORWARD_IP6_NO_ROUTE);
}

/* ---- several next hops ---- */

#define WAYS 4u
#define FLOWS 2000u

static void many_ways(const char *prefix, unsigned n)
{
	struct hops_member m[WAYS];
	uint32_t net;
	uint8_t len;
	struct ip6 p;

	assert_true(text_prefix(prefix, &net, &len));
	p = ip6_mapped(net);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t mac[6] = {2, 0, 0, 1, 1, (uint8_t)i};
		uint32_t addr = 0x0a000120 + i;

		assert_true(arp_static(&arp, 1, addr, mac));
		/* In the opposite order the second time: it is the same group. */
		m[n - 1 - i] = (struct hops_member){.port = 1, .addr = ip6_mapped(addr)};
	}
	assert_int_equal(forward_route(&fwd, &p, 96u + len, RIB_STATIC, 0,
				       (uint32_t)hops_group(&fwd.hops, m, n)),
			 0);
	forward_flush(&fwd);
}

static struct frame flow(uint32_t i, uint16_t frag)
{
	struct frame f = make4(0x0a420000 | (i & 0xff));

	put16(ip_of(&f) + IP4_HLEN, (uint16_t)(i * 7));
	put16(ip_of(&f) + IP4_HLEN + 2, (uint16_t)(i >> 8));
	put16(ip_of(&f) + IP4_FRAG, frag);
	fix(&f);
	return f;
}

static unsigned way_of(struct frame f)
{
	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(1));
	assert_int_equal(f.data[3], 1);
	return f.data[5];
}

/* Flows are spread evenly, and each keeps its way. */
static void flows_are_spread(void **state)
{
	unsigned n[WAYS] = {0};

	(void)state;
	many_ways("10.66.0.0/16", WAYS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		unsigned way = way_of(flow(i, 0));

		n[way]++;
		assert_int_equal(way_of(flow(i, 0)), way);
	}
	for (unsigned i = 0; i < WAYS; i++)
		assert_in_range(n[i], FLOWS / WAYS * 8 / 10, FLOWS / WAYS * 12 / 10);
}

/* RFC 2992 3: when one of N next hops goes, between 1/4 and 1/2 of the flows change; those of a hop that stays first or last do not all. */
static void one_hop_less(void **state)
{
	static uint8_t before[FLOWS];
	unsigned moved = 0;

	(void)state;
	many_ways("10.66.0.0/16", WAYS);
	for (uint32_t i = 0; i < FLOWS; i++)
		before[i] = (uint8_t)way_of(flow(i, 0));
	many_ways("10.66.0.0/16", WAYS - 1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		unsigned way = way_of(flow(i, 0));

		assert_true(way < WAYS - 1);
		moved += way != before[i];
	}
	assert_in_range(moved, FLOWS / 4, FLOWS * 55 / 100);
}

/* All fragments of a datagram go one way: only the first one has the ports. */
static void fragments_stay_together(void **state)
{
	(void)state;
	many_ways("10.66.0.0/16", WAYS);
	for (uint32_t i = 0; i < 200; i++) {
		struct frame first = flow(i, IP4_MF), second = flow(i, 185);

		memset(ip_of(&second) + IP4_HLEN, 0xee, 8);
		assert_int_equal(way_of(first), way_of(second));
	}
}

/* Weights are shares of the flows. */
static void weights(void **state)
{
	struct hops_member m[2] = {{.port = 1, .weight = 3}, {.port = 1, .weight = 1}};
	struct ip6 net = ip6_mapped(0x0a420000);
	unsigned n = 0;

	(void)state;
	many_ways("10.67.0.0/16", 2); /* the neighbours */
	m[0].addr = ip6_mapped(0x0a000120);
	m[1].addr = ip6_mapped(0x0a000121);
	assert_int_equal(forward_route(&fwd, &net, 112, RIB_STATIC, 0,
				       (uint32_t)hops_group(&fwd.hops, m, 2)),
			 0);
	forward_flush(&fwd);
	for (uint32_t i = 0; i < FLOWS; i++)
		n += way_of(flow(i, 0)) == 0;
	assert_in_range(n, FLOWS * 70 / 100, FLOWS * 80 / 100);
}

/* A member whose link address is not known has its flows resolved by the router domain. */
static void unresolved_member(void **state)
{
	struct hops_member m[2] = {{.port = 1}, {.port = 2}};
	struct ip6 net = ip6_mapped(0x0a420000);
	unsigned sent = 0, passed = 0;

	(void)state;
	m[0].addr = ip6_mapped(GATEWAY);
	m[1].addr = ip6_mapped(0x0a000299);
	assert_int_equal(forward_route(&fwd, &net, 112, RIB_STATIC, 0,
				       (uint32_t)hops_group(&fwd.hops, m, 2)),
			 0);
	forward_flush(&fwd);
	for (uint32_t i = 0; i < 100; i++) {
		struct frame f = flow(i, 0);

		if (mock_handle(0, f.data, &f.len) == XOK_V_PASS)
			passed++;
		else
			sent++;
	}
	assert_true(sent > 20 && passed > 20);
}

/* Groups and next hops are there as long as something leads to them. */
static void references(void **state)
{
	uint32_t hops = 0, groups = 0;

	(void)state;
	for (unsigned round = 0; round < 3 * FORWARD_GROUPS; round++) {
		many_ways("10.66.0.0/16", 2 + round % 3);
		many_ways("10.67.0.0/16", 4 - round % 3);
	}
	no_route_to("10.66.0.0/16");
	no_route_to("10.67.0.0/16");
	for (uint32_t i = 0; i < FORWARD_GROUPS; i++)
		groups += fwd.hops.group[i].refs != 0;
	for (uint32_t i = 0; i < FORWARD_HOPS; i++)
		hops += fwd.hops.refs[i] != 0;
	assert_int_equal(groups, 0);
	/* The neighbours: three of IPv4 and three of IPv6 that the bench has, and the four above; two default gateways. */
	assert_int_equal(hops, 12);
}

/* ---- VLANs ---- */

#define VLAN FORWARD_VLANS /* 7, at port 1 */

static void add_vlan(void)
{
	const uint8_t mac[6] = {2, 0, 0, 7, 0, 9};

	router.port[VLAN] = (struct node_port){.used = 1, .device = 1, .vlan = 7, .mtu = 1500};
	memcpy(router.port[VLAN].mac, router.port[1].mac, 6);
	route_to("10.7.0.0/24", NULL, VLAN);
	assert_true(arp_static(&arp, VLAN, 0x0a070009, mac));
	forward_config(&fwd);
}

static struct frame tagged(struct frame f, uint16_t tci)
{
	memmove(f.data + 16, f.data + 12, f.len - 12);
	put16(f.data + 12, ETH_VLAN);
	put16(f.data + 14, tci);
	memcpy(f.data, router.port[1].mac, 6);
	f.len += ETH_TAG;
	return f;
}

/* From a port to a VLAN: the frame gets a tag. */
static void tags(void **state)
{
	struct frame f = make4_sized(0x0a070009, 1500), was = f;

	(void)state;
	add_vlan();
	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_V_CONSUME);
	assert_int_equal(mock_side.port, 1);
	assert_int_equal(mock_side.len, 1518);
	assert_memory_equal(mock_side.data, ((uint8_t[]){2, 0, 0, 7, 0, 9}), 6);
	assert_memory_equal(mock_side.data + 6, router.port[1].mac, 6);
	assert_int_equal(be16(mock_side.data + 12), ETH_VLAN);
	assert_int_equal(be16(mock_side.data + 14), 7);
	assert_int_equal(be16(mock_side.data + 16), ETH_IP4);
	assert_int_equal(inet_ip4_check(mock_side.data + 18, 1500), INET_OK);
	assert_memory_equal(mock_side.data + 18 + 20, was.data + 14 + 20, 1480);
}

/* From a VLAN to a port: it loses it. */
static void untags(void **state)
{
	struct frame f = tagged(make4_sized(FAR, 1500), 0xe007), was = f;
	struct frame g = tagged(make4_sized(HOST, 46), 7);

	(void)state;
	add_vlan();
	put32(f.data + 18 + IP4_SRC, 0x0a070009);
	put16(f.data + 18 + IP4_SUM, 0);
	put16(f.data + 18 + IP4_SUM, inet_fold(inet_sum(f.data + 18, 20)));
	/* To port 1, untagged: another interface at the same port. */
	assert_int_equal(handle(&f, 1, FORWARD_IP4_FORWARDED), XOK_V_CONSUME);
	assert_int_equal(mock_side.len, 1514);
	assert_memory_equal(mock_side.data, mac_gateway, 6);
	assert_int_equal(be16(mock_side.data + 12), ETH_IP4);
	assert_int_equal(inet_ip4_check(mock_side.data + 14, 1500), INET_OK);
	assert_memory_equal(mock_side.data + 34, was.data + 38, 1480);
	put32(g.data + 18 + IP4_SRC, 0x0a070009);
	put16(g.data + 18 + IP4_SUM, 0);
	put16(g.data + 18 + IP4_SUM, inet_fold(inet_sum(g.data + 18, 20)));
	assert_int_equal(handle(&g, 1, FORWARD_IP4_FORWARDED), XOK_V_CONSUME);
	assert_int_equal(mock_side.port, 0);
	assert_int_equal(mock_side.len, 60);
}

/* From VLAN to VLAN the tag is the next link's, and the priority stays. */
static void retags(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 8, 0, 9};
	struct frame f;

	(void)state;
	add_vlan();
	router.port[VLAN + 1] = router.port[VLAN];
	router.port[VLAN + 1].vlan = 0x123;
	route_to("10.8.0.0/24", NULL, VLAN + 1);
	assert_true(arp_static(&arp, VLAN + 1, 0x0a080009, mac));
	forward_config(&fwd);
	f = tagged(make4(0x0a080009), 0xa007);
	assert_int_equal(handle(&f, 1, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(1));
	assert_memory_equal(f.data, mac, 6);
	assert_int_equal(be16(f.data + 12), ETH_VLAN);
	assert_int_equal(be16(f.data + 14), 0xa123);
	/* Where nothing changes hands it would leave by the interface it came in. */
	f = tagged(make4(0x0a070009), 7);
	assert_int_equal(handle(&f, 1, FORWARD_IP4_SAME_PORT), XOK_V_PASS);
	/* A VLAN that we are not in has no filter; the handler that got it all the same would say so. */
	f = tagged(make4(FAR), 99);
	assert_int_equal(mock_handle(1, f.data, &f.len), MOCK_UNHANDLED);
	/* The queue was full. */
	mock_send_error = XOK_EAGAIN;
	f = make4(0x0a070009);
	assert_int_equal(handle(&f, 0, FORWARD_IP4_TRANSMIT), XOK_DROP_FOR(FORWARD_IP4_TRANSMIT));
}

static void vlans6(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 7, 0, 9};
	struct ip6 a = addr6("fd00:7::9");
	struct frame f = make6(&a), g = tagged(make6(&host6), 7);
	struct ip6 src = addr6("fd00:7::9");

	(void)state;
	add_vlan();
	route_to("fd00:7::/64", NULL, VLAN);
	assert_true(neigh_static(&nd, VLAN, &a, mac));
	forward_flush(&fwd);
	assert_int_equal(handle(&f, 0, FORWARD_IP6_FORWARDED), XOK_V_CONSUME);
	assert_int_equal(be16(mock_side.data + 14), 7);
	assert_int_equal(be16(mock_side.data + 16), ETH_IP6);
	memcpy(g.data + 18 + IP6_SRC, &src, 16);
	assert_int_equal(handle(&g, 1, FORWARD_IP6_FORWARDED), XOK_V_CONSUME);
	assert_int_equal(mock_side.port, 0);
	assert_int_equal(mock_side.data[18 - 4 + IP6_HOPS_AT], 63);
}

/* ---- mirrors ---- */

static int mirrors_setup(void **state)
{
	int rc;

	forward_mirrors = true;
	rc = forward_setup(state);
	forward_mirrors = false;
	return rc;
}

static void expect_twin(struct frame f, uint32_t port, enum forward_counter why)
{
	struct frame was = f;

	assert_int_equal(handle(&f, port, why), XOK_FORWARD_TO(3 + port));
	assert_int_equal(f.len, was.len);
	assert_memory_equal(f.data, was.data, was.len);
}

/* What is for us goes to the host's own stack as it came. */
static void for_the_host(void **state)
{
	struct ip6 link = ip6_from_mac(router.port[0].mac), group = addr6("ff02::5");
	struct frame f = make4(0x0a0000ff);

	(void)state;
	expect_twin(make4(0x0a000001), 0, FORWARD_IP4_HOST);
	expect_twin(make4(0x0a000201), 0, FORWARD_IP4_HOST);
	expect_twin(make6(&our6), 0, FORWARD_IP6_HOST);
	expect_twin(make6(&link), 0, FORWARD_IP6_HOST);
	/* OSPF's groups, and whatever else is the link's. */
	expect_twin(make4(0xe0000005), 0, FORWARD_IP4_HOST);
	expect_twin(make6(&group), 0, FORWARD_IP6_HOST);
	expect_drop(make4(0xe0000105), FORWARD_IP4_MULTICAST);
	expect_twin(make4(0xffffffff), 0, FORWARD_IP4_HOST);
	memset(f.data, 0xff, 6);
	expect_twin(f, 0, FORWARD_IP4_HOST);
	expect_drop(make4(0x0a0000ff), FORWARD_IP4_BROADCAST);
	/* And what is in transit, is. */
	expect_forward4(make4(FAR), mac_gateway);
	expect_forward6(make6(&far6), mac_gateway);
}

/* Neighbour discovery is the router domain's, router discovery the host's. */
static void discovery(void **state)
{
	struct ip6 group = addr6("ff02::1:ff00:1");

	(void)state;
	for (unsigned type = 130; type < 140; type++) {
		struct frame f = make6(&group), g = make6(&our6);

		ip_of(&f)[IP6_NEXT] = ip_of(&g)[IP6_NEXT] = PROTO_ICMP6;
		ip_of(&f)[IP6_HLEN] = ip_of(&g)[IP6_HLEN] = (uint8_t)type;
		if (type == ICMP6_NS || type == ICMP6_NA) {
			expect_pass(f, FORWARD_IP6_SCOPE);
			expect_pass(g, FORWARD_IP6_LOCAL);
		} else {
			expect_twin(f, 0, FORWARD_IP6_HOST);
			expect_twin(g, 0, FORWARD_IP6_HOST);
		}
	}
}

/* Whatever comes in at a mirror leaves by its port, to whomever it is addressed. */
static void from_the_host(void **state)
{
	for (uint32_t port = 0; port < 3; port++) {
		struct frame f = make4(FAR), was;

		(void)state;
		put16(f.data + 12, port == 0 ? ETH_ARP : port == 1 ? ETH_IP4 : 0x88cc);
		memset(f.data, (int)(0x11 * port), 6);
		was = f;
		assert_int_equal(handle(&f, 3 + port, FORWARD_MIRROR), XOK_FORWARD_TO(port));
		assert_memory_equal(f.data, was.data, was.len);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, forward_setup, forward_teardown)
#define M(f) cmocka_unit_test_setup_teardown(f, mirrors_setup, forward_teardown)
	const struct CMUnitTest tests[] = {
		T(strict_reverse_path),
		T(loose_reverse_path),
		T(strict_with_several_hops),
		T(nowhere),
		T(flows_are_spread),
		T(one_hop_less),
		T(fragments_stay_together),
		T(weights),
		T(unresolved_member),
		T(references),
		T(tags),
		T(untags),
		T(retags),
		T(vlans6),
		M(for_the_host),
		M(discovery),
		M(from_the_host),
	};

	return cmocka_run_group_tests_name("forward_more", tests, NULL, NULL);
}
