/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ipv6.c - one test for each clause that ipv6.c, icmp6.c and nd.c implement. The node has three ports, port i with fd00:i::1/64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"

static struct node_pub pub;
static struct ipv6 ip;
static struct ip6 host, far, gateway, ours, ours_local, all_nodes;
static const uint8_t mac_host[6] = {2, 0, 0, 0, 0, 5}, mac_gateway[6] = {2, 0, 0, 0, 1, 2};
static struct {
	unsigned n;
	uint8_t type, code;
	uint16_t id, seq;
	struct ip6 from;
} answer;

static struct ip6 addr(const char *s)
{
	struct ip6 a;

	assert_true(text_ip6(s, &a));
	return a;
}

static void add_route(const char *prefix, uint16_t port, const struct ip6 *via)
{
	struct ip6 net;
	uint8_t len;

	assert_true(text_prefix6(prefix, &net, &len));
	mock_route(&pub, &net, len, via, port);
}

static void on_answer(void *arg, uint8_t type, uint8_t code, const struct ip6 *from, uint16_t id,
		      uint16_t seq)
{
	(void)arg;
	answer.n++;
	answer.type = type;
	answer.code = code;
	answer.from = *from;
	answer.id = id;
	answer.seq = seq;
}

static int setup(void **state)
{
	static const char *const address[] = {"fd00::1", "fd00:1::1", "fd00:2::1"};
	static const char *const prefix[] = {"fd00::/64", "fd00:1::/64", "fd00:2::/64"};

	(void)state;
	mock_reset(3);
	mock_node(&pub, 3, NODE_ROUTER);
	host = addr("fd00::5");
	far = addr("fd00:9::1");
	gateway = addr("fd00:1::2");
	ours = addr("fd00::1");
	all_nodes = addr("ff02::1");
	for (uint16_t i = 0; i < 3; i++) {
		pub.addresses6[pub.naddress6++] = (struct node_address6){
			.addr = ip6_from_mac(pub.port[i].mac), .len = 64, .port = i};
		pub.addresses6[pub.naddress6++] = (struct node_address6){
			.addr = addr(address[i]), .len = 64, .port = i};
		add_route(prefix[i], i, NULL);
	}
	add_route("fd00:9::/32", 1, &gateway);
	ours_local = ip6_from_mac(pub.port[0].mac);
	ipv6_init(&ip, &pub);
	ip.answer = on_answer;
	memset(&answer, 0, sizeof(answer));
	assert_true(neigh_static(&ip.neigh, 0, &host, mac_host));
	assert_true(neigh_static(&ip.neigh, 1, &gateway, mac_gateway));
	return 0;
}

/* ---- packets ---- */

struct packet {
	uint8_t frame[1514];
	size_t len;
};

static uint8_t *p6(struct packet *p)
{
	return p->frame + ETH_HLEN;
}

/* A packet from HOST in a frame to port 0, its payload of `len` bytes counted up. */
static struct packet make(const struct ip6 *dst, uint8_t next, size_t len)
{
	struct packet p = {.len = ETH_HLEN + IP6_HLEN + len};

	memcpy(p.frame, pub.port[0].mac, 6);
	memcpy(p.frame + 6, mac_host, 6);
	put16(p.frame + 12, ETH_IP6);
	inet_ip6_header(p6(&p), len, next, 64, &host, dst);
	for (size_t i = 0; i < len; i++)
		p6(&p)[IP6_HLEN + i] = (uint8_t)i;
	return p;
}

static void set_source(struct packet *p, const struct ip6 *src)
{
	memcpy(p6(p) + IP6_SRC, src, 16);
}

static void checksum(struct packet *p)
{
	uint8_t *icmp = p6(p) + IP6_HLEN;
	size_t len = p->len - ETH_HLEN - IP6_HLEN;

	put16(icmp + 2, 0);
	put16(icmp + 2, inet_upper6_sum(p6(p), PROTO_ICMP6, icmp, len));
}

static struct packet make_icmp(const struct ip6 *dst, uint8_t type, size_t len)
{
	struct packet p = make(dst, PROTO_ICMP6, len);

	p6(&p)[IP6_HLEN] = type;
	p6(&p)[IP6_HLEN + 1] = 0;
	checksum(&p);
	return p;
}

/* In as a copy of exactly its length, so that reading past it shows. */
static void input(const struct packet *p, uint16_t port)
{
	uint8_t *copy = malloc(p->len);

	memcpy(copy, p->frame, p->len);
	ipv6_frame(&ip, port, copy, p->len);
	free(copy);
}

