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
			       "route ::/0 via fd00:1::2\nroute fd00:9::/32 via fd00:1::3\n"
			       "neighbour 1 fd00:1::2 52:54:00:00:00:09\n"
			       "neighbour 0 fe80::9 52:54:00:00:00:09\n"),
			 0);
	assert_int_equal(c.naddress6, 3);
	assert_int_equal(c.nneighbour6, 2);
	assert_int_equal(c.mtu[1], 1280);
	assert_true(text_ip6("fd00:1::3", &via));
	assert_int_equal(c.nroute, 2);
	assert_true(ip6_equal(&c.route[1].hop[0].via, &via));
	assert_true(config_connected6(&c, &via, &port));
	assert_int_equal(port, 1);
	assert_true(text_ip6("fd00:5::3", &other));
	assert_false(config_connected6(&c, &other, &port));
	assert_int_equal(parse("node r1\nport 0 address fd00::1/64\nport 0 address fd00::1/64\n"),
			 1);
	assert_int_equal(parse("node r1\nport 0 address fd00::1/64\nport 1 address fd00::2/64\n"),
			 1);
}

/* RFC 4861 6.2.1: off unless it is said; limits and defaults. */
static void advertisements(void **state)
{
	char text[CONFIG_ADVERTISE];
	const struct config_advertise *a = c.advertise;

	(void)state;
	assert_int_equal(
		parse("node r1\nport 0 advertise on\n"
		      "port 1 advertise on interval 4 lifetime 0 valid 4294967295 managed\n"
		      "port 2 vlan 7 advertise on other valid 60\n"),
		0);
	assert_true(a[0].on && !a[0].managed && !a[0].other);
	assert_int_equal(a[0].interval, 600);
	assert_int_equal(a[0].lifetime, 1800);
	assert_int_equal(a[0].valid, 2592000);
	assert_int_equal(a[0].preferred, 604800);
	assert_true(a[1].on && a[1].managed && !a[1].other);
	assert_int_equal(a[1].interval, 4);
	assert_int_equal(a[1].lifetime, 0);
	assert_int_equal(a[1].valid, UINT32_MAX);
	assert_false(a[2].on);
	assert_true(a[FORWARD_VLANS].on && a[FORWARD_VLANS].other);
	assert_int_equal(a[FORWARD_VLANS].preferred, 60);
	assert_string_equal(config_advertise_text(&a[0], text), "every 600 s, lifetime 1800 s");
	assert_string_equal(config_advertise_text(&a[2], text), "off");
	assert_int_equal(parse("node r1\nport 0 advertise on\nport 0 advertise off\n"), 0);
	assert_false(a[0].on);
	/* What only the whole can tell. */
	assert_int_equal(parse("node r1\nport 0 advertise on\nport 0 mtu 1200\n"), 1);
	assert_int_equal(err[0].line, 2);
	assert_non_null(strstr(err[0].text, "IPv6 asks for 1280"));
	assert_int_equal(parse("node r1\nrole host\nport 0 advertise on\n"), 1);
	assert_int_equal(err[0].line, 3);
	assert_non_null(strstr(err[0].text, "the node is a host"));
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

/* Lines that are wrong for one reason each, and a part of what is said of it. */
static const struct {
	const char *line, *says;
} wrong_line[] = {
	{"node", "wrong number of words"},
	{"node a b", "wrong number of words"},
	{"node a/b", "name"},
	{"role switch", "router or host"},
	{"port x address 10.0.0.1/24", "no port"},
	{"port 0 adress 10.0.0.1/24", "did you mean address?"},
	{"port 0 colour red", "address, mtu, peer, rpf or advertise"},
	{"port 0 mtu 67", "68 to 1500"},
	{"port 0 mtu 1501", "68 to 1500"},
	{"port 0 rpf lose", "did you mean loose?"},
	{"port 0 rpf yes", "strict, loose or off"},
	{"port 0 vlan 0 address 10.0.0.1/24", "1 to 4094"},
	{"port 0 vlan 4095 address 10.0.0.1/24", "1 to 4094"},
	{"port 0 vlan 7 address", "wrong number of words"},
	{"port 0 mtu 1400 1300", "\"1300\" is a word too many"},
	{"port 0 advertise", "wrong number of words"},
	{"port 0 advertise no", "say on or off"},
	{"port 0 advertise off interval 9", "nothing follows"},
	{"port 0 advertise on often", "interval, lifetime, valid, preferred, managed or"},
	{"port 0 advertise on intervall 9", "did you mean interval?"},
	{"port 0 advertise on interval", "seconds are missing"},
	{"port 0 advertise on interval 3", "4 to 1800"},
	{"port 0 advertise on interval 1801", "up to 1800"},
	{"port 0 advertise on interval 60 lifetime 59", "60 or more, or 0"},
	{"port 0 advertise on lifetime 9001", "up to 9000"},
	{"port 0 advertise on valid 60 preferred 61", "61 s and valid for 60"},
	{"port 0 advertise on managed other 7", "no part of an advertisement \"7\""},
	{"neighbour 0.7 10.0.0.2 52:54:00:00:00:01",
	 "no VLAN 7 at port 0 yet: write port 0 vlan 7 address"},
	{"loopback 10.0.0.1/24", "not an address"},
	{"loopback 127.0.0.1", "127.0.0.1 is a loopback address"},
	{"loopback fe80::1", "link-local"},
	{"routes 5", "16 to"},
	{"routes many", "16 to"},
	{"route 10.0.0.0/24 blakhole", "did you mean blackhole?"},
	{"route 10.0.0.0/24 prohibit 10.0.0.1", "nothing follows"},
	{"route 10.0.0.0/24 via", "missing"},
	{"route 10.0.0.0/24 via 10.1.1.1 weight 0", "1 to 255"},
	{"route 10.0.0.0/24 via 10.1.1.1 wait 3", "\"via\""},
	{"route fe80::/64 blackhole", "no network"},
	{"port 0 address 10.0.0.1", "prefix length"},
	{"port 0 address 10.0.0.1/33", "prefix length"},
	{"port 0 address 10.0.0.0/24", "another"},
	{"port 0 address 10.0.0.255/24", "another"},
	{"port 0 address 127.0.0.1/8", "127.0.0.1/8 is a loopback address; no interface"},
	{"port 0 address 224.0.0.1/24", "224.0.0.1/24 is the address of a multicast group"},
	{"port 0 address 0.0.0.0/0", "0.0.0.0/0 is an address of \"this network\""},
	{"port 0 address 10.0.0.1/0", "its prefix length is 0"},
	{"port 0 address 10.0.0.01/24", "prefix length"},
	{"route 10.0.0.1/24 via 10.0.0.1", "behind its length"},
	{"route 10.0.0.0/24 by 10.0.0.1", "via, blackhole"},
	{"route 10.0.0.0/24 via 10.0.0.256", "host"},
	{"neighbour 0 10.0.0.2 01:00:5e:00:00:01", "link address"},
	{"neighbour 0 10.0.0.2 52:54:00:00:00", "link address"},
	{"port 0 address fd00::1", "prefix length"},
	{"port 0 address fd00::1/129", "prefix length"},
	{"port 0 address ff02::1/64", "is the address of a multicast group; no interface"},
	{"port 0 address ::1/64", "::1/64 is the loopback address; no interface"},
	{"port 0 address ::ffff:10.7.1.1/120", "is an IPv4 address: write it as one"},
	{"loopback ::1", "::1 is the loopback address"},
	{"loopback fd00::1::1", "\"fd00::1::1\" is not an address, as in fd00:ff::1"},
	{"port 0 address fe80::1/64", "link-local"},
	{"route fd00::1/64 via fd00::2", "behind its length"},
	{"route fd00:1::/64 by fd00::2", "via, blackhole"},
	{"route fd00:1::/64 via 10.0.0.1", "IPv6 address"},
	{"route fd00:1::/64 via fe80::1", "link-local"},
	{"route fd00:1::/64 via ff02::1", "multicast group"},
	{"route default via 10.0.0.1", "write 0.0.0.0/0 or ::/0"},
	{"route fd00:1::/64 via fd00:2::1", "no connected network"},
	{"neighbour 0 fd00:2::1 52:54:00:00:00:01", "no network of port"},
	{"neighbour 0 ff02::1 52:54:00:00:00:01", "IPv6 address"},
	{"neighbour 0 fe80::1 52:54:00:00:00", "link address"},
	{"principal alice 0011", "64 hexadecimal"},
	{"allow nobody * budget 5", "no principal"},
	{"clock soon", "nanoseconds"},
	{"module x.mod", "at an edge"},
	{"ping 10.0.0.1", "typed"},
	{"a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n "
	 "o",
	 "at most 40 words"},
};

static void single_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_line) / sizeof(wrong_line[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "node r\n%s\n", wrong_line[i].line);
		assert_int_equal(parse(text), 1);
		assert_int_equal(err[0].line, 2);
		if (!strstr(err[0].text, wrong_line[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", wrong_line[i].line,
				 err[0].text, wrong_line[i].says);
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
		before.blame = c.blame; /* what the error is about */
		assert_memory_equal(&before, &c, sizeof(c));
		free(line);
	}
}

/* Ports have names where the machine gives them some; numbers go on working, and mirrors are nobody's to configure. */
static void port_names(void **state)
{
	static struct config_host named = {
		.nport = 3, .name = {"lan", "wan", "lan.linux"}, .mirror = {[2] = true}};
	static const struct {
		const char *line, *says;
	} bad[] = {{"port wam address 10.0.0.1/24", "did you mean wan?"},
		   {"port dmz mtu 1400", "lan or wan"},
		   {"port lan.linux mtu 1400", "mirror"},
		   {"port 2 mtu 1400", "mirror"}};
	const char *text = "node r\nport lan address 10.0.0.1/24\nport 1 mtu 1400\n"
			   "port wan vlan 7 address 10.7.0.1/24\nport wan.7 rpf strict\n"
			   "neighbour wan.7 10.7.0.2 52:54:00:00:00:01\n";
	char name[CONFIG_PORT], file[100];

	(void)state;
	config_init(&c, &named);
	assert_int_equal(config_file(&c, text, strlen(text), err, 8), 0);
	assert_int_equal(c.address[0].port, 0);
	assert_int_equal(c.mtu[1], 1400);
	assert_int_equal(c.address[1].port, FORWARD_VLANS);
	assert_int_equal(c.vlan[0].port, 1);
	assert_int_equal(c.vlan[0].id, 7);
	assert_int_equal(c.rpf[FORWARD_VLANS], FORWARD_RPF_STRICT);
	assert_int_equal(c.neighbour[0].port, FORWARD_VLANS);
	assert_string_equal(config_port_name(&c, FORWARD_VLANS, name), "wan.7");
	assert_string_equal(config_port_name(&c, 0, name), "lan");
	assert_string_equal(config_port_name(&c, NODE_NO_PORT, name), "loopback");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file), "node r\n%s\n", bad[i].line);
		config_init(&c, &named);
		assert_int_equal(config_file(&c, file, strlen(file), err, 8), 1);
		if (!strstr(err[0].text, bad[i].says))
			fail_msg("\"%s\": \"%s\"", bad[i].line, err[0].text);
	}
}

