/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ip.c - the host stack against packets made by hand. lwIP's state is the process's, so the
 * tests share one stack and each looks only at what it caused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_ip.h"

struct packet sent[SENT_MAX];
uint32_t nsent;

static uint32_t net(uint32_t addr)
{
	uint8_t b[4];
	uint32_t v;

	put32(b, addr);
	memcpy(&v, b, 4);
	return v;
}

/* Whatever leaves the stack must be good: this holds in every test. */
static void out(void *arg, const uint8_t *packet, size_t len)
{
	assert_string_equal(arg, "arg");
	assert_true(nsent < SENT_MAX && len <= PACKET_MAX);
	memcpy(sent[nsent].b, packet, len);
	sent[nsent].len = len;
	assert_true(packet_good(&sent[nsent]));
	nsent++;
}

void in(const struct packet *p)
{
	uint8_t *exact = malloc(p->len ? p->len : 1);

	assert_non_null(exact);
	memcpy(exact, p->b, p->len);
	amp_ip_input(exact, p->len);
	free(exact);
}

const struct packet *only_answer(uint8_t proto, uint32_t src, uint32_t dst)
{
	assert_int_equal(nsent, 1);
	nsent = 0;
	assert_int_equal(sent[0].b[9], proto);
	assert_int_equal(ip_src(&sent[0]), src);
	assert_int_equal(ip_dst(&sent[0]), dst);
	return &sent[0];
}

struct amp_ip_stats stats(void)
{
	struct amp_ip_stats s;

	amp_ip_stats(&s);
	return s;
}

static int setup(void **state)
{
	(void)state;
	if (amp_ip_address(net(US), net(0xffffff00)) != XOK_EINVAL)
		return -1;
	if (amp_ip_init(NULL, NULL) != XOK_EINVAL || amp_ip_init(out, "arg") != 0 ||
	    amp_ip_init(out, "arg") != XOK_EBUSY)
		return -1;
	return amp_ip_address(net(US), net(0xffffff00)) ||
	       amp_ip_address(net(US2), net(0xffffff00)) ||
	       amp_ip_address(net(US3), net(0xffff0000)) || amp_ip_echo_service();
}

static int start(void **state)
{
	(void)state;
	nsent = 0;
	return 0;
}

static void test_addresses(void **state)
{
	(void)state;
	assert_int_equal(amp_ip_address(net(US), net(0xffffff00)), XOK_EBUSY);
	assert_int_equal(amp_ip_address(0, net(0xffffff00)), XOK_EINVAL);
	assert_int_equal(amp_ip_address(net(0xe0000001), net(0xff000000)), XOK_EINVAL);
	assert_int_equal(amp_ip_address(net(0x0a020001), net(0xff00ff00)), XOK_EINVAL);
	for (uint32_t i = 3; i < 16; i++)
		assert_int_equal(amp_ip_address(net(0xac100000 + i), UINT32_MAX), 0);
	assert_int_equal(amp_ip_address(net(0xac100010), UINT32_MAX), XOK_ENOMEM);
}

static bool is_one_of_us(const void *arg, uint32_t addr)
{
	assert_string_equal(arg, "arg");
	return addr == net(US2) || addr == net(US3) || addr == net(0xac10000f);
}

/* Those that are given back answer no more, and others have their places: the preferred source's as well. */
static void test_addresses_are_given_back(void **state)
{
	struct packet p;

	(void)state;
	amp_ip_keep(is_one_of_us, "arg");
	nsent = 0; /* connections there have been reset */
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	in(&p);
	assert_int_equal(nsent, 0);
	make_icmp_echo(&p, PEER, 0xac10000f, 1, 1, "data", 4);
	in(&p);
	only_answer(1, 0xac10000f, PEER);
	assert_int_equal(amp_ip_address(net(US), net(0xffffff00)), 0);
	assert_int_equal(amp_ip_address(net(US), net(0xffffff00)), XOK_EBUSY);
	for (uint32_t i = 3; i < 15; i++)
		assert_int_equal(amp_ip_address(net(0xac100100 + i), UINT32_MAX), 0);
	assert_int_equal(amp_ip_address(net(0xac100010), UINT32_MAX), XOK_ENOMEM);
	nsent = 0;
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	in(&p);
	only_answer(1, US, PEER);
}

static void test_ping_is_answered(void **state)
{
	const struct packet *a;
	struct packet p;

	(void)state;
	make_icmp_echo(&p, PEER, US2, 0x1234, 7, "abcdefg", 7);
	in(&p);
	a = only_answer(1, US2, PEER);
	assert_int_equal(a->len, p.len);
	assert_int_equal(IP_BODY(a)[0], 0);
	assert_memory_equal(IP_BODY(a) + 4, IP_BODY(&p) + 4, 4 + 7);
}

