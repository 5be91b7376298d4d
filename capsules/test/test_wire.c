/* SPDX-License-Identifier: BSD-2-Clause */
/* test_wire.c - packets: the vectors, both ways; every truncation and every changed octet; signatures that must not fit. */
#include "capsule/wire.h"
#include "capsules/test/vectors.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fields_of(const struct vector *v, struct wire_capsule *c)
{
	memset(c, 0, sizeof(*c));
	vector_octets(v, "code", c->code, WIRE_CODE_NAME);
	vector_octets(v, "principal", c->principal, WIRE_PUBLIC_KEY);
	c->sequence = vector_number(v, "sequence");
	c->not_before = vector_number(v, "not-before");
	c->not_after = vector_number(v, "not-after");
	c->budget = (uint32_t)vector_number(v, "budget");
	c->entry = (uint16_t)vector_number(v, "entry");
	c->arg_len = (uint16_t)vector_number(v, "arg-len");
	vector_octets(v, "origin", c->origin, WIRE_ADDRESS);
	vector_octets(v, "destination", c->destination, WIRE_ADDRESS);
	c->is_signed = strcmp(vector_text(v, "result"), "ok") == 0;
	if (c->is_signed)
		vector_octets(v, "signature", c->signature, WIRE_SIGNATURE);
	c->hop.budget_left = (uint32_t)vector_number(v, "budget-left");
	c->hop.flags = (uint8_t)vector_number(v, "flags");
	c->hop.hops = (uint8_t)vector_number(v, "hops");
	vector_octets(v, "previous", c->hop.previous, WIRE_ADDRESS);
	c->header_len = c->is_signed ? WIRE_HEADER_SIGNED : WIRE_HEADER_UNSIGNED;
}

static void assert_same_fields(const struct wire_capsule *a, const struct wire_capsule *b)
{
	assert_memory_equal(a->code, b->code, WIRE_CODE_NAME);
	assert_memory_equal(a->principal, b->principal, WIRE_PUBLIC_KEY);
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->not_before, b->not_before);
	assert_int_equal(a->not_after, b->not_after);
	assert_int_equal(a->budget, b->budget);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->arg_len, b->arg_len);
	assert_memory_equal(a->origin, b->origin, WIRE_ADDRESS);
	assert_memory_equal(a->destination, b->destination, WIRE_ADDRESS);
	assert_int_equal(a->is_signed, b->is_signed);
	assert_memory_equal(a->signature, b->signature, WIRE_SIGNATURE);
	assert_int_equal(a->hop.budget_left, b->hop.budget_left);
	assert_int_equal(a->hop.flags, b->hop.flags);
	assert_int_equal(a->hop.hops, b->hop.hops);
	assert_memory_equal(a->hop.previous, b->hop.previous, WIRE_ADDRESS);
	assert_int_equal(a->header_len, b->header_len);
	assert_int_equal(a->payload_len, b->payload_len);
}

static void check_signing(const struct vector *v, const uint8_t *packet, size_t len,
			  const struct wire_capsule *want, const uint8_t *payload)
{
	uint8_t seed[32], pub[32], secret[64], built[WIRE_PACKET_MAX];
	struct wire_capsule bare = *want;

	assert_true(wire_verify(packet, len));
	/* From the seed alone: principal and signature are put in by wire_sign. */
	memset(bare.signature, 0, sizeof(bare.signature));
	memset(bare.principal, 0, sizeof(bare.principal));
	assert_int_equal(wire_build(built, sizeof(built), &bare, payload, NULL), len);
	assert_false(wire_verify(built, len));
	vector_octets(v, "seed", seed, sizeof(seed));
	crypto_sign_seed_keypair(pub, secret, seed);
	assert_true(wire_sign(built, len, secret));
	assert_memory_equal(built, packet, len);
}

static void packets(void **state)
{
	FILE *f = vectors_open("packets.txt");
	unsigned count = 0;
	struct vector v;

	(void)state;
	while (vector_next(f, &v)) {
		struct wire_capsule want, got;
		uint8_t built[WIRE_PACKET_MAX];
		size_t len, payload_len;
		uint8_t *packet = vector_hex(&v, "packet", &len);
		uint8_t *payload = vector_hex(&v, "payload", &payload_len);
		enum wire_result r;

		fields_of(&v, &want);
		want.payload_len = (uint16_t)payload_len;
		r = wire_parse(packet, len, &got);
		assert_string_equal(wire_result_name(r), vector_text(&v, "result"));
		assert_same_fields(&got, &want);
		assert_memory_equal(wire_payload(packet), payload, payload_len);
		assert_int_equal(wire_build(built, sizeof(built), &want, payload, NULL), len);
		assert_memory_equal(built, packet, len);
		if (want.is_signed)
			check_signing(&v, packet, len, &want, payload);
		else
			assert_false(wire_verify(packet, len));
		free(packet);
		free(payload);
		vector_free(&v);
		count++;
	}
	fclose(f);
	assert_true(count >= 9);
}

