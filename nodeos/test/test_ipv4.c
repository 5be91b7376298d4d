/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ipv4.c - one test for each clause that ipv4.c and icmp.c implement. The node has three ports, see mock_amp.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/ipv4.h"
#include "nodeos/test/mock_amp.h"

#define HOST 0x0a000005u /* a host at port 0 */
#define FAR 0x0a090001u	 /* behind 10.0.1.2 at port 1 */
#define GATEWAY 0x0a000102u

static struct node_pub pub;
static struct ipv4 ip;
static const uint8_t mac_host[6] = {2, 0, 0, 0, 0, 5};
static const uint8_t mac_gateway[6] = {2, 0, 0, 0, 1, 2};

static void begin(enum node_role role)
{
	mock_reset(3);
	mock_node(&pub, 3, role);
	ipv4_init(&ip, &pub);
	assert_true(arp_static(&ip.neigh, 0, HOST, mac_host));
	assert_true(arp_static(&ip.neigh, 1, GATEWAY, mac_gateway));
}

static int setup(void **state)
{
	(void)state;
	begin(NODE_ROUTER);
	return 0;
}

/* A UDP packet from HOST with 32 bytes of data. */
static size_t make(uint8_t *p, uint32_t dst)
{
	inet_ip4_header(p, 0, 60, 0, 64, PROTO_UDP, HOST, dst);
	memset(p + 20, 0xab, 40);
	return 60;
}

static void fix(uint8_t *p)
{
	put16(p + IP4_SUM, 0);
	put16(p + IP4_SUM, inet_fold(inet_sum(p, (p[0] & 15u) * 4u)));
}

/* In as a copy of exactly its length, so that reading past it shows. */
static void input(const uint8_t *p, size_t len, bool group)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, p, len);
	ipv4_input(&ip, 0, copy, len, group);
	free(copy);
}

static void expect_drop(enum ip_counter why)
{
	assert_int_equal(ip.count.n[why], 1);
	assert_int_equal(ip.count.n[IPC_FORWARDED], 0);
	assert_int_equal(ip.count.n[IPC_DELIVERED], 0);
}

static void expect_silence(void)
{
	assert_null(mock_take());
}

/* The next frame is an ICMP error of this type and code to HOST, quoting the packet. */
static void expect_icmp(uint8_t type, uint8_t code, const uint8_t *quoted)
{
	const struct mock_frame *f = mock_take();
	const uint8_t *h;

	assert_non_null(f);
	h = f->data + ETH_HLEN;
	assert_int_equal(f->port, 0);
	assert_memory_equal(f->data, mac_host, 6);
	assert_int_equal(inet_ip4_check(h, f->len - ETH_HLEN), INET_OK);
	assert_int_equal(be32(h + IP4_DST), HOST);
	assert_int_equal(be32(h + IP4_SRC), 0x0a000001);
	assert_int_equal(h[20], type);
	assert_int_equal(h[21], code);
	assert_int_equal(inet_fold(inet_sum(h + 20, be16(h + IP4_LEN) - 20u)), 0);
	assert_memory_equal(h + 28, quoted, 28);
}

static void forwards(void **state)
{
	uint8_t p[60];
	const struct mock_frame *f;

	(void)state;
	input(p, make(p, FAR), false);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->port, 1);
	assert_memory_equal(f->data, mac_gateway, 6);
	assert_int_equal(f->len, ETH_HLEN + 60);
	assert_int_equal(inet_ip4_check(f->data + ETH_HLEN, 60), INET_OK);
	assert_int_equal(f->data[ETH_HLEN + IP4_TTL_AT], 63);
	assert_memory_equal(f->data + ETH_HLEN + 20, p + 20, 40);
	assert_int_equal(ip.count.n[IPC_FORWARDED], 1);
}

static void cuts_link_padding(void **state)
{
	uint8_t p[80] = {0};
	const struct mock_frame *f;

	(void)state;
	make(p, FAR);
	input(p, 80, false);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->len, ETH_HLEN + 60);
}

static void delivers(void **state)
{
	uint8_t p[60], got[100];

	(void)state;
	input(p, make(p, 0x0a000101), false);
	assert_int_equal(mock_delivered(got, sizeof(got)), 60);
	assert_memory_equal(got, p, 60);
}

/* RFC 1812 5.2.2, its tests one by one. */
static void refuses_short(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, FAR);
	input(p, 19, false);
	expect_drop(IPC_SHORT);
	expect_silence();
}

