/* SPDX-License-Identifier: BSD-2-Clause */
/* nodes.c - the processes of a testbed: the files and consoles they start with, how they start and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "host.h"
#include "supervisor.h"
#include "text.h"

#define STOP_NS 2000000000ull	  /* a node has this long to end by itself */
#define FAREWELL_NS 1000000000ull /* a router that was asked, before it is told */
#define IMAGE_MAX (16u << 20)
#define FIFO_BYTES (1 << 20)

/* ---- files a node starts from ---- */

int node_conf(struct node *n, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s.conf", n->sup->opt->dir, n->conf->name);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	const struct router *r = n->sup->opt->router;
	if (r)
		fwrite(r->commands, 1, r->len, f);
	else
		topo_write_conf(n->sup->topo, n->index, f);
	bool good = !ferror(f);
	return fclose(f) == 0 && good ? 0 : -1;
}

static int add_file(FILE *out, const char *name, const char *path)
{
	size_t len;
	char *data = text_file(path, IMAGE_MAX, &len);

	if (!data)
		return -1;
	int rc = archive_add(out, name, data, len);
	int saved = errno;
	free(data);
	errno = saved;
	return rc;
}

int node_archive(struct node *n, char path[PATH_MAX])
{
	const struct sup_options *o = n->sup->opt;
	char root[PATH_MAX], ee[PATH_MAX], conf[PATH_MAX];

	snprintf(conf, sizeof(conf), "%s/%s.conf", o->dir, n->conf->name);

	snprintf(path, PATH_MAX, "%s/%u.boot", o->dir, n->index);
	snprintf(root, sizeof(root), "%s/env/root.stripped", o->data);
	snprintf(ee, sizeof(ee), "%s/env/ee.stripped", o->data);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	int rc = 0;
	const char *file[][2] = {{"init", root}, {"ee", ee}, {"node.conf", conf}};

	for (int i = 0; i < 3 && !rc; i++)
		if ((rc = add_file(f, file[i][0], file[i][1])))
			sup_error(n->sup, "%s: cannot put %s into its boot archive: %s%s",
				  n->conf->name, file[i][1], strerror(errno),
				  errno == ENOENT ? "; build it with make" : "");
	if (!rc && (rc = archive_end(f)))
		sup_error(n->sup, "%s: cannot write %s: %s", n->conf->name, path, strerror(errno));
	fclose(f);
	return rc;
}

/* ---- consoles ---- */

/* Our ends of a console, to read from and to write to, and the child's (-1: it opens files by name). */
struct console {
	int ours[2], theirs;
};

/* Both ends at once, so that neither waits for the other and nothing that is written early is lost. */
static int open_fifo(const char *path)
{
	if (mkfifo(path, 0600))
		return -1;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		fcntl(fd, F_SETPIPE_SZ, FIFO_BYTES); /* less will do when the user has no more */
	return fd;
}

/*
 * QEMU writes a serial port's output byte by byte. A socket takes about 300 such writes until its reader runs, and a guest cannot
 * wait for ever; a FIFO takes as many as it has bytes. xokd keeps to the same form.
 */
static int named_console(struct node *n, const char *name, struct console *c)
{
	char path[PATH_MAX];

	c->theirs = -1;
	snprintf(path, sizeof(path), "%s/%u.%s.out", n->sup->opt->dir, n->index, name);
	c->ours[0] = open_fifo(path);
	snprintf(path, sizeof(path), "%s/%u.%s.in", n->sup->opt->dir, n->index, name);
	c->ours[1] = open_fifo(path);
	return c->ours[0] < 0 || c->ours[1] < 0 ? -1 : 0;
}

static int inherited_console(struct console *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	c->ours[0] = c->ours[1] = pair[0];
	c->theirs = pair[1];
	return 0;
}

/* ---- lifelines ---- */

/* A message is a TAP and its port, from a host that comes up. Nothing else is said; the end of the stream is the process's end. */
static void lifeline_in(void *arg, uint32_t events)
{
	struct node *n = arg;
	uint8_t port;
	int fd;
	ssize_t got = host_receive(n->lifeline.fd, &port, &fd);

	(void)events;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		watch_close(&n->lifeline);
		close(n->lifeline.fd);
	} else if (links_tap(n, port, fd)) {
		sup_error(n->sup, "%s: its port %u cannot be used: %s", n->conf->name, port,
			  strerror(errno));
		close(fd);
	}
}

