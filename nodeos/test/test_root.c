/* SPDX-License-Identifier: BSD-2-Clause */
/* test_root.c - the root domain put together: consoles, configuration in force, domains that end, a capsule domain that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet.h"
#include "nodeos/root/root.h"
#include "nodeos/test/mock_amp.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct root root;
static struct node_pub pub;
static struct ee_shared *shared;
static struct msgq events, punts;

static const char file[] = "node r1\nport 0 address 10.0.0.1/24\nport 1 address 10.0.1.1/24\n"
			   "route 10.2.0.0/16 via 10.0.1.2\nprincipal alice " KEY
			   "\nallow alice * budget 9\n";

static int setup(void **state)
{
	const struct root_host host = {0};
	struct config_error err[4];
	char why[CONFIG_ERROR];

	(void)state;
	mock_reset(2);
	shared = calloc(1, sizeof(*shared));
	assert_non_null(shared);
	assert_int_equal(root_init(&root, &pub, shared, &host), 0);
	msgq_open_producer(&events, shared->events, EE_EVENTS_SIZE);
	msgq_open_producer(&punts, shared->punts, EE_PUNTS_SIZE);
	assert_int_equal(root_read(&root, file, strlen(file), err, 4), 0);
	assert_true(root_apply(&root, why));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	root_end(&root);
	free(shared);
	return 0;
}

static void work(void)
{
	amp_post(EE_EV_WORK);
	mock_post_events();
}

static const char *ask(const char *line)
{
	(void)mock_console(1);
	mock_typed(1, line);
	return mock_console(1);
}

static void ready_when_both_are(void **state)
{
	struct ee_event e = {.kind = EE_READY};

	(void)state;
	assert_string_equal(mock_console(1), "");
	msgq_put(&events, &e, sizeof(e), NULL, 0);
	work();
	assert_string_equal(mock_console(1), "* {\"event\":\"ready\",\"node\":\"r1\"}\n");
	msgq_put(&events, &e, sizeof(e), NULL, 0);
	work();
	assert_string_equal(mock_console(1), "");
}

static void answers(void **state)
{
	(void)state;
	assert_string_equal(
		ask("q1 show routes"),
		"q1 {\"prefix\":\"10.0.0.0/24\",\"via\":\"\",\"port\":0,"
		"\"source\":\"connected\",\"kind\":\"\",\"weight\":0,\"metric\":0}\n"
		"q1 {\"prefix\":\"10.0.1.0/24\",\"via\":\"\",\"port\":1,"
		"\"source\":\"connected\",\"kind\":\"\",\"weight\":0,\"metric\":0}\n"
		"q1 {\"prefix\":\"10.2.0.0/16\",\"via\":\"10.0.1.2\",\"port\":1,"
		"\"source\":\"static\",\"kind\":\"\",\"weight\":1,\"metric\":0}\nq1 .\n");
	assert_string_equal(ask("a show principals"),
			    "a {\"name\":\"alice\",\"key\":\"" KEY
			    "\",\"allow\":[{\"module\":\"*\",\"budget\":9}]}\na .\n");
	assert_non_null(strstr(ask("b show counters"), "\"drop-checksum\",\"value\":0"));
	assert_non_null(strstr(ask("b show counters"), "\"stack\",\"name\":\"drop-checksum\""));
	assert_non_null(strstr(ask("c show domains"), "\"name\":\"root\""));
	assert_non_null(strstr(ask("l show lcores"), "l {\"processor\":3,\"polls\":0"));
	assert_non_null(strstr(ask("i show interfaces"), "\"name\":\"0\",\"port\":0,\"vlan\":0"));
	assert_string_equal(ask("f show filters"), "f .\n"); /* no kernel here runs handlers */
	assert_string_equal(ask("e show drops"), "e .\n");   /* none has happened */
	root.ip.count.n[IPC_TTL] = 4;
	assert_string_equal(ask("e show drops"),
			    "e {\"group\":\"ip\",\"name\":\"drop-ttl\",\"value\":4,"
			    "\"text\":\"the time to live ran out here\"}\ne .\n");
	assert_non_null(strstr(ask("d help"), "\"verb\":\"route\""));
}

