/* SPDX-License-Identifier: BSD-2-Clause */
#include "shot.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capsule/module.h"
#include "loop.h"
#include "text.h"

#define LATE_NS 1000000000ull /* grace for the reports of nodes that were crossed */
#define CLOCK_SLACK 5u	      /* seconds by which a node's clock may be behind ours */
#define BUDGET_DEFAULT 100000u

bool shot_module(struct shot *s, const char *module, const char *data, char err[STATE_ERROR])
{
	char path[PATH_MAX + 300];
	bool plain = text_is_name(module);

	snprintf(path, sizeof(path), "%s", module);
	if (plain && access(path, R_OK))
		snprintf(path, sizeof(path), "%s/capsules/%.255s.mod", data, module);
	if (!realpath(path, s->module)) {
		snprintf(err, STATE_ERROR,
			 "module %.100s: cannot read %.250s: %s; make it with amp build", module,
			 path, strerror(errno));
		return false;
	}
	if (strpbrk(s->module, " \t\n#")) {
		snprintf(err, STATE_ERROR,
			 "module %.300s: a node's command cannot hold a path with blanks or '#': "
			 "copy "
			 "the module elsewhere",
			 s->module);
		return false;
	}
	return true;
}

static void *load(struct shot *s, struct module *m, uint8_t code[32], char err[STATE_ERROR])
{
	size_t len;
	char *bytes = text_file(s->module, MODULE_MAX, &len);

	if (!bytes) {
		snprintf(err, STATE_ERROR, "module %.300s: %s", s->module, strerror(errno));
		return NULL;
	}
	enum module_result r = module_parse((const uint8_t *)bytes, len, m);
	if (r != MODULE_OK) {
		snprintf(err, STATE_ERROR, "module %.300s: %s; make it with amp build", s->module,
			 module_result_text(r));
		free(bytes);
		return NULL;
	}
	module_code_name((const uint8_t *)bytes, len, code);
	key_hex(code, 32, s->code);
	return bytes;
}

/* Microseconds since 1970: larger each time, and a number that JSON carries exactly until the year 2255. */
static uint64_t next_sequence(void)
{
	static uint64_t last;
	uint64_t now = loop_wall() / 1000;

	last = now > last ? now : last + 1;
	return last;
}

static bool fill(struct shot *s, const struct shot_spec *spec, const struct module *m,
		 struct wire_capsule *w, char err[STATE_ERROR])
{
	int entry = spec->entry ? module_find_entry(m, spec->entry) : 0;

	if (entry < 0) {
		snprintf(err, STATE_ERROR,
			 "module %.200s has no entry point '%.40s': amp verify shows them",
			 s->module, spec->entry);
		return false;
	}
	s->sequence = w->sequence = next_sequence();
	w->not_before = loop_wall() / 1000000000ull - CLOCK_SLACK;
	w->not_after = w->not_before + CLOCK_SLACK + spec->valid;
	w->budget = spec->budget ? spec->budget : BUDGET_DEFAULT;
	w->entry = (uint16_t)entry;
	w->arg_len = spec->arg_len;
	wire_address4(w->origin, spec->from);
	wire_address4(w->destination, spec->to);
	w->is_signed = true;
	w->payload_len = spec->payload_len;
	w->hop.budget_left = w->budget;
	wire_address4(w->hop.previous, spec->from);
	return true;
}

bool shot_sign(struct shot *s, const struct shot_spec *spec, const char *data,
	       char err[STATE_ERROR])
{
	struct wire_capsule w = {.sequence = 0};
	struct key_secret key;
	struct module m;
	enum wire_result why = WIRE_OK;

	if (spec->from == spec->to) {
		snprintf(err, STATE_ERROR,
			 "the capsule would go to the node it starts from: name another one");
		return false;
	}
	if (sodium_init() < 0 || !shot_module(s, spec->module, data, err))
		return false;
	void *bytes = load(s, &m, w.code, err);
	if (!bytes)
		return false;
	bool good = fill(s, spec, &m, &w, err);
	free(bytes);
	if (!good || key_read_secret(spec->key, &key, err))
		return false;
	memcpy(w.principal, key.key + 32, 32);
	s->len = wire_build(s->packet, sizeof(s->packet), &w, spec->payload, &why);
	good = s->len && wire_sign(s->packet, s->len, key.key);
	key_wipe(&key);
	if (!good)
		snprintf(err, STATE_ERROR, "cannot make the capsule: %s", wire_result_text(why));
	return good;
}

