/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib.c - bench-fib: longest-prefix tables, ours (xok/linux/fib.h) against DPDK's. Lookups of random addresses in bursts of 32, ns for each;
 * what a change costs, and a load; memory. Ours is what xokd has: with it goes the compact table that environments read, and that changes,
 * too. Before anything is timed, all sides' answers are compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "testbed/bench/fib.h"
#include "testbed/bench/rows.h"
#include "xok/linux/fib.h"
#include "xok/linux/linux.h"

#define ROUNDS 9
#define ADDRESSES 65536u
#define CHANGES 500u
#define MIB 1048576.0

static union address address[ADDRESSES];

/* Nobody else reads. */
void lcores_quiesce(void *d)
{
	(void)d;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- ours ---- */

struct ours {
	void *mem, *self;
};

static void *create(enum xok_table_type type, uint32_t n)
{
	struct xok_table_spec spec = {.type = type, .entries = n};
	size_t bytes = tbl_size(&spec, 1);
	struct ours *t = malloc(sizeof(*t));

	if (!t || !bytes)
		abort();
	t->mem = aligned_alloc(4096, bytes);
	if (!t->mem)
		abort();
	memset(t->mem, 0, bytes);
	tbl_init(t->mem, &spec, 1, 1);
	t->self = fib_lpm.create(NULL, t->mem);
	if (!t->self)
		abort();
	return t;
}

static void *ours4_create(uint32_t n)
{
	return create(XOK_TABLE_LPM4, n);
}

static void *ours6_create(uint32_t n)
{
	return create(XOK_TABLE_LPM6, n);
}

static void ours_destroy(void *table)
{
	struct ours *t = table;

	fib_lpm.destroy(t->self);
	free(t->mem);
	free(t);
}

static struct xok_table_update update(const struct bench_route *r, uint32_t bytes)
{
	struct xok_table_update u = {.op = XOK_TABLE_SET};

	memcpy(u.key, r->address, bytes);
	memcpy(u.key + bytes, &r->len, sizeof(r->len));
	return u;
}

static void add(void *table, const struct bench_route *r, uint32_t number, uint32_t bytes)
{
	struct xok_table_update u = update(r, bytes);
	const struct ours *t = table;

	u.number = number;
	if (fib_lpm.set(t->self, &u))
		abort();
}

static void take_out(void *table, const struct bench_route *r, uint32_t bytes)
{
	struct xok_table_update u = update(r, bytes);
	const struct ours *t = table;

	if (fib_lpm.remove(t->self, &u))
		abort();
}

static void ours4_add(void *table, const struct bench_route *r, uint32_t number)
{
	add(table, r, number, 4);
}

static void ours6_add(void *table, const struct bench_route *r, uint32_t number)
{
	add(table, r, number, 16);
}

static void ours4_remove(void *table, const struct bench_route *r)
{
	take_out(table, r, 4);
}

static void ours6_remove(void *table, const struct bench_route *r)
{
	take_out(table, r, 16);
}

/* As the core does: the whole burst is announced, then each is looked up. */
static void ours4_lookup(void *table, const union address a[BURST], uint32_t number[BURST])
{
	const struct ours *t = table;

	for (uint32_t i = 0; i < BURST; i++)
		fib_lpm.prefetch4(t->self, a[i].four);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = (uint32_t)fib_lpm.lookup4(t->self, a[i].four);
}

static void ours6_lookup(void *table, const union address a[BURST], uint32_t number[BURST])
{
	const struct ours *t = table;

	for (uint32_t i = 0; i < BURST; i++)
		fib_lpm.prefetch6(t->self, a[i].six);
	for (uint32_t i = 0; i < BURST; i++)
		number[i] = (uint32_t)fib_lpm.lookup6(t->self, a[i].six);
}

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long all = 0, here = 0;

	if (!f || fscanf(f, "%lu %lu", &all, &here) != 2)
		abort();
	fclose(f);
	return (double)here * (double)sysconf(_SC_PAGESIZE);
}

static const struct side ours[2] = {
	{"ours", false, ours4_create, ours_destroy, ours4_add, ours4_remove, ours4_lookup,
	 resident},
	{"ours", true, ours6_create, ours_destroy, ours6_add, ours6_remove, ours6_lookup, resident},
};

/* ---- measuring ---- */

struct loaded {
	const struct side *side;
	void *table;
	double load, mib; /* seconds, and memory */
};

