/* SPDX-License-Identifier: BSD-2-Clause */
/* vectors.c - reading test vectors. */
#include "capsules/test/vectors.h"
#include "capsule/keys.h"

#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *where)
{
	fprintf(stderr, "test vectors: %s: %s\n", what, where);
	abort();
}

FILE *vectors_open(const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", VECTOR_DIR, name);
	f = fopen(path, "r");
	if (!f)
		die("cannot open it (run from the top of the tree)", path);
	return f;
}

static void add_line(struct vector *v, char *line)
{
	char *space = strchr(line, ' ');

	if (!space || v->nfield == VECTOR_FIELDS)
		die("not \"key value\", or too many of them", line);
	*space = 0;
	v->key[v->nfield] = line;
	v->value[v->nfield] = strcmp(space + 1, "-") == 0 ? "" : space + 1;
	v->nfield++;
}

/* Appends a line to v->text as octets; pointers are set when it is complete and does not move any more. */
static void append(struct vector *v, size_t *used, const char *line, size_t len)
{
	v->text = realloc(v->text, *used + len + 1);
	if (!v->text)
		die("out of memory", "");
	memcpy(v->text + *used, line, len);
	v->text[*used + len] = 0;
	*used += len + 1;
}

bool vector_next(FILE *f, struct vector *v)
{
	char *line = NULL;
	size_t size = 0, used = 0;
	ssize_t n;

	memset(v, 0, sizeof(*v));
	while ((n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (n == 0 && used > 0)
			break;
		if (n > 0 && line[0] != '#')
			append(v, &used, line, (size_t)n);
	}
	free(line);
	for (size_t at = 0; at < used;) {
		size_t next = at + strlen(v->text + at) + 1;

		add_line(v, v->text + at);
		at = next;
	}
	return used > 0;
}

void vector_free(struct vector *v)
{
	free(v->text);
}

const char *vector_text(const struct vector *v, const char *key)
{
	for (size_t i = 0; i < v->nfield; i++) {
		if (strcmp(v->key[i], key) == 0)
			return v->value[i];
	}
	die("no such key", key);
	return NULL;
}

uint64_t vector_number(const struct vector *v, const char *key)
{
	const char *text = vector_text(v, key);
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*text == 0 || *end != 0)
		die("not a number", key);
	return n;
}

uint8_t *vector_hex(const struct vector *v, const char *key, size_t *len)
{
	const char *text = vector_text(v, key);
	uint8_t *bytes;

	*len = strlen(text) / 2;
	bytes = malloc(*len > 0 ? *len : 1);
	if (!bytes || !key_unhex(text, strlen(text), bytes, *len))
		die("not hex", key);
	return bytes;
}

void vector_octets(const struct vector *v, const char *key, uint8_t *out, size_t len)
{
	if (!key_unhex(vector_text(v, key), strlen(vector_text(v, key)), out, len))
		die("not hex of the right length", key);
}
