/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code.c - modules that a capsule needs and this node lacks are asked from the node it came from; those that neighbours lack
 * are handed to them. Waiting capsules, fetches, cached modules and the rate of answers are all bounded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/ee/ee.h"

/* ---- capsules that wait ---- */

static void resume(struct ee *ee, struct waiting *w, struct cached *m, const char *failure,
		   enum ee_refusal why)
{
	struct wire_capsule c;

	w->used = false; /* w stays readable: nothing below makes a new one */
	w->in.ip = w->packet;
	w->in.anep = w->packet + w->anep_at;
	(void)wire_parse(w->in.anep, w->in.len, &c); /* it was accepted when it began to wait */
	if (!m)
		ee_refuse(ee, &w->in, &c, why, failure);
	else if (ee_permitted(ee, &w->in, &c)) /* its time may be over by now */
		ee_run(ee, &w->in, &c, m);
}

static uint32_t resume_all(struct ee *ee, const uint8_t code[WIRE_CODE_NAME], struct cached *m,
			   const char *failure, enum ee_refusal why)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < EE_WAITING; i++) {
		struct waiting *w = &ee->waiting[i];

		if (!w->used || memcmp(w->code, code, WIRE_CODE_NAME))
			continue;
		n++;
		resume(ee, w, m, failure, why);
	}
	return n;
}

static void arm(struct ee *ee)
{
	uint64_t at = fetch_deadline(&ee->fetches);

	if (at == UINT64_MAX)
		amp_timer_cancel(&ee->fetch_timer);
	else
		(void)amp_timer_at(&ee->fetch_timer,
				   at); /* should it fail, the next chunk tries again */
}

/*
 * A neighbour, at the port that its network is on. What comes in elsewhere in a neighbour's name is a forgery, and would otherwise
 * end its fetches, or aim our chunks at it.
 */
static bool is_neighbour(const struct ee *ee, uint32_t addr, uint16_t port)
{
	struct node_hop hop;

	return node_is_connected(ee->pub, addr, NULL) && !node_is_local(ee->pub, addr) &&
	       node_route(ee->pub, addr, &hop) && hop.port == port;
}

/* A free place. NULL: there is none, or the capsule's principal has its share; then *detail says which. */
static struct waiting *place(struct ee *ee, const struct wire_capsule *c, const char **detail)
{
	bool fetching = fetch_find(&ee->fetches, c->code);
	unsigned mine = 0, started = 0;
	struct waiting *free_place = NULL;

	for (unsigned i = 0; i < EE_WAITING; i++) {
		struct waiting *w = &ee->waiting[i];

		if (!w->used) {
			if (!free_place)
				free_place = w;
		} else if (!memcmp(w->principal, c->principal, sizeof(w->principal))) {
			mine++;
			started += w->started;
		}
	}
	*detail = "";
	if (mine < EE_WAITING_EACH && (fetching || started < EE_FETCHES_EACH))
		return free_place;
	*detail = "its principal has its share of them";
	return NULL;
}

/* Asks for the capsule's module; false: too many are being asked for. */
static bool start_fetch(struct ee *ee, const struct wire_capsule *c, uint32_t from)
{
	struct ee_event e = {.kind = EE_FETCH, .state = EE_FETCH_STARTED, .from = from};

	memcpy(e.code, c->code, sizeof(e.code));
	if (!fetch_start(&ee->fetches, c->code, from, amp_now()))
		return false;
	ee_count(ee, EEC_FETCH_STARTED);
	(void)ee_report(ee, &e, NULL, 0); /* what is lost is counted there */
	return true;
}

void ee_code_wait(struct ee *ee, const struct incoming *in, const struct wire_capsule *c)
{
	const char *detail;
	struct waiting *w = place(ee, c, &detail);
	bool fetching = fetch_find(&ee->fetches, c->code);
	uint32_t from;

	if (!w || in->ip_len > sizeof(w->packet)) {
		ee_refuse(ee, in, c, EER_WAITING_FULL, detail);
		return;
	}
	/* Anyone can write HOP: only who could have sent it is asked, so that it cannot aim our requests at others. */
	if (!wire_is_address4(c->hop.previous, &from) || !is_neighbour(ee, from, in->port)) {
		ee_refuse(ee, in, c, EER_CODE_UNAVAILABLE, "the previous hop is not a neighbour");
		return;
	}
	if (!fetching && !start_fetch(ee, c, from)) {
		ee_refuse(ee, in, c, EER_WAITING_FULL, "too many modules are being fetched");
		return;
	}
	w->used = true;
	w->started = !fetching;
	memcpy(w->code, c->code, sizeof(w->code));
	memcpy(w->principal, c->principal, sizeof(w->principal));
	w->in = *in;
	w->anep_at = (uint16_t)(in->anep - in->ip);
	memcpy(w->packet, in->ip, in->ip_len);
	arm(ee);
}

