/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env_bed.h - a kernel with two ports that lead nowhere, consoles in memory, and real environments: what xokd is, without DPDK.
 */
#ifndef XOK_LINUX_TEST_ENV_BED_H
#define XOK_LINUX_TEST_ENV_BED_H

#include "xok/linux/envs.h"

#define BED_FRAMES 8192u

struct bed {
	struct xokd d;
	char dir[64];	    /* of programs and boot files */
	char out[2][65536]; /* what was written to the consoles */
	size_t out_len[2];
	char in[4096]; /* waits at console 1 */
	size_t in_len;
	uint8_t sent[XOK_FRAME_MAX]; /* last frame transmitted */
	size_t sent_len;
	uint32_t nsent, powered;
	int fds; /* open before the bed was made */
};

/* Makes one; the root environment's process is env_root. */
void bed_start(struct bed *b);
/* Ends everything, and checks that nothing is left of it. */
void bed_stop(struct bed *b);

/* Runs the loop until `done` says so; fails the test after `ms`. */
void bed_run(struct bed *b, bool (*done)(struct bed *b, const void *arg), const void *arg,
	     unsigned ms);
/* Runs until this stands in what console 1 was told; what stood before it is forgotten. */
void bed_expect(struct bed *b, const char *text);
/* Types a line at console 1. */
void bed_type(struct bed *b, const char *line);
/* The same, and waits for the answer. */
void bed_ask(struct bed *b, const char *line, const char *answer);
/* Runs for a while. */
void bed_pass(struct bed *b, unsigned ms);

#endif
