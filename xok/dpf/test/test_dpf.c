/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dpf.c - filters written by hand, and what a demultiplexer must do at its edges: refuse, run
 * full, undo.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "code.h"
#include "xok/dpf/dpf_int.h"

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
#define RANGE(o, s, lo, hi)                                                                \
	(struct xok_atom)                                                                  \
	{                                                                                  \
		.kind = XOK_ATOM_RANGE, .off = (o), .size = (s),                           \
		.mask = UINT64_MAX >> (64 - 8 * (s)), .value = (lo) | (uint64_t)(hi) << 32 \
	}
#define FILTER(...) make((struct xok_atom[]){__VA_ARGS__}, sizeof((struct xok_atom[]){__VA_ARGS__}))

static struct xok_filter make(const struct xok_atom *a, size_t bytes)
{
	struct xok_filter f = {.port = XOK_PORT_ANY, .natoms = (uint32_t)(bytes / sizeof(*a))};

	memcpy(f.atom, a, bytes);
	return f;
}

static struct code code; /* of the demultiplexer that was made last */

static struct dpf *new_dpf(size_t bytes)
{
	void *arena = aligned_alloc(16, bytes);
	struct dpf *d;

	assert_non_null(arena);
	memset(arena, 0xa5, bytes);
	d = dpf_init(arena, bytes);
	assert_ptr_equal(d, arena);
	code = code_new(1u << 18);
	dpf_code(d, code.w, code.x, code.bytes);
	return d;
}

static void insert(struct dpf *d, struct xok_filter f, uint32_t id)
{
	assert_int_equal(dpf_insert(d, &f, id, NULL), 0);
}

/*
 * Matches a copy that ends where the packet ends, so that a read beyond it is seen: native code and
 * the interpreter, which must agree.
 */
static uint32_t match(const struct dpf *d, const void *pkt, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	uint32_t id;

	assert_non_null(exact);
	if (len)
		memcpy(exact, pkt, len);
	id = dpf_match_plain(d, exact, len);
	free(exact);
	assert_int_equal(dpf_match(d, guarded(pkt, len), len), id);
	assert_int_equal(dpf_match(d, guarded_low(pkt, len), len), id);
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
	a.kind = 3;
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
	assert_int_equal(s.nodes, 1);
	assert_int_equal(s.interpreted, 0);
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

static void test_ranges(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t frame[128];
	size_t len = udp_frame(frame, 3, 1500);

	(void)state;
	insert(d,
	       FILTER(EQ(12, 2, 0xffff, 0x0800), SHIFT(14, 1, 0x0f, 2), RANGE(16, 2, 1000, 1999)),
	       1);
	insert(d,
	       FILTER(EQ(12, 2, 0xffff, 0x0800), SHIFT(14, 1, 0x0f, 2), RANGE(16, 2, 1400, 1600)),
	       2);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x0800)), 3);
	/* As many bits and ranges: the first; as many bits: the one with a range. */
	assert_int_equal(match(d, frame, len), 1);
	assert_int_equal(dpf_remove(d, 1), 0);
	assert_int_equal(match(d, frame, len), 2);
	for (uint32_t port = 1398; port < 1603; port++) {
		udp_frame(frame, 3, (uint16_t)port);
		assert_int_equal(match(d, frame, len), port >= 1400 && port <= 1600 ? 2 : 3);
	}
	/* One bit more beats any range. */
	udp_frame(frame, 3, 1500);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x0800), EQ(14, 1, 0x40, 0x40)), 4);
	assert_int_equal(match(d, frame, len), 4);
	free(d);
}

static void test_range_forms(void **state)
{
	struct xok_atom a = RANGE(0, 4, 1, 2), b = RANGE(0, 8, 1, 2), c = RANGE(0, 2, 1, 2);

	(void)state;
	refuse(FILTER(RANGE(0, 2, 5, 4)));
	refuse(FILTER(RANGE(0, 1, 5, 256)));
	refuse(FILTER(b));
	c.mask = 0xff;
	refuse(FILTER(c));
	a.shl = 1;
	refuse(FILTER(a));
	refuse(FILTER(RANGE(0, 2, 1, 4), RANGE(0, 2, 5, 9)));
	equal(FILTER(RANGE(0, 2, 1, 6), RANGE(0, 2, 4, 9)), FILTER(RANGE(0, 2, 4, 6)));
	equal(FILTER(RANGE(0, 2, 0, 0xffff)), FILTER(EQ(0, 2, 0, 0)));
	equal(FILTER(RANGE(3, 1, 1, 2), RANGE(0, 2, 4, 5)),
	      FILTER(RANGE(0, 2, 4, 5), RANGE(3, 1, 1, 2)));
	equal(FILTER(RANGE(0, 4, 0, UINT32_MAX), EQ(0, 1, 1, 1)),
	      FILTER(EQ(0, 1, 1, 1), EQ(0, 4, 0, 0)));
}

