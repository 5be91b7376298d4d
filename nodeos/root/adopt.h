/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt.h - taking over from a router domain whose process ended, while its handlers go on forwarding.
 *
 * The old handlers and their tables stay as they are until new ones, complete, take their packets. From the old tables the new process learns
 * its neighbours, so that no packet has to wait for them; the counters go on in the old table.
 */
#ifndef NODEOS_ADOPT_H
#define NODEOS_ADOPT_H

#include "nodeos/root/forward.h"

/* Before any table is made: finds what is left of the old ones. */
void adopt_find(struct forward *f);

/* The old counters' table; 0: there is none of this size, and a new one is needed. */
uint32_t adopt_counters(const struct forward *f);

/* Neighbours whose link addresses the old tables have. */
void adopt_neighbours(struct forward *f);

/* The new handlers are at work: the old tables go. */
void adopt_end(struct forward *f);

#endif