static void expect_drop(const struct packet *p, enum ip6_counter why)
{
	uint64_t was = ip.count.n[why];

	input(p, 0);
	assert_int_equal(ip.count.n[why], was + 1);
	assert_int_equal(ip.count.n[IP6C_FORWARDED], 0);
}

static void expect_silence(void)
{
	assert_null(mock_take());
}

/* The next frame is an ICMPv6 error of this type and code to HOST at port 0 that quotes the packet. */
static void expect_error(const struct packet *quoted, uint8_t type, uint8_t code, uint32_t info)
{
	const struct mock_frame *f = mock_take();
	const uint8_t *h, *icmp;
	size_t len, part = quoted->len - ETH_HLEN;

	assert_non_null(f);
	h = f->data + ETH_HLEN;
	icmp = h + IP6_HLEN;
	len = f->len - ETH_HLEN - IP6_HLEN;
	if (part > IP6_MTU_MIN - IP6_HLEN - ICMP6_HLEN)
		part = IP6_MTU_MIN - IP6_HLEN - ICMP6_HLEN;
	assert_int_equal(f->port, 0);
	assert_memory_equal(f->data, mac_host, 6);
	assert_memory_equal(h + IP6_DST, &host, 16);
	assert_int_equal(be16(h + IP6_LEN), len);
	assert_int_equal(inet_upper6_sum(h, PROTO_ICMP6, icmp, len), 0);
	assert_int_equal(icmp[0], type);
	assert_int_equal(icmp[1], code);
	assert_int_equal(be32(icmp + 4), info);
	assert_int_equal(len, ICMP6_HLEN + part);
	assert_memory_equal(icmp + ICMP6_HLEN, quoted->frame + ETH_HLEN, part);
	expect_silence();
}

/* ---- forwarding ---- */

static void forwards(void **state)
{
	struct packet p = make(&far, PROTO_UDP, 20);
	const struct mock_frame *f;

	(void)state;
	p.len += 6; /* link padding */
	input(&p, 0);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->port, 1);
	assert_int_equal(f->len, ETH_HLEN + IP6_HLEN + 20);
	assert_memory_equal(f->data, mac_gateway, 6);
	assert_int_equal(be16(f->data + 12), ETH_IP6);
	assert_int_equal(f->data[ETH_HLEN + IP6_HOPS_AT], 63);
	assert_int_equal(ip.count.n[IP6C_FORWARDED], 1);
}

/* RFC 8200 3 */
static void header(void **state)
{
	struct packet p = make(&far, PROTO_UDP, 20);

	(void)state;
	p6(&p)[0] = 0x40;
	expect_drop(&p, IP6C_VERSION);
	p = make(&far, PROTO_UDP, 20);
	put16(p6(&p) + IP6_LEN, 21);
	expect_drop(&p, IP6C_LENGTH);
	p.len = ETH_HLEN + IP6_HLEN - 1;
	expect_drop(&p, IP6C_SHORT);
	p.len = ETH_HLEN;
	expect_drop(&p, IP6C_SHORT);
	expect_silence();
}

/* RFC 4291 2.5.2, 2.5.3, 2.7 */
static void addresses(void **state)
{
	const char *bad[] = {"::1", "ff02::1", "fd00:1::1"};
	struct ip6 none = addr("::"), loop = addr("::1"), group = addr("ff05::2");
	struct packet p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ip6 src = addr(bad[i]);

		p = make(&far, PROTO_UDP, 20);
		set_source(&p, &src);
		expect_drop(&p, IP6C_BAD_SOURCE);
	}
	p = make(&far, PROTO_UDP, 20);
	set_source(&p, &none);
	expect_drop(&p, IP6C_BAD_SOURCE);
	p = make(&none, PROTO_UDP, 20);
	expect_drop(&p, IP6C_BAD_DESTINATION);
	p = make(&loop, PROTO_UDP, 20);
	expect_drop(&p, IP6C_BAD_DESTINATION);
	p = make(&group, PROTO_UDP, 20);
	expect_drop(&p, IP6C_MULTICAST);
	p = make(&far, PROTO_UDP, 20);
	p.frame[0] |= 1;
	expect_drop(&p, IP6C_LINK_GROUP);
	expect_silence();
}