static void errors(void **state)
{
	(void)state;
	assert_string_equal(ask("x shoe"),
			    "x ! there is no command \"shoe\": did you mean show?\n");
	assert_string_equal(ask("x frobnicate"),
			    "x ! there is no command \"frobnicate\": help lists them\n");
	assert_string_equal(ask("x show rotues"),
			    "x ! there is no table \"rotues\": did you mean routes?\n");
	assert_string_equal(ask("x show hats"),
			    "x ! there is no table \"hats\": help lists them\n");
	assert_non_null(strstr(ask("noidea"), "? ! a request is ID"));
	assert_non_null(strstr(ask("! show"), "? ! a request is ID"));
	assert_non_null(strstr(ask("x ping 1.2.3"), "x ! "));
	assert_non_null(strstr(ask("x ping 10.0.0.2 ttl"), "x ! "));
	assert_non_null(strstr(ask("x inject 00"), "x ! capsules are injected at edges"));
	assert_non_null(strstr(ask("x run t"), "x ! "));
	assert_string_equal(ask("x "), "x .\n");
	/* What is quoted cannot end the line. */
	assert_null(strchr(ask("x \x01\x02zz"), 1));
}

static void typed_configuration(void **state)
{
	struct node_hop hop;

	(void)state;
	assert_string_equal(ask("x route 10.3.0.0/16 via 10.0.0.9"), "x .\n");
	assert_true(node_route(&pub, 0x0a030001, &hop));
	assert_int_equal(hop.next, 0x0a000009);
	/* A refused one changes nothing. */
	assert_non_null(strstr(ask("x route 10.4.0.0/16 via 12.0.0.9"), "x ! the gateway"));
	assert_false(node_route(&pub, 0x0a040001, &hop));
	assert_string_equal(ask("x clock 1800000000000000000"), "x .\n");
	assert_int_equal(node_utc(&pub), 1800000000000000000);
	mock_advance(5);
	assert_string_equal(ask("x neighbour 0 10.0.0.7 52:54:00:00:00:07"), "x .\n");
	assert_int_equal(node_utc(&pub), 1800000000000000005);
	assert_non_null(strstr(ask("x show neighbours"), "\"static\""));
}

static const char *new_file; /* what the next `reload` reads; NULL: it cannot */

static const char *conf(void *arg, size_t *len)
{
	(void)arg;
	*len = new_file ? strlen(new_file) : 0;
	return new_file;
}

/* The file as a whole, in the place of what was, what was typed included; with an error in it nothing changes. */
static void reloaded(void **state)
{
	struct node_hop hop;

	(void)state;
	assert_non_null(strstr(ask("x reload"), "x ! the configuration file cannot be read again"));
	root.host.conf = conf;
	new_file = NULL;
	assert_non_null(strstr(ask("x reload"), "x ! the configuration file cannot be read again"));
	assert_string_equal(ask("x route 10.3.0.0/16 via 10.0.0.9"), "x .\n");
	assert_string_equal(ask("x neighbour 0 10.0.0.9 52:54:00:00:00:09"), "x .\n");
	assert_string_equal(ask("x port 1 vlan 7 address 10.7.0.1/24"), "x .\n");
	new_file = "node r1\nport 0 address 10.0.0.1/24\nroute 10.4.0.0/16 via 10.9.9.9\n";
	assert_non_null(strstr(ask("x reload"), "x ! line 3: the gateway"));
	assert_true(node_route(&pub, 0x0a030001, &hop));
	assert_int_equal(hop.next, 0x0a000009);
	assert_non_null(strstr(ask("x show neighbours"), "\"static\""));

	new_file = "node r1\nport 0 address 10.0.0.1/24\nport 0 vlan 8 address 10.8.0.1/24\n"
		   "route 10.4.0.0/16 via 10.0.0.9\n";
	assert_string_equal(ask("x reload"), "x .\n");
	assert_true(node_route(&pub, 0x0a040001, &hop));
	assert_false(node_route(&pub, 0x0a030001, &hop)); /* typed, and not in the file */
	assert_false(node_route(&pub, 0x0a020001, &hop)); /* of the old file */
	assert_false(node_route(&pub, 0x0a000101, &hop) && hop.port == 1); /* address of port 1 */
	assert_null(strstr(ask("x show neighbours"), "\"static\""));
	/* A VLAN that has gone keeps its interface, without an address; the new one has another. */
	assert_non_null(strstr(ask("i show interfaces"),
			       "\"name\":\"1.7\",\"port\":1,\"vlan\":7,\"address\":\"\""));
	assert_non_null(
		strstr(ask("i show interfaces"),
		       "\"name\":\"0.8\",\"port\":0,\"vlan\":8,\"address\":\"10.8.0.1/24\""));
	assert_non_null(strstr(ask("p show principals"), "p .\n"));
	assert_null(strstr(ask("p show principals"), "alice"));
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* A long table comes in parts, each row in one of them, and people are told how it goes on. */
static void tables_in_parts(void **state)
{
	unsigned rows, from;
	const char *text;
	char line[64];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		snprintf(line, sizeof(line), "x route 20.0.%u.%u/30 via 10.0.1.2", i / 50,
			 i % 50 * 4);
		assert_string_equal(ask(line), "x .\n");
	}
	text = ask("p show routes");
	rows = count(text, "p {\"prefix\"");
	assert_in_range(rows, 256, 300);
	assert_null(strstr(text, "p .\n"));
	assert_int_equal(sscanf(strstr(text, "p + "), "p + %u\n", &from), 1);
	snprintf(line, sizeof(line), "p show routes from %u", from);
	text = ask(line);
	assert_int_equal(rows + count(text, "p {\"prefix\""), 403);
	assert_non_null(strstr(text, "p .\n"));
	assert_string_equal(ask("p show routes from 4294967295"), "p .\n");
	assert_string_equal(ask("p show ports from 1"), "p .\n");
	assert_non_null(strstr(ask("p show routes from"), "p ! say show TABLE"));
	assert_non_null(strstr(ask("p show routes until 3"), "p ! say show TABLE"));
	assert_non_null(strstr(ask("p show routes from 4294967296"), "p ! say show TABLE"));
	(void)mock_console(0);
	mock_typed(0, "show routes");
	snprintf(line, sizeof(line), "more: show routes from %u\n", from);
	assert_non_null(strstr(mock_console(0), line));
}

