/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/* What to do about it, by who has chosen the directory. */
#define CHOSEN "name another one with --state DIR"
#define DEFAULT "set XDG_RUNTIME_DIR or use --state DIR"

static bool make_dirs(const char *path, const char *advice, char err[STATE_ERROR])
{
	char buf[PATH_MAX];
	struct stat st;
	int why = 0;

	if (!text_path(buf, sizeof(buf), "%s", path))
		buf[0] = 0;
	for (char *p = buf + 1; *buf; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		/* What is there already is no error, whatever else might be wrong with making it. */
		if (mkdir(buf, 0700) && (why = errno) != EEXIST && stat(buf, &st))
			break;
		why = 0;
		if (!c)
			break;
		*p = c;
	}
	if (!why && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode) && access(path, W_OK) == 0)
			return true;
		why = S_ISDIR(st.st_mode) ? errno : ENOTDIR;
	}
	snprintf(err, STATE_ERROR, "cannot use the directory %.200s: %s; %s", path,
		 strerror(why ? why : errno), advice);
	return false;
}

bool state_base(char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
	bool fits = false;

	if (run && *run && access(run, W_OK) == 0)
		fits = text_path(dir, STATE_DIR_MAX, "%s/amp", run);
	else if (home && *home)
		fits = text_path(dir, STATE_DIR_MAX, "%s/.local/state/amp", home);
	if (fits)
		return true;
	snprintf(err, STATE_ERROR,
		 "no directory for the testbed's state: set XDG_RUNTIME_DIR to a writable one with "
		 "a short path");
	return false;
}

bool state_dir(const char *name, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char base[STATE_DIR_MAX];

	if (!state_base(base, err))
		return false;
	if (text_path(dir, STATE_DIR_MAX, "%s/%s", base, name))
		return true;
	snprintf(err, STATE_ERROR,
		 "the path %.90s/%.40s is too long for sockets: set XDG_RUNTIME_DIR or use "
		 "--state DIR with a shorter one",
		 base, name);
	return false;
}

/* Which files are a testbed's, by the list in state.h; nothing else in the directory is touched. */
static bool ends(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n > t && !strcmp(name + n - t, tail);
}

static bool transient(const char *name)
{
	unsigned a, b;
	char c;

	return !strcmp(name, "ctl") || !strcmp(name, "hosts") || !strcmp(name, "run") ||
	       !strcmp(name, "run.new") || sscanf(name, "n%u.%u%c", &a, &b, &c) == 2 ||
	       sscanf(name, "r%u.%u%c", &a, &b, &c) == 2 || ends(name, ".boot") ||
	       ends(name, ".capture") || ends(name, ".in") || ends(name, ".out") ||
	       ends(name, ".capture");
}

static bool lasting(const char *name)
{
	return ends(name, ".log") || ends(name, ".events") || ends(name, ".conf") ||
	       ends(name, ".pcap");
}

static void remove_files(const char *dir, bool all)
{
	char path[STATE_DIR_MAX + 256];
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if ((transient(e->d_name) || (all && lasting(e->d_name))) &&
		    text_path(path, sizeof(path), "%s/%s", dir, e->d_name))
			unlink(path);
	closedir(d);
}

void state_clean(const char *dir)
{
	remove_files(dir, false);
}

bool state_usable(const char *dir, char err[STATE_ERROR])
{
	DIR *d = opendir(dir);
	bool empty = true, ours = false;

	if (!d) /* what else is wrong with it is told when it is made */
		return true;
	for (struct dirent *e; (e = readdir(d));) {
		empty = empty && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
		ours = ours || !strcmp(e->d_name, "supervisor.log");
	}
	closedir(d);
	if (empty || ours)
		return true;
	snprintf(err, STATE_ERROR,
		 "--state %.200s: there are files in it that are no testbed's: give a new or an "
		 "empty directory",
		 dir);
	return false;
}