static void refuses_checksum(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, FAR);
	p[IP4_SUM] ^= 1;
	input(p, 60, false);
	expect_drop(IPC_CHECKSUM);
	expect_silence();
}

static void refuses_version(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, FAR);
	p[0] = 0x65;
	fix(p);
	input(p, 60, false);
	expect_drop(IPC_VERSION);
	expect_silence();
}

static void refuses_header_length(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, FAR);
	p[0] = 0x44;
	input(p, 60, false);
	expect_drop(IPC_HEADER_LENGTH);
	expect_silence();
}

static void refuses_total_length(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, FAR);
	put16(p + IP4_LEN, 19);
	fix(p);
	input(p, 60, false);
	expect_drop(IPC_LENGTH);
	make(p, FAR);
	input(p, 59, false);
	assert_int_equal(ip.count.n[IPC_LENGTH], 2);
	expect_silence();
}

/* RFC 1812 5.3.1 */
static void ttl(void **state)
{
	uint8_t p[60];

	(void)state;
	for (uint8_t t = 0; t < 2; t++) {
		make(p, FAR);
		p[IP4_TTL_AT] = t;
		fix(p);
		input(p, 60, false);
		expect_icmp(11, 0, p);
	}
	assert_int_equal(ip.count.n[IPC_TTL], 2);
	expect_silence();
	/* For ourselves it does not matter. */
	make(p, 0x0a000001);
	p[IP4_TTL_AT] = 1;
	fix(p);
	input(p, 60, false);
	assert_int_equal(ip.count.n[IPC_DELIVERED], 1);
}

static void no_route(void **state)
{
	const struct ip6 all = ip6_mapped(0);
	uint8_t p[60];

	(void)state;
	mock_no_route(&pub, &all, 96);
	input(p, make(p, 0x08080808), false);
	expect_drop(IPC_NO_ROUTE);
	expect_icmp(3, 0, p);
}

/* RFC 1812 5.2.7.1: a route that leads nowhere on purpose: silence, host unreachable (1), or administratively prohibited (13). */
static void routes_to_nowhere(void **state)
{
	const struct ip6 net = ip6_mapped(0x0a420000);
	uint8_t p[60];

	(void)state;
	mock_number(&pub, &net, 112, FORWARD_BLACKHOLE);
	input(p, make(p, 0x0a420001), false);
	expect_drop(IPC_BLACKHOLE);
	expect_silence();
	mock_number(&pub, &net, 112, FORWARD_UNREACHABLE);
	input(p, make(p, 0x0a420001), false);
	expect_drop(IPC_NO_ROUTE);
	expect_icmp(3, 1, p);
	mock_number(&pub, &net, 112, FORWARD_PROHIBITED);
	input(p, make(p, 0x0a420001), false);
	expect_drop(IPC_PROHIBITED);
	expect_icmp(3, 13, p);
}

static void no_neighbour(void **state)
{
	uint8_t p[60];

	(void)state;
	make(p, 0x0a000109);
	input(p, 60, false);
	for (unsigned i = 0; i < NEIGH_TRIES; i++) {
		const struct mock_frame *f = mock_take();

		assert_non_null(f);
		assert_int_equal(be16(f->data + 12), ETH_ARP);
		expect_silence();
		mock_advance(NEIGH_RETRY_NS);
	}
	p[IP4_TTL_AT]--; /* it is quoted as it was when it waited */
	fix(p);
	expect_icmp(3, 1, p);
	assert_int_equal(ip.count.n[IPC_NO_NEIGHBOUR], 1);
}

static void fragmentation_needed(void **state)
{
	uint8_t p[60];

	(void)state;
	pub.port[1].mtu = 48;
	make(p, FAR);
	put16(p + IP4_FRAG, IP4_DF);
	fix(p);
	input(p, 60, false);
	expect_drop(IPC_FRAG_NEEDED);
	expect_icmp(3, 4, p);
}

