/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_panic.c - sleeps until the runner injects an NMI, and never wakes: the panic's report is what
 * is judged.
 */
#include "guest.h"

static void wait(void)
{
	say("waiting");
	for (;;)
		sys_env_sleep(0, UINT64_MAX);
}

const struct guest_test guest_tests[] = {
	{"wait for the panic", wait},
	{NULL, NULL},
};