/* A directory is one testbed's at a time: links by which it was found under the names of earlier ones go. */
static void drop_links(const char *base, const char *dir)
{
	char path[STATE_DIR_MAX + 256], to[PATH_MAX];
	DIR *d = opendir(base);

	for (struct dirent *e; d && (e = readdir(d));) {
		if (!text_path(path, sizeof(path), "%s/%s", base, e->d_name))
			continue;
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = 0;
		if (!strcmp(to, dir))
			unlink(path);
	}
	if (d)
		closedir(d);
}

static bool without_comma(const char *dir, char err[STATE_ERROR])
{
	if (!strchr(dir, ','))
		return true;
	snprintf(err, STATE_ERROR,
		 "the path %.100s has a comma, which QEMU's options cannot hold: use --state DIR",
		 dir);
	return false;
}

/* A directory that the caller has chosen: made, and then by its true name. */
static bool take_directory(const char *at, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char real[PATH_MAX];

	if (!make_dirs(at, CHOSEN, err))
		return false;
	if (realpath(at, real) && text_path(dir, STATE_DIR_MAX, "%s", real))
		return without_comma(dir, err);
	snprintf(err, STATE_ERROR,
		 "--state %.200s: the path is too long for sockets (at most %u bytes)", at,
		 STATE_DIR_MAX - 1);
	return false;
}

static bool link_to(const char *link, const char *dir, char err[STATE_ERROR])
{
	remove_files(link, true);
	if (rmdir(link))
		unlink(link);
	if (symlink(dir, link) == 0)
		return true;
	snprintf(err, STATE_ERROR, "cannot make the link %.100s: %s", link, strerror(errno));
	return false;
}

bool state_make(const char *name, const char *at, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char link[STATE_DIR_MAX], base[STATE_DIR_MAX];
	struct stat st;

	if (!state_base(base, err) || !make_dirs(base, DEFAULT, err) || !state_dir(name, link, err))
		return false;
	if (!at) {
		strcpy(dir, link);
		/* A link of an earlier run with --state leads elsewhere: this run has its own place. */
		if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode))
			unlink(link);
		if (!without_comma(dir, err) || !make_dirs(dir, DEFAULT, err))
			return false;
	} else {
		if (!take_directory(at, dir, err))
			return false;
		drop_links(base, dir);
		if (strcmp(dir, link) && !link_to(link, dir, err))
			return false;
	}
	remove_files(dir, true);
	return true;
}

bool state_make_service(const char *name, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char at[STATE_DIR_MAX];

	if (!text_path(at, sizeof(at), "%s/%s", STATE_SERVICES, name) ||
	    !take_directory(at, dir, err))
		return false;
	remove_files(dir, true);
	return true;
}

uint64_t state_start_time(pid_t pid)
{
	char path[64], state = 'Z';
	uint64_t start = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	char *text = text_file(path, 4096, &len);
	/* The command's name may hold anything, so count fields from its last parenthesis: state is field 3. */
	char *p = text ? strrchr(text, ')') : NULL;
	if (p)
		state = p[1] ? p[2] : 'Z';
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p && state != 'Z' && state != 'X')
		start = strtoull(p + 1, NULL, 10);
	free(text);
	return start;
}

bool state_alive(const struct state_process *p)
{
	return p->pid > 0 && p->start && state_start_time(p->pid) == p->start;
}

uint32_t state_read(const char *dir, struct state_process p[STATE_PROCESSES])
{
	char path[STATE_DIR_MAX + 8];
	uint32_t n = 0;

	snprintf(path, sizeof(path), "%s/run", dir);
	FILE *f = fopen(path, "re");
	while (f && n < STATE_PROCESSES) {
		int pid;

		if (fscanf(f, "%31s %d %" SCNu64, p[n].name, &pid, &p[n].start) != 3)
			break;
		p[n++].pid = pid;
	}
	if (f)
		fclose(f);
	return n;
}

bool state_write(const char *dir, const struct state_process *p, uint32_t n)
{
	char path[STATE_DIR_MAX + 8], text[STATE_PROCESSES * 80] = "";

	for (uint32_t i = 0; i < n; i++)
		text_append(text, sizeof(text), "%s %d %" PRIu64 "\n", p[i].name, (int)p[i].pid,
			    p[i].start);
	snprintf(path, sizeof(path), "%s/run", dir);
	return text_write(path, text, strlen(text)) == 0;
}
