/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dpf.c - filters written by hand, and what a demultiplexer must do at its edges: refuse, run
 * full, undo.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xok/dpf/dpf.h"

#define EQ(o, s, m, v)                                                                  \
	(struct xok_atom)                                                               \
	{                                                                               \
		.kind = XOK_ATOM_EQ, .off = (o), .size = (s), .mask = (m), .value = (v) \
	}
#define SHIFT(o, s, m, l)                                                                \
	(struct xok_atom)                                                                \
	{                                                                                \
		.kind = XOK_ATOM_SHIFT, .off = (o), .size = (s), .mask = (m), .shl = (l) \
	}
#define FILTER(...) make((struct xok_atom[]){__VA_ARGS__}, sizeof((struct xok_atom[]){__VA_ARGS__}))

static struct xok_filter make(const struct xok_atom *a, size_t bytes)
{
	struct xok_filter f = {.port = XOK_PORT_ANY, .natoms = (uint32_t)(bytes / sizeof(*a))};

	memcpy(f.atom, a, bytes);
	return f;
}

static struct dpf *new_dpf(size_t bytes)
{
	void *arena = aligned_alloc(16, bytes);
	struct dpf *d;

	assert_non_null(arena);
	memset(arena, 0xa5, bytes);
	d = dpf_init(arena, bytes);
	assert_ptr_equal(d, arena);
	return d;
}

static void insert(struct dpf *d, struct xok_filter f, uint32_t id)
{
	assert_int_equal(dpf_insert(d, &f, id, NULL), 0);
}

/* Matches a copy that ends where the packet ends, so that a read beyond it is seen. */
static uint32_t match(const struct dpf *d, const void *pkt, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	uint32_t id;

	assert_non_null(exact);
	memcpy(exact, pkt, len);
	id = dpf_match(d, exact, len);
	free(exact);
	return id;
}

static struct xok_filter arp(void)
{
	return FILTER(EQ(12, 2, 0xffff, 0x0806));
}

static struct xok_filter ipv4(void)
{
	return FILTER(EQ(12, 2, 0xffff, 0x0800));
}

static struct xok_filter udp_port(uint16_t port)
{
	return FILTER(EQ(12, 2, 0xffff, 0x0800), EQ(14, 1, 0xf0, 0x40), EQ(20, 2, 0x1fff, 0),
		      EQ(23, 1, 0xff, 17), SHIFT(14, 1, 0x0f, 2), EQ(16, 2, 0xffff, port));
}

/* An Ethernet frame with a UDP datagram, `words` words of IP options and 18 bytes of payload. */
static size_t udp_frame(uint8_t frame[128], uint32_t words, uint16_t port)
{
	uint32_t ihl = 5 + words;
	uint8_t *udp = frame + 14 + 4 * ihl;

	memset(frame, 0, 128);
	frame[12] = 0x08;
	frame[14] = (uint8_t)(0x40 | ihl);
	frame[23] = 17;
	udp[2] = (uint8_t)(port >> 8);
	udp[3] = (uint8_t)port;
	return (size_t)(udp - frame) + 8 + 18;
}

static void test_empty(void **state)
{
	struct dpf *d = new_dpf(DPF_ARENA_MIN);
	struct dpf_stats s;

	(void)state;
	assert_int_equal(match(d, "", 0), DPF_NONE);
	insert(d, (struct xok_filter){.natoms = 0}, 7);
	assert_int_equal(match(d, "", 0), 7);
	assert_int_equal(match(d, "x", 1), 7);
	dpf_stats(d, &s);
	assert_int_equal(s.filters, 1);
	assert_int_equal(dpf_remove(d, 8), DPF_ENOENT);
	assert_int_equal(dpf_remove(d, 7), 0);
	assert_int_equal(dpf_remove(d, 7), DPF_ENOENT);
	assert_int_equal(match(d, "x", 1), DPF_NONE);
	free(d);
}

static void test_arena_refused(void **state)
{
	static _Alignas(16) uint8_t arena[DPF_ARENA_MIN + 16];

	(void)state;
	assert_null(dpf_init(arena, DPF_ARENA_MIN - 1));
	assert_null(dpf_init(arena + 8, DPF_ARENA_MIN));
	assert_non_null(dpf_init(arena + 16, DPF_ARENA_MIN));
}

