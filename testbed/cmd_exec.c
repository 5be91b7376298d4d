/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_exec.c - amp testbed exec: a program in the namespaces of a host. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"

enum { CANNOT_RUN = 126, NOT_FOUND = 127, BY_SIGNAL = 128 }; /* as env(1) and shells have it */

static bool same_namespace(pid_t pid, const char *which)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", which);
	if (stat(path, &ours))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, which);
	return stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

/* Joins all of the process's namespaces, the user's only when it is another: one cannot join one's own. */
static bool join(pid_t pid)
{
	int flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (!same_namespace(pid, "user"))
		flags |= CLONE_NEWUSER;
	int rc = fd < 0 ? -1 : setns(fd, flags);
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return rc == 0;
}

/* The working directory is looked up again among the host's mounts; where that fails, / it is. */
static void keep_directory(const char *cwd)
{
	if (*cwd && chdir(cwd) == 0)
		return;
	if (chdir("/"))
		_exit(CANNOT_RUN);
}

static volatile pid_t running;

static void pass_on(int sig)
{
	kill(running, sig);
}

/*
 * Ctrl-C and Ctrl-\ reach the program from the terminal, as it is in our process group: here they are ignored. Others are passed on.
 */
static int wait_for(pid_t pid)
{
	struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	int status;

	running = pid;
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return AMP_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
}

static int run_in(const char *node, pid_t pid, char **command)
{
	char cwd[PATH_MAX];

	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = 0;
	if (!join(pid))
		return cmd_error("testbed", "cannot join %s (pid %d): %s%s", node, (int)pid,
				 strerror(errno),
				 errno == EPERM ? "; only root and who started it may" : "");
	fflush(NULL);
	pid_t child = fork(); /* a pid namespace is joined by children only */
	if (child < 0)
		return cmd_error("testbed", "cannot fork: %s", strerror(errno));
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		keep_directory(cwd);
		execvp(command[0], command);
		cmd_error("testbed", "%s: cannot run %s: %s", node, command[0], strerror(errno));
		_exit(errno == ENOENT ? NOT_FOUND : CANNOT_RUN);
	}
	return wait_for(child);
}

int cmd_exec(const char *which, const char *node, char **command)
{
	static struct control c;
	struct places p;

	if (!places_open(&c, which, node))
		return cmd_error("testbed", "%s", c.err);
	if (!places_read(&c, &p))
		return cmd_error("testbed", "%s", c.err);
	const cJSON *o = places_node(&c, &p, node);
	pid_t pid = (pid_t)member_number(o, "pid");
	bool inside = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "namespaces"));
	int rc = AMP_DONE;

	if (!o)
		rc = cmd_error("testbed", "%s", c.err);
	else if (!inside)
		rc = cmd_error(
			"testbed",
			"%s is a node of kind %s, in which no programs of Linux run: exec is for "
			"hosts, and for routers with 'mirror: true'",
			node, member_text(o, "kind"));
	else if (!pid)
		rc = cmd_error("testbed", "node %s has ended: see amp testbed log", node);
	places_free(&p);
	control_close(&c);
	return rc ? rc : run_in(node, pid, command);
}
