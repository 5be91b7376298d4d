/* SPDX-License-Identifier: BSD-2-Clause */
/* verify.c - `amp verify`: would a node take this module or capsule? */
#include "capsule/keys.h"
#include "capsule/tool.h"
#include "capsule/wire.h"
#include "capsules/tool/show.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: amp verify [--json] [--at T] FILE...\n"
	"\n"
	"Checks modules (.mod) as a node does: the format, then the verifier; and capsules (.cap): "
	"the\n"
	"format, the signature and the time. Exits 0 only if all is well. A node also asks its own "
	"policy.\n"
	"\n"
	"  --at T    the time to check validity at, in seconds since 1970 UTC (default: now)\n"
	"  --json    print JSON, one object for each file\n";

static int verify_module(const char *path, const uint8_t *bytes, size_t len, bool json)
{
	struct tool_verdict v;
	bool fine = tool_verify_module(bytes, len, &v);

	if (json)
		return tool_json(show_module_json(path, bytes, len, &v),
				 fine ? TOOL_OK : TOOL_FAILED);
	if (v.parsed == MODULE_OK)
		show_module(path, bytes, len, &v);
	fflush(stdout);
	if (!fine)
		show_refusal("verify", path, &v, NULL);
	return fine ? TOOL_OK : TOOL_FAILED;
}

/* What a node would say, in the order in which it asks; the names are those of refusals.def. */
struct capsule_verdict {
	const char *reason; /* NULL: all is well */
	const char *text;
};

static struct capsule_verdict judge(enum wire_result parsed, const struct wire_capsule *c,
				    const uint8_t *bytes, size_t len, uint64_t now)
{
	int validity;

	if (!wire_well_formed(parsed))
		return (struct capsule_verdict){"malformed", wire_result_text(parsed)};
	if (parsed == WIRE_UNSIGNED)
		return (struct capsule_verdict){"unsigned", "the capsule carries no signature"};
	if (!wire_verify(bytes, len))
		return (struct capsule_verdict){"bad-signature",
						"the signature does not fit: altered after "
						"signing, or signed with another key"};
	validity = wire_validity(c, now);
	if (validity < 0)
		return (struct capsule_verdict){"not-yet-valid", "its validity has not begun"};
	if (validity > 0)
		return (struct capsule_verdict){"expired", "its validity is over"};
	return (struct capsule_verdict){NULL, NULL};
}

struct capsule_texts {
	char code[2 * WIRE_CODE_NAME + 1], principal[2 * WIRE_PUBLIC_KEY + 1];
	char origin[TOOL_ADDRESS_TEXT], destination[TOOL_ADDRESS_TEXT], previous[TOOL_ADDRESS_TEXT];
	char not_before[32], not_after[32];
};

static void make_texts(const struct wire_capsule *c, struct capsule_texts *t)
{
	sodium_bin2hex(t->code, sizeof(t->code), c->code, sizeof(c->code));
	sodium_bin2hex(t->principal, sizeof(t->principal), c->principal, sizeof(c->principal));
	tool_address_text(c->origin, t->origin);
	tool_address_text(c->destination, t->destination);
	tool_address_text(c->hop.previous, t->previous);
	tool_time_text(c->not_before, t->not_before);
	tool_time_text(c->not_after, t->not_after);
}

static void show_capsule(const char *path, size_t len, const struct wire_capsule *c)
{
	struct capsule_texts t;

	make_texts(c, &t);
	printf("%s\n", path);
	printf("  capsule    %zu octets: %u of arguments, %u of data\n", len, c->arg_len,
	       c->payload_len - c->arg_len);
	printf("  code       %s, entry %u\n", t.code, c->entry);
	printf("  principal  %s\n", t.principal);
	printf("  way        %s to %s%s\n", t.origin, t.destination,
	       c->hop.flags & WIRE_HOP_RETURNING ? ", returning" : "");
	printf("  valid      %s to %s\n", t.not_before, t.not_after);
	printf("  sequence   %llu\n", (unsigned long long)c->sequence);
	printf("  budget     %u, %u left after %u hops\n", c->budget, c->hop.budget_left,
	       c->hop.hops);
	printf("  previous   %s\n", t.previous);
}

