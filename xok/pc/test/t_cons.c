/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_cons.c - console 1 in both directions: what the runner sends comes back byte for byte, though
 * it is many times what the receive ring holds and we read slowly at first.
 */
#include "guest.h"

#define TOTAL 100000u

static char buf[4096];

static void echo(void)
{
	uint64_t done = 0, until = now() + 30000 * MS;

	say("waiting");
	/* Long enough for the ring to fill: the line must hold the sender, not lose. */
	sys_env_sleep(0, now() + 300 * MS);
	while (done < TOTAL && now() < until) {
		int64_t n = sys_cons_read(0, 1, buf, sizeof(buf));

		CHECK(n >= 0);
		if (n == 0)
			sys_env_sleep(XOK_EV_CONS, now() + 100 * MS);
		for (int64_t sent = 0; sent < n;)
			sent += sys_cons_write(0, 1, buf + sent, (uint64_t)(n - sent));
		done += (uint64_t)n;
	}
	CHECK_EQ(done, TOTAL);
}

const struct guest_test guest_tests[] = {
	{"a hundred kilobytes come in", echo},
	{NULL, NULL},
};
