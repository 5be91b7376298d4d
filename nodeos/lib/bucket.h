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

static inline bool bucket_take(struct bucket *b, uint64_t now)
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
	if (b->credit < token)
		return false;
	b->credit -= token;
	return true;
}

#endif
