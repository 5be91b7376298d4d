/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.h - the verifier's words in those of a C programmer: what each register holds, where in the source an instruction comes
 * from, why it is refused and what to do.
 */
#ifndef CAPSULE_TOOL_EXPLAIN_H
#define CAPSULE_TOOL_EXPLAIN_H

#include "capsule/elf.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* The registers, bit n for rn, that an instruction reads. */
uint32_t explain_reads(const struct vc_prog *p, uint32_t pc);

/*
 * From a state ("r1=ctx r2=window+14 ..."), what the registers that the instruction reads hold: "r1 is the context; r2 is the packet + 14". module
 * (may be NULL) gives the tables their names. terse leaves numbers out.
 */
#define EXPLAIN_TEXT 512u
void explain_state(const struct vc_prog *p, const struct module *m, uint32_t pc, const char *state,
		   bool terse, char out[EXPLAIN_TEXT]);

/* Octets that a load, a store or an atomic operation moves, and the register it goes through; 0: it is none. */
uint32_t explain_access(const struct vc_insn *i, uint32_t *base);

/* "4 octets at offset 64 of table 'counts', which has 64"; false: it is no access at a constant offset of something of known size. */
bool explain_bounds(const struct vc_prog *p, const struct module *m, uint32_t pc, const char *state,
		    char out[EXPLAIN_TEXT]);

/* The helper's prototype as it is written in C, with the prefix of programs of this kind: "int64_t xok_lpm4(...)". */
void explain_prototype(FILE *out, uint32_t kind, const struct vc_helper *h);

/* The debug information has absolute paths; people recognise the one that they gave. */
const char *explain_file(const char *file, const char *given);

/*
 * Why a program is refused, on standard error. origin (may be NULL) is what it was linked from, which knows functions and source lines.
 */
void explain_refusal(const char *verb, const char *path, const struct vc_prog *p,
		     const struct module *m, const struct vc_report *rep,
		     const struct elf_program *origin);
/* The same as members of an object. */
void explain_refusal_json(cJSON *o, const char *path, const struct vc_prog *p,
			  const struct vc_report *rep, const struct elf_program *origin);

#endif
