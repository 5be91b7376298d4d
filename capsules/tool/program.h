/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - a program from a file of any form (C source, clang's object, a module), verified. */
#ifndef CAPSULE_TOOL_PROGRAM_H
#define CAPSULE_TOOL_PROGRAM_H

#include "capsule/elf.h"

struct tool_program {
	const char *path;
	uint8_t *bytes; /* of the object or the module */
	size_t len;	/* theirs */
	struct elf_program
		*origin;      /* what knows functions and source lines; NULL: it was a module */
	struct module module; /* of an object: as it would be, but without a name */
	struct vc_prog prog;
	void *scratch; /* as vc_verify left it, for vc_facts and vc_compile */
	size_t scratch_len;
	struct vc_report report; /* reason 0: it verifies */
};

/*
 * Reads FILE.c, FILE.o or FILE.mod, and verifies it. kind: which entry points of an object are meant, 0: it has those of one kind. False with a
 * message when there is no program to verify; whether it verifies stands in the report. Freed in either case.
 */
bool tool_program_read(const char *verb, const char *path, uint32_t kind, struct tool_program *p);
void tool_program_free(struct tool_program *p);

/* Verifies p->prog; false when memory runs out. */
bool tool_program_verify(struct tool_program *p);

#endif
