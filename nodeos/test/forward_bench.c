/* SPDX-License-Identifier: BSD-2-Clause */
/* forward_bench.c - the node, the frames and the expectations of the forwarding tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/forward_bench.h"

struct node_pub router;
struct neigh arp, nd;
static struct ip_counters count4;
static struct ip6_counters count6;
struct forward fwd;
bool forward_mirrors;
static uint64_t before[FORWARD_COUNTERS];
const uint8_t mac_host[6] = {2, 0, 0, 0, 0, 5}, mac_gateway[6] = {2, 0, 0, 0, 1, 2},
	      mac_near[6] = {2, 0, 0, 0, 1, 7};
struct ip6 host6, far6, gateway6, near6, our6;

struct ip6 addr6(const char *s)
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

/* As rib.h has it. */
static struct ip6 prefix_of(const char *prefix, uint8_t *len)
{
	struct ip6 net;
	uint32_t v4;

	if (text_prefix(prefix, &v4, len)) {
		net = ip6_mapped(v4);
		*len = (uint8_t)(*len + 96);
	} else {
		assert_true(text_prefix6(prefix, &net, len));
	}
	return net;
}

void route_to(const char *prefix, const char *via, uint16_t port)
{
	struct hops_member m = {.port = port};
	int32_t number = FORWARD_LINK + port;
	uint32_t v4;
	uint8_t len;
	struct ip6 net = prefix_of(prefix, &len);

	if (via) {
		if (text_ip4(via, &v4))
			m.addr = ip6_mapped(v4);
		else
			m.addr = addr6(via);
		number = hops_group(&fwd.hops, &m, 1);
		assert_true(number >= 0);
	}
	assert_int_equal(forward_route(&fwd, &net, len, RIB_STATIC, 0, (uint32_t)number), 0);
}

void no_route_to(const char *prefix)
{
	uint8_t len;
	struct ip6 net = prefix_of(prefix, &len);

	assert_int_equal(rib_delete(&fwd.rib, &net, len, RIB_STATIC, 0), 0);
}

void special_route(const char *prefix, uint32_t number)
{
	uint8_t len;
	struct ip6 net = prefix_of(prefix, &len);

	assert_int_equal(forward_route(&fwd, &net, len, RIB_STATIC, 0, number), 0);
}

static void local(const struct ip6 *addr, uint32_t number)
{
	assert_int_equal(forward_route(&fwd, addr, 128, RIB_LOCAL, 0, number), 0);
}

/* What mock_node says, and for IPv6: port i has fd00:i::1/64; fd00:9::/32 is behind fd00:1::2, and ::/0 behind fd00:2::2. */
static void routes(void)
{
	for (uint16_t i = 0; i < 3; i++) {
		char s[TEXT_PREFIX6];
		struct node_address6 a = {.len = 64, .port = i};
		uint32_t net = 0x0a000000u | (uint32_t)i << 8;
		struct ip6 link = ip6_from_mac(router.port[i].mac);
		struct ip6 own = ip6_mapped(net | 1), zeros = ip6_mapped(net),
			   ones = ip6_mapped(net | 255);

		local(&own, FORWARD_LOCAL);
		local(&zeros, FORWARD_BROADCAST);
		local(&ones, FORWARD_BROADCAST);
		route_to(text_put_prefix(s, net, 24), NULL, i);
		router.addresses6[router.naddress6++] = (struct node_address6){
			.addr = link, .len = 64, .port = i};
		a.addr = addr6("fd00::1");
		a.addr.b[3] = (uint8_t)i;
		router.addresses6[router.naddress6++] = a;
		local(&a.addr, FORWARD_LOCAL);
		a.addr.b[15] = 0;
		route_to(text_put_prefix6(s, &a.addr, 64), NULL, i);
	}
	route_to("10.9.0.0/16", "10.0.1.2", 1);
	route_to("0.0.0.0/0", "10.0.2.2", 2);
	route_to("fd00:9::/32", "fd00:1::2", 1);
	route_to("::/0", "fd00:2::2", 2);
}

void forward_start(enum node_role role)
{
#define MODULE(name)                                                       \
	{                                                                  \
		name##_module, (size_t)(name##_module_end - name##_module) \
	}
	const struct forward_module m[FORWARD_PROGRAMS] = {MODULE(forward4), MODULE(forward6),
							   MODULE(forward4_tagged),
							   MODULE(forward6_tagged), MODULE(mirror)};

	mock_reset(forward_mirrors ? 6 : 3);
	for (uint32_t i = 0; forward_mirrors && i < 3; i++)
		mock_mirror(3 + i, i, (const char *[]){"lan", "wan", "dmz"}[i]);
	mock_node(&router, 3, role);
	for (uint32_t i = 3; forward_mirrors && i < 6; i++) {
		memcpy(router.port[i].mac, router.port[i - 3].mac, 6);
		router.port[i].used = 1;
		router.port[i].device = (uint8_t)i;
		router.port[i].twin = (uint8_t)(i - 3 + 1);
		router.port[i].mtu = 1500;
	}
	router.nport = forward_mirrors ? 6 : 3;
	memset(&count4, 0, sizeof(count4));
	memset(&count6, 0, sizeof(count6));
	host6 = addr6("fd00:0::5");
	far6 = addr6("fd00:9::1");
	gateway6 = addr6("fd00:1::2");
	near6 = addr6("fd00:1::7");
	our6 = addr6("fd00:1::1");
	arp_init(&arp, &router, &count4, unreachable, NULL);
	nd_init(&nd, &router, &count6, unreachable, NULL);
	rib_end(&fwd.rib);
	forward_init(&fwd, &router, &arp, &nd, amp_ring_open(2, NULL, NULL), NODE_ROUTES, m);
	routes();
}

