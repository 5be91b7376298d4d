/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode_run.h - inside bench-vcode: programs, each as several sides' code, and what a run of that takes.
 */
#ifndef TESTBED_BENCH_VCODE_RUN_H
#define TESTBED_BENCH_VCODE_RUN_H

#include <stdbool.h>

#include "testbed/bench/vcode_programs.h"
#include "xok/vcode/internal.h"

#define RUNS 256u /* in one go: as many packets, or uses of a context */
#define PLACES 8  /* of code, and of the loops around it */

/* What a program is run on, and whether a run changes what the next one reads. */
enum shape { PACKET_READ, PACKET_CHANGED, CAPSULE_READ, CAPSULE_CHANGED };

static inline bool is_capsule(enum shape s)
{
	return s >= CAPSULE_READ;
}

struct program {
	const char *name, *text;
	bench_fn native, dpdk[PLACES];
	const char *dpdk_how;
	enum shape shape;
	bool whole, ceiling;
	double limit;
	struct vc_insn insn[VC_INSNS_MAX];
	struct vc_prog prog;
	struct vc_code code;
	void *base[PLACES];
};

enum side { OURS, INTERP, NATIVE_GCC, DPDK };

extern struct bench_counter run_counters[BENCH_COUNTERS]; /* the table of the program `count` */

/* Ends the program with a message. */
_Noreturn void give_up(const char *what, const char *name);

double thread_ns(void); /* that this thread has run */

/* Packets, contexts and counters as they are before the first run; before all that follows. */
void run_prepare(const struct program *p);
/* All sides must compute the same, or the figures mean nothing. */
void run_compare(const struct program *p);
/* ns a run, over `passes` times all packets, with the code at this place, modulo PLACES. */
double run_time(const struct program *p, enum side s, uint32_t passes, uint32_t place, bool alone);
/* Instructions of the first run, without what stands around the call; not of the interpreter. */
double run_instructions(const struct program *p, enum side s);

#endif
