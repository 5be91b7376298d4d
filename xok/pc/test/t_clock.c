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
	start = now();
	CHECK_EQ(sys_env_sleep(0, start + 1000 * MS), 0);
	say("a second later");
	CHECK(now() - start >= 1000 * MS);
	/* The runner goes by when the console was last written to: it must see it as it is now. */
	sys_env_sleep(0, now() + 1000 * MS);
}

const struct guest_test guest_tests[] = {
	{"a second of sleep", a_second},
	{NULL, NULL},
};