static struct loaded load(const struct side *s, const struct bench_route *r, uint32_t n)
{
	struct loaded l = {.side = s};
	double before = s->bytes(), start;

	l.table = s->create(n + 1);
	start = seconds();
	for (uint32_t i = 0; i < n; i++)
		s->add(l.table, &r[i], i);
	l.load = seconds() - start;
	l.mib = (s->bytes() - before) / MIB;
	return l;
}

static void check(const struct loaded *ours_, const struct loaded *peer)
{
	uint32_t a[BURST], b[BURST];

	for (uint32_t i = 0; i < ADDRESSES; i += BURST) {
		ours_->side->lookup(ours_->table, address + i, a);
		peer->side->lookup(peer->table, address + i, b);
		if (memcmp(a, b, sizeof(a)) != 0) {
			fprintf(stderr, "%s: another answer than ours\n", peer->side->name);
			exit(1);
		}
	}
}

static double lookups(const struct loaded *l)
{
	uint32_t number[BURST];
	double start = seconds();

	for (uint32_t i = 0; i < ADDRESSES; i += BURST)
		l->side->lookup(l->table, address + i, number);
	return (seconds() - start) * 1e9 / ADDRESSES;
}

/* Routes that go and come again: microseconds for one change. */
static double changes(const struct loaded *l, const struct bench_route *r, uint32_t n,
		      uint64_t seed)
{
	uint32_t times = n < CHANGES ? n : CHANGES;
	double start = seconds();

	for (uint32_t i = 0; i < times; i++) {
		uint32_t at = (uint32_t)(routes_random(&seed) % n);

		l->side->remove(l->table, &r[at]);
		l->side->add(l->table, &r[at], at);
	}
	return (seconds() - start) * 1e6 / times / 2;
}

static void figure(struct rows *rows, const char *what, const char *who, const char *unit,
		   double value)
{
	char name[48];

	snprintf(name, sizeof(name), "%s, %s", what, who);
	row_sample(rows_figure(rows, name, unit), 0, value);
}

static void bench_peer(struct rows *rows, const char *what, const struct bench_route *r, uint32_t n,
		       const struct loaded *mine, const struct side *peer)
{
	struct loaded theirs = load(peer, r, n);
	struct row *look = rows_add(rows, what, peer->name, 1.0), *change;

	check(mine, &theirs);
	change = rows_add(rows, what, peer->name, 0);
	snprintf(change->unit, sizeof(change->unit), "us/change");
	for (int i = 0; i < ROUNDS; i++) {
		double p = lookups(&theirs);

		row_sample(look, p, lookups(mine));
		p = changes(&theirs, r, n, 0x1234567 + (uint64_t)i);
		row_sample(change, p, changes(mine, r, n, 0x1234567 + (uint64_t)i));
	}
	figure(rows, what, peer->name, "s to load", theirs.load);
	figure(rows, what, peer->name, "MiB", theirs.mib);
	theirs.side->destroy(theirs.table);
}

static void bench(struct rows *rows, bool wide, uint32_t n)
{
	struct bench_route *r = calloc(n, sizeof(*r));
	uint64_t state = 0xadd7e55;
	struct loaded mine;
	char what[32];

	if (!r)
		abort();
	routes_make(r, n, wide);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		uint8_t a[16];

		routes_pick(r, n, wide, &state, a);
		memcpy(address[i].six, a, sizeof(a));
		if (!wide)
			address[i].four = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
					  (uint32_t)a[2] << 8 | a[3];
	}
	snprintf(what, sizeof(what), "IPv%c, %u routes", wide ? '6' : '4', n);
	mine = load(&ours[wide], r, n);
	figure(rows, what, "ours", "s to load", mine.load);
	figure(rows, what, "ours", "MiB", mine.mib);
	for (size_t i = 0; i < sizeof(fib_sides) / sizeof(fib_sides[0]); i++)
		if (fib_sides[i].wide == wide)
			bench_peer(rows, what, r, n, &mine, &fib_sides[i]);
	ours_destroy(mine.table);
	free(r);
}

int main(void)
{
	static const uint32_t counts[] = {16, 10000, 1000000};
	const char *only = getenv("ROUTES");
	static struct rows rows;

	fib_dpdk_start();
	rows_open(&rows, "fib", "ns/lookup");
	for (int wide = 0; wide < 2; wide++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
			if (!only || !*only || counts[i] == (uint32_t)atoi(only))
				bench(&rows, wide, counts[i]);
	return rows_close(&rows);
}