static void fragments(void **state)
{
	uint8_t p[24 + 100], whole[100];
	size_t got = 0;
	const struct mock_frame *f;

	(void)state;
	pub.port[1].mtu = 60;
	inet_ip4_header(p, 0, sizeof(p), 0, 64, PROTO_UDP, HOST, FAR);
	p[0] = 0x46;
	memcpy(p + 20, "\x44\x04\x05\x00", 4); /* a timestamp option, which is not copied */
	for (unsigned i = 0; i < 100; i++)
		p[24 + i] = (uint8_t)i;
	fix(p);
	input(p, sizeof(p), false);
	while ((f = mock_take())) {
		const uint8_t *h = f->data + ETH_HLEN;
		uint16_t frag = be16(h + IP4_FRAG);
		size_t n = be16(h + IP4_LEN) - 24u;

		assert_true(be16(h + IP4_LEN) <= 60);
		assert_int_equal(inet_ip4_check(h, f->len - ETH_HLEN), INET_OK);
		assert_int_equal((frag & IP4_OFFSET) * 8u, got);
		assert_int_equal(h[20], got ? 1 : 0x44);
		memcpy(whole + got, h + 24, n);
		got += n;
		assert_int_equal(!(frag & IP4_MF), got == 100);
	}
	assert_int_equal(got, 100);
	assert_memory_equal(whole, p + 24, 100);
	assert_int_equal(ip.count.n[IPC_FRAGMENTED], 1);
}

/* RFC 1812 5.3.7: martians. */
static void bad_sources(void **state)
{
	static const uint32_t bad[] = {0,	   0x7f000001, 0xe0000001,
				       0xffffffff, 0xf0000001, 0x0a0000ff /* broadcast of port 0 */,
				       0x0a000001 /* ours */};
	uint8_t p[60];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make(p, FAR);
		put32(p + IP4_SRC, bad[i]);
		fix(p);
		input(p, 60, false);
		assert_int_equal(ip.count.n[IPC_BAD_SOURCE], i + 1);
	}
	expect_silence();
}

static void bad_destinations(void **state)
{
	static const uint32_t bad[] = {0, 0x7f000001, 0xf0000001};
	uint8_t p[60];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		input(p, make(p, bad[i]), false);
		assert_int_equal(ip.count.n[IPC_BAD_DESTINATION], i + 1);
	}
	expect_silence();
}

static void group_destinations(void **state)
{
	uint8_t p[60];

	(void)state;
	input(p, make(p, 0xe0000005), false);
	assert_int_equal(ip.count.n[IPC_MULTICAST], 1);
	input(p, make(p, 0x0a0001ff), false);
	input(p, make(p, 0xffffffff), false);
	assert_int_equal(ip.count.n[IPC_BROADCAST], 2);
	/* RFC 1122 3.3.6: unicast in a broadcast frame. */
	input(p, make(p, FAR), true);
	assert_int_equal(ip.count.n[IPC_BROADCAST], 3);
	expect_silence();
}

static void host_does_not_forward(void **state)
{
	uint8_t p[60];

	(void)state;
	begin(NODE_HOST);
	input(p, make(p, FAR), false);
	expect_drop(IPC_NOT_FOR_US);
	expect_silence();
}

static size_t with_options(uint8_t *p, const char *options)
{
	inet_ip4_header(p, 0, 64, 0, 64, PROTO_UDP, HOST, FAR);
	p[0] = 0x46;
	memcpy(p + 20, options, 4);
	memset(p + 24, 0, 40);
	fix(p);
	return 64;
}

static void options(void **state)
{
	uint8_t p[64];
	const struct mock_frame *f;

	(void)state;
	/* Router alert goes on unchanged. */
	input(p, with_options(p, "\x94\x04\x00\x00"), false);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data + ETH_HLEN + 20, "\x94\x04\x00\x00", 4);
	/* Source routes are refused. */
	input(p, with_options(p, "\x83\x04\x04\x00"), false);
	assert_int_equal(ip.count.n[IPC_SOURCE_ROUTE], 1);
	expect_icmp(3, 5, p);
	/* Lengths of zero, one, and past the header. */
	input(p, with_options(p, "\x94\x00\x00\x00"), false);
	expect_icmp(12, 0, p);
	input(p, with_options(p, "\x94\x01\x00\x00"), false);
	expect_icmp(12, 0, p);
	input(p, with_options(p, "\x94\x05\x00\x00"), false);
	expect_icmp(12, 0, p);
	input(p, with_options(p, "\x01\x01\x01\x94"), false);
	expect_icmp(12, 0, p);
	assert_int_equal(ip.count.n[IPC_OPTIONS], 4);
}

