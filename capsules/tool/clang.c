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
#include <sys/stat.h>
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

/* The directory that holds xok/helpers.def: the same one where it is installed, or the source tree's xok/include. */
static bool find_xok(const char *sdk, char out[PATH_MAX])
{
	static const char *const beside[] = {"", "/../../xok/include"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		char dir[PATH_MAX];

		if ((size_t)snprintf(dir, sizeof(dir), "%s%s", sdk, beside[i]) < sizeof(dir) &&
		    realpath(dir, out) &&
		    (size_t)snprintf(path, sizeof(path), "%s/xok/helpers.def", out) <
			    sizeof(path) &&
		    access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* What clang says of BPF, and what a programmer can do about it. Where `cut` is given the line ends before it. */
struct advice {
	const char *said, *cut, *todo;
};

#define NETWORK_HEADERS                                                                 \
	"there are no system headers: declare the structures that you need; htons and " \
	"ntohs are __builtin_bswap16, htonl and ntohl __builtin_bswap32"

static const struct advice advices[] = {
	{"BPF stack limit of 512 bytes is exceeded", " Please move",
	 "the local variables of a function have room for 512 octets; a large one can be a static "
	 "array, or in a handler a table (XOK_ARRAY)"},
	{"A call to built-in function 'mem", NULL,
	 "there is no C library: clang writes copies of up to 128 octets of constant length out, "
	 "others need a loop of your own (a handler also has the helper vector)"},
	{"A call to built-in function", NULL,
	 "BPF has no such operation: no floating point, and no integers of more than 64 bits"},
	{"signed division", NULL, "use unsigned types: BPF divides them only"},
	{"dynamic stack allocation", NULL,
	 "give the array a constant length: the largest that it can have"},
	{"incompatible pointer to integer conversion", NULL,
	 "a pointer is no number here: call a function with (), and read memory with * or []"},
	{"incompatible integer to pointer conversion", NULL,
	 "a number is no pointer here: memory is reached through the context, variables and "
	 "tables"},
	{"implicit declaration of function", NULL,
	 "there is no C library; amp vm helpers lists what a program may call"},
	{"variable length array used", NULL,
	 "give the array a constant length: the largest that it can have"},
	{"'arpa/inet.h' file not found", NULL, NETWORK_HEADERS},
	{"'netinet/", NULL, NETWORK_HEADERS},
	{"'net/", NULL, NETWORK_HEADERS},
	{"'linux/", NULL, NETWORK_HEADERS},
	{"struct xok_table_handle' to parameter", NULL,
	 "write & before the name of a table: helpers take its address"},
	{"' file not found", NULL,
	 "there is no C library, only the headers of the compiler (stdint.h, stddef.h, stdbool.h)"},
	{"used uninitialized", NULL, "give the variable a value on every path"},
	{"is uninitialized when used", NULL, "give the variable a value on every path"},
	{"too many args to", NULL, "a function that is not inlined takes at most five arguments"},
	{"stack arguments are not supported", NULL,
	 "a function that is not inlined takes at most five arguments"},
	{"variadic functions are not supported", NULL,
	 "give the function a fixed list of arguments"},
	{"VarArgs or StructRet are not supported", NULL,
	 "a function that is not inlined returns at most 16 octets: pass it the address of a "
	 "structure to fill in"},
	{"does not return a value", NULL, "end every path with a return"},
};

/* A line that says nothing about the program, or what a program cannot help. */
static bool is_noise(const char *line)
{
	return strstr(line, "could not determine the original source location") != NULL;
}

/* What was heard of clang. */
struct said {
	const char *
		todo; /* the advice that fits the first of its lines that there is one for, or NULL */
	bool crashed; /* it ended with a stack dump, as its BPF back end does when it meets what BPF does not have */
	char why[120]; /* then its reason, and the function; may be "" */
	char function[80];
};

/* The text behind `mark`, up to one of the characters of `end`, when the line has it. */
static void pick(const char *line, const char *mark, const char *end, char *out, size_t size)
{
	const char *s = strstr(line, mark);

	if (s && out[0] == 0) {
		s += strlen(mark);
		snprintf(out, size, "%.*s", (int)strcspn(s, end), s);
	}
}

/* The advice for a line; the line is cut where what follows would mislead. */
static void advise(char *line, struct said *said)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		const struct advice *a = &advices[i];
		char *cut = a->cut ? strstr(line, a->cut) : NULL;

		if (!strstr(line, a->said))
			continue;
		if (!said->todo)
			said->todo = a->todo;
		if (cut)
			strcpy(cut, "\n");
	}
}

/*
 * "Error at line 2: Unsupport signed division for DAG: 0x16: i32 = sdiv ..., x.c:2:52Please convert ..." as clang says the rest: the place first.
 */
static void tell_division(char *line)
{
	char *end = strstr(line, "Unsupport signed division") ? strstr(line, "Please convert")
							      : NULL;
	char *place, text[400];

	if (!end)
		return;
	*end = 0;
	place = strrchr(line, ' ');
	snprintf(text, sizeof(text), "%s: error: BPF has no signed division\n",
		 place ? place + 1 : "");
	if (strlen(text) <= strlen(line))
		strcpy(line, text);
}

/* Passes on what clang has to say, up to where it is about clang itself. */
static void pass_on(FILE *from, struct said *said)
{
	static const char *const dump[] = {"fatal error: error in backend",
					   "PLEASE submit a bug report", "Stack dump:"};
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0) {
		for (size_t i = 0; i < sizeof(dump) / sizeof(dump[0]); i++)
			said->crashed |= strncmp(line, dump[i], strlen(dump[i])) == 0;
		advise(line, said);
		tell_division(line);
		if (said->crashed) {
			pick(line, "error in backend: ", ":\n", said->why, sizeof(said->why));
			pick(line, "on function '@", "'\n", said->function, sizeof(said->function));
		} else if (!is_noise(line)) {
			fputs(line, stderr);
		}
	}
	free(line);
}

