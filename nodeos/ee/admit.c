/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * admit.c - may this capsule run here? Cheap questions come first, so that a flood of forgeries costs no elliptic curves unless
 * it names a principal, a module and a budget that policy allows. All these can be copied from a true capsule; so when the
 * node falls behind, what comes in at the port of a flood is refused unseen: a source address would be forged as well, the
 * port cannot be.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/ee/ee.h"
#include "nodeos/lib/text.h"

void ee_refuse(struct ee *ee, const struct incoming *in, const struct wire_capsule *c,
	       enum ee_refusal why, const char *detail)
{
	struct ee_event e = {.kind = EE_REFUSED, .refusal = (uint16_t)why, .from = in->src};

	ee->shared->pub.refused[why]++;
	e.in_port = in->port;
	if (c) {
		memcpy(e.code, c->code, sizeof(e.code));
		memcpy(e.principal, c->principal, sizeof(e.principal));
		e.seq = c->sequence;
		e.hops = c->hop.hops;
		e.entry = c->entry;
	}
	(void)ee_report(ee, &e, detail, strlen(detail)); /* what is lost is counted there */
}

/* The IP addresses must be the signed ones. Where a capsule turned round is not signed, so a returning one may come from anywhere. */
static bool addresses_match(const struct incoming *in, const struct wire_capsule *c)
{
	uint32_t goal, origin;

	if (!wire_is_address4(wire_goal(c), &goal) || goal != in->dst)
		return false;
	if (c->hop.flags & WIRE_HOP_RETURNING)
		return true;
	return wire_is_address4(c->origin, &origin) && origin == in->src;
}

static void refuse_addresses(struct ee *ee, const struct incoming *in, const struct wire_capsule *c)
{
	char src[TEXT_IP4], dst[TEXT_IP4], from[TEXT_IP4], to[TEXT_IP4], detail[128] = "";
	uint32_t origin, destination;

	text_put_ip4(src, in->src);
	text_put_ip4(dst, in->dst);
	if (wire_is_address4(c->origin, &origin) && wire_is_address4(c->destination, &destination))
		snprintf(detail, sizeof(detail), "came from %s to %s, signed from %s to %s%s", src,
			 dst, text_put_ip4(from, origin), text_put_ip4(to, destination),
			 c->hop.flags & WIRE_HOP_RETURNING ? ", returning" : "");
	ee_refuse(ee, in, c, EER_ADDRESS, detail);
}

static bool valid_now(struct ee *ee, const struct incoming *in, const struct wire_capsule *c)
{
	uint64_t now = node_utc(ee->pub) / 1000000000u;
	int v = wire_validity(c, now);
	char detail[64];

	if (!v)
		return true;
	if (v < 0) {
		snprintf(detail, sizeof(detail), "valid in %llu s",
			 (unsigned long long)(c->not_before - now));
		ee_refuse(ee, in, c, EER_NOT_YET_VALID, detail);
	} else {
		snprintf(detail, sizeof(detail), "for %llu s",
			 (unsigned long long)(now - c->not_after));
		ee_refuse(ee, in, c, EER_EXPIRED, detail);
	}
	return false;
}

bool ee_permitted(struct ee *ee, const struct incoming *in, const struct wire_capsule *c)
{
	uint32_t budget = 0;
	enum node_verdict v = node_policy(ee->pub, c->principal, c->code, &budget);
	char detail[64], hex[17];

	if (v == NODE_UNKNOWN_PRINCIPAL) {
		text_hex(hex, c->principal, 8);
		snprintf(detail, sizeof(detail), "key %s...", hex);
		ee_refuse(ee, in, c, EER_UNKNOWN_PRINCIPAL, detail);
		return false;
	}
	if (!valid_now(ee, in, c))
		return false;
	if (v == NODE_DENIED) {
		text_hex(hex, c->code, 8);
		snprintf(detail, sizeof(detail), "module %s...", hex);
		ee_refuse(ee, in, c, EER_NOT_PERMITTED, detail);
		return false;
	}
	if (c->budget > budget) {
		snprintf(detail, sizeof(detail), "asks for %u, may spend %u", c->budget, budget);
		ee_refuse(ee, in, c, EER_OVER_BUDGET, detail);
		return false;
	}
	return true;
}

/* Only what did not fit is charged: a port without forgeries has no limit, nor has a node that keeps up. */
static bool signature_ok(struct ee *ee, const struct incoming *in, const struct wire_capsule *c)
{
	struct bucket *forged = &ee->forged[in->port];

	if (in->behind && !bucket_has(forged, amp_now(), 1)) {
		ee_refuse(ee, in, c, EER_SIGNATURE_LIMIT, "");
		return false;
	}
	if (wire_verify(in->anep, in->len))
		return true;
	(void)bucket_take(forged, amp_now()); /* none left: it counts from now on */
	ee_refuse(ee, in, c, EER_BAD_SIGNATURE, "");
	return false;
}

void ee_capsule(struct ee *ee, struct incoming *in)
{
	struct wire_capsule c;
	enum wire_result r = wire_parse(in->anep, in->len, &c);
	struct cached *m;

	if (!wire_well_formed(r)) {
		ee_refuse(ee, in, NULL, EER_MALFORMED, wire_result_text(r));
		return;
	}
	if (r == WIRE_UNSIGNED) {
		ee_refuse(ee, in, &c, EER_UNSIGNED, "");
		return;
	}
	if (!ee_permitted(ee, in, &c))
		return;
	if (!signature_ok(ee, in, &c))
		return;
	if (!addresses_match(in, &c)) {
		refuse_addresses(ee, in, &c);
		return;
	}
	m = cache_find(&ee->cache, c.code);
	if (m)
		ee_run(ee, in, &c, m);
	else
		ee_code_wait(ee, in, &c);
}