/* RFC 1812 4.3.2.7: no error about an error, a later fragment, or a group. */
static void icmp_when_not_to_send(void **state)
{
	static const uint8_t errors[] = {3, 4, 5, 11, 12};
	uint8_t p[60];

	(void)state;
	for (size_t i = 0; i < sizeof(errors); i++) {
		make(p, FAR);
		p[IP4_TTL_AT] = 1;
		p[IP4_PROTO] = PROTO_ICMP;
		p[20] = errors[i];
		fix(p);
		input(p, 60, false);
	}
	make(p, FAR);
	p[IP4_TTL_AT] = 1;
	put16(p + IP4_FRAG, 5);
	fix(p);
	input(p, 60, false);
	assert_int_equal(ip.count.n[IPC_ICMP_NOT_SENT], 6);
	expect_silence();
	/* About an echo request one is sent. */
	make(p, FAR);
	p[IP4_TTL_AT] = 1;
	p[IP4_PROTO] = PROTO_ICMP;
	p[20] = 8;
	fix(p);
	input(p, 60, false);
	expect_icmp(11, 0, p);
}

/* RFC 1812 4.3.2.8 */
static void icmp_rate_limit(void **state)
{
	uint8_t p[60];
	int sent = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		make(p, FAR);
		p[IP4_TTL_AT] = 1;
		fix(p);
		input(p, 60, false);
	}
	while (mock_take())
		sent++;
	assert_int_equal(sent, 50);
	assert_int_equal(ip.count.n[IPC_ICMP_LIMITED], 250);
	mock_advance(1000000000);
	input(p, 60, false);
	expect_icmp(11, 0, p);
}

/* ---- errors of the host stack ---- */

/* The host stack's answer to what nobody wants: port unreachable, with so much quoted as a short datagram has. */
static void port_unreachable(const uint8_t *packet, size_t len)
{
	uint8_t out[IP4_HLEN + 8 + 28], *icmp = out + IP4_HLEN;
	size_t part = len < 28 ? len : 28;

	inet_ip4_header(out, 0, IP4_HLEN + 8 + part, 0, 64, PROTO_ICMP, 0x0a000001, HOST);
	memset(icmp, 0, 8);
	icmp[0] = ICMP_UNREACHABLE;
	icmp[1] = 3;
	memcpy(icmp + 8, packet, part);
	put16(icmp + 2, inet_fold(inet_sum(icmp, 8 + part)));
	ipv4_stack_output(&ip, out, IP4_HLEN + 8 + part);
}

/* A datagram of `len` bytes to us, with this type of service. */
static size_t make_for_us(uint8_t *p, size_t len, uint8_t tos)
{
	memset(p, 0xab, len);
	inet_ip4_header(p, tos, len, 0, 64, PROTO_UDP, HOST, 0x0a000001);
	return len;
}

/* RFC 1812 4.3.2.3, 4.3.2.5: 576 bytes in all, of precedence 6. */
static void stack_errors_are_ours(void **state)
{
	static const size_t size[] = {28, 60, 576 - 28, 576 - 27, 1000};
	uint8_t p[1000];

	(void)state;
	mock_stack = port_unreachable;
	for (unsigned i = 0; i < 5; i++) {
		size_t part = size[i] < 548 ? size[i] : 548;
		const struct mock_frame *f;

		input(p, make_for_us(p, size[i], 0x10), false);
		f = mock_take();
		assert_non_null(f);
		assert_int_equal(f->len, ETH_HLEN + 28 + part);
		assert_int_equal(inet_ip4_check(f->data + ETH_HLEN, 28 + part), INET_OK);
		assert_int_equal(f->data[ETH_HLEN + IP4_TOS], 0xd0);
		assert_int_equal(f->data[ETH_HLEN + 21], 3);
		assert_memory_equal(f->data + ETH_HLEN + 28, p, part);
		expect_silence();
	}
	assert_int_equal(ip.count.n[IPC_STACK_ERRORS], 5);
	assert_int_equal(ip.count.n[IPC_ICMP_SENT], 5);
	assert_int_equal(ip.count.n[IPC_SENT], 5);
}

/* RFC 1812 4.3.2.7, 4.3.2.8: none about what came in a broadcast frame, and no more than of others. */
static void stack_errors_are_limited(void **state)
{
	uint8_t p[60];
	int sent = 0;

	(void)state;
	mock_stack = port_unreachable;
	input(p, make_for_us(p, 60, 0), true);
	expect_silence();
	assert_int_equal(ip.count.n[IPC_ICMP_NOT_SENT], 1);
	for (int i = 0; i < 300; i++)
		input(p, make_for_us(p, 60, 0), false);
	while (mock_take())
		sent++;
	assert_int_equal(sent, 50);
	assert_int_equal(ip.count.n[IPC_ICMP_LIMITED], 250);
	assert_int_equal(ip.count.n[IPC_STACK_ERRORS], 301);
}