static void tables_for_people(void **state)
{
	(void)state;
	(void)mock_console(0);
	mock_typed(0, "show routes");
	assert_string_equal(
		mock_console(0),
		"prefix              via              port  source     kind  weight  metric\n"
		"10.0.0.0/24                             0  connected             0       0\n"
		"10.0.1.0/24                             1  connected             0       0\n"
		"10.2.0.0/16         10.0.1.2            1  static                1       0\n");
	mock_typed(0, "foo");
	assert_string_equal(mock_console(0),
			    "error: there is no command \"foo\": help lists them\n");
}

static void unanswered_ping(void **state)
{
	(void)state;
	assert_string_equal(ask("p ping 10.0.0.9"), "");
	mock_advance(1999999999);
	assert_string_equal(mock_console(1), "");
	mock_advance(1);
	assert_string_equal(mock_console(1), "p ! no answer from 10.0.0.9 in 2 s\n");
}

/* ---- the host's own stack behind a port ---- */

static const char beside_host[] = "node r1\nport 0 address 10.0.0.1/24\n"
				  "port 0 address 2001:db8::1/64\n"
				  "neighbour 0 10.0.0.9 52:54:00:00:00:09\n"
				  "neighbour 0 2001:db8::9 52:54:00:00:00:09\n";

/* Port 1 is port 0's mirror. */
static int setup_twins(void **state)
{
	const struct root_host host = {0};
	struct config_error err[4];
	char why[CONFIG_ERROR];

	(void)state;
	mock_reset(2);
	mock_mirror(1, 0, "lan");
	shared = calloc(1, sizeof(*shared));
	assert_non_null(shared);
	assert_int_equal(root_init(&root, &pub, shared, &host), 0);
	assert_int_equal(root_read(&root, beside_host, strlen(beside_host), err, 4), 0);
	assert_true(root_apply(&root, why));
	mock_forget_sent();
	return 0;
}

/* An IPv4 packet from 10.0.0.9 to us arrives. True: our own stack has it; else the host's has. */
static bool ours4(uint8_t proto, const uint8_t *body, size_t len)
{
	uint8_t frame[ETH_HLEN + 128] = {0}, got[128];
	const struct mock_frame *sent;

	memcpy(frame, pub.port[0].mac, 6);
	memcpy(frame + 6, "\x52\x54\x00\x00\x00\x09", 6);
	put16(frame + 12, ETH_IP4);
	inet_ip4_header(frame + ETH_HLEN, 0, IP4_HLEN + len, 0, IP4_TTL, proto, 0x0a000009,
			0x0a000001);
	memcpy(frame + ETH_HLEN + IP4_HLEN, body, len);
	mock_forget_sent();
	mock_frame_in(0, frame, ETH_HLEN + IP4_HLEN + len, true);
	sent = mock_take();
	assert_int_equal(mock_delivered(got, sizeof(got)), sent ? 0 : IP4_HLEN + len);
	if (sent)
		assert_int_equal(sent->port, 1);
	return !sent;
}

