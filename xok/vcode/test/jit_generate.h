/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_generate.h - programs for the code generator: the sequences that it takes together, accesses that share their checks, loops
 * that end at any turn, jumps short and long, and every register under pressure. And mutations that most programs survive.
 */
#ifndef XOK_VCODE_TEST_JIT_GENERATE_H
#define XOK_VCODE_TEST_JIT_GENERATE_H

#include "xok/vcode/test/generate.h"

void jit_generate(struct bytes *b, struct trial *t);

/* Changes some instructions in a way that mostly keeps the program one that is accepted: operations, operands, constants. */
void jit_mutate(struct bytes *b, struct trial *t);

#endif
