/* SPDX-License-Identifier: BSD-2-Clause */
/* init.c - start and end of a host process, its clock, its randomness and its log. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "libamp/host/host.h"

static int64_t wall_offset;

int amp_host_init(const char *name, const struct amp_host_port *port, uint32_t nport,
		  const int fds[2])
{
	int err;

	log_name(name);
	/*
	 * A peer that closes its end of a pipe shows as EPIPE where it is written to, not as our
	 * end.
	 */
	signal(SIGPIPE, SIG_IGN);
	cons_init(fds);
	err = demux_open(nport);
	if (err != 0) {
		amp_log("no memory for the demultiplexers of %u ports", nport);
		return err;
	}
	err = ports_open(port, nport);
	if (err != 0)
		demux_close();
	return err;
}

void amp_host_fini(void)
{
	ports_close();
	demux_close();
	cons_fini();
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t amp_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t amp_wall(void)
{
	return clock_ns(CLOCK_REALTIME) + (uint64_t)wall_offset;
}

void amp_wall_set(uint64_t utc_ns)
{
	wall_offset = (int64_t)(utc_ns - clock_ns(CLOCK_REALTIME));
}

void amp_random(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, len < 256 ? len : 256, 0);

		if (n < 0 && errno != EINTR)
			abort(); /* a program must never go on with bytes that are not random */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

void backend_log(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
}

void backend_exit(int code)
{
	amp_host_fini();
	exit(code);
}

void amp_power_off(void)
{
	backend_exit(0);
}
