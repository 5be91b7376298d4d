/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_router.c - router.conf: what is read, what goes to the node, and every error with the place it stands at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testbed/router.h"

static struct router router;
static struct router_error error[ROUTER_ERRORS];

static unsigned parse(const char *text)
{
	router_free(&router);
	return router_parse(&router, text, strlen(text), NULL, error);
}

#define TWO                               \
	"node r1\n"                       \
	"interface lan tap:lan0 mirror\n" \
	"interface wan pci:0000:03:00.0 mirror w0 mac 02:00:00:00:00:01 mtu 1400 queues 2\n"

static void test_reads_all(void **state)
{
	(void)state;
	assert_int_equal(
		parse("# comment\n" TWO "lcores 1,3-5\nmemory 512\nhugepages on\nhitless off\n"
		      "port lan address 10.0.1.1/24 # the office\nport 1 address fd00::1/64\n"
		      "neighbour wan fd00::2 52:54:00:00:00:01\n"),
		0);
	assert_string_equal(router.name, "r1");
	assert_int_equal(router.nport, 2);
	assert_string_equal(router.port[0].name, "lan");
	assert_string_equal(router.port[0].device, "tap:lan0");
	assert_string_equal(router.port[0].mirror, "lan");
	assert_string_equal(router.port[0].mac, "");
	assert_string_equal(router.port[1].mirror, "w0");
	assert_string_equal(router.port[1].mac, "02:00:00:00:00:01");
	assert_int_equal(router.port[1].mtu, 1400);
	assert_int_equal(router.port[1].queues, 2);
	assert_string_equal(router.lcores, "1,3-5");
	assert_int_equal(router.memory, 512);
	assert_true(router.hugepages);
	assert_false(router.hitless);
}

/* Lines keep their numbers, and names become the numbers of ports. */
static void test_commands(void **state)
{
	(void)state;
	assert_int_equal(parse(TWO "port wan address 10.0.1.1/24\n"), 0);
	assert_string_equal(router.commands, "node r1 \n\n\nport 1 address 10.0.1.1/24\n");
	assert_int_equal(router.len, strlen(router.commands));
}

static void test_name(void **state)
{
	static const char text[] = "interface a tap:a\nport a address 10.0.1.1/24\n";

	(void)state;
	assert_int_equal(parse(text), 1);
	assert_int_equal(error[0].line, 0);
	assert_non_null(strstr(error[0].text, "node NAME"));
	router_free(&router);
	assert_int_equal(router_parse(&router, text, strlen(text), "r7", error), 0);
	assert_string_equal(router.name, "r7");
	assert_non_null(strstr(router.commands, "node r7\n"));
	/* The file's own name goes before the option's. */
	router_free(&router);
	assert_int_equal(router_parse(&router, TWO, strlen(TWO), "r7", error), 0);
	assert_string_equal(router.name, "r1");
}

