/* SPDX-License-Identifier: BSD-2-Clause */
/* rib.c - routes by prefix: a hash with chains, grown by doubling. */
#include <stdlib.h>
#include <string.h>

#include "amp/amp.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/rib.h"

#define FIRST 256u /* routes that there is room for at first */

void rib_init(struct rib *r, struct hops *hops, uint32_t max,
	      void (*changed)(void *arg, const struct ip6 *prefix, unsigned len, int32_t was,
			      int32_t is),
	      void *arg)
{
	*r = (struct rib){.hops = hops, .max = max, .changed = changed, .arg = arg};
}

void rib_end(struct rib *r)
{
	free(r->route);
	free(r->bucket);
	memset(r, 0, sizeof(*r));
}

static uint32_t hash(const struct ip6 *prefix, unsigned len)
{
	uint64_t a, b;

	memcpy(&a, prefix->b, 8);
	memcpy(&b, prefix->b + 8, 8);
	a = (a * 0x9e3779b97f4a7c15u ^ b) * 0xc2b2ae3d27d4eb4fu + len;
	a = (a ^ a >> 32) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(a >> 32);
}

static uint32_t *bucket_of(const struct rib *r, const struct ip6 *prefix, unsigned len)
{
	return &r->bucket[hash(prefix, len) & (r->buckets - 1)];
}

static bool same_prefix(const struct rib_route *e, const struct ip6 *prefix, unsigned len)
{
	return e->len == len && ip6_equal(&e->prefix, prefix);
}

static bool better(const struct rib_route *a, const struct rib_route *b)
{
	static const uint8_t rank[RIB_SOURCES] = {[RIB_LOCAL] = 0,
						  [RIB_HOST_LOCAL] = 1,
						  [RIB_CONNECTED] = 2,
						  [RIB_STATIC] = 3,
						  [RIB_HOST] = 4};

	if (a->source != b->source)
		return rank[a->source] < rank[b->source];
	return a->metric < b->metric;
}

const struct rib_route *rib_best(const struct rib *r, const struct ip6 *prefix, unsigned len)
{
	const struct rib_route *best = NULL;

	if (!r->buckets)
		return NULL;
	for (uint32_t i = *bucket_of(r, prefix, len); i; i = r->route[i - 1].next) {
		const struct rib_route *e = &r->route[i - 1];

		if (same_prefix(e, prefix, len) && (!best || better(e, best)))
			best = e;
	}
	return best;
}

static int32_t best_number(const struct rib *r, const struct ip6 *prefix, unsigned len)
{
	const struct rib_route *e = rib_best(r, prefix, len);

	return e ? e->number : -1;
}

/* Twice as many, and as many buckets. False: no memory, and nothing has changed. */
static bool grow(struct rib *r)
{
	uint32_t room = r->room ? 2 * r->room : FIRST;
	struct rib_route *route;
	uint32_t *bucket;

	bucket = calloc(room, sizeof(*bucket));
	if (!bucket)
		return false;
	route = realloc(r->route, (size_t)room * sizeof(*route));
	if (!route) {
		free(bucket);
		return false;
	}
	free(r->bucket);
	r->route = route;
	r->bucket = bucket;
	r->room = r->buckets = room;
	for (uint32_t i = 0; i < r->nroute; i++) {
		struct rib_route *e = &r->route[i];
		uint32_t *b;

		if (!e->used)
			continue;
		b = bucket_of(r, &e->prefix, e->len);
		e->next = *b;
		*b = i + 1;
	}
	return true;
}

/* An entry that is not in use; 0: there is no room. */
static uint32_t take(struct rib *r)
{
	uint32_t i = r->free;

	if (r->used >= r->max)
		return 0;
	if (i) {
		r->free = r->route[i - 1].next;
	} else {
		if (r->nroute == r->room && !grow(r))
			return 0;
		i = ++r->nroute;
	}
	r->used++;
	return i;
}

/* The link to the entry of this source and metric, or to the chain's end. */
static uint32_t *find(const struct rib *r, const struct ip6 *prefix, unsigned len, unsigned source,
		      uint32_t metric)
{
	uint32_t *link = bucket_of(r, prefix, len);

	while (*link) {
		struct rib_route *e = &r->route[*link - 1];

		if (e->source == source && e->metric == metric && same_prefix(e, prefix, len))
			break;
		link = &e->next;
	}
	return link;
}

static void tell(struct rib *r, const struct ip6 *prefix, unsigned len, int32_t was)
{
	int32_t is = best_number(r, prefix, len);

	if (is != was)
		r->changed(r->arg, prefix, len, was, is);
}

static int add(struct rib *r, const struct rib_route *new)
{
	uint32_t i = take(r), *b;

	if (!i) {
		hops_put(r->hops, new->number);
		return XOK_ENOMEM;
	}
	/* It may have grown: only now is it known where the bucket stands. */
	b = bucket_of(r, &new->prefix, new->len);
	r->route[i - 1] = *new;
	r->route[i - 1].next = *b;
	*b = i;
	return 0;
}

int rib_set(struct rib *r, const struct ip6 *prefix, unsigned len, enum rib_source source,
	    uint32_t metric, uint32_t number)
{
	const struct rib_route new = {.prefix = *prefix,
				      .metric = metric,
				      .number = (uint16_t)number,
				      .len = (uint8_t)len,
				      .source = (uint8_t)source,
				      .mark = r->mark[source],
				      .used = 1};
	int32_t was = best_number(r, prefix, len);
	uint32_t at = r->buckets ? *find(r, prefix, len, source, metric) : 0;
	int rc;

	if (!at) {
		rc = add(r, &new);
		if (rc == 0)
			tell(r, prefix, len, was);
		return rc;
	}
	number = r->route[at - 1].number;
	r->route[at - 1].number = new.number;
	r->route[at - 1].mark = new.mark;
	tell(r, prefix, len, was);
	hops_put(r->hops, number);
	return 0;
}

/* Takes an entry out of its chain, at *link, and tells. */
static void drop(struct rib *r, uint32_t *link)
{
	uint32_t i = *link;
	struct rib_route was = r->route[i - 1];
	int32_t number = best_number(r, &was.prefix, was.len);

	*link = was.next;
	r->route[i - 1].used = 0;
	r->route[i - 1].next = r->free;
	r->free = i;
	r->used--;
	tell(r, &was.prefix, was.len, number);
	hops_put(r->hops, was.number);
}

int rib_delete(struct rib *r, const struct ip6 *prefix, unsigned len, enum rib_source source,
	       uint32_t metric)
{
	uint32_t *link = r->buckets ? find(r, prefix, len, source, metric) : NULL;

	if (!link || !*link)
		return XOK_ENOENT;
	drop(r, link);
	return 0;
}

void rib_mark(struct rib *r, enum rib_source source)
{
	r->mark[source]++;
}

void rib_sweep(struct rib *r, enum rib_source source)
{
	for (uint32_t i = 0; i < r->nroute; i++) {
		const struct rib_route *e = &r->route[i];

		if (e->used && e->source == source && e->mark != r->mark[source])
			drop(r, find(r, &e->prefix, e->len, e->source, e->metric));
	}
}
