/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - console input into lines. */
#include "libamp/common/lines.h"

static void take(struct lines *l, char c)
{
	if (l->len == AMP_LINE)
		l->cut = true;
	else
		l->buf[l->len++] = c == '\0' ? ' ' : c;
}

void lines_feed(struct lines *l, const char *data, size_t len,
		void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];
		bool cut = l->cut, joined = c == '\n' && l->after;

		l->after = c == '\r';
		if (joined)
			continue;
		if (c != '\n' && c != '\r') {
			take(l, c);
			continue;
		}
		l->buf[l->len] = '\0';
		l->len = 0;
		l->cut = false;
		fn(arg, l->buf, cut);
	}
}