/* One wrong line behind TWO, which is line 4; the column, how wide it is, and a word that the message must hold. */
static const struct {
	const char *line;
	unsigned column, width;
	const char *says;
} wrong_line[] = {
	{"inteface x tap:x", 1, 8, "did you mean interface?"},
	{"  rout 10.0.0.0/8 via 10.0.0.1", 3, 4, "did you mean route?"},
	{"frobnicate", 1, 10, "interface, lcores"},
	{"show ports", 1, 4, "there is no command"},
	{"interface lan tap:b", 11, 3, "line 2"},
	{"interface 0 tap:b", 11, 1, "a letter"},
	{"interface abcdefghij tap:b", 11, 10, "at most 9"},
	{"interface x", 11, 1, "write: interface NAME DEVICE"},
	{"interface x foo:bar", 13, 7, "pci:ADDRESS"},
	{"interface x pci:zz", 13, 6, "PCI address"},
	{"interface x tap:x\tmtu", 19, 3, "68 to 1500"},
	{"interface x tap:x mtu 9000", 23, 4, "68 to 1500"},
	{"interface x tap:x queues 0", 26, 1, "1 to 16"},
	{"interface x tap:x mac 01:00:00:00:00:00", 23, 17, "the first of them even"},
	{"interface x tap:x mirror lan", 26, 3, "the mirror of interface lan"},
	{"interface x tap:x mirror a/b", 26, 3, "cannot be the name"},
	{"interface x tap:x duplex full", 19, 6, "unknown here"},
	{"lcores", 1, 6, "write: lcores LIST"},
	{"lcores 1;2", 8, 3, "1,3-5"},
	{"lcores 1 2", 10, 1, "write: lcores LIST"},
	{"memory lots", 8, 4, "16 to 65536"},
	{"memory 15", 8, 2, "16 to 65536"},
	{"hugepages yes", 11, 3, "on or off"},
	{"port lam address 10.0.1.1/24", 6, 3, "did you mean lan?"},
	{"port dmz address 10.0.1.1/24", 6, 3, "write interface dmz DEVICE"},
	{"port 2 address 10.0.1.1/24", 6, 1, "there is no port"},
	{"port lan address 10.0.1.300/24", 18, 13, "10.0.0.1/24"},
	{"port lan address 10.0.1.0/24", 18, 11, "network's own"},
	{"port lan mtu 100000", 14, 6, "not an MTU"},
	{"port lan", 1, 4, "wrong number of words"},
	{"route 0.0.0.0/0 via 192.0.3.1", 21, 9, "no connected network"},
	{"route 0.0.0.0/0 over 192.0.3.1", 17, 4, "via"},
	{"neighbour lan 10.0.1.2 52:54:00:00:00:0x", 24, 17, "link address"},
	{"node r.1", 6, 3, "a node's name"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_line) / sizeof(wrong_line[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), TWO "%s\n", wrong_line[i].line);
		if (parse(text) < 1)
			fail_msg("%s: nothing wrong with it", wrong_line[i].line);
		if (!strstr(error[0].text, wrong_line[i].says) || error[0].line != 4 ||
		    error[0].column != wrong_line[i].column ||
		    error[0].width != wrong_line[i].width)
			fail_msg("%s: at %u:%u, %u wide: %s", wrong_line[i].line, error[0].line,
				 error[0].column, error[0].width, error[0].text);
	}
}

/* An interface with an error has its name, so the lines that use it are not told off for that. */
static void test_no_echo(void **state)
{
	(void)state;
	assert_int_equal(parse("node r\ninterface lan foo:x\nport lan address 10.0.1.1/24\n"
			       "route 0.0.0.0/0 via 10.0.1.2\n"),
			 1);
	assert_int_equal(error[0].line, 2);
	assert_int_equal(error[0].column, 15);
	/* Likewise a route through a network whose address is wrong; what is wrong with the route itself is told. */
	assert_int_equal(parse(TWO "port lan address 10.0.1.300/24\nroute 0.0.0.0/0 via 10.0.1.2\n"
				   "route 10.0.0.1/8 via 10.0.1.2\n"),
			 2);
	assert_int_equal(error[0].line, 4);
	assert_int_equal(error[1].line, 6);
	assert_int_equal(parse(TWO "port wam address 10.0.1.1/24\nroute 0.0.0.0/0 via 10.0.1.2\n"),
			 1);
	assert_int_equal(error[0].line, 4);
}

/* All errors come at once, in the order of their lines, and the node's own speak of interfaces by name. */
static void test_many(void **state)
{
	(void)state;
	assert_int_equal(parse(TWO "port lan address 10.0.1.1/24\nport wan address 10.0.1.2/24\n"
				   "memory 1\n"),
			 2);
	assert_int_equal(error[0].line, 5);
	assert_non_null(strstr(error[0].text, "is at port lan already"));
	assert_int_equal(error[1].line, 6);

	char text[8192] = "";
	for (int i = 0; i < 100; i++)
		strcat(text, "nonsense here\n");
	assert_int_equal(parse(text), 102); /* and there is no name, and no interface */
	assert_int_equal(error[ROUTER_ERRORS - 1].line, ROUTER_ERRORS - 2);
}

/* Whole files: how many errors, and one of them, word for word. */
#define PLACED "node op-r\ninterface lan tun:op-l0\ninterface wan tun:op-w0\n"
#define ROUTED                                                                                 \
	PLACED "port lan address 10.7.1.1/24\nport wan address 10.7.2.1/24\nport wan address " \
	       "fd07:2::1/64\n"

