/* SPDX-License-Identifier: BSD-2-Clause */
/* More live pointers and numbers than registers, over calls: the compiler must spill pointers to the stack. */
#include "xok/vcode/test/programs/program.h"

static const uint8_t table[8] = {1, 2, 4, 8, 16, 32, 64, 128};
static uint8_t scratch[32];

NOINLINE uint32_t mix(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t v = 2166136261;

	for (uint32_t i = 0; i < n; i++)
		v = (v ^ (uint32_t)(a[i] + 3 * b[i])) * 16777619;
	return v;
}

NOINLINE uint32_t fold(const uint8_t *a, uint32_t n)
{
	uint32_t v = n;

	for (uint32_t i = 0; i < n; i++)
		v = v * 33 + a[i];
	return v;
}

PROGRAM(pressure)
{
	uint8_t local[24];
	uint8_t *p = ctx->window, *q = p + 3, *r = p + 5, *s = scratch;
	uint32_t a, b, c, d, e, f;

	for (uint32_t i = 0; i < sizeof(local); i++)
		local[i] = (uint8_t)(i * 7 + table[i % 8]);
	for (uint32_t i = 0; i < sizeof(scratch); i++)
		s[i] = (uint8_t)(i ^ ctx->byte);
	a = mix(p, local, 8);
	s += a % 3;
	b = fold(s, 9);
	q += b % 3;
	c = mix(q, local + 2, 8);
	r += c % 4;
	d = fold(s + 2, 11);
	e = mix(r, local + 4, 10);
	s += 1;
	f = mix(q, local, 12);
	p[0] = (uint8_t)a;
	q[0] = (uint8_t)(b ^ c);
	r[0] = (uint8_t)(d ^ local[f % 24]);
	s[0] = (uint8_t)e;
	local[e % 24] = 7;
	return ((uint64_t)(a ^ d) << 32 | (b ^ e)) + (uint64_t)c * f + mix(r, local, 8) +
	       fold(s, 12);
}
