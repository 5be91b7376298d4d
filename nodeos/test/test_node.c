/* SPDX-License-Identifier: BSD-2-Clause */
/* test_node.c - the published tables: longest-prefix match against a trivial reference, lookups, policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/test/mock_amp.h"

static struct node_pub pub;

static struct {
	uint32_t prefix;
	uint8_t len;
} list[256];

/* The reference: look at every route; of equal prefixes the last one counts. */
static int reference(uint32_t n, uint32_t addr)
{
	int best = -1;

	for (uint32_t i = 0; i < n; i++) {
		if ((addr & mask4(list[i].len)) != list[i].prefix)
			continue;
		if (best < 0 || list[i].len >= list[best].len)
			best = (int)i;
	}
	return best;
}

static uint32_t rnd(void)
{
	return (uint32_t)random() << 16 ^ (uint32_t)random();
}

static void routes_match_reference(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 400; round++) {
		uint32_t base = rnd(), n = (uint32_t)random() % 257;

		mock_reset(1);
		node_init(&pub);
		for (uint32_t i = 0; i < n; i++) {
			/* Close to each other, so that prefixes contain and fork one another. */
			uint32_t addr = round % 2 ? rnd() : base ^ (rnd() & 0xff0f);
			uint8_t len = (uint8_t)(random() % 33);

			list[i].prefix = addr & mask4(len);
			list[i].len = len;
			mock_route4(&pub, list[i].prefix, len, i + 1, 0);
		}
		for (int k = 0; k < 500; k++) {
			uint32_t addr = k % 3 ? base ^ (rnd() & 0xff0f) : rnd();
			int want = reference(n, addr);
			struct node_hop hop;

			assert_int_equal(node_route(&pub, addr, &hop), want >= 0);
			if (want >= 0)
				assert_int_equal(hop.next, want + 1);
		}
	}
}

/* A reader must come out of a table that is being written, whatever stands in it: it ends, inside the arrays. */
static void torn_tables_end(void **state)
{
	(void)state;
	srandom(2);
	for (int round = 0; round < 1000; round++) {
		struct node_hop hop;
		uint8_t mac[6], own[6], key[32] = {0};
		uint32_t budget;
		uint8_t *raw = (uint8_t *)&pub;

		/* All but the tables' headers, which are written once, before anybody reads. */
		node_init(&pub);
		for (size_t i = 0; i < sizeof(pub); i += 1 + (size_t)random() % 16) {
			if (i < offsetof(struct node_pub, fib) ||
			    i >= offsetof(struct node_pub, fib) + 4096)
				raw[i] = (uint8_t)random();
		}
		atomic_store(&pub.seq, 2);
		(void)node_route(&pub, rnd(), &hop);
		(void)node_is_local(&pub, rnd());
		(void)node_is_connected(&pub, rnd(), NULL);
		(void)node_link(&pub, (uint16_t)random(), rnd(), mac, own);
		(void)node_policy(&pub, key, key, &budget);
	}
}

static void next_hop_and_source(void **state)
{
	struct node_hop hop;

	(void)state;
	mock_reset(3);
	mock_node(&pub, 3, NODE_ROUTER);
	assert_true(node_route(&pub, 0x0a000107, &hop));
	assert_int_equal(hop.port, 1);
	assert_int_equal(hop.next, 0x0a000107);
	assert_int_equal(hop.source, 0x0a000101);
	assert_true(node_route(&pub, 0x0a090001, &hop));
	assert_int_equal(hop.next, 0x0a000102);
	assert_true(node_route(&pub, 0x08080808, &hop));
	assert_int_equal(hop.port, 2);
	assert_int_equal(hop.source, 0x0a000201);
}

static void local_connected_broadcast(void **state)
{
	uint16_t port;

	(void)state;
	mock_reset(2);
	mock_node(&pub, 2, NODE_ROUTER);
	assert_true(node_is_local(&pub, 0x0a000101));
	assert_false(node_is_local(&pub, 0x0a000102));
	assert_true(node_is_connected(&pub, 0x0a000102, &port));
	assert_int_equal(port, 1);
	assert_false(node_is_connected(&pub, 0x0a0001ff, NULL));
	assert_false(node_is_connected(&pub, 0x0a090001, NULL));
	assert_true(node_is_broadcast(&pub, 0x0a0001ff));
	assert_true(node_is_broadcast(&pub, 0x0a000100));
	assert_true(node_is_broadcast(&pub, 0xffffffff));
	assert_false(node_is_broadcast(&pub, 0x0a000101));
}

static void policy_prefers_the_exact_rule(void **state)
{
	uint8_t alice[32] = {1}, bob[32] = {2}, mod[32] = {7}, other[32] = {8};
	uint32_t budget = 0;

	(void)state;
	mock_reset(1);
	node_init(&pub);
	memcpy(pub.principal[0].key, alice, 32);
	memcpy(pub.principal[1].key, bob, 32);
	pub.nprincipal = 2;
	pub.rule[0] = (struct node_rule){.principal = 0, .any = 1, .budget = 1000};
	pub.rule[1] = (struct node_rule){.principal = 0, .budget = 10, .module = {7}};
	pub.nrule = 2;
	assert_int_equal(node_policy(&pub, alice, mod, &budget), NODE_ALLOWED);
	assert_int_equal(budget, 10);
	assert_int_equal(node_policy(&pub, alice, other, &budget), NODE_ALLOWED);
	assert_int_equal(budget, 1000);
	assert_int_equal(node_policy(&pub, bob, mod, &budget), NODE_DENIED);
	assert_int_equal(node_policy(&pub, other, mod, &budget), NODE_UNKNOWN_PRINCIPAL);
}

static void incremental_checksum(void **state)
{
	uint8_t h[20];

	(void)state;
	srandom(3);
	for (int i = 0; i < 20000; i++) {
		uint16_t was;

		inet_ip4_header(h, (uint8_t)random(), (size_t)random() % 1400 + 20, 0,
				(uint8_t)(random() % 254 + 2), PROTO_UDP, rnd(), rnd());
		was = be16(h + IP4_TTL_AT);
		h[IP4_TTL_AT]--;
		put16(h + IP4_SUM, inet_adjust(be16(h + IP4_SUM), was, be16(h + IP4_TTL_AT)));
		assert_int_equal(inet_ip4_check(h, 2000), INET_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_match_reference),
		cmocka_unit_test(torn_tables_end),
		cmocka_unit_test(next_hop_and_source),
		cmocka_unit_test(local_connected_broadcast),
		cmocka_unit_test(policy_prefers_the_exact_rule),
		cmocka_unit_test(incremental_checksum),
	};

	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
