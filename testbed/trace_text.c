/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_text.c - helpers are written as they are called in C, with tables by name and memory as what it holds. */
#include "trace_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd_filter.h"
#include "packet_text.h"
#include "text.h"
#include "xok/handler.h"
#include "xok/vcode/vcode.h"

#define NAME 16u /* of programs and environments, not always ended */

struct way {
	const struct capture_trace *t;
	const struct capture_packet *p;
	const uint8_t *in, *out;
	char clock[40], port[24], outcome[96], before[256], after[256], ether[64], changes[256];
};

/* ---- pieces of text ---- */

static void macs(const uint8_t *frame, uint32_t n, char *buf, size_t size)
{
	*buf = 0;
	if (n >= 12)
		snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x",
			 frame[6], frame[7], frame[8], frame[9], frame[10], frame[11], frame[0],
			 frame[1], frame[2], frame[3], frame[4], frame[5]);
}

static void say_memory(const struct xok_trace_call *c, uint32_t which, uint64_t len, char *buf,
		       size_t size)
{
	uint32_t n = which < 2 ? c->bytes[which] : 0;
	char address[INET6_ADDRSTRLEN];

	if (c->helper == VC_HELPER_lpm6 && n == 16) {
		text_append(buf, size, "%s",
			    inet_ntop(AF_INET6, c->memory[0], address, sizeof(address)));
		return;
	}
	text_append(buf, size, "{");
	for (uint32_t i = 0; i < n && i < XOK_TRACE_BYTES; i++)
		text_append(buf, size, "%02x", c->memory[which][i]);
	text_append(buf, size, "%s}", len > n ? "..." : "");
}

static void say_scalar(const struct xok_trace_call *c, uint32_t i, char *buf, size_t size)
{
	struct in_addr a = {htonl((uint32_t)c->arg[i])};
	char address[INET_ADDRSTRLEN];

	if (c->helper == VC_HELPER_lpm4)
		text_append(buf, size, "%s", inet_ntop(AF_INET, &a, address, sizeof(address)));
	else
		text_append(buf, size, "%" PRIu64, c->arg[i]);
}

/* "lpm4(routes4, 10.0.2.1)" */
static void say_call(const struct xok_trace_call *c, char *buf, size_t size)
{
	const struct vc_helper *h = c->helper < VC_NHELPER ? &vc_helpers[c->helper]
							   : &vc_helpers[0];
	uint32_t memory = 0;

	*buf = 0;
	text_append(buf, size, "%s(", h->name ? h->name : "?");
	for (uint32_t i = 0; i < 5 && h->arg[i] != VC_ARG_NONE; i++) {
		if (h->arg[i] == VC_ARG_MEM_SIZE)
			continue; /* said by the memory before */
		if (i)
			text_append(buf, size, ", ");
		if (h->arg[i] == VC_ARG_TABLE && *c->table)
			text_append(buf, size, "%.*s", (int)sizeof(c->table), c->table);
		else if (h->arg[i] == VC_ARG_MEM_R || h->arg[i] == VC_ARG_MEM_W)
			say_memory(c, memory++, i < 4 ? c->arg[i + 1] : 0, buf, size);
		else
			say_scalar(c, i, buf, size);
	}
	text_append(buf, size, ")");
}

static void say_verdict(const struct capture_link *l, const struct xok_trace *x, char *buf,
			size_t size)
{
	static const char *const name[] = {"DROP", "PASS", "CONSUME", "REPLY", "FORWARD"};
	uint64_t v = x->verdict;
	const char *reason = capture_reason_name(v >> 8, x->program);

	if ((v & 0xff) > XOK_V_FORWARD)
		snprintf(buf, size, "0x%" PRIx64 ", which is no verdict", v);
	else if ((v & 0xff) == XOK_V_FORWARD)
		snprintf(buf, size, "FORWARD to %s", capture_link_port_name(l, (uint32_t)(v >> 8)));
	else if (v == (XOK_V_DROP | v >> 8 << 8) && reason)
		snprintf(buf, size, "DROP for %s", reason);
	else if (v >> 8)
		snprintf(buf, size, "%s for reason %" PRIu64, name[v & 0xff], v >> 8);
	else
		snprintf(buf, size, "%s", name[v & 0xff]);
}

static uint32_t calls(const struct xok_trace *x)
{
	return x->ncall < XOK_TRACE_CALLS ? x->ncall : XOK_TRACE_CALLS;
}

