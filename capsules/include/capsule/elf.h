/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.h - clang's BPF object file to a module's parts. Host only; objects are hostile input, every offset is checked.
 *
 * Sections "KIND/NAME" (capsule/NAME, handler/NAME, predicate/NAME, udf/NAME, raw/NAME) are the entry points, in the order of their appearance;
 * all of one kind. What they reach is taken in, nothing else: other code sections (functions that were not inlined), .rodata* and .data.rel.ro* as
 * read-only data, .bss* and .data* (all zero) as private data, which every run finds zeroed, and tables: the objects of the section
 * "tables/array" are memory, those of "tables/handle" are handles. Section "min_len" holds the least length as a uint32.
 * Relocations are R_BPF_64_64 (addresses, loaded by LDDW) and R_BPF_64_32 (calls). Addresses inside data, addresses of functions, and
 * non-zero initial values of writable data are refused.
 *
 * Sources: the ELF specification; LLVM's BPF relocation documentation; RFC 9669; the kernel's BTF documentation.
 */
#ifndef CAPSULE_ELF_H
#define CAPSULE_ELF_H

#include "capsule/module.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_ERROR 512u
#define ELF_OBJECT_MAX (16u << 20)
#define ELF_SECTIONS_MAX 4096u
#define ELF_PIECES_MAX 512u

enum elf_piece_kind { ELF_CODE, ELF_RODATA, ELF_DATA };

/* A section that was taken in. */
struct elf_piece {
	enum elf_piece_kind kind;
	uint32_t section;
	uint32_t base; /* its first instruction or octet in the module */
	uint32_t size; /* in instructions or octets */
};

/* A linked program. About 60 KiB: allocate it. It is valid as long as the object's bytes are. */
struct elf_program {
	struct module module; /* all but name and budget, which are the caller's to set */
	const uint8_t *object;
	size_t object_len;
	uint32_t npiece;
	struct elf_piece piece[ELF_PIECES_MAX];
	_Alignas(8) uint8_t insn[VC_INSNS_MAX * 8];
	_Alignas(8) uint8_t rodata[MODULE_RODATA_MAX];
};

/*
 * True, or false and one line in err that names section, function or symbol, and says what to do. kind: what is taken of an object that has
 * entry points of several kinds (0: it must have one). With VC_KIND_RAW, code that has no section raw/ begins at the first
 * function that there is.
 */
bool elf_link(const uint8_t *object, size_t len, uint32_t kind, struct elf_program *prog,
	      char err[ELF_ERROR]);

/* Where an instruction of the module comes from, as far as the object says. */
struct elf_place {
	char function[64]; /* "" when unknown */
	char file[256];	   /* likewise */
	char text[160];	   /* the source line, without blanks around it */
	uint32_t line;	   /* 0 when unknown */
	uint32_t column;
};
void elf_place(const struct elf_program *prog, uint32_t insn, struct elf_place *place);

#endif