static int lifeline_open(struct node *n, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	*theirs = pair[1];
	return watch_open(&n->sup->loop, &n->lifeline, pair[0], EPOLLIN, lifeline_in, n);
}

/* ---- processes ---- */

#define INSIDE (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

/* What a child starts with: descriptors of ours (-1: not this one) that become 3, 4 and 5. */
struct start {
	const struct command *command;
	pid_t supervisor;
	int theirs[3]; /* people, control, lifeline */
	int said;      /* standard error; -1: the log */
	unsigned long namespaces;
};

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* A plain user becomes root of the namespaces that he has made, and of nothing else: user_namespaces(7). */
static bool become_root(uid_t uid, gid_t gid)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_file("/proc/self/gid_map", map);
}

/* Who reads standard error wants levels in front of lines, and is told from others as the journal is: systemd.exec(5). */
static void be_the_journal(void)
{
	struct stat st;
	char stream[64];

	if (fstat(2, &st))
		return;
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

/*
 * In the child. It dies with the supervisor whatever happens to that; a supervisor that died before prctl is
 * noticed by the parent's pid, or in a pid namespace, where that cannot be seen, by the end of the lifeline. Signals go back to
 * their defaults: the supervisor blocks the ones it reads.
 */
_Noreturn static void child(struct node *n, const struct start *s, uid_t uid, gid_t gid)
{
	const struct command *c = s->command;
	int high[3];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0 || dup2(n->log, 1) < 0 ||
	    dup2(s->said < 0 ? n->log : s->said, 2) < 0)
		_exit(126);
	if (s->said >= 0)
		be_the_journal();
	if ((s->namespaces & CLONE_NEWUSER) && !become_root(uid, gid)) {
		dprintf(2, "cannot become root of its namespaces: %s\n", strerror(errno));
		_exit(126);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || (!s->namespaces && getppid() != s->supervisor))
		_exit(126);
	/* Our ends may stand where 3, 4 and 5 must go: move them out of the way first. */
	for (int i = 0; i < 3; i++)
		high[i] = s->theirs[i] < 0 ? -1 : fcntl(s->theirs[i], F_DUPFD, 16);
	close_range(3, 15, 0);
	for (int i = 0; i < 3; i++)
		if (s->theirs[i] >= 0 && dup2(high[i], 3 + i) < 0)
			_exit(126);
	if (close_range(6, ~0u, 0))
		_exit(126);
	execvp(c->argv[0], c->argv);
	dprintf(2, "cannot run %s: %s%s\n", c->argv[0], strerror(errno),
		errno == ENOENT && n->conf->kind == TOPO_XOK
			? "; install it: apt-get install qemu-system-x86"
			: "");
	_exit(127);
}

static int open_log(struct node *n, const char *what)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.%s", n->sup->opt->dir, n->conf->name, what);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* As fork does, into new namespaces. */
static pid_t fork_into(unsigned long namespaces)
{
	return (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int open_consoles(struct node *n, struct console *people, struct console *control)
{
	if (node_inherits_consoles(n))
		return inherited_console(people) || inherited_console(control) ? -1 : 0;
	return named_console(n, "people", people) || named_console(n, "control", control) ? -1 : 0;
}

/* The kernel of `amp router` has our ear. It must not wait for it: lines that do not fit are lost to the log. */
static int open_said(struct node *n, int *theirs)
{
	int pair[2];

	if (!n->sup->opt->router)
		return 0;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK))
		return -1;
	*theirs = pair[1];
	return said_open(n, pair[0]);
}

static int spawn(struct node *n, const struct command *c)
{
	struct console people = {.theirs = -1}, control = {.theirs = -1};
	struct start s = {.command = c, .supervisor = getpid(), .theirs = {-1, -1, -1}, .said = -1};
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (open_consoles(n, &people, &control) || open_said(n, &s.said))
		return -1;
	if (node_is_inside(n)) {
		s.namespaces = INSIDE | (uid ? CLONE_NEWUSER : 0);
		if (lifeline_open(n, &s.theirs[2]))
			return -1;
	}
	s.theirs[0] = people.theirs;
	s.theirs[1] = control.theirs;
	n->pid = fork_into(s.namespaces);
	if (n->pid == 0)
		child(n, &s, uid, gid);
	int saved = errno;
	for (int i = 0; i < 3; i++)
		if (s.theirs[i] >= 0)
			close(s.theirs[i]);
	if (s.said >= 0)
		close(s.said);
	errno = saved;
	if (n->pid < 0) {
		n->pid = 0;
		return -1;
	}
	setpgid(n->pid, n->pid);
	n->start = state_start_time(n->pid);
	n->started_at = loop_now();
	return mux_node(n, people.ours, control.ours);
}

