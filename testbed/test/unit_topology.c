/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_topology.c - the topology file: every error with its place, addresses, paths against a trivial search, configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testbed/text.h"
#include "testbed/topology.h"

static struct topo topo;
static struct topo_error error;

static int parse(const char *text)
{
	return topo_parse(&topo, text, strlen(text), &error);
}

#define LINE3                                                                                      \
	"name: t\ntopology:\n  nodes:\n    h1: {kind: edge}\n    r1: {kind: xok}\n"                \
	"    r2: {kind: xok}\n    h2: {kind: edge}\n  links:\n"                                    \
	"    - {endpoints: [\"h1:0\", \"r1:0\"], delay: 5ms, jitter: 1ms, loss: 20%, rate: "       \
	"10mbit, queue: 9}\n"                                                                      \
	"    - {endpoints: [\"r1:1\", \"r2:0\"], addresses: [\"10.0.3.9/24\", \"10.0.3.1/24\"]}\n" \
	"    - {endpoints: [\"r2:1\", \"h2:0\"], delay: 1.5ms}\n"

static void test_reads_all(void **state)
{
	(void)state;
	assert_int_equal(parse(LINE3), 0);
	assert_int_equal(topo.nnode, 4);
	assert_int_equal(topo.nlink, 3);
	const struct relay_params *p = &topo.link[0].params;
	assert_int_equal(p->delay, 5000000);
	assert_int_equal(p->jitter, 1000000);
	assert_int_equal(p->loss, 200000);
	assert_int_equal(p->rate, 10000000);
	assert_int_equal(p->queue, 9);
	assert_int_equal(topo.link[2].params.delay, 1500000);
	assert_int_equal(topo.seed, 1);
	assert_int_equal(topo.node[1].nport, 2);
	assert_int_equal(topo.node[1].kind, TOPO_XOK);
}

/* Link 3 cannot have 10.0.3.0/24: the file gave that to link 2. */
static void test_addresses(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(parse(LINE3), 0);
	assert_string_equal(topo_addr_text(topo.node[0].port[0].addr, text), "10.0.1.1");
	assert_string_equal(topo_addr_text(topo.node[1].port[0].addr, text), "10.0.1.2");
	assert_string_equal(topo_addr_text(topo.node[1].port[1].addr, text), "10.0.3.9");
	assert_string_equal(topo_addr_text(topo.node[2].port[0].addr, text), "10.0.3.1");
	assert_string_equal(topo_addr_text(topo.node[2].port[1].addr, text), "10.0.4.1");
	assert_string_equal(topo_addr_text(topo_address(&topo, 3), text), "10.0.4.2");
	const uint8_t mac[6] = {0x52, 0x54, 0, 0, 3, 1};
	assert_memory_equal(topo.node[2].port[1].mac, mac, 6);
}

static void test_conf(void **state)
{
	char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(parse(LINE3
			       "principals: [{name: alice, key: a.pub}]\n"
			       "allow: [{principal: alice, module: '*', budget: 7, at: [r1]}]\n"),
			 0);
	memset(topo.principal[0].key, 0xab, 32);
	FILE *f = open_memstream(&text, &len);
	topo_write_conf(&topo, 1, f);
	fclose(f);
	assert_string_equal(
		text,
		"node r1\nrole router\nport 0 address 10.0.1.2/24\nport 0 peer h1\n"
		"port 1 address 10.0.3.9/24\nport 1 peer r2\nroute 10.0.4.0/24 via 10.0.3.1\n"
		"principal alice abababababababababababababababababababababababababababababababab\n"
		"allow alice * budget 7\n");
	free(text);
	f = open_memstream(&text, &len);
	topo_write_conf(&topo, 0, f);
	fclose(f);
	assert_non_null(strstr(text, "role host\n"));
	assert_non_null(strstr(text, "route 10.0.3.0/24 via 10.0.1.2\n"));
	assert_non_null(strstr(text, "route 10.0.4.0/24 via 10.0.1.2\n"));
	assert_null(strstr(text, "allow"));
	free(text);
}