void forward_learn(void)
{
	assert_true(arp_static(&arp, 1, GATEWAY, mac_gateway));
	assert_true(arp_static(&arp, 1, NEAR, mac_near));
	assert_true(arp_static(&arp, 0, HOST, mac_host));
	assert_true(neigh_static(&nd, 1, &gateway6, mac_gateway));
	assert_true(neigh_static(&nd, 1, &near6, mac_near));
	assert_true(neigh_static(&nd, 0, &host6, mac_host));
}

int forward_setup(void **state)
{
	(void)state;
	mock_kernel_reset();
	forward_start(NODE_ROUTER);
	forward_learn();
	forward_config(&fwd);
	assert_true(fwd.nfilter >= 2);
	for (uint32_t i = 0; i < fwd.nfilter; i++)
		assert_true(fwd.filter[i].bound);
	return 0;
}

int forward_teardown(void **state)
{
	(void)state;
	rib_end(&fwd.rib);
	mock_kernel_reset();
	return 0;
}

/* ---- frames ---- */

static void ether(struct frame *f, uint16_t type)
{
	memcpy(f->data, router.port[0].mac, 6);
	memcpy(f->data + 6, mac_host, 6);
	put16(f->data + 12, type);
}

uint8_t *ip_of(struct frame *f)
{
	return f->data + ETH_HLEN;
}

struct frame make4_sized(uint32_t dst, size_t len)
{
	struct frame f = {.len = ETH_HLEN + len};

	ether(&f, ETH_IP4);
	inet_ip4_header(ip_of(&f), 0, len, 0, 64, PROTO_UDP, HOST, dst);
	for (size_t i = IP4_HLEN; i < len; i++)
		ip_of(&f)[i] = (uint8_t)i;
	return f;
}

struct frame make4(uint32_t dst)
{
	return make4_sized(dst, 60);
}

struct frame make6_sized(const struct ip6 *dst, size_t payload)
{
	struct frame f = {.len = ETH_HLEN + IP6_HLEN + payload};

	ether(&f, ETH_IP6);
	inet_ip6_header(ip_of(&f), payload, PROTO_UDP, 64, &host6, dst);
	for (size_t i = 0; i < payload; i++)
		ip_of(&f)[IP6_HLEN + i] = (uint8_t)i;
	return f;
}

struct frame make6(const struct ip6 *dst)
{
	return make6_sized(dst, 20);
}

void fix(struct frame *f)
{
	put16(ip_of(f) + IP4_SUM, 0);
	put16(ip_of(f) + IP4_SUM, inet_fold(inet_sum(ip_of(f), IP4_HLEN)));
}

uint64_t handle(struct frame *f, uint32_t port, enum forward_counter want)
{
	uint64_t verdict;

	for (unsigned i = 0; i < FORWARD_COUNTERS; i++)
		before[i] = forward_counted(&fwd, (enum forward_counter)i);
	verdict = mock_handle(port, f->data, &f->len);
	for (unsigned i = 0; i < FORWARD_COUNTERS; i++)
		assert_int_equal(forward_counted(&fwd, (enum forward_counter)i),
				 before[i] + (i == want));
	return verdict;
}

void expect_drop(struct frame f, enum forward_counter why)
{
	assert_int_equal(handle(&f, 0, why), XOK_DROP_FOR(why));
}

void expect_pass(struct frame f, enum forward_counter why)
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, why), XOK_V_PASS);
	assert_int_equal(f.len, was.len);
	assert_memory_equal(f.data, was.data, was.len);
}

void expect_forward4(struct frame f, const uint8_t mac[6])
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(1));
	assert_memory_equal(f.data, mac, 6);
	assert_memory_equal(f.data + 6, router.port[1].mac, 6);
	assert_int_equal(f.len, ETH_HLEN + be16(ip_of(&was) + IP4_LEN));
	assert_int_equal(inet_ip4_check(ip_of(&f), f.len - ETH_HLEN), INET_OK);
	assert_int_equal(ip_of(&f)[IP4_TTL_AT], ip_of(&was)[IP4_TTL_AT] - 1);
	ip_of(&was)[IP4_TTL_AT]--;
	memcpy(ip_of(&was) + IP4_SUM, ip_of(&f) + IP4_SUM, 2);
	assert_memory_equal(f.data + 12, was.data + 12, f.len - 12);
}

void expect_forward6(struct frame f, const uint8_t mac[6])
{
	struct frame was = f;

	assert_int_equal(handle(&f, 0, FORWARD_IP6_FORWARDED), XOK_FORWARD_TO(1));
	assert_memory_equal(f.data, mac, 6);
	assert_memory_equal(f.data + 6, router.port[1].mac, 6);
	assert_int_equal(f.len, ETH_HLEN + IP6_HLEN + be16(ip_of(&was) + IP6_LEN));
	assert_int_equal(ip_of(&f)[IP6_HOPS_AT], ip_of(&was)[IP6_HOPS_AT] - 1);
	ip_of(&was)[IP6_HOPS_AT]--;
	assert_memory_equal(f.data + 12, was.data + 12, f.len - 12);
}
