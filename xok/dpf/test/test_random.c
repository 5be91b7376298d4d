/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_random.c - random filter sets that grow and shrink, and random packets, against the
 * linear matcher: native code and the interpreter, at every step.
 *
 * Offsets, masks and values come from small sets, so that filters share fields, overlap and are
 * equal often, and packets are likely to match several.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code.h"
#include "linear.h"
#include "xok/dpf/dpf.h"

#define CASES 500000u /* unless the environment's DPF_RANDOM says otherwise */
#define CHANGES 10u   /* of a set, with packets after each */
#define PACKETS 6u
#define PKT_MAX 48u /* longer than most filters reach, not than all */

static uint64_t seed = 0x5eed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() >> 33) % n;
}

/* How a set's filters are made: from very much alike to wild. */
struct flavour {
	uint32_t offs, values, shifts, ranges, atoms, ids;
};

static uint64_t random_mask(uint32_t size)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * size);

	switch (below(6)) {
	case 0: return all & (all << below(8 * size)); /* a prefix */
	case 1: return all & 0xff00ff00ff00ff00;
	case 2: return all & rnd() & rnd();
	case 3: return below(4) ? all : 0;
	default: return all;
	}
}

static void random_atom(struct xok_atom *a, const struct flavour *fl)
{
	*a = (struct xok_atom){.size = (uint8_t)(1u << below(4)), .off = (uint16_t)below(fl->offs)};
	if (below(100) < fl->shifts) {
		a->kind = XOK_ATOM_SHIFT;
		a->shl = (uint8_t)below(below(4) ? 3 : 9);
		a->mask = below(4) ? UINT64_C(3) << below(8 * a->size - 1) : random_mask(a->size);
		return;
	}
	if (below(100) < fl->ranges) {
		uint32_t low, high;

		a->kind = XOK_ATOM_RANGE;
		a->size = (uint8_t)(1u << below(3));
		a->mask = UINT64_MAX >> (64 - 8 * a->size);
		low = below(5) ? below(fl->values) << 8 * below(a->size) : 0;
		high = below(5) ? below(fl->values) << 8 * below(a->size) : (uint32_t)a->mask;
		a->value = low | (uint64_t)high << 32;
		return;
	}
	a->mask = random_mask(a->size);
	/* Values of packets: bytes below fl->values. */
	for (uint32_t i = 0; i < a->size; i++)
		a->value = a->value << 8 | below(fl->values);
	a->value &= a->mask;
}

static void random_filter(struct xok_filter *f, const struct flavour *fl)
{
	*f = (struct xok_filter){.natoms = below(200) ? 1 + below(fl->atoms) : 0};
	for (uint32_t i = 0; i < f->natoms; i++)
		random_atom(&f->atom[i], fl);
}

/* A packet, half of the time bent so that it matches as much as possible of one filter. */
static size_t random_packet(uint8_t *pkt, const struct linear *l, const struct flavour *fl)
{
	size_t len = below(PKT_MAX + 1), base = 0;

	for (size_t i = 0; i < len; i++)
		pkt[i] = (uint8_t)(below(16) ? below(fl->values) : rnd());
	if (!l->n || below(2))
		return len;
	for (uint32_t e = below(l->n), i = 0; i < l->entry[e].f.natoms; i++) {
		const struct xok_atom *a = &l->entry[e].f.atom[i];
		uint64_t v = 0;

		if (base + a->off + a->size > len)
			break;
		for (uint32_t j = 0; j < a->size; j++) {
			uint32_t down = 8u * (a->size - 1u - j);
			uint8_t *p = &pkt[base + a->off + j];

			if (a->kind == XOK_ATOM_EQ) {
				*p &= (uint8_t) ~(a->mask >> down);
				*p |= (uint8_t)(a->value >> down);
			}
			if (a->kind == XOK_ATOM_RANGE)
				*p = (uint8_t)(a->value >> (below(2) ? 0 : 32) >> down);
			v = v << 8 | *p;
		}
		if (a->kind == XOK_ATOM_SHIFT && (v & a->mask) << a->shl <= PKT_MAX)
			base += (size_t)((v & a->mask) << a->shl);
	}
	return len;
}

struct outcome {
	uint64_t cases, matches, several, inserted, removed, equal, full, contradictory, native;
};

static void compare(const struct dpf *d, const struct linear *l, const struct flavour *fl,
		    struct outcome *o)
{
	uint8_t pkt[PKT_MAX], *exact;
	size_t len = random_packet(pkt, l, fl);
	uint32_t got, plain, burst, want = linear_match(l, pkt, len), n = 0;
	uint16_t len16 = (uint16_t)len;

	exact = below(2) ? guarded(pkt, len) : guarded_low(pkt, len);
	got = dpf_match(d, exact, len);
	dpf_match_burst(d, (const uint8_t *const *)&exact, &len16, 1, &burst);
	exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, pkt, len);
	plain = dpf_match_plain(d, exact, len);
	free(exact);
	if (got != want || plain != want || burst != want)
		fail_msg("set of %u, packet of %zu: got %u, interpreted %u, the list says %u", l->n,
			 len, got, plain, want);
	for (uint32_t i = 0; i < l->n && n < 2; i++)
		n += linear_matches(&l->entry[i].f, pkt, len);
	o->cases++;
	o->matches += n > 0;
	o->several += n > 1;
}

/* The twin has the same calls, and must go the same way. */
static void change(struct dpf *d, struct dpf *twin, struct linear *l, const struct flavour *fl,
		   struct outcome *o)
{
	uint32_t id = below(fl->ids), equal = DPF_NONE, twins = DPF_NONE;
	struct xok_filter f;
	int err;

