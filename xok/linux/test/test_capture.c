/* SPDX-License-Identifier: BSD-2-Clause */
/* test_capture.c - what a client may ask for, and the rings: nothing lost unnoticed, nothing twice, in order. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "xok/linux/capture.h"
#include "xok/linux/capture_ring.h"

#define NPORT 3u

static struct capture_asked asked;

static struct {
	struct capture_request r;
	struct xok_filter f[2];
} m;

/* A request that is good: each test spoils one thing. */
static void good(void)
{
	memset(&m, 0, sizeof(m));
	m.r = (struct capture_request){.magic = CAPTURE_MAGIC,
				       .kind = CAPTURE_PACKETS,
				       .port = 2,
				       .directions = CAPTURE_IN | CAPTURE_OUT,
				       .fates = 1u << XOK_FATE_FORWARDED,
				       .snap = 96,
				       .nreason = 1,
				       .reason = {{"forward4", 12}},
				       .nfilter = 2};
	for (int i = 0; i < 2; i++)
		m.f[i] = (struct xok_filter){
			.port = XOK_PORT_ANY,
			.natoms = 1,
			.atom = {{.off = 12, .size = 2, .mask = 0xffff, .value = 0x800u + i}}};
}

static const char *decode(void)
{
	return capture_decode(&asked, &m, sizeof(m), NPORT);
}

static void takes_what_is_right(void **state)
{
	(void)state;
	good();
	assert_null(decode());
	assert_int_equal(asked.head.port, 2);
	assert_string_equal(asked.head.reason[0].program, "forward4");
	assert_memory_equal(asked.filter, m.f, sizeof(m.f));
	m.r.port = CAPTURE_ANY;
	assert_null(decode());
	m.r.snap = XOK_FRAME_MAX;
	m.r.nfilter = 0;
	assert_null(capture_decode(&asked, &m, sizeof(m.r), NPORT));
}

#define REFUSES(spoil, words)                            \
	do {                                             \
		good();                                  \
		spoil;                                   \
		const char *why = decode();              \
		assert_non_null(why);                    \
		assert_non_null(strstr(why, words));     \
		assert_true(strlen(why) < CAPTURE_TEXT); \
	} while (0)

static void refuses_what_is_not(void **state)
{
	(void)state;
	REFUSES(m.r.magic++, "version");
	REFUSES(m.r.kind = CAPTURE_KINDS, "kind");
	REFUSES(m.r.port = NPORT, "no such port");
	REFUSES(m.r.port = UINT32_MAX - 1, "no such port");
	REFUSES(m.r.directions = 0, "direction");
	REFUSES(m.r.directions = 4, "direction");
	REFUSES(m.r.kind = CAPTURE_TRACES, "come in");
	REFUSES(m.r.fates = 1u << CAPTURE_NFATE, "no such fate");
	REFUSES((m.r.fates = 0, m.r.nreason = 0), "none of the fates");
	REFUSES(m.r.snap = 0, "long");
	REFUSES(m.r.snap = XOK_FRAME_MAX + 1, "long");
	REFUSES(m.r.nreason = CAPTURE_REASONS + 1, "reasons");
	REFUSES(m.r.nreason = UINT32_MAX, "reasons");
	REFUSES(m.r.reason[0].number = 1u << 16, "reason");
	REFUSES(memset(m.r.reason[0].program, 'x', 16), "no end");
	REFUSES(m.r.nfilter = 1, "length");
	REFUSES(m.r.nfilter = 3, "length");
	REFUSES(m.r.nfilter = CAPTURE_FILTERS + 1, "too many filters");
	REFUSES(m.r.nfilter = UINT32_MAX, "too many filters");
	REFUSES(m.r.pad = 1, "zero");
	REFUSES(m.f[1].natoms = XOK_FILTER_ATOMS + 1, "filter");
	REFUSES(m.f[1].natoms = UINT32_MAX, "filter");
	REFUSES(m.f[1].atom[0].size = 3, "filter");
	REFUSES(m.f[0].atom[0].value = 0x10000, "filter");
}

static void refuses_every_other_length(void **state)
{
	uint8_t copy[sizeof(m) + 1] = {0};
	(void)state;

	good();
	memcpy(copy, &m, sizeof(m));
	for (size_t n = 0; n <= sizeof(copy); n++)
		if (n != sizeof(m))
			assert_non_null(capture_decode(&asked, copy, n, NPORT));
}

/* ---- rings ---- */

static void a_full_ring_counts(void **state)
{
	struct capture_ring r;
	uint32_t *slot;
	(void)state;

	assert_true(capture_ring_init(&r, 24, 100));
	assert_int_equal(r.nslot, 4);
	assert_null(capture_ring_peek(&r));
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 4; i++) {
			slot = capture_ring_begin(&r);
			assert_non_null(slot);
			*slot = i;
			capture_ring_end(&r);
		}
		assert_null(capture_ring_begin(&r));
		assert_null(capture_ring_begin(&r));
		assert_int_equal(atomic_load(&r.missed), 2 * (round + 1));
		for (uint32_t i = 0; i < 4; i++) {
			slot = capture_ring_peek(&r);
			assert_non_null(slot);
			assert_int_equal(*slot, i);
			capture_ring_next(&r);
		}
	}
	assert_null(capture_ring_peek(&r));
	capture_ring_fini(&r);
}

static void a_ring_of_one(void **state)
{
	struct capture_ring r;
	(void)state;

	assert_true(capture_ring_init(&r, 4096, 10));
	assert_int_equal(r.nslot, 1);
	assert_non_null(capture_ring_begin(&r));
	assert_null(capture_ring_peek(&r)); /* it is not handed over yet */
	capture_ring_end(&r);
	assert_null(capture_ring_begin(&r));
	assert_non_null(capture_ring_peek(&r));
	capture_ring_fini(&r);
}

#define RECORDS 200000u

static void *produce(void *arg)
{
	struct capture_ring *r = arg;
	uint64_t *slot;

	for (uint64_t i = 1; i <= RECORDS; i++) {
		slot = capture_ring_begin(r);
		if (!slot) {
			sched_yield();
			continue;
		}
		slot[0] = i;
		slot[1] = ~i;
		capture_ring_end(r);
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct capture_ring r;
	pthread_t t;
	uint64_t *slot, got = 0, last = 0;
	(void)state;

	assert_true(capture_ring_init(&r, 16, 16 * 64));
	assert_int_equal(pthread_create(&t, NULL, produce, &r), 0);
	while (got + atomic_load(&r.missed) < RECORDS) {
		slot = capture_ring_peek(&r);
		if (!slot) {
			sched_yield();
			continue;
		}
		assert_true(slot[0] > last && slot[1] == ~slot[0]);
		last = slot[0];
		got++;
		capture_ring_next(&r);
	}
	pthread_join(t, NULL);
	assert_int_equal(got + atomic_load(&r.missed), RECORDS);
	assert_null(capture_ring_peek(&r));
	capture_ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_right),
		cmocka_unit_test(refuses_what_is_not),
		cmocka_unit_test(refuses_every_other_length),
		cmocka_unit_test(a_full_ring_counts),
		cmocka_unit_test(a_ring_of_one),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
