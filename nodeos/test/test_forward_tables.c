/* SPDX-License-Identifier: BSD-2-Clause */
/* test_forward_tables.c - the forwarding tables follow routes and neighbours, and a node without handlers forwards as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/test/forward_bench.h"

/* ---- tables follow the node ---- */

static void arp_reply(uint16_t port, uint32_t addr, const uint8_t mac[6])
{
	uint8_t f[ETH_HLEN + 28] = {0};

	memcpy(f + 6, mac, 6);
	put16(f + ETH_HLEN, 1);
	put16(f + ETH_HLEN + 2, ETH_IP4);
	f[ETH_HLEN + 4] = 6;
	f[ETH_HLEN + 5] = 4;
	put16(f + ETH_HLEN + 6, 2);
	memcpy(f + ETH_HLEN + 8, mac, 6);
	put32(f + ETH_HLEN + 14, addr);
	put32(f + ETH_HLEN + 24, 0x0a000001 | (uint32_t)port << 8);
	arp_input(&arp, port, f, sizeof(f));
}

/* Unknown, asked for, known, silent: the adjacency follows each step. */
static void neighbours_come_and_go(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 0x33};

	(void)state;
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	arp_send(&arp, 1, 0x0a000133, (const uint8_t[20]){0x45}, 20);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	arp_reply(1, 0x0a000133, mac);
	expect_forward4(make4(0x0a000133), mac);
	/* Probes are unanswered: from then on it is unknown. Until then it is used. */
	mock_advance(NEIGH_FRESH_NS + (NEIGH_PROBES - 1) * NEIGH_RETRY_NS);
	expect_forward4(make4(0x0a000133), mac);
	mock_advance(2 * NEIGH_RETRY_NS);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	mock_advance(NEIGH_TRIES * NEIGH_RETRY_NS);
	expect_pass(make4(0x0a000133), FORWARD_IP4_NO_NEIGHBOUR);
	assert_int_equal(arp.entry[0].usable, arp.entry[0].state == NEIGH_STATIC);
}

/* The default route's gateway is unknown until it answers; then all that it stands for goes. */
static void gateways_come_and_go(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 2, 2};
	struct frame f = make4(0x08080808);
	struct ip6 via = addr6("fd00:2::2"), out = addr6("2001:db8::1");
	struct frame g = make6(&out);

	(void)state;
	expect_pass(f, FORWARD_IP4_NO_NEIGHBOUR);
	assert_true(arp_static(&arp, 2, 0x0a000202, mac));
	assert_int_equal(handle(&f, 0, FORWARD_IP4_FORWARDED), XOK_FORWARD_TO(2));
	assert_memory_equal(f.data, mac, 6);
	expect_pass(g, FORWARD_IP6_NO_NEIGHBOUR);
	assert_true(neigh_static(&nd, 2, &via, mac));
	assert_int_equal(handle(&g, 0, FORWARD_IP6_FORWARDED), XOK_FORWARD_TO(2));
	assert_memory_equal(g.data, mac, 6);
}

/* A route for a part of a connected network leads its hosts elsewhere, known as neighbours or not. */
static void longer_routes_win(void **state)
{
	(void)state;
	expect_forward4(make4(NEAR), mac_near);
	route_to("10.0.1.0/29", "10.0.1.2", 1);
	forward_flush(&fwd);
	expect_forward4(make4(NEAR), mac_gateway);
	assert_true(arp_static(&arp, 1, NEAR, mac_host)); /* it changes its link address */
	expect_forward4(make4(NEAR), mac_gateway);
	no_route_to("10.0.1.0/29");
	forward_flush(&fwd);
	expect_forward4(make4(NEAR), mac_host);
}

/* Every path that root/forward.c can take agrees with the slow one, for random routes and neighbours. */
static void agrees_with_the_slow_path(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		rib_mark(&fwd.rib, RIB_HOST);
		for (unsigned i = 0; i < 12; i++) {
			seed = seed * 1664525 + 1013904223;
			uint8_t len = (uint8_t)(20 + (seed >> 8) % 13);
			struct ip6 net = ip6_mapped((0x0a000000 | (seed >> 16 & 0x3ff)) &
						    mask4(len));
			const struct hops_member m = {
				.port = 1, .addr = ip6_mapped(seed >> 30 ? GATEWAY : 0x0a000133)};

			assert_int_equal(forward_route(&fwd, &net, 96u + len, RIB_HOST, seed >> 28,
						       (uint32_t)hops_group(&fwd.hops, &m, 1)),
					 0);
		}
		rib_sweep(&fwd.rib, RIB_HOST);
		if (round & 1)
			arp_reply(1, 0x0a000133, mac_near);
		forward_flush(&fwd);
		for (unsigned i = 0; i < 200; i++) {
			seed = seed * 1664525 + 1013904223;
			uint32_t dst = 0x0a000000 | (seed >> 16 & 0x3ff);
			struct frame f = make4(dst);
			struct node_hop hop;
			uint8_t mac[6], own[6];
			uint64_t verdict = mock_handle(0, f.data, &f.len);

			if (dst == HOST || node_is_local(&router, dst) ||
			    node_is_broadcast(&router, dst))
				continue;
			if (!node_route(&router, dst, &hop))
				fail();
			if (node_link(&router, hop.port, hop.next, mac, own) && hop.port != 0) {
				assert_int_equal(verdict, XOK_FORWARD_TO(hop.port));
				assert_memory_equal(f.data, mac, 6);
			} else {
				assert_int_equal(verdict, XOK_V_PASS);
			}
		}
	}
}