static bool echo_is_ours(uint8_t type, uint16_t id)
{
	uint8_t icmp[16] = {type};

	put16(icmp + 4, id);
	return ours4(PROTO_ICMP, icmp, sizeof(icmp));
}

/* An error that quotes an echo request of ours. */
static bool error_is_ours(uint8_t type, uint16_t id)
{
	uint8_t icmp[8 + IP4_HLEN + 8] = {type}, *quoted = icmp + 8;

	inet_ip4_header(quoted, 0, IP4_HLEN + 8, 0, 1, PROTO_ICMP, 0x0a000001, 0x0a010203);
	quoted[IP4_HLEN] = 8;
	put16(quoted + IP4_HLEN + 4, id);
	return ours4(PROTO_ICMP, icmp, sizeof(icmp));
}

static bool datagram_is_ours(uint16_t from, uint16_t to)
{
	uint8_t udp[12] = {0};

	put16(udp, from);
	put16(udp + 2, to);
	put16(udp + 4, sizeof(udp));
	return ours4(PROTO_UDP, udp, sizeof(udp));
}

static void echo_beside_host(void **state)
{
	uint16_t id = root.pendings.id, other = (uint16_t)(id + 1);

	(void)state;
	assert_false(echo_is_ours(0, id));
	assert_int_equal(root.claims.of[CLAIM_ECHO4].n, 0);
	(void)ask("p ping 10.0.0.9");
	assert_int_equal(root.claims.of[CLAIM_ECHO4].n, 2);
	assert_int_equal(root.claims.of[CLAIM_ECHO6].n, 0);
	assert_true(echo_is_ours(0, id));
	assert_false(echo_is_ours(0, other));
	assert_false(echo_is_ours(8, id)); /* a request: the host answers it */
	assert_true(error_is_ours(11, id));
	assert_false(error_is_ours(11, other));
	assert_false(datagram_is_ours(7, UDP_SOURCE));
	mock_advance(2000000000);
	assert_int_equal(root.claims.of[CLAIM_ECHO4].n, 0);
	assert_false(echo_is_ours(0, id));
}

static void datagram_beside_host(void **state)
{
	(void)state;
	(void)ask("p udp 10.0.0.9 7 abcd");
	assert_int_equal(root.claims.of[CLAIM_UDP].n, 1);
	assert_true(datagram_is_ours(7, UDP_SOURCE));
	assert_false(datagram_is_ours(8, UDP_SOURCE));
	assert_false(datagram_is_ours(7, UDP_SOURCE + 1));
	mock_advance(2000000000);
	assert_int_equal(root.claims.of[CLAIM_UDP].n, 0);
	assert_false(datagram_is_ours(7, UDP_SOURCE));
}

/* What comes of an echo reply over IPv6 is seen at the console: there is no other stack of ours. */
static void echo6_beside_host(void **state)
{
	uint8_t frame[ETH_HLEN + IP6_HLEN + 16] = {0}, *ip = frame + ETH_HLEN,
					    *icmp = ip + IP6_HLEN;
	struct ip6 from, to;

	(void)state;
	assert_true(text_ip6("2001:db8::9", &from) && text_ip6("2001:db8::1", &to));
	memcpy(frame, pub.port[0].mac, 6);
	put16(frame + 12, ETH_IP6);
	ip[IP6_VERSION] = 0x60;
	put16(ip + IP6_LEN, 16);
	ip[IP6_NEXT] = PROTO_ICMP6;
	ip[IP6_HOPS_AT] = 64;
	memcpy(ip + IP6_SRC, from.b, 16);
	memcpy(ip + IP6_DST, to.b, 16);
	icmp[0] = 129;
	put16(icmp + 4, root.pendings.id);
	put16(icmp + 2, inet_upper6_sum(ip, PROTO_ICMP6, icmp, 16));
	mock_frame_in(0, frame, sizeof(frame), true);
	assert_int_equal(mock_take()->port, 1);
	assert_string_equal(ask("p ping 2001:db8::9"), "");
	assert_int_equal(root.claims.of[CLAIM_ECHO6].n, 2);
	mock_forget_sent();
	mock_frame_in(0, frame, sizeof(frame), true);
	assert_null(mock_take());
	assert_non_null(strstr(mock_console(1), "\"from\":\"2001:db8::9\",\"type\":129"));
	assert_int_equal(root.claims.of[CLAIM_ECHO6].n, 0);
}