static void malformed(void **state)
{
	FILE *f = vectors_open("malformed.txt");
	struct vector v;
	unsigned count = 0;

	(void)state;
	while (vector_next(f, &v)) {
		struct wire_capsule c;
		size_t len;
		uint8_t *packet = vector_hex(&v, "packet", &len);
		enum wire_result r = wire_parse(packet, len, &c);

		if (strcmp(wire_result_name(r), vector_text(&v, "result")) != 0)
			fail_msg("%s: %s, not %s", vector_text(&v, "name"), wire_result_name(r),
				 vector_text(&v, "result"));
		assert_false(wire_well_formed(r));
		assert_false(wire_verify(packet, len));
		free(packet);
		vector_free(&v);
		count++;
	}
	fclose(f);
	assert_true(count >= 30);
}

/* The first packet of the vectors: signed, with arguments, without data. */
static uint8_t *sample(size_t *len)
{
	FILE *f = vectors_open("packets.txt");
	uint8_t *packet;
	struct vector v;

	assert_true(vector_next(f, &v));
	packet = vector_hex(&v, "packet", len);
	vector_free(&v);
	fclose(f);
	return packet;
}

/* Each prefix in memory of exactly its size, so that the sanitizer sees a read behind it; also with a length field that says so. */
static void truncations(void **state)
{
	size_t len;
	uint8_t *packet = sample(&len);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n > 0 ? n : 1);
		struct wire_capsule c;
		struct wire_code code;

		memcpy(cut, packet, n);
		assert_false(wire_well_formed(wire_parse(cut, n, &c)));
		assert_int_not_equal(wire_code_parse(cut, n, &code), WIRE_OK);
		if (n >= 8) {
			cut[6] = (uint8_t)(n >> 8);
			cut[7] = (uint8_t)n;
			/* Without its last arguments the packet is still none: they are signed. */
			assert_false(wire_well_formed(wire_parse(cut, n, &c)));
		}
		free(cut);
	}
	free(packet);
}

/* What is signed: octets 8 to 143, the signature, and the arguments. */
static bool is_signed_octet(size_t at, size_t arg_len)
{
	return (at >= 8 && at < 144) || (at >= 148 && at < 212) ||
	       (at >= WIRE_HEADER_SIGNED && at < WIRE_HEADER_SIGNED + arg_len);
}

/*
 * Each octet changed to each other value: the packet is refused, or it has another field (building what was parsed gives exactly the changed
 * octets). What is signed never verifies afterwards; what is not always does.
 */
static void mutations(void **state)
{
	size_t len;
	uint8_t *packet = sample(&len);
	unsigned refused = 0, accepted = 0;
	struct wire_capsule original;

	(void)state;
	assert_int_equal(wire_parse(packet, len, &original), WIRE_OK);
	for (size_t at = 0; at < len; at++) {
		for (unsigned flip = 1; flip < 256; flip++) {
			uint8_t built[WIRE_PACKET_MAX];
			struct wire_capsule c;

			packet[at] ^= (uint8_t)flip;
			if (wire_parse(packet, len, &c) != WIRE_OK) {
				refused++;
				packet[at] ^= (uint8_t)flip;
				continue;
			}
			accepted++;
			assert_int_equal(
				wire_build(built, sizeof(built), &c, wire_payload(packet), NULL),
				len);
			assert_memory_equal(built, packet, len);
			/* Verifying costs: a few values of each octet. */
			if (flip == 1 || flip == 128)
				assert_int_equal(wire_verify(packet, len),
						 !is_signed_octet(at, original.arg_len));
			packet[at] ^= (uint8_t)flip;
		}
	}
	assert_true(refused > 0 && accepted > 0);
	assert_true(wire_verify(packet, len));
	free(packet);
}

static void signing_refusals(void **state)
{
	uint8_t pub[32], secret[64], other[64], seed[32] = {1}, packet[WIRE_PACKET_MAX];
	struct wire_capsule c = {.not_after = 1, .is_signed = true};
	size_t len;

	(void)state;
	crypto_sign_seed_keypair(pub, secret, seed);
	seed[0] = 2;
	crypto_sign_seed_keypair(pub, other, seed);
	wire_address4(c.origin, 0x0a000001);
	wire_address4(c.destination, 0x0a000002);
	wire_address4(c.hop.previous, 0x0a000001);
	len = wire_build(packet, sizeof(packet), &c, NULL, NULL);
	assert_int_equal(len, WIRE_HEADER_SIGNED);
	assert_true(wire_sign(packet, len, secret));
	assert_true(wire_verify(packet, len));
	/* Another principal's key under the same signature. */
	memcpy(packet + 48, other + 32, 32);
	assert_false(wire_verify(packet, len));
	/* Another principal signs, the first one's key is claimed. */
	assert_true(wire_sign(packet, len, other));
	memcpy(packet + 48, secret + 32, 32);
	assert_false(wire_verify(packet, len));
	/* A packet that is not well-formed, or has no place for it, is not signed. */
	assert_false(wire_sign(packet, len - 1, secret));
	c.is_signed = false;
	len = wire_build(packet, sizeof(packet), &c, NULL, NULL);
	assert_int_equal(len, WIRE_HEADER_UNSIGNED);
	assert_false(wire_sign(packet, len, secret));
}

