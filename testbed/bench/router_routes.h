/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_routes.h - the routes and destinations of the forwarding benchmarks: the same ones every time.
 *
 * Lengths are distributed about as in the tables of the Internet's core (IPv4: 60 % of /24, 0.2 % longer; IPv6: 46 % of /48, under a fortieth as many
 * allocations of a provider's size), addresses at random among unicast ones. Few routes (up to 16) are all /24 or /48.
 */
#ifndef TESTBED_BENCH_ROUTER_ROUTES_H
#define TESTBED_BENCH_ROUTER_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

struct bench_route {
	uint8_t address[16]; /* IPv4: the first four; bits behind the length are 0 */
	uint32_t len;
};

uint64_t routes_random(uint64_t *state);

/* Fills n different ones, in no order. */
void routes_make(struct bench_route *r, uint32_t n, bool wide);

/* An address of a route chosen at random; the bits behind the length are random. */
void routes_pick(const struct bench_route *r, uint32_t n, bool wide, uint64_t *state,
		 uint8_t address[16]);

#endif
