/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timers.h - a binary heap of armed timers, the earliest on top. It holds pointers to the callers'
 * timers and no memory of its own beyond them. Timers due at the same time run in no particular
 * order.
 */
#ifndef AMP_COMMON_TIMERS_H
#define AMP_COMMON_TIMERS_H

#include "amp/amp.h"

struct timers {
	uint32_t n;
	struct amp_timer *heap[AMP_TIMERS];
};

/* Arms t, or moves it when it is armed already. XOK_ENOMEM when AMP_TIMERS others are. */
int timers_set(struct timers *h, struct amp_timer *t, uint64_t at);

/* Disarms t; nothing happens when it is not armed. */
void timers_cancel(struct timers *h, struct amp_timer *t);

/* When the earliest is due; UINT64_MAX when none is armed. */
uint64_t timers_next(const struct timers *h);

/*
 * Disarms and calls the timers due at `now`: as many as are armed on entry, so that one that
 * re-arms itself for the past cannot keep the caller here. Callbacks may set and cancel any timer.
 */
void timers_run(struct timers *h, uint64_t now);

#endif