/* Filters that differ in ranges only are tried in turn, so there may not be many. */
static void test_too_many_alike(void **state)
{
	struct dpf *d = new_dpf(1u << 20);
	uint8_t pkt[4] = {0, 200};

	(void)state;
	for (uint32_t i = 0; i < DPF_ALIKE; i++)
		insert(d, FILTER(RANGE(0, 2, i, i + 1)), i);
	struct xok_filter f = FILTER(RANGE(0, 2, 1000, 1001));

	assert_int_equal(dpf_insert(d, &f, 1000, NULL), DPF_ENOMEM);
	assert_int_equal(match(d, pkt, 4), 199);
	insert(d, FILTER(RANGE(0, 2, 1000, 1001), EQ(2, 1, 1, 1)), 1000);
	free(d);
}

/* A stretch of IPv6 extension headers, of (8 + 8 * length) bytes each, is one shift a header. */
static void test_ipv6_extensions(void **state)
{
	struct dpf *d = new_dpf(65536);
	uint8_t pkt[256] = {[12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 0, [54] = 60, [55] = 1};

	(void)state;
	/* Hop-by-hop options (0), then destination options (60), then UDP to a port. */
	for (uint16_t port = 50; port < 60; port++)
		insert(d,
		       FILTER(EQ(12, 2, 0xffff, 0x86dd), EQ(20, 1, 0xff, 0), EQ(54, 1, 0xff, 60),
			      SHIFT(55, 1, 0xff, 3), EQ(62, 1, 0xff, 17), SHIFT(63, 1, 0xff, 3),
			      EQ(72, 2, 0xffff, port)),
		       port);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x86dd)), 1);
	/* Hop-by-hop: 16 bytes at 54. Destination options: 8 + 8 * 2 at 70. UDP: at 94. */
	pkt[70] = 17;
	pkt[71] = 2;
	pkt[97] = 53;
	assert_int_equal(match(d, pkt, 102), 53);
	assert_int_equal(match(d, pkt, 98), 53);
	assert_int_equal(match(d, pkt, 97), 1);
	pkt[71] = 255; /* a length that leads out of the packet */
	assert_int_equal(match(d, pkt, 102), 1);
	pkt[71] = 3;
	assert_int_equal(match(d, pkt, 110), 1);
	pkt[105] = 59;
	assert_int_equal(match(d, pkt, 110), 59);
	free(d);
}

/* IP behind one VLAN tag or two: a shift by what the tag's type says is not needed, an offset is. */
static void test_vlan_stack(void **state)
{
	struct dpf *d = new_dpf(16384);
	uint8_t frame[64] = {[12] = 0x88, [13] = 0xa8, [15] = 7,  [16] = 0x81, [19] = 42,
			     [20] = 8,	  [22] = 0x46, [31] = 17, [49] = 53};

	(void)state;
	insert(d,
	       FILTER(EQ(12, 2, 0xffff, 0x88a8), EQ(16, 2, 0xffff, 0x8100), EQ(18, 2, 0xfff, 42),
		      EQ(20, 2, 0xffff, 0x0800), EQ(31, 1, 0xff, 17), SHIFT(22, 1, 0xf, 2),
		      EQ(24, 2, 0xffff, 53)),
	       2);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x88a8)), 1);
	insert(d, FILTER(EQ(12, 2, 0xffff, 0x0800)), 0);
	assert_int_equal(match(d, frame, 64), 2);
	frame[19] = 43;
	assert_int_equal(match(d, frame, 64), 1);
	frame[12] = 8;
	frame[13] = 0;
	assert_int_equal(match(d, frame, 64), 0);
	free(d);
}