	if (linear_remove(l, id)) {
		assert_int_equal(dpf_remove(d, id), 0);
		assert_int_equal(dpf_remove(twin, id), 0);
		o->removed++;
		return;
	}
	assert_int_equal(dpf_remove(d, id), DPF_ENOENT);
	/* Often one that is there, with other values: so that it shares its vector. */
	random_filter(&f, fl);
	if (l->n && below(2)) {
		struct xok_filter g = l->entry[below(l->n)].f;

		for (uint32_t i = 0; i < g.natoms; i++) {
			struct xok_atom *a = &g.atom[i];

			if (a->kind == XOK_ATOM_EQ && below(2))
				a->value = rnd() & 0x0101010101010101 * (fl->values - 1) & a->mask;
			else if (a->kind == XOK_ATOM_RANGE)
				a->value ^= below(4) ? 0 : UINT64_C(1) << 32;
		}
		f = g;
	}
	err = dpf_insert(d, &f, id, &equal);
	assert_int_equal(dpf_insert(twin, &f, id, &twins), err);
	assert_int_equal(twins, equal);
	switch (err) {
	case 0:
		linear_insert(l, &f, id);
		o->inserted++;
		break;
	case DPF_EEXIST: o->equal++; break;
	case DPF_ENOMEM: o->full++; break;
	case DPF_EINVAL: o->contradictory++; break;
	default: fail_msg("insert answered %d", err);
	}
	/* An equal filter is one that is there. */
	if (err == DPF_EEXIST) {
		uint32_t i = 0;

		while (i < l->n && l->entry[i].id != equal)
			i++;
		assert_true(i < l->n);
		assert_int_equal(linear_bits(&l->entry[i].f), linear_bits(&f));
		assert_int_equal(linear_ranges(&l->entry[i].f), linear_ranges(&f));
	}
}

/* Whatever happened in between, an empty demultiplexer has all its memory again, in one piece. */
static void empty(struct dpf *d, const struct linear *l, const struct dpf_stats *fresh)
{
	struct dpf_stats s;

	for (uint32_t i = 0; i < l->n; i++)
		assert_int_equal(dpf_remove(d, l->entry[i].id), 0);
	dpf_stats(d, &s);
	assert_int_equal(s.filters, 0);
	assert_int_equal(s.nodes, 0);
	assert_int_equal(s.bytes_used, fresh->bytes_used);
	assert_int_equal(s.code_used, fresh->code_used);
}

static void run_set(struct outcome *o)
{
	static _Alignas(16) uint8_t arena[65536], twins_arena[65536];
	static struct linear l;
	static struct code code, twins_code;
	struct flavour fl = {.offs = 1 + below(24),
			     .values = 2 + below(4),
			     .shifts = below(3) ? 0 : 30,
			     .ranges = below(3) ? 0 : 30,
			     .atoms = 1 + below(below(8) ? 4 : XOK_FILTER_ATOMS),
			     .ids = below(8) ? 64 : LINEAR_MAX};
	/* Now and then too little memory for filters, for code, or none. */
	size_t code_bytes = below(8) ? sizeof(arena) : 1024u * below(5);
	size_t arena_bytes = below(4) ? sizeof(arena) : DPF_ARENA_MIN;
	struct dpf *d = dpf_init(arena, arena_bytes), *twin = dpf_init(twins_arena, arena_bytes);
	struct dpf_stats fresh, s, twins;
	uint64_t of_both = rnd();

	assert_non_null(d);
	assert_non_null(twin);
	if (!code.w) {
		code = code_new(sizeof(arena));
		twins_code = code_new(sizeof(arena));
	}
	if (code_bytes) {
		dpf_code(d, code.w, code.x, code_bytes);
		dpf_code(twin, twins_code.w, twins_code.x, code_bytes);
	}
	dpf_seed(d, of_both);
	dpf_seed(twin, of_both);
	dpf_stats(d, &fresh);
	l.n = 0;
	for (uint32_t i = below(2 * fl.ids); i > 0; i--)
		change(d, twin, &l, &fl, o);
	for (uint32_t i = 0; i < CHANGES; i++) {
		change(d, twin, &l, &fl, o);
		dpf_stats(d, &s);
		assert_int_equal(s.filters, l.n);
		dpf_stats(twin, &twins);
		assert_memory_equal(&s, &twins, sizeof(s));
		o->native += s.interpreted ? 0 : PACKETS;
		for (uint32_t j = 0; j < PACKETS; j++)
			compare(d, &l, &fl, o);
	}
	empty(d, &l, &fresh);
}

static void test_against_list(void **state)
{
	const char *count = getenv("DPF_RANDOM");
	uint64_t wanted = count ? strtoull(count, NULL, 0) : CASES;
	struct outcome o = {0};

	(void)state;
	while (o.cases < wanted)
		run_set(&o);
	print_message("%lu cases, %lu native, %lu matched, %lu by several filters; %lu filters "
		      "inserted, %lu removed, %lu equal, %lu without room, %lu contradictory\n",
		      o.cases, o.native, o.matches, o.several, o.inserted, o.removed, o.equal,
		      o.full, o.contradictory);
	/* The mix must exercise what it is here for. */
	assert_true(o.native > o.cases * 8 / 10);
	assert_true(o.matches > o.cases / 4 && o.matches < o.cases * 9 / 10);
	assert_true(o.several > o.cases / 20);
	assert_true(o.removed > o.cases / 100);
	assert_true(o.equal > o.cases / 200);
	assert_true(o.full > o.cases / 1000);
	assert_true(o.contradictory > o.cases / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_list)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