/* RFC 4443 3.1 code 2, RFC 4291 2.5.6 */
static void scopes(void **state)
{
	struct ip6 local = addr("fe80::5"), other = addr("fe80::99");
	struct packet p = make(&far, PROTO_UDP, 20);
	const struct mock_frame *f;

	(void)state;
	assert_true(neigh_static(&ip.neigh, 0, &local, mac_host));
	set_source(&p, &local);
	expect_drop(&p, IP6C_SCOPE);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &ours_local, 16);
	assert_memory_equal(f->data + ETH_HLEN + IP6_DST, &local, 16);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_UNREACHABLE);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN + 1], ICMP6_BEYOND_SCOPE);
	p = make(&other, PROTO_UDP, 20);
	expect_drop(&p, IP6C_SCOPE);
	/* Our link-local address of another port. */
	other = ip6_from_mac(pub.port[1].mac);
	p = make(&other, PROTO_ICMP6, 20);
	expect_drop(&p, IP6C_SCOPE);
	expect_silence();
}

/* RFC 8200 3, RFC 4443 3.3 */
static void hop_limit(void **state)
{
	struct packet p = make(&far, PROTO_UDP, 20);

	(void)state;
	for (uint8_t h = 0; h < 2; h++) {
		p6(&p)[IP6_HOPS_AT] = h;
		expect_drop(&p, IP6C_HOP_LIMIT);
		expect_error(&p, ICMP6_TIME_EXCEEDED, 0, 0);
	}
}

static void no_route(void **state)
{
	struct ip6 out = addr("2001:db8::1");
	struct packet p = make(&out, PROTO_UDP, 20);

	(void)state;
	expect_drop(&p, IP6C_NO_ROUTE);
	expect_error(&p, ICMP6_UNREACHABLE, ICMP6_NO_ROUTE, 0);
}

/* RFC 4443 3.1: "administratively prohibited" is code 1, a "reject route" code 6; a black hole says nothing. */
static void routes_to_nowhere(void **state)
{
	struct ip6 out = addr("fd00:66::1"), net = addr("fd00:66::");
	struct packet p = make(&out, PROTO_UDP, 20);

	(void)state;
	mock_number(&pub, &net, 32, FORWARD_BLACKHOLE);
	expect_drop(&p, IP6C_BLACKHOLE);
	assert_null(mock_take());
	mock_number(&pub, &net, 32, FORWARD_PROHIBITED);
	expect_drop(&p, IP6C_PROHIBITED);
	expect_error(&p, ICMP6_UNREACHABLE, ICMP6_PROHIBITED, 0);
	mock_number(&pub, &net, 32, FORWARD_UNREACHABLE);
	expect_drop(&p, IP6C_NO_ROUTE);
	expect_error(&p, ICMP6_UNREACHABLE, ICMP6_REJECT, 0);
}

/* RFC 4443 3.2, 2.4 (c): no more than 1280 octets in all. */
static void too_big(void **state)
{
	struct packet p = make(&far, PROTO_UDP, 1400);

	(void)state;
	pub.port[1].mtu = 1300;
	expect_drop(&p, IP6C_TOO_BIG);
	expect_error(&p, ICMP6_TOO_BIG, 0, 1300);
}

/* RFC 8200 4.2: what the two highest bits of an option say. */
static void hop_by_hop(void **state)
{
	static const struct {
		uint8_t type;
		bool gone, told;
	} t[] = {{0x05, false, false},
		 {0x3e, false, false},
		 {0x7e, true, false},
		 {0xbe, true, true},
		 {0xfe, true, true}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct packet p = make(&far, PROTO_HOP_BY_HOP, 20);
		uint8_t *o = p6(&p) + IP6_HLEN;

		mock_forget_sent();
		memcpy(o, (const uint8_t[8]){PROTO_UDP, 0, 1, 0, t[i].type, 1, 0, 0}, 8);
		input(&p, 0);
		if (!t[i].gone) {
			assert_int_equal(mock_take()->port, 1);
		} else {
			assert_int_equal(ip.count.n[IP6C_OPTIONS], i - 1);
			if (t[i].told)
				expect_error(&p, ICMP6_PARAMETER, ICMP6_OPTION, IP6_HLEN + 4);
		}
		expect_silence();
	}
}

/* One option that is longer than its header, and a header that is longer than the packet. */
static void malformed_options(void **state)
{
	struct packet p = make(&far, PROTO_HOP_BY_HOP, 8);
	uint8_t *o = p6(&p) + IP6_HLEN;

	(void)state;
	memcpy(o, (const uint8_t[8]){PROTO_UDP, 0, 1, 5, 0, 0, 0, 0}, 8);
	expect_drop(&p, IP6C_OPTIONS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 2);
	o[1] = 1;
	expect_drop(&p, IP6C_HEADERS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 1);
	p = make(&far, PROTO_HOP_BY_HOP, 7);
	expect_drop(&p, IP6C_HEADERS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 1);
}

