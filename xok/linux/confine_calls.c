/* SPDX-License-Identifier: BSD-2-Clause */
/* confine_calls.c - the system calls of Linux that an environment may make, as a BPF program. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

/* Whatever the arguments. */
static const int allowed[] = {
	/* waiting, and talking to the descriptors it has: xokd's socket, the doorbell, a netlink socket */
	SCMP_SYS(ppoll),
	SCMP_SYS(poll),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(getsockname),
	SCMP_SYS(close),
	/* memory that is not executable: see below */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	/* time and chance */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),
	/* what C libraries do at the start and at the end */
	SCMP_SYS(arch_prctl),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tkill),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Answered with an error, since C libraries try and go on without. */
static const struct {
	int call;
	int error;
} refused[] = {
	{SCMP_SYS(ioctl), ENOTTY},    /* is the output a terminal? */
	{SCMP_SYS(readlink), ENOENT}, /* where is the program? */
	{SCMP_SYS(readlinkat), ENOENT}, {SCMP_SYS(prlimit64), EPERM},
	{SCMP_SYS(newfstatat), ENOENT}, {SCMP_SYS(fstat), EPERM},
	{SCMP_SYS(lseek), ESPIPE},
};

static int add_rules(scmp_filter_ctx f)
{
	int rc = 0;

	for (unsigned i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !rc; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]) && !rc; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO((uint32_t)refused[i].error),
				      refused[i].call, 0);
	/* W^X for good: the one piece of executable memory is the program's own. */
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* What C libraries give back. Other advice reaches pages that the kernel has as well: MADV_REMOVE, MADV_PAGEOUT. */
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
				      SCMP_A2(SCMP_CMP_EQ, MADV_DONTNEED, 0));
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
				      SCMP_A2(SCMP_CMP_EQ, MADV_FREE, 0));
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				      SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	/* How the child becomes the program. That descriptor closes with it, and its number cannot be had again. */
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(execveat), 2,
				      SCMP_A0(SCMP_CMP_EQ, CONFINE_PROGRAM, 0),
				      SCMP_A4(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	return rc;
}

/* The library writes programs to descriptors only. */
static int export(scmp_filter_ctx f, struct sock_fprog *out)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), rc = -1;
	off_t len;

	if (fd < 0)
		return -1;
	if (!seccomp_export_bpf(f, fd) && (len = lseek(fd, 0, SEEK_END)) > 0) {
		out->len = (unsigned short)((size_t)len / sizeof(struct sock_filter));
		out->filter = malloc((size_t)len);
		if (out->filter && pread(fd, out->filter, (size_t)len, 0) == len)
			rc = 0;
	}
	close(fd);
	return rc;
}

int confine_filter(struct sock_fprog *out)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = -1;

	if (!f)
		return -1;
	/* Another architecture's numbers mean other calls. */
	if (!seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) && !add_rules(f))
		rc = export(f, out);
	seccomp_release(f);
	return rc;
}

int confine_calls(const struct sock_fprog *filter)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter);
}
