/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env.c - the processes of environments: how they start, are told of events, and end.
 *
 * An environment of the kernel and its process end together, whichever ends first, and with the root environment the node ends. With --hitless the root
 * environment outlives its process: its handlers, tables, filters and rings stay at work, and a new process finds them in the bookkeeping.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "envs.h"

#define ROOT_PROGRAM "init"
#define OWN_MEMORY \
	(128ull    \
	 << 20) /* of a process, beside its quota and the bookkeeping: program, stack, control page */
#define NEVER_RAN 126 /* status of a process that did not become its program, or not for long */
#define GRACE 100000000ull   /* ns from the end of the socket to that of the process */
#define LASTED 5000000000ull /* ns; a process that ran for so long did not fail at its start */
#define AGAIN_MIN \
	20000000ull /* ns until the root's process is started again, doubled by each that fails */
#define AGAIN_MAX 1000000000ull

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct found {
	struct xok_env *e;
	uint32_t index;
};

static void find(void *arg, struct xok_env *e)
{
	struct found *f = arg;

	if (XOK_ENV_INDEX(e->info->id) == f->index)
		f->e = e;
}

struct xok_env *environment(struct xokd *d, uint32_t index)
{
	struct found f = {NULL, index};

	xok_each_env(d->xok, find, &f);
	return f.e;
}

struct process *process_of(struct xokd *d, uint32_t id)
{
	uint32_t index = XOK_ENV_INDEX(id);
	struct xok_env *e = index < XOK_NENV ? environment(d, index) : NULL;

	if (!e || e->info->id != id)
		return NULL;
	d->envs->process[index].e = e;
	d->envs->process[index].id = id;
	return &d->envs->process[index];
}

/* ---- programs ---- */

bool plain_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	if (!len || len == size || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return true;
}

int program_open(const struct xokd *d, const char *name)
{
	int dir = open(d->opt.programs, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0) {
		say("program directory %s: %s", d->opt.programs, strerror(errno));
		return XOK_ENOENT;
	}
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	close(dir);
	if (fd >= 0)
		return fd;
	say_often("program %s/%s: %s", d->opt.programs, name, strerror(errno));
	return XOK_ENOENT;
}

/* ---- doorbells ---- */

/* Called by any thread. */
void env_doorbell(void *arg, uint32_t index)
{
	struct xokd *d = arg;
	struct bell *b = __atomic_load_n(&d->envs->bell[index], __ATOMIC_ACQUIRE);
	const uint64_t one = 1;

	if (!b)
		return;
	/*
	 * The process sets `armed` and then looks at `pending`; we set `pending` and then look at `armed`. Both in one order for all, so that one of us
	 * sees the other.
	 */
	__atomic_store_n(&b->control->pending, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&b->control->armed, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&b->control->armed, 0, __ATOMIC_SEQ_CST))
		(void)!write(b->fd, &one, sizeof(one)); /* full: it rings already */
}

static void bell_withdraw(struct process *p)
{
	struct bell **b = &p->d->envs->bell[p - p->d->envs->process];

	if (*b) {
		__atomic_store_n(b, NULL, __ATOMIC_RELEASE);
		lcores_quiesce(p->d);
	}
	if (p->bell.control)
		munmap(p->bell.control, XOK_PAGE);
	p->bell.control = NULL;
	drop(&p->bell.fd);
}

static int bell_prepare(struct process *p)
{
	p->control_fd = memory_new("control", XOK_PAGE);
	p->bell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->control_fd < 0 || p->bell.fd < 0)
		return -1;
	p->bell.control = mmap(NULL, XOK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, p->control_fd,
			       0);
	if (p->bell.control == MAP_FAILED) {
		p->bell.control = NULL;
		return -1;
	}
	p->bell.control->pending = 1; /* there may be events from before */
	return 0;
}

/* ---- a process's life ---- */

static void stop_listening(struct process *p)
{
	if (p->watch.fd >= 0)
		loop_remove(&p->watch);
	drop(&p->watch.fd);
}

int process_prepare(struct process *p)
{
	int pair[2];

	p->watch = (struct watch){.fd = -1, .fn = call_ready, .arg = p};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		say("environment %s: no socket: %s", p->e->info->name, strerror(errno));
		return XOK_ENOMEM;
	}
	/* The process's end stands in `sock` until it is started; ours is the one that is watched. */
	p->sock = pair[1];
	p->watch.fd = pair[0];
	if (!fcntl(pair[0], F_SETFL, O_NONBLOCK) && !bell_prepare(p) &&
	    !loop_add(&p->watch, EPOLLIN))
		return XOK_OK;
	say("environment %s: no doorbell: %s", p->e->info->name, strerror(errno));
	drop(&p->watch.fd);
	process_forget(p);
	return XOK_ENOMEM;
}

