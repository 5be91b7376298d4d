/* SPDX-License-Identifier: BSD-2-Clause */
/* router_routes.c - routes and destinations of the forwarding benchmarks. */
#include "testbed/bench/router_routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW 16u

/* Of a thousand. */
struct share {
	uint32_t len, share;
};
static const struct share lengths4[] = {
	{24, 600}, {22, 115}, {23, 105}, {21, 45}, {20, 45}, {19, 25}, {18, 15}, {16, 20},
	{17, 10},  {15, 6},   {14, 6},	 {13, 4},  {12, 2},  {28, 1},  {32, 1},
};
static const struct share lengths6[] = {
	{48, 460}, {32, 120}, {44, 110}, {40, 110}, {36, 60},
	{29, 30},  {64, 50},  {56, 50},	 {46, 10},
};

uint64_t routes_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 8;
}

static uint32_t random_len(const struct share *s, uint64_t *state)
{
	uint32_t at = (uint32_t)(routes_random(state) % 1000);

	for (; at >= s->share; s++)
		at -= s->share;
	return s->len;
}

static void random_bits(uint8_t *address, uint32_t from, uint32_t to, uint64_t *state)
{
	for (uint32_t i = from; i < to; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		address[i / 8] &= (uint8_t)~bit;
		if (routes_random(state) & 1)
			address[i / 8] |= bit;
	}
}

static void make4(struct bench_route *r, uint32_t n, uint64_t *state)
{
	r->len = n > FEW ? random_len(lengths4, state) : 24;
	r->address[0] = 0;
	do {
		r->address[0] = (uint8_t)(1 + routes_random(state) % 223);
	} while (r->address[0] == 10 || r->address[0] == 127 || r->address[0] == 169 ||
		 r->address[0] == 198);
	random_bits(r->address, 8, r->len, state);
}

/* The allocation is a function of its number. */
static void make6(struct bench_route *r, uint32_t n, uint64_t *state)
{
	uint32_t nalloc = n / 40 > FEW ? n / 40 : FEW;
	uint64_t alloc = 0x9e3779b97f4a7c15 * (1 + routes_random(state) % nalloc);

	r->len = n > FEW ? random_len(lengths6, state) : 48;
	random_bits(r->address, 0, 32, &alloc);
	r->address[0] = 0x20 | (r->address[0] & 0x0f);
	random_bits(r->address, 32, r->len, state);
	if (r->len < 32)
		r->address[3] &= (uint8_t)(0xff00 >> (r->len - 24));
}

static uint32_t hash_of(const struct bench_route *r)
{
	uint64_t h = r->len;

	for (uint32_t i = 0; i < 16; i++)
		h = (h ^ r->address[i]) * 0x100000001b3;
	return (uint32_t)(h >> 20);
}

void routes_make(struct bench_route *r, uint32_t n, bool wide)
{
	uint64_t state = 0x5eed0000 + n + wide;
	uint32_t size = 4 * n, *seen = calloc(size, sizeof(*seen));

	if (!seen)
		abort();
	for (uint32_t i = 0, at; i < n;) {
		memset(&r[i], 0, sizeof(r[i]));
		(wide ? make6 : make4)(&r[i], n, &state);
		at = hash_of(&r[i]) % size;
		while (seen[at] && memcmp(&r[seen[at] - 1], &r[i], sizeof(r[i])) != 0)
			at = (at + 1) % size;
		if (seen[at])
			continue;
		seen[at] = ++i;
	}
	free(seen);
}

void routes_pick(const struct bench_route *r, uint32_t n, bool wide, uint64_t *state,
		 uint8_t address[16])
{
	const struct bench_route *from = &r[routes_random(state) % n];

	memcpy(address, from->address, 16);
	random_bits(address, from->len, wide ? 128 : 32, state);
}
