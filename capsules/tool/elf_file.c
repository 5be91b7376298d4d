/* SPDX-License-Identifier: BSD-2-Clause */
/* elf_file.c - reading of relocatable ELF files in which nothing is believed. */
#include "capsules/tool/elf_file.h"
#include "capsule/elf.h"

#include <string.h>

/* True when [at, at + size) lies in the file; written so that it cannot wrap. */
static bool inside(const struct elf_file *f, uint64_t at, uint64_t size)
{
	return at <= f->len && size <= f->len - at;
}

static void raw_section(const struct elf_file *f, uint32_t i, Elf64_Shdr *sh)
{
	memcpy(sh, f->bytes + f->section_at + (size_t)i * sizeof(*sh), sizeof(*sh));
}

/* A string of a string section that is known to end with a zero. */
static const char *string_at(const struct elf_file *f, uint32_t section, uint64_t at)
{
	Elf64_Shdr sh;

	raw_section(f, section, &sh);
	return at < sh.sh_size ? (const char *)f->bytes + sh.sh_offset + at : NULL;
}

/* elf_file_open has seen that every section has one. */
static const char *section_name(const struct elf_file *f, const Elf64_Shdr *sh)
{
	const char *name = string_at(f, f->names, sh->sh_name);

	return name ? name : "";
}

static bool is_string_section(const struct elf_file *f, uint32_t i)
{
	Elf64_Shdr sh;

	if (i == 0 || i >= f->nsection)
		return false;
	raw_section(f, i, &sh);
	/* Without the zero at the end the last string would run into whatever follows. */
	return sh.sh_type == SHT_STRTAB && sh.sh_size > 0 &&
	       f->bytes[sh.sh_offset + sh.sh_size - 1] == 0;
}

static const char *open_header(struct elf_file *f, Elf64_Ehdr *eh)
{
	if (f->len > ELF_OBJECT_MAX)
		return "the object is larger than 16 MiB";
	if (f->len < sizeof(*eh) || memcmp(f->bytes, ELFMAG, SELFMAG) != 0)
		return "neither C source (FILE.c), nor an object of clang, nor a module";
	memcpy(eh, f->bytes, sizeof(*eh));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_ident[EI_VERSION] != EV_CURRENT)
		return "not a 64-bit little-endian ELF file";
	if (eh->e_type != ET_REL || eh->e_machine != EM_BPF)
		return "not a BPF object: compile with clang -target bpf -c";
	if (eh->e_shnum == 0 || eh->e_shnum > ELF_SECTIONS_MAX)
		return "no sections, or more than 4,096";
	if (eh->e_shentsize != sizeof(Elf64_Shdr) ||
	    !inside(f, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(Elf64_Shdr)))
		return "the section table does not lie in the file";
	f->nsection = eh->e_shnum;
	f->section_at = eh->e_shoff;
	return NULL;
}

static const char *open_symbols(struct elf_file *f, uint32_t i, const Elf64_Shdr *sh)
{
	if (f->symtab != 0)
		return "more than one symbol table";
	if (sh->sh_entsize != sizeof(Elf64_Sym) || sh->sh_size % sizeof(Elf64_Sym) != 0)
		return "the symbol table is malformed";
	if (!is_string_section(f, sh->sh_link))
		return "the symbol names are malformed";
	f->symtab = i;
	f->nsymbol = (uint32_t)(sh->sh_size / sizeof(Elf64_Sym));
	f->symbol_names = sh->sh_link;
	return NULL;
}

const char *elf_file_open(struct elf_file *f, const uint8_t *bytes, size_t len)
{
	const char *wrong;
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	*f = (struct elf_file){.bytes = bytes, .len = len};
	wrong = open_header(f, &eh);
	if (wrong)
		return wrong;
	for (uint32_t i = 0; i < f->nsection; i++) {
		raw_section(f, i, &sh);
		if (sh.sh_type != SHT_NOBITS && sh.sh_type != SHT_NULL &&
		    !inside(f, sh.sh_offset, sh.sh_size))
			return "a section does not lie in the file";
	}
	if (!is_string_section(f, eh.e_shstrndx))
		return "the section names are malformed";
	f->names = eh.e_shstrndx;
	for (uint32_t i = 0; i < f->nsection; i++) {
		raw_section(f, i, &sh);
		if (!string_at(f, f->names, sh.sh_name))
			return "a section has no name";
		wrong = sh.sh_type == SHT_SYMTAB ? open_symbols(f, i, &sh) : NULL;
		if (wrong)
			return wrong;
	}
	return NULL;
}

