/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generate.h - programs made from a string of bytes, most of which the verifier accepts, and what must hold of every run.
 *
 * Every register has one role throughout: r0 to r5 are numbers, r6 to r9 point into the window, data, rodata and the
 * context. So jumps may go anywhere between statements and the kinds still fit.
 */
#ifndef XOK_VCODE_TEST_GENERATE_H
#define XOK_VCODE_TEST_GENERATE_H

#include "xok/vcode/vcode.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define GENERATE_MAX 600u
/* Fills out[0 .. GENERATE_MAX) and returns how many slots; always at least 2. */
uint32_t generate(struct bytes *b, struct vc_insn *out);

/*
 * Verifies the program and runs it, verified or not, twice in two places; aborts when anything is wrong: a program that was
 * accepted may only stop for what is left to run time, may not run longer than paid for, and both runs must
 * be alike in all they leave behind, or an address has got out. Returns whether it was accepted.
 */
bool examine(const struct vc_insn *insn, uint32_t n, uint32_t window_len, int64_t budget);

#endif
