/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c - one epoll, timers in a list by due time, and calls that other threads ask for. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "linux.h"

#define SECOND 1000000000ull

static struct {
	int epoll;
	struct watch kick;
	struct timer *timers; /* by due */
	struct soon *soon;
	atomic_bool stop;
} loop = {.epoll = -1, .kick = {.fd = -1}};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

int loop_add(struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	return epoll_ctl(loop.epoll, EPOLL_CTL_ADD, w->fd, &ev);
}

void loop_change(struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	epoll_ctl(loop.epoll, EPOLL_CTL_MOD, w->fd, &ev);
}

void loop_remove(struct watch *w)
{
	epoll_ctl(loop.epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

void loop_cancel(struct timer *t)
{
	struct timer **at = &loop.timers;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	t->due = 0;
}

void loop_after(struct timer *t, uint64_t ns)
{
	struct timer **at = &loop.timers;

	loop_cancel(t);
	t->due = now() + ns;
	while (*at && (*at)->due <= t->due)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void loop_soon_add(struct soon *s)
{
	s->next = loop.soon;
	loop.soon = s;
}

static void kick(void)
{
	uint64_t one = 1;

	if (write(loop.kick.fd, &one, sizeof(one)) < 0)
		return; /* it is full: the loop has been told */
}

void loop_soon(struct soon *s)
{
	if (!__atomic_exchange_n(&s->due, true, __ATOMIC_ACQ_REL))
		kick();
}

static void kicked(void *arg, uint32_t events)
{
	uint64_t n;
	(void)arg, (void)events;

	if (read(loop.kick.fd, &n, sizeof(n)) < 0)
		return;
	for (struct soon *s = loop.soon; s; s = s->next)
		if (__atomic_exchange_n(&s->due, false, __ATOMIC_ACQ_REL))
			s->fn(s->arg);
}

int loop_init(void)
{
	loop.timers = NULL;
	loop.soon = NULL;
	atomic_store(&loop.stop, false);
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	loop.kick = (struct watch){eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), kicked, NULL};
	if (loop.epoll < 0 || loop.kick.fd < 0 || loop_add(&loop.kick, EPOLLIN))
		return say_error("cannot wait for events: %m");
	return 0;
}

void loop_fini(void)
{
	close(loop.epoll);
	close(loop.kick.fd);
	loop.epoll = loop.kick.fd = -1;
}

void loop_stop(void)
{
	atomic_store(&loop.stop, true);
	kick();
}

static void run_timers(void)
{
	uint64_t t0 = now();

	while (loop.timers && loop.timers->due <= t0) {
		struct timer *t = loop.timers;

		loop_cancel(t);
		t->fn(t->arg);
	}
}

/*
 * One event a call of epoll: a callback may remove any other watch, whose event must then not be delivered any more. Timers run between events,
 * too, so that a busy descriptor does not hold them up.
 */
void loop_run(void)
{
	while (!atomic_exchange(&loop.stop, false)) {
		struct timespec ts, *wait = NULL;
		struct epoll_event ev;

		if (loop.timers) {
			uint64_t t0 = now();
			uint64_t left = loop.timers->due > t0 ? loop.timers->due - t0 : 0;

			ts = (struct timespec){(time_t)(left / SECOND), (long)(left % SECOND)};
			wait = &ts;
		}
		int n = epoll_pwait2(loop.epoll, &ev, 1, wait, NULL);

		if (n == 1) {
			struct watch *w = ev.data.ptr;

			w->fn(w->arg, ev.events);
		} else if (n < 0 && errno != EINTR) {
			say_error("cannot wait for events: %m");
			return;
		}
		run_timers();
	}
	atomic_store(&loop.stop, false); /* it may run again */
}
