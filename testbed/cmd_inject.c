/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_inject.c - amp inject: sends a capsule from an edge and shows what became of it at each node. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "shot.h"
#include "text.h"

static const char *const usage =
	"usage: amp inject --at EDGE FILE.cap [MODULE]\n"
	"       amp inject --at EDGE --to NODE MODULE [--key FILE.key] [options]\n"
	"\n"
	"Sends a capsule made by amp sign, or makes and signs one on the spot, from an edge of a "
	"running testbed, and\n"
	"shows what became of it at each node. The module is loaded into the edge, so that its "
	"neighbours can fetch the code.\n"
	"MODULE is a file, or the name of a capsule of the system (ping, trace).\n"
	"\n"
	"  --at EDGE          the edge it is sent from\n"
	"  --to NODE          where it goes: a node's name or address\n"
	"  --from ADDRESS     its origin (default: the edge)\n"
	"  --key FILE.key     the principal's secret key (default: that of the topology's first "
	"principal, if it lies there)\n"
	"  --entry NAME       entry point (default: the first)\n"
	"  --budget N         work units for its whole life (default 100000)\n"
	"  --valid SECS       how long it is valid from now (default 60)\n"
	"  --arg HEX          arguments: the signed first octets of the payload\n"
	"  --data N           N octets of zeros behind them, which the program may change\n"
	"  --payload HEX      the same, but these octets\n"
	"  --wait SECS        how long to wait for its end (default 5)\n"
	"  -t TESTBED         which testbed (default: the only one that runs)\n"
	"  --json             the events, for programs\n"
	"\n"
	"exit status: 0 delivered, 2 refused, 3 lost or dropped by its own program, 1 not sent, 64 "
	"wrong usage\n";

static const struct option options[] = {
	{"at", required_argument, NULL, 'a'},	   {"to", required_argument, NULL, 'o'},
	{"from", required_argument, NULL, 'f'},	   {"key", required_argument, NULL, 'k'},
	{"entry", required_argument, NULL, 'e'},   {"budget", required_argument, NULL, 'b'},
	{"valid", required_argument, NULL, 'v'},   {"arg", required_argument, NULL, 'A'},
	{"args", required_argument, NULL, 'A'},	   {"data", required_argument, NULL, 'd'},
	{"payload", required_argument, NULL, 'p'}, {"wait", required_argument, NULL, 'w'},
	{"testbed", required_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},	   {NULL, 0, NULL, 0}};

struct inject {
	const char *at, *to, *from, *testbed;
	struct shot_spec spec;
	uint64_t wait, data;
	bool json, for_module; /* one of the options that make a capsule was given */
	uint8_t payload[WIRE_PAYLOAD_MAX];
	char key[PATH_MAX], edge[32]; /* --at may be an address: the name behind it */
};

/* The payload from hex and a number of zeros; arguments come first whatever the order of the options. */
static bool make_payload(struct inject *in, const char *args, const char *rest)
{
	const char *part[2] = {args, rest};
	size_t len = 0;

	for (int i = 0; i < 2; i++) {
		size_t n = part[i] ? strlen(part[i]) : 0;

		if (n % 2 || len + n / 2 > sizeof(in->payload) ||
		    (n && !key_unhex(part[i], n, in->payload + len, n / 2)))
			return false;
		len += n / 2;
		if (i == 0)
			in->spec.arg_len = (uint16_t)len;
	}
	if (len + in->data > sizeof(in->payload))
		return false;
	in->spec.payload = in->payload;
	in->spec.payload_len = (uint16_t)(len + in->data);
	return true;
}

