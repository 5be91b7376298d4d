/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lcore.h - what machine linux's lcores do, counted by each itself, in the bookkeeping: xok_info.nlcore entries at xok_info.lcore_off.
 *
 * Cycles are of the time-stamp counter; xok_info.tsc_mult makes nanoseconds of them. Those of a stage divided by the packets are the
 * price of a packet there. What is neither busy nor asleep was spent asking ports that had nothing.
 */
#ifndef XOK_LCORE_H
#define XOK_LCORE_H

#include <stdint.h>

struct xok_lcore_info {
	uint32_t processor; /* Linux's number */
	uint32_t pad;
	uint64_t polls;	   /* rounds over its ports */
	uint64_t bursts;   /* that had packets, */
	uint64_t packets;  /* and how many */
	uint64_t injected; /* frames it sent for other threads */
	uint64_t unsent;   /* packets that a port's queue had no room for */
	uint64_t sleeps;
	uint64_t busy_cycles, sleep_cycles;
	uint64_t rx_cycles, core_cycles,
		tx_cycles; /* of bursts: receiving; demultiplexer and handlers; sending */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct xok_lcore_info) == 128, "two cache lines each");

#endif