/* ---- ICMPv6 ---- */

/* RFC 4443 4.2 */
static void echo(void **state)
{
	struct packet p = make_icmp(&ours, ICMP6_ECHO, 64);
	const struct mock_frame *f;
	const uint8_t *h;

	(void)state;
	p6(&p)[IP6_HOPS_AT] = 1;
	input(&p, 0);
	f = mock_take();
	assert_non_null(f);
	h = f->data + ETH_HLEN;
	assert_memory_equal(h + IP6_SRC, &ours, 16);
	assert_memory_equal(h + IP6_DST, &host, 16);
	assert_int_equal(h[IP6_HLEN], ICMP6_ECHO_REPLY);
	assert_int_equal(inet_upper6_sum(h, PROTO_ICMP6, h + IP6_HLEN, 64), 0);
	assert_memory_equal(h + IP6_HLEN + 4, p6(&p) + IP6_HLEN + 4, 60);
	/* To a group: from an address of ours. */
	p = make_icmp(&all_nodes, ICMP6_ECHO, 64);
	p.frame[0] = p.frame[1] = 0x33;
	input(&p, 0);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &ours, 16);
	/* Wrong checksums, and nothing to look at. */
	p6(&p)[IP6_HLEN + 10] ^= 1;
	expect_drop(&p, IP6C_CHECKSUM);
	p = make_icmp(&ours, ICMP6_ECHO, 7);
	expect_drop(&p, IP6C_SHORT);
	expect_silence();
}

static void pings(void **state)
{
	struct packet reply;
	const struct mock_frame *f;

	(void)state;
	assert_int_equal(icmp6_echo(&ip, &host, 64, 0x1234, 7, (const uint8_t *)"data", 4), 0);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_ECHO);
	assert_memory_equal(f->data + ETH_HLEN + IP6_SRC, &ours, 16);
	reply = make_icmp(&ours, ICMP6_ECHO_REPLY, 12);
	put16(p6(&reply) + IP6_HLEN + 4, 0x1234);
	put16(p6(&reply) + IP6_HLEN + 6, 7);
	checksum(&reply);
	input(&reply, 0);
	assert_int_equal(answer.n, 1);
	assert_int_equal(answer.type, ICMP6_ECHO_REPLY);
	assert_int_equal(answer.id, 0x1234);
	assert_int_equal(answer.seq, 7);
	assert_true(ip6_equal(&answer.from, &host));
	/* An error that quotes the request. */
	reply = make(&ours, PROTO_ICMP6, ICMP6_HLEN + IP6_HLEN + 12);
	memset(p6(&reply) + IP6_HLEN, 0, ICMP6_HLEN);
	p6(&reply)[IP6_HLEN] = ICMP6_TIME_EXCEEDED;
	memcpy(p6(&reply) + IP6_HLEN + ICMP6_HLEN, f->data + ETH_HLEN, IP6_HLEN + 12);
	checksum(&reply);
	input(&reply, 0);
	assert_int_equal(answer.n, 2);
	assert_int_equal(answer.type, ICMP6_TIME_EXCEEDED);
	assert_int_equal(answer.seq, 7);
	/* Ourselves. */
	assert_int_equal(icmp6_echo(&ip, &ours, 64, 1, 8, (const uint8_t *)"data", 4), 0);
	assert_int_equal(answer.n, 3);
	assert_int_equal(answer.seq, 8);
	far = addr("2001:db8::1");
	assert_int_equal(icmp6_echo(&ip, &far, 64, 1, 9, NULL, 0), XOK_ENOENT);
	assert_int_equal(icmp6_echo(&ip, &host, 64, 1, 9, NULL, 1453), XOK_EINVAL);
}

