/* SPDX-License-Identifier: BSD-2-Clause */
/* test_off.c - what was configured or typed is taken back at the console, and what was not is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/root/root.h"
#include "nodeos/test/mock_amp.h"

static struct root root;
static struct node_pub pub;
static struct ee_shared *shared;

static const char file[] =
	"node r1\nport 0 address 10.0.0.1/24\nport 0 address 10.0.9.1/24\nport 0 address "
	"2001:db8::1/64\n"
	"port 1 address 10.0.1.1/24\nroute 10.2.0.0/16 via 10.0.1.2\nroute 10.3.0.0/16 blackhole\n"
	"route 2001:db8:2::/48 via 2001:db8::9\nneighbour 0 10.0.0.9 02:00:00:00:00:09\n"
	"neighbour 0 2001:db8::9 02:00:00:00:00:09\n";

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

static const char *ask(const char *line)
{
	(void)mock_console(1);
	mock_typed(1, line);
	return mock_console(1);
}

#define DONE(line) assert_string_equal(ask("x " line), "x .\n")
#define SAYS(line, text) assert_non_null(strstr(ask("x " line), text))
#define SILENT(line, text) assert_null(strstr(ask("x " line), text))

static void routes(void **state)
{
	struct node_hop hop;

	(void)state;
	assert_true(node_route(&pub, 0x0a020001, &hop));
	DONE("route 10.2.0.0/16 off");
	assert_false(node_route(&pub, 0x0a020001, &hop));
	SILENT("show routes", "10.2.0.0/16");
	SAYS("show routes", "10.3.0.0/16");
	SAYS("show routes", "2001:db8:2::/48");
	SAYS("route 10.2.0.0/16 off", "no route to 10.2.0.0/16 is configured");
	/* A connected one is the address's. */
	SAYS("route 10.0.1.0/24 off", "no route to 10.0.1.0/24 is configured");
	SAYS("route 10.3.0.0/17 off", "no route");
	SAYS("route ten off", "\"ten\" is not a prefix");
	DONE("route 10.3.0.0/16 off");
	DONE("route 2001:db8:2::/48 off");
	SILENT("show routes", "static");
	DONE("route 10.2.0.0/16 via 10.0.1.3");
	assert_true(node_route(&pub, 0x0a020001, &hop));
}

static void neighbours(void **state)
{
	(void)state;
	DONE("neighbour 0 10.0.0.9 off");
	SAYS("show neighbours",
	     "\"2001:db8::9\",\"mac\":\"02:00:00:00:00:09\",\"state\":\"static\"");
	SILENT("show neighbours",
	       "\"10.0.0.9\",\"mac\":\"02:00:00:00:00:09\",\"state\":\"static\"");
	DONE("neighbour 0 2001:db8::9 off");
	SILENT("show neighbours", "static");
	SAYS("neighbour 0 10.0.0.9 off", "no neighbour 10.0.0.9 is configured there");
	SAYS("neighbour 1 10.0.0.8 off", "no neighbour");
	SAYS("neighbour 7 10.0.0.9 off", "x ! ");
	SAYS("neighbour 0 10.0.0 off", "\"10.0.0\" is not an address");
}

static void addresses(void **state)
{
	(void)state;
	SAYS("show routes", "10.0.9.0/24");
	DONE("port 0 address 10.0.9.1/24 off");
	SILENT("show routes", "10.0.9.0/24");
	SAYS("port 0 address 10.0.9.1/24 off", "is not configured there");
	SAYS("port 1 address 10.0.0.1/24 off", "is not configured there");
	SAYS("port 0 address 10.0.0.1/25 off", "is not configured there");
	SAYS("port 0 address here off", "\"here\" is not an address");
	/* A gateway would be on no network any more: nothing changes. */
	SAYS("port 1 address 10.0.1.1/24 off", "10.0.1.2");
	SAYS("show routes", "10.0.1.0/24");
	DONE("route 10.2.0.0/16 off");
	DONE("port 1 address 10.0.1.1/24 off");
	SILENT("show routes", "10.0.1.0/24");
	DONE("route 2001:db8:2::/48 off");
	DONE("neighbour 0 2001:db8::9 off");
	DONE("port 0 address 2001:db8::1/64 off");
	SILENT("show routes", "2001:db8::/64");
}

static void other_words(void **state)
{
	(void)state;
	DONE("port 0 rpf strict");
	DONE("port 0 rpf off");
	SAYS("route 10.2.0.0/16 of", "x ! there is no kind of route");
	SAYS("show routes", "10.2.0.0/16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(routes, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(other_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
