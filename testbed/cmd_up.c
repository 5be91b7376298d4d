/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_up.c - amp testbed up and down: starting a supervisor and following it, and ending all that one has started. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"
#include "text.h"

/* ---- down ---- */

static bool gone_within(const struct state_process *p, uint64_t ns)
{
	for (uint64_t until = loop_now() + ns; loop_now() < until; usleep(10000))
		if (!state_alive(p))
			return true;
	return !state_alive(p);
}

/* By pid and start time, so a pid that was given to another process since is left alone. */
static int stop_processes(const char *dir, bool tell)
{
	struct state_process p[STATE_PROCESSES];
	uint32_t n = state_read(dir, p);
	bool gone = n && !state_alive(&p[0]);

	if (n && !gone) {
		kill(p[0].pid, SIGTERM);
		if (!gone_within(&p[0], 6000000000ull)) {
			kill(p[0].pid, SIGKILL);
			gone_within(&p[0], 1000000000ull);
		}
	}
	for (uint32_t i = 1; i < n; i++)
		if (state_alive(&p[i]))
			kill(p[i].pid, SIGKILL);
	for (uint32_t i = 0; i < n; i++)
		if (!gone_within(&p[i], 2000000000ull))
			return cmd_error("testbed", "%s (pid %d) does not end: kill it by hand",
					 p[i].name, (int)p[i].pid);
	state_clean(dir);
	if (tell && n)
		printf("%s is down%s\n", strrchr(dir, '/') + 1,
		       gone ? " (its supervisor was gone; what it left behind is cleared away)"
			    : "");
	else if (tell)
		printf("%s was not running\n", strrchr(dir, '/') + 1);
	return AMP_DONE;
}

int cmd_down(const char *which)
{
	char dir[STATE_DIR_MAX], err[STATE_ERROR];

	if (!state_find(which, dir, err))
		return cmd_error("testbed", "%s", err);
	return stop_processes(dir, true);
}

/* ---- up ---- */

volatile sig_atomic_t cmd_interrupted;

static void on_signal(int sig)
{
	cmd_interrupted = sig;
}

void cmd_catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal}; /* no SA_RESTART: poll must return */

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

void cmd_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The supervisor's process: a session of its own, nothing of the terminal, its words in supervisor.log. */
_Noreturn static void supervisor(struct sup_options *o, int report)
{
	char path[PATH_MAX];

	setsid();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	snprintf(path, sizeof(path), "%s/supervisor.log", o->dir);
	int null = open("/dev/null", O_RDWR), log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0) {
		dprintf(report, "E cannot write %s: %s\n", path, strerror(errno));
		_exit(1);
	}
	int high = fcntl(report, F_DUPFD_CLOEXEC, 16);
	if (high < 0 || dup2(high, 3) < 0 || close_range(4, ~0u, 0))
		_exit(1);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	setvbuf(stderr, NULL, _IOLBF, 0);
	o->report = 3;
	_exit(sup_run(o));
}

/* What came from the supervisor so far, and what it has told. */
struct reports {
	int fd;
	const struct topo *t;
	size_t have;
	bool ready, ended;
	char buf[4096];
};

static void report_line(struct reports *r, const char *line)
{
	if (line[0] == 'R') {
		printf("%s: %u node%s ready after %s s\n", r->t->name, r->t->nnode,
		       r->t->nnode == 1 ? " is" : "s are", line + 2);
		r->ready = true;
	} else if (line[0] == 'E') {
		fprintf(stderr, "amp testbed: %s\n", line + 2);
	} else {
		printf("%s\n", line + 2);
	}
	/* Nobody reads on, as with `| head`: the network comes up all the same. */
	if (ferror(stdout) && !freopen("/dev/null", "w", stdout))
		clearerr(stdout);
}

static void read_reports(struct reports *r)
{
	ssize_t n = recv(r->fd, r->buf + r->have, sizeof(r->buf) - r->have, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r->ended = n <= 0;
	r->have += n > 0 ? (size_t)n : 0;
	while ((end = memchr(r->buf, '\n', r->have))) {
		*end = 0;
		report_line(r, r->buf);
		r->have -= (size_t)(end + 1 - r->buf);
		memmove(r->buf, end + 1, r->have);
	}
	if (r->have == sizeof(r->buf))
		r->have = 0;
}

/*
 * Waits until all is ready (or, with to_the_end, for the end). A signal closes our writing end: the supervisor then
 * stops everything and closes its own when it is done, and only that ends the wait. Signals are let in by ppoll alone, so none is missed.
 */
static bool wait_ready(struct reports *r, bool to_the_end)
{
	bool told = false;
	sigset_t none;

	sigemptyset(&none);
	while (!r->ended && !(r->ready && !to_the_end && !told)) {
		struct pollfd p = {.fd = r->fd, .events = POLLIN};

		if (cmd_interrupted && !told) {
			fprintf(stderr, "amp testbed: taking %s down\n", r->t->name);
			shutdown(r->fd, SHUT_WR);
			told = true;
		}
		if (ppoll(&p, 1, NULL, &none) > 0)
			read_reports(r);
	}
	return r->ready && !told;
}

static int start(struct sup_options *o, bool foreground)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return cmd_error("testbed", "cannot make a socket: %s", strerror(errno));
	cmd_catch_signals();
	signal(SIGPIPE, SIG_IGN);
	cmd_block_signals();
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return cmd_error("testbed", "cannot fork: %s", strerror(errno));
	if (pid == 0) {
		close(pair[0]);
		supervisor(o, pair[1]);
	}
	close(pair[1]);
	struct reports r = {.fd = pair[0], .t = o->topo};
	bool ready = wait_ready(&r, false);
	if (ready && !foreground) {
		if (write(pair[0], "detach\n", 7) == 7)
			return AMP_DONE;
		ready = false;
	}
	if (ready) {
		printf("Ctrl-C takes %s down.\n", o->topo->name);
		wait_ready(&r, true);
	}
	close(pair[0]);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ready && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return AMP_DONE;
	fprintf(stderr, "amp testbed: %s is down; its logs are in %s\n", o->topo->name, o->dir);
	return AMP_FAILED;
}

