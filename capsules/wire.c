/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.c - packets: the layouts of FORMAT.md section 1, in one table of offsets. */
#include "capsule/wire.h"
#include "capsule/sdk.h"

#include <sodium.h>
#include <string.h>

/* Offsets that every packet has. */
enum {
	AT_VERSION = 0,
	AT_FLAGS = 1,
	AT_TYPE = 2,
	AT_HEADER_LEN = 4,
	AT_PACKET_LEN = 6,
	ANEP_LEN = 8,
	AT_CODE_OPTION = 8,
	AT_CODE = 12,
};

/* Offsets of a capsule. HOP stands behind AUTH, or in its place. */
enum {
	AT_ORIGIN_OPTION = 44,
	AT_PRINCIPAL = 48,
	AT_SEQUENCE = 80,
	AT_NOT_BEFORE = 88,
	AT_NOT_AFTER = 96,
	AT_BUDGET = 104,
	AT_ENTRY = 108,
	AT_ARG_LEN = 110,
	AT_ORIGIN = 112,
	AT_DESTINATION = 128,
	AT_AUTH_OPTION = 144,
	AT_SIGNATURE = 148,
	HOP_LEN = 28,
	/* From the start of HOP. */
	HOP_BUDGET_LEFT = 4,
	HOP_FLAGS = 8,
	HOP_HOPS = 9,
	HOP_ZERO = 10,
	HOP_PREVIOUS = 12,
};

/* Offsets of a code request and a code chunk. */
enum {
	AT_CHUNK_OPTION = 44,
	AT_INDEX = 48,
	AT_CHUNK_ZERO = 50,
	AT_MODULE_LEN = 52,
};

/* An option's first word: its type and its length in words. */
#define OPTION_CODE 0xc0010009u
#define OPTION_ORIGIN 0xc0020019u
#define OPTION_AUTH 0xc0030011u
#define OPTION_HOP 0xc0040007u
#define OPTION_CHUNK 0xc0050003u

#define SIGNED_FROM AT_CODE_OPTION
#define SIGNED_TO AT_AUTH_OPTION
static const uint8_t sign_prefix[16] = "AMP capsule v1"; /* and two zeros */

_Static_assert(AT_SIGNATURE + WIRE_SIGNATURE + HOP_LEN == WIRE_HEADER_SIGNED,
	       "HOP ends the header");
_Static_assert(AT_AUTH_OPTION + HOP_LEN == WIRE_HEADER_UNSIGNED, "HOP ends the header");
_Static_assert(AT_MODULE_LEN + 4 == WIRE_HEADER_CODE, "CHUNK ends the header");
_Static_assert(HOP_PREVIOUS + WIRE_ADDRESS == HOP_LEN, "the address ends HOP");
_Static_assert(WIRE_HEADER_CODE + WIRE_CHUNK <= WIRE_PACKET_MAX, "a chunk fits");
_Static_assert(WIRE_PAYLOAD_MAX == CAPSULE_PAYLOAD_MAX, "what programs are told");
_Static_assert(AT_CODE == WIRE_CODE_OFFSET, "the header names the offset");

const char *wire_result_name(enum wire_result r)
{
	static const char *const names[WIRE_NRESULT] = {
#define WIRE_RESULT(name, stable, text) stable,
		WIRE_RESULTS
#undef WIRE_RESULT
	};
	return (unsigned)r < WIRE_NRESULT ? names[r] : "unknown";
}

const char *wire_result_text(enum wire_result r)
{
	static const char *const texts[WIRE_NRESULT] = {
#define WIRE_RESULT(name, stable, text) text,
		WIRE_RESULTS
#undef WIRE_RESULT
	};
	return (unsigned)r < WIRE_NRESULT ? texts[r] : "unknown";
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

void wire_address4(uint8_t out[WIRE_ADDRESS], uint32_t ipv4)
{
	memset(out, 0, 10);
	put16(out + 10, 0xffff);
	put32(out + 12, ipv4);
}

bool wire_is_address4(const uint8_t a[WIRE_ADDRESS], uint32_t *ipv4)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(a, mapped, sizeof(mapped)) != 0)
		return false;
	if (ipv4)
		*ipv4 = get32(a + 12);
	return true;
}

