/* SPDX-License-Identifier: BSD-2-Clause */
/* watch.c - watched descriptors. */
#include "libamp/common/watch.h"

static struct watch {
	bool used;
	int fd;
	void (*fn)(void *arg, int fd);
	void *arg;
} watches[WATCHES];

int amp_watch(int fd, void (*fn)(void *arg, int fd), void *arg)
{
	struct watch *free_place = NULL;

	for (uint32_t i = 0; i < WATCHES; i++) {
		if (watches[i].used && watches[i].fd == fd)
			return XOK_EBUSY;
		if (!watches[i].used && free_place == NULL)
			free_place = &watches[i];
	}
	if (fd < 0)
		return XOK_EINVAL;
	if (free_place == NULL)
		return XOK_ENOMEM;
	*free_place = (struct watch){.used = true, .fd = fd, .fn = fn, .arg = arg};
	return XOK_OK;
}

void amp_unwatch(int fd)
{
	for (uint32_t i = 0; i < WATCHES; i++)
		if (watches[i].used && watches[i].fd == fd)
			watches[i].used = false;
}

uint32_t watches_collect(struct pollfd fd[WATCHES])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WATCHES; i++)
		if (watches[i].used)
			fd[n++] = (struct pollfd){.fd = watches[i].fd, .events = POLLIN};
	return n;
}

/* An earlier callback of this turn may have ended the watch. */
static struct watch *find(int fd)
{
	for (uint32_t i = 0; i < WATCHES; i++)
		if (watches[i].used && watches[i].fd == fd)
			return &watches[i];
	return NULL;
}

void watches_dispatch(const struct pollfd *fd, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct watch *w = fd[i].revents != 0 ? find(fd[i].fd) : NULL;

		if (w != NULL)
			w->fn(w->arg, w->fd);
	}
}
