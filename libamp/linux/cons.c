/* SPDX-License-Identifier: BSD-2-Clause */
/* cons.c - the kernel's consoles, and the log on the first. */
#include <time.h>

#include "libamp/common/lines.h"
#include "libamp/linux/linux.h"

#define NCONS 2u

static struct {
	bool open;
	void (*fn)(void *arg, char *line, bool cut);
	void *arg;
	struct lines lines;
} cons[NCONS];

/* There may be input that no event will tell of: from before we became the owner, or more than one read took. */
static bool waiting;

int amp_cons_open(uint32_t n, void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	char none;
	int64_t err;

	if (n >= NCONS)
		return XOK_ENOENT;
	if (cons[n].open)
		return XOK_EBUSY;
	err = xok_cons_read(CAP, n, &none, 0); /* events come to whoever reads first */
	if (err < 0)
		return (int)err;
	cons[n].fn = fn;
	cons[n].arg = arg;
	cons[n].open = true;
	waiting = true;
	return XOK_OK;
}

bool cons_waiting(void)
{
	return waiting;
}

static void read_lines(uint32_t n)
{
	static char buf[4096];
	int64_t got = xok_cons_read(CAP, n, buf, sizeof(buf));

	if (got <= 0)
		return;
	waiting |= got == sizeof(buf);
	lines_feed(&cons[n].lines, buf, (size_t)got, cons[n].fn, cons[n].arg);
}

void cons_poll(uint32_t events)
{
	if (!(events & XOK_EV_CONS) && !waiting)
		return;
	waiting = false;
	for (uint32_t n = 0; n < NCONS; n++)
		if (cons[n].open)
			read_lines(n);
}

int64_t backend_cons_put(uint32_t n, const char *p, size_t len)
{
	return xok_cons_write(CAP, n, p, (uint32_t)len);
}

void backend_sleep(uint64_t ns)
{
	const struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	nanosleep(&t, NULL);
}

void backend_log(const char *line, size_t len)
{
	amp_cons_write(0, line, len);
}
