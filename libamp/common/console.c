/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - writing to a console that somebody may not read. Nobody waits for such a reader longer than PATIENCE, and
 * a protocol of lines on the console stays one.
 */
#include "libamp/common/backend.h"

#define NCONS 2u
#define POLL 1000000ull	      /* ns between tries while a console takes nothing */
#define PATIENCE 200000000ull /* ns without progress after which output is dropped */

/*
 * Waits for who reads the console as long as it moves at least once in PATIENCE. A reader who has stopped
 * costs that once; then writes fail at once until there is room again, and a line that was cut is ended first.
 */
int amp_cons_write(uint32_t n, const void *buf, size_t len)
{
	static bool cut[NCONS];
	const char *p = buf;
	uint64_t until = 0;

	if (n >= NCONS)
		return XOK_ENOENT;
	if (cut[n]) {
		int64_t done = backend_cons_put(n, "\n", 1);

		if (done <= 0)
			return done < 0 ? (int)done : XOK_EAGAIN;
		cut[n] = false;
	}
	while (len > 0) {
		int64_t done = backend_cons_put(n, p, len < 4096 ? len : 4096);

		if (done < 0)
			return (int)done;
		p += done;
		len -= (size_t)done;
		if (done > 0) {
			until = 0;
			continue;
		}
		if (!until)
			until = amp_now() + PATIENCE;
		if (amp_now() >= until) {
			cut[n] = true;
			return XOK_EAGAIN;
		}
		backend_sleep(POLL);
	}
	return XOK_OK;
}
