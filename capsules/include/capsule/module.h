/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module.h - the modules of FORMAT.md section 2: capsules, and the programs that are loaded into the kernel.
 *
 * Nothing here allocates or keeps state. A parsed module points into the bytes it was parsed from, which must outlive it.
 */
#ifndef CAPSULE_MODULE_H
#define CAPSULE_MODULE_H

#include "xok/vcode/vcode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODULE_MAX 65536u /* octets of a whole module */
#define MODULE_MIN 104u	  /* header, one entry point, one instruction */
#define MODULE_RODATA_MAX 16384u
#define MODULE_DATA_MAX 16384u	     /* of a capsule */
#define MODULE_DATA_KERNEL_MAX 4096u /* of all other kinds */
#define MODULE_TABLE_MAX (4u << 20)  /* octets of a table that is memory */
#define MODULE_HELPERS_MAX 64u
#define MODULE_NAME 28u /* octets; names are 1 to 28 printable ASCII characters without spaces */
#define MODULE_CODE_NAME 32u

/* What parsing or writing found: MODULE_RESULT(NAME, "stable-name", "text"). */
#define MODULE_RESULTS                                                                       \
	MODULE_RESULT(OK, "ok", "a canonical module")                                        \
	MODULE_RESULT(SHORT, "short", "shorter than its header says")                        \
	MODULE_RESULT(LONG, "long", "longer than its header says, or than 65,536 octets")    \
	MODULE_RESULT(BAD_MAGIC, "bad-magic", "does not begin with AMPM")                    \
	MODULE_RESULT(BAD_VERSION, "bad-version", "the format's version is not 1")           \
	MODULE_RESULT(BAD_KIND, "bad-kind", "no such program kind")                          \
	MODULE_RESULT(BAD_INSNS, "bad-instructions", "no instructions, or more than 4,096")  \
	MODULE_RESULT(BAD_RODATA, "bad-rodata", "more than 16,384 octets of read-only data") \
	MODULE_RESULT(BAD_DATA, "bad-data",                                                  \
		      "more than 16,384 octets of private data, or 4,096 in no capsule")     \
	MODULE_RESULT(BAD_ENTRIES, "bad-entries", "no entry points, or more than 8")         \
	MODULE_RESULT(BAD_ENTRY, "bad-entry", "an entry point lies outside the program")     \
	MODULE_RESULT(ENTRY_TWICE, "entry-twice", "two entry points have the same name")     \
	MODULE_RESULT(HAS_TABLES, "has-tables",                                              \
		      "tables are declared, which only handlers have, at most 8")            \
	MODULE_RESULT(BAD_TABLE, "bad-table",                                                \
		      "a table is larger than 4 MiB, or two have the same name")             \
	MODULE_RESULT(BAD_MIN_LEN, "bad-min-len",                                            \
		      "the least length is not 0 and not one that its kind can promise")     \
	MODULE_RESULT(BAD_NAME, "bad-name",                                                  \
		      "a name is not 1 to 28 printable characters, padded with zeros")       \
	MODULE_RESULT(BAD_HELPERS, "bad-helpers",                                            \
		      "the helper list is not exactly the helpers that are called")          \
	MODULE_RESULT(BAD_PADDING, "bad-padding", "padding is not zero")                     \
	MODULE_RESULT(HALF_INSN, "half-instruction",                                         \
		      "the last instruction is half of a two-slot one")

enum module_result {
#define MODULE_RESULT(name, stable, text) MODULE_##name,
	MODULE_RESULTS
#undef MODULE_RESULT
		MODULE_NRESULT
};
const char *module_result_name(enum module_result r);
const char *module_result_text(enum module_result r);

struct module_entry {
	uint32_t insn; /* index of its first instruction */
	char name[MODULE_NAME + 1];
};

/* A table that the program uses; what stands behind the name is said when it is loaded. */
struct module_table {
	uint32_t
		bytes; /* memory that it accesses directly, at least so much; 0: it has a handle only */
	char name[MODULE_NAME + 1];
};

struct module {
	char name[MODULE_NAME + 1];
	uint16_t kind;	 /* VC_KIND_CAPSULE, VC_KIND_HANDLER, VC_KIND_PREDICATE or VC_KIND_UDF */
	uint32_t budget; /* that one execution is expected to need; 0 unknown */
	uint32_t ninsn, rodata_len, data_len;
	const uint8_t *insn;   /* ninsn * 8 octets, little-endian */
	const uint8_t *rodata; /* rodata_len octets */
	uint32_t nentry;
	struct module_entry entry[VC_ENTRIES_MAX];
	uint32_t ntable;
	struct module_table table[VC_TABLES_MAX]; /* table n is VC_MAP_TABLE + n in the code */
	/* The program wants no shorter window; 0: as its kind has it. Otherwise more than that, and no capsule. */
	uint32_t min_len;
	uint32_t nhelper;
	uint32_t helper[MODULE_HELPERS_MAX]; /* numbers, strictly ascending */
};

/*
 * Parses a module and checks that it is the one encoding of its program. It does not verify the program: that is vc_verify's, on what
 * module_prog gives.
 */
enum module_result module_parse(const uint8_t *bytes, size_t len, struct module *m);

/*
 * Writes the canonical encoding of m (name, kind, budget, code, data, entry points, tables and least length; the helper list is found from
 * the code, m->nhelper and m->helper are not read). Returns its length, or 0 and *why (may be NULL) when there is none or it does not fit into size.
 */
size_t module_write(const struct module *m, uint8_t *out, size_t size, enum module_result *why);

/* Fills in m->nhelper and m->helper from the code, as module_write does for itself. */
enum module_result module_list_helpers(struct module *m);

/* The code name: BLAKE2b-256 of the module's bytes. */
void module_code_name(const uint8_t *bytes, size_t len, uint8_t name[MODULE_CODE_NAME]);

/* The index of the entry point with this name, or -1. */
int module_find_entry(const struct module *m, const char *name);

/*
 * The module as a program of its kind, for vc_verify, vc_interp and vc_compile; it points into the module's bytes. A table's memory
 * is as large as the module says. False when the bytes are not aligned to 4: parse modules from memory that malloc gave.
 */
bool module_prog(const struct module *m, struct vc_prog *prog);

/* The name of a kind that modules have, or NULL. */
const char *module_kind_name(uint32_t kind);

/* The name of a helper number, or NULL. */
const char *module_helper_name(uint32_t number);

#endif
