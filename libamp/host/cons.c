/* SPDX-License-Identifier: BSD-2-Clause */
/* cons.c - consoles on descriptors that the caller of amp_host_init named. */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "libamp/common/backend.h"
#include "libamp/common/lines.h"
#include "libamp/host/host.h"

static struct cons {
	int fd;
	bool reading;
	void (*fn)(void *arg, char *line, bool cut);
	void *arg;
	struct lines lines;
} conses[2] = {{.fd = -1}, {.fd = -1}};

void cons_init(const int fds[2])
{
	for (uint32_t i = 0; i < 2; i++)
		conses[i] = (struct cons){.fd = fds[i]};
}

/* The descriptors are the caller's: they are forgotten, not closed. */
void cons_fini(void)
{
	static const int none[2] = {-1, -1};

	cons_init(none);
}

int amp_cons_open(uint32_t cons, void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	if (cons >= 2 || conses[cons].fd < 0)
		return XOK_ENOENT;
	if (conses[cons].reading)
		return XOK_EBUSY;
	conses[cons].fn = fn;
	conses[cons].arg = arg;
	conses[cons].reading = true;
	return XOK_OK;
}

int cons_poll_fd(uint32_t cons)
{
	return conses[cons].reading ? conses[cons].fd : -1;
}

void cons_readable(uint32_t cons)
{
	struct cons *c = &conses[cons];
	char buf[4096];
	ssize_t n = read(c->fd, buf, sizeof(buf));

	if (n > 0)
		lines_feed(&c->lines, buf, (size_t)n, c->fn, c->arg);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		c->reading = false; /* the other end is gone; polling on would spin */
}

/* The descriptor's flags are its owner's, so what is written is what it takes without blocking. */
int64_t backend_cons_put(uint32_t cons, const char *p, size_t len)
{
	struct pollfd room = {.fd = conses[cons].fd, .events = POLLOUT};
	ssize_t n;

	if (conses[cons].fd < 0)
		return XOK_ENOENT;
	if (poll(&room, 1, 0) <= 0)
		return 0;
	n = write(conses[cons].fd, p, len);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : XOK_ENOENT; /* EPIPE, EIO: nobody is there */
}

void backend_sleep(uint64_t ns)
{
	const struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	nanosleep(&t, NULL);
}