static const char *advice(const struct node *n)
{
	if (!node_is_inside(n) || (errno != EPERM && errno != ENOSPC && errno != EINVAL))
		return "";
	return geteuid()
		       ? "; this kind of node needs network namespaces: run amp as root, or allow "
			 "them to users with sysctl -w kernel.unprivileged_userns_clone=1 "
			 "user.max_user_namespaces=10000"
		       : "; this kind of node needs network namespaces, which this root may not "
			 "make";
}

int node_start(struct node *n)
{
	char conf[PATH_MAX];
	struct command c;

	n->log = open_log(n, "log");
	n->events = open_log(n, "events");
	if (n->log < 0 || n->events < 0 || node_conf(n, conf)) {
		sup_error(n->sup, "%s: cannot write to %s: %s", n->conf->name, n->sup->opt->dir,
			  strerror(errno));
		return -1;
	}
	if (command_make(n, &c))
		return -1;
	int rc = spawn(n, &c);
	if (rc)
		sup_error(n->sup, "%s: cannot start its process: %s%s", n->conf->name,
			  strerror(errno), advice(n));
	command_free(&c);
	return rc;
}

const char *node_status_text(const struct node *n, char *buf, size_t size)
{
	bool xok = n->conf->kind == TOPO_XOK;
	int status = WIFEXITED(n->status) ? WEXITSTATUS(n->status) : -1;

	if (WIFSIGNALED(n->status))
		snprintf(buf, size, "killed by signal %d (%s)", WTERMSIG(n->status),
			 strsignal(WTERMSIG(n->status)));
	else if (xok && status == 255)
		snprintf(buf, size, "kernel panic");
	else if (status == 0)
		snprintf(buf, size, "powered off");
	else
		snprintf(buf, size, "ended with status %d", status);
	return buf;
}

static void ended(struct node *n, int status)
{
	n->pid = 0;
	n->status = status;
	n->state = NODE_ENDED;
	if (n->lifeline.loop) {
		watch_close(&n->lifeline);
		close(n->lifeline.fd);
	}
	links_untap(n);
	mux_node_ended(n);
}

void nodes_reap(struct sup *s)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (uint32_t i = 0; i < s->topo->nnode; i++)
			if (s->node[i].pid == pid)
				ended(&s->node[i], status);
}

static uint32_t signal_all(struct sup *s, int sig)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->topo->nnode; i++)
		if (s->node[i].pid) {
			n++;
			if (sig)
				kill(-s->node[i].pid, sig);
		}
	return n;
}

/* It ends, or will not. */
static void farewell_answer(void *arg, const char *rest)
{
	struct node *n = arg;

	n->leaving = n->leaving && *rest != '!';
}

static bool any_leaving(const struct sup *s)
{
	for (uint32_t i = 0; i < s->topo->nnode; i++)
		if (s->node[i].leaving && s->node[i].pid)
			return true;
	return false;
}

/*
 * RFC 4861 6.2.5: hosts hear from a router that it is none any more, which it does when its environment ends by itself. Frames go on their way meanwhile; whoever is
 * in a hurry says so with another signal.
 */
static void farewell(struct sup *s)
{
	uint64_t until = loop_now() + FAREWELL_NS;

	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		struct node *n = &s->node[i];

		n->leaving = n->conf->kind == TOPO_ROUTER && n->state == NODE_READY && !n->lost_at;
		if (n->leaving && !mux_ask(n, "poweroff", farewell_answer, n))
			n->leaving = false;
	}
	while (!s->hurried && any_leaving(s) && loop_now() < until) {
		uint64_t next = links_run(s);

		loop_step(&s->loop, next < until ? next : until);
	}
}

void nodes_stop(struct sup *s)
{
	farewell(s);
	uint64_t until = loop_now() + STOP_NS;
	bool killed = false;

	signal_all(s, SIGTERM);
	for (;;) {
		nodes_reap(s);
		if (!signal_all(s, 0))
			return;
		if (!killed && loop_now() > until) {
			signal_all(s, SIGKILL);
			killed = true;
		}
		usleep(10000);
	}
}