/* IPv6 stands in the configuration of routers only, with routes as far as the first link of the way has it. */
#define TWO3                                                                        \
	"name: t\ntopology:\n  nodes: {a: {kind: xok}, b: {kind: xok}}\n  links:\n" \
	"    - {endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00:1::1/32\", "     \
	"\"fd00:1::2/32\"]}\n"                                                      \
	"    - {endpoints: [\"a:1\", \"b:1\"], addresses6: [\"fd00:1:5::1/64\", "   \
	"\"fd00:1:5::2/64\"]}\n"
static void test_conf6(void **state)
{
	static const char row[] =
		"name: t\ntopology:\n  nodes: {h: {kind: edge}, a: {kind: xok}, b: {kind: xok}, "
		"c: {kind: xok}}\n  links:\n"
		"    - {endpoints: [\"h:0\", \"a:0\"], addresses6: [\"fd00:1::1/64\", "
		"\"fd00:1::2/64\"]}\n"
		"    - {endpoints: [\"a:1\", \"b:0\"], addresses6: [\"fd00:2::1/64\", "
		"\"fd00:2::2/64\"]}\n"
		"    - {endpoints: [\"b:1\", \"c:0\"]}\n"
		"    - {endpoints: [\"c:1\", \"a:2\"], addresses6: [\"fd00:4::1/48\", "
		"\"fd00:4::2/48\"]}\n";
	static const char *const want[] = {
		"role host\nport 0 address 10.0.1.1/24\nport 0 peer a\n",
		"port 0 address fd00:1::2/64\nport 1 address fd00:2::1/64\n"
		"port 2 address fd00:4::2/48\n",
		"port 0 address fd00:2::2/64\nroute fd00:1::/64 via fd00:2::1\n",
		"port 1 address fd00:4::1/48\nroute fd00:1::/64 via fd00:4::2\n"
		"route fd00:2::/64 via fd00:4::2\n",
	};

	(void)state;
	assert_int_equal(parse(row), 0);
	for (uint32_t i = 0; i < 4; i++) {
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		topo_write_conf(&topo, i, f);
		fclose(f);
		/* The way from b to the last link begins with a link that has none. */
		if (!strstr(text, want[i]) || (i == 0 && strstr(text, "fd00")) ||
		    (i == 2 && strstr(text, "fd00:4")))
			fail_msg("%s", text);
		free(text);
	}
	assert_int_equal(parse(TWO3), -1);
	assert_non_null(strstr(error.text, "overlaps"));
}

/*
 * Hosts: a default route at their only port, and no rules. Routers on Linux get what those in QEMU get, and a link's MTU is told to
 * both ends.
 */
