/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.h - cuts console input into lines. A line ends with LF, CR or CR LF; a NUL inside one
 * becomes a blank, since the line is handed on as a string. Of a line of more than AMP_LINE bytes
 * the first AMP_LINE are kept.
 */
#ifndef AMP_COMMON_LINES_H
#define AMP_COMMON_LINES_H

#include "amp/amp.h"

struct lines {
	size_t len;
	bool cut;   /* bytes of this line were thrown away */
	bool after; /* the last byte was CR: a LF now ends nothing */
	char buf[AMP_LINE + 1];
};

/*
 * Calls fn for each line that ends within data; the callee may write to the line until it returns.
 */
void lines_feed(struct lines *l, const char *data, size_t len,
		void (*fn)(void *arg, char *line, bool cut), void *arg);

#endif
