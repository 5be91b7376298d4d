/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_cons.c - console 1 in both directions: what the runner sends comes back byte for byte, though
 * it is many times what the receive ring holds and we read slowly at first. Then as much goes out to a reader who pauses.
 */
#include "guest.h"

#define TOTAL 100000u

static char buf[4096];

static bool was_short; /* the kernel once took less than it was given */
static uint64_t until; /* so long we wait for the next byte to come or go */

static void write_all(const char *p, uint64_t len)
{
	while (len > 0 && now() < until) {
		int64_t n = sys_cons_write(0, 1, p, len);

		CHECK(n >= 0 && n <= (int64_t)len);
		if (n > 0)
			until = now() + PATIENCE;
		if (n < (int64_t)len) {
			was_short = true;
			sys_env_sleep(0, now() + MS);
		}
		p += n;
		len -= (uint64_t)n;
	}
}

static void echo(void)
{
	uint64_t done = 0;

	say("waiting");
	until = now() + PATIENCE;
	/* Long enough for the ring to fill: the line must hold the sender, not lose. */
	sys_env_sleep(0, now() + 300 * MS);
	while (done < TOTAL && now() < until) {
		int64_t n = sys_cons_read(0, 1, buf, sizeof(buf));

		CHECK(n >= 0);
		if (n == 0)
			sys_env_sleep(XOK_EV_CONS, now() + 100 * MS);
		if (n > 0)
			write_all(buf, (uint64_t)n);
		done += (uint64_t)n;
	}
	CHECK_EQ(done, TOTAL);
}

/* Nobody reads for a while: the kernel takes what its ring holds, says so, and loses nothing. */
static void slow_reader(void)
{
	until = now() + PATIENCE;
	for (uint32_t done = 0; done < TOTAL; done += sizeof(buf)) {
		for (uint32_t i = 0; i < sizeof(buf); i++)
			buf[i] = (char)((done + i) * 13 % 251);
		write_all(buf, sizeof(buf));
	}
	CHECK(was_short);
	CHECK(now() < until);
}

const struct guest_test guest_tests[] = {
	{"a hundred kilobytes come in", echo},
	{"a reader that pauses", slow_reader},
	{NULL, NULL},
};