/* RFC 4443 2.4 (e): no error about any of these. */
static void errors_not_sent(void **state)
{
	static const uint8_t silent[] = {ICMP6_UNREACHABLE, ICMP6_TOO_BIG, ICMP6_TIME_EXCEEDED,
					 ICMP6_PARAMETER,   127,	   ICMP6_REDIRECT};
	struct packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(silent); i++) {
		p = make_icmp(&far, silent[i], 60);
		p6(&p)[IP6_HOPS_AT] = 1;
		input(&p, 0);
		assert_int_equal(ip.count.n[IP6C_ICMP_NOT_SENT], i + 1);
		expect_silence();
	}
	/* To a group, but for an option that must be told. */
	p = make(&all_nodes, PROTO_UDP, 20);
	expect_drop(&p, IP6C_NO_SERVICE);
	expect_silence();
	p = make(&all_nodes, PROTO_DEST_OPTIONS, 8);
	memcpy(p6(&p) + IP6_HLEN, (const uint8_t[8]){PROTO_UDP, 0, 0xbe, 4}, 4);
	expect_drop(&p, IP6C_OPTIONS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_OPTION, IP6_HLEN + 2);
	/* An echo request is no error: it is told. */
	p = make_icmp(&far, ICMP6_ECHO, 20);
	p6(&p)[IP6_HOPS_AT] = 1;
	input(&p, 0);
	expect_error(&p, ICMP6_TIME_EXCEEDED, 0, 0);
}

/* RFC 4443 2.4 (f) */
static void errors_are_limited(void **state)
{
	struct packet p = make(&far, PROTO_UDP, 20);

	(void)state;
	p6(&p)[IP6_HOPS_AT] = 1;
	for (int i = 0; i < 1000; i++)
		input(&p, 0);
	assert_in_range(ip.count.n[IP6C_ICMP_SENT], 10, 60);
	assert_int_equal(ip.count.n[IP6C_ICMP_SENT] + ip.count.n[IP6C_ICMP_LIMITED], 1000);
}

/* What nobody here speaks: RFC 4443 3.1 code 4, RFC 8200 4; and headers on the way there. */
static void upper_layers(void **state)
{
	struct packet p = make(&ours, PROTO_UDP, 20);
	uint8_t *x;

	(void)state;
	expect_drop(&p, IP6C_NO_SERVICE);
	expect_error(&p, ICMP6_UNREACHABLE, ICMP6_PORT, 0);
	p = make(&ours, 200, 20);
	expect_drop(&p, IP6C_NO_SERVICE);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_NEXT_HEADER, IP6_NEXT);
	p = make(&ours, PROTO_NONE, 0);
	expect_drop(&p, IP6C_NO_SERVICE);
	expect_silence();
	/* RFC 8200 4.4: a routing header with segments left. */
	p = make(&ours, PROTO_ROUTING, 24);
	x = p6(&p) + IP6_HLEN;
	memcpy(x, (const uint8_t[8]){PROTO_UDP, 2, 0, 1}, 8);
	expect_drop(&p, IP6C_HEADERS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_HEADER_FIELD, IP6_HLEN + 2);
	/* Without any it is stepped over. */
	x[3] = 0;
	expect_drop(&p, IP6C_NO_SERVICE);
	mock_forget_sent();
	/* Fragments: one that is the whole is none (RFC 6946). */
	p = make(&ours, PROTO_FRAGMENT, 16);
	x = p6(&p) + IP6_HLEN;
	memcpy(x, (const uint8_t[8]){PROTO_UDP, 0, 0, 0}, 8);
	expect_drop(&p, IP6C_NO_SERVICE);
	x[3] = 1;
	input(&p, 0);
	assert_int_equal(ip.count.n[IP6C_FRAGMENTS_RECEIVED], 1);
	/* One in the other's packet. */
	x[0] = PROTO_FRAGMENT;
	x[3] = 0;
	memcpy(x + 8, (const uint8_t[8]){PROTO_UDP, 0, 0, 1}, 8);
	expect_drop(&p, IP6C_HEADERS);
	/* RFC 8200 4: Hop-by-Hop options anywhere else. */
	mock_forget_sent();
	p = make(&ours, PROTO_DEST_OPTIONS, 24);
	memcpy(p6(&p) + IP6_HLEN, (const uint8_t[8]){PROTO_HOP_BY_HOP, 0, 1, 4}, 8);
	expect_drop(&p, IP6C_HEADERS);
	expect_error(&p, ICMP6_PARAMETER, ICMP6_NEXT_HEADER, IP6_HLEN);
}

/* Every way to cut or twist a packet full of headers: nothing is read beyond it. */
static void twisted_headers(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		static const uint8_t next[] = {PROTO_HOP_BY_HOP,   PROTO_ROUTING, PROTO_FRAGMENT,
					       PROTO_DEST_OPTIONS, PROTO_ICMP6,	  PROTO_UDP};
		struct packet p = make(round & 1 ? &ours : &far, next[round % 6], round % 64);

		for (size_t i = 0; i < round % 64; i++) {
			seed = seed * 1664525 + 1013904223;
			p6(&p)[IP6_HLEN + i] = seed >> 29 ? (uint8_t)(seed >> 24 & 3)
							  : next[(seed >> 20) % 6];
		}
		input(&p, 0);
	}
	assert_int_equal(ip.count.n[IP6C_RECEIVED], 20000);
}