/* Every lane of the root, and a filter that stands in all of them. */
static void test_lanes(void **state)
{
	struct dpf *d = new_dpf(65536);
	uint8_t pkt[32] = {0};

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		insert(d, FILTER(EQ(12, 2, 0xffff, 0x0800 + i)), i);
		insert(d, FILTER(EQ(12, 2, 0xffff, 0x0800 + i), EQ(20 + i, 1, 0xff, 9)), 10 + i);
	}
	insert(d, FILTER(EQ(16, 1, 0xff, 5)), 20);
	for (uint32_t i = 0; i < 9; i++) {
		pkt[12] = 8;
		pkt[13] = (uint8_t)i;
		pkt[16] = 0;
		assert_int_equal(match(d, pkt, 32), i < 8 ? i : DPF_NONE);
		pkt[20 + i] = 9;
		assert_int_equal(match(d, pkt, 32), i < 8 ? 10 + i : DPF_NONE);
		pkt[20 + i] = 0;
		pkt[16] = 5;
		assert_int_equal(match(d, pkt, 32), i < 8 ? i : 20);
		assert_int_equal(match(d, pkt, 14), i < 8 ? i : DPF_NONE);
	}
	free(d);
}

/* When code memory is full, or taken away, everything goes on interpreted. */
static void test_little_code(void **state)
{
	struct dpf *d = new_dpf(65536);
	struct dpf_stats s;

	(void)state;
	dpf_code(d, code.w, code.x, 1024);
	for (uint32_t i = 0; i < 12; i++)
		insert(d, FILTER(EQ(0, 1, 0xff, 1), EQ((uint16_t)(8 * i + 2), 1, 0xff, 7)), i);
	dpf_stats(d, &s);
	assert_in_range(s.interpreted, 1, 11);
	assert_true(s.code_used <= s.code_total && s.code_total <= 1024);
	for (uint32_t i = 0; i < 12; i++) {
		uint8_t pkt[128] = {1};

		pkt[8 * i + 2] = 7;
		assert_int_equal(match(d, pkt, 128), i);
	}
	for (uint32_t i = 2; i < 12; i++)
		assert_int_equal(dpf_remove(d, i), 0);
	dpf_stats(d, &s);
	assert_int_equal(s.interpreted, 0);
	dpf_code(d, NULL, NULL, 0);
	dpf_stats(d, &s);
	assert_int_equal(s.interpreted, 2);
	assert_int_equal(match(d, "\1\0\7", 3), 0);
	free(d);
}

/* Ten thousand come and go, in an order of their own; each is found as long as it is there. */
static void test_many(void **state)
{
	enum { N = 10000 };
	struct dpf *d = new_dpf(2u << 20);
	struct dpf_stats fresh, s;
	uint8_t frame[128];

	(void)state;
	dpf_stats(d, &fresh);
	assert_int_equal(fill(d, N), N);
	for (uint32_t i = 0; i < N; i++) {
		size_t len = udp_frame(frame, i % 11, (uint16_t)(i * 7919 % N));

		assert_int_equal(match(d, frame, len), i * 7919 % N);
		assert_int_equal(dpf_remove(d, i * 7919 % N), 0);
		assert_int_equal(match(d, frame, len), DPF_NONE);
	}
	dpf_stats(d, &s);
	assert_int_equal(s.bytes_used, fresh.bytes_used);
	assert_int_equal(fill(d, N), N);
	free(d);
}

/* The longest chain. */
static uint32_t longest(struct dpf *d)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i <= d->t.mask; i++) {
		struct dpf_entry *e = dpf_chain(d, DPF_BY_VALUE, i);
		uint32_t n = 0;

		for (; e; n++)
			e = dpf_entry(d, e->next[DPF_BY_VALUE]);
		most = n > most ? n : most;
	}
	return most;
}

/* Somebody knows the hash function and chooses values that all fall on one slot. */
static void test_chosen_values(void **state)
{
	struct dpf *d = new_dpf(1u << 20);
	uint32_t n = 1, slot;
	struct dpf_vec *v;

	(void)state;
	insert(d, FILTER(EQ(0, 4, UINT32_MAX, 0)), 0);
	v = dpf_at(d, d->vecs);
	slot = dpf_vec_hash(v, &(uint64_t){0}) & 0xffff;
	/* As many as fit before the keys are changed, and then as many again. */
	for (uint64_t value = 1; n < 40; value++) {
		uint64_t key = v->step[1].key;

		if ((dpf_vec_hash(v, &value) & 0xffff) != slot)
			continue;
		insert(d, FILTER(EQ(0, 4, UINT32_MAX, __builtin_bswap32((uint32_t)value))), n++);
		assert_in_range(longest(d), 1, 9);
		if (v->step[1].key != key)
			slot = dpf_vec_hash(v, &value) & 0xffff;
	}
	assert_int_equal(v->n, 40);
	dpf_table_rekey(d, v);
	assert_in_range(longest(d), 1, 9);
	free(d);
}