static void test_conf_hosts(void **state)
{
	static const char row[] =
		"name: t\ntopology:\n  nodes: {n: {kind: host}, r: {kind: router, memory: 300, "
		"lcores: \"0,2\", mirror: true, routes: 5000}, m: {kind: host}}\n  links:\n"
		"    - {endpoints: [\"n:0\", \"r:0\"], mtu: 1280, addresses6: [\"fd00:1::1/64\", "
		"\"fd00:1::2/64\"]}\n"
		"    - {endpoints: [\"r:1\", \"m:0\"]}\n"
		"    - {endpoints: [\"m:1\", \"n:1\"]}\n"
		"principals: [{name: alice, key: a.pub}]\n"
		"allow: [{principal: alice, module: '*', budget: 7}]\n";
	static const char *const want[] = {
		"node n\nrole host\nport 0 address 10.0.1.1/24\nport 0 peer r\nport 0 mtu 1280\n"
		"port 1 address 10.0.3.2/24\nport 1 peer m\nroute 10.0.2.0/24 via 10.0.1.2\n"
		"port 0 address fd00:1::1/64\n",
		"node r\nrole router\nroutes 5000\nport 0 address 10.0.1.2/24\nport 0 peer n\nport "
		"0 mtu 1280\n"
		"port 1 address 10.0.2.1/24\nport 1 peer m\nroute 10.0.3.0/24 via 10.0.2.2\n"
		"port 0 address fd00:1::2/64\n",
	};

	(void)state;
	assert_int_equal(parse(row), 0);
	assert_int_equal(topo.node[1].memory, 300);
	assert_string_equal(topo.node[1].lcores, "0,2");
	assert_true(topo.node[1].mirror);
	for (uint32_t i = 0; i < 2; i++) {
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		topo_write_conf(&topo, i, f);
		fclose(f);
		if (strncmp(text, want[i], strlen(want[i])) != 0 ||
		    (i == 0 && strstr(text, "allow")))
			fail_msg("%s", text);
		free(text);
	}
	/* Its routes come from daemons. */
	assert_int_equal(parse("name: t\ntopology:\n  nodes: {r: {kind: router, static: false}, s: "
			       "{kind: router}, t: {kind: xok}}\n"
			       "  links:\n    - {endpoints: [\"r:0\", \"s:0\"]}\n    - {endpoints: "
			       "[\"s:1\", \"t:0\"]}\n"),
			 0);
	for (uint32_t i = 0; i < 3; i++) {
		char *conf = NULL;
		size_t size;
		FILE *out = open_memstream(&conf, &size);

		topo_write_conf(&topo, i, out);
		fclose(out);
		assert_int_equal(strstr(conf, "route 10.0.") != NULL, i == 2);
		free(conf);
	}
	/* One port: everything goes there. */
	assert_int_equal(
		parse("name: t\ntopology:\n  nodes: {n: {kind: host}, r: {kind: xok}}\n  links:\n"
		      "    - {endpoints: [\"n:0\", \"r:0\"], addresses6: [\"fd00:1::1/64\", "
		      "\"fd00:1::2/64\"]}\n"),
		0);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	topo_write_conf(&topo, 0, f);
	topo_write_hosts(&topo, f);
	fclose(f);
	assert_non_null(strstr(text, "route 0.0.0.0/0 via 10.0.1.2\n"));
	assert_non_null(strstr(text, "route ::/0 via fd00:1::2\n"));
	assert_non_null(strstr(text, "10.0.1.2 r\nfd00:1::2 r\n"));
	free(text);
}

/* What is wrong, in which line and column, and a word that the message must hold. */
static const struct {
	const char *text;
	size_t line, column;
	const char *says;
} wrong[] = {
	{"", 0, 0, "empty"},
	{"name: [", 2, 1, "not YAML"},
	{"- 1\n", 1, 1, "must be a mapping"},
	{"name: a b\ntopology: {nodes: {}}", 1, 7, "letters"},
	{"name: t\n", 1, 1, "lacks 'topology'"},
	{"name: t\nname: u\n", 2, 1, "stands twice"},
	{"name: t\ncolour: red\n", 2, 1, "unknown key 'colour'"},
	{"name: t\ntopology: {nodes: {}}", 2, 19, "no nodes"},
	{"name: t\ntopology: {nodes: {a: {}}}", 2, 23, "lacks 'kind'"},
	{"name: t\ntopology: {nodes: {a: {kind: vm}}}", 2, 30,
	 "'xok', 'router', 'host' and 'edge'"},
	{"name: t\ntopology: {nodes: {a: {kind: xok, memory: 65}}}", 2, 43, "16 to 64"},
	{"name: t\ntopology: {nodes: {a: {kind: router, memory: 65537}}}", 2, 46, "16 to 65536"},
	{"name: t\ntopology: {nodes: {a: {memory: 65, kind: host}}}", 2, 32, "no memory"},
	{"name: t\ntopology: {nodes: {a: {kind: xok, mirror: true}}}", 2, 43, "of kind router"},
	{"name: t\ntopology: {nodes: {a: {kind: host, lcores: 0}}}", 2, 44, "of kind router"},
	{"name: t\ntopology: {nodes: {a: {kind: router, lcores: one}}}", 2, 46, "0,2-3"},
	{"name: t\ntopology: {nodes: {a: {kind: router, mirror: maybe}}}", 2, 46, "true or false"},
	{"name: t\ntopology: {nodes: {a: {kind: router, static: 0}}}", 2, 46, "true or false"},
	{"name: t\ntopology: {nodes: {a: {kind: router, routes: 15}}}", 2, 46, "16 to 2000000"},
	{"name: t\ntopology: {nodes: {a: {kind: xok, static: false}}}", 2, 43, "of kind router"},
	{"name: t\ntopology: {nodes: {a: {kind: host, routes: 99}}}", 2, 44, "of kind router"},
	{"name: t\ntopology: {nodes: {a: {kind: xok, image: x}}}", 2, 35, "unknown key 'image'"},
	{"name: t\ntopology: {nodes: {a: {kind: xok}, a: {kind: xok}}}", 2, 36, "stands twice"},
	{"name: t\ntopology: {nodes: {a.b: {kind: xok}}}", 2, 20, "letters"},
	{"name: t\nseed: -1\n", 2, 7, "whole number"},
	{"name: t\nseed: 99999999999999999999\n", 2, 7, "whole number"},
};

