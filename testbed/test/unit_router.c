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
	assert_non_null(strstr(error[0].text, "is at lan already"));
	assert_int_equal(error[1].line, 6);

	char text[8192] = "";
	for (int i = 0; i < 100; i++)
		strcat(text, "nonsense here\n");
	assert_int_equal(parse(text), 101); /* and there is no name */
	assert_int_equal(error[ROUTER_ERRORS - 1].line, ROUTER_ERRORS);
}

/* What nobody means: no words, no newline at the end, NUL bytes, a line that is too long, too many words. */
static void test_odd(void **state)
{
	static char line[4096];

	(void)state;
	assert_int_equal(parse(""), 1);
	assert_int_equal(parse("\n\n   \n#\n"), 1);
	assert_int_equal(parse("node r1\r\ninterface a tap:a"), 0);
	assert_int_equal(router.nport, 1);
	memset(line, 'x', sizeof(line) - 1);
	assert_true(parse(line) >= 1);
	assert_non_null(strstr(error[0].line ? error[0].text : error[1].text, "longer than"));
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
		cmocka_unit_test(test_odd),
	};
	int failed = cmocka_run_group_tests_name("testbed/router", tests, NULL, NULL);

	router_free(&router);
	return failed;
}