/* That it does not compile: where, when clang did not say it, and what to do. */
static bool explain_said(const char *verb, const char *source, const struct said *said)
{
	/* What an instruction selector cannot select is in its own words. */
	bool obscure = said->why[0] == 0 || strncmp(said->why, "Cannot select", 13) == 0;
	const char *todo = said->todo;

	if (said->function[0] != 0)
		tool_error(verb, "%s does not compile: in function '%s'%s%s", source,
			   said->function, obscure ? "" : ": ", obscure ? "" : said->why);
	else
		tool_error(verb, "%s does not compile", source);
	if (!todo && said->crashed)
		todo = "it needs what BPF does not have";
	if (todo)
		fprintf(stderr, "  what to do: %s\n", todo);
	return false;
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

static bool run(const char *verb, char **argv, const char *source)
{
	struct said said = {.todo = NULL};
	FILE *from = NULL;
	pid_t pid = -1;
	int status, e;

	e = start(argv, &pid, &from);
	if (e == ENOENT) {
		tool_error(verb, "clang is not installed; run: apt-get install clang");
		return false;
	}
	if (e != 0) {
		tool_error(verb, "cannot run %s: %s", argv[0], strerror(e));
		return false;
	}
	pass_on(from, &said);
	fclose(from);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return explain_said(verb, source, &said);
}

bool clang_compile(const char *verb, const char *source, const char *object)
{
	char sdk[PATH_MAX], xok[PATH_MAX], path[PATH_MAX] = "";
	struct stat st;
	char *argv[] = {
		(char *)"clang", (char *)"-O2", (char *)"-g", (char *)"-target", (char *)"bpf",
		(char *)"-mcpu=v3", (char *)"-std=gnu11", (char *)"-ffreestanding",
		(char *)"-nostdlibinc", /* no C library: its headers are not found */
		(char *)"-fno-crash-diagnostics",
		(char *)(isatty(STDERR_FILENO) ? "-fcolor-diagnostics" : "-fno-color-diagnostics"),
		(char *)"-ffunction-sections", (char *)"-fdata-sections", (char *)"-Wall",
		(char *)"-Wextra",
		/* Else the verifier says it, less clearly, or clang makes of it what it likes. */
		(char *)"-Werror=return-type", (char *)"-Werror=uninitialized",
		(char *)"-Werror=sometimes-uninitialized",
		(char *)"-Werror=implicit-function-declaration", (char *)"-Werror=vla",
		(char *)"-Werror=int-conversion",
		(char *)"-isystem", /* what a macro of theirs expands to is not shown */
		sdk, (char *)"-isystem", xok, (char *)"-c", (char *)"-o", (char *)object,
		source[0] == '-' ? path : (char *)source, NULL};

	if (!find_sdk(sdk) || !find_xok(sdk, xok)) {
		tool_error(verb,
			   "capsule/sdk.h, or xok/handler.h beside it, is not found; set AMP_SDK "
			   "to the directory that holds it");
		return false;
	}
	/* clang would say these less clearly. */
	if (access(source, R_OK) != 0) {
		tool_error(verb, "%s: cannot open it: %s", source, strerror(errno));
		return false;
	}
	if (stat(source, &st) == 0 && S_ISDIR(st.st_mode)) {
		tool_error(verb, "%s: not a regular file", source);
		return false;
	}
	if (source[0] == '-') /* else it is taken for an option */
		snprintf(path, sizeof(path), "./%s", source);
	return run(verb, argv, source);
}