#define TWO "name: t\ntopology:\n  nodes: {a: {kind: xok}, b: {kind: xok}}\n  links:\n"
static const struct {
	const char *link, *says;
} wrong_link[] = {
	{"{delay: 5ms}", "lacks 'endpoints'"},
	{"{endpoints: [\"a:0\"]}", "two endpoints"},
	{"{endpoints: [\"a:0\", \"b:0\", \"b:1\"]}", "two endpoints"},
	{"{endpoints: [\"a:0\", \"a:1\"]}", "to itself"},
	{"{endpoints: [\"a:0\", \"a:0\"]}", "has a link already"},
	{"{endpoints: [\"a:0\", \"c:0\"]}", "no node 'c'"},
	{"{endpoints: [\"a:0\", \"b\"]}", "NODE:PORT"},
	{"{endpoints: [\"a:0\", \"b:8\"]}", "ports are 0 to 7"},
	{"{endpoints: [\"a:0\", \"b:1\"]}", "no port 0"},
	{"{endpoints: [\"a:0\", \"b:0\"], delay: 5}", "write 5ms"},
	{"{endpoints: [\"a:0\", \"b:0\"], delay: -5ms}", "write 5ms"},
	{"{endpoints: [\"a:0\", \"b:0\"], delay: 61s}", "up to 60s"},
	{"{endpoints: [\"a:0\", \"b:0\"], delay: 1ms, jitter: 2ms}", "jitter is larger"},
	{"{endpoints: [\"a:0\", \"b:0\"], loss: 101%}", "write 20%"},
	{"{endpoints: [\"a:0\", \"b:0\"], loss: 0.2}", "write 20%"},
	{"{endpoints: [\"a:0\", \"b:0\"], rate: 5mb}", "write 10mbit"},
	{"{endpoints: [\"a:0\", \"b:0\"], rate: 10bit}", "below 1kbit"},
	{"{endpoints: [\"a:0\", \"b:0\"], queue: 0}", "1 to 1024"},
	{"{endpoints: [\"a:0\", \"b:0\"], mtu: 9000}", "1280 to 1500"},
	{"{endpoints: [\"a:0\", \"b:0\"], duplex: full}", "unknown key 'duplex'"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"10.1.0.1/24\"]}", "write both"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"10.1.0.1/24\", \"10.1.1.2/24\"]}",
	 "one network"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"10.1.0.1/24\", \"10.1.0.1/24\"]}",
	 "two hosts"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"10.1.0.1/24\", \"10.1.0.255/24\"]}",
	 "broadcast"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"10.1.0.256/24\", \"10.1.0.2/24\"]}",
	 "A.B.C.D/LEN"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses: [\"127.1.0.1/24\", \"127.1.0.2/24\"]}",
	 "no host's"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00::1/64\"]}", "write both"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00::1/64\", \"fd00::1/64\"]}",
	 "two hosts"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00::1/64\", \"fd00:1::2/64\"]}",
	 "one network"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00::1\", \"fd00::2/64\"]}",
	 "fd00:1::1/64"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fd00::1/128\", \"fd00::2/128\"]}",
	 "16 to 127"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"fe80::1/64\", \"fe80::2/64\"]}",
	 "global address"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"ff02::1/64\", \"ff02::2/64\"]}",
	 "global address"},
	{"{endpoints: [\"a:0\", \"b:0\"], addresses6: [\"::1/64\", \"::2/64\"]}", "global address"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse(wrong[i].text), -1);
		if (!strstr(error.text, wrong[i].says))
			fail_msg("%s: says '%s'", wrong[i].text, error.text);
		if (error.line != wrong[i].line || error.column != wrong[i].column)
			fail_msg("%s: at %zu:%zu", wrong[i].text, error.line, error.column);
	}
	for (size_t i = 0; i < sizeof(wrong_link) / sizeof(wrong_link[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), TWO "    - %s\n", wrong_link[i].link);
		assert_int_equal(parse(text), -1);
		if (!strstr(error.text, wrong_link[i].says))
			fail_msg("%s: says '%s'", wrong_link[i].link, error.text);
		assert_true(error.line == 5 || strstr(wrong_link[i].says, "no port 0"));
	}
}

