/* SPDX-License-Identifier: BSD-2-Clause */
/* clang.c - finds the SDK and runs clang. */
#include "capsules/tool/clang.h"
#include "capsules/tool/common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool has_sdk(const char *dir)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/capsule/sdk.h", dir) < sizeof(path) &&
	       access(path, R_OK) == 0;
}

/*
 * The directory that holds capsule/sdk.h: $AMP_SDK; else, seen from the directory of this program and those above it, the
 * source tree's capsules/include or an installed share/amp/include.
 */
static bool find_sdk(char out[PATH_MAX])
{
	static const char *const below[] = {"capsules/include", "share/amp/include"};
	const char *env = getenv("AMP_SDK");
	char dir[PATH_MAX - 32];
	ssize_t n;

	if (env) {
		snprintf(out, PATH_MAX, "%s", env);
		return has_sdk(out);
	}
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (n <= 0)
		return false;
	dir[n] = 0;
	for (char *slash = strrchr(dir, '/'); slash; slash = strrchr(dir, '/')) {
		*slash = 0;
		for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
			snprintf(out, PATH_MAX, "%s/%s", dir, below[i]);
			if (has_sdk(out))
				return true;
		}
	}
	return false;
}

/*
 * What clang has to say, up to where it is about clang itself: its BPF back end ends with a stack dump when it meets what BPF
 * does not have. True when that came.
 */
static bool pass_on(FILE *said)
{
	static const char *const dump[] = {"fatal error: error in backend",
					   "PLEASE submit a bug report", "Stack dump:"};
	bool crashed = false;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, said) > 0) {
		for (size_t i = 0; i < sizeof(dump) / sizeof(dump[0]); i++)
			crashed = crashed || strncmp(line, dump[i], strlen(dump[i])) == 0;
		if (!crashed)
			fputs(line, stderr);
	}
	free(line);
	return crashed;
}

/* Starts clang with its standard error in a pipe: 0, or what posix_spawnp says. */
static int start(char **argv, pid_t *pid, FILE **said)
{
	posix_spawn_file_actions_t actions;
	int pipes[2], e;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return errno;
	*said = fdopen(pipes[0], "r");
	e = *said ? posix_spawn_file_actions_init(&actions) : errno;
	if (e == 0) {
		e = posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
		if (e == 0)
			e = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(pipes[1]);
	if (e != 0 && *said)
		fclose(*said);
	else if (e != 0)
		close(pipes[0]);
	return e;
}

static bool run(char **argv, const char *source)
{
	int status, e;
	bool crashed;
	FILE *said = NULL;
	pid_t pid = -1;

	e = start(argv, &pid, &said);
	if (e == ENOENT) {
		tool_error("build", "clang is not installed; run: apt-get install clang");
		return false;
	}
	if (e != 0) {
		tool_error("build", "cannot run %s: %s", argv[0], strerror(e));
		return false;
	}
	crashed = pass_on(said);
	fclose(said);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (crashed)
		tool_error("build",
			   "%s does not compile: it needs what BPF does not have, such as a signed "
			   "division or remainder: use unsigned types",
			   source);
	else
		tool_error("build", "%s does not compile", source);
	return false;
}

bool clang_compile(const char *source, const char *object)
{
	char sdk[PATH_MAX];
	char *argv[] = {
		(char *)"clang",
		(char *)"-O2",
		(char *)"-g",
		(char *)"-target",
		(char *)"bpf",
		(char *)"-mcpu=v3",
		(char *)"-std=gnu11",
		(char *)"-ffreestanding",
		(char *)"-nostdlibinc", /* no C library: its headers are not found */
		(char *)"-fno-crash-diagnostics",
		(char *)(isatty(STDERR_FILENO) ? "-fcolor-diagnostics" : "-fno-color-diagnostics"),
		(char *)"-ffunction-sections",
		(char *)"-fdata-sections",
		(char *)"-Wall",
		(char *)"-Wextra",
		(char *)"-Werror=return-type", /* else the verifier says it, less clearly */
		(char *)"-I",
		sdk,
		(char *)"-c",
		(char *)"-o",
		(char *)object,
		(char *)source,
		NULL};

	if (!find_sdk(sdk)) {
		tool_error("build", "capsule/sdk.h is not found; set AMP_SDK to the directory that "
				    "holds it");
		return false;
	}
	/* clang would say this less clearly. */
	if (access(source, R_OK) != 0) {
		tool_error("build", "%s: cannot open it: %s", source, strerror(errno));
		return false;
	}
	return run(argv, source);
}
