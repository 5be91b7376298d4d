/* SPDX-License-Identifier: BSD-2-Clause */
/* sign.c - `amp sign`: a module, arguments and addresses to a signed capsule, ready to be sent. */
#include "capsule/keys.h"
#include "capsule/tool.h"
#include "capsule/wire.h"
#include "capsules/tool/common.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BUDGET 100000u
#define DEFAULT_VALID 60u
#define CLOCK_SLACK 5u /* nodes' clocks may run late by this much */

static const char help[] =
	"Usage: amp sign --key K.key --from ADDR --to ADDR [options] MODULE [-o FILE.cap]\n"
	"\n"
	"Writes a capsule that runs MODULE: the payload of one UDP datagram.\n"
	"\n"
	"  --key FILE         the principal's secret key (amp keygen)\n"
	"  --from ADDR        origin: where it is injected and returns to\n"
	"  --to ADDR          destination\n"
	"  --entry NAME|N     entry point (default: the first)\n"
	"  --arg HEX          arguments: signed, unchanged on the way\n"
	"  --arg-text TEXT    likewise, as text\n"
	"  --data N           N octets of zeros behind them, which the program may change\n"
	"  --budget N         work units for its whole life (default: 100000)\n"
	"  --valid SECONDS    how long it is valid from now (default: 60)\n"
	"  --not-before T     validity in seconds since 1970 UTC (default: 5 s ago, as clocks "
	"differ)\n"
	"  --not-after T      likewise; instead of --valid\n"
	"  --sequence N       sequence number (default: the time in ns)\n"
	"  --unsigned         leave the signature out, to see it refused; needs no --key\n"
	"  -o, --output FILE  default: MODULE's name with .cap; - is standard output\n";

struct request {
	const char *key, *from, *to, *entry, *module, *output;
	const char *not_before, *not_after, *sequence;
	uint8_t payload[WIRE_PAYLOAD_MAX];
	size_t arg_len;
	uint64_t data, budget, valid;
	bool is_unsigned;
};

/* Returns 0, or the exit status to end with. */
static int number_option(const char *name, const char *text, uint64_t max, uint64_t *value)
{
	if (tool_number(text, max, value))
		return 0;
	return tool_misuse("sign", "%s %s: not a number from 0 to %llu", name, text,
			   (unsigned long long)max);
}

static int arg_hex(struct request *q, const char *text)
{
	size_t n = strlen(text);

	if (n / 2 > sizeof(q->payload) || !key_unhex(text, n, q->payload, n / 2))
		return tool_misuse("sign", "--arg: not hex, or more than %u octets",
				   WIRE_PAYLOAD_MAX);
	q->arg_len = n / 2;
	return 0;
}

static int arg_text(struct request *q, const char *text)
{
	q->arg_len = strlen(text);
	if (q->arg_len > sizeof(q->payload))
		return tool_misuse("sign", "--arg-text: more than %u octets", WIRE_PAYLOAD_MAX);
	memcpy(q->payload, text, q->arg_len);
	return 0;
}

enum {
	OPT_KEY = 256,
	OPT_FROM,
	OPT_TO,
	OPT_ENTRY,
	OPT_ARG,
	OPT_ARG_TEXT,
	OPT_DATA,
	OPT_BUDGET,
	OPT_VALID,
	OPT_NOT_BEFORE,
	OPT_NOT_AFTER,
	OPT_SEQUENCE,
	OPT_UNSIGNED
};

static int set_option(struct request *q, int c)
{
	switch (c) {
	case OPT_KEY: q->key = optarg; return 0;
	case OPT_FROM: q->from = optarg; return 0;
	case OPT_TO: q->to = optarg; return 0;
	case OPT_ENTRY: q->entry = optarg; return 0;
	case OPT_ARG: return arg_hex(q, optarg);
	case OPT_ARG_TEXT: return arg_text(q, optarg);
	case OPT_DATA: return number_option("--data", optarg, WIRE_PAYLOAD_MAX, &q->data);
	case OPT_BUDGET: return number_option("--budget", optarg, UINT32_MAX, &q->budget);
	case OPT_VALID: return number_option("--valid", optarg, UINT32_MAX, &q->valid);
	case OPT_NOT_BEFORE: q->not_before = optarg; return 0;
	case OPT_NOT_AFTER: q->not_after = optarg; return 0;
	case OPT_SEQUENCE: q->sequence = optarg; return 0;
	case OPT_UNSIGNED: q->is_unsigned = true; return 0;
	case 'o': q->output = optarg; return 0;
	default: return tool_misuse("sign", "unknown or incomplete option");
	}
}

static int parse_options(int argc, char **argv, struct request *q, bool *help_wanted)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, OPT_KEY},
		{"from", required_argument, NULL, OPT_FROM},
		{"to", required_argument, NULL, OPT_TO},
		{"entry", required_argument, NULL, OPT_ENTRY},
		{"arg", required_argument, NULL, OPT_ARG},
		{"arg-text", required_argument, NULL, OPT_ARG_TEXT},
		{"data", required_argument, NULL, OPT_DATA},
		{"budget", required_argument, NULL, OPT_BUDGET},
		{"valid", required_argument, NULL, OPT_VALID},
		{"not-before", required_argument, NULL, OPT_NOT_BEFORE},
		{"not-after", required_argument, NULL, OPT_NOT_AFTER},
		{"sequence", required_argument, NULL, OPT_SEQUENCE},
		{"unsigned", no_argument, NULL, OPT_UNSIGNED},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	int c, r;

	optind = 0;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 'h') {
			*help_wanted = true;
			return 0;
		}
		r = set_option(q, c);
		if (r != 0)
			return r;
	}
	if (optind + 1 != argc)
		return tool_misuse("sign", "give one module");
	q->module = argv[optind];
	if (!q->from || !q->to || (!q->key && !q->is_unsigned))
		return tool_misuse("sign", "--key, --from and --to are needed");
	return 0;
}