/* An adjacency that is being written is not used. */
static void half_written_adjacency(void **state)
{
	(void)state;
	for (unsigned i = FORWARD_HOP; i < FORWARD_ADJACENCIES; i++)
		fwd.hops.adjacency[i].version |= 1;
	expect_pass(make4(FAR), FORWARD_IP4_NO_NEIGHBOUR);
	expect_pass(make6(&far6), FORWARD_IP6_NO_NEIGHBOUR);
}

/* ---- without the kernel's help ---- */

/* A host does not forward, and a router that becomes one stops. */
static void hosts_do_not(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	router.role = NODE_HOST;
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	router.role = NODE_ROUTER;
	forward_config(&fwd);
	expect_forward4(make4(FAR), mac_gateway);
}

/* Refused: everything comes to the environment, nothing is left behind, and neighbours may come all the same. */
static void refused(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	mock_kernel_reset();
	mock_table_error = XOK_ENOSYS;
	forward_start(NODE_ROUTER);
	forward_learn();
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	assert_int_equal(mock_tables(), 0);
	assert_int_equal(forward_counted(&fwd, FORWARD_IP4_FORWARDED), 0);
	mock_kernel_reset();
	mock_prog_error = XOK_EINVAL;
	forward_start(NODE_ROUTER);
	forward_learn();
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	assert_int_equal(mock_progs(), 0);
}

/* A prefix that does not fit into the table would be missing from it: the handler goes. */
static void overflow_takes_it_off(void **state)
{
	struct frame f = make4(FAR);

	(void)state;
	mock_updates_left = 0;
	assert_true(arp_static(&arp, 1, 0x0a000144, mac_near));
	mock_updates_left = UINT32_MAX;
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	forward_config(&fwd);
	assert_int_equal(mock_handle(0, f.data, &f.len), MOCK_UNHANDLED);
	expect_forward6(make6(&far6), mac_gateway);
}

/* ---- a process takes over from another one ---- */

/*
 * The old process is gone, its handlers and tables are not: they go on forwarding while the new one makes its own, which then know all
 * neighbours without asking, and count on.
 */
static void takes_over(void **state)
{
	struct frame f = make4(FAR);
	uint64_t count;
	uint32_t tables = mock_tables();

	(void)state;
	expect_forward4(f, mac_gateway);
	count = forward_counted(&fwd, FORWARD_IP4_FORWARDED);
	mock_starts = 2;
	forward_start(NODE_ROUTER);
	forward_config(&fwd);
	assert_true(fwd.held);
	assert_null(neigh_find(&arp, 1, &(struct ip6){.b = {[10] = 0xff, 0xff, 10, 0, 1, 2}}));
	assert_int_equal(mock_handle(0, f.data, &f.len), XOK_FORWARD_TO(1));
	assert_int_equal(forward_counted(&fwd, FORWARD_IP4_FORWARDED), count + 1);
	forward_release(&fwd);
	expect_forward4(make4(FAR), mac_gateway);
	expect_forward4(make4(NEAR), mac_near);
	expect_forward6(make6(&far6), mac_gateway);
	assert_int_equal(forward_counted(&fwd, FORWARD_IP4_FORWARDED), count + 3);
	assert_int_equal(mock_tables(), tables);
	/* They are verified in time like all others. */
	mock_advance(NEIGH_FRESH_NS + (NEIGH_PROBES + 1) * NEIGH_RETRY_NS);
	expect_pass(make4(NEAR), FORWARD_IP4_NO_NEIGHBOUR);
	mock_starts = 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, forward_setup, forward_teardown)
	const struct CMUnitTest tests[] = {
		T(neighbours_come_and_go),
		T(gateways_come_and_go),
		T(longer_routes_win),
		T(agrees_with_the_slow_path),
		T(half_written_adjacency),
		T(hosts_do_not),
		T(refused),
		T(overflow_takes_it_off),
		T(takes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
