/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.h - the interpreter, stopped before each instruction to see whether the verifier was right. */
#ifndef XOK_VCODE_TEST_ORACLE_H
#define XOK_VCODE_TEST_ORACLE_H

#include "xok/vcode/vcode.h"

struct vc_work;

/*
 * As vc_interp, of a program that vc_verify has accepted with this working memory. When before some instruction a register or a slot of the
 * stack is not what the verifier knows of it, *wrong tells which, and it returns -1.
 */
int oracle_run(const struct vc_prog *p, void *scratch, struct vc_run *run, const char **wrong);

#endif