static void test_rule_errors(void **state)
{
	(void)state;
	assert_int_equal(parse(LINE3 "allow: [{principal: eve, module: '*', budget: 1}]\n"), -1);
	assert_non_null(strstr(error.text, "no principal 'eve'"));
	assert_int_equal(error.line, 12);
	assert_int_equal(parse(LINE3 "principals: [{name: a, key: k}]\n"
				     "allow: [{principal: a, module: '*', budget: 0}]\n"),
			 -1);
	assert_int_equal(parse(LINE3 "principals: [{name: a, key: k}]\n"
				     "allow: [{principal: a, module: '*', budget: 1, at: [zz]}]\n"),
			 -1);
	assert_non_null(strstr(error.text, "no node 'zz'"));
}

/* The command that makes a missing key stands in the message, ready to be pasted. */
static void test_missing_key(void **state)
{
	(void)state;
	assert_int_equal(parse(LINE3 "principals: [{name: a, key: keys/alice.pub}]\n"), 0);
	assert_int_equal(topo_load_keys(&topo, "/nonexistent/dir", "/nonexistent", &error), -1);
	assert_non_null(strstr(error.text, "amp keygen alice -d /nonexistent/dir/keys"));
	assert_int_equal(error.line, 12);
}

static void test_missing_module(void **state)
{
	(void)state;
	assert_int_equal(parse(LINE3), 0);
	topo.nallow = 1;
	strcpy(topo.allow[0].module, "nothere");
	assert_int_equal(topo_load_keys(&topo, "/nonexistent", "/nonexistent", &error), -1);
	assert_non_null(strstr(error.text, "/nonexistent/nothere.mod"));
	strcpy(topo.allow[0].module,
	       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	assert_int_equal(topo_load_keys(&topo, "/nonexistent", "/nonexistent", &error), 0);
}

/* ---- paths against Floyd and Warshall's all-pairs search ---- */

static uint32_t rng = 12345;
static uint32_t draw(uint32_t n)
{
	rng = rng * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)rng * n) >> 32);
}

static void random_net(uint32_t nnode, uint32_t nlink)
{
	memset(&topo, 0, sizeof(topo));
	topo.nnode = nnode;
	for (uint32_t i = 0; i < nnode; i++) {
		topo.node[i].kind = (enum topo_kind)draw(TOPO_NKIND);
		for (uint32_t p = 0; p < TOPO_PORTS; p++)
			topo.node[i].port[p].link = TOPO_NONE;
	}
	for (uint32_t i = 0; i < nlink; i++) {
		uint32_t a = draw(nnode), b = draw(nnode);

		if (a == b || topo.node[a].nport == TOPO_PORTS || topo.node[b].nport == TOPO_PORTS)
			continue;
		struct topo_link *l = &topo.link[topo.nlink];

		for (uint32_t e = 0; e < 2; e++) {
			struct topo_node *n = &topo.node[e ? b : a];

			l->node[e] = e ? b : a;
			l->port[e] = n->nport;
			n->port[n->nport].end = e;
			n->port[n->nport++].link = topo.nlink;
		}
		l->params.delay = draw(5);
		topo.nlink++;
	}
	assert_int_equal(topo_assign(&topo, &error), 0);
}

