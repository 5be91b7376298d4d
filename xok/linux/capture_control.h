/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_control.h - captures as the control thread sees them: clients on a socket (capture.h), and the sets that lcores see. */
#ifndef XOK_LINUX_CAPTURE_CONTROL_H
#define XOK_LINUX_CAPTURE_CONTROL_H

#include "capture_lcore.h"
#include "linux.h"

/* ---- capture.c ---- */

/* Listens on RUN_DIR/NAME.capture; without --run nobody captures. 0, or -1 when that was said. */
int captures_init(struct xokd *d);
/* Ends all of them, while lcores run or afterwards. */
void captures_fini(struct xokd *d);

/* ---- capture_set.c ---- */

/* A capture as asked for, which no lcore sees yet; NULL: no memory, or too many filters. */
struct capture *capture_make(const struct xokd *d, const struct capture_asked *asked);
void capture_free(struct capture *c);
/*
 * From here on lcores see these captures, and no others: those that were there before and are not any more are the caller's alone again. False:
 * no memory, and nothing has changed; never when there are none.
 */
bool captures_publish(struct xokd *d, struct capture *const *c, uint32_t n);
/* The oldest record of a capture, or NULL; *ring is where it is to be given back. */
struct capture_head *capture_oldest(struct capture *c, struct capture_ring **ring);
uint64_t capture_missed(const struct capture *c);

#endif