static void test_ethertypes(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t frame[128];

	(void)state;
	insert(d, arp(), 1);
	insert(d, ipv4(), 2);
	udp_frame(frame, 0, 53);
	assert_int_equal(match(d, frame, 60), 2);
	frame[13] = 0x06;
	assert_int_equal(match(d, frame, 60), 1);
	assert_int_equal(match(d, frame, 14), 1);
	assert_int_equal(match(d, frame, 13), DPF_NONE);
	frame[13] = 0xdd;
	assert_int_equal(match(d, frame, 60), DPF_NONE);
	free(d);
}

static void test_udp_port_behind_options(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t frame[128];
	size_t len;

	(void)state;
	insert(d, udp_port(3322), 1);
	insert(d, udp_port(53), 2);
	insert(d, ipv4(), 3);
	for (uint32_t words = 0; words <= 10; words++) {
		len = udp_frame(frame, words, 3322);
		assert_int_equal(match(d, frame, len), 1);
		/* The port's second byte is missing: the less specific filter gets it. */
		assert_int_equal(match(d, frame, len - 18 - 8 + 3), 3);
		len = udp_frame(frame, words, 53);
		assert_int_equal(match(d, frame, len), 2);
		len = udp_frame(frame, words, 54);
		assert_int_equal(match(d, frame, len), 3);
		frame[23] = 6;
		assert_int_equal(match(d, frame, len), 3);
	}
	/* A later fragment has no ports. */
	len = udp_frame(frame, 0, 53);
	frame[21] = 1;
	assert_int_equal(match(d, frame, len), 3);
	free(d);
}

static void test_vlan(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t frame[64] = {[12] = 0x81, [14] = 0xa0, [15] = 42, [16] = 0x08};

	(void)state;
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x8100), EQ(14, 2, 0x0fff, 42)), 1);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x8100), EQ(14, 2, 0x0fff, 43)), 2);
	insert(d,
	       FILTER(EQ(12, 2, 0xffff, 0x8100), EQ(14, 2, 0x0fff, 42), EQ(16, 2, 0xffff, 0x0806)),
	       3);
	assert_int_equal(match(d, frame, sizeof(frame)), 1);
	frame[14] = 0x10; /* another priority, the same VLAN */
	assert_int_equal(match(d, frame, sizeof(frame)), 1);
	frame[17] = 0x06;
	assert_int_equal(match(d, frame, sizeof(frame)), 3);
	frame[15] = 43;
	assert_int_equal(match(d, frame, sizeof(frame)), 2);
	frame[15] = 44;
	assert_int_equal(match(d, frame, sizeof(frame)), DPF_NONE);
	free(d);
}

static void test_most_specific_wins(void **state)
{
	uint8_t pkt[8] = {10, 1, 2, 3, 0, 80, 0, 0};
	struct dpf *d = new_dpf(16384);

	(void)state;
	insert(d, FILTER(EQ(0, 4, 0xff000000, 0x0a000000)), 8);
	insert(d, FILTER(EQ(0, 4, 0xffff0000, 0x0a010000)), 16);
	insert(d, FILTER(EQ(4, 2, 0xffff, 80)), 80);
	insert(d, FILTER(EQ(0, 4, 0xffffffff, 0x0a010203)), 32);
	insert(d, FILTER(EQ(0, 4, 0xffffff00, 0x0a010200), EQ(4, 2, 0xff00, 0)), 33);
	/* 32 bits each: the one inserted first. */
	assert_int_equal(match(d, pkt, 8), 32);
	assert_int_equal(dpf_remove(d, 32), 0);
	assert_int_equal(match(d, pkt, 8), 33);
	insert(d, FILTER(EQ(0, 4, 0xffffffff, 0x0a010203)), 32);
	assert_int_equal(match(d, pkt, 8), 33);
	assert_int_equal(dpf_remove(d, 33), 0);
	assert_int_equal(dpf_remove(d, 32), 0);
	assert_int_equal(match(d, pkt, 8), 16);
	assert_int_equal(match(d, pkt, 4), 16);
	pkt[1] = 2;
	assert_int_equal(match(d, pkt, 8), 80);
	pkt[5] = 81;
	assert_int_equal(match(d, pkt, 8), 8);
	free(d);
}