static void test_bad_checksums_are_dropped(void **state)
{
	struct tcp syn = {.sport = 1, .dport = 7, .seq = 1, .flags = TCP_S, .wnd = 1000};
	struct amp_ip_stats before = stats();
	struct packet p;

	(void)state;
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	p.b[10] ^= 1;
	in(&p);
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	IP_BODY(&p)[8] ^= 1;
	in(&p);
	make_udp(&p, PEER, 5000, US, 7, "data", 4);
	IP_BODY(&p)[8] ^= 1;
	in(&p);
	make_tcp(&p, PEER, US, &syn, NULL, 0);
	IP_BODY(&p)[4] ^= 1;
	in(&p);
	assert_int_equal(nsent, 0);
	assert_int_equal(stats().bad_checksum, before.bad_checksum + 4);
}

static void test_malformed_is_dropped(void **state)
{
	struct amp_ip_stats before = stats();
	struct packet p;

	(void)state;
	for (size_t len = 0; len < 28; len++) {
		make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
		p.len = len;
		in(&p);
	}
	make_udp(&p, PEER, 5000, US, 7, "data", 4);
	put16(IP_BODY(&p) + 4, 100); /* UDP's length is longer than IP's */
	put16(IP_BODY(&p) + 6, 0);
	in(&p);
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	p.b[0] = 0x4f; /* options that are not there */
	fix_ip_checksum(&p);
	in(&p);
	assert_int_equal(nsent, 0);
	assert_int_equal(stats().not_ours, before.not_ours + 20);
	assert_true(stats().bad_length >= before.bad_length + 9);
	/* Not for us: the caller routes, the stack does not. */
	make_icmp_echo(&p, PEER, PEER2, 1, 1, "data", 4);
	in(&p);
	assert_int_equal(nsent, 0);
	assert_int_equal(stats().not_ours, before.not_ours + 21);
}

static void test_udp_echo(void **state)
{
	const struct packet *a;
	struct packet p;

	(void)state;
	make_udp(&p, PEER, 5000, US2, 7, "hello", 5);
	in(&p);
	a = only_answer(17, US2, PEER);
	assert_int_equal(get16(IP_BODY(a)), 7);
	assert_int_equal(get16(IP_BODY(a) + 2), 5000);
	assert_int_equal(IP_BODY_LEN(a), 8 + 5);
	assert_memory_equal(IP_BODY(a) + 8, "hello", 5);
	/* RFC 768: what stands behind the UDP length is not data. */
	make_udp(&p, PEER, 5000, US2, 7, "hello", 5);
	put16(IP_BODY(&p) + 4, 8 + 2);
	put16(IP_BODY(&p) + 6, 0);
	in(&p);
	a = only_answer(17, US2, PEER);
	assert_int_equal(IP_BODY_LEN(a), 8 + 2);
	/* Echo to echo is not answered: it would never end. */
	make_udp(&p, PEER, 7, US2, 7, "hello", 5);
	in(&p);
	assert_int_equal(nsent, 0);
}

static void test_port_unreachable(void **state)
{
	const struct packet *a;
	struct packet p;

	(void)state;
	make_udp(&p, PEER, 5000, US, 9999, "hello", 5);
	in(&p);
	a = only_answer(1, US, PEER);
	assert_int_equal(IP_BODY(a)[0], 3);
	assert_int_equal(IP_BODY(a)[1], 3);
	/* RFC 792: the header and the first 64 bits of what caused it. */
	assert_memory_equal(IP_BODY(a) + 8, p.b, 28);
}

struct datagram {
	uint32_t n, src;
	uint16_t sport;
	size_t len;
	uint8_t data[16384];
};

static void on_datagram(void *arg, uint32_t src, uint16_t sport, const uint8_t *data, size_t len)
{
	struct datagram *d = arg;

	assert_true(len <= sizeof(d->data));
	d->n++;
	d->src = src;
	d->sport = sport;
	d->len = len;
	memcpy(d->data, data, len);
}

