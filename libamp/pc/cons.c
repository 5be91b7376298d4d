/* SPDX-License-Identifier: BSD-2-Clause */
/* cons.c - the kernel's consoles. */
#include "libamp/common/backend.h"
#include "libamp/common/lines.h"
#include "libamp/pc/pc.h"

#define NCONS 2u
#define POLL 1000000ull	      /* ns between tries while a console's queue is full */
#define PATIENCE 200000000ull /* ns without progress after which output is dropped */

static struct {
	bool open;
	void (*fn)(void *arg, char *line, bool cut);
	void *arg;
	struct lines lines;
} cons[NCONS];

/*
 * There may be input that no event will tell of: from before we became the owner, or more than one
 * read took.
 */
static bool waiting;

int amp_cons_open(uint32_t n, void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	char none;
	int64_t err;

	if (n >= NCONS)
		return XOK_ENOENT;
	if (cons[n].open)
		return XOK_EBUSY;
	err = xok_cons_read(PC_CAP, n, &none, 0); /* events come to whoever reads first */
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
	static char buf[1024];
	int64_t got = xok_cons_read(PC_CAP, n, buf, sizeof(buf));

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

/* One system call's worth; pages that are promised but were never touched are given frames first. */
static int64_t write_part(uint32_t n, const char *p, uint32_t len)
{
	int64_t done = xok_cons_write(PC_CAP, n, p, len);

	if (done != XOK_EFAULT)
		return done;
	vm_touch(p, len);
	return xok_cons_write(PC_CAP, n, p, len);
}

/*
 * Writes everything, waiting for who reads the console as long as it moves at least once in PATIENCE. A reader who
 * has stopped costs that once; then writes fail at once until there is room again, and a line that
 * was cut is ended first.
 */
int amp_cons_write(uint32_t n, const void *buf, size_t len)
{
	static bool cut[NCONS];
	const char *p = buf;
	uint64_t until = 0;

	if (n >= NCONS)
		return XOK_ENOENT;
	if (cut[n]) {
		int64_t done = write_part(n, "\n", 1);

		if (done <= 0)
			return done < 0 ? (int)done : XOK_EAGAIN;
		cut[n] = false;
	}
	while (len > 0) {
		int64_t done = write_part(n, p, len < 4096 ? (uint32_t)len : 4096);

		if (done < 0)
			return (int)done;
		if (done > 0) {
			until = 0;
		} else if (!until) {
			until = amp_now() + PATIENCE;
		} else if (amp_now() >= until) {
			cut[n] = true;
			return XOK_EAGAIN;
		}
		if (done == 0)
			xok_env_sleep(0, amp_now() + POLL);
		p += done;
		len -= (size_t)done;
	}
	return XOK_OK;
}

int64_t cons_read_wait(void *buf, size_t len)
{
	uint32_t part = len < 4096 ? (uint32_t)len : 4096;
	static char own[4096]; /* the kernel writes only where there are frames already */
	int64_t got;

	while ((got = xok_cons_read(PC_CAP, 0, own, part)) == 0 && part > 0)
		xok_env_sleep(XOK_EV_CONS, UINT64_MAX);
	for (int64_t i = 0; i < got; i++)
		((char *)buf)[i] = own[i];
	return got;
}

void backend_log(const char *line, size_t len)
{
	amp_cons_write(0, line, len);
}
