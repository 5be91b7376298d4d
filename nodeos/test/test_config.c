/* SPDX-License-Identifier: BSD-2-Clause */
/* test_config.c - the command language: what is accepted, and what every error says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct config_host host = {.nport = 3};
static struct config c;
static struct config_error err[8];

static unsigned parse(const char *text)
{
	config_init(&c, &host);
	return config_file(&c, text, strlen(text), err, 8);
}

static void whole_file(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(parse("# a router\nnode r1\nrole router\n"
			       "port 0 address 10.0.0.1/24\nport 0 peer h1\n"
			       "port 1 address 10.0.1.1/30\t# uplink\r\n"
			       "\n  route 0.0.0.0/0 via 10.0.1.2\n"
			       "neighbour 1 10.0.1.2 52:54:00:00:00:09\n"
			       "principal alice " KEY "\nallow alice * budget 5000\n"
			       "allow alice " KEY " budget 7\nclock 1700000000000000000"),
			 0);
	assert_string_equal(c.name, "r1");
	assert_int_equal(c.role, NODE_ROUTER);
	assert_int_equal(c.naddress, 2);
	assert_int_equal(c.nroute, 1);
	assert_int_equal(c.nneighbour, 1);
	assert_int_equal(c.nrule, 2);
	assert_true(c.rule[0].any);
	assert_int_equal(c.rule[1].budget, 7);
	assert_int_equal(c.principal[0].key[31], 0xff);
	assert_true(c.set_clock);
	assert_string_equal(c.peer[0], "h1");
	assert_true(config_connected(&c, 0x0a000102, &port));
	assert_int_equal(port, 1);
}

static void ip6(void **state)
{
	struct ip6 via, other;
	uint16_t port;

	(void)state;
	assert_int_equal(parse("node r1\nport 0 address fd00:0::1/64\nport 1 address fd00:1::1/64\n"
			       "port 1 address fd00:1:2::1/48\nport 1 mtu 1280\n"
			       "route ::/0 via fd00:1::2\nroute fd00:9::/32 via fd00:1::2\n"
			       "route fd00:9::/32 via fd00:1::3\n"
			       "neighbour 1 fd00:1::2 52:54:00:00:00:09\n"
			       "neighbour 0 fe80::9 52:54:00:00:00:09\n"),
			 0);
	assert_int_equal(c.naddress6, 3);
	assert_int_equal(c.nroute6, 2);
	assert_int_equal(c.nneighbour6, 2);
	assert_int_equal(c.mtu[1], 1280);
	assert_true(text_ip6("fd00:1::3", &via));
	assert_true(ip6_equal(&c.route6[1].via, &via));
	assert_true(config_connected6(&c, &via, &port));
	assert_int_equal(port, 1);
	assert_true(text_ip6("fd00:5::3", &other));
	assert_false(config_connected6(&c, &other, &port));
	assert_int_equal(parse("node r1\nport 0 address fd00::1/64\nport 0 address fd00::1/64\n"),
			 1);
	assert_int_equal(parse("node r1\nport 0 address fd00::1/64\nport 1 address fd00::2/64\n"),
			 1);
}

/* Every bad line is reported with its number, and the good ones between them do not hide it. */
static void all_errors_with_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("node r1\nprot 0 address 10.0.0.1/24\nport 0 address 10.0.0.1/24\n"
			       "route 10.0.0.0/8 via 11.0.0.1\nport 7 peer x\n"),
			 3);
	assert_int_equal(err[0].line, 2);
	assert_non_null(strstr(err[0].text, "no command \"prot\""));
	assert_int_equal(err[1].line, 5);
	assert_non_null(strstr(err[1].text, "no port"));
	assert_int_equal(err[2].line, 4);
	assert_non_null(strstr(err[2].text, "11.0.0.1"));
}

static void more_errors_than_room(void **state)
{
	(void)state;
	config_init(&c, &host);
	assert_int_equal(config_file(&c, "a\nb\nc\n", 6, err, 1), 4);
	assert_int_equal(err[0].line, 1);
}