/* What the header promises about filters of the worst kind, for a kernel that reserves memory. */
static void test_worst_filters(void **state)
{
	enum { N = 100 };
	struct dpf *d = new_dpf(DPF_ARENA_MIN + N * DPF_FILTER_MAX);
	struct dpf_stats s;

	(void)state;
	dpf_code(d, code.w, code.x, N * DPF_CODE_MAX);
	for (uint32_t i = 0; i < N; i++) {
		struct xok_filter f = {.natoms = XOK_FILTER_ATOMS};

		for (uint32_t j = 0; j < XOK_FILTER_ATOMS; j++)
			f.atom[j] = i % 2 ? EQ((uint16_t)(20 * j + i), 8, UINT64_MAX >> 1, 5)
					  : SHIFT((uint16_t)(j + i), 8, UINT64_MAX >> 1, 8);
		if (!(i % 2))
			f.atom[15] = EQ(0, 1, 1, 1);
		insert(d, f, i);
	}
	dpf_stats(d, &s);
	assert_int_equal(s.nodes, N);
	assert_int_equal(s.interpreted, 0);
	free(d);
}

/* A burst answers what its packets do alone, whatever its size. */
static void test_bursts(void **state)
{
	enum { N = 70 };
	static uint8_t frame[N][128];
	struct dpf *d = new_dpf(65536);
	const uint8_t *pkt[N];
	uint32_t out[N + 1];
	uint16_t len[N];

	(void)state;
	fill(d, 20);
	insert(d, ipv4(), 1000);
	for (uint32_t i = 0; i < N; i++) {
		len[i] = (uint16_t)udp_frame(frame[i], i % 11, (uint16_t)(i * 7 % 40));
		len[i] = i % 13 ? len[i] : (uint16_t)i;
		pkt[i] = frame[i];
	}
	for (int native = 1; native >= 0; native--) {
		for (uint32_t n = 0; n <= N; n++) {
			out[n] = 0x5a5a5a5a;
			dpf_match_burst(d, pkt, len, n, out);
			for (uint32_t i = 0; i < n; i++)
				assert_int_equal(out[i], dpf_match_plain(d, pkt[i], len[i]));
			assert_int_equal(out[n], 0x5a5a5a5a);
		}
		dpf_code(d, NULL, NULL, 0);
	}
	free(d);
}

/* Vectors that are equally specific, three and two of them, with others before, between and behind. */
static void test_ties(void **state)
{
	static const uint32_t first_of[8] = {9, 3, 2, 2, 1, 1, 1, 1};
	struct dpf *d = new_dpf(65536);
	uint8_t pkt[16] = {0};

	(void)state;
	insert(d, FILTER(EQ(0, 1, 0xff, 1)), 1);
	insert(d, FILTER(EQ(1, 1, 0xff, 1)), 2);
	insert(d, FILTER(EQ(2, 1, 0xff, 1)), 3);
	insert(d, FILTER(EQ(8, 1, 0x0f, 0)), 10);
	insert(d, FILTER(EQ(9, 1, 0x0f, 0)), 9);
	insert(d, FILTER(EQ(3, 2, 0xffff, 1)), 4);
	assert_int_equal(dpf_remove(d, 10), 0);
	for (uint32_t i = 0; i < 8; i++) {
		pkt[0] = i >> 2 & 1;
		pkt[1] = i >> 1 & 1;
		pkt[2] = i & 1;
		assert_int_equal(match(d, pkt, 16), first_of[i]);
	}
	insert(d, FILTER(EQ(8, 1, 0x0f, 0)), 10);
	assert_int_equal(match(d, memset(pkt, 0, 3), 16), 9);
	pkt[4] = 1;
	assert_int_equal(match(d, pkt, 16), 4);
	free(d);
}

