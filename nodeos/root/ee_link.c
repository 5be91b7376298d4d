/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee_link.c - events of the capsule domain as lines on console 1, and the packets it hands over.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/lib/inet.h"
#include "nodeos/root/root.h"

#define BATCH \
	64u /* messages taken at a time: a flood must not keep the root from everything else */

/*
 * Every event becomes a line on a slow console, and the root forwards packets meanwhile. In units of EVENT_UNIT bytes of messages, above
 * what the limits of an honest capsule domain amount to but for endless deliveries of the longest payload.
 */
#define EVENT_UNIT 64u
#define EVENT_RATE 8192u
#define EVENT_BURST 8192u

void ee_link_init(struct ee_link *l, struct root *root, struct ee_shared *shared)
{
	memset(l, 0, sizeof(*l));
	l->root = root;
	l->shared = shared;
	l->rate = (struct bucket){.rate = EVENT_RATE, .burst = EVENT_BURST};
	msgq_open_consumer(&l->events, shared->events, EE_EVENTS_SIZE);
	msgq_open_consumer(&l->punts, shared->punts, EE_PUNTS_SIZE);
}

void ee_link_reset(struct ee_link *l)
{
	l->up = false;
	memset(l->shared, 0, sizeof(*l->shared));
	msgq_open_consumer(&l->events, l->shared->events, EE_EVENTS_SIZE);
	msgq_open_consumer(&l->punts, l->shared->punts, EE_PUNTS_SIZE);
}

const char *ee_refusal_name(unsigned refusal)
{
	static const char *const name[] = {
#define REFUSAL(n, counter, text) counter,
#include "capsule/refusals.def"
#undef REFUSAL
	};

	return refusal < EE_NREFUSAL ? name[refusal] : "?";
}

const char *ee_refusal_text(unsigned refusal)
{
	static const char *const text_of[] = {
#define REFUSAL(n, counter, text) text,
#include "capsule/refusals.def"
#undef REFUSAL
	};

	return refusal < EE_NREFUSAL ? text_of[refusal] : "?";
}

const char *ee_counter_name(unsigned counter)
{
	static const char *const name[] = {
#define COUNTER(n, stable, text) stable,
#include "nodeos/ee/counters.def"
#undef COUNTER
	};

	return counter < EEC_N ? name[counter] : "?";
}

/* A principal's name, or the first digits of its key. */
static void put_principal(struct json *j, const struct root *r, const uint8_t key[32])
{
	char prefix[17];

	for (uint32_t i = 0; i < r->cfg.nprincipal; i++) {
		if (!memcmp(r->cfg.principal[i].key, key, 32)) {
			json_put_text(j, "principal", r->cfg.principal[i].name);
			return;
		}
	}
	text_hex(prefix, key, 8);
	json_put_text(j, "principal", prefix);
}

static const char *action_name(unsigned action)
{
	static const char *const name[] = {"drop", "forward", "return", "deliver"};

	return action < 4 ? name[action] : "?";
}

static const char *fetch_name(unsigned state)
{
	static const char *const name[] = {"started", "done", "failed"};

	return state < 3 ? name[state] : "?";
}

static void put_port(struct json *j, const char *key, uint16_t port)
{
	json_put_u64(j, key, port);
}

static void put_refused(struct json *j, const struct root *r, const struct ee_event *e,
			const char *text)
{
	json_put_text(j, "reason", ee_refusal_name(e->refusal));
	json_put_text(j, "text", ee_refusal_text(e->refusal));
	json_key(j, "detail");
	json_textn(j, text, e->text_len < 512 ? e->text_len : 512);
	put_principal(j, r, e->principal);
	json_put_hex(j, "code", e->code, 32);
	json_put_u64(j, "seq", e->seq);
	json_put_ip4(j, "from", e->from);
	put_port(j, "in_port", e->in_port);
}

static void put_ran(struct json *j, const struct root *r, const struct ee_event *e)
{
	json_put_hex(j, "code", e->code, 32);
	json_put_u64(j, "seq", e->seq);
	put_principal(j, r, e->principal);
	json_put_u64(j, "entry", e->entry);
	json_put_text(j, "action", action_name(e->action));
	json_put_u64(j, "spent", e->spent);
	put_port(j, "in_port", e->in_port);
	put_port(j, "out_port", e->out_port);
	json_put_u64(j, "hops", e->hops);
}

