/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - the `amp` command: one table of verbs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capsule/tool.h"
#include "cmd.h"
#include "text.h"
#include "version.h"

static const struct verb {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *args, *summary;
} verbs[] = {
#define VERB(name, fn, args, summary) {name, fn, args, summary},
#include "verbs.def"
#undef VERB
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static void help(FILE *out)
{
	fprintf(out, "amp - an active network on your machine: nodes, capsules, testbeds\n\n");
	fprintf(out, "usage: amp VERB ...            amp VERB --help tells more\n\n");
	int widest = 0, args = 0;
	for (size_t i = 0; i < NVERBS; i++) {
		int n = (int)strlen(verbs[i].name), a = (int)strlen(verbs[i].args);

		widest = n > widest ? n : widest;
		args = a > args ? a : args;
	}
	for (size_t i = 0; i < NVERBS; i++)
		if (verbs[i].summary)
			fprintf(out, "  %-*s %-*s  %s\n", widest, verbs[i].name, args,
				verbs[i].args, verbs[i].summary);
	fprintf(out,
		"\n"
		"exit status: 0 done (inject: delivered; ping, trace: answered), 1 failed,\n"
		"  2 refused by a node, 3 lost: the capsule did not arrive in time, 64 wrong "
		"usage,\n"
		"  78 router: the configuration is wrong\n"
		"AMP_DATA: where the kernel, the environments and the capsules lie, when neither "
		"beside amp\n"
		"  nor, as installed, in ../lib/amp\n");
}

int cmd_error(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "amp %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return AMP_FAILED;
}

int cmd_misuse(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "amp %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\ntry: amp %s --help\n", verb);
	return AMP_USAGE;
}

/* A build directory has them beside the program, an installed program in ../lib/amp; the system's capsules tell. */
static bool beside_program(char *dir, size_t size, const char *program)
{
	static const char *const place[] = {"", "/../lib/amp"};
	char path[PATH_MAX], at[PATH_MAX];
	int len = (int)(strrchr(program, '/') - program);

	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		if (text_path(path, sizeof(path), "%.*s%s/capsules/ping.mod", len, program,
			      place[i]) &&
		    access(path, R_OK) == 0 &&
		    text_path(path, sizeof(path), "%.*s%s", len, program, place[i]) &&
		    realpath(path, at))
			return text_path(dir, size, "%s", at);
	return text_path(dir, size, "%.*s", len, program);
}

bool cmd_data_dir(const char *verb, char *dir, size_t size)
{
	const char *env = getenv("AMP_DATA");
	char self[PATH_MAX];
	ssize_t n = env && *env ? 0 : readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n == 0 && realpath(env, self) && text_path(dir, size, "%s", self))
		return true;
	if (n <= 0) {
		cmd_error(verb,
			  "cannot find the system's files: %s; set AMP_DATA to the build directory",
			  strerror(errno));
		return false;
	}
	self[n] = 0;
	return beside_program(dir, size, self);
}

int cmd_bad_option(const char *verb, const struct cmd_value *v, int c, const char *value)
{
	for (; v->option; v++)
		if (v->c == c)
			return cmd_misuse(verb, "%s %s: give %s", v->option, value, v->form);
	/* getopt_long has said which is unknown, or lacks its value. */
	fprintf(stderr, "try: amp %s --help\n", verb);
	return AMP_USAGE;
}

/* A socket must not get the number of a standard stream that the caller has closed: what is printed would go into it. */
static void open_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(AMP_FAILED);
}

/* What could not be written was not done: a full disk must not look like success. */
static int finish(const char *verb, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "amp %s: cannot write to standard output: %s\n", verb, strerror(errno));
	return status == AMP_DONE ? AMP_FAILED : status;
}

/* What getopt_long says begins with argv[0]. */
static int run(const struct verb *v, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "amp %s", v->name);
	argv[0] = name;
	return v->fn(argc, argv);
}

int main(int argc, char **argv)
{
	open_standard_streams();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		help(argc < 2 ? stderr : stdout);
		return argc < 2 ? AMP_USAGE : AMP_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("amp " AMP_VERSION);
		return finish("--version", AMP_DONE);
	}
	for (size_t i = 0; i < NVERBS; i++)
		if (!strcmp(argv[1], verbs[i].name))
			return finish(verbs[i].name, run(&verbs[i], argc - 1, argv + 1));
	fprintf(stderr, "amp: there is no verb '%s': amp --help lists them\n", argv[1]);
	return AMP_USAGE;
}