/* What one line cannot be blamed for: the line that is, and its word. */
static void between_lines(void **state)
{
	static const struct {
		const char *lines;
		unsigned line, column;
		const char *says;
	} bad[] = {
		{"node q\n", 4, 6, "the node is named r in line 1 already"},
		{"route 10.9.0.0/16 via 10.0.0.2\nroute 10.9.0.0/16 via 10.0.0.3\n", 5, 7,
		 "a route to 10.9.0.0/16 stands in line 4 already: write all gateways in one"},
		{"route fd09::/64 via fd00::2\nroute fd09::/64 blackhole\n", 5, 7, "in line 4"},
		{"neighbour 0 10.0.0.2 52:54:00:00:00:01\nneighbour 0 10.0.0.2 52:54:00:00:00:02\n",
		 5, 13, "the neighbour 10.0.0.2 stands in line 4"},
		{"neighbour 0 fd00::2 52:54:00:00:00:01\nneighbour 0 fd00::2 52:54:00:00:00:02\n",
		 5, 13, "the neighbour fd00::2 stands in line 4"},
		{"route 10.9.0.0/16 via 10.0.0.1\n", 4, 23,
		 "the gateway 10.0.0.1 is this node's own address, of 0: name the other"},
		{"route fd09::/64 via fd00::1\n", 4, 21,
		 "fd00::1 is this node's own address, of 0"},
		{"route 10.9.0.0/16 via 10.0.0.255\n", 4, 23,
		 "the gateway 10.0.0.255 is the broadcast address of the network of 0"},
		{"route 10.9.0.0/16 via 10.0.0.0\n", 4, 23, "is the first, unused address"},
		{"route 10.0.0.0/24 via 10.0.0.2\n", 4, 7,
		 "the network of 0, which needs no route"},
		{"route fd00::/64 via fd00::2\n", 4, 7, "the network of 0, which needs no route"},
		{"neighbour 0 10.0.0.1 52:54:00:00:00:01\n", 4, 13,
		 "the neighbour 10.0.0.1 is this node's own address, of 0"},
		{"neighbour 0 fd00::1 52:54:00:00:00:01\n", 4, 13, "this node's own address, of 0"},
		{"  port 0 mtu 1000\n", 4, 14, "port 0 has an IPv6 address, and an MTU of 1000"},
	};
	char file[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file),
			 "node r\nport 0 address 10.0.0.1/24\nport 0 address fd00::1/64\n%s",
			 bad[i].lines);
		assert_int_equal(parse(file), 1);
		assert_false(err[0].missing);
		if (!strstr(err[0].text, bad[i].says) || err[0].line != bad[i].line ||
		    err[0].column != bad[i].column)
			fail_msg("%s: %u:%u: %s", bad[i].lines, err[0].line, err[0].column,
				 err[0].text);
	}
	assert_int_equal(parse("node r\nroute 10.9.0.0/16 via 10.0.0.2\n"), 1);
	assert_true(err[0].missing);
	/* The points of a link of two have no broadcast address; a more particular network goes before the wider one. */
	assert_int_equal(
		parse("node r\nport 0 address 10.0.0.1/31\nroute 10.9.0.0/16 via 10.0.0.0\n"), 0);
	assert_int_equal(parse("node r\nport 0 address 10.0.0.1/24\nport 1 address 10.0.1.1/16\n"
			       "route 10.9.0.0/16 via 10.0.2.255\n"),
			 0);
	/* Exactly as many routes as there can be. */
	snprintf(file, sizeof(file), "node r\nroutes %u\n", config_routes_most());
	assert_int_equal(parse(file), 0);
	snprintf(file, sizeof(file), "node r\nroutes %u\n", config_routes_most() + 1);
	assert_int_equal(parse(file), 1);
	snprintf(file, sizeof(file), ": 16 to %u", config_routes_most());
	assert_non_null(strstr(err[0].text, file));
}

