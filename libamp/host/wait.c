/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c - the one place where a host process waits: ports, consoles and watched descriptors in one
 * ppoll. It is ppoll rather than epoll because consoles may be plain files, which epoll refuses,
 * and the set is small.
 */
#include "libamp/common/watch.h"
#include "libamp/host/host.h"

#define OWN (HOST_PORTS + 2)

struct poll_set {
	uint32_t n, watched;
	struct pollfd fd[OWN + WATCHES]; /* our own, then the watched ones */
	struct {
		bool cons;
		uint32_t index;
	} of[OWN];
};

static void add(struct poll_set *s, int fd, bool cons, uint32_t index)
{
	if (fd < 0)
		return;
	s->fd[s->n] = (struct pollfd){.fd = fd, .events = POLLIN};
	s->of[s->n].cons = cons;
	s->of[s->n++].index = index;
}

static void collect(struct poll_set *s)
{
	s->n = 0;
	for (uint32_t i = 0; i < amp_ports(); i++)
		add(s, ports_fd(i), false, i);
	for (uint32_t i = 0; i < 2; i++)
		add(s, cons_poll_fd(i), true, i);
	s->watched = watches_collect(s->fd + s->n);
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
	if (ppoll(set.fd, set.n + set.watched, deadline == UINT64_MAX ? NULL : &ts, NULL) <= 0)
		return 0; /* the deadline, or a signal: the loop looks at its timers either way */
	for (uint32_t i = 0; i < set.n; i++) {
		if (set.fd[i].revents == 0)
			continue;
		if (set.of[i].cons)
			cons_readable(set.of[i].index);
		else
			ports_receive(set.of[i].index);
	}
	watches_dispatch(set.fd + set.n, set.watched);
	return 0;
}