void elf_file_section(const struct elf_file *f, uint32_t i, struct elf_section *s)
{
	Elf64_Shdr sh;

	raw_section(f, i, &sh);
	*s = (struct elf_section){
		.name = section_name(f, &sh),
		.type = sh.sh_type,
		.flags = sh.sh_flags,
		.size = sh.sh_size,
		.align = sh.sh_addralign,
		.link = sh.sh_link,
		.info = sh.sh_info,
		.entry_size = sh.sh_entsize,
	};
	if (sh.sh_type != SHT_NOBITS && sh.sh_type != SHT_NULL)
		s->data = f->bytes + sh.sh_offset;
}

bool elf_file_symbol(const struct elf_file *f, uint32_t i, struct elf_symbol *s)
{
	Elf64_Shdr sh;
	Elf64_Sym sym;

	if (i >= f->nsymbol)
		return false;
	raw_section(f, f->symtab, &sh);
	memcpy(&sym, f->bytes + sh.sh_offset + (size_t)i * sizeof(sym), sizeof(sym));
	*s = (struct elf_symbol){
		.name = string_at(f, f->symbol_names, sym.st_name),
		.type = ELF64_ST_TYPE(sym.st_info),
		.section = sym.st_shndx,
		.value = sym.st_value,
		.size = sym.st_size,
		.is_local = ELF64_ST_BIND(sym.st_info) == STB_LOCAL,
	};
	if (!s->name)
		return false;
	if (sym.st_shndx >= f->nsection)
		return sym.st_shndx == SHN_ABS || sym.st_shndx == SHN_COMMON;
	if (s->type == STT_SECTION) {
		raw_section(f, sym.st_shndx, &sh);
		s->name = section_name(f, &sh);
	}
	return true;
}

uint32_t elf_file_find(const struct elf_file *f, const char *name)
{
	struct elf_section s;

	for (uint32_t i = 1; i < f->nsection; i++) {
		elf_file_section(f, i, &s);
		if (strcmp(s.name, name) == 0)
			return i;
	}
	return 0;
}

void elf_file_relocs(struct elf_relocs *it, uint32_t section)
{
	*it = (struct elf_relocs){.section = section};
}

bool elf_file_next_reloc(const struct elf_file *f, struct elf_relocs *it, struct elf_reloc *r)
{
	struct elf_section s;
	Elf64_Rel rel;

	for (; it->from < f->nsection; it->from++, it->next = 0) {
		size_t entry;

		elf_file_section(f, it->from, &s);
		if ((s.type != SHT_REL && s.type != SHT_RELA) || s.info != it->section)
			continue;
		entry = s.type == SHT_REL ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela);
		if (it->next >= s.size / entry)
			continue;
		/* A RELA entry begins like a REL entry. */
		memcpy(&rel, s.data + it->next++ * entry, sizeof(rel));
		*r = (struct elf_reloc){
			.offset = rel.r_offset,
			.type = (uint32_t)ELF64_R_TYPE(rel.r_info),
			.symbol = (uint32_t)ELF64_R_SYM(rel.r_info),
			.from = it->from,
			.has_addend = s.type == SHT_RELA,
		};
		return true;
	}
	return false;
}

bool elf_file_covering(const struct elf_file *f, uint32_t type, uint32_t section, uint64_t at,
		       struct elf_symbol *s)
{
	for (uint32_t i = 1; i < f->nsymbol; i++) {
		if (elf_file_symbol(f, i, s) && s->type == type && s->section == section &&
		    s->value <= at && at - s->value < s->size)
			return true;
	}
	return false;
}

const char *elf_file_function(const struct elf_file *f, uint32_t section, uint64_t offset)
{
	struct elf_symbol s;

	return elf_file_covering(f, STT_FUNC, section, offset, &s) ? s.name : "";
}

const char *elf_file_object(const struct elf_file *f, uint32_t section, uint64_t offset)
{
	struct elf_symbol s;

	return elf_file_covering(f, STT_OBJECT, section, offset, &s) ? s.name : "";
}
