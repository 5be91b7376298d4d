/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.h - what keeps an environment's process to its socket and its memory.
 *
 * Namespaces of its own (user, mount, process, network, IPC, host name, cgroup) with an empty read-only root; an unprivileged user without any
 * capability or way to one; limits on memory, descriptors and processes; and of the system calls, only those that wait, talk
 * to descriptors it has, and manage memory that is never executable. Any other ends it at once (SIGSYS).
 */
#ifndef XOK_LINUX_CONFINE_H
#define XOK_LINUX_CONFINE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the child has its descriptors until it becomes the program; beyond RLIMIT_NOFILE, so that it cannot make one of these numbers. */
#define CONFINE_PROGRAM 240
#define CONFINE_STATUS 241
#define CONFINE_NOFILE 64u

enum confine_how {
	CONFINE_USER, /* namespaces, the user's among them */
	CONFINE_ROOT, /* namespaces but the user's; needs root */
	CONFINE_NONE, /* no namespaces */
};

struct confinement {
	enum confine_how how;
	unsigned
		user; /* the user and group it gets, as all others see it, when xokd is root; else 0 */
	uint64_t memory; /* bytes of address space */
};

/* Flags of clone for this. */
uint64_t confine_clone_flags(enum confine_how how);
/*
 * Users that nobody else is (systemd's table of user ids leaves them to nobody), one for each process that there can be at once: what runs as the same user,
 * as the user "nobody" does in many places, could end it or look into it.
 */
#define CONFINE_USERS 0x70000000u

/* The parent's part: the child's users; `user` as above. 0 or -1 with errno. */
int confine_map_users(pid_t child, unsigned user);
/*
 * The child's part, all but the filter of system calls; NULL, or the name of what failed, with errno. Only the descriptors 0 to 3, CONFINE_PROGRAM
 * and CONFINE_STATUS are to be open then.
 */
const char *confine_self(const struct confinement *c);

/* The filter of system calls, made once: it needs memory. 0 or -1. */
int confine_filter(struct sock_fprog *out);
/* From here on only what the filter lets pass. 0 or -1 with errno. */
int confine_calls(const struct sock_fprog *filter);

#endif