/* What the stack says of its own accord, as of a datagram that was never complete: all that it quotes, and no more. */
static void stack_errors_of_earlier_packets(void **state)
{
	uint8_t p[60], cut[IP4_HLEN + 8 + IP4_HLEN - 1] = {0};
	const struct mock_frame *f;

	(void)state;
	port_unreachable(p, make_for_us(p, 60, 0));
	expect_icmp(3, 3, p);
	assert_int_equal(ip.count.n[IPC_STACK_ERRORS], 1);
	/* An error that quotes less than a header is nobody's; it goes as it is. */
	inet_ip4_header(cut, 0, sizeof(cut), 0, 64, PROTO_ICMP, 0x0a000001, HOST);
	cut[IP4_HLEN] = ICMP_UNREACHABLE;
	ipv4_stack_output(&ip, cut, sizeof(cut));
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data + ETH_HLEN, cut, sizeof(cut));
	/* So do an echo reply, and a packet that is none. */
	cut[IP4_HLEN] = 0;
	ipv4_stack_output(&ip, cut, sizeof(cut));
	assert_non_null(mock_take());
	ipv4_stack_output(&ip, cut, IP4_HLEN - 1);
	expect_silence();
	assert_int_equal(ip.count.n[IPC_SHORT], 1);
	assert_int_equal(ip.count.n[IPC_STACK_ERRORS], 1);
}

/* RFC 1812 is for routers: a host's errors are its stack's. */
static void stack_errors_of_hosts(void **state)
{
	uint8_t p[60];
	const struct mock_frame *f;

	(void)state;
	begin(NODE_HOST);
	mock_stack = port_unreachable;
	input(p, make_for_us(p, 60, 0), false);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->len, ETH_HLEN + IP4_HLEN + 8 + 28);
	assert_int_equal(ip.count.n[IPC_STACK_ERRORS], 0);
}

static void transmit_queue_full(void **state)
{
	uint8_t p[60];

	(void)state;
	mock_transmit_result(XOK_EAGAIN);
	input(p, make(p, FAR), false);
	assert_int_equal(ip.count.n[IPC_TRANSMIT_FULL], 1);
}

static void output_to_ourselves_comes_later(void **state)
{
	uint8_t p[60], got[64];

	(void)state;
	inet_ip4_header(p, 0, 60, 0, 64, PROTO_UDP, 0x0a000001, 0x0a000101);
	ipv4_output(&ip, p, 60);
	assert_int_equal(mock_delivered(got, sizeof(got)), 0);
	mock_advance(0);
	assert_int_equal(mock_delivered(got, sizeof(got)), 60);
	expect_silence();
}

static void frames(void **state)
{
	uint8_t f[ETH_HLEN + 60] = {0x52, 0x54, 0, 0, 0, 0};
	struct amp_packet pkt = {.data = f, .len = sizeof(f)};

	(void)state;
	put16(f + 12, ETH_IP4);
	make(f + ETH_HLEN, FAR);
	ipv4_frame(&ip, &pkt);
	assert_int_equal(ip.count.n[IPC_FORWARDED], 1);
	f[5] = 9;
	ipv4_frame(&ip, &pkt);
	assert_int_equal(ip.count.n[IPC_ETHER_ADDRESS], 1);
	f[5] = 0;
	put16(f + 12, 0x86dd);
	ipv4_frame(&ip, &pkt);
	assert_int_equal(ip.count.n[IPC_ETHER_TYPE], 1);
	pkt.len = 13;
	ipv4_frame(&ip, &pkt);
	assert_int_equal(ip.count.n[IPC_SHORT], 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(forwards),
		T(cuts_link_padding),
		T(delivers),
		T(refuses_short),
		T(refuses_checksum),
		T(refuses_version),
		T(refuses_header_length),
		T(refuses_total_length),
		T(ttl),
		T(no_route),
		T(routes_to_nowhere),
		T(no_neighbour),
		T(fragmentation_needed),
		T(fragments),
		T(bad_sources),
		T(bad_destinations),
		T(group_destinations),
		T(host_does_not_forward),
		T(options),
		T(icmp_when_not_to_send),
		T(icmp_rate_limit),
		T(stack_errors_are_ours),
		T(stack_errors_are_limited),
		T(stack_errors_of_earlier_packets),
		T(stack_errors_of_hosts),
		T(transmit_queue_full),
		T(output_to_ourselves_comes_later),
		T(frames),
	};

	return cmocka_run_group_tests_name("ipv4", tests, NULL, NULL);
}
