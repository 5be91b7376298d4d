/* SPDX-License-Identifier: BSD-2-Clause */
/* cons.c - the kernel's consoles. */
#include "libamp/common/backend.h"
#include "libamp/common/lines.h"
#include "libamp/pc/pc.h"

#define NCONS 2u

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

/* Pages that are promised but were never touched are given frames first. */
int64_t backend_cons_put(uint32_t n, const char *p, size_t len)
{
	int64_t done = xok_cons_write(PC_CAP, n, p, (uint32_t)len);

	if (done != XOK_EFAULT)
		return done;
	vm_touch(p, len);
	return xok_cons_write(PC_CAP, n, p, (uint32_t)len);
}

void backend_sleep(uint64_t ns)
{
	xok_env_sleep(0, amp_now() + ns);
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