/*
 * RFC 1122 3.2.1.3: 0/8 names this network and 224/4 and above are multicast, reserved and broadcast. RFC 4291 2.5.2, 2.7:
 * `::` is no address, ff00::/8 is multicast. None of them can be where a capsule comes from or goes to.
 */
static bool unicast(const uint8_t a[WIRE_ADDRESS])
{
	static const uint8_t zero[WIRE_ADDRESS];
	uint32_t ipv4;

	if (wire_is_address4(a, &ipv4))
		return ipv4 >> 24 != 0 && ipv4 >> 28 < 14;
	return a[0] != 0xff && memcmp(a, zero, sizeof(zero)) != 0;
}

enum wire_result wire_peek(const uint8_t *packet, size_t len, enum wire_type *type)
{
	uint16_t t;

	if (len < ANEP_LEN)
		return WIRE_SHORT;
	if (len > WIRE_PACKET_MAX)
		return WIRE_LONG;
	if (packet[AT_VERSION] != 1)
		return WIRE_BAD_VERSION;
	if (packet[AT_FLAGS] != 0)
		return WIRE_BAD_ANEP_FLAGS;
	t = get16(packet + AT_TYPE);
	if (t != WIRE_CAPSULE && t != WIRE_CODE_REQUEST && t != WIRE_CODE_CHUNK)
		return WIRE_BAD_TYPE;
	/* A packet length below the datagram's would leave octets that belong to nothing. */
	if (get16(packet + AT_PACKET_LEN) != len)
		return WIRE_BAD_PACKET_LENGTH;
	*type = (enum wire_type)t;
	return WIRE_OK;
}

/* The header is complete and its options are those of this type: only then may fields be read. */
static enum wire_result check_capsule_shape(const uint8_t *p, size_t len)
{
	enum wire_type type;
	enum wire_result r = wire_peek(p, len, &type);
	size_t header, hop;

	if (r != WIRE_OK)
		return r;
	if (type != WIRE_CAPSULE)
		return WIRE_BAD_TYPE;
	header = (size_t)get16(p + AT_HEADER_LEN) * 4;
	if (header != WIRE_HEADER_SIGNED && header != WIRE_HEADER_UNSIGNED)
		return WIRE_BAD_HEADER_LENGTH;
	if (len < header)
		return WIRE_SHORT;
	hop = header - HOP_LEN;
	if (get32(p + AT_CODE_OPTION) != OPTION_CODE ||
	    get32(p + AT_ORIGIN_OPTION) != OPTION_ORIGIN || get32(p + hop) != OPTION_HOP)
		return WIRE_BAD_OPTION;
	if (header == WIRE_HEADER_SIGNED && get32(p + AT_AUTH_OPTION) != OPTION_AUTH)
		return WIRE_BAD_OPTION;
	if (get16(p + hop + HOP_ZERO) != 0)
		return WIRE_BAD_RESERVED;
	return header == WIRE_HEADER_SIGNED ? WIRE_OK : WIRE_UNSIGNED;
}

static void read_fields(const uint8_t *p, size_t len, bool is_signed, struct wire_capsule *c)
{
	memcpy(c->code, p + AT_CODE, WIRE_CODE_NAME);
	memcpy(c->principal, p + AT_PRINCIPAL, WIRE_PUBLIC_KEY);
	c->sequence = get64(p + AT_SEQUENCE);
	c->not_before = get64(p + AT_NOT_BEFORE);
	c->not_after = get64(p + AT_NOT_AFTER);
	c->budget = get32(p + AT_BUDGET);
	c->entry = get16(p + AT_ENTRY);
	c->arg_len = get16(p + AT_ARG_LEN);
	memcpy(c->origin, p + AT_ORIGIN, WIRE_ADDRESS);
	memcpy(c->destination, p + AT_DESTINATION, WIRE_ADDRESS);
	c->is_signed = is_signed;
	if (is_signed)
		memcpy(c->signature, p + AT_SIGNATURE, WIRE_SIGNATURE);
	else
		memset(c->signature, 0, WIRE_SIGNATURE);
	wire_hop_read(p, &c->hop);
	c->header_len = (uint16_t)wire_header_len(p);
	c->payload_len = (uint16_t)(len - c->header_len);
}