static void test_hostile_shift(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t pkt[16];

	(void)state;
	memset(pkt, 0xff, sizeof(pkt));
	insert(d, FILTER(SHIFT(0, 8, UINT64_MAX, 8), EQ(0, 1, 0xff, 0xff)), 1);
	insert(d, FILTER(SHIFT(0, 8, UINT64_MAX, 0), EQ(1, 1, 0xff, 0xff)), 2);
	insert(d, FILTER(SHIFT(0, 4, 0xffffffff, 8), EQ(0xffff, 8, UINT64_MAX, UINT64_MAX)), 3);
	insert(d,
	       FILTER(SHIFT(0, 8, UINT64_MAX, 0), SHIFT(0, 8, UINT64_MAX, 0), EQ(2, 1, 0xff, 0xff)),
	       4);
	for (size_t len = 0; len <= sizeof(pkt); len++)
		assert_int_equal(match(d, pkt, len), DPF_NONE);
	/* A shift that ends a filter asks only that its own bytes are there. */
	insert(d, FILTER(SHIFT(8, 8, UINT64_MAX, 8)), 5);
	assert_int_equal(match(d, pkt, 16), 5);
	assert_int_equal(match(d, pkt, 15), DPF_NONE);
	free(d);
}

static void test_length_only(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t pkt[8] = {1, 3};

	(void)state;
	insert(d, FILTER(EQ(0, 8, 0, 0)), 1);
	insert(d, FILTER(EQ(4, 2, 0, 0)), 2);
	insert(d, FILTER(EQ(0, 1, 0xff, 1), SHIFT(1, 1, 0xff, 0), EQ(1, 4, 0, 0)), 3);
	assert_int_equal(match(d, pkt, 8), 3);
	assert_int_equal(match(d, pkt, 7), 2);
	assert_int_equal(match(d, pkt, 5), DPF_NONE);
	pkt[0] = 0;
	assert_int_equal(match(d, pkt, 8), 1);
	assert_int_equal(match(d, pkt, 6), 2);
	free(d);
}

static void refuse(struct xok_filter f)
{
	struct dpf *d = new_dpf(DPF_ARENA_MIN);

	assert_int_equal(dpf_check(&f), DPF_EINVAL);
	assert_int_equal(dpf_insert(d, &f, 1, NULL), DPF_EINVAL);
	assert_int_equal(match(d, "0123456789", 10), DPF_NONE);
	free(d);
}

static void test_malformed(void **state)
{
	struct xok_atom a = EQ(0, 1, 0xff, 1);
	struct xok_filter f = {.natoms = XOK_FILTER_ATOMS + 1};

	(void)state;
	refuse(f);
	f.natoms = UINT32_MAX;
	refuse(f);
	refuse(FILTER(EQ(0, 0, 0, 0)));
	refuse(FILTER(EQ(0, 3, 0xff, 0)));
	refuse(FILTER(EQ(0, 16, 0xff, 0)));
	refuse(FILTER(EQ(0, 1, 0xff, 0x100)));
	refuse(FILTER(EQ(0, 1, 0x0f, 0x10)));
	refuse(FILTER(EQ(0, 2, 0x1ffff, 0)));
	refuse(FILTER(SHIFT(0, 1, 0xff, 9)));
	a.shl = 1;
	refuse(FILTER(a));
	a.shl = 0;
	a.pad[2] = 1;
	refuse(FILTER(a));
	a.pad[2] = 0;
	a.kind = 2;
	refuse(FILTER(a));
	a.kind = XOK_ATOM_SHIFT;
	refuse(FILTER(a));
	/* Two atoms that contradict each other in one bit can never match. */
	refuse(FILTER(EQ(0, 2, 0xffff, 0x1234), EQ(1, 1, 0x04, 0x00)));
	refuse(FILTER(EQ(5, 1, 1, 1), SHIFT(0, 1, 0, 0), EQ(5, 1, 1, 0)));
}

