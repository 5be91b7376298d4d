/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c - the one place where a host process waits: ports, consoles and watched descriptors in one
 * ppoll. It is ppoll rather than epoll because consoles may be plain files, which epoll refuses,
 * and the set is small.
 */
#include <poll.h>

#include "libamp/host/host.h"

enum source { PORT, CONS, WATCH };

struct watch {
	bool used;
	int fd;
	void (*fn)(void *arg, int fd);
	void *arg;
};

static struct watch watches[HOST_WATCHES];

int amp_host_watch(int fd, void (*fn)(void *arg, int fd), void *arg)
{
	struct watch *free_place = NULL;

	for (uint32_t i = 0; i < HOST_WATCHES; i++) {
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

void amp_host_unwatch(int fd)
{
	for (uint32_t i = 0; i < HOST_WATCHES; i++)
		if (watches[i].used && watches[i].fd == fd)
			watches[i].used = false;
}

struct poll_set {
	uint32_t n;
	struct pollfd fd[HOST_PORTS + 2 + HOST_WATCHES];
	struct {
		enum source source;
		uint32_t index;
	} of[HOST_PORTS + 2 + HOST_WATCHES];
};

static void add(struct poll_set *s, int fd, enum source source, uint32_t index)
{
	if (fd < 0)
		return;
	s->fd[s->n] = (struct pollfd){.fd = fd, .events = POLLIN};
	s->of[s->n].source = source;
	s->of[s->n++].index = index;
}

static void collect(struct poll_set *s)
{
	s->n = 0;
	for (uint32_t i = 0; i < amp_ports(); i++)
		add(s, ports_fd(i), PORT, i);
	for (uint32_t i = 0; i < 2; i++)
		add(s, cons_poll_fd(i), CONS, i);
	for (uint32_t i = 0; i < HOST_WATCHES; i++)
		if (watches[i].used)
			add(s, watches[i].fd, WATCH, i);
}

static void dispatch(const struct poll_set *s, uint32_t i)
{
	struct watch *w;

	switch (s->of[i].source) {
	case PORT: ports_receive(s->of[i].index); break;
	case CONS: cons_readable(s->of[i].index); break;
	case WATCH:
		/*
		 * An earlier callback of this turn may have ended the watch, or given its place to
		 * another.
		 */
		w = &watches[s->of[i].index];
		if (w->used && w->fd == s->fd[i].fd)
			w->fn(w->arg, w->fd);
		break;
	}
}

uint32_t backend_wait(uint64_t deadline)
{
	static struct poll_set set;
	uint64_t now = amp_now(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = {
		.tv_sec = (time_t)(left / 1000000000u),
		.tv_nsec = (long)(left % 1000000000u),
	};

	collect(&set);
	if (ppoll(set.fd, set.n, deadline == UINT64_MAX ? NULL : &ts, NULL) <= 0)
		return 0; /* the deadline, or a signal: the loop looks at its timers either way */
	for (uint32_t i = 0; i < set.n; i++)
		if (set.fd[i].revents != 0)
			dispatch(&set, i);
	return 0;
}
