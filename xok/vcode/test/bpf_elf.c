/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/bpf_elf.h"

#define SECTIONS_MAX 64u
#define BPF_RELOCATION_LDDW 1u	/* R_BPF_64_64 */
#define BPF_RELOCATION_CALL 10u /* R_BPF_64_32 */

struct reader {
	struct bpf_object *o;
	uint8_t file[65536];
	const Elf64_Ehdr *head;
	const Elf64_Shdr *section;
	/* Where each section went: its first instruction, or its offset in rodata or data. */
	enum { NOWHERE, CODE, RODATA, DATA } where[SECTIONS_MAX];
	uint32_t at[SECTIONS_MAX];
};

static void expect(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bpf_elf: %s\n", what);
	abort();
}

static const char *name_of(const struct reader *r, const Elf64_Shdr *s)
{
	return (const char *)r->file + r->section[r->head->e_shstrndx].sh_offset + s->sh_name;
}

static void read_file(struct reader *r, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		perror(path);
	expect(f != NULL, "cannot open the object");
	n = fread(r->file, 1, sizeof(r->file), f);
	fclose(f);
	r->head = (const Elf64_Ehdr *)r->file;
	expect(n > sizeof(*r->head) && n < sizeof(r->file), "size");
	expect(r->head->e_machine == EM_BPF && r->head->e_shnum <= SECTIONS_MAX, "not BPF");
	r->section = (const Elf64_Shdr *)(r->file + r->head->e_shoff);
}

static void place_section(struct reader *r, uint32_t n)
{
	const Elf64_Shdr *s = &r->section[n];
	struct bpf_object *o = r->o;
	const void *bytes = r->file + s->sh_offset;

	if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0)
		return;
	if (s->sh_flags & SHF_EXECINSTR) {
		expect(o->ninsn + s->sh_size / 8 <= VC_INSNS_MAX, "too long");
		r->where[n] = CODE;
		r->at[n] = o->ninsn;
		if (!strcmp(name_of(r, s), "program"))
			o->entry = o->ninsn;
		memcpy(o->insn + o->ninsn, bytes, s->sh_size);
		o->ninsn += (uint32_t)(s->sh_size / 8);
	} else if (s->sh_flags & SHF_WRITE) {
		expect(s->sh_type == SHT_NOBITS, "data that is not zero");
		r->where[n] = DATA;
		r->at[n] = o->data_len;
		o->data_len += (uint32_t)((s->sh_size + 7) & ~7ull);
	} else {
		expect(o->rodata_len + s->sh_size + 8 <= sizeof(o->rodata), "too much rodata");
		r->where[n] = RODATA;
		r->at[n] = o->rodata_len;
		memcpy(o->rodata + o->rodata_len, bytes, s->sh_size);
		o->rodata_len += (uint32_t)((s->sh_size + 7) & ~7ull);
	}
}

static void relocate(struct reader *r, uint32_t code, const Elf64_Rel *rel, const Elf64_Sym *symbol)
{
	uint32_t pc = r->at[code] + (uint32_t)(rel->r_offset / 8), n = symbol->st_shndx;
	struct vc_insn *i = &r->o->insn[pc];
	uint32_t value = (uint32_t)symbol->st_value;

	expect(n < r->head->e_shnum, "undefined symbol");
	switch (ELF64_R_TYPE(rel->r_info)) {
	case BPF_RELOCATION_CALL:
		expect(r->where[n] == CODE && vc_is_local_call(i), "call of something else");
		i->imm = (int32_t)(r->at[n] + value / 8 + (uint32_t)i->imm - pc);
		break;
	case BPF_RELOCATION_LDDW:
		expect(r->where[n] == RODATA || r->where[n] == DATA, "address of something else");
		i[1].imm = (int32_t)(r->at[n] + value + (uint32_t)i->imm);
		i->imm = r->where[n] == RODATA ? VC_MAP_RODATA : VC_MAP_DATA;
		i->regs = (uint8_t)(vc_dst(i) | VC_SRC_MAP << 4);
		break;
	default: expect(false, "relocation of another kind");
	}
}

static void relocate_section(struct reader *r, const Elf64_Shdr *s)
{
	const Elf64_Rel *rel = (const Elf64_Rel *)(r->file + s->sh_offset);
	const Elf64_Sym *symbols = (const Elf64_Sym *)(r->file + r->section[s->sh_link].sh_offset);

	if (r->where[s->sh_info] != CODE)
		return;
	for (size_t n = 0; n < s->sh_size / sizeof(*rel); n++)
		relocate(r, s->sh_info, &rel[n], &symbols[ELF64_R_SYM(rel[n].r_info)]);
}

void bpf_object_read(struct bpf_object *o, const char *path)
{
	static struct reader r;

	memset(&r, 0, sizeof(r));
	memset(o, 0, sizeof(*o));
	r.o = o;
	read_file(&r, path);
	for (uint32_t n = 0; n < r.head->e_shnum; n++)
		place_section(&r, n);
	for (uint32_t n = 0; n < r.head->e_shnum; n++)
		if (r.section[n].sh_type == SHT_REL)
			relocate_section(&r, &r.section[n]);
}