static int set_validity(const struct request *q, struct wire_capsule *c)
{
	uint64_t now = tool_now_ns() / 1000000000u;
	int r = 0;

	c->not_after = now + q->valid;
	if (q->not_after)
		r = number_option("--not-after", q->not_after, UINT64_MAX, &c->not_after);
	c->not_before = now - CLOCK_SLACK;
	/* A validity that is over already still has to be a span of time. */
	if (c->not_before >= c->not_after && c->not_after > 0)
		c->not_before = c->not_after - 1;
	if (r == 0 && q->not_before)
		r = number_option("--not-before", q->not_before, UINT64_MAX, &c->not_before);
	return r;
}

static int set_entry(const struct request *q, const struct module *m, struct wire_capsule *c)
{
	uint64_t n = 0;
	int found;

	if (!q->entry)
		return 0;
	found = module_find_entry(m, q->entry);
	if (found >= 0)
		n = (uint64_t)found;
	else if (!tool_number(q->entry, UINT16_MAX, &n) || n >= m->nentry)
		return tool_error(
			"sign",
			"--entry %s: the module '%s' has no such entry point; its first is '%s'",
			q->entry, m->name, m->entry[0].name);
	c->entry = (uint16_t)n;
	return 0;
}

static int set_code(const struct request *q, struct wire_capsule *c)
{
	struct module m;
	enum module_result mr;
	size_t len;
	uint8_t *bytes = tool_read("sign", q->module, &len);
	int r;

	if (!bytes)
		return TOOL_FAILED;
	mr = module_parse(bytes, len, &m);
	if (mr != MODULE_OK) {
		r = tool_error("sign", "%s: not a module: %s", q->module, module_result_text(mr));
	} else if (m.kind != VC_KIND_CAPSULE) {
		r = tool_error("sign", "%s: a module of kind %s; packets carry capsules", q->module,
			       module_kind_name(m.kind));
	} else {
		module_code_name(bytes, len, c->code);
		r = set_entry(q, &m, c);
	}
	free(bytes);
	return r;
}

static int fill(const struct request *q, struct wire_capsule *c)
{
	int r;

	memset(c, 0, sizeof(*c));
	if (!tool_address(q->from, c->origin))
		return tool_misuse("sign", "--from %s: not an IPv4 or IPv6 address", q->from);
	if (!tool_address(q->to, c->destination))
		return tool_misuse("sign", "--to %s: not an IPv4 or IPv6 address", q->to);
	if (q->arg_len + q->data > WIRE_PAYLOAD_MAX)
		return tool_misuse("sign", "arguments and data together have more than %u octets",
				   WIRE_PAYLOAD_MAX);
	c->sequence = tool_now_ns();
	if (q->sequence) {
		r = number_option("--sequence", q->sequence, UINT64_MAX, &c->sequence);
		if (r != 0)
			return r;
	}
	c->budget = (uint32_t)q->budget;
	c->is_signed = !q->is_unsigned;
	c->arg_len = (uint16_t)q->arg_len;
	c->payload_len = (uint16_t)(q->arg_len + q->data);
	/* At its origin the capsule has crossed nothing, and the origin is who has the code. */
	c->hop.budget_left = c->budget;
	memcpy(c->hop.previous, c->origin, WIRE_ADDRESS);
	r = set_validity(q, c);
	return r != 0 ? r : set_code(q, c);
}

static int sign_with(const char *path, uint8_t *packet, size_t len)
{
	struct key_secret secret;
	char err[KEY_ERROR];
	bool ok;

	if (key_read_secret(path, &secret, err) != 0)
		return tool_error("sign", "%s", err);
	ok = wire_sign(packet, len, secret.key);
	key_wipe(&secret);
	return ok ? TOOL_OK : tool_error("sign", "the capsule cannot be signed");
}

static int run(struct request *q)
{
	uint8_t packet[WIRE_PACKET_MAX];
	char output[256];
	struct wire_capsule c;
	enum wire_result why;
	size_t len;
	int r = fill(q, &c);

	if (r != 0)
		return r;
	len = wire_build(packet, sizeof(packet), &c, q->payload, &why);
	if (len == 0)
		return tool_error("sign", "that would not be a capsule: %s", wire_result_text(why));
	r = q->is_unsigned ? TOOL_OK : sign_with(q->key, packet, len);
	if (r != 0)
		return r;
	if (!q->output) {
		if (!tool_stem(q->module, ".mod", output, sizeof(output) - 4))
			return tool_misuse("sign", "give -o FILE.cap");
		strcat(output, ".cap");
		q->output = output;
	}
	if (!tool_write("sign", q->output, packet, len))
		return TOOL_FAILED;
	if (strcmp(q->output, "-") != 0)
		fprintf(stderr, "Wrote %s, %zu octets\n", q->output, len);
	return TOOL_OK;
}

int tool_sign(int argc, char **argv)
{
	struct request q = {.budget = DEFAULT_BUDGET, .valid = DEFAULT_VALID};
	bool help_wanted = false;
	int r;

	if (!tool_ready("sign"))
		return TOOL_FAILED;
	r = parse_options(argc, argv, &q, &help_wanted);
	if (r != 0)
		return r;
	if (help_wanted) {
		fputs(help, stdout);
		return TOOL_OK;
	}
	return run(&q);
}
