/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_evolve.h - programs without a plan: random instructions at random places, each kept when the verifier still accepts the whole. So
 * registers have no roles, and what a program does not use (r2, the stack, a result) differs from one to the next.
 */
#ifndef XOK_VCODE_TEST_JIT_EVOLVE_H
#define XOK_VCODE_TEST_JIT_EVOLVE_H

#include "xok/vcode/test/jit_lab.h"

#define EVOLVE_MAX 1024u
#define EVOLVE_FUNCTIONS VC_FRAMES

struct evolve {
	uint64_t state; /* of the random numbers */
	const struct vc_kind *kind;
	uint32_t n, entry[VC_ENTRIES_MAX], nentry, min_window;
	uint32_t function[EVOLVE_FUNCTIONS], nfunction;
	struct vc_insn insn[EVOLVE_MAX];
};

/* A program that does nothing much; all about it and its steps follows from its name. */
void evolve_start(struct evolve *g, uint64_t name);
/* Tries one instruction, or several that belong together. */
void evolve_step(struct evolve *g);
uint32_t evolve_pick(struct evolve *g, uint32_t n);

#endif