static void single_errors(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"node", "wrong number of words"},
		{"node a b", "wrong number of words"},
		{"node a/b", "name"},
		{"role switch", "router or host"},
		{"port x address 10.0.0.1/24", "no port"},
		{"port 0 adress 10.0.0.1/24", "address, mtu or peer"},
		{"port 0 mtu 1279", "1280 to 1500"},
		{"port 0 mtu 1501", "1280 to 1500"},
		{"port 0 address 10.0.0.1", "prefix length"},
		{"port 0 address 10.0.0.1/33", "prefix length"},
		{"port 0 address 10.0.0.0/24", "another"},
		{"port 0 address 10.0.0.255/24", "another"},
		{"port 0 address 127.0.0.1/8", "prefix length"},
		{"port 0 address 10.0.0.01/24", "prefix length"},
		{"route 10.0.0.1/24 via 10.0.0.1", "behind its length"},
		{"route 10.0.0.0/24 by 10.0.0.1", "\"via\""},
		{"route 10.0.0.0/24 via 10.0.0.256", "host"},
		{"neighbour 0 10.0.0.2 01:00:5e:00:00:01", "link address"},
		{"neighbour 0 10.0.0.2 52:54:00:00:00", "link address"},
		{"port 0 address fd00::1", "prefix length"},
		{"port 0 address fd00::1/129", "prefix length"},
		{"port 0 address ff02::1/64", "prefix length"},
		{"port 0 address ::1/64", "prefix length"},
		{"port 0 address fe80::1/64", "link-local"},
		{"route fd00::1/64 via fd00::2", "behind its length"},
		{"route fd00:1::/64 by fd00::2", "\"via\""},
		{"route fd00:1::/64 via 10.0.0.1", "IPv6 address"},
		{"route fd00:1::/64 via fe80::1", "IPv6 address"},
		{"route fd00:1::/64 via fd00:2::1", "no connected network"},
		{"neighbour 0 fd00:2::1 52:54:00:00:00:01", "no network of port"},
		{"neighbour 0 ff02::1 52:54:00:00:00:01", "IPv6 address"},
		{"neighbour 0 fe80::1 52:54:00:00:00", "link address"},
		{"principal alice 0011", "64 hexadecimal"},
		{"allow nobody * budget 5", "no principal"},
		{"clock soon", "nanoseconds"},
		{"module x.mod", "at an edge"},
		{"ping 10.0.0.1", "typed"},
		{"a b c d e f g h i j k l m n o p q", "at most 16 words"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "node r\n%s\n", bad[i].line);
		assert_int_equal(parse(text), 1);
		assert_int_equal(err[0].line, 2);
		if (!strstr(err[0].text, bad[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", bad[i].line, err[0].text,
				 bad[i].says);
	}
}

static void a_refused_command_changes_nothing(void **state)
{
	static struct config before;
	char text[CONFIG_ERROR];
	struct words w;
	static const char *const bad[] = {"port 1 address 10.0.0.9/24",
					  "port 0 address 10.0.0.1/24", "principal alice " KEY,
					  "allow bob * budget 1"};

	(void)state;
	assert_int_equal(parse("node r\nport 0 address 10.0.0.1/24\nprincipal alice " KEY "\n"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *line = strdup(bad[i]);

		before = c;
		assert_true(text_split(line, &w));
		assert_false(config_command(&c, &w, text));
		assert_memory_equal(&before, &c, sizeof(c));
		free(line);
	}
}

static void limits(void **state)
{
	char *text = malloc(200000), *p = text;

	(void)state;
	p += sprintf(p, "node r\nport 0 address 10.0.0.1/8\n");
	for (int i = 0; i < 300; i++)
		p += sprintf(p, "route 20.%d.%d.0/24 via 10.0.0.2\n", i / 256, i % 256);
	assert_int_equal(parse(text), 300 - (NODE_ROUTES - NODE_ADDRESSES));
	assert_non_null(strstr(err[0].text, "at most"));
	/* A line without end. */
	memset(text, 'x', 9000);
	text[9000] = 0;
	assert_int_equal(parse(text), 2);
	assert_non_null(strstr(err[0].text, "longer than"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_file),
		cmocka_unit_test(ip6),
		cmocka_unit_test(all_errors_with_lines),
		cmocka_unit_test(more_errors_than_room),
		cmocka_unit_test(single_errors),
		cmocka_unit_test(a_refused_command_changes_nothing),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
