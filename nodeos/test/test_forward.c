/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_forward.c - the forwarding handlers as the kernel runs them, over the tables that root/forward.c keeps: one test a clause. The node has
 * three ports, see mock_amp.h; the far network is behind a gateway at port 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/forward/modules.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/arp.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"
#include "nodeos/test/mock_kernel.h"
#include "xok/handler.h"

#define HOST 0x0a000005u /* a host at port 0 */
#define FAR 0x0a090001u	 /* behind GATEWAY */
#define GATEWAY 0x0a000102u
#define NEAR 0x0a000107u /* a neighbour at port 1 */

static struct node_pub pub;
static struct neigh arp, nd;
static struct ip_counters count4;
static struct ip6_counters count6;
static struct forward fwd;
static uint64_t before[FORWARD_COUNTERS];
static const uint8_t mac_host[6] = {2, 0, 0, 0, 0, 5}, mac_gateway[6] = {2, 0, 0, 0, 1, 2},
		     mac_near[6] = {2, 0, 0, 0, 1, 7};
static struct ip6 host6, far6, gateway6, near6, our6;

static struct ip6 addr6(const char *s)
{
	struct ip6 a;

	assert_true(text_ip6(s, &a));
	return a;
}

static void unreachable(void *arg, uint8_t *packet, size_t len)
{
	(void)arg;
	(void)packet;
	(void)len;
}

static void add6(const char *prefix, uint16_t port, const struct ip6 *via)
{
	struct node_route6 r = {.port = port};

	assert_true(text_prefix6(prefix, &r.prefix, &r.len));
	if (via)
		r.via = *via;
	pub.route6[pub.nroute6++] = r;
}

/* Port i has fd00:i::1/64; fd00:9::/32 is behind fd00:1::2, and ::/0 behind fd00:2::2. */
static void node6(void)
{
	struct ip6 via2 = addr6("fd00:2::2");

	for (uint16_t i = 0; i < 3; i++) {
		char s[TEXT_PREFIX6];
		struct node_address6 a = {.len = 64, .port = i};
		struct ip6 local = ip6_from_mac(pub.port[i].mac);

		pub.addresses6[pub.naddress6++] = (struct node_address6){
			.addr = local, .len = 64, .port = i};
		a.addr = addr6("fd00::1");
		a.addr.b[3] = (uint8_t)i;
		pub.addresses6[pub.naddress6++] = a;
		a.addr.b[15] = 0;
		add6(text_put_prefix6(s, &a.addr, 64), i, NULL);
	}
	add6("fd00:9::/32", 1, &gateway6);
	add6("::/0", 2, &via2);
}

static void start(enum node_role role)
{
	const struct forward_module m[FORWARD_FAMILIES] = {
		{forward4_module, (size_t)(forward4_module_end - forward4_module)},
		{forward6_module, (size_t)(forward6_module_end - forward6_module)},
	};

	mock_reset(3);
	mock_node(&pub, 3, role);
	memset(&count4, 0, sizeof(count4));
	memset(&count6, 0, sizeof(count6));
	host6 = addr6("fd00:0::5");
	far6 = addr6("fd00:9::1");
	gateway6 = addr6("fd00:1::2");
	near6 = addr6("fd00:1::7");
	our6 = addr6("fd00:1::1");
	node6();
	arp_init(&arp, &pub, &count4, unreachable, NULL);
	nd_init(&nd, &pub, &count6, unreachable, NULL);
	forward_init(&fwd, &pub, &arp, &nd, amp_ring_open(2, NULL, NULL), m);
}

static void learn(void)
{
	assert_true(arp_static(&arp, 1, GATEWAY, mac_gateway));
	assert_true(arp_static(&arp, 1, NEAR, mac_near));
	assert_true(arp_static(&arp, 0, HOST, mac_host));
	assert_true(neigh_static(&nd, 1, &gateway6, mac_gateway));
	assert_true(neigh_static(&nd, 1, &near6, mac_near));
	assert_true(neigh_static(&nd, 0, &host6, mac_host));
}