/* ---- fetching ---- */

static void on_request(void *arg, const struct fetch *f, uint16_t index, bool again)
{
	struct ee *ee = arg;
	uint8_t packet[IP4_HLEN + UDP_HLEN + WIRE_HEADER_CODE];
	size_t len = wire_request_build(packet + IP4_HLEN + UDP_HLEN, WIRE_HEADER_CODE, f->code,
					index);

	ee_count(ee, EEC_FETCH_REQUESTS);
	if (again)
		ee_count(ee, EEC_FETCH_RETRANSMITS);
	(void)ee_send(ee, packet, len, 0, f->from,
		      IP4_TTL); /* one that is not sent is repeated like a lost one */
}

static void on_over(void *arg, struct fetch *f, const char *failure)
{
	struct ee *ee = arg;
	struct ee_event e = {.kind = EE_FETCH, .from = f->from, .retransmits = f->retransmits};
	char err[CACHE_ERROR] = "";
	enum ee_refusal why = EER_CODE_UNAVAILABLE;
	struct cached *m = NULL;

	memcpy(e.code, f->code, sizeof(e.code));
	e.chunks = f->nhave;
	if (!failure) {
		uint64_t evicted = ee->cache.evicted;

		m = cache_add(&ee->cache, f->bytes, f->len, f->from, false, err);
		if (m)
			f->bytes = NULL;
		failure = err;
		why = EER_CODE_REJECTED;
		ee->shared->pub.counter[EEC_EVICTED] += ee->cache.evicted - evicted;
	}
	ee_count(ee, m ? EEC_FETCH_DONE : EEC_FETCH_FAILED);
	e.state = m ? EE_FETCH_DONE : EE_FETCH_FAILED;
	for (unsigned i = 0; i < EE_WAITING; i++)
		e.resumed += m && ee->waiting[i].used &&
			     !memcmp(ee->waiting[i].code, f->code, WIRE_CODE_NAME);
	(void)ee_report(ee, &e, NULL, 0); /* what is lost is counted there */
	(void)resume_all(ee, e.code, m, failure, why);
}

static void on_timer(void *arg)
{
	struct ee *ee = arg;

	fetch_tick(&ee->fetches, amp_now());
	arm(ee);
}

void ee_code_chunk(struct ee *ee, const struct incoming *in)
{
	struct wire_code c;

	if (wire_code_parse(in->anep, in->len, &c) != WIRE_OK) {
		ee_count(ee, EEC_CODE_MALFORMED);
		return;
	}
	if (!is_neighbour(ee, in->src, in->port)) {
		ee_count(ee, EEC_STRANGER);
		return;
	}
	if (!fetch_input(&ee->fetches, in->src, &c, wire_code_chunk(in->anep), amp_now()))
		ee_count(ee, EEC_FETCH_STRAY);
	arm(ee);
}

/* ---- handing on ---- */

void ee_code_request(struct ee *ee, const struct incoming *in)
{
	uint8_t packet[EE_PACKET_MAX], *anep = packet + IP4_HLEN + UDP_HLEN;
	struct wire_code c;
	struct cached *m;
	size_t len;

	if (wire_code_parse(in->anep, in->len, &c) != WIRE_OK) {
		ee_count(ee, EEC_CODE_MALFORMED);
		return;
	}
	if (!is_neighbour(ee, in->src, in->port)) {
		ee_count(ee, EEC_STRANGER);
		return;
	}
	if (!bucket_take(&ee->serve_rate, amp_now())) {
		ee_count(ee, EEC_SERVE_LIMITED);
		return;
	}
	m = cache_find(&ee->cache, c.code);
	len = wire_chunk_build(anep, WIRE_PACKET_MAX, c.code, c.index, m ? m->bytes : NULL,
			       m ? (uint32_t)m->len : 0);
	if (!len) {
		ee_count(ee, EEC_CODE_MALFORMED); /* a chunk that the module does not have */
		return;
	}
	ee_count(ee, m ? EEC_SERVED : EEC_SERVED_NONE);
	(void)ee_send(ee, packet, len, in->dst, in->src,
		      IP4_TTL); /* a lost answer is asked for again */
}

void ee_code_init(struct ee *ee)
{
	ee->fetches.request = on_request;
	ee->fetches.over = on_over;
	ee->fetches.arg = ee;
	ee->fetch_timer.fn = on_timer;
	ee->fetch_timer.arg = ee;
}