static void equal(struct xok_filter a, struct xok_filter b)
{
	struct dpf *d = new_dpf(16384);
	uint32_t id = 0;

	insert(d, a, 11);
	assert_int_equal(dpf_insert(d, &b, 12, &id), DPF_EEXIST);
	assert_int_equal(id, 11);
	assert_int_equal(dpf_remove(d, 11), 0);
	insert(d, b, 12);
	assert_int_equal(dpf_insert(d, &a, 11, &id), DPF_EEXIST);
	assert_int_equal(id, 12);
	free(d);
}

static void test_equal_filters(void **state)
{
	struct dpf *d = new_dpf(16384);

	(void)state;
	equal(FILTER(EQ(0, 1, 0xff, 1), EQ(1, 1, 0xff, 2)),
	      FILTER(EQ(1, 1, 0xff, 2), EQ(0, 1, 0xff, 1)));
	equal(FILTER(EQ(0, 2, 0xffff, 0x0102)), FILTER(EQ(1, 1, 0xff, 2), EQ(0, 1, 0xff, 1)));
	equal(FILTER(EQ(0, 2, 0xffff, 0x0102)),
	      FILTER(EQ(0, 2, 0xffff, 0x0102), EQ(0, 2, 0x0ff0, 0x0100)));
	equal(FILTER(EQ(0, 1, 0xf0, 0x40), EQ(0, 1, 0x0f, 5)), FILTER(EQ(0, 1, 0xff, 0x45)));
	equal(FILTER(SHIFT(14, 2, 0x000f, 2), EQ(0, 1, 1, 1)),
	      FILTER(EQ(14, 2, 0, 0), SHIFT(15, 1, 0x0f, 2), EQ(0, 1, 1, 1)));
	equal(FILTER(EQ(3, 1, 1, 1), SHIFT(9, 1, 0xff, 8)), FILTER(EQ(9, 1, 0, 0), EQ(3, 1, 1, 1)));
	/* Across a shift the order matters. */
	insert(d, FILTER(EQ(0, 1, 0xff, 1), SHIFT(0, 1, 0xff, 0), EQ(1, 1, 0xff, 1)), 1);
	insert(d, FILTER(SHIFT(0, 1, 0xff, 0), EQ(0, 1, 0xff, 1), EQ(1, 1, 0xff, 1)), 2);
	/* A longer reach is a different filter. */
	insert(d, FILTER(EQ(0, 1, 0xff, 1)), 3);
	insert(d, FILTER(EQ(0, 2, 0xff00, 0x0100)), 4);
	assert_int_equal(match(d, "\1\1\1", 3), 1);
	assert_int_equal(match(d, "\1\2\2", 3), 3);
	assert_int_equal(dpf_remove(d, 3), 0);
	assert_int_equal(match(d, "\1", 1), DPF_NONE);
	assert_int_equal(match(d, "\1\2", 2), 4);
	free(d);
}

static void test_ids(void **state)
{
	struct dpf *d = new_dpf(16384);
	struct xok_filter f = ipv4(), g = arp();

	(void)state;
	assert_int_equal(dpf_insert(d, &f, DPF_NONE, NULL), DPF_EINVAL);
	insert(d, f, 5);
	assert_int_equal(dpf_insert(d, &g, 5, NULL), DPF_EINVAL);
	assert_int_equal(dpf_insert(d, &f, 6, NULL), DPF_EEXIST);
	insert(d, g, 6);
	free(d);
}

/* Fills the arena with `port` filters until it refuses; returns how many went in. */
static uint32_t fill(struct dpf *d, uint32_t limit)
{
	uint32_t n = 0;

	while (n < limit) {
		struct xok_filter f = udp_port((uint16_t)n);
		int err = dpf_insert(d, &f, n, NULL);

		if (err) {
			assert_int_equal(err, DPF_ENOMEM);
			break;
		}
		n++;
	}
	return n;
}

static void expect_ports(struct dpf *d, uint32_t from, uint32_t to)
{
	uint8_t frame[128];

	for (uint32_t i = 0; i < to + 8; i++) {
		size_t len = udp_frame(frame, 0, (uint16_t)i);

		assert_int_equal(match(d, frame, len), i >= from && i < to ? i : DPF_NONE);
	}
}