static int parse(struct inject *in, int argc, char **argv)
{
	static const struct cmd_value forms[] = {
		{'b', "--budget", "a number from 1 to 4294967295"},
		{'v', "--valid", "whole seconds from now"},
		{'d', "--data", "a number of octets from 0 to 960"},
		{'w', "--wait", "whole seconds, at most 3600"},
		{0}};
	const char *args = NULL, *rest = NULL;
	uint64_t n;

	for (int c; (c = getopt_long(argc, argv, "t:", options, NULL)) != -1;) {
		bool bad = false;

		in->for_module |= strchr("ofkebvAdp", c) != NULL;
		switch (c) {
		case 'a': in->at = optarg; break;
		case 'o': in->to = optarg; break;
		case 'f': in->from = optarg; break;
		case 'k': in->spec.key = optarg; break;
		case 'e': in->spec.entry = optarg; break;
		case 'A': args = optarg; break;
		case 'd': bad = parse_u64(optarg, &in->data) || in->data > WIRE_PAYLOAD_MAX; break;
		case 'p': rest = optarg; break;
		case 't': in->testbed = optarg; break;
		case 'j': in->json = true; break;
		case 'b':
			bad = parse_u64(optarg, &n) || n < 1 || n > UINT32_MAX;
			in->spec.budget = bad ? 0 : (uint32_t)n;
			break;
		case 'v':
			bad = parse_u64(optarg, &in->spec.valid) || in->spec.valid > 1u << 30;
			break;
		case 'w': bad = parse_u64(optarg, &in->wait) || in->wait > 3600; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: bad = true; break;
		}
		if (bad)
			return cmd_bad_option("inject", forms, c, optarg);
	}
	if (!make_payload(in, args, rest))
		return cmd_misuse("inject",
				  "--arg and --payload are hex, two digits an octet; with --data "
				  "at most %u octets",
				  WIRE_PAYLOAD_MAX);
	if (!in->at || optind >= argc || optind + 2 < argc)
		return cmd_misuse("inject", "name the edge (--at) and a capsule or a module");
	return -1;
}

/* The address of a node given by name, or any address. */
static bool resolve(struct control *c, const struct places *p, const char *name, uint32_t *addr)
{
	if (parse_addr(name, addr) == 0)
		return true;
	const cJSON *o = places_node(c, p, name);
	return o && parse_addr(member_text(o, "address"), addr) == 0;
}

/* A capsule from a file is signed already: nothing of it can be chosen now. */
static bool from_file(const struct inject *in, struct control *c, struct shot *s, const char *file,
		      const char *module, const char *data)
{
	if (in->for_module) {
		snprintf(c->err, sizeof(c->err),
			 "%.200s is signed already: of the options only --at, --wait, -t and "
			 "--json go with it",
			 file);
		return false;
	}
	return shot_read(s, file, c->err) && (!module || shot_module(s, module, data, c->err));
}

static bool from_module(struct inject *in, struct control *c, struct shot *s,
			const struct places *p, const char *data)
{
	if (!in->to) {
		snprintf(c->err, sizeof(c->err),
			 "a module needs --to NODE; a capsule's file ends in .cap");
		return false;
	}
	if (!resolve(c, p, in->to, &in->spec.to) ||
	    !resolve(c, p, in->from ? in->from : in->at, &in->spec.from))
		return false;
	if (!in->spec.key && !shot_default_key(c, in->key, sizeof(in->key)))
		return false;
	in->spec.key = in->spec.key ? in->spec.key : in->key;
	return shot_sign(s, &in->spec, data, c->err);
}

static bool prepare(struct inject *in, struct control *c, struct shot *s, int argc, char **argv)
{
	char data[PATH_MAX];
	const char *what = argv[optind], *module = optind + 1 < argc ? argv[optind + 1] : NULL;
	size_t len = strlen(what);
	struct places p;

	if (!cmd_data_dir("inject", data, sizeof(data)) || !places_read(c, &p))
		return false;
	const cJSON *at = places_node(c, &p, in->at);
	bool good = at && places_is_edge(c, &p, at);
	in->spec.module = what;
	if (good && len > 4 && !strcmp(what + len - 4, ".cap")) {
		good = from_file(in, c, s, what, module, data);
	} else if (good && module) {
		snprintf(c->err, sizeof(c->err),
			 "two modules: give one, or a capsule (.cap) first");
		good = false;
	} else if (good) {
		good = from_module(in, c, s, &p, data);
	}
	if (good)
		snprintf(in->edge, sizeof(in->edge), "%s", member_text(at, "node"));
	places_free(&p);
	return good;
}

/* ---- what happened ---- */

