/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux.h - machine linux: what an environment, which is a Linux process there, and xokd say to each other.
 *
 * Descriptor XL_FD of the process is a Unix socket of kind SOCK_SEQPACKET. The process sends one request and waits for its answer before it
 * sends the next. A request is one message:
 *
 *	struct xl_request, npiece times struct xl_piece, then the bytes of the pieces with XL_READ, in their order
 *
 * and so is its answer:
 *
 *	struct xl_answer, npiece times struct xl_piece, then the bytes of these pieces; nfd descriptors (SCM_RIGHTS)
 *
 * Pieces of a request are the memory of the process that the call may read (their bytes come along) or write; pieces of an answer are what
 * it wrote. An address means nothing to xokd but a place in one of the pieces: system calls work on the copy that came with the message, and
 * what an argument points to must lie within one piece, or the answer is XOK_EFAULT.
 *
 * Numbers below XL_BASE are the system calls of syscalls.def, without XOK_SYS_BASE; those that have no meaning here (mappings, slices)
 * answer XOK_ENOSYS, and so does env_run: XL_EXEC takes its place. env_sleep never sleeps: the process waits for the doorbell.
 *
 * A message that breaks these rules, a descriptor sent to xokd, an end of the socket that is closed, or answers that are not read end the
 * environment (XOK_END_VIOLATION). When its process ends by itself the environment does, too; but with --hitless a process of the root environment that ended by
 * a signal is started again, and finds in the bookkeeping what it had.
 */
#ifndef XOK_LINUX_ABI_H
#define XOK_LINUX_ABI_H

#include "xok/abi.h"

#define XL_FD 3
#define XL_VERSION 1u
#define XL_PIECES 256u
#define XL_MEMORY \
	65536u /* bytes of all pieces of a message together, whether they are read or written */

struct xl_request {
	uint32_t nr;
	uint32_t npiece; /* <= XL_PIECES */
	uint64_t arg[6];
};

#define XL_READ 1u  /* its bytes come along */
#define XL_WRITE 2u /* may be written */

struct xl_piece {
	uint64_t va;
	uint32_t len;	/* at least 1 */
	uint32_t flags; /* XL_READ, XL_WRITE or both; in an answer 0 */
};

struct xl_answer {
	int64_t result; /* as the call says, or a negative XOK_E... */
	uint32_t npiece;
	uint32_t nfd;
};

#define XL_REQUEST_MAX (sizeof(struct xl_request) + XL_PIECES * sizeof(struct xl_piece) + XL_MEMORY)
#define XL_ANSWER_MAX (sizeof(struct xl_answer) + XL_PIECES * sizeof(struct xl_piece) + XL_MEMORY)

/*
 * The machine's own requests: number, arguments, what they answer.
 *
 *   XL_HELLO	OUT struct xl_hello; the first request. Descriptors: the bookkeeping (read-only), the control page, the doorbell, then one for each
 *		piece of memory that the parent shares.
 *   XL_MAP	capability slot, frame, XOK_PROT_ bits (R, or R and W): memory of a table or ring, which begins at this frame. Its length in
 *		frames, and a descriptor that can be mapped so.
 *   XL_SHARE	bytes: new memory that this process can share with what it starts. Its number, and a descriptor, readable and writable. It is the
 *		environment's until it ends.
 *   XL_EXEC	capability slot, environment, IN struct xl_exec: makes a new environment of ours runnable, as env_run does, with a process of its
 *		own that runs a program of xokd's program directory. XOK_EAGAIN: others are about to be started; not for the root environment.
 *   XL_BOOT	INV name, its length: a file that was named to xokd at the start (--boot), for the root environment. Its length and, when
 *		that is not 0, a descriptor that can be mapped for reading.
 *   XL_NETLINK	groups (RTMGRP_ bits): a netlink socket of the host's routing, bound to these groups, for the root environment when xokd was started
 *		with --netlink; XOK_ENOSYS otherwise. It serves to look and listen: the process has no privilege over the network.
 */
enum xl_number {
	XL_BASE = 0x1000,
	XL_HELLO = XL_BASE,
	XL_MAP,
	XL_SHARE,
	XL_EXEC,
	XL_BOOT,
	XL_NETLINK,
	XL_END
};

#define XL_SHARES 16u		    /* pieces that an environment may have made */
#define XL_SHARE_BYTES (256u << 20) /* of one, at most */
#define XL_NAME 32u		    /* of a program or boot file, with the NUL */
#define XL_ARGS 15u
#define XL_ARG_BYTES 1024u
#define XL_FDS (3u + XL_SHARES) /* descriptors of an answer */

struct xl_hello {
	uint32_t version; /* XL_VERSION */
	uint32_t env;	  /* our id */
	uint32_t starts;  /* how many processes this environment has had, this one included */
	uint32_t info_bytes;
	uint32_t nshare;
	uint32_t pad;
	struct {
		uint64_t at; /* where the parent wants us to map it */
		uint64_t len;
		uint64_t write;
	} share[XL_SHARES];
};

struct xl_exec {
	char program[XL_NAME]; /* a plain file name: letters, digits, - _ . */
	uint32_t argc;	       /* 1 ... XL_ARGS */
	uint32_t arg_bytes;    /* of arg: argc strings, each with its NUL */
	uint32_t nshare;
	uint32_t pad;
	struct {
		uint64_t at;	/* page aligned, not 0 */
		uint32_t share; /* a number that XL_SHARE gave */
		uint32_t write;
	} share[XL_SHARES];
	char arg[XL_ARG_BYTES];
};

/*
 * The control page, shared and writable by both. The doorbell is an eventfd. To wait, the process sets `armed`, then looks at `pending` and at its
 * rings once more, and polls. Whoever posts events sets `pending`, then, if `armed` was set, clears it and writes to the doorbell. pending: there
 * are events that env_sleep will tell of. As long as it has not told of one, posting it again does neither: so who clears `pending` calls env_sleep
 * afterwards, and looks at its rings after that.
 */
struct xl_control {
	uint32_t armed;
	uint32_t pad[15];
	uint32_t pending;
};

_Static_assert(sizeof(struct xl_request) == 56 && sizeof(struct xl_piece) == 16, "layout");
_Static_assert(sizeof(struct xl_answer) == 16, "layout");
_Static_assert(sizeof(struct xl_hello) == 24 + 24 * XL_SHARES, "layout");
_Static_assert(sizeof(struct xl_exec) == XL_NAME + 16 + 16 * XL_SHARES + XL_ARG_BYTES, "layout");
_Static_assert(offsetof(struct xl_control, pending) == 64, "on lines of their own");

#endif
