/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp.c - TCP's echo service against a peer that does only what it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_ip.h"

struct peer {
	uint16_t port;
	uint32_t seq, ack;
	uint16_t wnd;
};

static void tcp_in(struct peer *c, uint8_t flags, const void *data, size_t len)
{
	struct tcp t = {.sport = c->port,
			.dport = 7,
			.seq = c->seq,
			.ack = c->ack,
			.flags = flags,
			.wnd = c->wnd};
	struct packet p;

	make_tcp(&p, PEER, US, &t, data, len);
	in(&p);
	c->seq += (uint32_t)len + (flags & (TCP_S | TCP_F) ? 1 : 0);
}

/* Reads the i-th segment that was sent: its flags; its data are appended to buf. */
static uint8_t tcp_out(struct peer *c, uint32_t i, uint8_t *buf, size_t *len)
{
	const uint8_t *t = IP_BODY(&sent[i]);
	size_t hlen = (size_t)(t[12] >> 4) * 4, n = IP_BODY_LEN(&sent[i]) - hlen;

	assert_int_equal(sent[i].b[9], 6);
	assert_int_equal(get16(t), 7);
	assert_int_equal(get16(t + 2), c->port);
	if (t[13] & TCP_S)
		c->ack = get32(t + 4) + 1;
	else if (n || t[13] & TCP_F) {
		assert_int_equal(get32(t + 4), c->ack);
		c->ack += (uint32_t)n + (t[13] & TCP_F ? 1 : 0);
	}
	if (buf) {
		memcpy(buf + *len, t + hlen, n);
		*len += n;
	}
	return t[13];
}

static struct peer connect_peer(uint16_t port)
{
	struct peer c = {.port = port, .seq = 1000, .wnd = 8000};

	tcp_in(&c, TCP_S, NULL, 0);
	assert_int_equal(nsent, 1);
	assert_int_equal(tcp_out(&c, 0, NULL, NULL), TCP_S | TCP_A);
	assert_int_equal(get32(IP_BODY(&sent[0]) + 8), c.seq);
	nsent = 0;
	tcp_in(&c, TCP_A, NULL, 0);
	assert_int_equal(nsent, 0);
	return c;
}

void test_tcp_echo(void **state)
{
	struct peer c = connect_peer(6000);
	uint8_t got[64], flags = 0;
	size_t len = 0;

	(void)state;
	tcp_in(&c, TCP_A | TCP_P, "hello, ", 7);
	tcp_in(&c, TCP_A | TCP_P, "world", 5);
	for (uint32_t i = 0; i < nsent; i++)
		tcp_out(&c, i, got, &len);
	nsent = 0;
	tcp_in(&c, TCP_A, NULL, 0);
	mock_run(SECOND / 10);
	for (uint32_t i = 0; i < nsent; i++)
		tcp_out(&c, i, got, &len);
	assert_int_equal(len, 12);
	assert_memory_equal(got, "hello, world", 12);
	/* Our FIN is answered by its own. */
	nsent = 0;
	tcp_in(&c, TCP_A, NULL, 0);
	tcp_in(&c, TCP_A | TCP_F, NULL, 0);
	assert_in_range(nsent, 1, 2);
	for (uint32_t i = 0; i < nsent; i++)
		flags |= tcp_out(&c, i, NULL, NULL);
	assert_int_equal(flags, TCP_A | TCP_F);
	assert_int_equal(get32(IP_BODY(&sent[nsent - 1]) + 8), c.seq);
	nsent = 0;
	tcp_in(&c, TCP_A, NULL, 0);
	mock_run(5 * SECOND);
	assert_int_equal(nsent, 0);
}

void test_tcp_reset_to_closed_port(void **state)
{
	struct tcp syn = {.sport = 6001, .dport = 8, .seq = 77, .flags = TCP_S, .wnd = 1000};
	const struct packet *a;
	struct packet p;

	(void)state;
	make_tcp(&p, PEER, US, &syn, NULL, 0);
	in(&p);
	/* RFC 793 3.4: to a segment without ACK, sequence 0 and an acknowledgement of all of it. */
	a = only_answer(6, US, PEER);
	assert_int_equal(IP_BODY(a)[13], TCP_R | TCP_A);
	assert_int_equal(get32(IP_BODY(a) + 4), 0);
	assert_int_equal(get32(IP_BODY(a) + 8), 78);
}

