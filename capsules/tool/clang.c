/* SPDX-License-Identifier: BSD-2-Clause */
/* clang.c - finds the SDK and runs clang. */
#include "capsules/tool/clang.h"
#include "capsules/tool/common.h"

#include <errno.h>
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

static bool run(char **argv, const char *source)
{
	int status, e;
	pid_t pid;

	e = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (e == ENOENT) {
		tool_error("build", "clang is not installed; run: apt-get install clang");
		return false;
	}
	if (e != 0) {
		tool_error("build", "cannot run %s: %s", argv[0], strerror(e));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	tool_error("build", "%s does not compile", source);
	return false;
}

bool clang_compile(const char *source, const char *object)
{
	char sdk[PATH_MAX];
	char *argv[] = {(char *)"clang",
			(char *)"-O2",
			(char *)"-g",
			(char *)"-target",
			(char *)"bpf",
			(char *)"-mcpu=v3",
			(char *)"-std=gnu11",
			(char *)"-ffreestanding",
			(char *)"-ffunction-sections",
			(char *)"-fdata-sections",
			(char *)"-Wall",
			(char *)"-Wextra",
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