#define FAR 1000000u
static void all_pairs(uint32_t d[16][16])
{
	for (uint32_t i = 0; i < 16; i++)
		for (uint32_t j = 0; j < 16; j++)
			d[i][j] = i == j ? 0 : FAR;
	for (uint32_t i = 0; i < topo.nlink; i++) {
		uint32_t a = topo.link[i].node[0], b = topo.link[i].node[1];

		d[a][b] = d[b][a] = 1;
	}
	for (uint32_t k = 0; k < topo.nnode; k++)
		for (uint32_t i = 0; topo_forwards(topo.node[k].kind) && i < topo.nnode; i++)
			for (uint32_t j = 0; j < topo.nnode; j++)
				if (d[i][k] + d[k][j] < d[i][j])
					d[i][j] = d[i][k] + d[k][j];
}

static void test_paths(void **state)
{
	uint32_t d[16][16], port[TOPO_NODES];

	(void)state;
	for (int round = 0; round < 500; round++) {
		random_net(2 + draw(15), 1 + draw(40));
		all_pairs(d);
		for (uint32_t to = 0; to < topo.nnode; to++) {
			topo_paths(&topo, to, port);
			for (uint32_t n = 0; n < topo.nnode; n++) {
				if (n == to || d[n][to] >= FAR) {
					assert_int_equal(port[n], TOPO_NONE);
					continue;
				}
				const struct topo_link *l =
					&topo.link[topo.node[n].port[port[n]].link];
				uint32_t next = l->node[l->node[0] == n];

				assert_int_equal(d[next][to] + 1, d[n][to]);
			}
		}
	}
}

/* Following the gateways from any node towards any prefix ends at it, in at most as many steps as there are nodes. */
static void test_gateways_arrive(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		random_net(2 + draw(15), 1 + draw(30));
		for (uint32_t start = 0; start < topo.nnode; start++)
			for (uint32_t link = 0; link < topo.nlink; link++) {
				uint32_t n = start, gw, steps = 0;

				while (topo_gateway(&topo, n, link, &gw)) {
					uint32_t next = TOPO_NONE;

					for (uint32_t i = 0; i < topo.nnode; i++)
						for (uint32_t p = 0; p < topo.node[i].nport; p++)
							if (topo.node[i].port[p].addr == gw)
								next = i;
					assert_int_not_equal(next, TOPO_NONE);
					assert_true(++steps <= topo.nnode);
					n = next;
				}
				bool there = topo.link[link].node[0] == n ||
					     topo.link[link].node[1] == n;
				assert_true(there || n == start);
			}
	}
}

static void test_quantities(void **state)
{
	static const struct parse_unit u[] = {{"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};
	uint64_t v;

	(void)state;
	assert_int_equal(parse_quantity("1.25ms", u, &v), 0);
	assert_int_equal(v, 1250000);
	assert_int_equal(parse_quantity("0", u, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(parse_quantity("3", u, &v), -1);
	assert_int_equal(parse_quantity("1.ms", u, &v), -1);
	assert_int_equal(parse_quantity(".5ms", u, &v), -1);
	assert_int_equal(parse_quantity("0.0000001ms", u, &v), -1);
	assert_int_equal(parse_quantity("99999999999999999999s", u, &v), -1);
	assert_int_equal(parse_quantity("", u, &v), -1);
	uint32_t a, len;
	assert_int_equal(parse_prefix("10.1.2.3/8", &a, &len), 0);
	assert_int_equal(a, 0x0a010203);
	assert_int_equal(parse_addr("1.2.3.4 ", &a), -1);
	assert_int_equal(parse_addr("1.2.3.0400", &a), -1);
	assert_int_equal(parse_addr("1.2.3", &a), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_all),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_conf6),
		cmocka_unit_test(test_conf_hosts),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_rule_errors),
		cmocka_unit_test(test_missing_key),
		cmocka_unit_test(test_missing_module),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_gateways_arrive),
		cmocka_unit_test(test_quantities),
	};
	return cmocka_run_group_tests_name("testbed/topology", tests, NULL, NULL);
}