static int setup(void **state)
{
	(void)state;
	mock_kernel_reset();
	start(NODE_ROUTER);
	learn();
	forward_config(&fwd);
	assert_true(fwd.path[FORWARD_IP4].bound && fwd.path[FORWARD_IP6].bound);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mock_kernel_reset();
	return 0;
}

/* ---- frames ---- */

struct frame {
	uint8_t data[XOK_FRAME_MAX];
	size_t len;
};

static void ether(struct frame *f, uint16_t type)
{
	memcpy(f->data, pub.port[0].mac, 6);
	memcpy(f->data + 6, mac_host, 6);
	put16(f->data + 12, type);
}

static uint8_t *ip_of(struct frame *f)
{
	return f->data + ETH_HLEN;
}

/* A UDP packet of `len` bytes from HOST, in at port 0. */
static struct frame make4_sized(uint32_t dst, size_t len)
{
	struct frame f = {.len = ETH_HLEN + len};

	ether(&f, ETH_IP4);
	inet_ip4_header(ip_of(&f), 0, len, 0, 64, PROTO_UDP, HOST, dst);
	for (size_t i = IP4_HLEN; i < len; i++)
		ip_of(&f)[i] = (uint8_t)i;
	return f;
}

static struct frame make4(uint32_t dst)
{
	return make4_sized(dst, 60);
}

static struct frame make6_sized(const struct ip6 *dst, size_t payload)
{
	struct frame f = {.len = ETH_HLEN + IP6_HLEN + payload};

	ether(&f, ETH_IP6);
	inet_ip6_header(ip_of(&f), payload, PROTO_UDP, 64, &host6, dst);
	for (size_t i = 0; i < payload; i++)
		ip_of(&f)[IP6_HLEN + i] = (uint8_t)i;
	return f;
}

static struct frame make6(const struct ip6 *dst)
{
	return make6_sized(dst, 20);
}

static void fix(struct frame *f)
{
	put16(ip_of(f) + IP4_SUM, 0);
	put16(ip_of(f) + IP4_SUM, inet_fold(inet_sum(ip_of(f), IP4_HLEN)));
}

/* Exactly one counter rises by one. */
static uint64_t handle(struct frame *f, uint32_t port, enum forward_counter want)
{
	uint64_t verdict;

	memcpy(before, fwd.counter, sizeof(before));
	verdict = mock_handle(port, f->data, &f->len);
	for (unsigned i = 0; i < FORWARD_COUNTERS; i++)
		assert_int_equal(fwd.counter[i], before[i] + (i == want));
	return verdict;
}

/* Dropped, under this name; the packet is nobody's any more. */
static void expect_drop(struct frame f, enum forward_counter why)
{
	assert_int_equal(handle(&f, 0, why), XOK_V_DROP);
}

/* Passed on, under this name, and not changed in a single byte. */
static void expect_pass(struct frame f, enum forward_counter why)
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, why), XOK_V_PASS);
	assert_int_equal(f.len, was.len);
	assert_memory_equal(f.data, was.data, was.len);
}

/* Sent to port 1 and this station; everything but TTL and checksum is as it was. */
static void expect_forward4(struct frame f, const uint8_t mac[6])
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(1));
	assert_memory_equal(f.data, mac, 6);
	assert_memory_equal(f.data + 6, pub.port[1].mac, 6);
	assert_int_equal(f.len, ETH_HLEN + be16(ip_of(&was) + IP4_LEN));
	assert_int_equal(inet_ip4_check(ip_of(&f), f.len - ETH_HLEN), INET_OK);
	assert_int_equal(ip_of(&f)[IP4_TTL_AT], ip_of(&was)[IP4_TTL_AT] - 1);
	ip_of(&was)[IP4_TTL_AT]--;
	memcpy(ip_of(&was) + IP4_SUM, ip_of(&f) + IP4_SUM, 2);
	assert_memory_equal(f.data + 12, was.data + 12, f.len - 12);
}