static void look_at(struct way *w, const struct capture_link *l, const struct capture_trace *t)
{
	time_t seconds = (time_t)(t->packet.time / 1000000000);
	size_t n;
	struct tm tm;

	w->t = t;
	w->p = &t->packet;
	w->in = (const uint8_t *)(t + 1);
	w->out = w->in + capture_round(w->p->captured);
	n = strftime(w->clock, sizeof(w->clock), "%H:%M:%S", localtime_r(&seconds, &tm));
	snprintf(w->clock + n, sizeof(w->clock) - n, ".%06u",
		 (unsigned)(w->p->time % 1000000000 / 1000));
	snprintf(w->port, sizeof(w->port), "%s", capture_link_port_name(l, w->p->port));
	capture_outcome(l, w->p, w->outcome, sizeof(w->outcome));
	packet_text(w->in, w->p->captured, w->p->len, w->before, sizeof(w->before));
	*w->after = *w->ether = *w->changes = 0;
	if (!t->left_len)
		return;
	packet_text(w->out, t->left_captured, t->left_len, w->after, sizeof(w->after));
	macs(w->out, t->left_captured, w->ether, sizeof(w->ether));
	trace_changes(w->in, w->p->captured, w->out, t->left_captured, w->changes,
		      sizeof(w->changes));
}

/* ---- as text ---- */

static void print_handler(const struct capture_link *l, const struct xok_trace *x,
			  const struct capture_packet *p)
{
	char text[256];

	if (!x->program_id) {
		printf("  no handler: straight to the environment's ring\n");
		return;
	}
	printf("  handler  %.*s (id %u, %u instructions)", (int)NAME, x->program, x->program_id,
	       x->ninsn);
	if (!x->insns) {
		printf(": not run, %s\n", p->fate == XOK_FATE_THROTTLED
						  ? "since its rate is used up"
						  : "since the packet is shorter than it needs");
		return;
	}
	printf(": executed %" PRIu64 ", spent %" PRId64 " of %" PRId64 "\n", x->insns,
	       x->budget - x->left, x->budget);
	for (uint32_t i = 0; i < calls(x); i++) {
		const struct xok_trace_call *c = &x->call[i];

		say_call(c, text, sizeof(text));
		printf("    %4u   %s = %" PRId64 "\n", c->pc, text, (int64_t)c->result);
	}
	if (x->ncall > calls(x))
		printf("           and %u calls more\n", x->ncall - calls(x));
	if (x->stop)
		printf("    %4u   stopped: %s\n", x->stop_pc, vc_reason_name((int)x->stop));
	else {
		say_verdict(l, x, text, sizeof(text));
		printf("  verdict  %s\n", text);
	}
}

void trace_print(const struct capture_link *l, const struct capture_trace *t)
{
	const struct xok_trace *x = &t->trace;
	struct way w;
	char ether[64];

	look_at(&w, l, t);
	macs(w.in, w.p->captured, ether, sizeof(ether));
	printf("%s in at %s, lcore %u: %s\n", w.clock, w.port, w.p->lcore, w.before);
	if (*ether)
		printf("  frame    %s, %u bytes\n", ether, w.p->len);
	if (!x->filter) {
		printf("  filter   none claims it\n");
	} else {
		printf("  filter   %u of %.*s, %s\n", x->filter, (int)NAME, x->owner_name,
		       x->atoms.port == XOK_PORT_ANY
			       ? "any port"
			       : capture_link_port_name(l, (uint32_t)x->atoms.port));
		filter_print(&x->atoms, "             ");
		print_handler(l, x, w.p);
	}
	printf("  outcome  %s\n", w.outcome);
	if (*w.after)
		printf("  left     %s\n           %s, %u bytes\n  changed  %s\n", w.after, w.ether,
		       t->left_len, *w.changes ? w.changes : "nothing");
	printf("\n");
}

/* ---- as JSON ---- */

static void add_name(cJSON *o, const char *key, const char *name, size_t size)
{
	char text[NAME + 1];

	snprintf(text, sizeof(text), "%.*s", (int)size, name);
	cJSON_AddStringToObject(o, key, text);
}