/* What the format says about the fields' values, whoever wrote them: the parser and the builder both ask. */
static enum wire_result check_fields(const struct wire_capsule *c)
{
	bool is4 = wire_is_address4(c->origin, NULL);

	if (c->not_before >= c->not_after)
		return WIRE_BAD_VALIDITY;
	/* Longer arguments than payload would let the signature cover octets that are not there. */
	if (c->arg_len > c->payload_len)
		return WIRE_BAD_ARGUMENTS;
	if (!unicast(c->origin) || !unicast(c->destination) || !unicast(c->hop.previous))
		return WIRE_BAD_ADDRESS;
	if (wire_is_address4(c->destination, NULL) != is4 ||
	    wire_is_address4(c->hop.previous, NULL) != is4)
		return WIRE_BAD_ADDRESS;
	if (c->hop.budget_left > c->budget)
		return WIRE_BAD_HOP_BUDGET;
	if (c->hop.flags & ~WIRE_HOP_RETURNING)
		return WIRE_BAD_HOP_FLAGS;
	return WIRE_OK;
}

enum wire_result wire_parse(const uint8_t *packet, size_t len, struct wire_capsule *c)
{
	enum wire_result shape = check_capsule_shape(packet, len);
	enum wire_result fields;

	if (!wire_well_formed(shape))
		return shape;
	read_fields(packet, len, shape == WIRE_OK, c);
	fields = check_fields(c);
	return fields != WIRE_OK ? fields : shape;
}

static void put_anep(uint8_t *p, enum wire_type type, size_t header, size_t len)
{
	p[AT_VERSION] = 1;
	p[AT_FLAGS] = 0;
	put16(p + AT_TYPE, (uint16_t)type);
	put16(p + AT_HEADER_LEN, (uint16_t)(header / 4));
	put16(p + AT_PACKET_LEN, (uint16_t)len);
}

size_t wire_build(uint8_t *buf, size_t size, const struct wire_capsule *c, const uint8_t *payload,
		  enum wire_result *why)
{
	size_t header = c->is_signed ? WIRE_HEADER_SIGNED : WIRE_HEADER_UNSIGNED;
	size_t len = header + c->payload_len;
	enum wire_result r = check_fields(c);

	if (r == WIRE_OK && (len > WIRE_PACKET_MAX || len > size))
		r = WIRE_LONG;
	if (why)
		*why = r;
	if (r != WIRE_OK)
		return 0;
	put_anep(buf, WIRE_CAPSULE, header, len);
	put32(buf + AT_CODE_OPTION, OPTION_CODE);
	memcpy(buf + AT_CODE, c->code, WIRE_CODE_NAME);
	put32(buf + AT_ORIGIN_OPTION, OPTION_ORIGIN);
	memcpy(buf + AT_PRINCIPAL, c->principal, WIRE_PUBLIC_KEY);
	put64(buf + AT_SEQUENCE, c->sequence);
	put64(buf + AT_NOT_BEFORE, c->not_before);
	put64(buf + AT_NOT_AFTER, c->not_after);
	put32(buf + AT_BUDGET, c->budget);
	put16(buf + AT_ENTRY, c->entry);
	put16(buf + AT_ARG_LEN, c->arg_len);
	memcpy(buf + AT_ORIGIN, c->origin, WIRE_ADDRESS);
	memcpy(buf + AT_DESTINATION, c->destination, WIRE_ADDRESS);
	if (c->is_signed) {
		put32(buf + AT_AUTH_OPTION, OPTION_AUTH);
		memcpy(buf + AT_SIGNATURE, c->signature, WIRE_SIGNATURE);
	}
	wire_hop_write(buf, &c->hop);
	if (c->payload_len > 0)
		memcpy(buf + header, payload, c->payload_len);
	return len;
}