/* ---- neighbour discovery ---- */

static struct packet make_nd(uint8_t type, const struct ip6 *src, const struct ip6 *dst,
			     const struct ip6 *target, uint8_t flags, const uint8_t *mac)
{
	struct packet p = make_icmp(dst, type, mac ? 32 : 24);
	uint8_t *nd = p6(&p) + IP6_HLEN;

	set_source(&p, src);
	p6(&p)[IP6_HOPS_AT] = 255;
	memset(nd + 4, 0, 4);
	nd[4] = flags;
	memcpy(nd + 8, target, 16);
	if (mac) {
		nd[24] = type == ICMP6_NS ? 1 : 2;
		nd[25] = 1;
		memcpy(nd + 26, mac, 6);
	}
	checksum(&p);
	return p;
}

static const uint8_t mac_new[6] = {2, 0, 0, 0, 0, 0x77}, mac_evil[6] = {2, 0, 0, 0, 0, 0x66};

static bool knows(const struct ip6 *a, const uint8_t *mac)
{
	uint8_t got[6], own[6];

	return node_link6(&pub, 0, a, got, own) && !memcmp(got, mac, 6);
}

/* RFC 4861 7.2.2: a packet for an unknown neighbour waits while the solicited-node group is asked. */
static void resolves(void **state)
{
	struct ip6 peer = addr("fd00::77"), group = addr("ff02::1:ff00:77");
	struct packet p = make(&peer, PROTO_UDP, 20), na;
	const struct mock_frame *f;
	const uint8_t *h;

	(void)state;
	memcpy(p.frame, pub.port[1].mac, 6);
	set_source(&p, &gateway);
	input(&p, 1);
	f = mock_take();
	assert_non_null(f);
	h = f->data + ETH_HLEN;
	assert_memory_equal(f->data, ((const uint8_t[]){0x33, 0x33, 0xff, 0, 0, 0x77}), 6);
	assert_memory_equal(h + IP6_DST, &group, 16);
	assert_memory_equal(h + IP6_SRC, &ours, 16);
	assert_int_equal(h[IP6_HOPS_AT], 255);
	assert_int_equal(h[IP6_HLEN], ICMP6_NS);
	assert_memory_equal(h + IP6_HLEN + 8, &peer, 16);
	assert_memory_equal(h + IP6_HLEN + 26, pub.port[0].mac, 6);
	assert_int_equal(inet_upper6_sum(h, PROTO_ICMP6, h + IP6_HLEN, 32), 0);
	expect_silence();
	/* 7.2.5: without a link address, or of another neighbour: no answer. */
	na = make_nd(ICMP6_NA, &peer, &ours, &peer, 0x60, NULL);
	input(&na, 0);
	na = make_nd(ICMP6_NA, &peer, &ours, &ours_local, 0x60, mac_new);
	input(&na, 0);
	expect_silence();
	assert_false(knows(&peer, mac_new));
	na = make_nd(ICMP6_NA, &peer, &ours, &peer, 0x60, mac_new);
	input(&na, 0);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data, mac_new, 6);
	assert_int_equal(f->data[ETH_HLEN + IP6_HOPS_AT], 63);
	assert_true(knows(&peer, mac_new));
}

/*
 * RFC 4861 7.2.2: "If no Neighbor Advertisement is received after MAX_MULTICAST_SOLICIT solicitations, address resolution has failed. The sender MUST return
 * ICMP destination unreachable indications with code 3 (Address Unreachable) for each packet queued". 10: MAX_MULTICAST_SOLICIT is 3, RETRANS_TIMER
 * one second.
 */
static void gives_up(void **state)
{
	struct ip6 peer = addr("fd00:1::77");
	struct packet p = make(&peer, PROTO_UDP, 20);
	const struct mock_frame *f;

	(void)state;
	for (unsigned i = 0; i < NEIGH_WAITING_EACH; i++)
		input(&p, 0);
	for (unsigned i = 0; i < 3; i++) {
		f = mock_take();
		assert_non_null(f);
		assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_NS);
		mock_advance(999999999);
		expect_silence();
		mock_advance(1);
	}
	for (unsigned i = 0; i < NEIGH_WAITING_EACH; i++) {
		f = mock_take();
		assert_non_null(f);
		assert_memory_equal(f->data, mac_host, 6);
		assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_UNREACHABLE);
		assert_int_equal(f->data[ETH_HLEN + IP6_HLEN + 1], ICMP6_ADDRESS);
	}
	expect_silence();
	assert_int_equal(ip.count.n[IP6C_NO_NEIGHBOUR], NEIGH_WAITING_EACH);
	assert_int_equal(mock_timers(), 0);
}

