/* SPDX-License-Identifier: BSD-2-Clause */
/* fib.h - inside bench-fib: one face for every table, in bursts of 32. */
#ifndef TESTBED_BENCH_FIB_H
#define TESTBED_BENCH_FIB_H

#include "testbed/bench/router_routes.h"

#define BURST 32u
#define MISS UINT32_MAX

/* An address: IPv4 in host byte order, or IPv6. */
union address {
	uint32_t four;
	uint8_t six[16];
};

struct side {
	const char *name;
	bool wide;
	void *(*create)(uint32_t n); /* for so many routes */
	void (*destroy)(void *t);
	void (*add)(void *t, const struct bench_route *r, uint32_t number);
	void (*remove)(void *t, const struct bench_route *r);
	void (*lookup)(void *t, const union address a[BURST], uint32_t number[BURST]);
	double (*bytes)(void); /* what all tables of this side take now */
};

extern const struct side fib_sides[4]; /* fib_dpdk.c: rte_lpm, rte_fib, rte_lpm6, rte_fib6 */
void fib_dpdk_start(void);

#endif