/* RFC 8032 5.1.7: S must be below the group's order; adding the order gives a second encoding, which must not verify. */
static void signature_malleability(void **state)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,	      0x63,
					  0x12, 0x58, 0xd6, 0x9c, 0xf7,	      0xa2,
					  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	size_t len;
	uint8_t *packet = sample(&len);
	unsigned carry = 0;

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		carry += (unsigned)packet[148 + 32 + i] + order[i];
		packet[148 + 32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_false(wire_verify(packet, len));
	free(packet);
}

static void hop_in_place(void **state)
{
	size_t len;
	uint8_t *packet = sample(&len);
	struct wire_capsule c;
	struct wire_hop h;

	(void)state;
	wire_hop_read(packet, &h);
	assert_int_equal(h.budget_left, 99000);
	h = (struct wire_hop){.budget_left = 12, .flags = WIRE_HOP_RETURNING, .hops = 200};
	wire_address4(h.previous, 0x0a090807);
	wire_hop_write(packet, &h);
	assert_true(wire_verify(packet, len));
	assert_int_equal(wire_parse(packet, len, &c), WIRE_OK);
	assert_int_equal(c.hop.budget_left, 12);
	assert_int_equal(c.hop.hops, 200);
	assert_ptr_equal(wire_goal(&c), c.origin);
	c.hop.flags = 0;
	assert_ptr_equal(wire_goal(&c), c.destination);
	free(packet);
}

static void resizing(void **state)
{
	size_t len;
	uint8_t *packet = sample(&len);
	uint8_t big[WIRE_PACKET_MAX] = {0};
	struct wire_capsule c;

	(void)state;
	memcpy(big, packet, len);
	free(packet);
	assert_int_equal(wire_resize(big, WIRE_PAYLOAD_MAX), WIRE_PACKET_MAX);
	assert_int_equal(wire_parse(big, WIRE_PACKET_MAX, &c), WIRE_OK);
	assert_int_equal(c.payload_len, WIRE_PAYLOAD_MAX);
	assert_true(wire_verify(big, WIRE_PACKET_MAX));
	assert_int_equal(wire_resize(big, WIRE_PAYLOAD_MAX + 1), 0);
	assert_int_equal(wire_resize(big, SIZE_MAX), 0);
	assert_int_equal(wire_resize(big, 7), 0); /* the arguments have 8 */
	assert_int_equal(wire_resize(big, 8), len);
	assert_true(wire_verify(big, len));
}

static void build_refusals(void **state)
{
	struct wire_capsule c = {.not_after = 1, .is_signed = true, .payload_len = 4};
	uint8_t buf[WIRE_PACKET_MAX], payload[4] = {0};
	enum wire_result why;

	(void)state;
	wire_address4(c.origin, 0x0a000001);
	wire_address4(c.destination, 0x0a000002);
	assert_int_equal(wire_build(buf, sizeof(buf), &c, payload, &why), 0);
	assert_int_equal(why, WIRE_BAD_ADDRESS); /* no previous node */
	wire_address4(c.hop.previous, 0x0a000001);
	assert_int_equal(wire_build(buf, WIRE_HEADER_SIGNED + 3, &c, payload, &why), 0);
	assert_int_equal(why, WIRE_LONG);
	assert_int_equal(wire_build(buf, WIRE_HEADER_SIGNED + 4, &c, payload, &why), 244);
	c.payload_len = WIRE_PAYLOAD_MAX + 1;
	assert_int_equal(wire_build(buf, sizeof(buf), &c, buf, &why), 0);
	assert_int_equal(why, WIRE_LONG);
}

static void validity(void **state)
{
	struct wire_capsule c = {.not_before = 100, .not_after = 200};

	(void)state;
	assert_int_equal(wire_validity(&c, 99), -1);
	assert_int_equal(wire_validity(&c, 100), 0);
	assert_int_equal(wire_validity(&c, 199), 0);
	assert_int_equal(wire_validity(&c, 200), 1);
}

