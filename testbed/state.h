/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h - where a testbed lives while it runs, and which processes are its own.
 *
 * A testbed NAME has the directory $XDG_RUNTIME_DIR/amp/NAME, or ~/.local/state/amp/NAME when there is no runtime directory; with
 * another directory (--state DIR), that place holds a symbolic link to it. In it stand:
 *
 *	ctl                 the supervisor's socket (control.h)
 *	run                 the processes, one per line: NAME PID START (START: field 22 of /proc/PID/stat)
 *	hosts               the nodes' names and addresses, /etc/hosts in the hosts
 *	NODE.log            console 0 of a node, and what its process said on standard error
 *	NODE.events         its events, one JSON object per line
 *	NODE.conf           its configuration
 *	NODE-PORT.pcap      frames to and from a port, with --capture
 *	NODE.capture        a router's socket for captures (xok/linux/capture.h)
 *	nI.P, rI.P, I.*     sockets, FIFOs and boot archives, removed when the testbed goes down
 *	NODE.capture        xokd's socket for captures, likewise
 *	supervisor.log      what the supervisor itself had to say
 *
 * Logs, events, configurations and captures stay after `down` until the next `up`.
 */
#ifndef TESTBED_STATE_H
#define TESTBED_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_DIR_MAX 88u /* so that every socket's path stays below 100 bytes */
#define STATE_ERROR 512u

/* The directory all testbeds of this user are found in; false with err: no place for it. */
bool state_base(char dir[STATE_DIR_MAX], char err[STATE_ERROR]);

/* The directory of testbed NAME, whether it exists or not. */
bool state_dir(const char *name, char dir[STATE_DIR_MAX], char err[STATE_ERROR]);

/*
 * Whether a directory may become a testbed's, whose files of an earlier run are removed: it does not exist, is empty, or was one
 * before (it has a supervisor.log). False with err.
 */
bool state_usable(const char *dir, char err[STATE_ERROR]);

/*
 * Makes it (or `at`, when given and usable, and a link to it), empties it of an earlier run's files. False with err.
 */
bool state_make(const char *name, const char *at, char dir[STATE_DIR_MAX], char err[STATE_ERROR]);

/* Of the same for root's services, which are found under their names by everybody who may look: /run/amp/NAME. */
#define STATE_SERVICES "/run/amp"
bool state_make_service(const char *name, char dir[STATE_DIR_MAX], char err[STATE_ERROR]);

/* The process's start time, which with the pid names it for good; 0: there is no such process. */
uint64_t state_start_time(pid_t pid);

struct state_process {
	char name[32];
	pid_t pid;
	uint64_t start;
};
#define STATE_PROCESSES 65u

/* The supervisor is the first. 0 processes: none is recorded. */
uint32_t state_read(const char *dir, struct state_process p[STATE_PROCESSES]);
bool state_write(const char *dir, const struct state_process *p, uint32_t n);
bool state_alive(const struct state_process *p);

/* Removes the sockets, archives and records; leaves logs, events, configurations and captures. */
void state_clean(const char *dir);

/*
 * Which testbed is meant: the name of one, or a topology file (by the name in it), or a state directory, or, with NULL, the only one that
 * runs. Stores its directory; it need not run. False with err.
 */
bool state_find(const char *which, char dir[STATE_DIR_MAX], char err[STATE_ERROR]);

/*
 * Of which one a node is asked about: as state_find when `which` says so; else the one of all that run, testbeds and routers, that has a node of this name.
 * An address (of the only one that runs) names nodes as well. False with err, which tells of several that have one, or which nodes there are.
 */
bool state_find_node(const char *which, const char *node, char dir[STATE_DIR_MAX],
		     char err[STATE_ERROR]);

#endif
