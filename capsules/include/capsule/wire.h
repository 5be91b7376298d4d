/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h - the packets of FORMAT.md section 1: parse, build, sign, verify.
 *
 * A packet here is a UDP payload: an ANEP packet and nothing behind it. Integers in the structures are in host order;
 * addresses are 16 bytes, an IPv4 address a.b.c.d as ::ffff:a.b.c.d. Nothing here allocates, keeps state, or reads outside the
 * lengths it is given. sodium_init() must have been called before wire_sign and wire_verify.
 *
 * Sources: draft-alexander-anep (the header), RFC 8032 (Ed25519), RFC 4291 2.5.5.2 (IPv4-mapped addresses).
 */
#ifndef CAPSULE_WIRE_H
#define CAPSULE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PORT 3322u		  /* UDP source and destination port */
#define WIRE_PACKET_MAX 1200u	  /* the largest packet: one UDP payload that fits every MTU */
#define WIRE_HEADER_SIGNED 240u	  /* octets before the payload of a signed capsule */
#define WIRE_HEADER_UNSIGNED 172u /* likewise of one without signature */
#define WIRE_HEADER_CODE 56u	  /* octets before the chunk of a code request or code chunk */
#define WIRE_CHUNK 1024u	  /* octets of a module in one chunk; the last chunk has the rest */
#define WIRE_MODULE_MAX 65536u	  /* the largest module, so at most 64 chunks */
#define WIRE_PAYLOAD_MAX (WIRE_PACKET_MAX - WIRE_HEADER_SIGNED)
#define WIRE_CODE_NAME 32u  /* BLAKE2b-256 of the module */
#define WIRE_PUBLIC_KEY 32u /* Ed25519 */
#define WIRE_SECRET_KEY 64u /* as libsodium has it: seed, then public key */
#define WIRE_SIGNATURE 64u
#define WIRE_ADDRESS 16u
#define WIRE_CODE_OFFSET 12u /* where the code name stands in every packet: for filters */

enum wire_type { WIRE_CAPSULE = 2002, WIRE_CODE_REQUEST = 2003, WIRE_CODE_CHUNK = 2004 };

/* What parsing found: WIRE_RESULT(NAME, "stable-name", "text"). */
#define WIRE_RESULTS                                                                             \
	WIRE_RESULT(OK, "ok", "well-formed")                                                     \
	WIRE_RESULT(UNSIGNED, "unsigned", "well-formed, but without a signature")                \
	WIRE_RESULT(SHORT, "short", "shorter than its header")                                   \
	WIRE_RESULT(LONG, "long", "longer than 1,200 octets")                                    \
	WIRE_RESULT(BAD_VERSION, "bad-version", "the ANEP version is not 1")                     \
	WIRE_RESULT(BAD_ANEP_FLAGS, "bad-anep-flags", "the ANEP flags are not zero")             \
	WIRE_RESULT(BAD_TYPE, "bad-type", "not the type of packet that was expected")            \
	WIRE_RESULT(BAD_HEADER_LENGTH, "bad-header-length",                                      \
		    "the header length is not one of this type")                                 \
	WIRE_RESULT(BAD_PACKET_LENGTH, "bad-packet-length",                                      \
		    "the packet length differs from the datagram's")                             \
	WIRE_RESULT(BAD_OPTION, "bad-option",                                                    \
		    "an option is not the one that stands at this offset")                       \
	WIRE_RESULT(BAD_VALIDITY, "bad-validity", "the validity ends before it begins")          \
	WIRE_RESULT(BAD_ARGUMENTS, "bad-arguments", "the arguments are longer than the payload") \
	WIRE_RESULT(BAD_ADDRESS, "bad-address",                                                  \
		    "an address is not a unicast one, or of another family")                     \
	WIRE_RESULT(BAD_HOP_BUDGET, "bad-hop-budget", "more budget is left than was given")      \
	WIRE_RESULT(BAD_HOP_FLAGS, "bad-hop-flags", "an unknown hop flag is set")                \
	WIRE_RESULT(BAD_RESERVED, "bad-reserved", "a reserved field is not zero")                \
	WIRE_RESULT(BAD_CHUNK, "bad-chunk", "index, module length and chunk do not fit each other")

enum wire_result {
#define WIRE_RESULT(name, stable, text) WIRE_##name,
	WIRE_RESULTS
#undef WIRE_RESULT
		WIRE_NRESULT
};
const char *wire_result_name(enum wire_result r); /* kebab case, for counters and programs */
const char *wire_result_text(enum wire_result r);

/* Only these two have their fields filled in; the others are malformed. */
static inline bool wire_well_formed(enum wire_result r)
{
	return r == WIRE_OK || r == WIRE_UNSIGNED;
}

/* HOP: what changes on the way and is not signed. */
#define WIRE_HOP_RETURNING 1u
struct wire_hop {
	uint32_t budget_left;		/* <= budget */
	uint8_t flags;			/* WIRE_HOP_RETURNING or 0 */
	uint8_t hops;			/* active nodes crossed */
	uint8_t previous[WIRE_ADDRESS]; /* the previous active node, which has the code */
};

