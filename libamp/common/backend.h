/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.h - what the shared half of libamp (libamp/common) asks of a backend, and what it offers
 * it.
 */
#ifndef AMP_COMMON_BACKEND_H
#define AMP_COMMON_BACKEND_H

#include "amp/amp.h"
#include "libamp/common/ring.h"

/*
 * Waits until something happens or monotonic time `deadline` (0: only looks), feeds consoles and
 * watched descriptors to their callbacks, and returns event bits that are the program's
 * (XOK_EV_CHILD, XOK_EV_USER and above).
 */
uint32_t backend_wait(uint64_t deadline);

/*
 * Ends a ring's binding and its filters at once; its memory must stay readable until
 * backend_ring_free.
 */
void backend_ring_unbind(struct amp_ring *r);
/* Gives back the memory behind r->hdr. The structure itself is the caller's. */
void backend_ring_free(struct amp_ring *r);

/* Writes what a console takes at once of len <= 4096 bytes; how many (0: none just now), or an error. */
int64_t backend_cons_put(uint32_t cons, const char *p, size_t len);
void backend_sleep(uint64_t ns); /* without running callbacks */

/* Writes one finished log line, newline included. Never fails: there is nobody to tell. */
void backend_log(const char *line, size_t len);
_Noreturn void backend_exit(int code);

/* The name before each log line. */
void log_name(const char *name);

/* The loop's list of rings: the backend adds what it has made; amp_ring_close takes it off. */
void loop_ring_add(struct amp_ring *r);

#endif