/* RFC 4861 7.2.3, 7.2.4: a solicitation is answered, and teaches who asked. */
static void answers_and_learns(void **state)
{
	struct ip6 peer = addr("fd00::77"), group = ip6_solicited_node(&ours);
	struct packet ns = make_nd(ICMP6_NS, &peer, &group, &ours, 0, mac_new);
	const struct mock_frame *f;
	const uint8_t *h;

	(void)state;
	memcpy(ns.frame, ((const uint8_t[]){0x33, 0x33, 0xff, 0, 0, 1}), 6);
	input(&ns, 0);
	f = mock_take();
	assert_non_null(f);
	h = f->data + ETH_HLEN;
	assert_memory_equal(f->data, mac_new, 6);
	assert_int_equal(h[IP6_HLEN], ICMP6_NA);
	assert_int_equal(h[IP6_HLEN + 4], 0xe0); /* router, solicited, override */
	assert_memory_equal(h + IP6_SRC, &ours, 16);
	assert_memory_equal(h + IP6_DST, &peer, 16);
	assert_memory_equal(h + IP6_HLEN + 8, &ours, 16);
	assert_memory_equal(h + IP6_HLEN + 26, pub.port[0].mac, 6);
	assert_int_equal(h[IP6_HOPS_AT], 255);
	assert_true(knows(&peer, mac_new));
	/* Our link-local address, too; others' not. */
	ns = make_nd(ICMP6_NS, &peer, &ours_local, &ours_local, 0, mac_new);
	input(&ns, 0);
	assert_non_null(mock_take());
	ns = make_nd(ICMP6_NS, &peer, &group, &host, 0, mac_new);
	input(&ns, 0);
	assert_int_equal(ip.count.n[IP6C_ND_NOT_OURS], 1);
	expect_silence();
}

/* RFC 4862 5.4.3: who verifies that our address is free hears that it is not, from everybody's group; it teaches nothing. */
static void defends_addresses(void **state)
{
	struct ip6 none = addr("::"), group = ip6_solicited_node(&ours);
	struct packet ns = make_nd(ICMP6_NS, &none, &group, &ours, 0, NULL);
	const struct mock_frame *f;

	(void)state;
	input(&ns, 0);
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data + ETH_HLEN + IP6_DST, &all_nodes, 16);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN + 4], 0xa0); /* not solicited */
	assert_memory_equal(f->data, ((const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}), 6);
}

/* RFC 4861 7.1.1, 7.1.2 */
static void malformed_nd(void **state)
{
	struct ip6 peer = addr("fd00::77"), none = addr("::"), group = ip6_solicited_node(&ours);
	const uint8_t mac_group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct packet p[9];

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		p[i] = make_nd(ICMP6_NS, &peer, &ours, &ours, 0, mac_new);
	p6(&p[0])[IP6_HOPS_AT] = 254;				    /* from beyond a router */
	p6(&p[1])[IP6_HLEN + 1] = 1;				    /* code */
	p6(&p[2])[IP6_HLEN + 25] = 0;				    /* an option of no length */
	p6(&p[3])[IP6_HLEN + 25] = 2;				    /* one beyond the end */
	p6(&p[4])[IP6_HLEN + 8] = 0xff;				    /* a group for a target */
	p[5] = make_nd(ICMP6_NS, &none, &ours, &ours, 0, NULL);	    /* not to the group */
	p[6] = make_nd(ICMP6_NS, &none, &group, &ours, 0, mac_new); /* no source, an option */
	p[7] = make_nd(ICMP6_NA, &peer, &all_nodes, &peer, 0x40, mac_new); /* solicited group */
	p[8] = make_nd(ICMP6_NS, &peer, &ours, &ours, 0, mac_group);
	for (unsigned i = 0; i < 9; i++) {
		checksum(&p[i]);
		expect_drop(&p[i], IP6C_ND_MALFORMED);
		expect_silence();
	}
	assert_false(knows(&peer, mac_new));
}