static void add_capsule(cJSON *o, size_t len, const struct wire_capsule *c)
{
	struct capsule_texts t;

	make_texts(c, &t);
	cJSON_AddStringToObject(o, "code", t.code);
	cJSON_AddStringToObject(o, "principal", t.principal);
	tool_json_u64(o, "sequence", c->sequence);
	tool_json_u64(o, "not_before", c->not_before);
	tool_json_u64(o, "not_after", c->not_after);
	cJSON_AddNumberToObject(o, "length", (double)len);
	cJSON_AddNumberToObject(o, "budget", c->budget);
	cJSON_AddNumberToObject(o, "budget_left", c->hop.budget_left);
	cJSON_AddNumberToObject(o, "entry", c->entry);
	cJSON_AddNumberToObject(o, "arg_len", c->arg_len);
	cJSON_AddNumberToObject(o, "payload_len", c->payload_len);
	cJSON_AddNumberToObject(o, "hops", c->hop.hops);
	cJSON_AddBoolToObject(o, "returning", c->hop.flags & WIRE_HOP_RETURNING);
	cJSON_AddStringToObject(o, "origin", t.origin);
	cJSON_AddStringToObject(o, "destination", t.destination);
	cJSON_AddStringToObject(o, "previous", t.previous);
}

static int verify_capsule(const char *path, const uint8_t *bytes, size_t len, bool json,
			  uint64_t now)
{
	struct wire_capsule c;
	enum wire_result parsed = wire_parse(bytes, len, &c);
	struct capsule_verdict v = judge(parsed, &c, bytes, len, now);
	int status = v.reason ? TOOL_FAILED : TOOL_OK;
	cJSON *o;

	if (json) {
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "file", path);
		cJSON_AddStringToObject(o, "type", "capsule");
		cJSON_AddBoolToObject(o, "ok", !v.reason);
		if (v.reason) {
			cJSON_AddStringToObject(o, "reason", v.reason);
			cJSON_AddStringToObject(o, "text", v.text);
		}
		if (wire_well_formed(parsed))
			add_capsule(o, len, &c);
		return tool_json(o, status);
	}
	if (wire_well_formed(parsed)) {
		show_capsule(path, len, &c);
		printf("  verdict    %s%s\n", v.reason ? "refused: " : "accepted",
		       v.reason ? v.reason : "");
	}
	fflush(stdout);
	if (v.reason)
		tool_error("verify", "%s: %s: %s", path, v.reason, v.text);
	return status;
}

static int verify_key(const char *path, const uint8_t *bytes, size_t len, bool json)
{
	struct key_public pub;
	char hex[2 * KEY_PUBLIC + 1];
	cJSON *o;

	if (!key_parse_public((const char *)bytes, len, &pub))
		return tool_error("verify",
				  "%s: not a public key file (one line: amp-public-key HEX NAME)",
				  path);
	key_hex(pub.key, sizeof(pub.key), hex);
	if (!json) {
		printf("principal %s %s\n", pub.name, hex);
		return TOOL_OK;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "file", path);
	cJSON_AddStringToObject(o, "type", "public-key");
	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "name", pub.name);
	cJSON_AddStringToObject(o, "key", hex);
	return tool_json(o, TOOL_OK);
}

static int verify_file(const char *path, bool json, uint64_t now)
{
	size_t len;
	uint8_t *bytes = tool_read("verify", path, &len);
	int r;

	if (!bytes)
		return TOOL_FAILED;
	/* A module says what it is; a capsule begins with ANEP's version. */
	if (len >= 4 && memcmp(bytes, "AMPM", 4) == 0)
		r = verify_module(path, bytes, len, json);
	else if (len >= 1 && bytes[0] == 1)
		r = verify_capsule(path, bytes, len, json, now);
	else if (len >= 10 && memcmp(bytes, "amp-public", 10) == 0)
		r = verify_key(path, bytes, len, json);
	else
		r = tool_error("verify", "%s: not a module, capsule or public key", path);
	free(bytes);
	return r;
}

int tool_verify(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"at", required_argument, NULL, 'a'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	uint64_t now = tool_now_ns() / 1000000000u;
	bool json = false;
	int c, r = TOOL_OK;

	optind = 0;
	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (c) {
		case 'j': json = true; break;
		case 'a':
			if (!tool_number(optarg, UINT64_MAX, &now))
				return tool_misuse("verify", "--at %s: not a number", optarg);
			break;
		case 'h': fputs(help, stdout); return TOOL_OK;
		default: return tool_misuse("verify", "unknown or incomplete option");
		}
	}
	if (optind >= argc)
		return tool_misuse("verify", "give a file");
	if (!tool_ready("verify"))
		return TOOL_FAILED;
	for (int i = optind; i < argc; i++) {
		if (verify_file(argv[i], json, now) != TOOL_OK)
			r = TOOL_FAILED;
	}
	return r;
}