/* The subnet-router anycast address is for us, and so for the host's own stack where there is one; RFC 6164: not of /127. */
static void anycast_beside_host(void **state)
{
	uint8_t frame[ETH_HLEN + IP6_HLEN + 8] = {0};
	struct ip6 from, any, other;
	const struct mock_frame *sent;

	(void)state;
	assert_true(text_ip6("2001:db8::9", &from));
	assert_true(text_ip6("2001:db8::", &any));
	assert_true(text_ip6("2001:db8:127::", &other));
	assert_string_equal(ask("a port 0 address 2001:db8:127::1/127"), "a .\n");
	assert_int_equal(node_fib(&pub, &any), FORWARD_LOCAL);
	assert_int_equal(node_fib(&pub, &other), FORWARD_LINK);
	memcpy(frame, pub.port[0].mac, 6);
	memcpy(frame + 6, "\x52\x54\x00\x00\x00\x09", 6);
	put16(frame + 12, ETH_IP6);
	inet_ip6_header(frame + ETH_HLEN, 8, PROTO_UDP, 64, &from, &any);
	mock_forget_sent();
	mock_frame_in(0, frame, sizeof(frame), true);
	sent = mock_take();
	assert_non_null(sent);
	assert_int_equal(sent->port, 1);
	assert_null(mock_take());
}

/* Router solicitations are the host's own stack's, and ours as long as we advertise there. */
static void solicitations_beside_host(void **state)
{
	uint8_t frame[ETH_HLEN + IP6_HLEN + 8] = {0}, *ip = frame + ETH_HLEN, *rs = ip + IP6_HLEN;
	struct ip6 from, to;

	(void)state;
	assert_true(text_ip6("fe80::9", &from) && text_ip6("ff02::2", &to));
	ip6_multicast_mac(frame, &to);
	put16(frame + 12, ETH_IP6);
	inet_ip6_header(ip, 8, PROTO_ICMP6, 255, &from, &to);
	rs[0] = ICMP6_RS;
	put16(rs + 2, inet_upper6_sum(ip, PROTO_ICMP6, rs, 8));
	mock_frame_in(0, frame, sizeof(frame), true);
	assert_int_equal(mock_take()->port, 1);
	assert_int_equal(root.claims.of[CLAIM_SOLICITATIONS].n, 0);
	assert_string_equal(ask("a port 0 advertise on interval 1800"), "a .\n");
	assert_non_null(
		strstr(ask("p show ports"), "\"advertise\":\"every 1800 s, lifetime 5400 s\""));
	/* Of tagged frames, too: a VLAN may come. */
	assert_int_equal(root.claims.of[CLAIM_SOLICITATIONS].n, 2);
	mock_frame_in(0, frame, sizeof(frame), true);
	mock_advance(RA_RESPONSE_DELAY_NS);
	assert_int_equal(mock_take()->port, 0);
	assert_null(mock_take());
	assert_int_equal(root.ip6.count.n[IP6C_RS_RECEIVED], 1);
	/* What the host itself asks goes out all the same. */
	mock_frame_in(1, frame, sizeof(frame), true);
	assert_int_equal(mock_take()->port, 0);
	assert_int_equal(root.ip6.count.n[IP6C_RS_RECEIVED], 1);
	assert_string_equal(ask("b port 0 advertise off"), "b .\n");
	assert_int_equal(root.claims.of[CLAIM_SOLICITATIONS].n, 0);
	mock_advance(RA_FINAL * RA_MIN_DELAY_NS);
	mock_forget_sent();
	mock_frame_in(0, frame, sizeof(frame), true);
	assert_int_equal(mock_take()->port, 1);
}

