/* SPDX-License-Identifier: BSD-2-Clause */
/* none.c - what bare metal does not have: descriptors, the routing of a host, processes that are started again. */
#include "amp/amp.h"

int amp_watch(int fd, void (*fn)(void *arg, int fd), void *arg)
{
	(void)fd;
	(void)fn;
	(void)arg;
	return XOK_ENOSYS;
}

void amp_unwatch(int fd)
{
	(void)fd;
}

int amp_netlink(uint32_t groups)
{
	(void)groups;
	return XOK_ENOSYS;
}

uint32_t amp_starts(void)
{
	return 1;
}
