/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm.h - an assembler for tests. It reads what vc_disasm writes, one statement to a line or between semicolons, and takes the
 * syntax from opcodes.def. Further: "raw OP DST SRC OFF IMM" places any slot whatever; "#" starts a comment.
 */
#ifndef XOK_VCODE_TEST_ASM_H
#define XOK_VCODE_TEST_ASM_H

#include "xok/vcode/vcode.h"

/* Returns how many slots were written, at most max. A statement that cannot be read ends the process with a message. */
uint32_t assemble(const struct vc_kind *k, const char *text, struct vc_insn *out, uint32_t max);

#endif