/* What the signature covers, in one piece. Returns its length. */
static size_t signed_message(const uint8_t *p, uint16_t arg_len,
			     uint8_t msg[WIRE_PACKET_MAX + sizeof(sign_prefix)])
{
	size_t n = sizeof(sign_prefix);

	memcpy(msg, sign_prefix, n);
	memcpy(msg + n, p + SIGNED_FROM, SIGNED_TO - SIGNED_FROM);
	n += SIGNED_TO - SIGNED_FROM;
	memcpy(msg + n, p + WIRE_HEADER_SIGNED, arg_len);
	return n + arg_len;
}

bool wire_sign(uint8_t *packet, size_t len, const uint8_t secret[WIRE_SECRET_KEY])
{
	uint8_t msg[WIRE_PACKET_MAX + sizeof(sign_prefix)];
	struct wire_capsule c;
	size_t n;

	if (wire_parse(packet, len, &c) != WIRE_OK)
		return false;
	/* The second half of libsodium's secret key is the public key. */
	memcpy(packet + AT_PRINCIPAL, secret + 32, WIRE_PUBLIC_KEY);
	n = signed_message(packet, c.arg_len, msg);
	return crypto_sign_detached(packet + AT_SIGNATURE, NULL, msg, n, secret) == 0;
}

bool wire_verify(const uint8_t *packet, size_t len)
{
	uint8_t msg[WIRE_PACKET_MAX + sizeof(sign_prefix)];
	struct wire_capsule c;
	size_t n;

	if (wire_parse(packet, len, &c) != WIRE_OK)
		return false;
	n = signed_message(packet, c.arg_len, msg);
	return crypto_sign_verify_detached(c.signature, msg, n, c.principal) == 0;
}

int wire_validity(const struct wire_capsule *c, uint64_t now)
{
	if (now < c->not_before)
		return -1;
	return now < c->not_after ? 0 : 1;
}

const uint8_t *wire_goal(const struct wire_capsule *c)
{
	return c->hop.flags & WIRE_HOP_RETURNING ? c->origin : c->destination;
}

void wire_hop_read(const uint8_t *packet, struct wire_hop *hop)
{
	const uint8_t *p = packet + wire_header_len(packet) - HOP_LEN;

	hop->budget_left = get32(p + HOP_BUDGET_LEFT);
	hop->flags = p[HOP_FLAGS];
	hop->hops = p[HOP_HOPS];
	memcpy(hop->previous, p + HOP_PREVIOUS, WIRE_ADDRESS);
}

void wire_hop_write(uint8_t *packet, const struct wire_hop *hop)
{
	uint8_t *p = packet + wire_header_len(packet) - HOP_LEN;

	put32(p, OPTION_HOP);
	put32(p + HOP_BUDGET_LEFT, hop->budget_left);
	p[HOP_FLAGS] = hop->flags;
	p[HOP_HOPS] = hop->hops;
	put16(p + HOP_ZERO, 0);
	memcpy(p + HOP_PREVIOUS, hop->previous, WIRE_ADDRESS);
}

size_t wire_header_len(const uint8_t *packet)
{
	return (size_t)get16(packet + AT_HEADER_LEN) * 4;
}

uint8_t *wire_payload(uint8_t *packet)
{
	return packet + wire_header_len(packet);
}

size_t wire_resize(uint8_t *packet, size_t payload_len)
{
	size_t header = wire_header_len(packet);

	if (payload_len > WIRE_PACKET_MAX - header || payload_len < get16(packet + AT_ARG_LEN))
		return 0;
	put16(packet + AT_PACKET_LEN, (uint16_t)(header + payload_len));
	return header + payload_len;
}

