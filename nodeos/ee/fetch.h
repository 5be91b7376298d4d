/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch.h - getting a module from a neighbour in numbered chunks over a network that loses packets: a state machine without
 * clock or packets of its own, so that tests can give it any.
 *
 * The first chunk tells the module's length; then a window of requests is kept under way. Each is repeated after 50 ms, doubling to
 * 400 ms, and after FETCH_TRIES the module counts as unavailable. Only answers from the node that was asked count.
 */
#ifndef NODEOS_FETCH_H
#define NODEOS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capsule/wire.h"

#define FETCHES 8u
#define FETCH_WINDOW 4u
#define FETCH_TRIES 20u
#define FETCH_FIRST_NS 50000000ull
#define FETCH_LAST_NS 400000000ull
#define FETCH_CHUNKS (WIRE_MODULE_MAX / WIRE_CHUNK)

struct fetch_chunk {
	uint8_t have, tries; /* tries 0: not asked for yet */
	uint64_t deadline;
};

struct fetch {
	bool used;
	uint8_t code[WIRE_CODE_NAME];
	uint32_t from;
	uint32_t len; /* of the module; 0: not known yet */
	uint32_t nchunk, nhave;
	uint32_t requests, retransmits;
	uint8_t *bytes; /* from malloc */
	struct fetch_chunk chunk[FETCH_CHUNKS];
};

struct fetches {
	struct fetch f[FETCHES];
	/* Sends a request; again: it is a repetition. */
	void (*request)(void *arg, const struct fetch *f, uint16_t index, bool again);
	/*
	 * It is over: whole (bytes may be taken, setting f->bytes to NULL), or failed with a reason. The entry is free after the call.
	 */
	void (*over)(void *arg, struct fetch *f, const char *failure);
	void *arg;
};

/* Begins, or finds the one that is under way. NULL: too many at a time. */
struct fetch *fetch_start(struct fetches *all, const uint8_t code[WIRE_CODE_NAME], uint32_t from,
			  uint64_t now);
struct fetch *fetch_find(struct fetches *all, const uint8_t code[WIRE_CODE_NAME]);

/* A chunk that came in. False: nobody had asked for it. */
bool fetch_input(struct fetches *all, uint32_t from, const struct wire_code *c, const uint8_t *data,
		 uint64_t now);

/* Repeats and gives up what is due. */
void fetch_tick(struct fetches *all, uint64_t now);
/* When fetch_tick has to be called next; UINT64_MAX: never. */
uint64_t fetch_deadline(const struct fetches *all);

#endif