/* An error says where in the line it is. */
static void columns(void **state)
{
	static const struct {
		const char *line;
		unsigned column;
	} bad[] = {{"prot 0 address 10.0.0.1/24", 1},
		   {"  port 9 address 10.0.0.1/24", 8},
		   {"port 0 address 10.0.0.1/44", 16},
		   {"port 0 adres 10.0.0.1/24", 8},
		   {"port 0 vlan x address 10.0.0.1/24", 13},
		   {"route 10.0.0.0/8  via 10.0.0.300", 23},
		   {"route 10.0.0.0/8 via 10.1.1.1 via 11.0.0.1", 22},
		   {"route 10.0.0.0/8 nowhere", 18},
		   {"neighbour 0 10.0.0.2 52:54", 22},
		   {"routes 3", 8},
		   {"port 0 peer b\xc3\xbcro", 13},
		   {"port 0 mtu 1400 up", 17},
		   {"node r other", 8},
		   {"allow nobody * budget 5", 7}};
	char file[100];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file), "node r\n%s\n", bad[i].line);
		assert_true(parse(file) >= 1);
		assert_int_equal(err[0].line, 2);
		if (err[0].column != bad[i].column)
			fail_msg("\"%s\": column %u: %s", bad[i].line, err[0].column, err[0].text);
	}
}

