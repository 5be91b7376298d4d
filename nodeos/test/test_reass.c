/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_reass.c - reass.c against a model so simple that it can be seen to be right: a packet is an array that says of each byte whether it is here. And its
 * bounds, its time limit, and what is not an overlap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/root/reass.h"
#include "nodeos/test/mock_amp.h"

static struct reass r;
static struct {
	unsigned n[REASS_LOSSES];
	uint16_t head; /* of the last packet whose time was up */
} gone;
static uint32_t seed;

static void lost(void *arg, const struct reass_packet *p, enum reass_loss why, unsigned n)
{
	assert_ptr_equal(arg, &r);
	gone.n[why] += n;
	if (why == REASS_TIME)
		gone.head = p->head;
}

static int setup(void **state)
{
	(void)state;
	mock_reset(1);
	reass_init(&r, lost, &r);
	memset(&gone, 0, sizeof(gone));
	seed = 1;
	return 0;
}

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

/* What packet `id` of station `host` has at each place. */
static uint8_t content(unsigned host, uint32_t id, size_t at)
{
	return (uint8_t)(at * 31u + at / 256u + id * 7u + host * 13u);
}

static struct reass_packet *add(unsigned host, uint32_t id, size_t at, size_t len, bool more)
{
	static const uint8_t head[] = "the headers";
	uint8_t *data = malloc(len); /* of exactly its length, so that reading past it shows */
	struct reass_packet *p;

	for (size_t i = 0; i < len; i++)
		data[i] = content(host, id, at + i);
	p = reass_add(&r, &(struct reass_fragment){
				  .key = {.src.b = {0xfd, [15] = (uint8_t)host}, .id = id},
				  .at = at,
				  .len = len,
				  .more = more,
				  .data = data,
				  .head = head,
				  .head_len = sizeof(head),
				  .next_at = 6});
	free(data);
	return p;
}

static void check_whole(struct reass_packet *p, unsigned host, uint32_t id, size_t total)
{
	assert_non_null(p);
	assert_int_equal(p->total, total);
	assert_int_equal(p->next_at, 6);
	assert_string_equal(reass_data(p) - p->head, "the headers");
	for (size_t i = 0; i < total; i++)
		assert_int_equal(reass_data(p)[i], content(host, id, i));
	reass_release(&r, p);
}

/* ---- the model ---- */

#define LONGEST 2048u

struct model {
	bool open, failed;
	bool here[LONGEST];
	size_t total, n;
	struct {
		size_t at, len;
		bool more;
	} piece[REASS_PIECES];
};

enum outcome { WAITS, WHOLE, COPY, BROKEN };

static enum outcome model_add(struct model *m, size_t at, size_t len, bool more)
{
	size_t got = 0;
	bool bad;

	if (!m->open)
		*m = (struct model){.open = true};
	if (m->failed)
		return BROKEN;
	for (size_t i = 0; i < m->n; i++) {
		if (m->piece[i].at == at && m->piece[i].len == len && m->piece[i].more == more)
			return COPY;
	}
	bad = m->n == REASS_PIECES || (!more && m->total);
	for (size_t i = at; i < at + len; i++)
		bad |= m->here[i];
	for (size_t i = 0; i < LONGEST; i++)
		bad |= (!more && m->here[i] && i >= at + len);
	if (bad || (more && m->total && at + len > m->total)) {
		m->failed = true;
		return BROKEN;
	}
	memset(m->here + at, true, len);
	m->piece[m->n].at = at;
	m->piece[m->n].len = len;
	m->piece[m->n++].more = more;
	if (!more)
		m->total = at + len;
	for (size_t i = 0; i < LONGEST; i++)
		got += m->here[i];
	if (!m->total || got != m->total)
		return WAITS;
	m->open = false;
	return WHOLE;
}

#define STATIONS 3u

/* Fragments of several packets, mostly sensible, in any order, with copies, overlaps and false ends among them. */
static void random_fragments(void **state)
{
	static struct model m[STATIONS][REASS_EACH];
	uint64_t added = 0, seen[4] = {0}, joined = 0;

	(void)state;
	memset(m, 0, sizeof(m));
	for (unsigned round = 0; round < 100000; round++) {
		unsigned host = below(STATIONS), id = below(REASS_EACH);
		size_t unit = below(10) ? 64 : 8, len = unit, total = 64 * (2 + id + host);
		size_t at = unit * below((uint32_t)(total / unit));
		bool more = at + len < total;
		struct reass_packet *p;
		enum outcome want;

		if (below(100) == 0)
			len += 8 * below(20);
		if (below(200) == 0) {
			more = false;
			len = 1 + below(64);
		}
		/* Time goes by, and takes what is not complete with it. */
		if (below(500) == 0) {
			mock_advance(REASS_NS);
			memset(m, 0, sizeof(m));
			assert_int_equal(reass_waiting(&r), 0);
		}
		want = model_add(&m[host][id], at, len, more);
		p = add(host, id, at, len, more);
		seen[want]++;
		added++;
		if (want == WHOLE) {
			assert_non_null(p);
			joined += p->n;
			check_whole(p, host, id, m[host][id].total);
		} else {
			assert_null(p);
		}
		assert_int_equal(added, joined + reass_waiting(&r) + gone.n[REASS_DUPLICATE] +
						gone.n[REASS_OVERLAP] + gone.n[REASS_MANY] +
						gone.n[REASS_TIME]);
		assert_int_equal(gone.n[REASS_DUPLICATE], seen[COPY]);
	}
	assert_int_equal(gone.n[REASS_FULL], 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(seen[i] > 100);
}

/* ---- one thing each ---- */

/* In any of the orders of four fragments. */
static void any_order(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		unsigned order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3};
		unsigned all = 0;

		for (unsigned i = 0; i < 4; i++)
			all |= 1u << order[i];
		if (all != 15)
			continue;
		for (unsigned i = 0; i < 4; i++) {
			size_t len = order[i] == 3 ? 5 : 16;
			struct reass_packet *p = add(1, 1, order[i] * 16, len, order[i] != 3);

			if (i < 3)
				assert_null(p);
			else
				check_whole(p, 1, 1, 53);
		}
	}
	assert_int_equal(mock_timers(), 0);
}

