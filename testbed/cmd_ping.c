/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_ping.c - amp ping and amp trace: capsules out and back. */
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capsule/sdk.h"
#include "capsule/trace.h"
#include "loop.h"
#include "shot.h"
#include "text.h"
#include "topology.h"

static const char *const ping_usage =
	"usage: amp ping FROM TO [-c N] [-i SECS] [--icmp [--ttl N]] [--key FILE.key] [--wait "
	"SECS] "
	"[-t TESTBED] [--json]\n"
	"\n"
	"Sends N (default 4) capsules from an edge to a node and back, or ICMP echo requests, and "
	"shows the round-trip times by\n"
	"the clock of FROM. With --icmp FROM may be any node.\n"
	"exit status: 0 every answer came, 2 one was refused, 3 one was lost, 1 not sent, 64 wrong "
	"usage\n";

static const char *const trace_usage =
	"usage: amp trace FROM TO [--key FILE.key] [--wait SECS] [-t TESTBED] [--json]\n"
	"\n"
	"Sends a capsule from an edge to a node and back; each active node on the way out writes a "
	"row. `arrival` is by the\n"
	"nodes' own clocks, which were set when the testbed came up, relative to the sending.\n"
	"exit status: 0 it came back, 2 refused, 3 lost, 1 not sent, 64 wrong usage\n";

static const struct option options[] = {
	{"count", required_argument, NULL, 'c'},   {"interval", required_argument, NULL, 'i'},
	{"icmp", no_argument, NULL, 'I'},	   {"key", required_argument, NULL, 'k'},
	{"wait", required_argument, NULL, 'w'},	   {"ttl", required_argument, NULL, 'T'},
	{"testbed", required_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},	   {NULL, 0, NULL, 0}};

struct trip {
	const char *verb, *usage, *from, *to, *testbed, *key;
	const char *from_node; /* FROM may be an address: the name behind it */
	uint32_t from_addr, to_addr;
	uint64_t count, wait, interval, ttl;
	bool icmp, json;
	char key_path[PATH_MAX], data[PATH_MAX];
	struct places places;
};

