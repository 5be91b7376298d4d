/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_code.c - goes in and out of the kernel while the runner, as a debugger, makes the kernel do with its memory for
 * generated code what it never does by itself; the panic's report is what is judged.
 */
#include "guest.h"

static void wait(void)
{
	say("waiting");
	for (;;)
		sys_yield(0);
}

const struct guest_test guest_tests[] = {
	{"wait for the debugger", wait},
	{NULL, NULL},
};
