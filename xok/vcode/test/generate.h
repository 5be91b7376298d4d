/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generate.h - programs made from a string of bytes, most of which the verifier accepts, and what must hold of every run.
 *
 * Every register has one role throughout: r0 to r5 are numbers, r6 to r9 point into the window, data, rodata and the
 * context, and the top slots of each frame keep one kind of pointer or handle each. So jumps may go anywhere between statements and the
 * kinds still fit. Everything of vcode.h is in it: tables and handles, raw programs, functions that get pointers to their callers' stacks
 * and hand them on, pointers that are spilled, overwritten and used again.
 */
#ifndef XOK_VCODE_TEST_GENERATE_H
#define XOK_VCODE_TEST_GENERATE_H

#include "xok/vcode/vcode.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define GENERATE_MAX 1000u

/* A program and what it is run with. */
struct trial {
	uint32_t kind; /* VC_KIND_HANDLER or VC_KIND_RAW of the harness */
	uint32_t n, min_window, window_len;
	int64_t budget;
	struct vc_insn insn[GENERATE_MAX];
};

/* Fills in all but window_len and budget; at least two instructions. */
void generate(struct bytes *b, struct trial *t);

/*
 * Verifies the program and runs it, verified or not, twice in two places; aborts when anything is wrong: a program that was
 * accepted may only stop for what is left to run time, may not run longer than paid for, must have in its registers and slots what the
 * verifier knows of them (oracle.h), and both runs must be alike in all they leave behind, or an address has got out. Returns whether it
 * was accepted.
 */
bool examine(const struct trial *t);

#endif