static void test_arena_exhaustion(void **state)
{
	struct dpf *d = new_dpf(DPF_ARENA_MIN);
	struct dpf_stats s;
	uint32_t n = fill(d, 1000), again;

	(void)state;
	assert_in_range(n, 4, 999);
	dpf_stats(d, &s);
	assert_int_equal(s.filters, n);
	assert_true(s.bytes_used <= s.bytes_total && s.bytes_total <= DPF_ARENA_MIN);
	expect_ports(d, 0, n);
	/* Room comes back, and the order of removal does not matter. */
	for (uint32_t i = n; i-- > 0;)
		assert_int_equal(dpf_remove(d, i), 0);
	again = fill(d, 1000);
	assert_int_equal(again, n);
	assert_int_equal(dpf_remove(d, 0), 0);
	expect_ports(d, 1, n);
	free(d);
}

static void test_values_share_a_hash(void **state)
{
	struct dpf *d = new_dpf(1u << 20);
	struct dpf_stats s;
	uint32_t n = fill(d, 1500);

	(void)state;
	assert_int_equal(n, 1500);
	dpf_stats(d, &s);
	assert_int_equal(s.hash_nodes, 1);
	/* The common steps once, then one node for each value. */
	assert_true(s.nodes <= n + 8);
	expect_ports(d, 0, n);
	free(d);
}

/* Values that all fall on one slot under the first multiplier must still be found. */
static void test_sequential_and_sparse_values(void **state)
{
	struct dpf *d = new_dpf(1u << 20);
	uint8_t pkt[8];

	(void)state;
	for (uint32_t i = 0; i < 512; i++) {
		uint64_t v = (uint64_t)i << (i % 2 ? 55 : 3);

		insert(d, FILTER(EQ(0, 8, UINT64_MAX, v | 1)), i);
	}
	for (uint32_t i = 0; i < 512; i++) {
		uint64_t v = __builtin_bswap64((uint64_t)i << (i % 2 ? 55 : 3) | 1);

		memcpy(pkt, &v, 8);
		assert_int_equal(match(d, pkt, 8), i);
		pkt[7] ^= 2;
		assert_int_equal(match(d, pkt, 8), DPF_NONE);
	}
	free(d);
}

static void test_longest_filter(void **state)
{
	struct xok_filter f = {.natoms = XOK_FILTER_ATOMS}, g;
	struct dpf *d = new_dpf(65536);
	uint8_t pkt[256];

	(void)state;
	/* Every second byte of 128 is compared: the most steps that a filter can have. */
	for (uint32_t i = 0; i < XOK_FILTER_ATOMS; i++)
		f.atom[i] = EQ((uint16_t)(8 * i), 8, 0xff00ff00ff00ff00, 0x1100220033004400);
	f.atom[15].mask = 0xff00ff00ff000000;
	f.atom[15].value = 0x1100220033000000;
	insert(d, f, 1);
	g = f;
	for (uint32_t i = 0; i < XOK_FILTER_ATOMS; i++)
		g.atom[i] = SHIFT(0, 1, 0xff, 0);
	g.atom[15] = EQ(1, 1, 0xff, 9);
	insert(d, g, 2);
	memset(pkt, 0x77, sizeof(pkt));
	for (uint32_t i = 0; i < 128; i += 2)
		pkt[i] = (uint8_t)(0x11 * (1 + i / 2 % 4));
	assert_int_equal(match(d, pkt, 128), 1);
	assert_int_equal(match(d, pkt, 127), DPF_NONE);
	memset(pkt, 2, sizeof(pkt));
	pkt[31] = 9;
	assert_int_equal(match(d, pkt, 32), 2);
	assert_int_equal(match(d, pkt, 31), DPF_NONE);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_arena_refused),
		cmocka_unit_test(test_ethertypes),
		cmocka_unit_test(test_udp_port_behind_options),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_most_specific_wins),
		cmocka_unit_test(test_hostile_shift),
		cmocka_unit_test(test_length_only),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_equal_filters),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_arena_exhaustion),
		cmocka_unit_test(test_values_share_a_hash),
		cmocka_unit_test(test_sequential_and_sparse_values),
		cmocka_unit_test(test_longest_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