static void put_delivered(struct json *j, const struct ee_event *e, const char *text)
{
	json_put_hex(j, "code", e->code, 32);
	json_put_u64(j, "seq", e->seq);
	json_put_u64(j, "flags", e->flags);
	json_put_u64(j, "hops", e->hops);
	json_put_u64(j, "budget_left", e->budget_left);
	json_put_u64(j, "spent", e->spent);
	json_put_u64(j, "arrival", e->arrival);
	json_put_u64(j, "arg_len", e->arg_len);
	json_put_hex(j, "payload", text, e->text_len);
}

static void put_fetch(struct json *j, const struct ee_event *e)
{
	json_put_hex(j, "code", e->code, 32);
	json_put_text(j, "state", fetch_name(e->state));
	json_put_ip4(j, "from", e->from);
	json_put_u64(j, "chunks", e->chunks);
	json_put_u64(j, "retransmits", e->retransmits);
	json_put_u64(j, "resumed", e->resumed);
}

static void on_event(struct ee_link *l, size_t len)
{
	struct control *c = &l->root->control;
	struct ee_event e;
	const char *text = (const char *)l->buf + sizeof(e);

	/* A shorter message would leave e half from the one before. */
	if (len < sizeof(e)) {
		l->malformed++;
		return;
	}
	memcpy(&e, l->buf, sizeof(e));
	if (e.text_len != len - sizeof(e)) {
		l->malformed++;
		return;
	}
	if (e.kind == EE_READY) {
		l->up = true;
		root_ready(l->root);
		return;
	}
	if (!bucket_take_n(&l->rate, amp_now(), (uint32_t)(len / EVENT_UNIT) + 1)) {
		l->limited++;
		return;
	}
	switch (e.kind) {
	case EE_LOG: root_log(l->root, "capsule", text, e.text_len); return;
	case EE_RAN: put_ran(event_begin(c, "ran"), l->root, &e); break;
	case EE_REFUSED: put_refused(event_begin(c, "refused"), l->root, &e, text); break;
	case EE_DELIVERED: put_delivered(event_begin(c, "delivered"), &e, text); break;
	case EE_FETCH: put_fetch(event_begin(c, "fetch"), &e); break;
	default: l->malformed++; return;
	}
	event_end(c);
}

static void on_punt(struct ee_link *l, size_t len)
{
	struct ipv4 *ip = &l->root->ip;
	struct ee_punt p;
	uint8_t *packet = l->buf + sizeof(p);

	ip->count.n[IPC_PUNTED]++;
	if (len < sizeof(p))
		goto bad;
	memcpy(&p, l->buf, sizeof(p));
	if (p.len != len - sizeof(p) || p.len > IP4_PACKET_MAX)
		goto bad;
	switch (p.kind) {
	case EE_PUNT_SEND: ipv4_output(ip, packet, p.len); return;
	case EE_PUNT_FORWARD: ipv4_input(ip, p.in_port, packet, p.len, false); return;
	case EE_PUNT_ICMP:
		/* Only what a router says about a packet that it did not forward. */
		if (inet_ip4_check(packet, p.len) != INET_OK ||
		    (p.type != ICMP_TIME_EXCEEDED && p.type != ICMP_UNREACHABLE) || p.code > 15)
			goto bad;
		icmp_error(ip, packet, be16(packet + IP4_LEN), p.type, p.code, 0, false);
		return;
	default: break;
	}
bad:
	ip->count.n[IPC_PUNT_BAD]++;
}

void ee_link_work(struct ee_link *l)
{
	bool more = false;
	unsigned i;
	long n;

	for (i = 0; i < BATCH && (n = msgq_get(&l->punts, l->buf)) >= 0; i++)
		on_punt(l, (size_t)n);
	more |= i == BATCH;
	for (i = 0; i < BATCH && (n = msgq_get(&l->events, l->buf)) >= 0; i++)
		on_event(l, (size_t)n);
	more |= i == BATCH;
	if (more)
		amp_post(EE_EV_WORK);
}

bool ee_link_module(const struct ee_link *l, unsigned i, struct ee_module *out)
{
	if (i >= EE_MODULES)
		return false;
	memcpy(out, &l->shared->pub.module[i], sizeof(*out));
	out->name[sizeof(out->name) - 1] = 0;
	/* Tables for people print it as it stands. */
	for (char *s = out->name; *s; s++) {
		if (*s <= 0x20 || *s >= 0x7f)
			*s = '?';
	}
	return out->used;
}
