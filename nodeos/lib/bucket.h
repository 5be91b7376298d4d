/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bucket.h - a token bucket: at most `burst` at once, and `rate` a second in the long run.
 */
#ifndef NODEOS_BUCKET_H
#define NODEOS_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint32_t rate, burst;
	uint64_t credit; /* in ns: a token is 10^9 / rate of them */
	uint64_t last;
	bool started;
};

/* Lets time pass; true when n tokens (at most `burst`) are there. */
static inline bool bucket_has(struct bucket *b, uint64_t now, uint32_t n)
{
	uint64_t token = 1000000000ull / b->rate, full = token * b->burst;

	if (!b->started) {
		b->started = true;
		b->credit = full;
	} else if (now > b->last) {
		uint64_t gap = now - b->last;

		b->credit = gap >= full - b->credit ? full : b->credit + gap;
	}
	b->last = now;
	return b->credit >= token * n;
}

/* Takes n tokens, or none. */
static inline bool bucket_take_n(struct bucket *b, uint64_t now, uint32_t n)
{
	if (!bucket_has(b, now, n))
		return false;
	b->credit -= 1000000000ull / b->rate * n;
	return true;
}

static inline bool bucket_take(struct bucket *b, uint64_t now)
{
	return bucket_take_n(b, now, 1);
}

#endif