static const struct {
	const char *file;
	unsigned errors, line, column;
	const char *text;
} wrong_file[] = {
	/* Every error in one go: none hides another that does not follow from it. */
	{PLACED "port lan address 10.7.1.1/24\nloopback 10.7.1.1\nport lan address 10.7.1.1/24\n"
		"neighbour lan 10.7.1.1 52:54:00:00:00:01\nroute 10.9.0.0/16 via 10.8.0.1\n",
	 4, 8, 23, "the gateway 10.8.0.1 is on no connected network: give a port an address there"},
	{PLACED "port lan address 10.7.1.1/24\nloopback 10.7.1.1\nport lan address 10.7.1.1/24\n"
		"neighbour lan 10.7.1.1 52:54:00:00:00:01\n",
	 3, 7, 15, "the neighbour 10.7.1.1 is this node's own address, of lan"},
	{"nod r\ninterface a tap:a\n", 1, 1, 1, "there is no command \"nod\": did you mean node?"},
	{"node r\ninterfce a tap:a\nport a mtu 1400\n", 1, 2, 1,
	 "there is no command \"interfce\": did you mean interface?"},
	/* What the lines of a machine say to each other. */
	{"node op-r\n", 1, 0, 0,
	 "there is no interface: write interface NAME DEVICE for each, such as interface lan "
	 "af_packet:eth1"},
	{"node r\ninterface a tun:x\ninterface b tun:x\n", 1, 3, 13,
	 "interface a (line 2) is made of it already: a device makes one interface"},
	{"node r\ninterface a tun:x\ninterface b af_packet:x\n", 1, 3, 13,
	 "interface a (line 2) is made of it already: a device makes one interface"},
	{"node r\ninterface a pci:03:00.0\ninterface b pci:0000:03:00.0\n", 1, 3, 13,
	 "interface a (line 2) is made of it already: a device makes one interface"},
	{"node r\ninterface a unix:/x;/y\ninterface b unix:/x;/z\n", 1, 3, 13,
	 "interface a (line 2) is made of it already: a device makes one interface"},
	{"node r\ninterface a ring:x\ninterface b ring:x\n", 0, 0, 0, NULL},
	{"node r\ninterface lan tun:op-l0 mirror op-l0\n", 1, 2, 32,
	 "op-l0 is what interface lan is made of: write mirror and another name"},
	{"node r\ninterface eth1 af_packet:eth1 mirror\n", 1, 2, 31,
	 "eth1 is what interface eth1 is made of: write mirror and another name"},
	{"node r\ninterface a tun:x mirror y\ninterface b tun:y\n", 1, 3, 13,
	 "y is the mirror of interface a (line 2): take another name for one of them"},
	{PLACED "memory 64\nmemory 64\n", 1, 5, 1,
	 "memory stands in line 4 already: leave out one of them"},
	{PLACED "lcores 3-1\n", 1, 4, 8,
	 "\"3-1\" is no list of processors: write it as 1,3-5, each once, at most 16"},
	{PLACED "lcores 1,1\n", 1, 4, 8,
	 "\"1,1\" is no list of processors: write it as 1,3-5, each once, at most 16"},
	/* What was accepted in silence. */
	{"node op-r\nnode op-q\ninterface a tap:a\n", 1, 2, 6,
	 "the node is named op-r in line 1 already: leave out one of them"},
	{ROUTED "route 10.9.0.0/16 via 10.7.2.9\nroute 10.9.0.0/16 via 10.7.2.8\n", 1, 8, 7,
	 "a route to 10.9.0.0/16 stands in line 7 already: write all gateways in one route, via "
	 "... "
	 "via ..."},
	{ROUTED "route 10.9.0.0/16 via 10.7.2.255\n", 1, 7, 23,
	 "the gateway 10.7.2.255 is the broadcast address of the network of wan: name the other "
	 "router's"},
	{ROUTED "route 10.7.1.0/24 via 10.7.2.9\n", 1, 7, 7,
	 "this is the network of lan, which needs no route: leave it out, or take a longer prefix"},
	{PLACED "port lan address ::ffff:10.7.1.1/120\n", 1, 4, 18,
	 "::ffff:10.7.1.1/120 is an IPv4 address: write it as one; no interface may have it"},
	/* VLANs by name. */
	{PLACED "port lan vlan 10 address 10.7.9.1/24\nport lan.10 rpf strict\n"
		"neighbour lan.10 10.7.9.2 52:54:00:00:00:01\n",
	 0, 0, 0, NULL},
	{PLACED "port lan.10 address 10.7.9.1/24\n", 1, 4, 6,
	 "there is no VLAN 10 at port lan yet: write port lan vlan 10 address ... above"},
	{PLACED "port lna.10 mtu 1400\n", 1, 4, 6,
	 "there is no interface \"lna.10\": did you mean lan.10?"},
	{PLACED "port lna mtu 1400\n", 1, 4, 6, "there is no interface \"lna\": did you mean lan?"},
	/* Tables and the memory that they take. */
	{PLACED "routes 2000000\n", 1, 4, 8, NULL},
	{PLACED "memory 16\nroutes 1000000\n", 1, 5, 8, NULL},
	/* The reason, and the word. */
	{ROUTED "route 0.0.0.0/0 via 10.7.2.1\n", 1, 7, 21,
	 "the gateway 10.7.2.1 is this node's own address, of wan: name the other router's"},
	{ROUTED "route default via 10.7.2.9\n", 1, 7, 7,
	 "\"default\" is of no family: write 0.0.0.0/0 or ::/0"},
	{ROUTED "route 10.9.1.1/24 via 10.7.2.9\n", 1, 7, 7,
	 "10.9.1.1/24 has bits set behind its length: write the network's address, 10.9.1.0/24"},
	{PLACED "port lan address 224.0.0.1/24\n", 1, 4, 18,
	 "224.0.0.1/24 is the address of a multicast group; no interface may have it"},
	{PLACED "port lan address 127.0.0.1/8\n", 1, 4, 18,
	 "127.0.0.1/8 is a loopback address; no interface may have it"},
	{PLACED "loopback ::1\n", 1, 4, 10,
	 "::1 is the loopback address; no interface may have it"},
	{PLACED "port lan address fe80::1/64\n", 1, 4, 18,
	 "fe80::1/64 is link-local, and such addresses follow from the MAC: give a global one"},
	{PLACED "port lan peer b/c\n", 1, 4, 15,
	 "\"b/c\" is no name of a peer: 1 to 31 letters, digits, '-', '_' or '.'"},
	{PLACED "port lan address 10.7.1.1/24 up\n", 1, 4, 30,
	 "\"up\" is a word too many: port PORT address takes one"},
	{ROUTED "port wan mtu 1000\n", 1, 7, 14,
	 "port wan has an IPv6 address, and an MTU of 1000: IPv6 asks for 1280"},
	{PLACED "port 7 mtu 1400\n", 1, 4, 6, "there is no port \"7\": say lan or wan"},
	/* What is no text, or not what it looks like. */
	{"\xef\xbb\xbfnode r\ninterface a tap:a\n", 0, 0, 0, NULL},
	{"\xef\xbb\xbfnode r/s\ninterface a tap:a\n", 1, 1, 9,
	 "\"r/s\" cannot be a node's name: a letter, then letters, digits, - or _, at most 15"},
	{PLACED "port lan\xc2\xa0"
		"address 10.7.1.1/24\n",
	 1, 4, 9, "U+00A0 is a no-break space, and no blank: write a blank in its place"},
	{PLACED "port lan\xe2\x80\x8b mtu 1400\n", 1, 4, 9,
	 "U+200B is a character that is not seen: take it away"},
	{PLACED "port \x1b[31m mtu 1400\n", 1, 4, 6, "U+001B is a control character: take it away"},
	{PLACED "port l\xe4n mtu 1400\n", 1, 4, 7,
	 "the byte E4 is no text: write the file as UTF-8"},
	{PLACED "port b\xc3\xbcro mtu 1400 # \xe4 \x1b\n", 1, 4, 6,
	 "there is no interface \"b\xc3\xbcro\" above this line: write interface b\xc3\xbcro "
	 "DEVICE there"},
};

