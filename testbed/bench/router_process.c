/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_process.c - the programs that bench-router compares. Each runs only while it is measured: else it is stopped (SIGSTOP), with its tables loaded.
 * Packets are counted by DPDK's telemetry, so all are counted in the same way, by the same code; time is that of the busiest thread.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "testbed/bench/router.h"

#define THREADS 64

static void die(const struct process *p, const char *what)
{
	char command[256];

	fprintf(stderr, "bench-router: %s %s; the end of what it said:\n", p->name, what);
	snprintf(command, sizeof(command), "tail -n 12 '%s/%s.log' >&2", process_dir(), p->name);
	if (system(command))
		fprintf(stderr, "(nothing)\n");
	exit(1);
}

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* ---- the directory ---- */

static char dir[64];

static int delete_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
	(void)s;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void delete_all(void)
{
	nftw(dir, delete_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *process_dir(void)
{
	if (*dir)
		return dir;
	snprintf(dir, sizeof(dir), "/tmp/amp-bench.XXXXXX");
	if (!mkdtemp(dir)) {
		perror("bench-router: /tmp");
		exit(1);
	}
	atexit(delete_all);
	return dir;
}

/* ---- start and end ---- */

static void child(const struct process *p, int fd, char *argv[])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("RUNTIME_DIRECTORY", p->dir, 1);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(127);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

void process_start(struct process *p, const char *name, char *argv[])
{
	char log[160];
	int fd;

	*p = (struct process){.telemetry = -1};
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->dir, sizeof(p->dir), "%s/%s", process_dir(), name);
	mkdir(p->dir, 0777);
	snprintf(log, sizeof(log), "%s/%s.log", process_dir(), name);
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	p->pid = fork();
	if (p->pid < 0) {
		perror("bench-router: fork");
		exit(1);
	}
	if (!p->pid)
		child(p, fd, argv);
	close(fd);
}

void process_end(struct process *p)
{
	if (p->telemetry >= 0)
		close(p->telemetry);
	kill(p->pid, SIGTERM);
	kill(p->pid, SIGCONT);
	for (int i = 0; i < 20; i++) {
		if (waitpid(p->pid, NULL, WNOHANG) == p->pid)
			return;
		sleep_ms(50);
	}
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
}

/* ---- counting ---- */

static bool connect_to(struct process *p)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char hello[1024];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/dpdk/rte/dpdk_telemetry.v2", p->dir);
	p->telemetry = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (p->telemetry >= 0 && !connect(p->telemetry, (struct sockaddr *)&a, sizeof(a)) &&
	    recv(p->telemetry, hello, sizeof(hello), 0) > 0)
		return true;
	close(p->telemetry);
	p->telemetry = -1;
	return false;
}

static double counter(const struct process *p, int port, const char *name)
{
	char ask[32], answer[16384];
	cJSON *all, *stats;
	double value = -1;
	ssize_t n;

	snprintf(ask, sizeof(ask), "/ethdev/stats,%d", port);
	if (send(p->telemetry, ask, strlen(ask), MSG_NOSIGNAL) < 0)
		die(p, "does not answer");
	n = recv(p->telemetry, answer, sizeof(answer) - 1, 0);
	answer[n > 0 ? n : 0] = 0;
	all = cJSON_Parse(answer);
	stats = cJSON_GetObjectItem(all, "/ethdev/stats");
	if (cJSON_IsNumber(cJSON_GetObjectItem(stats, name)))
		value = cJSON_GetObjectItem(stats, name)->valuedouble;
	cJSON_Delete(all);
	return value;
}

/* ns that each thread has run. */
static int run_times(const struct process *p, int tid[THREADS], double ns[THREADS])
{
	char path[64];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)p->pid);
	d = opendir(path);
	while (d && n < THREADS && (e = readdir(d))) {
		FILE *f;

		tid[n] = atoi(e->d_name);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)p->pid, tid[n]);
		f = tid[n] ? fopen(path, "re") : NULL;
		if (f && fscanf(f, "%lf", &ns[n]) == 1)
			n++;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

static double busiest(const int tid[], const double before[], int n, const int tid2[],
		      const double after[], int n2)
{
	double most = 0;

	for (int i = 0; i < n; i++)
		for (int k = 0; k < n2; k++)
			if (tid[i] == tid2[k] && after[k] - before[i] > most)
				most = after[k] - before[i];
	return most;
}

/* While it runs. */
static struct sample measure(struct process *p, int ms)
{
	double before[THREADS], after[THREADS], in = counter(p, 0, "ipackets"),
						out = counter(p, 1, "opackets");
	int tid[THREADS], tid2[THREADS], n = run_times(p, tid, before), n2;

	sleep_ms(ms);
	n2 = run_times(p, tid2, after);
	return (struct sample){.in = counter(p, 0, "ipackets") - in,
			       .out = counter(p, 1, "opackets") - out,
			       .cpu = busiest(tid, before, n, tid2, after, n2)};
}

static void signal_both(const struct process *p, int number)
{
	kill(p->pid, number);
	if (p->source)
		kill(p->source->pid, number);
}

struct sample process_run(struct process *p, int ms)
{
	struct sample s;

	signal_both(p, SIGCONT);
	sleep_ms(100);
	s = measure(p, ms);
	signal_both(p, SIGSTOP);
	if (waitpid(p->pid, NULL, WNOHANG) == p->pid)
		die(p, "has ended");
	return s;
}

void process_settle(struct process *p, int seconds)
{
	for (int i = 0; i < 5 * seconds; i++) {
		sleep_ms(100);
		if (waitpid(p->pid, NULL, WNOHANG) == p->pid)
			die(p, "has ended");
		if (p->telemetry >= 0 || connect_to(p)) {
			struct sample s = measure(p, 100);

			if (s.in > 0 && s.out > 0.98 * s.in) {
				signal_both(p, SIGSTOP);
				return;
			}
		}
	}
	die(p, "does not forward");
}

double process_resident(const struct process *p)
{
	unsigned long all, here = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)p->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lu %lu", &all, &here) != 2)
		here = 0;
	if (f)
		fclose(f);
	return (double)here * (double)sysconf(_SC_PAGESIZE) / 1048576;
}