/* The longest packet there is. */
static void longest(void **state)
{
	(void)state;
	for (size_t at = 0; at < REASS_BYTES; at += 1448) {
		size_t len = REASS_BYTES - at < 1448 ? REASS_BYTES - at : 1448;
		struct reass_packet *p = add(1, 1, at, len, at + len < REASS_BYTES);

		if (at + len == REASS_BYTES)
			check_whole(p, 1, 1, REASS_BYTES);
		else
			assert_null(p);
	}
}

/* RFC 5722 4: the whole packet is lost, and what still comes of it. An exact copy is none (RFC 8200 4.5). */
static void overlaps(void **state)
{
	(void)state;
	add(1, 1, 0, 16, true);
	add(1, 1, 32, 16, false);
	assert_null(add(1, 1, 0, 16, true));
	assert_int_equal(gone.n[REASS_DUPLICATE], 1);
	assert_null(add(1, 1, 8, 16, true));
	assert_int_equal(gone.n[REASS_OVERLAP], 3);
	assert_null(add(1, 1, 16, 16, true));
	assert_int_equal(gone.n[REASS_OVERLAP], 4);
	/* Another packet does not suffer. */
	add(1, 2, 0, 16, true);
	check_whole(add(1, 2, 16, 16, false), 1, 2, 32);
	/* Nor one with the same number when the time of the first is up. */
	mock_advance(REASS_NS);
	add(1, 1, 0, 16, true);
	check_whole(add(1, 1, 16, 16, false), 1, 1, 32);
	assert_int_equal(gone.n[REASS_TIME], 0);
}

/* Two ends, or a fragment beyond the end. */
static void ends(void **state)
{
	(void)state;
	add(1, 1, 32, 16, false);
	assert_null(add(1, 1, 48, 16, true));
	assert_int_equal(gone.n[REASS_OVERLAP], 2);
	add(2, 1, 32, 16, true);
	assert_null(add(2, 1, 8, 16, false));
	assert_int_equal(gone.n[REASS_OVERLAP], 4);
	add(3, 1, 32, 16, false);
	assert_null(add(3, 1, 16, 8, false));
	assert_int_equal(gone.n[REASS_OVERLAP], 6);
	/* The same bytes once with more to follow, once without, are no copy. */
	add(4, 1, 32, 16, false);
	assert_null(add(4, 1, 32, 16, true));
	assert_int_equal(gone.n[REASS_OVERLAP], 8);
}

static void too_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASS_PIECES; i++)
		assert_null(add(1, 1, i * 16, 8, true));
	assert_int_equal(gone.n[REASS_MANY], 0);
	assert_null(add(1, 1, REASS_PIECES * 16, 8, true));
	assert_int_equal(gone.n[REASS_MANY], REASS_PIECES + 1);
	assert_int_equal(reass_waiting(&r), 0);
}

/* One source takes no more than its share; when all places are taken the oldest packet gives way. */
static void bounded(void **state)
{
	(void)state;
	add(1, 1, 0, 8, true);
	for (uint32_t id = 2; id < 100; id++) {
		mock_advance(1000);
		add(2, id, 0, 8, true);
	}
	assert_int_equal(reass_waiting(&r), 1 + REASS_EACH);
	assert_int_equal(gone.n[REASS_FULL], 98 - REASS_EACH);
	check_whole(add(1, 1, 8, 8, false), 1, 1, 16);
	for (unsigned host = 10; host < 10 + 2 * REASS_PACKETS; host++) {
		mock_advance(1000);
		add(host, 1, 0, 8, true);
		assert_true(reass_waiting(&r) <= REASS_PACKETS);
	}
	assert_int_equal(reass_waiting(&r), REASS_PACKETS);
	/* The youngest is still here. */
	check_whole(add(9 + 2 * REASS_PACKETS, 1, 8, 8, false), 9 + 2 * REASS_PACKETS, 1, 16);
	mock_advance(REASS_NS);
	assert_int_equal(reass_waiting(&r), 0);
	assert_int_equal(mock_timers(), 0);
}

/* RFC 8200 4.5: 60 seconds from the first that came, however many follow. */
static void time_limit(void **state)
{
	(void)state;
	add(1, 1, 8, 8, true);
	mock_advance(REASS_NS / 2);
	add(1, 1, 0, 8, true);
	mock_advance(REASS_NS / 2 - 1);
	assert_int_equal(gone.n[REASS_TIME], 0);
	mock_advance(1);
	assert_int_equal(gone.n[REASS_TIME], 2);
	assert_int_equal(gone.head, sizeof("the headers"));
	/* Without the first fragment there is no head. */
	add(1, 1, 8, 8, true);
	mock_advance(REASS_NS);
	assert_int_equal(gone.n[REASS_TIME], 3);
	assert_int_equal(gone.head, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(random_fragments), T(any_order), T(longest),	  T(overlaps), T(ends),
		T(too_many),	     T(bounded),   T(time_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
