/* SPDX-License-Identifier: BSD-2-Clause */
/* exec_child.h - within the spawner: from a request to a confined process. */
#ifndef XOK_LINUX_EXEC_CHILD_H
#define XOK_LINUX_EXEC_CHILD_H

#include "confine.h"
#include "exec.h"

struct child_how {
	enum confine_how how;
	bool root;
	struct sock_fprog filter;
};

/*
 * Tries how children can be confined here, the best way first, by confining one that does nothing. False: text says what failed in the
 * last. True, with text in words what is amiss about the way that was found, or empty.
 */
bool child_find_a_way(struct child_how *how, bool unconfined, char text[128]);

/*
 * Starts a process, which is the nth of those there are at once; its number, with a descriptor of it in *pidfd; or -1, and text says why.
 */
pid_t child_start(const struct child_how *how, uint32_t n, const struct spawn_request *r,
		  int program, int sock, int *pidfd, char text[128]);

#endif