/* Matching in memory that cannot be written. */
static void test_matching_writes_nothing(void **state)
{
	size_t bytes = 1u << 20;
	uint8_t *arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	struct dpf *d = dpf_init(arena, bytes);
	struct code c = code_new(65536);
	struct dpf_stats s;
	uint8_t frame[128];
	const uint8_t *pkt = frame;
	uint32_t id;

	(void)state;
	assert_non_null(d);
	dpf_code(d, c.w, c.x, c.bytes);
	fill(d, 1025); /* the table has just been doubled: its chains are shared */
	assert_int_equal(mprotect(arena, bytes, PROT_READ), 0);
	assert_int_equal(mprotect(c.w, c.bytes, PROT_READ), 0);
	for (uint32_t i = 0; i < 1030; i++) {
		uint16_t len = (uint16_t)udp_frame(frame, i % 11, (uint16_t)i);

		assert_int_equal(match(d, frame, len), i < 1025 ? i : DPF_NONE);
		dpf_match_burst(d, &pkt, &len, 1, &id);
		assert_int_equal(id, i < 1025 ? i : DPF_NONE);
	}
	dpf_stats(d, &s);
	assert_int_equal(s.filters, 1025);
	munmap(arena, bytes);
}

/* ---- two demultiplexers, one of them in use, as dpf.h describes it ---- */

struct pair {
	struct dpf *d[2];
	struct dpf *in_use;
	uint64_t bursts; /* that the matcher has ended */
	int stop;
	uint32_t wrong;
};

/* Ports below 32 are always somebody's; above, somebody's or nobody's. */
static void *keep_matching(void *arg)
{
	static uint8_t frame[32][128];
	struct pair *p = arg;
	const uint8_t *pkt[32];
	uint16_t len[32];
	uint32_t out[32];

	for (uint32_t i = 0; i < 32; i++) {
		len[i] = (uint16_t)udp_frame(frame[i], 0, (uint16_t)(i % 2 ? i : i + 32));
		pkt[i] = frame[i];
	}
	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		dpf_match_burst(__atomic_load_n(&p->in_use, __ATOMIC_ACQUIRE), pkt, len, 32, out);
		for (uint32_t i = 0; i < 32; i++)
			if (i % 2 ? out[i] != i : out[i] != DPF_NONE && out[i] != i + 32)
				p->wrong++;
		__atomic_add_fetch(&p->bursts, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void publish(struct pair *p, struct dpf *d)
{
	uint64_t before;

	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
	__atomic_store_n(&p->in_use, d, __ATOMIC_RELEASE);
	/* The burst that goes on, and one that may have begun just before the store. */
	before = __atomic_load_n(&p->bursts, __ATOMIC_ACQUIRE);
	while (__atomic_load_n(&p->bursts, __ATOMIC_ACQUIRE) < before + 2)
		sched_yield();
}

/* A filter comes or goes; of two shapes, so that code comes and goes too. */
static int toggle(struct dpf *d, uint32_t port)
{
	struct xok_filter f = udp_port((uint16_t)port);

	if (port % 3 == 0)
		f.atom[1] = EQ(14, 1, 0xff, 0x45);
	return dpf_remove(d, port) == 0 ? 0 : dpf_insert(d, &f, port, NULL);
}

static void test_left_right(void **state)
{
	struct pair p = {0};
	struct dpf_stats s[2];
	struct code c[2];
	pthread_t matcher;

	(void)state;
	for (int i = 0; i < 2; i++) {
		p.d[i] = new_dpf(65536);
		c[i] = code;
		fill(p.d[i], 32);
	}
	p.in_use = p.d[0];
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
	assert_int_equal(pthread_create(&matcher, NULL, keep_matching, &p), 0);
	for (uint32_t n = 0; n < 500; n++) {
		struct dpf *idle = p.d[p.in_use == p.d[0]], *old = p.in_use;
		uint32_t port = 32 + n * 7 % 33;

		assert_int_equal(toggle(idle, port), 0);
		publish(&p, idle);
		assert_int_equal(toggle(old, port), 0);
	}
	__atomic_store_n(&p.stop, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(matcher, NULL), 0);
	assert_int_equal(p.wrong, 0);
	for (int i = 0; i < 2; i++) {
		dpf_stats(p.d[i], &s[i]);
		free(p.d[i]);
		munmap(c[i].w, c[i].bytes);
		munmap(c[i].x, c[i].bytes);
	}
	assert_memory_equal(&s[0], &s[1], sizeof(s[0]));
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
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_range_forms),
		cmocka_unit_test(test_too_many_alike),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_vlan_stack),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_little_code),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_chosen_values),
		cmocka_unit_test(test_worst_filters),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_matching_writes_nothing),
		cmocka_unit_test(test_left_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