void test_tcp_retransmits(void **state)
{
	struct peer c = connect_peer(6002);
	uint32_t n;

	(void)state;
	tcp_in(&c, TCP_A | TCP_P, "lost", 4);
	n = nsent;
	assert_true(n >= 1);
	/* Nothing acknowledges it: it comes again, by the stack's timer alone. */
	mock_run(10 * SECOND);
	assert_true(nsent > n);
	assert_memory_equal(IP_BODY(&sent[nsent - 1]) + 20, "lost", 4);
	nsent = 0;
	tcp_in(&c, TCP_R, NULL, 0);
	mock_run(10 * SECOND);
	assert_int_equal(nsent, 0);
}

/* A peer that sends but does not read is stopped by the window that we offer it. */
void test_tcp_deaf_peer(void **state)
{
	static uint8_t data[1400];
	struct peer c = connect_peer(6003);
	uint32_t accepted = 0, acked;
	struct packet p;

	(void)state;
	c.wnd = 0;
	for (uint32_t i = 0; i < 400; i++) {
		nsent = 0;
		tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
		mock_run(SECOND / 4);
		assert_true(nsent > 0);
		acked = get32(IP_BODY(&sent[nsent - 1]) + 8);
		if (acked != c.seq)
			break;
		accepted += sizeof(data);
	}
	assert_in_range(accepted, 20000, 200000);
	/* The others are still served meanwhile. */
	nsent = 0;
	make_icmp_echo(&p, PEER, US, 1, 1, "data", 4);
	in(&p);
	only_answer(1, US, PEER);
	/* It has nothing to say any more: its connection ends, and what it held is free. */
	mock_run(200 * SECOND);
	nsent = 0;
	tcp_in(&c, TCP_A, NULL, 0);
	assert_int_equal(nsent, 1);
	assert_true(IP_BODY(&sent[0])[13] & TCP_R);
}

/*
 * A peer's MSS option counts in its SYN only: lwIP would shrink the segments it has already made.
 */
void test_tcp_late_mss(void **state)
{
	struct amp_ip_stats before = stats();
	struct peer c = connect_peer(6004);
	static const uint8_t endless[] = {1, 1, 254, 0};
	uint8_t data[700] = {0}, seg[8] = {0};
	struct tcp t = {.sport = 6004, .dport = 7, .ack = c.ack, .flags = TCP_A, .wnd = 8000};
	struct packet p;

	(void)state;
	/*
	 * What goes back first is on its way, what follows waits for its acknowledgement (Nagle).
	 */
	tcp_in(&c, TCP_A | TCP_P, data, 10);
	tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
	t.seq = c.seq;
	make_tcp(&p, PEER, US, &t, "\2\4\0\100data", 8);
	IP_BODY(&p)[12] = 6 << 4; /* the first four bytes are an option */
	fix_checksums(&p);
	in(&p);
	assert_int_equal(stats().bad_option, before.bad_option + 1);
	/*
	 * Without it, even behind others, the segment is accepted; and an option that has no end is
	 * survived.
	 */
	tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
	memcpy(seg, endless, sizeof(endless));
	t.seq = c.seq;
	make_tcp(&p, PEER, US, &t, seg, 8);
	IP_BODY(&p)[12] = 6 << 4;
	fix_checksums(&p);
	in(&p);
	assert_int_equal(stats().bad_option, before.bad_option + 1);
	tcp_in(&c, TCP_R, NULL, 0);
}

/*
 * A window that is zero at first and then opens a little must not shrink the segments that wait
 * either.
 */
void test_tcp_window_opens_late(void **state)
{
	struct peer c = {.port = 6005, .seq = 1000, .wnd = 0};
	uint8_t data[400] = {0};

	(void)state;
	tcp_in(&c, TCP_S, NULL, 0);
	tcp_out(&c, 0, NULL, NULL);
	tcp_in(&c, TCP_A, NULL, 0);
	tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
	c.wnd = 4;
	tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
	tcp_in(&c, TCP_A | TCP_P, data, sizeof(data));
	nsent = 0;
	tcp_in(&c, TCP_R, NULL, 0);
	assert_int_equal(nsent, 0);
}
