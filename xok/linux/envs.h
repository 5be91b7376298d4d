/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * envs.h - environments as processes: what env*.c and call*.c share. All of it is the control thread's, but for the doorbells.
 */
#ifndef XOK_LINUX_ENVS_H
#define XOK_LINUX_ENVS_H

#include <string.h>

#include "call_message.h"
#include "exec.h"
#include "linux.h"
#include "xok/linux.h"

/* What posting events needs of an environment; lcores see it through a pointer that is published and withdrawn. */
struct bell {
	int fd;
	struct xl_control *control;
};

/* Memory that an environment made, or that its parent shares with it. */
struct share {
	int fd; /* -1: none */
	uint64_t at, len;
	bool write;
};

struct process {
	struct xokd *d;
	struct xok_env *e;
	uint64_t token;	  /* of the process; 0: there is none */
	uint32_t id;	  /* the environment's */
	uint32_t starts;  /* processes that this environment has had */
	uint64_t started; /* when; monotonic ns */
	int sock, pidfd, control_fd;
	bool greeted;	   /* has sent XL_HELLO */
	const char *wrong; /* it was ended by us: why */
	struct watch watch;
	struct timer grace;
	struct bell bell;
	struct share made[XL_SHARES], given[XL_SHARES];
};

struct envs {
	struct process process[XOK_NENV]; /* by the environment's index */
	struct bell *bell[XOK_NENV];	  /* published */
	struct spawner spawner;
	struct watch spawner_watch;
	uint64_t token; /* last used */
	uint32_t asked; /* processes that the spawner was asked for and has not answered about */
	bool watched, stopping;

	/* The root environment's process is started again by a timer. */
	struct timer again;
	uint32_t failures; /* starts in a row that did not last */

	/* The call being made; NULL: none. */
	struct process *caller;
	struct message message;
	uint8_t buf[XL_REQUEST_MAX > XL_ANSWER_MAX ? XL_REQUEST_MAX : XL_ANSWER_MAX];
};

/* ---- env.c ---- */

uint64_t now(void); /* monotonic ns */

/* What a new process is to be; the strings of arg were checked. */
struct program {
	const char *name;
	uint32_t argc, arg_bytes;
	const char *arg;
};

/* Opens a program of the program directory: a descriptor, or XOK_ENOENT. */
int program_open(const struct xokd *d, const char *name);
bool plain_name(const char *name, size_t size);

/*
 * Gets what a process needs (socket, doorbell, control page) for an environment that has none: XOK_OK or XOK_ENOMEM. process_run then starts it, with the
 * open program; process_forget takes it back.
 */
int process_prepare(struct process *p);
int process_run(struct process *p, const struct program *what, int program);
void process_forget(struct process *p);

/* It broke the rules: it ends, and its environment with it. */
void process_break(struct process *p, const char *wrong);
/* Its end of the socket is closed. */
void process_closed(struct process *p);

struct process *process_of(struct xokd *d, uint32_t id);
struct xok_env *environment(struct xokd *d, uint32_t index);

/* ---- env_memory.c ---- */

/* A sealed piece of memory of `len` bytes; -1. */
int memory_new(const char *name, uint64_t len);
/* A second descriptor of it, which cannot write; -1. */
int memory_reader(int fd);
/* A file's contents in sealed memory: a descriptor, or XOK_ENOENT, XOK_ENOMEM; *len gets its length. */
int memory_of_file(const char *path, uint64_t *len);

void shares_init(struct share s[XL_SHARES]);
void shares_close(struct share s[XL_SHARES]);

/* ---- call.c ---- */

/* Requests wait at a process's socket. */
void call_ready(void *process, uint32_t events);

#define CALL_FDS XL_FDS
/* What an answer takes along beside its message; the descriptors are closed when it is sent. */
struct answer {
	int64_t result;
	int fd[CALL_FDS];
	uint32_t nfd;
};

/* call_machine.c: the machine's own requests. */
void call_machine(struct process *p, const struct message *m, struct answer *a);

#endif