static void describe(const cJSON *row, char *buf, size_t size)
{
	const char *what = member_text(row, "event");

	buf[0] = 0;
	if (!strcmp(what, "ran")) {
		text_append(buf, size, "%s, spent %.0f, in port %.0f", member_text(row, "action"),
			    member_number(row, "spent"), member_number(row, "in_port"));
		double out = member_number(row, "out_port");
		if (out >= 0 && out < 65535)
			text_append(buf, size, ", out port %.0f", out);
	} else if (!strcmp(what, "refused")) {
		text_append(buf, size, "%s: %s", member_text(row, "reason"),
			    member_text(row, "text"));
		if (*member_text(row, "detail"))
			text_append(buf, size, " (%.300s)", member_text(row, "detail"));
	} else if (!strcmp(what, "delivered")) {
		text_append(buf, size, "after %.0f active node%s, %.0f work units left",
			    member_number(row, "hops"), plural(member_number(row, "hops")),
			    member_number(row, "budget_left"));
	} else if (!strcmp(what, "fetch")) {
		text_append(buf, size, "code %s from %s", member_text(row, "state"),
			    member_text(row, "from"));
		if (strcmp(member_text(row, "state"), "started"))
			text_append(buf, size, ", %.0f chunk%s, %.0f sent again",
				    member_number(row, "chunks"),
				    plural(member_number(row, "chunks")),
				    member_number(row, "retransmits"));
	}
}

static void print_rows(const cJSON *rows)
{
	struct table t;
	char text[512];
	const cJSON *row;

	table_init(&t, "ms|node|event|what");
	cJSON_ArrayForEach(row, rows)
	{
		describe(row, text, sizeof(text));
		table_row(&t, "%.1f\t%s\t%s\t%s", member_number(row, "at_ms"),
			  member_text(row, "node"), member_text(row, "event"), text);
	}
	table_print(&t, stdout);
}

/* What came home, in rows of sixteen octets; arguments first, then what the program wrote. */
static void print_payload(const cJSON *delivered)
{
	const char *hex = member_text(delivered, "payload");
	size_t len = strlen(hex) / 2;

	if (!len) {
		puts("no payload: a program that brings something home needs room for it (--data "
		     "N)");
		return;
	}
	printf("payload, %zu octet%s, %.0f of them arguments:\n", len, plural((double)len),
	       member_number(delivered, "arg_len"));
	for (size_t at = 0; at < len; at += 16) {
		printf("  %4zu ", at);
		for (size_t i = at; i < len && i < at + 16; i++)
			printf(i % 4 ? "%.2s" : " %.2s", hex + 2 * i);
		putchar('\n');
	}
}

static int conclude(const struct inject *in, enum shot_end end, const cJSON *last)
{
	const char *node = last ? member_text(last, "node") : "";
	static const int status[] = {AMP_DONE, AMP_REFUSED, AMP_LOST, AMP_LOST};

	if (in->json)
		return status[end];
	switch (end) {
	case SHOT_DELIVERED:
		printf("delivered at %s\n", node);
		print_payload(last);
		break;
	case SHOT_REFUSED:
		printf("refused at %s: counter %s (amp show %s counters)\n", node,
		       member_text(last, "reason"), node);
		break;
	case SHOT_DROPPED: printf("its program dropped it at %s\n", node); break;
	case SHOT_LOST:
		printf("lost: no node has delivered or refused it within %llu s; amp testbed "
		       "status shows "
		       "what the links dropped\n",
		       (unsigned long long)in->wait);
		break;
	}
	return status[end];
}

static int run(struct inject *in, struct control *c, struct shot *s)
{
	const cJSON *last;

	if (!control_do(c, "-", "subscribe") || !shot_fire(c, in->edge, s))
		return cmd_error("inject", "%s", c->err);
	cJSON *rows = cJSON_CreateArray();
	enum shot_end end = shot_watch(c, s, loop_now() + in->wait * 1000000000ull, rows, &last);
	if (in->json)
		rows_print(rows, true);
	else
		print_rows(rows);
	int rc = conclude(in, end, last);
	cJSON_Delete(rows);
	return rc;
}

int cmd_inject(int argc, char **argv)
{
	struct inject in = {.spec = {.valid = 60}, .wait = 5};
	static struct control c;
	static struct shot s;
	int rc = parse(&in, argc, argv);

	if (rc >= 0)
		return rc;
	if (!places_open(&c, in.testbed, in.at))
		return cmd_error("inject", "%s", c.err);
	if (prepare(&in, &c, &s, argc, argv))
		rc = run(&in, &c, &s);
	else
		rc = cmd_error("inject", "%s", c.err);
	control_close(&c);
	return rc;
}