/* A capsule's fields, copied out of the packet: nothing here points into it. */
struct wire_capsule {
	uint8_t code[WIRE_CODE_NAME];
	uint8_t principal[WIRE_PUBLIC_KEY];
	uint64_t sequence;
	uint64_t not_before,
		not_after; /* seconds since 1970 UTC; valid while not_before <= now < not_after */
	uint32_t budget;   /* work units for its whole life */
	uint16_t entry;	   /* index of the entry point */
	uint16_t arg_len;  /* signed octets at the start of the payload */
	uint8_t origin[WIRE_ADDRESS];
	uint8_t destination[WIRE_ADDRESS];
	bool is_signed;
	uint8_t signature[WIRE_SIGNATURE]; /* zero when not signed */
	struct wire_hop hop;
	uint16_t header_len;  /* 240 or 172: the payload stands at packet + header_len */
	uint16_t payload_len; /* octets */
};

/*
 * Checks the ANEP header only. Returns WIRE_OK and the type, which is one of enum wire_type; otherwise what is wrong.
 */
enum wire_result wire_peek(const uint8_t *packet, size_t len, enum wire_type *type);

/*
 * Parses a capsule and checks every field of its format: WIRE_OK, WIRE_UNSIGNED (fields filled in, to be refused), or what is
 * malformed. It does not check the signature, the time or any policy.
 */
enum wire_result wire_parse(const uint8_t *packet, size_t len, struct wire_capsule *c);

/*
 * Builds a capsule of c's fields and `c->payload_len` octets of payload into buf (size octets); c->header_len is not read:
 * c->is_signed decides. The signature is copied as it stands in c. Returns the packet's length, or 0 when it would not be
 * well-formed or not fit; then *why (may be NULL) says what is wrong.
 */
size_t wire_build(uint8_t *buf, size_t size, const struct wire_capsule *c, const uint8_t *payload,
		  enum wire_result *why);

/* Puts secret's principal and signature into a well-formed packet that has an AUTH option. False: it is not one. */
bool wire_sign(uint8_t *packet, size_t len, const uint8_t secret[WIRE_SECRET_KEY]);

/* True when the packet is a well-formed signed capsule and its signature is its principal's. */
bool wire_verify(const uint8_t *packet, size_t len);

/* -1: not yet valid, 0: valid, 1: expired. now in seconds since 1970 UTC. */
int wire_validity(const struct wire_capsule *c, uint64_t now);

/* Where the packet goes, and thus its IP destination: the destination, or the origin when it returns. */
const uint8_t *wire_goal(const struct wire_capsule *c);

/*
 * In place, on a packet that wire_parse accepted. Setting values that the format forbids makes the packet malformed;
 * wire_hop_write sets every octet of HOP, the reserved ones to zero.
 */
void wire_hop_read(const uint8_t *packet, struct wire_hop *hop);
void wire_hop_write(uint8_t *packet, const struct wire_hop *hop);

/* Octets before the payload, and the payload itself, of a packet that wire_parse accepted. */
size_t wire_header_len(const uint8_t *packet);
uint8_t *wire_payload(uint8_t *packet);

/*
 * Changes the payload's length in the header of a packet that wire_parse accepted. The caller has written, or zeroed, the octets that
 * this adds. Returns the packet's new length, or 0 and no change when arg_len or WIRE_PACKET_MAX forbids it.
 */
size_t wire_resize(uint8_t *packet, size_t payload_len);

/* Code request and code chunk. In a request module_len and chunk_len are 0. */
struct wire_code {
	enum wire_type type; /* WIRE_CODE_REQUEST or WIRE_CODE_CHUNK */
	uint8_t code[WIRE_CODE_NAME];
	uint16_t index;	     /* of the chunk, from 0; at most 63 */
	uint32_t module_len; /* octets of the whole module; 0 in a chunk: "I do not have it" */
	uint16_t chunk_len;  /* octets of this chunk */
};
enum wire_result wire_code_parse(const uint8_t *packet, size_t len, struct wire_code *c);

/* The chunk of a well-formed packet: c.chunk_len octets, at offset c.index * WIRE_CHUNK of the module. */
static inline const uint8_t *wire_code_chunk(const uint8_t *packet)
{
	return packet + WIRE_HEADER_CODE;
}

/* Both return the packet's length, or 0 when it would not be well-formed or not fit. */
size_t wire_request_build(uint8_t *buf, size_t size, const uint8_t code[WIRE_CODE_NAME],
			  uint16_t index);
/* module == NULL and module_len == 0: "I do not have it". Otherwise chunk `index` of the whole module. */
size_t wire_chunk_build(uint8_t *buf, size_t size, const uint8_t code[WIRE_CODE_NAME],
			uint16_t index, const uint8_t *module, uint32_t module_len);
static inline uint32_t wire_chunks(uint32_t module_len)
{
	return (module_len + WIRE_CHUNK - 1) / WIRE_CHUNK;
}

/* IPv4 addresses as numbers in host order: 10.0.0.1 is 0x0a000001. */
void wire_address4(uint8_t out[WIRE_ADDRESS], uint32_t ipv4);
bool wire_is_address4(const uint8_t a[WIRE_ADDRESS], uint32_t *ipv4); /* ipv4 may be NULL */

#endif
