/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_wire.c - any datagram: parsing reads nothing outside it, and what is accepted is exactly what building from its fields gives.
 *
 * The first octet of the input chooses how the ANEP header is made right, so that the fields behind it are reached.
 */
#include "capsule/wire.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return sodium_init() < 0 ? abort(), 0 : 0;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void make_right(uint8_t *p, size_t n, uint8_t how)
{
	static const uint8_t types[4][2] = {{0x07, 0xd2}, {0x07, 0xd3}, {0x07, 0xd4}, {0x07, 0xd2}};
	static const uint8_t words[4] = {60, 14, 14, 43};
	static const uint8_t options[][5] = {{8, 0xc0, 1, 0, 9},    {44, 0xc0, 2, 0, 25},
					     {144, 0xc0, 3, 0, 17}, {212, 0xc0, 4, 0, 7},
					     {44, 0xc0, 5, 0, 3},   {144, 0xc0, 4, 0, 7}};
	/* Which of these options a packet of each kind has. */
	static const uint8_t has[4] = {0x0f, 0x11, 0x11, 0x23};
	unsigned kind = how & 3;

	if (n < 8)
		return;
	p[0] = 1;
	p[1] = 0;
	memcpy(p + 2, types[kind], 2);
	p[4] = 0;
	p[5] = words[kind];
	p[6] = (uint8_t)(n >> 8);
	p[7] = (uint8_t)n;
	for (unsigned i = 0; i < 6; i++) {
		if ((has[kind] >> i & 1) && options[i][0] + 4u <= n)
			memcpy(p + options[i][0], options[i] + 1, 4);
	}
}

static void capsule(uint8_t *p, size_t n, bool sign)
{
	static const uint8_t seed[32] = {1};
	uint8_t again[WIRE_PACKET_MAX], secret[64], pub[32];
	struct wire_capsule c;
	enum wire_result r = wire_parse(p, n, &c);

	if (!wire_well_formed(r)) {
		must(!wire_verify(p, n));
		return;
	}
	must(c.header_len + c.payload_len == n && c.arg_len <= c.payload_len);
	must(wire_build(again, sizeof(again), &c, wire_payload(p), NULL) == n);
	must(memcmp(again, p, n) == 0);
	wire_hop_write(again, &c.hop);
	must(memcmp(again, p, n) == 0);
	if (sign && r == WIRE_OK) {
		crypto_sign_seed_keypair(pub, secret, seed);
		must(wire_sign(again, n, secret) && wire_verify(again, n));
	}
}

static void code(const uint8_t *p, size_t n)
{
	uint8_t again[WIRE_PACKET_MAX];
	struct wire_code c;

	if (wire_code_parse(p, n, &c) != WIRE_OK)
		return;
	must(c.chunk_len + WIRE_HEADER_CODE == n && c.chunk_len <= WIRE_CHUNK);
	must((size_t)c.index * WIRE_CHUNK + c.chunk_len <= WIRE_MODULE_MAX);
	if (c.type == WIRE_CODE_REQUEST) {
		must(wire_request_build(again, sizeof(again), c.code, c.index) == n);
		must(memcmp(again, p, n) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p;
	size_t n;

	if (size == 0)
		return 0;
	/* Memory of exactly this size, so that every octet read too many is seen. */
	n = size - 1;
	p = malloc(n > 0 ? n : 1);
	must(p != NULL);
	memcpy(p, data + 1, n);
	if (data[0] & 0x80)
		make_right(p, n, data[0]);
	capsule(p, n, (data[0] & 0x7c) == 0x7c);
	code(p, n);
	free(p);
	return 0;
}
