/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - messages to standard error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "linux.h"

static bool journal;

/* systemd.exec(5): JOURNAL_STREAM is the device and inode of what leads to the journal, which takes a level in front of each line. */
void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		  !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

/* In one write, so that lines of several threads and processes stay whole. */
static void line(int level, const char *fmt, va_list ap)
{
	char buf[1024];
	int n = 0;

	if (journal)
		n = snprintf(buf, sizeof(buf), "<%d>", level);
	else
		n = snprintf(buf, sizeof(buf), "xokd: ");
	int m = vsnprintf(buf + n, sizeof(buf) - 1 - (size_t)n, fmt, ap);

	if (m < 0)
		return;
	n += m < (int)sizeof(buf) - 1 - n ? m : (int)sizeof(buf) - 2 - n;
	buf[n++] = '\n';
	if (write(STDERR_FILENO, buf, (size_t)n) < 0)
		return; /* nobody is left to tell */
}

/*
 * What an environment brings about it may bring about without end, and disks are finite: so many lines at once, then one a second. Of the control thread.
 */
#define OFTEN_LINES 20u
#define OFTEN_NS 1000000000ull

static bool may_say(void)
{
	static uint64_t since;
	static uint32_t said, left_out;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t t = (uint64_t)ts.tv_sec * OFTEN_NS + (uint64_t)ts.tv_nsec,
		 n = (t - since) / OFTEN_NS;

	if (n) {
		since += n * OFTEN_NS;
		said -= n < said ? (uint32_t)n : said;
	}
	if (said == OFTEN_LINES) {
		left_out++;
		return false;
	}
	said++;
	if (left_out)
		say("%u lines about environments were left out here", left_out);
	left_out = 0;
	return true;
}

void say_often(const char *fmt, ...)
{
	va_list ap;

	if (!may_say())
		return;
	va_start(ap, fmt);
	line(6, fmt, ap);
	va_end(ap);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(6, fmt, ap);
	va_end(ap);
}

void say_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(4, fmt, ap);
	va_end(ap);
}

int say_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(3, fmt, ap);
	va_end(ap);
	return -1;
}