/* How index, module length and chunk length must fit each other. */
static bool chunk_fits(enum wire_type type, uint16_t index, uint32_t module_len, size_t chunk_len)
{
	size_t at = (size_t)index * WIRE_CHUNK;

	if (index >= wire_chunks(WIRE_MODULE_MAX) || module_len > WIRE_MODULE_MAX)
		return false;
	if (module_len == 0)
		return chunk_len == 0;
	if (type == WIRE_CODE_REQUEST || at >= module_len)
		return false;
	return chunk_len == (module_len - at < WIRE_CHUNK ? module_len - at : WIRE_CHUNK);
}

enum wire_result wire_code_parse(const uint8_t *packet, size_t len, struct wire_code *c)
{
	enum wire_result r = wire_peek(packet, len, &c->type);

	if (r != WIRE_OK)
		return r;
	if (c->type == WIRE_CAPSULE)
		return WIRE_BAD_TYPE;
	if (wire_header_len(packet) != WIRE_HEADER_CODE)
		return WIRE_BAD_HEADER_LENGTH;
	if (len < WIRE_HEADER_CODE)
		return WIRE_SHORT;
	if (get32(packet + AT_CODE_OPTION) != OPTION_CODE ||
	    get32(packet + AT_CHUNK_OPTION) != OPTION_CHUNK)
		return WIRE_BAD_OPTION;
	if (get16(packet + AT_CHUNK_ZERO) != 0)
		return WIRE_BAD_RESERVED;
	memcpy(c->code, packet + AT_CODE, WIRE_CODE_NAME);
	c->index = get16(packet + AT_INDEX);
	c->module_len = get32(packet + AT_MODULE_LEN);
	c->chunk_len = (uint16_t)(len - WIRE_HEADER_CODE);
	return chunk_fits(c->type, c->index, c->module_len, c->chunk_len) ? WIRE_OK
									  : WIRE_BAD_CHUNK;
}

static size_t code_build(uint8_t *buf, size_t size, const struct wire_code *c, const uint8_t *chunk)
{
	size_t len = WIRE_HEADER_CODE + c->chunk_len;

	if (len > size || !chunk_fits(c->type, c->index, c->module_len, c->chunk_len))
		return 0;
	put_anep(buf, c->type, WIRE_HEADER_CODE, len);
	put32(buf + AT_CODE_OPTION, OPTION_CODE);
	memcpy(buf + AT_CODE, c->code, WIRE_CODE_NAME);
	put32(buf + AT_CHUNK_OPTION, OPTION_CHUNK);
	put16(buf + AT_INDEX, c->index);
	put16(buf + AT_CHUNK_ZERO, 0);
	put32(buf + AT_MODULE_LEN, c->module_len);
	if (c->chunk_len > 0)
		memcpy(buf + WIRE_HEADER_CODE, chunk, c->chunk_len);
	return len;
}

size_t wire_request_build(uint8_t *buf, size_t size, const uint8_t code[WIRE_CODE_NAME],
			  uint16_t index)
{
	struct wire_code c = {.type = WIRE_CODE_REQUEST, .index = index};

	memcpy(c.code, code, WIRE_CODE_NAME);
	return code_build(buf, size, &c, NULL);
}

size_t wire_chunk_build(uint8_t *buf, size_t size, const uint8_t code[WIRE_CODE_NAME],
			uint16_t index, const uint8_t *module, uint32_t module_len)
{
	struct wire_code c = {.type = WIRE_CODE_CHUNK, .index = index, .module_len = module_len};
	size_t at = (size_t)index * WIRE_CHUNK;

	if (module_len > WIRE_MODULE_MAX || (module_len > 0 && at >= module_len))
		return 0;
	if (module_len > 0) {
		size_t rest = module_len - at;

		c.chunk_len = (uint16_t)(rest < WIRE_CHUNK ? rest : WIRE_CHUNK);
	}
	memcpy(c.code, code, WIRE_CODE_NAME);
	return code_build(buf, size, &c, module_len > 0 ? module + at : NULL);
}
