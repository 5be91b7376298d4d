/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.c - the spawner's half that is xokd's, and the loop of the spawner itself.
 *
 * The spawner holds nothing but its socket. It ends when the socket does, and its processes end with it (PR_SET_PDEATHSIG).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_child.h"
#include "linux.h"

/* Of environments, and as many again whose end is not yet reaped. */
#define CHILDREN (2 * XOK_NENV)

struct loop_state {
	int sock;
	struct child_how how;
	struct {
		pid_t pid; /* 0: free */
		uint64_t token;
	} child[CHILDREN];
};

/* ---- messages with descriptors ---- */

static int put(int sock, const void *buf, size_t len, const int *fd, uint32_t nfd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfd) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(nfd * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fd, nfd * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* As recv; fd[] gets the descriptors that came, -1 where there is none. */
static ssize_t get(int sock, void *buf, size_t len, int fd[2], int flags)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	fd[0] = fd[1] = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n;
}

/* ---- the spawner ---- */

static void start(struct loop_state *l, const struct spawn_request *r, int program, int sock)
{
	struct spawn_event e = {.kind = SPAWN_FAILED, .token = r->token};
	int pidfd = -1;
	uint32_t i = 0;
	pid_t pid;

	while (i < CHILDREN && l->child[i].pid)
		i++;
	if (i == CHILDREN) {
		snprintf(e.text, sizeof(e.text), "too many processes have not ended yet");
		(void)put(l->sock, &e, sizeof(e), NULL, 0);
		return;
	}
	pid = child_start(&l->how, i, r, program, sock, &pidfd, e.text);
	if (pid > 0) {
		l->child[i].pid = pid;
		l->child[i].token = r->token;
		e.kind = SPAWN_STARTED;
	}
	(void)put(l->sock, &e, sizeof(e), &pidfd, pidfd >= 0);
	if (pidfd >= 0)
		close(pidfd);
}

static void reap(struct loop_state *l)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (uint32_t i = 0; i < CHILDREN; i++) {
			struct spawn_event e = {.kind = SPAWN_ENDED, .status = status};

			if (l->child[i].pid != pid)
				continue;
			e.token = l->child[i].token;
			l->child[i].pid = 0;
			(void)put(l->sock, &e, sizeof(e), NULL, 0);
		}
	}
}

/* False: xokd is gone. */
static bool serve(struct loop_state *l)
{
	struct spawn_request r;
	int fd[2];
	ssize_t n = get(l->sock, &r, sizeof(r), fd, 0);

	if (n == (ssize_t)sizeof(r) && fd[0] >= 0 && fd[1] >= 0)
		start(l, &r, fd[0], fd[1]);
	for (uint32_t i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return n > 0;
}

/* Says how processes are confined, or why they cannot be: the first event. */
static bool find_a_way(struct loop_state *l, bool unconfined)
{
	struct spawn_event e = {.kind = SPAWN_STARTED};
	bool found = child_find_a_way(&l->how, unconfined, e.text);

	if (!found)
		e.kind = SPAWN_FAILED;
	return !put(l->sock, &e, sizeof(e), NULL, 0) && found;
}

/* Environments have the processors that no lcore has, if there are any: one that never lets go would take half of an lcore's time. */
static void keep_off_lcores(const struct options *o)
{
	cpu_set_t rest;

	if (sched_getaffinity(0, sizeof(rest), &rest))
		return;
	for (uint32_t i = 0; i < o->nlcore; i++)
		CPU_CLR(o->lcore[i], &rest);
	if (CPU_COUNT(&rest))
		sched_setaffinity(0, sizeof(rest), &rest);
}

static _Noreturn void spawner(int sock, bool unconfined)
{
	struct loop_state l = {.sock = sock};
	struct pollfd p[2] = {{.fd = sock, .events = POLLIN}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t all;

	/* Signals from the terminal are for xokd, whose end is ours. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "xokd-spawner");
	p[1].fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p[1].fd < 0 || !find_a_way(&l, unconfined))
		_exit(1);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		while (read(p[1].fd, &info, sizeof(info)) > 0)
			;
		reap(&l);
		if (p[0].revents && !serve(&l))
			_exit(0);
	}
}

/* ---- xokd's half ---- */

/* What the first event says. */
static int first_word(struct spawner *s)
{
	struct spawn_event e;
	int fd[2];

	if (get(s->sock, &e, sizeof(e), fd, 0) != (ssize_t)sizeof(e)) {
		say("environments cannot be started: the process that starts them ended");
		return -1;
	}
	e.text[sizeof(e.text) - 1] = 0;
	if (e.kind != SPAWN_STARTED) {
		say("environments cannot be confined: %s. Start xokd as root, or let users make "
		    "namespaces (sysctl user.max_user_namespaces=10000), or, where what they run "
		    "is "
		    "trusted, say --unconfined",
		    e.text);
		return -1;
	}
	if (e.text[0])
		say("%s", e.text);
	return 0;
}

int spawner_start(struct spawner *s, const struct options *o)
{
	int pair[2];

	s->sock = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		say("environments cannot be started: no socket: %s", strerror(errno));
		return -1;
	}
	s->pid = fork();
	if (s->pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		/* What else is open is xokd's. */
		if (dup2(pair[1], 3) < 0 || close_range(4, ~0u, 0))
			_exit(1);
		fcntl(3, F_SETFD, FD_CLOEXEC);
		keep_off_lcores(o);
		spawner(3, o->unconfined);
	}
	close(pair[1]);
	s->sock = pair[0];
	if (s->pid > 0 && !first_word(s) && !fcntl(s->sock, F_SETFL, O_NONBLOCK))
		return 0;
	if (s->pid < 0)
		say("environments cannot be started: fork: %s", strerror(errno));
	spawner_stop(s);
	return -1;
}

void spawner_stop(struct spawner *s)
{
	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

int spawner_ask(struct spawner *s, const struct spawn_request *r, int program, int sock)
{
	const int fd[2] = {program, sock};

	return s->sock < 0 ? -1 : put(s->sock, r, sizeof(*r), fd, 2);
}

int spawner_event(struct spawner *s, struct spawn_event *e, int *pidfd)
{
	int fd[2];
	ssize_t n = get(s->sock, e, sizeof(*e), fd, MSG_DONTWAIT);

	*pidfd = fd[0];
	if (fd[1] >= 0)
		close(fd[1]);
	if (n == (ssize_t)sizeof(*e)) {
		e->text[sizeof(e->text) - 1] = 0;
		return 1;
	}
	if (fd[0] >= 0)
		close(fd[0]);
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
