/* SPDX-License-Identifier: BSD-2-Clause */
/* t_poweroff.c - an orderly end through ACPI; the runner sees whether the machine went. */
#include "guest.h"

static void off(void)
{
	say("last words");
	sys_power(0, XOK_POWER_OFF, 0);
}

const struct guest_test guest_tests[] = {
	{"power off", off},
	{NULL, NULL},
};
