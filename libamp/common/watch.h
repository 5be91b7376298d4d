/* SPDX-License-Identifier: BSD-2-Clause */
/* watch.h - descriptors that a backend's poll waits for beside its own (amp_watch), on Linux. */
#ifndef AMP_COMMON_WATCH_H
#define AMP_COMMON_WATCH_H

#include <poll.h>

#include "amp/amp.h"

#define WATCHES 64u

/* Fills in what to poll for; how many. */
uint32_t watches_collect(struct pollfd fd[WATCHES]);
/* Calls who waits for the descriptors among these that are ready. */
void watches_dispatch(const struct pollfd *fd, uint32_t n);

#endif
