/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t loop_wall(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int loop_init(struct loop *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll < 0 ? -1 : 0;
}

void loop_fini(struct loop *l)
{
	close(l->epoll);
}

/*
 * One event per call of epoll: a callback may close any other watch, whose event must then not be delivered any more.
 */
void loop_step(struct loop *l, uint64_t until)
{
	struct epoll_event ev;
	uint64_t now = loop_now();
	uint64_t left = until > now ? until - now : 0;
	struct timespec ts = {(time_t)(left / 1000000000ull), (long)(left % 1000000000ull)};
	struct timespec none = {0, 0};

	for (int i = 0; i < 64; i++) {
		int n = epoll_pwait2(l->epoll, &ev, 1, i ? &none : &ts, NULL);

		if (n <= 0)
			return;
		struct watch *w = ev.data.ptr;
		w->fn(w->arg, ev.events);
	}
}

int watch_open(struct loop *l, struct watch *w, int fd, uint32_t events,
	       void (*fn)(void *arg, uint32_t events), void *arg)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	*w = (struct watch){fd, fn, arg, l};
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	w->loop = NULL;
	return -1;
}

int watch_events(struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	return epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &ev);
}

void watch_close(struct watch *w)
{
	if (w->loop)
		epoll_ctl(w->loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->loop = NULL;
}

/* ---- channels ---- */

static void chan_broken(struct chan *c)
{
	if (c->broken)
		return;
	c->broken = true;
	c->on_close(c->arg);
}

static void chan_flush(struct chan *c)
{
	size_t done = 0;

	while (done < c->out_len) {
		ssize_t n = write(c->out_fd, c->out + done, c->out_len - done);

		if (n <= 0)
			break; /* EAGAIN: later; an error shows up when reading */
		done += (size_t)n;
	}
	memmove(c->out, c->out + done, c->out_len - done);
	c->out_len -= done;
	if (c->waits == (c->out_len > 0))
		return;
	c->waits = c->out_len > 0;
	if (c->out_fd == c->w.fd)
		watch_events(&c->w, EPOLLIN | (c->waits ? EPOLLOUT : 0));
	else
		watch_events(&c->wout, c->waits ? EPOLLOUT : 0);
}

/* May close the channel. */
static void chan_writable(void *arg, uint32_t events)
{
	struct chan *c = arg;
	bool waited = c->waits;

	(void)events;
	chan_flush(c);
	if (waited && !c->waits && c->on_room)
		c->on_room(c->arg);
}

/* Hands out the complete lines of c->in, until the channel is closed or turns raw. */
static void chan_lines(struct chan *c, size_t fresh)
{
	size_t start = 0;

	for (size_t i = c->in_len - fresh; i < c->in_len; i++) {
		if (c->in[i] != '\n')
			continue;
		size_t end = i > start && c->in[i - 1] == '\r' ? i - 1 : i;

		c->in[end] = 0;
		bool cut = c->cut;

		c->cut = false;
		c->on_line(c->arg, c->in + start, cut);
		if (!chan_is_open(c))
			return;
		start = i + 1;
		if (c->on_raw) { /* the line asked for it: what follows is not lines any more */
			if (start < c->in_len)
				c->on_raw(c->arg, c->in + start, c->in_len - start);
			c->in_len = 0;
			return;
		}
	}
	memmove(c->in, c->in + start, c->in_len - start);
	c->in_len -= start;
	if (c->in_len == CHAN_LINE) { /* keep the beginning, wait for the newline */
		c->cut = true;
		c->in_len--;
	}
}

static void chan_ready(void *arg, uint32_t events)
{
	struct chan *c = arg;

	if (events & EPOLLOUT)
		chan_writable(c, events);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || !chan_is_open(c))
		return;
	ssize_t n = read(c->w.fd, c->in + c->in_len, CHAN_LINE - c->in_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		watch_events(&c->w, 0); /* nothing more to hear, whatever the owner does */
		chan_broken(c);
		return;
	}
	if (c->on_raw) {
		c->on_raw(c->arg, c->in, (size_t)n);
		return;
	}
	c->in_len += (size_t)n;
	chan_lines(c, (size_t)n);
}

static void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int chan_open(struct loop *l, struct chan *c, int in, int out)
{
	c->out = NULL;
	c->out_len = c->out_size = c->in_len = 0;
	c->cut = c->broken = c->waits = false;
	c->out_fd = out;
	c->wout.loop = NULL;
	nonblocking(in);
	nonblocking(out);
	if (watch_open(l, &c->w, in, EPOLLIN, chan_ready, c))
		return -1;
	if (in == out || watch_open(l, &c->wout, out, 0, chan_writable, c) == 0)
		return 0;
	watch_close(&c->w);
	return -1;
}

void chan_drain(struct chan *c)
{
	while (chan_is_open(c) && !c->broken) {
		struct pollfd p = {.fd = c->w.fd, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			return;
		chan_ready(c, EPOLLIN);
	}
}

void chan_close(struct chan *c)
{
	if (!chan_is_open(c))
		return;
	watch_close(&c->w);
	watch_close(&c->wout);
	close(c->w.fd);
	if (c->out_fd != c->w.fd)
		close(c->out_fd);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_size = 0;
}

void chan_write(struct chan *c, const void *buf, size_t len)
{
	if (!chan_is_open(c) || c->broken)
		return;
	if (c->out_len + len > CHAN_BACKLOG) {
		chan_broken(c);
		return;
	}
	if (c->out_len + len > c->out_size) {
		size_t size = (c->out_len + len) * 2;
		char *grown = realloc(c->out, size);

		if (!grown) {
			chan_broken(c);
			return;
		}
		c->out = grown;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, buf, len);
	c->out_len += len;
	chan_flush(c);
}

void chan_printf(struct chan *c, const char *fmt, ...)
{
	char line[CHAN_LINE + 64];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) { /* cut, but still a line */
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	chan_write(c, line, (size_t)n);
}