bool shot_read(struct shot *s, const char *path, char err[STATE_ERROR])
{
	struct wire_capsule w;
	size_t len;
	char *bytes = text_file(path, WIRE_PACKET_MAX, &len);

	s->module[0] = 0;
	if (!bytes) {
		snprintf(err, STATE_ERROR, "capsule %.200s: %s", path,
			 errno == EFBIG ? "longer than a capsule can be" : strerror(errno));
		return false;
	}
	memcpy(s->packet, bytes, len);
	s->len = len;
	free(bytes);
	enum wire_result r = wire_parse(s->packet, s->len, &w);
	if (!wire_well_formed(r)) {
		snprintf(err, STATE_ERROR, "%.200s is no capsule: %s; make one with amp sign", path,
			 wire_result_text(r));
		return false;
	}
	key_hex(w.code, 32, s->code);
	s->sequence = w.sequence;
	return true;
}

bool shot_default_key(struct control *c, char *path, size_t size)
{
	cJSON *rows = control_ask(c, "-", "principals"), *testbed = control_ask(c, "-", "testbed");
	char dir[PATH_MAX] = "";
	const cJSON *o;
	bool found = false;

	if (testbed && testbed->child)
		snprintf(dir, sizeof(dir), "%s", member_text(testbed->child, "file"));
	dirname(dir);
	cJSON_ArrayForEach(o, rows)
	{
		const char *key = member_text(o, "key");
		size_t n = strlen(key);

		if (n < 5 || strcmp(key + n - 4, ".pub") || found)
			continue;
		found = text_path(path, size, "%s%s%.*s.key", *key == '/' ? "" : dir,
				  *key == '/' ? "" : "/", (int)(n - 4), key) &&
			access(path, R_OK) == 0;
	}
	cJSON_Delete(rows);
	cJSON_Delete(testbed);
	if (!found)
		snprintf(c->err, sizeof(c->err),
			 "no secret key lies beside the principals' public ones: name one with "
			 "--key FILE.key");
	return found;
}

bool shot_fire(struct control *c, const char *edge, struct shot *s)
{
	char hex[WIRE_PACKET_MAX * 2 + 1];

	if (s->module[0] && !control_do(c, edge, "module %s", s->module))
		return false;
	key_hex(s->packet, s->len, hex);
	s->fired = loop_now();
	s->fired_wall = loop_wall();
	return control_do(c, edge, "inject %s", hex);
}

bool shot_is_mine(const struct shot *s, const cJSON *event)
{
	const char *what = member_text(event, "event");
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(event, "seq");
	const char *code = member_text(event, "code");

	if (!strcmp(what, "fetch"))
		return !strcmp(code, s->code);
	if (strcmp(what, "ran") && strcmp(what, "refused") && strcmp(what, "delivered"))
		return false;
	if (cJSON_IsString(seq) ? strtoull(seq->valuestring, NULL, 10) != s->sequence
				: member_number(event, "seq") != (double)s->sequence)
		return false;
	/* A capsule that was refused as malformed may come without a code name. */
	return !*code || !strcmp(code, s->code);
}

static cJSON *make_row(struct control_event *e, uint64_t began)
{
	cJSON *row = cJSON_CreateObject(), *item;

	cJSON_AddStringToObject(row, "node", e->node);
	cJSON_AddNumberToObject(row, "at_ms", (double)((loop_now() - began) / 1000) / 1000.0);
	while ((item = cJSON_DetachItemFromArray(e->json, 0)))
		cJSON_AddItemToObject(row, item->string, item);
	cJSON_Delete(e->json);
	return row;
}

static bool ends_it(const cJSON *row, enum shot_end *end)
{
	const char *what = member_text(row, "event");

	if (!strcmp(what, "delivered"))
		*end = SHOT_DELIVERED;
	else if (!strcmp(what, "refused"))
		*end = SHOT_REFUSED;
	else if (!strcmp(what, "ran") && !strcmp(member_text(row, "action"), "drop"))
		*end = SHOT_DROPPED;
	else
		return false;
	return true;
}

enum shot_end shot_watch(struct control *c, const struct shot *s, uint64_t until, cJSON *rows,
			 const cJSON **last)
{
	enum shot_end end = SHOT_LOST;
	double ran = 0, expected = 1e9;
	struct control_event e;

	if (last)
		*last = NULL;
	while (ran < expected && control_next(c, until, &e)) {
		if (!shot_is_mine(s, e.json)) {
			cJSON_Delete(e.json);
			continue;
		}
		cJSON *row = make_row(&e, s->fired);

		cJSON_AddItemToArray(rows, row);
		ran += !strcmp(member_text(row, "event"), "ran");
		if (end != SHOT_LOST || !ends_it(row, &end))
			continue;
		if (last)
			*last = row;
		/* Each node that was crossed before this one reports a run; those further back may do so later. */
		expected = member_number(row, "hops") + (end == SHOT_REFUSED ? 0 : 1);
		uint64_t late = loop_now() + LATE_NS;
		until = late < until ? late : until;
	}
	return end;
}