static void expect_forward6(struct frame f, const uint8_t mac[6])
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, FORWARD_IP6_FORWARDED), XOK_FORWARD_TO(1));
	assert_memory_equal(f.data, mac, 6);
	assert_memory_equal(f.data + 6, pub.port[1].mac, 6);
	assert_int_equal(f.len, ETH_HLEN + IP6_HLEN + be16(ip_of(&was) + IP6_LEN));
	assert_int_equal(ip_of(&f)[IP6_HOPS_AT], ip_of(&was)[IP6_HOPS_AT] - 1);
	ip_of(&was)[IP6_HOPS_AT]--;
	assert_memory_equal(f.data + 12, was.data + 12, f.len - 12);
}

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
	assert_int_equal(handle(&f, 1, FORWARD_IP4_ETHER_ADDRESS), XOK_V_DROP);
	assert_int_equal(handle(&f, 99, FORWARD_IP4_ETHER_ADDRESS), XOK_V_DROP);
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
	pub.nroute--;
	node_lpm_build(&pub);
	forward_config(&fwd);
	expect_pass(make4(0x08080808), FORWARD_IP4_NO_ROUTE);
	pub.nroute6--;
	forward_config(&fwd);
	struct ip6 out = addr6("2001:db8::1");
	expect_pass(make6(&out), FORWARD_IP6_NO_ROUTE);
}

/* RFC 1812 4.2.2.7 and 4.3.3.3: fragments, or Destination Unreachable. */
static void too_big(void **state)
{
	(void)state;
	pub.port[1].mtu = 1000;
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

/* ---- tables follow the node ---- */

static void arp_reply(uint16_t port, uint32_t addr, const uint8_t mac[6])
{
	uint8_t f[ETH_HLEN + 28] = {0};

	memcpy(f + 6, mac, 6);
	put16(f + ETH_HLEN, 1);
	put16(f + ETH_HLEN + 2, ETH_IP4);
	f[ETH_HLEN + 4] = 6;
	f[ETH_HLEN + 5] = 4;
	put16(f + ETH_HLEN + 6, 2);
	memcpy(f + ETH_HLEN + 8, mac, 6);
	put32(f + ETH_HLEN + 14, addr);
	put32(f + ETH_HLEN + 24, 0x0a000001 | (uint32_t)port << 8);
	arp_input(&arp, port, f, sizeof(f));
}

/* Unknown, asked for, known, silent: the adjacency follows each step. */
static void neighbours_come_and_go(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 0x33};

	(void)state;
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	arp_send(&arp, 1, 0x0a000133, (const uint8_t[20]){0x45}, 20);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	arp_reply(1, 0x0a000133, mac);
	expect_forward4(make4(0x0a000133), mac);
	/* Probes are unanswered: from then on it is unknown. Until then it is used. */
	mock_advance(NEIGH_FRESH_NS + (NEIGH_PROBES - 1) * NEIGH_RETRY_NS);
	expect_forward4(make4(0x0a000133), mac);
	mock_advance(2 * NEIGH_RETRY_NS);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	mock_advance(NEIGH_TRIES * NEIGH_RETRY_NS);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	assert_int_equal(arp.entry[0].usable, arp.entry[0].state == NEIGH_STATIC);
}

/* The default route's gateway is unknown until it answers; then all that it stands for goes. */
static void gateways_come_and_go(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 2, 2};
	struct frame f = make4(0x08080808);
	struct ip6 via = addr6("fd00:2::2"), out = addr6("2001:db8::1");
	struct frame g = make6(&out);

	(void)state;
	expect_pass(f, FORWARD_IP4_NO_NEIGHBOUR);
	assert_true(arp_static(&arp, 2, 0x0a000202, mac));
	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(2));
	assert_memory_equal(f.data, mac, 6);
	expect_pass(g, FORWARD_IP6_NO_NEIGHBOUR);
	assert_true(neigh_static(&nd, 2, &via, mac));
	assert_int_equal(handle(&g, 0, FORWARD_IP6_FORWARDED), XOK_FORWARD_TO(2));
	assert_memory_equal(g.data, mac, 6);
}

/* A route for a part of a connected network leads its hosts elsewhere, known as neighbours or not. */
static void longer_routes_win(void **state)
{
	(void)state;
	expect_forward4(make4(NEAR), mac_near);
	pub.route[pub.nroute++] = (struct node_route){
		.prefix = NEAR & ~7u, .len = 29, .via = GATEWAY, .port = 1, .source = NODE_STATIC};
	node_lpm_build(&pub);
	forward_config(&fwd);
	expect_forward4(make4(NEAR), mac_gateway);
	assert_true(arp_static(&arp, 1, NEAR, mac_host)); /* it changes its link address */
	expect_forward4(make4(NEAR), mac_gateway);
	pub.nroute--;
	node_lpm_build(&pub);
	forward_config(&fwd);
	expect_forward4(make4(NEAR), mac_host);
}

