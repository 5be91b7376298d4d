/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.h - the spawner: a small process of ours, made before there are threads, ports and much memory, which starts environments and hears how
 * they end. A fork of xokd itself would copy the page tables of all its memory and make every page that lcores write a fault meanwhile.
 */
#ifndef XOK_LINUX_EXEC_H
#define XOK_LINUX_EXEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"
#include "xok/linux.h"

/* What the spawner is asked for; descriptors: the program, the process's end of its socket. */
struct spawn_request {
	uint64_t token;	 /* names it in what follows; not 0 */
	uint64_t memory; /* bytes of address space at most */
	uint32_t argc, arg_bytes;
	char arg[XL_ARG_BYTES];
};

enum spawn_kind { SPAWN_STARTED, SPAWN_FAILED, SPAWN_ENDED };

struct spawn_event {
	uint32_t kind;
	int32_t status; /* ENDED: as waitpid has it */
	uint64_t token;
	char text[128]; /* FAILED: why */
};

struct spawner {
	int sock; /* -1: none */
	pid_t pid;
};

/*
 * Forks the spawner and has it try how environments can be confined: in namespaces of their own, by root or, where that is allowed, by anybody.
 * 0, or -1 with a message that says why not and what to do. --unconfined: namespaces are done without when they cannot be had.
 */
int spawner_start(struct spawner *s, const struct options *o);
/* Ends it, and every process it has started. */
void spawner_stop(struct spawner *s);

/* Asks for a process. 0 or -1: the spawner is gone. */
int spawner_ask(struct spawner *s, const struct spawn_request *r, int program, int sock);
/* The next event: 1, 0: none now, -1: the spawner is gone. STARTED: *pidfd is the process's and the caller's to close. */
int spawner_event(struct spawner *s, struct spawn_event *e, int *pidfd);

#endif
