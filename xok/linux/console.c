/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - two byte streams. What arrives is kept until the core reads it, and no more is taken than there is room for; what goes out is queued as far as
 * there is room, and the core is told how much that was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux.h"

#define NCONS 2u
#define IN_BYTES 8192u
#define OUT_BYTES 65536u

struct console {
	struct xokd *d;
	uint32_t number;
	struct watch in, out; /* fd -1: none */
	bool out_waits;	      /* for room */
	size_t in_len, out_len;
	char in_buf[IN_BYTES], out_buf[OUT_BYTES];
};

struct consoles {
	struct console c[NCONS];
};

static void flush(struct console *c)
{
	size_t done = 0;

	while (c->out.fd >= 0 && done < c->out_len) {
		ssize_t n = write(c->out.fd, c->out_buf + done, c->out_len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			done = c->out_len; /* nobody will ever read it */
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memmove(c->out_buf, c->out_buf + done, c->out_len - done);
	c->out_len -= done;
	if (c->out.fd >= 0 && c->out_waits != (c->out_len > 0)) {
		c->out_waits = c->out_len > 0;
		loop_change(&c->out, c->out_waits ? EPOLLOUT : 0);
	}
}

static void writable(void *arg, uint32_t events)
{
	(void)events;
	flush(arg);
}

static void readable(void *arg, uint32_t events)
{
	struct console *c = arg;
	ssize_t n = read(c->in.fd, c->in_buf + c->in_len, IN_BYTES - c->in_len);
	(void)events;

	if (n <= 0)
		return;
	c->in_len += (size_t)n;
	if (c->in_len == IN_BYTES)
		loop_change(&c->in, 0);
	xok_cons_in(c->d->xok, c->number);
}

/* Both directions at once, so that opening waits for nobody, and nothing that is written early is lost. */
static int open_fifo(const char *option, const char *path, const char *end)
{
	struct stat st;
	char *name;

	if (asprintf(&name, "%s.%s", path, end) < 0)
		return say_error("out of memory");
	int fd = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		say_error("%s %s: cannot open %s: %m%s%s", option, path, name,
			  errno == ENOENT ? "; make it with mkfifo " : "",
			  errno == ENOENT ? name : "");
	else if (fstat(fd, &st) || !S_ISFIFO(st.st_mode)) {
		say_error("%s %s: %s is no FIFO; make it with mkfifo", option, path, name);
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

static int open_console(struct console *c, const char *option, const char *path)
{
	c->in = (struct watch){open_fifo(option, path, "in"), readable, c};
	if (c->in.fd < 0)
		return -1;
	c->out = (struct watch){open_fifo(option, path, "out"), writable, c};
	if (c->out.fd < 0)
		return -1;
	if (loop_add(&c->in, EPOLLIN) || loop_add(&c->out, 0))
		return say_error("%s %s: cannot wait for it: %m", option, path);
	return 0;
}

int consoles_init(struct xokd *d)
{
	static const char *const option[NCONS] = {"--console0", "--console1"};
	struct consoles *all = calloc(1, sizeof(*all));

	if (!all)
		return say_error("out of memory");
	d->consoles = all;
	for (uint32_t i = 0; i < NCONS; i++) {
		struct console *c = &all->c[i];

		c->d = d;
		c->number = i;
		c->in.fd = c->out.fd = -1;
	}
	for (uint32_t i = 0; i < NCONS; i++)
		if (d->opt.console[i] && open_console(&all->c[i], option[i], d->opt.console[i]))
			return -1;
	return 0;
}

void consoles_fini(struct xokd *d)
{
	struct consoles *all = d->consoles;

	for (uint32_t i = 0; all && i < NCONS; i++) {
		struct console *c = &all->c[i];

		flush(c);
		if (c->in.fd >= 0)
			close(c->in.fd);
		if (c->out.fd >= 0)
			close(c->out.fd);
	}
	free(all);
	d->consoles = NULL;
}

size_t console_write(void *d, uint32_t cons, const char *buf, size_t len)
{
	struct console *c = &((struct xokd *)d)->consoles->c[cons];

	if (c->out.fd < 0) {
		/* People see what no FIFO was given for; for programs there is nobody. */
		ssize_t n = cons == 0 ? write(STDOUT_FILENO, buf, len) : (ssize_t)len;

		return n < 0 ? (errno == EAGAIN ? 0 : len) : (size_t)n;
	}
	if (len > OUT_BYTES - c->out_len)
		len = OUT_BYTES - c->out_len;
	memcpy(c->out_buf + c->out_len, buf, len);
	c->out_len += len;
	flush(c);
	return len;
}

size_t console_read(void *d, uint32_t cons, char *buf, size_t len)
{
	struct console *c = &((struct xokd *)d)->consoles->c[cons];
	bool full = c->in_len == IN_BYTES;

	if (len > c->in_len)
		len = c->in_len;
	memcpy(buf, c->in_buf, len);
	memmove(c->in_buf, c->in_buf + len, c->in_len - len);
	c->in_len -= len;
	if (full && len)
		loop_change(&c->in, EPOLLIN);
	return len;
}