/* An entry in use is verified, not overwritten by who does not override it; our own address is nobody else's. */
static void claims(void **state)
{
	struct ip6 peer = addr("fd00::77"), stranger = addr("fd00:1::77");
	struct packet p = make_nd(ICMP6_NS, &peer, &ours, &ours, 0, mac_new);
	const struct mock_frame *f;

	(void)state;
	input(&p, 0);
	mock_forget_sent();
	p = make_nd(ICMP6_NS, &peer, &ours, &ours, 0, mac_evil);
	input(&p, 0);
	assert_true(knows(&peer, mac_new));
	f = mock_take();
	assert_non_null(f);
	assert_memory_equal(f->data, mac_new, 6);
	assert_int_equal(f->data[ETH_HLEN + IP6_HLEN], ICMP6_NS);
	assert_memory_equal(f->data + ETH_HLEN + IP6_DST, &peer, 16);
	assert_int_equal(ip.count.n[IP6C_ND_CONFLICT], 1);
	p = make_nd(ICMP6_NA, &peer, &ours, &ours, 0x60, mac_evil);
	input(&p, 0);
	assert_int_equal(ip.count.n[IP6C_ND_CONFLICT], 2);
	/* Who is not on the network, and what nobody asked for, add nothing. */
	p = make_nd(ICMP6_NS, &stranger, &ours, &ours, 0, mac_evil);
	input(&p, 0);
	assert_false(knows(&stranger, mac_evil));
	stranger = addr("fd00::78");
	p = make_nd(ICMP6_NA, &stranger, &ours, &stranger, 0x60, mac_evil);
	input(&p, 0);
	assert_int_equal(ip.count.n[IP6C_ND_UNSOLICITED], 1);
	assert_false(knows(&stranger, mac_evil));
}

/* Silence after a minute: three probes to the neighbour itself, then it is asked for anew, then it is gone. */
static void ages(void **state)
{
	struct ip6 peer = addr("fd00::77");
	struct packet p = make_nd(ICMP6_NS, &peer, &ours, &ours, 0, mac_new);

	(void)state;
	input(&p, 0);
	mock_advance(NEIGH_FRESH_NS + (NEIGH_PROBES - 1) * NEIGH_RETRY_NS);
	assert_true(knows(&peer, mac_new));
	/* An answer without a link address (7.2.5) confirms the one that is known. */
	p = make_nd(ICMP6_NA, &peer, &ours, &peer, 0x60, NULL);
	input(&p, 0);
	mock_advance(NEIGH_FRESH_NS - 1);
	assert_true(knows(&peer, mac_new));
	mock_advance((NEIGH_PROBES + NEIGH_TRIES + 1) * NEIGH_RETRY_NS);
	assert_false(knows(&peer, mac_new));
	assert_int_equal(mock_timers(), 0);
}

/* ---- addresses as text and bits ---- */

static void bits(void **state)
{
	struct ip6 a = addr("fd00:1:2:3:4:5:6:7"), b;
	char s[TEXT_PREFIX6];
	uint8_t len;

	(void)state;
	for (unsigned n = 0; n <= 128; n++) {
		struct ip6 p = ip6_prefix(&a, n);

		assert_true(ip6_match(&a, &p, n));
		for (unsigned i = 0; i < 128; i++) {
			b = p;
			b.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
			assert_int_equal(ip6_match(&a, &b, n), i >= n);
		}
	}
	b = ip6_from_mac((const uint8_t[]){0x52, 0x54, 0, 0, 1, 2});
	assert_string_equal(text_put_ip6(s, &b), "fe80::5054:ff:fe00:102");
	b = ip6_solicited_node(&a);
	assert_string_equal(text_put_ip6(s, &b), "ff02::1:ff06:7");
	assert_true(text_prefix6("fd00::1/64", &b, &len));
	assert_string_equal(text_put_prefix6(s, &b, len), "fd00::1/64");
	assert_false(text_prefix6("fd00::1", &b, &len));
	assert_false(text_prefix6("fd00::1/129", &b, &len));
	assert_false(text_prefix6("fd00::1%1/64", &b, &len));
	assert_false(text_ip6("10.0.0.1", &b));
	b = ip6_mapped(0x0a000001);
	assert_int_equal(ip6_unmapped(&b), 0x0a000001);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(forwards),
		T(header),
		T(addresses),
		T(scopes),
		T(hop_limit),
		T(no_route),
		T(routes_to_nowhere),
		T(too_big),
		T(hop_by_hop),
		T(malformed_options),
		T(echo),
		T(pings),
		T(errors_not_sent),
		T(errors_are_limited),
		T(upper_layers),
		T(twisted_headers),
		T(resolves),
		T(gives_up),
		T(answers_and_learns),
		T(defends_addresses),
		T(malformed_nd),
		T(claims),
		T(ages),
		T(bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
