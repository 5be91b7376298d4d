/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_file.h - bounds-checked reading of a relocatable ELF file, for elf.c and elf_lines.c.
 *
 * After elf_file_open every section's contents lie inside the file and every section has a name. Symbols and relocations are checked as
 * they are read.
 */
#ifndef CAPSULE_TOOL_ELF_FILE_H
#define CAPSULE_TOOL_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file {
	const uint8_t *bytes;
	size_t len;
	uint32_t nsection;
	size_t section_at; /* offset of the section table */
	uint32_t names;	   /* section of the section names */
	uint32_t symtab;   /* section of the symbols, 0: none */
	uint32_t nsymbol;
	uint32_t symbol_names; /* section of their names */
};

struct elf_section {
	const char *name;
	uint32_t type;
	uint64_t flags;
	const uint8_t *data; /* NULL for a section without contents in the file */
	uint64_t size, align;
	uint32_t link, info;
	uint64_t entry_size;
};

struct elf_symbol {
	const char *name; /* a section's symbol has its section's name */
	uint32_t type;
	uint32_t section; /* SHN_UNDEF, SHN_ABS, SHN_COMMON or an index that exists */
	uint64_t value, size;
	bool is_local; /* static */
};

/* NULL, or what is wrong with the file. */
const char *elf_file_open(struct elf_file *f, const uint8_t *bytes, size_t len);

/* i must be below nsection. */
void elf_file_section(const struct elf_file *f, uint32_t i, struct elf_section *s);

/* False when there is no such symbol or it is malformed. */
bool elf_file_symbol(const struct elf_file *f, uint32_t i, struct elf_symbol *s);

/* The index of the section with this name, 0: none. */
uint32_t elf_file_find(const struct elf_file *f, const char *name);

/* The relocations of a section, one after the other; start with *at = 0. */
struct elf_reloc {
	uint64_t offset;
	uint32_t type, symbol;
	uint32_t from;	 /* the relocation section it stands in */
	bool has_addend; /* RELA, which BPF objects do not use */
};
struct elf_relocs {
	uint32_t section; /* whose relocations */
	uint32_t from;	  /* the relocation section being read */
	uint64_t next;	  /* index in it */
};
void elf_file_relocs(struct elf_relocs *it, uint32_t section);
bool elf_file_next_reloc(const struct elf_file *f, struct elf_relocs *it, struct elf_reloc *r);

/* The symbol of this type (STT_FUNC, STT_OBJECT) that covers an offset of a section. */
bool elf_file_covering(const struct elf_file *f, uint32_t type, uint32_t section, uint64_t at,
		       struct elf_symbol *s);
/* The function that covers this offset of a section, or "". */
const char *elf_file_function(const struct elf_file *f, uint32_t section, uint64_t offset);
/* Likewise of an object. */
const char *elf_file_object(const struct elf_file *f, uint32_t section, uint64_t offset);

#endif