static void code_packets(void **state)
{
	FILE *f = vectors_open("code.txt");
	unsigned count = 0;
	struct vector v;

	(void)state;
	while (vector_next(f, &v)) {
		size_t len, chunk_len;
		uint8_t *packet = vector_hex(&v, "packet", &len);
		uint8_t *chunk = vector_hex(&v, "chunk", &chunk_len);
		uint8_t code[WIRE_CODE_NAME];
		struct wire_capsule capsule;
		struct wire_code c;
		enum wire_result r = wire_code_parse(packet, len, &c);

		if (strcmp(wire_result_name(r), vector_text(&v, "result")) != 0)
			fail_msg("%s: %s", vector_text(&v, "name"), wire_result_name(r));
		assert_int_equal(wire_parse(packet, len, &capsule), WIRE_BAD_TYPE);
		if (r == WIRE_OK) {
			vector_octets(&v, "code", code, sizeof(code));
			assert_memory_equal(c.code, code, sizeof(code));
			assert_int_equal(c.type, vector_number(&v, "type"));
			assert_int_equal(c.index, vector_number(&v, "index"));
			assert_int_equal(c.module_len, vector_number(&v, "module-len"));
			assert_int_equal(c.chunk_len, chunk_len);
			assert_memory_equal(wire_code_chunk(packet), chunk, chunk_len);
		}
		free(packet);
		free(chunk);
		vector_free(&v);
		count++;
	}
	fclose(f);
	assert_true(count >= 15);
}

static void assert_code_vector(const char *name, const uint8_t *packet, size_t len)
{
	FILE *f = vectors_open("code.txt");
	struct vector v;
	bool found = false;

	while (vector_next(f, &v)) {
		if (strcmp(vector_text(&v, "name"), name) == 0) {
			size_t want_len;
			uint8_t *want = vector_hex(&v, "packet", &want_len);

			assert_int_equal(len, want_len);
			assert_memory_equal(packet, want, len);
			free(want);
			found = true;
		}
		vector_free(&v);
	}
	fclose(f);
	assert_true(found);
}

static void code_build(void **state)
{
	uint8_t buf[WIRE_PACKET_MAX], code[WIRE_CODE_NAME], module[3000];
	FILE *f = vectors_open("code.txt");
	struct vector v;

	(void)state;
	assert_true(vector_next(f, &v));
	vector_octets(&v, "code", code, sizeof(code));
	vector_free(&v);
	fclose(f);
	for (size_t i = 0; i < sizeof(module); i++)
		module[i] = (uint8_t)i;
	assert_code_vector("request", buf, wire_request_build(buf, sizeof(buf), code, 3));
	assert_code_vector("chunk", buf, wire_chunk_build(buf, sizeof(buf), code, 1, module, 3000));
	assert_code_vector("chunk-last", buf,
			   wire_chunk_build(buf, sizeof(buf), code, 2, module, 3000));
	assert_code_vector("chunk-only", buf,
			   wire_chunk_build(buf, sizeof(buf), code, 0, module, 200));
	assert_code_vector("not-here", buf, wire_chunk_build(buf, sizeof(buf), code, 5, NULL, 0));
	assert_int_equal(wire_chunk_build(buf, sizeof(buf), code, 3, module, 3000), 0);
	assert_int_equal(wire_chunk_build(buf, 1079, code, 0, module, 3000), 0);
	assert_int_equal(wire_chunk_build(buf, sizeof(buf), code, 0, module, 65537), 0);
	assert_int_equal(wire_request_build(buf, sizeof(buf), code, 64), 0);
	assert_int_equal(wire_request_build(buf, 55, code, 0), 0);
	assert_int_equal(wire_chunks(1), 1);
	assert_int_equal(wire_chunks(1024), 1);
	assert_int_equal(wire_chunks(1025), 2);
	assert_int_equal(wire_chunks(65536), 64);
}

static void addresses(void **state)
{
	uint8_t a[WIRE_ADDRESS];
	uint32_t ipv4 = 0;

	(void)state;
	wire_address4(a, 0x0a0b0c0d);
	assert_true(wire_is_address4(a, &ipv4));
	assert_int_equal(ipv4, 0x0a0b0c0d);
	a[0] = 0x20;
	assert_false(wire_is_address4(a, &ipv4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets),	    cmocka_unit_test(malformed),
		cmocka_unit_test(truncations),	    cmocka_unit_test(mutations),
		cmocka_unit_test(signing_refusals), cmocka_unit_test(signature_malleability),
		cmocka_unit_test(hop_in_place),	    cmocka_unit_test(resizing),
		cmocka_unit_test(build_refusals),   cmocka_unit_test(validity),
		cmocka_unit_test(code_packets),	    cmocka_unit_test(code_build),
		cmocka_unit_test(addresses),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("capsules/wire", tests, NULL, NULL);
}
