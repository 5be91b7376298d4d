/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - log lines: "name: text", one line each whatever the text holds. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libamp/common/backend.h"

#define LOG_MAX 1024u

static const char *program = "amp";

void log_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	program = slash != NULL ? slash + 1 : name;
}

/* Text that comes from outside must not forge lines of its own or drive somebody's terminal. */
static void flatten(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			s[i] = ' ';
}

static void log_line(const char *fmt, va_list ap)
{
	char line[LOG_MAX];
	int n = snprintf(line, sizeof(line), "%.64s: ", program);
	size_t len = (size_t)n;

	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	if (n > 0)
		len += (size_t)n < sizeof(line) - len ? (size_t)n : sizeof(line) - len - 1;
	flatten(line, len);
	line[len++] = '\n'; /* takes the place of the NUL */
	backend_log(line, len);
}

void amp_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void amp_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
	backend_exit(1);
}
