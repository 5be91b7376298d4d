/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * accel.c - whether KVM runs our kernel on this machine, found out by booting it: a KVM device may be there and yet not
 * be able to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"
#include "text.h"

#define PROBE_NS 5000000000ull

_Noreturn static void probe_child(const char *kernel, const char *boot, int out, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || dup2(out, 1) < 0 ||
	    close_range(3, ~0u, 0))
		_exit(126);
	/* Console 1 is standard output; what QEMU itself complains about goes to the supervisor's log. */
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-machine", "q35,accel=kvm", "-cpu",
	       "max", "-m", "64", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none",
	       "-no-reboot", "-kernel", kernel, "-initrd", boot, "-serial", "null", "-chardev",
	       "stdio,id=control,signal=off", "-serial", "chardev:control", "-device",
	       "isa-debug-exit,iobase=0xf4,iosize=4", (char *)NULL);
	_exit(127);
}

/* Reads until the node says "ready", it ends, or the time is over. */
static bool says_ready(int in)
{
	uint64_t until = loop_now() + PROBE_NS;
	char buf[4096];
	size_t have = 0;

	for (;;) {
		uint64_t now = loop_now();
		struct pollfd p = {.fd = in, .events = POLLIN};

		if (now >= until || have == sizeof(buf) - 1 ||
		    poll(&p, 1, (int)((until - now) / 1000000) + 1) < 0)
			return false;
		if (!p.revents)
			continue;
		ssize_t n = read(in, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0)
			return false;
		have += (size_t)n;
		buf[have] = 0;
		if (strstr(buf, "\"ready\""))
			return true;
	}
}

bool accel_kvm_works(struct sup *s, const char *boot)
{
	char kernel[PATH_MAX];
	int out[2], status;
	pid_t self = getpid();

	if (access("/dev/kvm", R_OK | W_OK) || pipe2(out, O_CLOEXEC))
		return false;
	snprintf(kernel, sizeof(kernel), "%s/xok.stripped", s->opt->data);
	pid_t pid = fork();
	if (pid == 0)
		probe_child(kernel, boot, out[1], self);
	close(out[1]);
	bool works = pid > 0 && says_ready(out[0]);
	close(out[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return works;
}
