/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.c - where an environment sleeps, and how it ends. */
#include <stdlib.h>

#include "libamp/common/backend.h"
#include "libamp/pc/pc.h"

uint32_t backend_wait(uint64_t deadline)
{
	uint32_t events = (uint32_t)xok_env_sleep(UINT32_MAX, cons_waiting() ? 0 : deadline);

	cons_poll(events);
	/* Packets were announced by waking up: the loop looks at every ring each turn. */
	return events & ~(XOK_EV_PACKET | XOK_EV_CONS);
}

void backend_exit(int code)
{
	exit(code);
}

void amp_power_off(void)
{
	xok_power(PC_CAP, XOK_POWER_OFF, 0);
	exit(1); /* not ours to switch off */
}
