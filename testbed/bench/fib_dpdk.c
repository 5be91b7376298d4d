/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib_dpdk.c - the peers: DPDK's longest-prefix tables, with next hops of 24 and 32 bits as ours have, by their bulk functions and the widest
 * vectors that the processor has. Their memory is what they allocate from the EAL's heap. The numbers of groups are what the routes need.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>

#include "testbed/bench/fib.h"

#define GROUPS4 (1u << 16)
#define GROUPS6 (1u << 21)

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

void fib_dpdk_start(void)
{
	char *argv[] = {"bench",
			"--no-huge",
			"--no-pci",
			"--no-telemetry",
			"--no-shconf",
			"-m",
			"6144",
			"--log-level",
			"lib.eal:error",
			"--lcores",
			"0@(0,1)",
			"--force-max-simd-bitwidth=512",
			NULL};

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		die("EAL");
}

static double heap_bytes(void)
{
	struct rte_malloc_socket_stats s;

	return rte_malloc_get_socket_stats(0, &s) ? 0 : (double)s.heap_allocsz_bytes;
}

static uint32_t host4(const struct bench_route *r)
{
	return (uint32_t)r->address[0] << 24 | (uint32_t)r->address[1] << 16 |
	       (uint32_t)r->address[2] << 8 | r->address[3];
}

static void check(const char *what, int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

/* ---- rte_lpm ---- */

static void *lpm_create(uint32_t n)
{
	struct rte_lpm_config c = {.max_rules = n, .number_tbl8s = GROUPS4};
	void *t = rte_lpm_create("bench", 0, &c);

	if (!t)
		die("rte_lpm");
	return t;
}

static void lpm_destroy(void *t)
{
	rte_lpm_free(t);
}

static void lpm_add(void *t, const struct bench_route *r, uint32_t number)
{
	check("rte_lpm_add", rte_lpm_add(t, host4(r), (uint8_t)r->len, number));
}

static void lpm_remove(void *t, const struct bench_route *r)
{
	check("rte_lpm_delete", rte_lpm_delete(t, host4(r), (uint8_t)r->len));
}

static void lpm_lookup(void *t, const union address a[BURST], uint32_t number[BURST])
{
	uint32_t ip[BURST];

	for (uint32_t i = 0; i < BURST; i++)
		ip[i] = a[i].four;
	rte_lpm_lookup_bulk(t, ip, number, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = number[i] & RTE_LPM_LOOKUP_SUCCESS ? number[i] & 0xffffff : MISS;
}

/* ---- rte_fib ---- */

static void *fib_create(uint32_t n)
{
	struct rte_fib_conf c = {
		.type = RTE_FIB_DIR24_8, .default_nh = MISS >> 1, .max_routes = (int)n};
	void *t;

	c.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
	c.dir24_8.num_tbl8 = GROUPS4;
	t = rte_fib_create("bench", 0, &c);
	if (!t)
		die("rte_fib");
	return t;
}

static void fib_destroy(void *t)
{
	rte_fib_free(t);
}

static void fib_add(void *t, const struct bench_route *r, uint32_t number)
{
	check("rte_fib_add", rte_fib_add(t, host4(r), (uint8_t)r->len, number));
}

static void fib_remove(void *t, const struct bench_route *r)
{
	check("rte_fib_delete", rte_fib_delete(t, host4(r), (uint8_t)r->len));
}

static void fib_lookup(void *t, const union address a[BURST], uint32_t number[BURST])
{
	uint64_t hop[BURST];
	uint32_t ip[BURST];

	for (uint32_t i = 0; i < BURST; i++)
		ip[i] = a[i].four;
	rte_fib_lookup_bulk(t, ip, hop, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = hop[i] == MISS >> 1 ? MISS : (uint32_t)hop[i];
}

/* ---- rte_lpm6 ---- */

static void *lpm6_create(uint32_t n)
{
	struct rte_lpm6_config c = {.max_rules = n,
				    .number_tbl8s = n > 100000 ? GROUPS6 : 1u << 17};
	void *t = rte_lpm6_create("bench6", 0, &c);

	if (!t)
		die("rte_lpm6");
	return t;
}

static void lpm6_destroy(void *t)
{
	rte_lpm6_free(t);
}

static void lpm6_add(void *t, const struct bench_route *r, uint32_t number)
{
	check("rte_lpm6_add", rte_lpm6_add(t, r->address, (uint8_t)r->len, number));
}

static void lpm6_remove(void *t, const struct bench_route *r)
{
	check("rte_lpm6_delete", rte_lpm6_delete(t, r->address, (uint8_t)r->len));
}

static void lpm6_lookup(void *t, const union address a[BURST], uint32_t number[BURST])
{
	int32_t hop[BURST];

	rte_lpm6_lookup_bulk_func(t, (uint8_t(*)[16])(uintptr_t)a, hop, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = hop[i] < 0 ? MISS : (uint32_t)hop[i];
}

/* ---- rte_fib6 ---- */

static void *fib6_create(uint32_t n)
{
	struct rte_fib6_conf c = {
		.type = RTE_FIB6_TRIE, .default_nh = MISS >> 1, .max_routes = (int)n};
	void *t;

	c.trie.nh_sz = RTE_FIB6_TRIE_4B;
	c.trie.num_tbl8 = n > 100000 ? GROUPS6 : 1u << 17;
	t = rte_fib6_create("bench6", 0, &c);
	if (!t)
		die("rte_fib6");
	return t;
}

static void fib6_destroy(void *t)
{
	rte_fib6_free(t);
}

static void fib6_add(void *t, const struct bench_route *r, uint32_t number)
{
	check("rte_fib6_add", rte_fib6_add(t, r->address, (uint8_t)r->len, number));
}

static void fib6_remove(void *t, const struct bench_route *r)
{
	check("rte_fib6_delete", rte_fib6_delete(t, r->address, (uint8_t)r->len));
}

static void fib6_lookup(void *t, const union address a[BURST], uint32_t number[BURST])
{
	uint64_t hop[BURST];

	rte_fib6_lookup_bulk(t, (uint8_t(*)[16])(uintptr_t)a, hop, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = hop[i] == MISS >> 1 ? MISS : (uint32_t)hop[i];
}

const struct side fib_sides[4] = {
	{"rte_lpm", false, lpm_create, lpm_destroy, lpm_add, lpm_remove, lpm_lookup, heap_bytes},
	{"rte_fib", false, fib_create, fib_destroy, fib_add, fib_remove, fib_lookup, heap_bytes},
	{"rte_lpm6", true, lpm6_create, lpm6_destroy, lpm6_add, lpm6_remove, lpm6_lookup,
	 heap_bytes},
	{"rte_fib6", true, fib6_create, fib6_destroy, fib6_add, fib6_remove, fib6_lookup,
	 heap_bytes},
};
