/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router.h - inside bench-router: processes that forward, and captures for them.
 */
#ifndef TESTBED_BENCH_ROUTER_H
#define TESTBED_BENCH_ROUTER_H

#include <stdint.h>
#include <sys/types.h>

#include "testbed/bench/router_routes.h"

/* ---- router_process.c ---- */

#define PROCESS_ARGS 48

/* A DPDK program with its telemetry in a directory of its own. */
struct process {
	char name[24], dir[80];
	pid_t pid;
	int telemetry;
	struct process *source; /* runs and stops with it: what its packets come from, or NULL */
};

struct sample {
	double in, out,
		cpu; /* packets received at port 0, sent at port 1; ns that its busiest thread ran */
};

/* A directory for all that is made; goes at the end with everything in it. */
const char *process_dir(void);

/* argv is completed with nothing; output goes to NAME.log in process_dir(). Ends the program with a message when it cannot be started. */
void process_start(struct process *p, const char *name, char *argv[]);
/* Waits until nearly all that comes in goes out, and stops it there; gives up with its log's end when it dies or takes `seconds`. */
void process_settle(struct process *p, int seconds);
/* Lets it run for so many milliseconds. */
struct sample process_run(struct process *p, int ms);
/* Resident memory, MiB. */
double process_resident(const struct process *p);
void process_end(struct process *p);

/* ---- router_files.c ---- */

/* The capture that is replayed: 64-byte frames of UDP to addresses of the routes at random, for our MAC address. */
void files_capture(const char *path, const struct bench_route *r, uint32_t n, bool wide);
/* An empty one. */
void files_empty(const char *path);
/* Routes as l3fwd reads them, out of port 1; and as `ip -batch` does, through the neighbour. */
void files_l3fwd(const char *path, const struct bench_route *r, uint32_t n, bool wide);
void files_ip(const char *path, const struct bench_route *r, uint32_t n, bool wide, const char *via,
	      const char *dev);

#define FRAMES 32000u
#define OUR_MAC "02:00:00:00:00:01"

#endif