static int parse(struct trip *t, int argc, char **argv)
{
	static const struct parse_unit secs[] = {
		{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {NULL, 0}};
	static const struct cmd_value forms[] = {
		{'c', "-c", "a number from 1 to 100000"},
		{'i', "-i", "seconds up to 3600, or such as 200ms"},
		{'T', "--ttl", "a number from 1 to 255"},
		{'w', "--wait", "whole seconds, 1 to 3600"},
		{0}};
	bool ping = !strcmp(t->verb, "ping");

	for (int c; (c = getopt_long(argc, argv, "c:i:t:", options, NULL)) != -1;) {
		bool bad = false;

		if (!ping && strchr("ciIT", c))
			return cmd_misuse(t->verb, "that option is one of amp ping");
		switch (c) {
		case 'c':
			bad |= parse_u64(optarg, &t->count) || !t->count || t->count > 100000;
			break;
		case 'i':
			bad |= parse_quantity(optarg, secs, &t->interval) ||
			       t->interval > 3600000000000ull;
			break;
		case 'I': t->icmp = true; break;
		case 'T': bad |= parse_u64(optarg, &t->ttl) || !t->ttl || t->ttl > 255; break;
		case 'k': t->key = optarg; break;
		case 'w': bad |= parse_u64(optarg, &t->wait) || !t->wait || t->wait > 3600; break;
		case 't': t->testbed = optarg; break;
		case 'j': t->json = true; break;
		case 'h': fputs(t->usage, stdout); return AMP_DONE;
		default: bad = true; break;
		}
		if (bad)
			return cmd_bad_option(t->verb, forms, c, optarg);
	}
	if (argc - optind != 2)
		return cmd_misuse(t->verb, "name two nodes: FROM and TO");
	t->from = argv[optind];
	t->to = argv[optind + 1];
	return -1;
}

static bool prepare(struct trip *t, struct control *c)
{
	const cJSON *from, *to;

	if (!places_read(c, &t->places) || !(from = places_node(c, &t->places, t->from)))
		return false;
	t->from_node = member_text(from, "node");
	parse_addr(member_text(from, "address"), &t->from_addr);
	if (parse_addr(t->to, &t->to_addr)) {
		if (!(to = places_node(c, &t->places, t->to)))
			return false;
		parse_addr(member_text(to, "address"), &t->to_addr);
	}
	if (t->icmp)
		return true;
	if (!places_is_edge(c, &t->places, from))
		return false;
	if (!t->key && !shot_default_key(c, t->key_path, sizeof(t->key_path)))
		return false;
	t->key = t->key ? t->key : t->key_path;
	return cmd_data_dir(t->verb, t->data, sizeof(t->data)) && control_do(c, "-", "subscribe");
}

/*
 * One capsule of a program of the system, out and back: the rows of what happened, the one that ended it, and the
 * milliseconds from sending to its arrival, both by the clock of the edge's machine, which is ours.
 */
static bool send_capsule(struct trip *t, struct control *c, const char *module, size_t payload,
			 cJSON *rows, enum shot_end *end, const cJSON **last, double *took)
{
	static struct shot s;
	uint8_t data[64] = {0};
	struct shot_spec spec = {.module = module,
				 .key = t->key,
				 .from = t->from_addr,
				 .to = t->to_addr,
				 .valid = t->wait + 60,
				 .payload = data,
				 .payload_len = (uint16_t)payload,
				 .arg_len = TRACE_ARG_LEN};

	randombytes_buf(data, TRACE_ARG_LEN);
	if (!shot_sign(&s, &spec, t->data, c->err) || !shot_fire(c, t->from_node, &s))
		return false;
	*end = shot_watch(c, &s, loop_now() + t->wait * 1000000000ull, rows, last);
	*took = *last ? (member_number(*last, "arrival") - (double)s.fired_wall) / 1e6 : 0;
	return true;
}

/* ---- ping ---- */

struct result {
	uint64_t n;
	double ms; /* < 0: no answer */
	char text[256];
	enum shot_end end;
};

static bool ping_icmp(struct trip *t, struct control *c, struct result *r)
{
	char addr[16], ttl[16] = "";

	topo_addr_text(t->to_addr, addr);
	if (t->ttl)
		snprintf(ttl, sizeof(ttl), " ttl %u", (unsigned)t->ttl);
	cJSON *rows = control_ask(c, t->from_node, "ping %s%s", addr, ttl);
	const cJSON *row = rows ? rows->child : NULL;

	r->ms = -1;
	r->end = SHOT_LOST;
	snprintf(r->text, sizeof(r->text), "%.250s", row ? "" : rows ? "no answer" : c->err);
	if (row && member_number(row, "type") == 0) {
		r->end = SHOT_DELIVERED;
		r->ms = member_number(row, "rtt_ns") / 1e6;
		snprintf(r->text, sizeof(r->text), "from %s", member_text(row, "from"));
	} else if (row) {
		uint32_t from = 0;

		r->end = SHOT_REFUSED;
		parse_addr(member_text(row, "from"), &from);
		snprintf(r->text, sizeof(r->text), "ICMP type %.0f code %.0f from %s (%s)",
			 member_number(row, "type"), member_number(row, "code"),
			 member_text(row, "from"), places_at(&t->places, from));
	}
	cJSON_Delete(rows);
	return true;
}

static bool ping_capsule(struct trip *t, struct control *c, struct result *r)
{
	cJSON *rows = cJSON_CreateArray();
	const cJSON *last = NULL;
	double took = 0;
	bool sent = send_capsule(t, c, "ping", TRACE_ARG_LEN, rows, &r->end, &last, &took);

	r->ms = -1;
	if (sent && r->end == SHOT_DELIVERED) {
		r->ms = took;
		snprintf(r->text, sizeof(r->text),
			 "%.0f active node%s crossed, %.0f work units left",
			 member_number(last, "hops"), plural(member_number(last, "hops")),
			 member_number(last, "budget_left"));
	} else if (sent && r->end == SHOT_REFUSED) {
		snprintf(r->text, sizeof(r->text), "refused at %s: %s", member_text(last, "node"),
			 member_text(last, "reason"));
	} else {
		snprintf(r->text, sizeof(r->text), "lost: no answer within %llu s",
			 (unsigned long long)t->wait);
	}
	cJSON_Delete(rows);
	return sent;
}

static void print_result(const struct trip *t, const struct result *r, cJSON *all)
{
	static const char *const ends[] = {"answered", "refused", "dropped", "lost"};
	cJSON *o;

	if (!t->json) {
		if (r->ms >= 0)
			printf("%3llu  %8.2f ms  %s\n", (unsigned long long)r->n, r->ms, r->text);
		else
			printf("%3llu  %11s  %s\n", (unsigned long long)r->n, "-", r->text);
		return;
	}
	o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "n", (double)r->n);
	cJSON_AddStringToObject(o, "end", ends[r->end]);
	if (r->ms >= 0)
		cJSON_AddNumberToObject(o, "rtt_ms", r->ms);
	cJSON_AddStringToObject(o, "text", r->text);
	cJSON_AddItemToArray(all, o);
}

