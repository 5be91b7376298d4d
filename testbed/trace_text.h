/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_text.h - a packet's way through a router, as text and as JSON. */
#ifndef TESTBED_TRACE_TEXT_H
#define TESTBED_TRACE_TEXT_H

#include "capture_link.h"

void trace_print(const struct capture_link *l, const struct capture_trace *t);
/* One object on one line. */
void trace_print_json(const struct capture_link *l, const struct capture_trace *t);

/* trace_changes.c: which header fields differ between two frames, and single numbers as "ttl 64 to 63". */
void trace_changes(const uint8_t *in, uint32_t n, const uint8_t *out, uint32_t m, char *buf,
		   size_t size);

#endif
