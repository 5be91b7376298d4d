/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch.c - the code fetching state machine.
 */
#include <stdlib.h>
#include <string.h>

#include "capsule/module.h"
#include "nodeos/ee/fetch.h"

_Static_assert(FETCH_CHUNKS == 64, "a module has at most 64 chunks");

struct fetch *fetch_find(struct fetches *all, const uint8_t code[WIRE_CODE_NAME])
{
	for (unsigned i = 0; i < FETCHES; i++) {
		if (all->f[i].used && !memcmp(all->f[i].code, code, WIRE_CODE_NAME))
			return &all->f[i];
	}
	return NULL;
}

static void ask(struct fetches *all, struct fetch *f, uint32_t index, uint64_t now)
{
	struct fetch_chunk *c = &f->chunk[index];
	uint64_t wait = FETCH_FIRST_NS << (c->tries < 3 ? c->tries : 3);

	c->deadline = now + (wait < FETCH_LAST_NS ? wait : FETCH_LAST_NS);
	c->tries++;
	f->requests++;
	f->retransmits += c->tries > 1;
	all->request(all->arg, f, (uint16_t)index, c->tries > 1);
}

/* Keeps the window full. Before the length is known only chunk 0 is there to ask for. */
static void fill(struct fetches *all, struct fetch *f, uint64_t now)
{
	uint32_t n = f->len ? f->nchunk : 1, out = 0;

	for (uint32_t i = 0; i < n; i++)
		out += f->chunk[i].tries && !f->chunk[i].have;
	for (uint32_t i = 0; i < n && out < FETCH_WINDOW; i++) {
		if (!f->chunk[i].tries) {
			ask(all, f, i, now);
			out++;
		}
	}
}

struct fetch *fetch_start(struct fetches *all, const uint8_t code[WIRE_CODE_NAME], uint32_t from,
			  uint64_t now)
{
	struct fetch *f = fetch_find(all, code);

	for (unsigned i = 0; i < FETCHES && !f; i++) {
		if (all->f[i].used)
			continue;
		f = &all->f[i];
		memset(f, 0, sizeof(*f));
		f->used = true;
		memcpy(f->code, code, WIRE_CODE_NAME);
		f->from = from;
		fill(all, f, now);
	}
	return f;
}

static void finish(struct fetches *all, struct fetch *f, const char *failure)
{
	all->over(all->arg, f, failure);
	free(f->bytes);
	memset(f, 0, sizeof(*f));
}

static bool whole(const struct fetch *f)
{
	uint8_t name[WIRE_CODE_NAME];

	module_code_name(f->bytes, f->len, name);
	return !memcmp(name, f->code, sizeof(name));
}

bool fetch_input(struct fetches *all, uint32_t from, const struct wire_code *c, const uint8_t *data,
		 uint64_t now)
{
	struct fetch *f = fetch_find(all, c->code);

	if (!f || f->from != from || c->index >= FETCH_CHUNKS || !f->chunk[c->index].tries)
		return false;
	if (!c->module_len) {
		finish(all, f, "the previous hop does not have it");
		return true;
	}
	if (!f->len) {
		/* Its parser checked that index, length and chunk fit each other: the length is at most 65,536. */
		f->bytes = malloc(c->module_len);
		if (!f->bytes) {
			finish(all, f, "out of memory");
			return true;
		}
		f->len = c->module_len;
		f->nchunk = wire_chunks(c->module_len);
	}
	/* Another length than before would put a chunk outside the buffer. */
	if (c->module_len != f->len || f->chunk[c->index].have)
		return false;
	memcpy(f->bytes + (size_t)c->index * WIRE_CHUNK, data, c->chunk_len);
	f->chunk[c->index].have = 1;
	f->nhave++;
	if (f->nhave < f->nchunk)
		fill(all, f, now);
	else
		finish(all, f,
		       whole(f) ? NULL : "the chunks do not make up the module of that name");
	return true;
}

void fetch_tick(struct fetches *all, uint64_t now)
{
	for (unsigned i = 0; i < FETCHES; i++) {
		struct fetch *f = &all->f[i];

		for (uint32_t k = 0; f->used && k < FETCH_CHUNKS; k++) {
			struct fetch_chunk *c = &f->chunk[k];

			if (!c->tries || c->have || c->deadline > now)
				continue;
			if (c->tries < FETCH_TRIES)
				ask(all, f, k, now);
			else
				finish(all, f, "the previous hop did not answer");
		}
	}
}

uint64_t fetch_deadline(const struct fetches *all)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < FETCHES; i++) {
		const struct fetch *f = &all->f[i];

		for (uint32_t k = 0; f->used && k < FETCH_CHUNKS; k++) {
			const struct fetch_chunk *c = &f->chunk[k];

			if (c->tries && !c->have && c->deadline < at)
				at = c->deadline;
		}
	}
	return at;
}