static void test_udp_ports(void **state)
{
	struct datagram d = {0};
	const struct packet *a;
	struct packet p;

	(void)state;
	assert_int_equal(amp_ip_udp_open(0, on_datagram, &d), XOK_EINVAL);
	assert_int_equal(amp_ip_udp_open(4000, on_datagram, &d), 0);
	assert_int_equal(amp_ip_udp_open(4000, on_datagram, &d), XOK_EBUSY);
	make_udp(&p, PEER, 5000, US, 4000, "question", 8);
	in(&p);
	assert_int_equal(nsent, 0);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.src, net(PEER));
	assert_int_equal(d.sport, 5000);
	assert_int_equal(d.len, 8);
	assert_memory_equal(d.data, "question", 8);
	assert_int_equal(amp_ip_udp_send(4000, d.src, d.sport, "answer", 6), 0);
	a = only_answer(17, US, PEER);
	assert_int_equal(get16(IP_BODY(a)), 4000);
	assert_memory_equal(IP_BODY(a) + 8, "answer", 6);
	/* From a port that is not open, and from none in particular. */
	assert_int_equal(amp_ip_udp_send(4001, net(PEER), 53, "x", 1), 0);
	assert_int_equal(get16(IP_BODY(only_answer(17, US, PEER))), 4001);
	assert_int_equal(amp_ip_udp_send(0, net(PEER), 53, NULL, 0), 0);
	assert_int_not_equal(get16(IP_BODY(only_answer(17, US, PEER))), 0);
	assert_int_equal(amp_ip_udp_send(1, net(PEER), 53, "x", 65536), XOK_EINVAL);
	assert_int_equal(amp_ip_udp_send(1, 0, 53, "x", 1), XOK_EINVAL);
	assert_int_equal(amp_ip_udp_close(4000), 0);
	assert_int_equal(amp_ip_udp_close(4000), XOK_ENOENT);
	in(&p);
	assert_int_equal(IP_BODY(only_answer(1, US, PEER))[0], 3);
}

static void test_source_selection(void **state)
{
	(void)state;
	assert_int_equal(amp_ip_udp_send(1, net(PEER), 2, "x", 1), 0);
	only_answer(17, US, PEER);
	/* The /24 wins over the /16 that holds it as well. */
	assert_int_equal(amp_ip_udp_send(1, net(PEER2), 2, "x", 1), 0);
	only_answer(17, US2, PEER2);
	assert_int_equal(amp_ip_udp_send(1, net(0x0a01ff01), 2, "x", 1), 0);
	only_answer(17, US3, 0x0a01ff01);
}

static void test_to_ourselves(void **state)
{
	struct datagram d = {0};

	(void)state;
	assert_int_equal(amp_ip_udp_open(4000, on_datagram, &d), 0);
	/*
	 * To the echo service and back; nothing leaves, and nothing happens before the loop runs.
	 */
	assert_int_equal(amp_ip_udp_send(4000, net(US2), 7, "ping", 4), 0);
	assert_int_equal(d.n, 0);
	mock_run(SECOND / 100);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.src, net(US2));
	assert_memory_equal(d.data, "ping", 4);
	assert_int_equal(nsent, 0);
	assert_int_equal(amp_ip_udp_close(4000), 0);
}

/* ---- fragments ---- */

static void test_large_datagram(void **state)
{
	static uint8_t data[9000];
	struct datagram d = {0};
	struct packet p;
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(amp_ip_udp_send(4000, net(PEER), 4000, data, sizeof(data)), 0);
	assert_in_range(nsent, 7, 8);
	for (uint32_t i = 0; i < nsent; i++) {
		uint16_t frag = get16(sent[i].b + 6);

		assert_int_equal((frag & 0x1fff) * 8u, at);
		assert_int_equal(frag >> 13, i + 1 < nsent);
		at += IP_BODY_LEN(&sent[i]);
	}
	assert_int_equal(at, 8 + sizeof(data));
	/* Back in, turned round, the last one first. */
	assert_int_equal(amp_ip_udp_open(4000, on_datagram, &d), 0);
	for (uint32_t i = nsent; i-- > 0;) {
		p = sent[i];
		put32(p.b + 12, PEER);
		put32(p.b + 16, US);
		fix_ip_checksum(&p);
		in(&p);
	}
	assert_int_equal(d.n, 1);
	assert_int_equal(d.len, sizeof(data));
	assert_memory_equal(d.data, data, sizeof(data));
	assert_int_equal(amp_ip_udp_close(4000), 0);
}

/* Fragments that never become whole must not use the pool up for good. */
static void test_fragment_flood(void **state)
{
	uint8_t data[64] = {0};
	struct packet p;

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		make_udp(&p, PEER, 5000, US, 7, data, sizeof(data));
		put16(p.b + 4, (uint16_t)i);
		put16(p.b + 6, 0x2000);
		fix_ip_checksum(&p);
		nsent = 0;
		in(&p);
		/*
		 * Those that had to make room are reported: RFC 792, time exceeded in reassembly.
		 */
		assert_true(nsent == 0 ||
			    (IP_BODY(&sent[0])[0] == 11 && IP_BODY(&sent[0])[1] == 1));
	}
	nsent = 0;
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	in(&p);
	only_answer(1, US, PEER);
	mock_run(30 * SECOND);
}

/* ---- our own pings ---- */

struct reply {
	uint32_t n, from;
	uint8_t type, code;
	uint16_t id, seq;
};

