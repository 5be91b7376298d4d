/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h - the modules a capsule domain has: parsed, verified, ready to run and to hand on. Soft state: the one used longest ago gives
 * way, except those that were loaded here by hand.
 */
#ifndef NODEOS_CACHE_H
#define NODEOS_CACHE_H

#include "capsule/module.h"
#include "nodeos/lib/event.h"

#define CACHE_ERROR 320u

struct cached {
	bool used, pinned;
	uint8_t code[MODULE_CODE_NAME];
	uint8_t *bytes; /* from malloc */
	size_t len;
	struct module module;
	struct vc_prog prog;
	uint64_t used_at; /* a count of uses of the cache */
};

struct cache {
	struct cached m[EE_MODULES];
	struct ee_module *pub; /* EE_MODULES published entries, index for index */
	uint64_t uses, evicted;
};

void cache_init(struct cache *c, struct ee_module *pub);

struct cached *cache_find(struct cache *c, const uint8_t code[MODULE_CODE_NAME]);

/*
 * Takes bytes (from malloc) over when it succeeds. NULL: the module is malformed, no capsule's, or the verifier refused it, err says why, and the bytes
 * remain the caller's.
 */
struct cached *cache_add(struct cache *c, uint8_t *bytes, size_t len, uint32_t from, bool pinned,
			 char err[CACHE_ERROR]);

/* One more run of it. */
void cache_ran(struct cache *c, const struct cached *m);

#endif