static void kinds_of_routes(void **state)
{
	const char *text = "node r\nport 0 address 10.0.0.1/24\nloopback 10.255.0.1\n"
			   "loopback fd00:ff::1\nroutes 5000\nroute 10.1.0.0/16 blackhole\n"
			   "route 10.2.0.0/16 unreachable\nroute fd00:2::/32 prohibit\n"
			   "route 0.0.0.0/0 via 10.0.0.2 weight 3 via 10.0.0.3\n";

	(void)state;
	assert_int_equal(parse(text), 0);
	assert_int_equal(c.routes, 5000);
	assert_int_equal(config_routes(text, strlen(text)), 5000);
	assert_int_equal(c.nroute, 4);
	assert_int_equal(c.route[0].number, FORWARD_BLACKHOLE);
	assert_int_equal(c.route[1].number, FORWARD_UNREACHABLE);
	assert_int_equal(c.route[2].number, FORWARD_PROHIBITED);
	assert_int_equal(c.route[3].nhop, 2);
	assert_int_equal(c.route[3].hop[0].weight, 3);
	assert_int_equal(c.route[3].hop[1].weight, 1);
	assert_int_equal(c.address[1].port, NODE_NO_PORT);
	assert_int_equal(c.address6[0].port, NODE_NO_PORT);
	/* RFC 8200 5: no IPv6 over a link of less than 1280 octets. */
	assert_int_equal(parse("node r\nport 0 mtu 576\nport 0 address fd00::1/64\n"), 1);
	assert_non_null(strstr(err[0].text, "1280"));
}

static void limits(void **state)
{
	char *text = malloc(200000), *p = text;

	(void)state;
	p += sprintf(p, "node r\nport 0 address 10.0.0.1/8\n");
	for (int i = 0; i < 600; i++)
		p += sprintf(p, "route 20.%d.%d.0/24 via 10.0.0.2\n", i / 256, i % 256);
	assert_int_equal(parse(text), 600 - (int)CONFIG_ROUTES);
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
		cmocka_unit_test(advertisements),
		cmocka_unit_test(all_errors_with_lines),
		cmocka_unit_test(more_errors_than_room),
		cmocka_unit_test(single_errors),
		cmocka_unit_test(a_refused_command_changes_nothing),
		cmocka_unit_test(port_names),
		cmocka_unit_test(between_lines),
		cmocka_unit_test(columns),
		cmocka_unit_test(kinds_of_routes),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