static void test_wrong_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_file) / sizeof(wrong_file[0]); i++) {
		unsigned n = parse(wrong_file[i].file), k = 0;

		for (k = 0; k < n && error[k].line != wrong_file[i].line;)
			k++;
		if (n != wrong_file[i].errors ||
		    (n && (k == n || error[k].column != wrong_file[i].column ||
			   (wrong_file[i].text && strcmp(error[k].text, wrong_file[i].text) != 0))))
			fail_msg("%s%u errors; %u:%u: %s", wrong_file[i].file, n,
				 error[k < n ? k : 0].line, error[k < n ? k : 0].column,
				 error[k < n ? k : 0].text);
	}
}

/* What follows a byte of value 0 is not silently left out. */
static void test_zero(void **state)
{
	static const char text[] = "node r\ninterface a tap:a\nport a\0 mtu 1400\nnonsense\n";

	(void)state;
	router_free(&router);
	assert_int_equal(router_parse(&router, text, sizeof(text) - 1, NULL, error), 1);
	assert_int_equal(error[0].line, 3);
	assert_int_equal(error[0].column, 7);
	assert_string_equal(error[0].text, "a byte of value 0 stands here: this is no text file, "
					   "and what follows was not read");
}

/* Table sizes: what memory says is enough, and less is not; what the node says is the most, and more is not. */
static void test_routes(void **state)
{
	unsigned most, need, routes;
	char text[300];

	(void)state;
	assert_int_equal(parse(PLACED "routes 2000000\n"), 1);
	assert_int_equal(sscanf(strstr(error[0].text, ": 16 to "), ": 16 to %u", &most), 1);
	snprintf(text, sizeof(text), PLACED "memory 65536\nroutes %u\n", most);
	assert_int_equal(parse(text), 0);
	snprintf(text, sizeof(text), PLACED "memory 65536\nroutes %u\n", most + 1);
	assert_int_equal(parse(text), 1);
	assert_int_equal(parse(PLACED "memory 16\nroutes 1000000\n"), 1);
	assert_int_equal(sscanf(error[0].text, "tables of %u routes take", &routes), 1);
	assert_int_equal(routes, 1000000);
	assert_int_equal(
		sscanf(strstr(error[0].text, ": write memory "), ": write memory %u", &need), 1);
	snprintf(text, sizeof(text), PLACED "memory %u\nroutes 1000000\n", need);
	assert_int_equal(parse(text), 0);
	snprintf(text, sizeof(text), PLACED "memory %u\nroutes 1000000\n", need - 1);
	assert_int_equal(parse(text), 1);
}

