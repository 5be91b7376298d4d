/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the order in which xokd comes up and goes down.
 *
 * On the way up: what can be refused first (options, consoles), then devices, the core, environments. On the way down the other way round, whatever was reached. A
 * second SIGTERM or SIGINT ends xokd at once: Linux takes back what it holds then.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "capture_control.h"
#include "port.h"

#define FOLD_NS 100000000ull  /* how often what lcores counted is added up */
#define WALL_NS 1000000000ull /* and UTC compared with the host's */

static struct xokd xokd;
static struct watch signals = {.fd = -1};
static struct timer fold, wall;

static void on_signal(void *arg, uint32_t events)
{
	struct signalfd_siginfo info;
	sigset_t set;
	(void)events;

	if (read(signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	say("%s: ending", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	((struct xokd *)arg)->stopping = true;
	loop_stop();
}

/* Blocked before there are threads, which inherit it. */
static int block_signals(struct xokd *d)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = (struct watch){signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signal, d};
	if (signals.fd < 0 || loop_add(&signals, EPOLLIN))
		return say_error("cannot wait for signals: %m");
	return 0;
}

/* A descriptor for each shared piece of memory, and some for each environment. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void on_fold(void *arg)
{
	struct xokd *d = arg;

	if (d->stopping)
		loop_stop();
	xok_fold(d->xok);
	loop_after(&fold, FOLD_NS);
}

static void on_wall(void *arg)
{
	struct xokd *d = arg;

	__atomic_store_n(&d->info->wall0, clock_wall0(), __ATOMIC_RELAXED);
	loop_after(&wall, WALL_NS);
}

static int start(struct xokd *d)
{
	raise_limits();
	if (loop_init() || block_signals(d) || clock_init())
		return -1;
	if (envs_prepare(d) || consoles_init(d) || eal_start(d))
		return -1;
	if (ports_open(d) || lcores_init(d) || machine_start(d))
		return -1;
	if (ports_start(d) || envs_init(d) || lcores_start(d) || captures_init(d))
		return -1;
	fold = (struct timer){.fn = on_fold, .arg = d};
	wall = (struct timer){.fn = on_wall, .arg = d};
	on_fold(d);
	on_wall(d);
	ports_watch(d);
	return envs_start_root(d);
}

static void stop(struct xokd *d)
{
	loop_cancel(&fold);
	loop_cancel(&wall);
	captures_fini(d);
	if (d->envs)
		envs_stop(d);
	lcores_stop(d);
	ports_close(d);
	if (d->eal)
		eal_stop(d);
	consoles_fini(d);
	machine_stop(d);
	if (signals.fd >= 0)
		close(signals.fd);
	loop_fini();
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

int main(int argc, char **argv)
{
	struct xokd *d = &xokd;
	int rc = options_read(&d->opt, argc, argv);

	if (rc)
		return rc > 0 ? 0 : 2;
	log_init();
	if (start(d) == 0) {
		uint32_t n = ports_count(d);

		say("%s: %u port%s on %u lcore%s, up after %lu ms", d->opt.name, n, plural(n),
		    d->opt.nlcore, plural(d->opt.nlcore), (unsigned long)(clock_now() / 1000000));
		loop_run();
	} else {
		d->exit_status = 1;
	}
	d->stopping = true;
	stop(d);
	return d->exit_status;
}