static cJSON *json_call(const struct xok_trace_call *c)
{
	cJSON *o = cJSON_CreateObject(), *args = cJSON_CreateArray();
	const struct vc_helper *h = c->helper < VC_NHELPER ? &vc_helpers[c->helper]
							   : &vc_helpers[0];
	char text[256];

	say_call(c, text, sizeof(text));
	cJSON_AddStringToObject(o, "helper", h->name ? h->name : "?");
	cJSON_AddNumberToObject(o, "pc", c->pc);
	cJSON_AddStringToObject(o, "call", text);
	if (*c->table)
		add_name(o, "table", c->table, sizeof(c->table));
	for (uint32_t i = 0; i < 5 && h->arg[i] != VC_ARG_NONE; i++)
		cJSON_AddItemToArray(args, cJSON_CreateNumber((double)c->arg[i]));
	cJSON_AddItemToObject(o, "args", args);
	cJSON_AddNumberToObject(o, "result", (double)(int64_t)c->result);
	cJSON_AddNumberToObject(o, "left", (double)c->left);
	return o;
}

static cJSON *json_handler(const struct capture_link *l, const struct xok_trace *x)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_CreateArray();
	char text[64];

	add_name(o, "name", x->program, sizeof(x->program));
	cJSON_AddNumberToObject(o, "id", x->program_id);
	cJSON_AddNumberToObject(o, "executed", (double)x->insns);
	cJSON_AddNumberToObject(o, "budget", (double)x->budget);
	cJSON_AddNumberToObject(o, "spent", x->insns ? (double)(x->budget - x->left) : 0);
	for (uint32_t i = 0; i < calls(x); i++)
		cJSON_AddItemToArray(list, json_call(&x->call[i]));
	cJSON_AddItemToObject(o, "calls", list);
	cJSON_AddNumberToObject(o, "more_calls", x->ncall - calls(x));
	if (x->stop) {
		cJSON_AddStringToObject(o, "stopped", vc_reason_name((int)x->stop));
		cJSON_AddNumberToObject(o, "stopped_at", x->stop_pc);
	} else if (x->insns) {
		say_verdict(l, x, text, sizeof(text));
		cJSON_AddStringToObject(o, "verdict", text);
	}
	return o;
}

static void add_bytes(cJSON *o, const char *key, const uint8_t *at, uint32_t n)
{
	char hex[2 * XOK_FRAME_MAX + 1] = "";

	for (uint32_t i = 0; i < n && i < XOK_FRAME_MAX; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", at[i]);
	cJSON_AddStringToObject(o, key, hex);
}

static cJSON *json_filter(const struct xok_trace *x)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "id", x->filter);
	add_name(o, "owner", x->owner_name, sizeof(x->owner_name));
	cJSON_AddNumberToObject(o, "port", x->atoms.port);
	cJSON_AddItemToObject(o, "atoms", filter_json(&x->atoms));
	return o;
}

static cJSON *json_end(const char *text, uint32_t len, const uint8_t *at, uint32_t captured)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "text", text);
	cJSON_AddNumberToObject(o, "len", len);
	add_bytes(o, "bytes", at, captured);
	return o;
}

void trace_print_json(const struct capture_link *l, const struct capture_trace *t)
{
	const struct xok_trace *x = &t->trace;
	cJSON *o = cJSON_CreateObject();
	struct way w;
	char *text, when[24];

	look_at(&w, l, t);
	snprintf(when, sizeof(when), "%" PRIu64, w.p->time); /* more digits than a number has */
	cJSON_AddStringToObject(o, "time_ns", when);
	cJSON_AddStringToObject(o, "port", w.port);
	cJSON_AddNumberToObject(o, "lcore", w.p->lcore);
	cJSON_AddItemToObject(o, "in", json_end(w.before, w.p->len, w.in, w.p->captured));
	if (x->filter)
		cJSON_AddItemToObject(o, "filter", json_filter(x));
	if (x->program_id)
		cJSON_AddItemToObject(o, "handler", json_handler(l, x));
	cJSON_AddStringToObject(o, "outcome", w.outcome);
	if (t->left_len) {
		cJSON *out = json_end(w.after, t->left_len, w.out, t->left_captured);

		cJSON_AddStringToObject(out, "port", capture_link_port_name(l, w.p->other));
		cJSON_AddStringToObject(out, "changed", w.changes);
		cJSON_AddItemToObject(o, "out", out);
	}
	text = cJSON_PrintUnformatted(o);
	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(o);
}
