/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6_bench.c - the router of ip6_bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/ip6_bench.h"

struct bench6 b6;

struct ip6 bench6_address(const char *s)
{
	struct ip6 a;

	assert_true(text_ip6(s, &a));
	return a;
}

int bench6_setup(void **state)
{
	(void)state;
	memset(&b6, 0, sizeof(b6));
	mock_reset(3);
	mock_node(&b6.pub, 3, NODE_ROUTER);
	b6.host = bench6_address("fd00::5");
	b6.ours = bench6_address("fd00::1");
	b6.all_nodes = bench6_address("ff02::1");
	b6.all_routers = bench6_address("ff02::2");
	memcpy(b6.mac_host, (const uint8_t[]){2, 0, 0, 0, 0, 5}, 6);
	for (uint16_t i = 0; i < 3; i++) {
		struct ip6 net, addr = {{0xfd, [3] = (uint8_t)i, [15] = 1}};

		net = ip6_prefix(&addr, 64);
		b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
			.addr = ip6_from_mac(b6.pub.port[i].mac), .len = 64, .port = i};
		b6.pub.addresses6[b6.pub.naddress6++] = (struct node_address6){
			.addr = addr, .len = 64, .port = i};
		mock_route(&b6.pub, &net, 64, NULL, i);
	}
	b6.ours_local = ip6_from_mac(b6.pub.port[0].mac);
	ipv6_init(&b6.ip, &b6.pub);
	assert_true(neigh_static(&b6.ip.neigh, 0, &b6.host, b6.mac_host));
	return 0;
}

struct frame6 bench6_make(const struct ip6 *dst, uint8_t next, const void *payload, size_t len)
{
	struct frame6 f = {.len = ETH_HLEN + IP6_HLEN + len};

	assert_true(len <= IP6_PACKET_MAX - IP6_HLEN);
	memcpy(f.data, b6.pub.port[0].mac, 6);
	if (ip6_multicast(dst))
		ip6_multicast_mac(f.data, dst);
	memcpy(f.data + 6, b6.mac_host, 6);
	put16(f.data + 12, ETH_IP6);
	inet_ip6_header(bench6_packet(&f), len, next, 64, &b6.host, dst);
	memcpy(bench6_packet(&f) + IP6_HLEN, payload, len);
	return f;
}

void bench6_source(struct frame6 *f, const struct ip6 *src)
{
	memcpy(bench6_packet(f) + IP6_SRC, src, 16);
}

void bench6_checksum(struct frame6 *f)
{
	uint8_t *packet = bench6_packet(f), *icmp = packet + IP6_HLEN;

	put16(icmp + 2, 0);
	put16(icmp + 2, inet_upper6_sum(packet, PROTO_ICMP6, icmp, f->len - ETH_HLEN - IP6_HLEN));
}

void bench6_input(const struct frame6 *f, uint16_t port)
{
	uint8_t *copy = malloc(f->len);

	memcpy(copy, f->data, f->len);
	ipv6_frame(&b6.ip, port, copy, f->len);
	free(copy);
}

const uint8_t *bench6_take(uint16_t port, size_t *len)
{
	const struct mock_frame *f = mock_take();
	const uint8_t *h;

	assert_non_null(f);
	h = f->data + ETH_HLEN;
	*len = f->len - ETH_HLEN;
	assert_int_equal(f->port, port);
	assert_int_equal(be16(f->data + 12), ETH_IP6);
	assert_int_equal(h[0], 0x60);
	assert_int_equal(be16(h + IP6_LEN), *len - IP6_HLEN);
	if (h[IP6_NEXT] == PROTO_ICMP6)
		assert_int_equal(inet_upper6_sum(h, PROTO_ICMP6, h + IP6_HLEN, *len - IP6_HLEN), 0);
	return h;
}