static void on_icmp(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id, uint16_t seq)
{
	struct reply *r = arg;

	*r = (struct reply){r->n + 1, from, type, code, id, seq};
}

/* An error about the echo request q, quoting its first `quote` bytes. */
static void icmp_error(struct packet *p, uint32_t from, uint8_t type, uint8_t code,
		       const struct packet *q, size_t quote)
{
	uint8_t body[8 + 128] = {type, code};

	memcpy(body + 8, q->b, quote);
	put16(body + 2, checksum(body, 8 + quote, 0));
	make_ip(p, 1, from, ip_src(q), body, 8 + quote);
}

static void test_own_ping(void **state)
{
	struct packet q, p;
	struct reply r = {0};

	(void)state;
	amp_ip_on_icmp(on_icmp, &r);
	assert_int_equal(amp_ip_echo(net(PEER), 3, 0xbeef, 5, "0123456789", 10), 0);
	q = *only_answer(1, US, PEER);
	assert_int_equal(q.b[8], 3);
	assert_int_equal(IP_BODY(&q)[0], 8);
	assert_int_equal(get16(IP_BODY(&q) + 4), 0xbeef);
	assert_int_equal(get16(IP_BODY(&q) + 6), 5);
	assert_memory_equal(IP_BODY(&q) + 8, "0123456789", 10);

	/* The reply. */
	make_icmp_echo(&p, PEER, US, 0xbeef, 5, "0123456789", 10);
	IP_BODY(&p)[0] = 0;
	put16(IP_BODY(&p) + 2, 0);
	put16(IP_BODY(&p) + 2, checksum(IP_BODY(&p), IP_BODY_LEN(&p), 0));
	in(&p);
	assert_int_equal(r.n, 1);
	assert_true(r.type == 0 && r.code == 0 && r.from == net(PEER));
	assert_true(r.id == 0xbeef && r.seq == 5);

	/* A router's time exceeded, then unreachable. */
	icmp_error(&p, PEER2, 11, 0, &q, 28);
	in(&p);
	assert_int_equal(r.n, 2);
	assert_true(r.type == 11 && r.code == 0 && r.from == net(PEER2));
	assert_true(r.id == 0xbeef && r.seq == 5);
	icmp_error(&p, PEER2, 3, 1, &q, q.len);
	in(&p);
	assert_int_equal(r.n, 3);
	assert_true(r.type == 3 && r.code == 1);

	/* Too short a quotation, an altered one, and one about something else. */
	icmp_error(&p, PEER2, 11, 0, &q, 27);
	in(&p);
	icmp_error(&p, PEER2, 11, 0, &q, 28);
	IP_BODY(&p)[8 + 24] ^= 1;
	in(&p);
	make_udp(&q, US, 1, PEER, 2, "x", 1);
	icmp_error(&p, PEER2, 3, 3, &q, q.len);
	in(&p);
	assert_int_equal(r.n, 3);
	assert_int_equal(nsent, 0);
	assert_int_equal(amp_ip_echo(net(PEER), 0, 1, 1, NULL, 0), XOK_EINVAL);
	assert_int_equal(amp_ip_echo(net(PEER), 1, 1, 1, NULL, 70000), XOK_EINVAL);
	amp_ip_on_icmp(NULL, NULL);
}

static void test_one_timer(void **state)
{
	(void)state;
	assert_int_equal(mock_timers(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ping_is_answered, start),
		cmocka_unit_test_setup(test_bad_checksums_are_dropped, start),
		cmocka_unit_test_setup(test_malformed_is_dropped, start),
		cmocka_unit_test_setup(test_udp_echo, start),
		cmocka_unit_test_setup(test_port_unreachable, start),
		cmocka_unit_test_setup(test_udp_ports, start),
		cmocka_unit_test_setup(test_source_selection, start),
		cmocka_unit_test_setup(test_to_ourselves, start),
		cmocka_unit_test_setup(test_large_datagram, start),
		cmocka_unit_test_setup(test_fragment_flood, start),
		cmocka_unit_test_setup(test_own_ping, start),
		cmocka_unit_test_setup(test_tcp_echo, start),
		cmocka_unit_test_setup(test_tcp_reset_to_closed_port, start),
		cmocka_unit_test_setup(test_tcp_retransmits, start),
		cmocka_unit_test_setup(test_tcp_deaf_peer, start),
		cmocka_unit_test_setup(test_tcp_late_mss, start),
		cmocka_unit_test_setup(test_tcp_window_opens_late, start),
		cmocka_unit_test_setup(test_one_timer, start),
		cmocka_unit_test_setup(test_addresses, start),
		cmocka_unit_test_setup(test_addresses_are_given_back, start),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