void process_forget(struct process *p)
{
	stop_listening(p);
	drop(&p->sock);
	drop(&p->pidfd);
	drop(&p->control_fd);
	bell_withdraw(p);
	shares_close(p->made);
	shares_close(p->given);
	p->token = 0;
	p->greeted = false;
	loop_cancel(&p->grace);
	p->wrong = NULL;
}

int process_run(struct process *p, const struct program *what, int program)
{
	struct envs *v = p->d->envs;
	struct spawn_request r = {
		.token = v->token + 1,
		.memory = (uint64_t)p->e->info->frames_quota * XOK_PAGE + p->d->info_bytes +
			  OWN_MEMORY,
		.argc = what->argc,
		.arg_bytes = what->arg_bytes,
	};

	memcpy(r.arg, what->arg, what->arg_bytes);
	if (spawner_ask(&v->spawner, &r, program, p->sock)) {
		say("environment %s: cannot be started: %s", p->e->info->name, strerror(errno));
		return XOK_ENOMEM;
	}
	drop(&p->sock);
	p->token = r.token;
	v->token++;
	v->asked++;
	p->started = now();
	p->starts++;
	__atomic_store_n(&v->bell[p - v->process], &p->bell, __ATOMIC_RELEASE);
	return XOK_OK;
}

static void kill_process(int pidfd)
{
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/*
 * Without its socket it hears no answer, and with the signal it is over; what was still to be said is not read. The rest is done when the
 * spawner tells of its end. One that is not yet known to have started gets the signal then.
 */
void process_break(struct process *p, const char *wrong)
{
	if (!p->wrong)
		p->wrong = wrong;
	stop_listening(p);
	kill_process(p->pidfd);
}

/* The socket of a process that ends is closed, too, and that is often heard first: so how it ended has a moment to arrive. */
void process_closed(struct process *p)
{
	stop_listening(p);
	loop_after(&p->grace, GRACE);
}

static void on_grace(void *arg)
{
	process_break(arg, "it closed its socket");
}

/* ---- the end of an environment ---- */

/* The kernel has ended it: the process goes, whatever it does. */
void env_ended(void *arg, uint32_t index)
{
	struct xokd *d = arg;
	struct process *p = &d->envs->process[index];

	kill_process(p->pidfd);
	process_forget(p);
	p->starts = 0;
}

/* The exception of the processor that stands behind a signal: vectors of Intel SDM volume 3, 6.3.1. */
static uint64_t vector_of(int sig)
{
	switch (sig) {
	case SIGFPE: return 0;
	case SIGTRAP: return 3;
	case SIGILL: return 6;
	case SIGSEGV: return 14;
	case SIGBUS: return 17;
	default: return 255;
	}
}

/* Says how the process ended, for people, and what that is to the kernel. */
static uint8_t verdict(struct process *p, int status, int32_t *code)
{
	const char *name = p->e->info->name;

	*code = 0;
	if (p->wrong) {
		say_often("environment %s: ended: %s", name, p->wrong);
		return XOK_END_VIOLATION;
	}
	if (WIFEXITED(status)) {
		*code = WEXITSTATUS(status);
		say_often("environment %s: its process ended with status %d", name, *code);
		return XOK_END_EXIT;
	}
	if (WTERMSIG(status) == SIGSYS) {
		say_often(
			"environment %s: ended: it made a system call of Linux that is not for it",
			name);
		return XOK_END_VIOLATION;
	}
	say_often("environment %s: its process was ended by signal %d (%s)", name, WTERMSIG(status),
		  strsignal(WTERMSIG(status)));
	memset(&p->e->regs, 0, sizeof(p->e->regs));
	p->e->regs.trapno = vector_of(WTERMSIG(status));
	return XOK_END_FAULT;
}

/* The root environment goes on without its process for as short a time as can be. */
static void root_lost(struct process *p)
{
	struct envs *v = p->d->envs;
	uint64_t wait = AGAIN_MIN;

	v->failures = now() - p->started < LASTED ? v->failures + 1 : 0;
	for (uint32_t i = 1; i < v->failures && wait < AGAIN_MAX; i++)
		wait *= 2;
	process_forget(p);
	loop_after(&v->again, wait < AGAIN_MAX ? wait : AGAIN_MAX);
}

static void process_over(struct process *p, int status)
{
	struct xokd *d = p->d;
	struct xok_env *e = p->e;
	int32_t code;
	uint8_t why;

	why = verdict(p, status, &code);
	/* It may stop by itself, and the node with it. */
	if (d->opt.hitless && !e->info->parent && (why != XOK_END_EXIT || code >= NEVER_RAN)) {
		root_lost(p);
		return;
	}
	process_forget(p);
	p->starts = 0;
	xok_env_over(d->xok, e, why, code);
}

/* ---- what the spawner tells ---- */

static struct process *by_token(struct envs *v, uint64_t token)
{
	for (uint32_t i = 0; i < XOK_NENV; i++)
		if (token && v->process[i].token == token)
			return &v->process[i];
	return NULL;
}

static void on_event(struct envs *v, const struct spawn_event *e, int pidfd)
{
	struct process *p = by_token(v, e->token);

	v->asked -= e->kind != SPAWN_ENDED;
	/* Of one whose environment has ended meanwhile: perhaps before it was known to have started. */
	if (!p) {
		kill_process(pidfd);
		drop(&pidfd);
		return;
	}
	switch (e->kind) {
	case SPAWN_STARTED:
		p->pidfd = pidfd;
		if (p->wrong)
			kill_process(p->pidfd);
		break;
	case SPAWN_FAILED:
		say_often("environment %s: cannot be started: %s", p->e->info->name, e->text);
		process_over(p, NEVER_RAN << 8);
		break;
	default: process_over(p, e->status); break;
	}
}

static void on_spawner(void *arg, uint32_t events)
{
	struct xokd *d = arg;
	struct envs *v = d->envs;
	struct spawn_event e;
	int pidfd, rc;
	(void)events;

	while ((rc = spawner_event(&v->spawner, &e, &pidfd)) > 0)
		on_event(v, &e, pidfd);
	if (rc < 0 && !v->stopping) {
		say("the process that starts environments is gone, and they with it");
		loop_remove(&v->spawner_watch);
		v->watched = false;
		d->exit_status = 1;
		loop_stop();
	}
}

/* ---- start and stop ---- */

int envs_prepare(struct xokd *d)
{
	struct envs *v = calloc(1, sizeof(*v));

	if (!v) {
		say("no memory for environments");
		return -1;
	}
	d->envs = v;
	for (uint32_t i = 0; i < XOK_NENV; i++) {
		struct process *p = &v->process[i];

		*p = (struct process){.d = d, .sock = -1, .pidfd = -1, .control_fd = -1};
		p->bell.fd = p->watch.fd = -1;
		p->grace = (struct timer){.fn = on_grace, .arg = p};
		shares_init(p->made);
		shares_init(p->given);
	}
	return spawner_start(&v->spawner, &d->opt);
}

static void on_again(void *arg)
{
	struct xokd *d = arg;

	if (envs_start_root(d) < 0)
		loop_after(&d->envs->again, AGAIN_MAX);
}

int envs_init(struct xokd *d)
{
	struct envs *v;

	if (!d->envs && envs_prepare(d))
		return -1;
	v = d->envs;
	v->spawner_watch = (struct watch){.fd = v->spawner.sock, .fn = on_spawner, .arg = d};
	v->again = (struct timer){.fn = on_again, .arg = d};
	if (loop_add(&v->spawner_watch, EPOLLIN)) {
		say("environments cannot be watched: %s", strerror(errno));
		return -1;
	}
	v->watched = true;
	return 0;
}

/* The root environment is the first, and lives as long as xokd. */
static struct xok_env *root_environment(struct xokd *d)
{
	struct xok_env *e = environment(d, 0);

	if (e)
		return e;
	e = xok_root_env(d->xok, ROOT_PROGRAM);
	if (e)
		xok_root_run(d->xok, e, XOK_USER_LO, XOK_USER_LO);
	return e;
}

int envs_start_root(struct xokd *d)
{
	static const char arg[] = ROOT_PROGRAM;
	const struct program what = {arg, 1, sizeof(arg), arg};
	struct xok_env *e = root_environment(d);
	struct process *p;
	int program, rc;

	if (!e) {
		say("the kernel has no room for the root environment");
		return -1;
	}
	p = process_of(d, e->info->id);
	program = program_open(d, ROOT_PROGRAM);
	if (program < 0)
		return -1;
	rc = process_prepare(p);
	if (!rc) {
		rc = process_run(p, &what, program);
		if (rc)
			process_forget(p);
	}
	close(program);
	return rc ? -1 : 0;
}

void envs_stop(struct xokd *d)
{
	struct envs *v = d->envs;

	if (!v)
		return;
	v->stopping = true;
	for (uint32_t i = 0; i < XOK_NENV; i++) {
		kill_process(v->process[i].pidfd);
		process_forget(&v->process[i]);
	}
	if (v->watched) {
		loop_cancel(&v->again);
		loop_remove(&v->spawner_watch);
	}
	spawner_stop(&v->spawner);
	free(v);
	d->envs = NULL;
}
