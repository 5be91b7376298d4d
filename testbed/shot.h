/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shot.h - one capsule's way through a testbed: made or read, injected at an edge, and watched by the events of the nodes it
 * crosses, which are told from others' by code name and sequence number.
 */
#ifndef TESTBED_SHOT_H
#define TESTBED_SHOT_H

#include "capsule/keys.h"
#include "capsule/wire.h"
#include "cmd.h"

struct shot {
	uint8_t packet[WIRE_PACKET_MAX];
	size_t len;
	char code[65]; /* hex */
	uint64_t sequence;
	char module[4096];	    /* absolute path of the module to load at the edge; "": none */
	uint64_t fired, fired_wall; /* monotonic and UTC ns just before it went to the edge */
};

/* What goes into a capsule that is signed on the fly. */
struct shot_spec {
	const char *module; /* path or name of a capsule of the system */
	const char *entry;  /* NULL: the first */
	const char *key;    /* path of the secret key */
	uint32_t from, to;
	uint32_t budget; /* 0: the module's expectation times what a long way needs */
	uint64_t valid;	 /* seconds */
	const uint8_t *payload;
	uint16_t payload_len, arg_len;
};

/* Both: false with err. `data` is where the capsules of the system lie. */
bool shot_sign(struct shot *s, const struct shot_spec *spec, const char *data,
	       char err[STATE_ERROR]);
/* A packet from a file as `amp sign` writes it. */
bool shot_read(struct shot *s, const char *path, char err[STATE_ERROR]);

/* The module of a shot, found by path or name, made absolute. */
bool shot_module(struct shot *s, const char *module, const char *data, char err[STATE_ERROR]);

/*
 * The secret key to sign with when none was named: of the first principal of the testbed whose key file lies beside its public one.
 */
bool shot_default_key(struct control *c, char *path, size_t size);

/* Loads the module at the edge and sends the capsule from there. The caller has subscribed. False with c->err. */
bool shot_fire(struct control *c, const char *edge, struct shot *s);

/* True when the event is about this capsule (or a fetch of its code). */
bool shot_is_mine(const struct shot *s, const cJSON *event);

enum shot_end { SHOT_DELIVERED, SHOT_REFUSED, SHOT_DROPPED, SHOT_LOST };

/*
 * Collects the events of a shot, {"node", "at_ms" since the firing, event members}, into rows until it was delivered, refused or dropped by its own
 * program, or monotonic time `until`; after the end as long as nodes it crossed still owe their reports, but not over a second. *last
 * (may be NULL) is the row that ended it.
 */
enum shot_end shot_watch(struct control *c, const struct shot *s, uint64_t until, cJSON *rows,
			 const cJSON **last);

#endif