/* Whatever comes out of the queues and the published table, the root stays up and writes whole lines. */
static void lying_capsule_domain(void **state)
{
	uint8_t msg[MSGQ_MAX];
	uint32_t lines = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)random() % 400;
		struct ee_event e;
		struct ee_punt p;

		for (size_t k = 0; k < sizeof(msg); k++)
			msg[k] = (uint8_t)random();
		if (i % 2) {
			memcpy(&e, msg, sizeof(e));
			e.kind = (uint8_t)(random() % 8);
			e.text_len = (uint32_t)(i % 10 ? len : len + 1);
			msgq_put(&events, &e, sizeof(e), msg, len);
		} else {
			memcpy(&p, msg, sizeof(p));
			p.kind = (uint8_t)(random() % 5);
			p.len = (uint16_t)len;
			if (i % 3 && len >= IP4_HLEN)
				inet_ip4_header(msg, 0, len, 0, (uint8_t)random(), PROTO_UDP,
						0x0a000005, 0x0a000105);
			msgq_put(&punts, &p, sizeof(p), msg, len);
		}
		msgq_put(&events, msg, (size_t)random() % 100, NULL, 0);
		work();
		for (const char *s = mock_console(1); *s;) {
			const char *nl = strchr(s, '\n');

			assert_non_null(nl);
			assert_memory_equal(s, "* {\"event\":\"", 12);
			assert_int_equal(nl[-1], '}');
			for (; s < nl; s++)
				assert_true(*s >= 0x20 && *s < 0x7f);
			s = nl + 1;
			lines++;
		}
		if (i % 100 == 0) {
			memset(&shared->pub, 0xff, sizeof(shared->pub));
			assert_non_null(strstr(ask("m show modules"), "m .\n"));
			mock_advance(1000000000);
		}
	}
	assert_true(lines > 1000);
	assert_true(root.ee.malformed > 100);
	assert_true(root.ip.count.n[IPC_PUNT_BAD] > 100);
}

/* A length inside a message that is not the message's: reading it would show what stands behind. */
static void lengths_that_differ(void **state)
{
	static const int by[] = {-1, 1, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		struct ee_event e = {.kind = EE_DELIVERED, .text_len = (uint32_t)(10 + by[i])};
		struct ee_punt p = {.kind = EE_PUNT_SEND, .len = (uint16_t)(20 + by[i])};
		uint8_t packet[20];

		inet_ip4_header(packet, 0, 20, 0, 9, PROTO_UDP, 0x0a000001, 0x0a000105);
		assert_int_equal(msgq_put(&events, &e, sizeof(e), "0123456789", 10), 0);
		assert_int_equal(msgq_put(&punts, &p, sizeof(p), packet, 20), 0);
		work();
		assert_int_equal(root.ee.malformed, i + 1);
		assert_int_equal(root.ip.count.n[IPC_PUNT_BAD], i + 1);
		assert_string_equal(mock_console(1), "");
		assert_null(mock_take());
	}
}

/* The longest payload there is. */
static void longest_event(void **state)
{
	struct ee_event e = {.kind = EE_DELIVERED, .text_len = MSGQ_MAX - sizeof(e)};
	static const uint8_t text[MSGQ_MAX];
	const char *line;

	(void)state;
	assert_int_equal(msgq_put(&events, &e, sizeof(e), text, e.text_len), 0);
	work();
	line = mock_console(1);
	assert_true(strlen(line) > 2 * e.text_len);
	assert_true(strlen(line) <= AMP_LINE);
}

/* A capsule domain that keeps to no limit cannot keep the root printing: most of the flood is counted and forgotten. */
static void flood_of_events_is_limited(void **state)
{
	struct ee_event e = {.kind = EE_DELIVERED, .text_len = MSGQ_MAX - sizeof(e)};
	static const uint8_t text[MSGQ_MAX];
	uint64_t sent = 0;

	(void)state;
	for (int round = 0; round < 100; round++) {
		while (!msgq_put(&events, &e, sizeof(e), text, e.text_len))
			sent++;
		work();
	}
	assert_true(sent > 2000);
	assert_in_range((sent - root.ee.limited) * MSGQ_MAX, 1, 1u << 20);
	/* Nobody read the console meanwhile: that has a name as well. */
	assert_true(root.control.errors > 0);
	assert_null(strstr(ask("c show counters"), "\"drop-line\",\"value\":0}"));
	(void)mock_console(1);
	/* It passes. */
	mock_advance(1000000000);
	e.text_len = 0;
	assert_int_equal(msgq_put(&events, &e, sizeof(e), NULL, 0), 0);
	work();
	assert_non_null(strstr(mock_console(1), "delivered"));
	assert_non_null(strstr(ask("c show counters"), "\"drop-event-limit\",\"value\":"));
}

