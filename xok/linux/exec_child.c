/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_child.c - a child of the spawner: cloned into its namespaces, given its users by the parent, confined by itself, then the program. What fails on
 * the way it writes to a pipe that closes by itself when it has become the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_child.h"

#define FORK_MEMORY (64u << 20)

struct failure {
	char step[64];
	int error;
};

/* ---- the child ---- */

static _Noreturn void fail(const char *step)
{
	struct failure f = {.error = errno};

	snprintf(f.step, sizeof(f.step), "%s", step);
	(void)!write(CONFINE_STATUS, &f, sizeof(f));
	_exit(126);
}

/*
 * Brings the descriptors to where they belong and closes all others. Those it has now are small numbers, and so are those it makes: the spawner has
 * few.
 */
static const char *place(int program, int sock, int status, int go)
{
	int null;

	if (dup3(status, CONFINE_STATUS, O_CLOEXEC) < 0)
		return NULL; /* nobody can be told */
	if (dup3(sock, CONFINE_STATUS + 1, O_CLOEXEC) < 0 ||
	    dup3(go, CONFINE_STATUS + 2, O_CLOEXEC) < 0)
		return "descriptors";
	if (program >= 0 && dup3(program, CONFINE_PROGRAM, O_CLOEXEC) < 0)
		return "the program's descriptor";
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return "/dev/null";
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return "descriptors";
	if (dup2(CONFINE_STATUS + 1, XL_FD) < 0)
		return "the socket";
	if (close_range(XL_FD + 1, CONFINE_PROGRAM - 1, 0) ||
	    close_range(CONFINE_STATUS + 3, ~0u, 0))
		return "closing descriptors";
	close(CONFINE_STATUS + 1);
	return "";
}

/* argv of the request, whose strings were checked by who asked. */
static void arguments(const struct spawn_request *r, const char *argv[XL_ARGS + 1])
{
	const char *at = r->arg, *end = r->arg + r->arg_bytes;

	for (uint32_t i = 0; i < r->argc && at < end; i++) {
		argv[i] = at;
		at += strnlen(at, (size_t)(end - at)) + 1;
	}
}

static unsigned user_of(const struct child_how *how, uint32_t n)
{
	return how->root ? CONFINE_USERS + n : 0;
}

static _Noreturn void child(const struct child_how *how, uint32_t n, const struct spawn_request *r,
			    int program, int sock, const int status[2], const int go[2])
{
	const struct confinement c = {how->how, user_of(how, n), r ? r->memory : FORK_MEMORY};
	const char *argv[XL_ARGS + 1] = {NULL}, *envp[1] = {NULL}, *wrong;
	struct pollfd alive = {.fd = CONFINE_STATUS};
	char byte;

	close(status[0]);
	close(go[1]);
	wrong = place(program, sock, status[1], go[0]);
	if (!wrong)
		_exit(126);
	if (*wrong)
		fail(wrong);
	if (read(CONFINE_STATUS + 2, &byte, 1) != 1)
		_exit(126); /* the parent gave up, or is gone */
	close(CONFINE_STATUS + 2);
	wrong = confine_self(&c);
	if (wrong)
		fail(wrong);
	/* When the spawner ends from here on we do; had it ended before, nobody would have the pipe's other end. */
	if (poll(&alive, 1, 0) > 0)
		_exit(126);
	if (!r)
		_exit(0);
	arguments(r, argv);
	if (confine_calls(&how->filter))
		fail("the filter of system calls");
	syscall(SYS_execveat, CONFINE_PROGRAM, "", argv, envp, AT_EMPTY_PATH);
	/* Not `fail`: what it calls may be filtered. */
	struct failure f = {.step = "running the program", .error = errno};
	(void)!write(CONFINE_STATUS, &f, sizeof(f));
	_exit(126);
}

/* ---- the parent ---- */

static pid_t clone_child(uint64_t flags, int *pidfd)
{
	struct clone_args a = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

/* Lets the child go on and hears what becomes of it; true: it is the program now. */
static bool see_through(const struct child_how *how, unsigned user, pid_t pid, int status, int go,
			char text[128])
{
	struct failure f;
	ssize_t n;

	if (how->how == CONFINE_USER && confine_map_users(pid, user)) {
		snprintf(text, 128, "mapping its users: %s", strerror(errno));
		return false;
	}
	if (write(go, "", 1) != 1) {
		snprintf(text, 128, "it ended before it began");
		return false;
	}
	do
		n = read(status, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	f.step[sizeof(f.step) - 1] = 0;
	snprintf(text, 128, "%s: %s", f.step, strerror(f.error));
	return false;
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

pid_t child_start(const struct child_how *how, uint32_t n, const struct spawn_request *r,
		  int program, int sock, int *pidfd, char text[128])
{
	int status[2], go[2];
	bool ok = false;
	pid_t pid;

	*pidfd = -1;
	if (pipe2(status, O_CLOEXEC)) {
		snprintf(text, 128, "no pipe: %s", strerror(errno));
		return -1;
	}
	if (pipe2(go, O_CLOEXEC)) {
		snprintf(text, 128, "no pipe: %s", strerror(errno));
		close_pair(status);
		return -1;
	}
	pid = clone_child(confine_clone_flags(how->how), pidfd);
	if (pid == 0)
		child(how, n, r, program, sock, status, go);
	if (pid < 0) {
		snprintf(text, 128, "a process with namespaces of its own: %s", strerror(errno));
	} else {
		close(status[1]);
		status[1] = -1;
		ok = see_through(how, user_of(how, n), pid, status[0], go[1], text);
		if (!ok) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
	close_pair(status);
	close_pair(go);
	if (!ok && *pidfd >= 0) {
		close(*pidfd);
		*pidfd = -1;
	}
	return ok ? pid : -1;
}

bool child_find_a_way(struct child_how *how, bool unconfined, char text[128])
{
	static const enum confine_how way[] = {CONFINE_USER, CONFINE_ROOT, CONFINE_NONE};

	how->root = geteuid() == 0;
	if (confine_filter(&how->filter)) {
		snprintf(text, 128, "no filter of system calls can be made");
		return false;
	}
	for (unsigned i = 0; i < sizeof(way) / sizeof(way[0]); i++) {
		int pidfd = -1;
		pid_t pid;

		if ((way[i] == CONFINE_ROOT && !how->root) ||
		    (way[i] == CONFINE_NONE && !unconfined))
			continue;
		how->how = way[i];
		pid = child_start(how, 0, NULL, -1, STDIN_FILENO, &pidfd, text);
		if (pid < 0)
			continue;
		close(pidfd);
		waitpid(pid, NULL, 0);
		text[0] = 0;
		if (way[i] == CONFINE_NONE)
			snprintf(text, 128,
				 "environments run without namespaces of their own (--unconfined)");
		return true;
	}
	return false;
}
