/* SPDX-License-Identifier: BSD-2-Clause */
/* bad_modules.h - programs that must be refused, and why: for the generator and for the unit tests. */
#ifndef CAPSULE_TEST_BAD_MODULES_H
#define CAPSULE_TEST_BAD_MODULES_H

#include "capsule/module.h"

#include <string.h>

struct bad_module {
	const char *name;
	enum vc_reason reason;
	uint32_t ninsn;
	struct vc_insn insn[8];
};

#define BAD_EXIT           \
	{                  \
		.op = 0x95 \
	}
#define BAD_MOV(dst, value)                               \
	{                                                 \
		.op = 0xb7, .regs = (dst), .imm = (value) \
	}
#define BAD_JA(offset)                      \
	{                                   \
		.op = 0x05, .off = (offset) \
	}
#define BAD_LDDW(dst, value)                              \
	{                                                 \
		.op = 0x18, .regs = (dst), .imm = (value) \
	}
#define BAD_HELPER(number)                  \
	{                                   \
		.op = 0x85, .imm = (number) \
	}
#define BAD_CALL(offset)                                  \
	{                                                 \
		.op = 0x85, .regs = 0x10, .imm = (offset) \
	}

static const struct bad_module bad_modules[] = {
	/* Lands in the second half of the LDDW, which would read as another instruction. */
	{"jump-into", VC_JUMP_INTO_INSN, 4, {BAD_JA(1), BAD_LDDW(0, 1), {0}, BAD_EXIT}},
	/* Ends without EXIT: what follows in memory would be executed. */
	{"no-exit", VC_NO_EXIT, 2, {BAD_MOV(0, 1), BAD_MOV(1, 2)}},
	/* Calls a helper that this program kind does not have; the list of the module names it all the same. */
	{"forged-helper", VC_BAD_HELPER, 3, {BAD_HELPER(4711), BAD_MOV(0, 1), BAD_EXIT}},
	/* Jumps behind the program. */
	{"jump-out", VC_BAD_JUMP, 3, {BAD_MOV(0, 1), BAD_JA(7), BAD_EXIT}},
	/* Calls itself. */
	{"recursion", VC_RECURSION, 3, {BAD_CALL(-1), BAD_MOV(0, 1), BAD_EXIT}},
	/* An opcode that RFC 9669 does not define. */
	{"bad-opcode", VC_BAD_OPCODE, 3, {BAD_MOV(0, 1), {.op = 0xff}, BAD_EXIT}},
	/* Returns the context's address. */
	{"pointer-leak", VC_POINTER_LEAK, 2, {{.op = 0xbf, .regs = 0x10}, BAD_EXIT}},
	/* Reads a register that nobody has written. */
	{"uninitialised", VC_UNINITIALISED, 2, {{.op = 0xbf, .regs = 0x50}, BAD_EXIT}},
};
#define BAD_MODULES (sizeof(bad_modules) / sizeof(bad_modules[0]))

static inline size_t bad_module_write(const struct bad_module *b, uint8_t *out, size_t size)
{
	struct module m = {.kind = VC_KIND_CAPSULE, .ninsn = b->ninsn, .nentry = 1};

	strncpy(m.name, b->name, MODULE_NAME);
	strncpy(m.entry[0].name, "main", MODULE_NAME);
	m.insn = (const uint8_t *)b->insn;
	return module_write(&m, out, size, NULL);
}

#endif
