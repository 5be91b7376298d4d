/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call_message.h - a request of an environment, taken apart: the kernel's own copy of everything it says. From here on nothing is read from the
 * environment a second time.
 */
#ifndef XOK_LINUX_CALL_MESSAGE_H
#define XOK_LINUX_CALL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "xok/linux.h"

struct message {
	struct xl_request req;
	struct message_piece {
		uint64_t va;
		uint32_t len, flags;
		uint32_t at;	 /* where its bytes stand in `memory` */
		uint32_t lo, hi; /* [lo, hi) of them was written; hi 0: nothing was */
	} piece[XL_PIECES];
	uint8_t memory[XL_MEMORY];
};

/* Takes a request apart; 0, or -1 when it is none, with what is wrong with it in *wrong. */
int message_read(struct message *m, const void *buf, size_t len, const char **wrong);

/* What the environment has at va, or room that it has there: XOK_OK, or XOK_EFAULT when that is not within one piece that may be read (written). */
int message_in(const struct message *m, void *dst, uint64_t va, size_t len);
int message_out(struct message *m, uint64_t va, const void *src, size_t len);

/* Writes the answer, at most XL_ANSWER_MAX bytes, into buf; its length. */
size_t message_answer(const struct message *m, int64_t result, uint32_t nfd, void *buf);

#endif