static int ping(struct trip *t, struct control *c)
{
	double min = 1e18, max = 0, sum = 0;
	uint64_t answered = 0;
	cJSON *all = cJSON_CreateArray();
	int rc = AMP_DONE;

	if (!t->json)
		printf("ping %s to %s by %s\n", t->from, t->to, t->icmp ? "ICMP echo" : "capsule");
	for (uint64_t i = 1; i <= t->count && rc != AMP_FAILED; i++) {
		struct result r = {.n = i};

		if (!(t->icmp ? ping_icmp(t, c, &r) : ping_capsule(t, c, &r))) {
			rc = cmd_error("ping", "%s", c->err);
			break;
		}
		print_result(t, &r, all);
		if (r.end == SHOT_DELIVERED) {
			answered++;
			sum += r.ms;
			min = r.ms < min ? r.ms : min;
			max = r.ms > max ? r.ms : max;
		} else {
			rc = r.end == SHOT_REFUSED ? AMP_REFUSED : AMP_LOST;
		}
		if (i < t->count)
			usleep((useconds_t)(t->interval / 1000));
	}
	if (t->json)
		rows_print(all, true);
	else if (answered)
		printf("%llu of %llu answered; round trip min %.2f, mean %.2f, max %.2f ms\n",
		       (unsigned long long)answered, (unsigned long long)t->count, min,
		       sum / (double)answered, max);
	else if (rc != AMP_FAILED)
		printf("none of %llu answered\n", (unsigned long long)t->count);
	cJSON_Delete(all);
	return rc;
}

/* ---- trace ---- */

static cJSON *hop_row(const struct trip *t, const struct trace_row *r, uint32_t n, uint64_t first)
{
	cJSON *o = cJSON_CreateObject();
	const char *node = places_at(&t->places, r->node);
	char text[64];

	cJSON_AddNumberToObject(o, "hop", n + 1);
	cJSON_AddStringToObject(o, "node", node);
	cJSON_AddStringToObject(o, "address", topo_addr_text(r->node, text));
	cJSON_AddNumberToObject(o, "in", r->in_port);
	if (r->out_port == UINT16_MAX)
		cJSON_AddStringToObject(o, "out", "-");
	else
		cJSON_AddNumberToObject(o, "out", r->out_port);
	cJSON_AddNumberToObject(o, "arrival_ms",
				(double)((int64_t)(r->arrival - first) / 1000) / 1000);
	cJSON_AddNumberToObject(o, "work", r->spent);
	cJSON_AddNumberToObject(o, "queue", r->queue_len);
	places_link(&t->places, node, r->in_port, text, sizeof(text));
	cJSON_AddStringToObject(o, "link", text);
	return o;
}

/* The rows that came home. Lengths in a packet are the network's word: every one is checked against what is there. */
static cJSON *hops(const struct trip *t, const char *hex, bool *truncated)
{
	uint8_t payload[WIRE_PACKET_MAX];
	struct trace_head head;
	size_t len = strlen(hex) / 2;
	uint64_t first = 0;

	if (len > sizeof(payload) || !key_unhex(hex, strlen(hex), payload, len) ||
	    len < TRACE_ROWS_OFFSET)
		return NULL;
	memcpy(&head, payload + TRACE_HEAD_OFFSET, sizeof(head));
	if (head.rows > TRACE_ROWS_MAX || TRACE_ROWS_OFFSET + head.rows * TRACE_ROW_LEN > len)
		return NULL;
	cJSON *rows = cJSON_CreateArray();
	for (uint32_t i = 0; i < head.rows; i++) {
		struct trace_row r;

		memcpy(&r, payload + TRACE_ROWS_OFFSET + i * TRACE_ROW_LEN, sizeof(r));
		first = i ? first : r.arrival;
		cJSON_AddItemToArray(rows, hop_row(t, &r, i, first));
	}
	*truncated = head.flags & TRACE_TRUNCATED;
	return rows;
}

