/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.h - reading test vectors: lines of "key value", a vector ends at an empty line, '#' begins a comment line, `-` is an empty string.
 * Every mistake in a file ends the test program with a message.
 */
#ifndef CAPSULE_TEST_VECTORS_H
#define CAPSULE_TEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VECTOR_DIR "capsules/test/vectors/"
#define VECTOR_FIELDS 32u

struct vector {
	char *text; /* the lines, with zeros between words */
	size_t nfield;
	const char *key[VECTOR_FIELDS], *value[VECTOR_FIELDS];
};

/* Opens VECTOR_DIR/name. */
FILE *vectors_open(const char *name);
/* The next vector; false at the end. Free each with vector_free. */
bool vector_next(FILE *f, struct vector *v);
void vector_free(struct vector *v);

const char *vector_text(const struct vector *v, const char *key);
uint64_t vector_number(const struct vector *v, const char *key);
/* The octets, in memory from malloc of exactly this length (one octet when there are none). */
uint8_t *vector_hex(const struct vector *v, const char *key, size_t *len);
/* The same where the length is known. */
void vector_octets(const struct vector *v, const char *key, uint8_t *out, size_t len);

#endif
