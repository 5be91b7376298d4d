/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.c - see confine.h: namespaces, user, root directory, capabilities, limits. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

#define INSIDE 1u     /* the process's user and group, as it sees them */
#define NOBODY 65534u /* as everybody else sees them where its own are not to be had */
#define STACK_BYTES (8u << 20)
#define OOM_SCORE "500"

uint64_t confine_clone_flags(enum confine_how how)
{
	const uint64_t most = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			      CLONE_NEWUTS | CLONE_NEWCGROUP;

	switch (how) {
	case CONFINE_USER: return most | CLONE_NEWUSER;
	case CONFINE_ROOT: return most;
	default: return 0;
	}
}

/* ---- users ---- */

static int put(pid_t child, const char *file, const char *text)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static int put_map(pid_t child, const char *file, unsigned outside)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %u 1\n", INSIDE, outside);
	return put(child, file, text);
}

/* user_namespaces(7): whoever may not map any group must give up setgroups before mapping its own. */
int confine_map_users(pid_t child, unsigned user)
{
	if (user && !put_map(child, "uid_map", user) && !put_map(child, "gid_map", user))
		return 0;
	if (user && !put_map(child, "uid_map", NOBODY) && !put_map(child, "gid_map", NOBODY))
		return 0;
	if (put_map(child, "uid_map", geteuid()) || put(child, "setgroups", "deny"))
		return -1;
	return put_map(child, "gid_map", getegid());
}

/* A process that may not drop its groups has none that matter: it keeps those of who started xokd. */
static const char *become(unsigned id, bool root)
{
	if (root && setgroups(0, NULL) && errno != EPERM)
		return "setgroups";
	if (setresgid(id, id, id))
		return "setresgid";
	return setresuid(id, id, id) ? "setresuid" : NULL;
}

/* Where xokd is root of a user namespace, that may have few users. */
static const char *become_another(unsigned user)
{
	const char *wrong = become(user, true);

	return wrong && errno == EINVAL ? become(NOBODY, true) : wrong;
}

/* ---- what it sees of files: nothing ---- */

static const char *empty_root(void)
{
	static const char at[] = "/tmp";

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "making mounts private";
	if (mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,nr_inodes=2,mode=555"))
		return "mounting an empty root";
	/* pivot_root(2): with both directories the same, the old root ends up below the new one and can be taken away. */
	if (chdir(at) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		return "pivot_root";
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return "making the root read-only";
	return NULL;
}

/* ---- privileges ---- */

/* Without these a set-user-id program or a root user of whatever namespace would get capabilities again. */
static const char *no_way_back(void)
{
	for (int i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno != EINVAL)
			return "dropping capabilities";
	if (prctl(PR_SET_SECUREBITS,
		  SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		  0, 0, 0))
		return "locking the secure bits";
	return NULL;
}

static const char *no_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return "dropping ambient capabilities";
	if (syscall(SYS_capset, &head, none))
		return "dropping capabilities";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? "no_new_privs" : NULL;
}

/* ---- limits ---- */

static const char *limits(uint64_t memory)
{
	const struct {
		int resource;
		uint64_t most;
	} limit[] = {
		{RLIMIT_AS, memory},
		{RLIMIT_STACK, STACK_BYTES},
		{RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, 0},
		{RLIMIT_MEMLOCK, 0},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_SIGPENDING, 16},
		{RLIMIT_NICE, 0},
		{RLIMIT_RTPRIO, 0},
		{RLIMIT_NPROC, 0},
		{RLIMIT_NOFILE, CONFINE_NOFILE},
	};

	for (unsigned i = 0; i < sizeof(limit) / sizeof(limit[0]); i++) {
		struct rlimit now, want = {.rlim_cur = limit[i].most, .rlim_max = limit[i].most};

		if (getrlimit(limit[i].resource, &now))
			return "getrlimit";
		/* What is less already cannot be raised, and need not be. */
		if (now.rlim_max < want.rlim_max)
			want.rlim_cur = want.rlim_max = now.rlim_max;
		if (setrlimit(limit[i].resource, &want))
			return "setrlimit";
	}
	return NULL;
}

/* Where memory is short an environment goes before xokd does, which carries the packets. Where that cannot be said it is as for all. */
static void end_before_others(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
	close(fd);
}

static void plain_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (int i = 1; i < 65; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

const char *confine_self(const struct confinement *c)
{
	const char *wrong = NULL;

	plain_signals();
	end_before_others();
	setsid();
	umask(077);
	if (c->how == CONFINE_USER)
		wrong = become(INSIDE, c->user);
	if (!wrong && c->how != CONFINE_NONE)
		wrong = empty_root();
	if (!wrong && (c->how != CONFINE_NONE || c->user))
		wrong = no_way_back();
	if (!wrong && c->how != CONFINE_USER && c->user)
		wrong = become_another(c->user);
	/* Root of a namespace that has no other user. It stays that, without capabilities. */
	if (wrong && c->how == CONFINE_NONE && errno == EINVAL)
		wrong = NULL;
	if (!wrong)
		wrong = no_capabilities();
	if (!wrong)
		wrong = limits(c->memory);
	/* A change of users takes this away, so it comes last. */
	if (!wrong && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		wrong = "asking to end with xokd";
	return wrong;
}
