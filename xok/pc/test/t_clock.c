/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_clock.c - the clock after a boot during which the host kept taking the processor away; the
 * runner compares our second with its own.
 */
#include "guest.h"

static void a_second(void)
{
	uint64_t start;

	say("waiting");
	/* The runner looks every 20 ms. */
	start = now();
	CHECK_EQ(sys_env_sleep(0, start + 1000 * MS), 0);
	say("a second later");
	CHECK(now() - start >= 1000 * MS);
	/* It must have seen it before we are gone. */
	sys_env_sleep(0, now() + 100 * MS);
}

const struct guest_test guest_tests[] = {
	{"a second of sleep", a_second},
	{NULL, NULL},
};