/* The file that one which runs was made from; "": it does not say. */
static void file_of(const char *dir, char file[PATH_MAX])
{
	static struct control c;
	cJSON *rows = control_open(&c, dir) ? control_ask(&c, "-", "testbed") : NULL;

	snprintf(file, PATH_MAX, "%s", rows && rows->child ? member_text(rows->child, "file") : "");
	cJSON_Delete(rows);
	control_close(&c);
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* The name is taken. Of another file it was taken by mistake, and nothing must lead to the end of what works. */
static void name_is_taken(const char *verb, const char *dir, const char *name, const char *file,
			  int pid)
{
	bool router = !strcmp(verb, "router");
	char other[PATH_MAX];

	file_of(dir, other);
	if (*other && !same_file(other, file))
		cmd_error(verb,
			  "a %s named %s runs already (pid %d, from %s): give this one another "
			  "name (%s NAME in %s), or end that one first",
			  verb, name, pid, other, router ? "node" : "name:", file);
	else if (router)
		cmd_error(verb,
			  "%s is running already (pid %d): amp reload %s has it read its file "
			  "again, amp testbed down %s ends it",
			  name, pid, name, name);
	else
		cmd_error(verb, "%s is running already (pid %d): amp testbed down %s", name, pid,
			  name);
}

bool cmd_place_is_free(const char *verb, const char *dir, const char *name, const char *file)
{
	struct state_process p[STATE_PROCESSES];

	if (!state_read(dir, p))
		return true;
	if (state_alive(&p[0])) {
		if (name)
			name_is_taken(verb, dir, name, file, (int)p[0].pid);
		else
			cmd_error(verb,
				  "--state %s belongs to a testbed that is running (pid %d): take "
				  "that "
				  "down, or choose another directory",
				  dir, (int)p[0].pid);
		return false;
	}
	return stop_processes(dir, false) == AMP_DONE;
}

bool cmd_files_there(const char *verb, const char *data, const struct topo *t)
{
	static const struct {
		enum topo_kind kind;
		const char *path, *made_by;
	} need[] = {{TOPO_XOK, "xok.stripped", "make"},
		    {TOPO_XOK, "env/root.stripped", "make"},
		    {TOPO_XOK, "env/ee.stripped", "make"},
		    {TOPO_ROUTER, "xokd", "make router"},
		    {TOPO_ROUTER, "linux-env/init", "make router"},
		    {TOPO_ROUTER, "linux-env/ee", "make router"}};
	char path[PATH_MAX + 32];
	bool has[TOPO_NKIND] = {false};

	for (uint32_t i = 0; i < t->nnode; i++)
		has[t->node[i].kind] = true;
	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", data, need[i].path);
		if (has[need[i].kind] && access(path, R_OK))
			return cmd_error(verb, "%s is not there: build it with %s", path,
					 need[i].made_by),
			       false;
	}
	return true;
}

static int load(struct topo *t, const char *file, const char *data)
{
	char dir[PATH_MAX], caps[PATH_MAX];
	struct topo_error err;

	snprintf(dir, sizeof(dir), "%s", file);
	if (!text_path(caps, sizeof(caps), "%s/capsules", data))
		return AMP_FAILED;
	if (topo_read(t, file, &err) == 0 && topo_load_keys(t, dirname(dir), caps, &err) == 0)
		return AMP_DONE;
	if (err.line)
		return cmd_error("testbed", "%s:%zu:%zu: %s", file, err.line, err.column, err.text);
	return cmd_error("testbed", "%s: %s", file, err.text);
}

int cmd_up(const char *file, const char *state, struct sup_options *o, bool foreground)
{
	static struct topo t;
	char full[PATH_MAX], data[PATH_MAX], dir[STATE_DIR_MAX], self[PATH_MAX], err[STATE_ERROR];

	if (!cmd_data_dir("testbed", data, sizeof(data)))
		return AMP_FAILED;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0 || !realpath(file, full))
		return cmd_error("testbed", "%s: %s", file, strerror(errno));
	self[n] = 0;
	if (load(&t, file, data) || !cmd_files_there("testbed", data, &t))
		return AMP_FAILED;
	if (!state_dir(t.name, dir, err))
		return cmd_error("testbed", "%s", err);
	if (state && !state_usable(state, err))
		return cmd_error("testbed", "%s", err);
	if (!cmd_place_is_free("testbed", dir, t.name, full) ||
	    (state && !cmd_place_is_free("testbed", state, NULL, full)))
		return AMP_FAILED;
	if (!state_make(t.name, state, dir, err))
		return cmd_error("testbed", "%s", err);
	o->topo = &t;
	o->file = full;
	o->dir = dir;
	o->data = data;
	o->self = self;
	return start(o, foreground);
}
