/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - monotonic time from the time-stamp counter, as the bookkeeping has it: ((tsc - tsc0) * mult) >> 32 ns.
 *
 * The counter is measured against CLOCK_MONOTONIC_RAW. Each reading is the tightest of several, since the processor may be taken away in the middle of
 * one; over MEASURE_NS an error of a tenth of a microsecond at either end is some 5 parts in a million.
 */
#include <cpuid.h>
#include <time.h>
#include <x86intrin.h>

#include "linux.h"

#define SECOND 1000000000ull
#define MEASURE_NS 20000000ull
#define READINGS 16u

static struct {
	uint64_t tsc0, mult;
} tsc;

struct reading {
	uint64_t tsc, ns;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static struct reading read_both(clockid_t id)
{
	struct reading best = {0, 0};
	uint64_t tightest = UINT64_MAX;

	for (unsigned i = 0; i < READINGS; i++) {
		uint64_t before = __rdtsc(), ns = clock_ns(id), after = __rdtsc();

		if (after - before < tightest) {
			tightest = after - before;
			best = (struct reading){before + (after - before) / 2, ns};
		}
	}
	return best;
}

/* The counter's rate is the same in all states of the processor (leaf 0x80000007, EDX bit 8). */
static bool invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

int clock_init(void)
{
	struct reading start = read_both(CLOCK_MONOTONIC_RAW), end;
	struct timespec wait = {0, MEASURE_NS};

	if (!invariant())
		say("this processor's time-stamp counter may change its rate: times will be wrong "
		    "by as much");
	nanosleep(&wait, NULL);
	end = read_both(CLOCK_MONOTONIC_RAW);
	if (end.tsc <= start.tsc || end.ns <= start.ns)
		return say_error(
			"the time-stamp counter does not run: xokd cannot tell the time here");
	tsc.mult = (uint64_t)(((unsigned __int128)(end.ns - start.ns) << 32) /
			      (end.tsc - start.tsc));
	tsc.tsc0 = start.tsc;
	return 0;
}

uint64_t clock_at(uint64_t count)
{
	return (uint64_t)(((unsigned __int128)(count - tsc.tsc0) * tsc.mult) >> 32);
}

uint64_t clock_now(void)
{
	return clock_at(__rdtsc());
}

uint64_t clock_ticks(uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / tsc.mult);
}

uint64_t clock_wall0(void)
{
	struct reading r = read_both(CLOCK_REALTIME);

	return r.ns - clock_at(r.tsc);
}

void clock_boot(struct xok_boot *b)
{
	b->tsc0 = tsc.tsc0;
	b->tsc_mult = tsc.mult;
	b->wall0 = clock_wall0();
}