/* Every path that root/forward.c can take agrees with the slow one, for random routes and neighbours. */
static void agrees_with_the_slow_path(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		pub.nroute = 3;
		for (unsigned i = 0; i < 12; i++) {
			seed = seed * 1664525 + 1013904223;
			uint8_t len = (uint8_t)(20 + (seed >> 8) % 13);
			struct node_route r = {.prefix = (0x0a000000 | (seed >> 16 & 0x3ff)) &
							 mask4(len),
					       .len = len,
					       .port = 1,
					       .source = NODE_STATIC,
					       .via = seed >> 30 ? GATEWAY : 0x0a000133};

			pub.route[pub.nroute++] = r;
		}
		node_lpm_build(&pub);
		if (round & 1)
			arp_reply(1, 0x0a000133, mac_near);
		forward_config(&fwd);
		for (unsigned i = 0; i < 200; i++) {
			seed = seed * 1664525 + 1013904223;
			uint32_t dst = 0x0a000000 | (seed >> 16 & 0x3ff);
			struct frame f = make4(dst);
			struct node_hop hop;
			uint8_t mac[6], own[6];
			uint64_t verdict = mock_handle(0, f.data, &f.len);

			if (dst == HOST || node_is_local(&pub, dst) || node_is_broadcast(&pub, dst))
				continue;
			assert_true(node_route(&pub, dst, &hop));
			if (node_link(&pub, hop.port, hop.next, mac, own) && hop.port != 0) {
				assert_int_equal(verdict, XOK_FORWARD_TO(hop.port));
				assert_memory_equal(f.data, mac, 6);
			} else {
				assert_int_equal(verdict, XOK_V_PASS);
			}
		}
	}
}

/* An adjacency that is being written is not used. */
static void half_written_adjacency(void **state)
{
	(void)state;
	for (unsigned i = FORWARD_NEIGH4; i < FORWARD_ADJACENCIES; i++)
		fwd.adjacency[i].version |= 1;
	expect_pass(make4(FAR), FORWARD_IP4_NO_NEIGHBOUR);
	expect_pass(make6(&far6), FORWARD_IP6_NO_NEIGHBOUR);
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

/* ---- without the kernel's help ---- */

/* A host does not forward, and a router that becomes one stops. */
static void hosts_do_not(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	pub.role = NODE_HOST;
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	pub.role = NODE_ROUTER;
	forward_config(&fwd);
	expect_forward4(make4(FAR), mac_gateway);
}

/* Refused: everything comes to the environment, nothing is left behind, and neighbours may come all the same. */
static void refused(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	mock_kernel_reset();
	mock_table_error = XOK_ENOSYS;
	start(NODE_ROUTER);
	learn();
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	assert_int_equal(mock_tables(), 0);
	assert_int_equal(forward_counted(&fwd, FORWARD_IP4_FORWARDED), 0);
	mock_kernel_reset();
	mock_prog_error = XOK_EINVAL;
	start(NODE_ROUTER);
	learn();
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	assert_int_equal(mock_progs(), 0);
}

/* A prefix that does not fit into the table would be missing from it: the handler goes. */
static void overflow_takes_it_off(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	mock_updates_left = 0;
	assert_true(arp_static(&arp, 1, 0x0a000144, mac_near));
	mock_updates_left = UINT32_MAX;
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	expect_forward6(make6(&far6), mac_gateway);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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
		T(neighbours_come_and_go),
		T(gateways_come_and_go),
		T(longer_routes_win),
		T(agrees_with_the_slow_path),
		T(half_written_adjacency),
		T(forwards6),
		T(header6),
		T(addresses6),
		T(scopes6),
		T(hop_limit_and_options6),
		T(hosts_do_not),
		T(refused),
		T(overflow_takes_it_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
