/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux.c - the Linux system calls that a static musl program makes, answered here. Results are
 * Linux's: zero or positive, or a negative errno. What is not listed answers -ENOSYS.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "libamp/pc/pc.h"

#define NS 1000000000ull
#define ARCH_SET_FS 0x1002 /* asm/prctl.h, which musl does not have */
#define FUTEX_CMD 127
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9

static void set_timespec(struct timespec *ts, uint64_t ns)
{
	ts->tv_sec = (time_t)(ns / NS);
	ts->tv_nsec = (long)(ns % NS);
}

/* The time since the boot stands for every clock but the one of the day. */
static uint64_t clock_value(uint64_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ? amp_wall() : amp_now();
}

static int64_t clock_gettime_(uint64_t id, struct timespec *ts)
{
	if (id > CLOCK_TAI)
		return -EINVAL;
	set_timespec(ts, clock_value(id));
	return 0;
}

static int64_t clock_sleep(uint64_t id, bool absolute, const struct timespec *ts)
{
	uint64_t now = clock_value(id), left;

	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || (uint64_t)ts->tv_nsec >= NS)
		return -EINVAL;
	left = (uint64_t)ts->tv_sec > UINT64_MAX / NS / 4
		       ? UINT64_MAX / 4
		       : (uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec;
	if (absolute)
		left = left > now ? left - now : 0;
	xok_env_sleep(0, amp_now() + left);
	return 0;
}

static int64_t gettimeofday_(struct timeval *tv)
{
	uint64_t us = amp_wall() / 1000;

	if (tv != NULL) {
		tv->tv_sec = (time_t)(us / 1000000);
		tv->tv_usec = (suseconds_t)(us % 1000000);
	}
	return 0;
}

static int64_t uname_(struct utsname *u)
{
	memset(u, 0, sizeof(*u));
	strcpy(u->sysname, "xok");
	strcpy(u->nodename, "xok");
	strcpy(u->release, "0.1");
	strcpy(u->version, "libamp");
	strcpy(u->machine, "x86_64");
	return 0;
}

static int64_t sysinfo_(struct sysinfo *s)
{
	const struct xok_env_info *e = info_self();

	memset(s, 0, sizeof(*s));
	s->uptime = (unsigned long)(amp_now() / NS);
	s->totalram = (unsigned long)e->frames_quota * XOK_PAGE;
	s->freeram = (unsigned long)(e->frames_quota - e->frames) * XOK_PAGE;
	s->mem_unit = 1;
	s->procs = 1;
	return 0;
}

static int64_t arch_prctl_(uint64_t code, uint64_t addr)
{
	if (code != ARCH_SET_FS)
		return -EINVAL;
	/* A base outside the user half would fault here, where nobody expects it. */
	if (addr >= XOK_USER_HI)
		return -EPERM;
	__asm__ volatile("wrfsbase %0" : : "r"(addr) : "memory");
	return 0;
}

/*
 * One thread: nobody waits, so waking wakes nobody, and waiting for a value that stands would be
 * for ever.
 */
static int64_t futex_(const uint32_t *word, uint64_t op, uint32_t value)
{
	switch (op & FUTEX_CMD) {
	case FUTEX_WAKE: return 0;
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return *(const volatile uint32_t *)word != value ? -EAGAIN : -EDEADLK;
	default: return -ENOSYS;
	}
}

static int64_t time_(uint64_t nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_clock_gettime: return clock_gettime_(a[0], (struct timespec *)a[1]);
	case SYS_clock_getres:
		if (a[1] != 0)
			set_timespec((struct timespec *)a[1], 1);
		return 0;
	case SYS_gettimeofday: return gettimeofday_((struct timeval *)a[0]);
	case SYS_nanosleep:
		return clock_sleep(CLOCK_MONOTONIC, false, (const struct timespec *)a[0]);
	case SYS_clock_nanosleep:
		return clock_sleep(a[0], a[1] & TIMER_ABSTIME, (const struct timespec *)a[2]);
	default: return -ENOSYS;
	}
}

static int64_t process(uint64_t nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_exit:
	case SYS_exit_group: return xok_env_exit((uint32_t)a[0]);
	case SYS_getrandom: amp_random((void *)a[0], a[1]); return (int64_t)a[1];
	case SYS_arch_prctl: return arch_prctl_(a[0], a[1]);
	case SYS_futex: return futex_((const uint32_t *)a[0], a[1], (uint32_t)a[2]);
	case SYS_uname: return uname_((struct utsname *)a[0]);
	case SYS_sysinfo: return sysinfo_((struct sysinfo *)a[0]);
	case SYS_sched_yield: return xok_yield(0) < 0 ? -EAGAIN : 0;
	case SYS_set_tid_address:
	case SYS_getpid:
	case SYS_gettid: return amp_self();
	case SYS_getppid: return amp_parent();
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
	/* Signals do not exist, so setting them up always works. */
	case SYS_rt_sigaction:
	case SYS_rt_sigprocmask:
	case SYS_sigaltstack:
	case SYS_set_robust_list: return 0;
	default: return -ENOSYS;
	}
}

int64_t linux_syscall(uint64_t nr, const uint64_t arg[6])
{
	static int64_t (*const groups[])(uint64_t, const uint64_t[6]) = {
		linux_file,
		linux_memory,
		time_,
		process,
	};
	int64_t result = -ENOSYS;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && result == -ENOSYS; i++)
		result = groups[i](nr, arg);
	return result;
}