/* What this machine has not, at the word that asks for it. */
static void test_here(void **state)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *says;
	} bad[] = {
		{"lcores 1023", 8, "there is no processor 1023 for this process: it may use "},
		{"interface x af_packet:no-nope", 13,
		 "Linux has no interface no-nope here: ip link"},
		{"interface x af_xdp:no-nope", 13, "Linux has no interface no-nope here: ip link"},
		{"interface x unix:/nonexistent/a;/tmp/b", 13,
		 "the socket's directory /nonexistent: No such file or directory; make it"},
		{"interface x unix:/dev/null/a;/tmp/b", 13, "/dev/null"},
		{"interface x tun:lo", 13,
		 "lo exists, and is no TAP interface: write af_packet:lo"},
		{"interface x tun:no-x mirror lo", 29,
		 "lo exists, and is no TAP interface: write mirror"},
		{"hugepages on\ninterface x pci:ffff:99:00.0", 13,
		 "there is no device ffff:99:00.0: lspci"},
		{"interface x pci:ffff:99:00.0", 13, "write hugepages on"},
		{"memory 65536", 8, "this machine has "},
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool found = false;

		snprintf(text, sizeof(text), PLACED "%s\n", bad[i].line);
		assert_int_equal(parse(text), 0);
		unsigned n = router_here(&router, error, 0);

		for (unsigned k = 0; k < n; k++)
			found = found || (strstr(error[k].text, bad[i].says) &&
					  error[k].line >= 4 && error[k].column == bad[i].column);
		if (!found &&
		    i + 1 < sizeof(bad) / sizeof(bad[0])) /* there may be so much memory */
			fail_msg("%s: %u: %s", bad[i].line, n, n ? error[0].text : "");
	}
	assert_int_equal(parse("node r\ninterface a tun:no-a\ninterface b af_packet:lo\n"
			       "interface c unix:/tmp/no-a;/nonexistent/b\n"),
			 0);
	assert_int_equal(router_here(&router, error, 0), 0);
}