static int print_hops(const struct trip *t, const cJSON *last, double took)
{
	bool truncated = false;
	cJSON *rows = hops(t, member_text(last, "payload"), &truncated);
	struct table table;
	const cJSON *o;

	if (!rows)
		return cmd_error("trace", "what came back is no trace: %.80s",
				 member_text(last, "payload"));
	if (t->json) {
		rows_print(rows, true);
		cJSON_Delete(rows);
		return AMP_DONE;
	}
	table_init(&table, "hop|node|address|in|out|arrival ms|work|queue|came over");
	cJSON_ArrayForEach(o, rows)
	{
		const cJSON *out = cJSON_GetObjectItemCaseSensitive(o, "out");
		char port[16] = "-";

		if (cJSON_IsNumber(out))
			snprintf(port, sizeof(port), "%.0f", out->valuedouble);
		table_row(&table, "%.0f\t%s\t%s\t%.0f\t%s\t%+.2f\t%.0f\t%.0f\t%s",
			  member_number(o, "hop"), member_text(o, "node"),
			  member_text(o, "address"), member_number(o, "in"), port,
			  member_number(o, "arrival_ms"), member_number(o, "work"),
			  member_number(o, "queue"), member_text(o, "link"));
	}
	table_print(&table, stdout);
	printf("back at %s after %.2f ms, %.0f active node%s crossed%s\n",
	       member_text(last, "node"), took, member_number(last, "hops"),
	       plural(member_number(last, "hops")),
	       truncated ? "; the way is longer than one packet can hold" : "");
	cJSON_Delete(rows);
	return AMP_DONE;
}

static int trace(struct trip *t, struct control *c)
{
	cJSON *rows = cJSON_CreateArray();
	const cJSON *last = NULL;
	enum shot_end end;
	double took = 0;
	int rc;

	if (!send_capsule(t, c, "trace", TRACE_ROWS_OFFSET, rows, &end, &last, &took))
		rc = cmd_error("trace", "%s", c->err);
	else if (end == SHOT_DELIVERED)
		rc = print_hops(t, last, took);
	else if (end == SHOT_REFUSED)
		rc = cmd_error("trace", "refused at %s: %s: %s %s", member_text(last, "node"),
			       member_text(last, "reason"), member_text(last, "text"),
			       member_text(last, "detail")) +
		     AMP_REFUSED - AMP_FAILED;
	else
		rc = cmd_error("trace",
			       "lost: it did not come back within %llu s; amp testbed status "
			       "shows what the links dropped",
			       (unsigned long long)t->wait) +
		     AMP_LOST - AMP_FAILED;
	cJSON_Delete(rows);
	return rc;
}

static int trip(struct trip *t, int argc, char **argv, int (*fn)(struct trip *t, struct control *c))
{
	static struct control c;
	int rc = parse(t, argc, argv);

	if (rc >= 0)
		return rc;
	if (!places_open(&c, t->testbed, t->from))
		return cmd_error(t->verb, "%s", c.err);
	if (sodium_init() < 0)
		rc = cmd_error(t->verb, "libsodium does not start");
	else if (prepare(t, &c))
		rc = fn(t, &c);
	else
		rc = cmd_error(t->verb, "%s", c.err);
	places_free(&t->places);
	control_close(&c);
	return rc;
}

int cmd_ping(int argc, char **argv)
{
	struct trip t = {
		.verb = "ping", .usage = ping_usage, .count = 4, .wait = 5, .interval = 100000000};

	return trip(&t, argc, argv, ping);
}

int cmd_trace(int argc, char **argv)
{
	struct trip t = {.verb = "trace", .usage = trace_usage, .count = 1, .wait = 5};

	return trip(&t, argc, argv, trace);
}
