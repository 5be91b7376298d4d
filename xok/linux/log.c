/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - messages to standard error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(6, fmt, ap);
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
