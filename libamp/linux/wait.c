/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.c - where an environment waits: one ppoll for the kernel's doorbell and for watched descriptors. And how it ends. */
#include <stdlib.h>
#include <unistd.h>

#include "libamp/common/watch.h"
#include "libamp/linux/linux.h"

/* Arms the doorbell; false: there is something to do already, and nobody will ring for it. */
static bool arm(void)
{
	__atomic_store_n(&linux_control->armed, 1, __ATOMIC_SEQ_CST);
	return !__atomic_load_n(&linux_control->pending, __ATOMIC_SEQ_CST);
}

/* Events that were posted; packets are announced by `pending` alone, since the loop looks at every ring each turn. */
static uint32_t collect(void)
{
	uint64_t n;

	__atomic_store_n(&linux_control->armed, 0, __ATOMIC_RELAXED);
	if (!__atomic_exchange_n(&linux_control->pending, 0, __ATOMIC_SEQ_CST))
		return 0;
	(void)!read(linux_bell, &n, sizeof(n)); /* it does not block; perhaps it did not ring */
	return (uint32_t)xok_env_sleep(UINT32_MAX, 0);
}

uint32_t backend_wait(uint64_t deadline)
{
	static struct pollfd fd[1 + WATCHES];
	uint64_t now = amp_now(), left = deadline > now ? deadline - now : 0;
	struct timespec ts;
	uint32_t n, events;

	former_release();
	if (cons_waiting() || !arm())
		left = 0;
	ts = (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
	fd[0] = (struct pollfd){.fd = linux_bell, .events = POLLIN};
	n = watches_collect(fd + 1);
	if (ppoll(fd, 1 + n, &ts, NULL) <= 0)
		n = 0;
	events = collect();
	cons_poll(events);
	watches_dispatch(fd + 1, n);
	return events & ~(XOK_EV_PACKET | XOK_EV_CONS);
}

void backend_exit(int code)
{
	exit(code);
}

void amp_power_off(void)
{
	xok_power(CAP, XOK_POWER_OFF, 0);
	exit(1); /* not ours to switch off */
}