/* What the capsule domain publishes must not drive the terminal of whoever looks at it. */
static void published_names_are_printable(void **state)
{
	const char *s;

	(void)state;
	shared->pub.module[0].used = 1;
	strcpy(shared->pub.module[0].name, "\x1b[2J\r\nroot: fine");
	(void)mock_console(0);
	mock_typed(0, "show modules");
	s = mock_console(0);
	assert_non_null(strstr(s, "?[2J??root:?fine"));
	for (; *s; s++)
		assert_true(*s == '\n' || (*s >= 0x20 && *s < 0x7f));
}

static struct domain *start_domain(bool restart)
{
	const struct domain_spec spec = {.name = "capsule", .file = "ee", .restart = restart};
	struct domain *d;
	int rc;

	mock_env.state = XOK_ENV_RUNNABLE;
	d = domain_create(&root.domains, &spec, &rc);
	assert_non_null(d);
	return d;
}

static void ended_domain_is_restarted(void **state)
{
	struct domain *d = start_domain(true);

	(void)state;
	(void)mock_console(1);
	mock_env.state = XOK_ENV_ENDED;
	mock_env.end = XOK_END_FAULT;
	mock_env.last.trapno = 14;
	amp_post(XOK_EV_CHILD);
	mock_post_events();
	assert_non_null(strstr(mock_console(1), "\"state\":\"ended\",\"why\":\"fault: vector 14"));
	assert_int_equal(mock_spawned, 1);
	assert_int_equal(mock_destroyed, 1);
	/* Not at once: it had run for no time at all. */
	mock_advance(DOMAIN_RESTART_NS - 1);
	assert_int_equal(mock_spawned, 1);
	mock_env.state = XOK_ENV_RUNNABLE;
	mock_advance(1);
	assert_int_equal(mock_spawned, 2);
	assert_int_equal(d->starts, 2);
	assert_non_null(strstr(mock_console(1), "\"state\":\"started\""));
}

static void failing_restart_is_repeated(void **state)
{
	(void)state;
	(void)start_domain(true);
	mock_env.state = XOK_ENV_ENDED;
	mock_spawn_result = XOK_ENOMEM;
	amp_post(XOK_EV_CHILD);
	mock_post_events();
	mock_advance(3 * DOMAIN_RESTART_NS);
	assert_int_equal(mock_spawned, 1);
	mock_spawn_result = 5;
	mock_env.state = XOK_ENV_RUNNABLE;
	mock_advance(DOMAIN_RESTART_NS);
	assert_int_equal(mock_spawned, 2);
}

static void domains_are_bounded(void **state)
{
	const struct domain_spec spec = {.name = "t", .file = "t"};
	struct domain *d;
	int rc = 0;

	(void)state;
	mock_env.state = XOK_ENV_RUNNABLE;
	for (unsigned i = 0; i < DOMAINS; i++)
		assert_non_null(domain_create(&root.domains, &spec, &rc));
	assert_null(domain_create(&root.domains, &spec, &rc));
	assert_int_equal(rc, XOK_ENOMEM);
	/* The place of one that ended for good can be had again. */
	domain_end(&root.domains.d[3]);
	d = domain_create(&root.domains, &spec, &rc);
	assert_ptr_equal(d, &root.domains.d[3]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(ready_when_both_are),
		T(answers),
		T(errors),
		T(typed_configuration),
		T(tables_for_people),
		T(tables_in_parts),
		T(reloaded),
		T(unanswered_ping),
		cmocka_unit_test_setup_teardown(echo_beside_host, setup_twins, teardown),
		cmocka_unit_test_setup_teardown(datagram_beside_host, setup_twins, teardown),
		cmocka_unit_test_setup_teardown(echo6_beside_host, setup_twins, teardown),
		cmocka_unit_test_setup_teardown(anycast_beside_host, setup_twins, teardown),
		cmocka_unit_test_setup_teardown(solicitations_beside_host, setup_twins, teardown),
		T(lying_capsule_domain),
		T(lengths_that_differ),
		T(longest_event),
		T(flood_of_events_is_limited),
		T(published_names_are_printable),
		T(ended_domain_is_restarted),
		T(failing_restart_is_repeated),
		T(domains_are_bounded),
	};

	return cmocka_run_group_tests_name("root", tests, NULL, NULL);
}