/* xokd's own errors, at the lines that they come from. */
static void test_said(void **state)
{
	static const struct {
		const char *said, *told;
	} line[] = {
		{"xokd: port wan: cannot make the interface op-w0: Device or resource busy; "
		 "another process has it",
		 "x.conf:3:15: cannot make the interface op-w0: Device or resource busy; another "
		 "process has it"},
		{"xokd: --port lan: the interface op-l0 is port lan's: give the mirror another "
		 "name with mirror=IFNAME",
		 "x.conf:2:32: the interface op-l0 is port lan's: give the mirror another name "
		 "with mirror IFNAME"},
		{"xokd: port lan: cannot make it; start xokd as root, or make it beforehand",
		 "x.conf:2:15: cannot make it; start amp router as root, or make it beforehand"},
		{"xokd: --lcores 7: there is no processor 7 here that this process may use (see "
		 "taskset -pc $$)",
		 "x.conf:4:8: there is no processor 7 here that this process may use (see taskset "
		 "-pc $$)"},
		{"xokd: DPDK does not start: Permission denied; are there huge pages? (see "
		 "/proc/meminfo), or leave out --hugepages",
		 "x.conf:5:11: DPDK does not start: Permission denied; are there huge pages? (see "
		 "/proc/meminfo), or write hugepages off"},
		{"xokd: environments cannot be confined: no. Start xokd as root, or let users make "
		 "namespaces (sysctl "
		 "user.max_user_namespaces=10000), or, where what they run is trusted, say "
		 "--unconfined",
		 "environments cannot be confined: no. Start amp router as root, and not in a "
		 "chroot, or let users make "
		 "namespaces (sysctl user.max_user_namespaces=10000)"},
		{"xokd: op-r: 1 port on 1 lcore, up after 266 ms", NULL},
		{"xokd: port la: something", NULL},
		{"EAL: FATAL: Cannot get hugepage information.", NULL},
	};
	char out[400];

	(void)state;
	assert_int_equal(
		parse("node op-r\ninterface lan tun:op-l0 mirror other\ninterface wan tun:op-w0\n"
		      "lcores 7\nhugepages on\n"),
		0);
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		bool told = router_said(&router, "x.conf", line[i].said, out, sizeof(out));

		assert_int_equal(told, line[i].told != NULL);
		if (told)
			assert_string_equal(out, line[i].told);
	}
	assert_true(router_said(&router, "x.conf", line[0].said, out, 20));
	assert_string_equal(out, "x.conf:3:15: cannot");
}

static void test_shown(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(router_shown(buf, sizeof(buf), "a\x1b\xc2\xa0\xff\xc3\xbc\t<", 9), 24);
	assert_string_equal(buf, "a<U+001B><U+00A0><FF>\xc3\xbc\t<");
	assert_int_equal(router_shown(buf, 5, "ab\x1bz", 4), 2);
	assert_string_equal(buf, "ab");
	/* Longer than need be, halves of pairs, what ends early. */
	assert_int_equal(router_shown(buf, sizeof(buf), "\xc0\x80\xed\xa0\x80\xe2\x82", 7), 28);
}

/* What nobody means: no words, no newline at the end, NUL bytes, a line that is too long, too many words. */
static void test_odd(void **state)
{
	static char line[4096];

	(void)state;
	assert_int_equal(parse(""), 2); /* no name, no interface */
	assert_int_equal(parse("\n\n   \n#\n"), 2);
	assert_int_equal(parse("node r1\r\ninterface a tap:a"), 0);
	assert_int_equal(router.nport, 1);
	memset(line, 'x', sizeof(line) - 1);
	assert_true(parse(line) >= 1);
	assert_int_equal(error[2].line, 1); /* behind those of the whole file */
	assert_non_null(strstr(error[2].text, "longer than"));
	memset(line, ' ', sizeof(line) - 1);
	for (size_t i = 0; i < 200; i += 2)
		line[i] = 'y';
	line[201] = 0;
	assert_true(parse(line) >= 1);
	router_free(&router);
	assert_true(router_parse(&router, "node r1\0\ninterface a tap:a\n", 28, NULL, error) <= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_all), cmocka_unit_test(test_commands),
		cmocka_unit_test(test_name),	  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_echo),	  cmocka_unit_test(test_many),
		cmocka_unit_test(test_odd),	  cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_zero),	  cmocka_unit_test(test_routes),
		cmocka_unit_test(test_here),	  cmocka_unit_test(test_shown),
		cmocka_unit_test(test_said),
	};
	int failed = cmocka_run_group_tests_name("testbed/router", tests, NULL, NULL);

	router_free(&router);
	return failed;
}
