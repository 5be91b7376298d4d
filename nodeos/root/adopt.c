/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt.c - what the tables of an earlier process of this domain say. */
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/adopt.h"
#include "xok/table/table.h"

#define MAPPED 96u
#define FULL 128u

/* In the order of struct forward_old. */
static const char *const name[FORWARD_OLD] = {"adjacency", "groups", "ports",	"ours",
					      "scratch",   "vlans",  "routes4", "routes6"};
enum { ADJACENCY = 0, ROUTES4 = 6, ROUTES6 = 7 };

static uint32_t find(const char *s)
{
	int64_t id = amp_table_find(s);

	return id > 0 ? (uint32_t)id : 0;
}

void adopt_find(struct forward *f)
{
	if (amp_starts() < 2)
		return;
	for (unsigned i = 0; i < FORWARD_OLD; i++)
		f->old[i] = find(name[i]);
	f->old_counters = find("counters");
}

uint32_t adopt_counters(const struct forward *f)
{
	void *mem = f->old_counters ? amp_table_map(f->old_counters) : NULL;
	const struct xok_table_spec *s = mem ? tbl_spec(mem) : NULL;

	/* Of another version it may have other lines. */
	if (!s || s->type != XOK_TABLE_PERCPU || s->value_size != sizeof(uint64_t) ||
	    s->entries != FORWARD_COUNTERS)
		return 0;
	return f->old_counters;
}

struct walk {
	struct forward *f;
	const struct forward_adjacency *adjacency;
	unsigned family;
};

/* A prefix of full length that led to an adjacency is a neighbour's own. */
static bool one_entry(void *arg, const struct xok_table_update *u)
{
	const struct walk *w = arg;
	const struct forward_adjacency *a;
	struct xok_prefix6 p6;
	struct xok_prefix4 p4;
	struct ip6 addr;
	bool full;

	if (w->family == FORWARD_IP4) {
		memcpy(&p4, u->key, sizeof(p4));
		addr = ip6_mapped(be32(p4.address));
		full = p4.len == FULL - MAPPED;
	} else {
		memcpy(&p6, u->key, sizeof(p6));
		addr = ip6_at(p6.address);
		full = p6.len == FULL;
	}
	if (!full || u->number < FORWARD_HOP || u->number >= FORWARD_GROUP)
		return true;
	a = &w->adjacency[u->number];
	if (!(a->version & FORWARD_CLOSED) && a->iface < NODE_PORTS && !(a->ether[0] & 1))
		neigh_told(w->f->path[w->family].neigh, a->iface, &addr, a->ether);
	return true;
}

void adopt_neighbours(struct forward *f)
{
	size_t bytes = 0;
	const struct forward_adjacency *adjacency =
		f->old[ADJACENCY] ? amp_table_memory(f->old[ADJACENCY], &bytes) : NULL;

	if (!adjacency || bytes < sizeof(*adjacency) * FORWARD_ADJACENCIES)
		return;
	for (unsigned i = 0; i < FORWARD_FAMILIES; i++) {
		uint32_t id = f->old[i == FORWARD_IP4 ? ROUTES4 : ROUTES6];
		struct walk w = {.f = f, .adjacency = adjacency, .family = i};
		const void *mem = id ? amp_table_map(id) : NULL;

		if (mem)
			tbl_each(mem, one_entry, &w);
	}
}

void adopt_end(struct forward *f)
{
	for (unsigned i = 0; i < FORWARD_OLD; i++) {
		if (f->old[i])
			(void)amp_table_destroy(f->old[i]);
		f->old[i] = 0;
	}
	if (f->old_counters && f->old_counters != f->counters)
		(void)amp_table_destroy(f->old_counters);
	f->old_counters = 0;
}
