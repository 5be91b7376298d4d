/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c - the module cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/ee/cache.h"
#include "nodeos/lib/text.h"

void cache_init(struct cache *c, struct ee_module *pub)
{
	memset(c, 0, sizeof(*c));
	c->pub = pub;
}

struct cached *cache_find(struct cache *c, const uint8_t code[MODULE_CODE_NAME])
{
	for (unsigned i = 0; i < EE_MODULES; i++) {
		struct cached *m = &c->m[i];

		if (m->used && !memcmp(m->code, code, MODULE_CODE_NAME)) {
			m->used_at = ++c->uses;
			return m;
		}
	}
	return NULL;
}

static bool verify(const struct vc_prog *prog, char err[CACHE_ERROR])
{
	size_t size = vc_scratch_size(prog->ninsn);
	struct vc_report rep;
	void *scratch = malloc(size);
	int rc;

	if (!scratch) {
		snprintf(err, CACHE_ERROR, "out of memory");
		return false;
	}
	rc = vc_verify(prog, scratch, size, &rep);
	free(scratch);
	if (rc)
		snprintf(err, CACHE_ERROR, "%s: %s", vc_reason_name(rc), rep.text);
	return rc == 0;
}

static struct cached *place(struct cache *c)
{
	struct cached *best = NULL;

	for (unsigned i = 0; i < EE_MODULES; i++) {
		struct cached *m = &c->m[i];

		if (!m->used)
			return m;
		if (!m->pinned && (!best || m->used_at < best->used_at))
			best = m;
	}
	return best;
}

struct cached *cache_add(struct cache *c, uint8_t *bytes, size_t len, uint32_t from, bool pinned,
			 char err[CACHE_ERROR])
{
	struct cached fresh = {.used = true, .pinned = pinned, .bytes = bytes, .len = len}, *m;
	enum module_result r = module_parse(bytes, len, &fresh.module);
	struct ee_module *pub;

	if (r != MODULE_OK) {
		snprintf(err, CACHE_ERROR, "%s: %s", module_result_name(r), module_result_text(r));
		return NULL;
	}
	if (fresh.module.kind != VC_KIND_CAPSULE) {
		snprintf(err, CACHE_ERROR, "bad-kind: a module of kind %s, not a capsule's",
			 module_kind_name(fresh.module.kind));
		return NULL;
	}
	if (!module_prog(&fresh.module, &fresh.prog)) {
		snprintf(err, CACHE_ERROR, "the module is not aligned");
		return NULL;
	}
	if (!verify(&fresh.prog, err))
		return NULL;
	module_code_name(bytes, len, fresh.code);
	m = cache_find(c, fresh.code);
	if (m) {
		m->pinned |= pinned;
		free(bytes);
		return m;
	}
	m = place(c);
	if (!m) {
		snprintf(err, CACHE_ERROR, "%u modules are loaded already", EE_MODULES);
		return NULL;
	}
	c->evicted += m->used;
	free(m->bytes);
	fresh.used_at = ++c->uses;
	*m = fresh;
	pub = &c->pub[m - c->m];
	memset(pub, 0, sizeof(*pub));
	memcpy(pub->code, m->code, sizeof(pub->code));
	text_copy(pub->name, sizeof(pub->name), m->module.name);
	pub->insns = m->module.ninsn;
	pub->from = from;
	pub->used = 1;
	return m;
}

void cache_ran(struct cache *c, const struct cached *m)
{
	c->pub[m - c->m].runs++;
}
