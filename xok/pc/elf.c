/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.c - program headers of a static x86-64 executable (System V ABI, AMD64 supplement). */
#include <elf.h>
#include <string.h>

#include "xok/abi.h"
#include "xok/pc/elf.h"

#define PAGE_MASK (~(uint64_t)(XOK_PAGE - 1))

_Static_assert(sizeof(Elf64_Phdr) == ELF_HEADER_SIZE, "program header");

static const char *read_segment(struct elf_program *p, const Elf64_Phdr *ph, const uint8_t *image,
				size_t len, uint64_t phoff)
{
	struct elf_segment *s = &p->segment[p->nsegment++];

	if (ph->p_filesz > ph->p_memsz)
		return "a segment has more bytes in the file than in memory";
	if (ph->p_offset > len || ph->p_filesz > len - ph->p_offset)
		return "a segment lies outside the file";
	if ((ph->p_flags & PF_W) && (ph->p_flags & PF_X))
		return "a segment is writable and executable";
	if (p->headers == 0 && ph->p_offset <= phoff && phoff - ph->p_offset < ph->p_filesz)
		p->headers = ph->p_vaddr + (phoff - ph->p_offset);
	s->va = ph->p_vaddr;
	s->size = ph->p_memsz;
	s->data = image + ph->p_offset;
	s->len = ph->p_filesz;
	s->prot = XOK_PROT_R | (ph->p_flags & PF_W ? XOK_PROT_W : 0) |
		  (ph->p_flags & PF_X ? XOK_PROT_X : 0);
	return NULL;
}

static const char *check_header(const Elf64_Ehdr *eh, size_t len)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return "not a little-endian ELF64 file";
	if (eh->e_type != ET_EXEC || eh->e_machine != EM_X86_64)
		return "not a static x86-64 executable";
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phoff > len ||
	    (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr) > len - eh->e_phoff)
		return "the program headers lie outside the file";
	return NULL;
}

static const char *check_entry(const struct elf_program *p)
{
	for (uint32_t i = 0; i < p->nsegment; i++) {
		const struct elf_segment *s = &p->segment[i];

		if ((s->prot & XOK_PROT_X) && p->entry >= s->va && p->entry - s->va < s->size)
			return NULL;
	}
	return "the entry point lies in no executable segment";
}

const char *elf_read(struct elf_program *p, const void *image, size_t len, uint64_t lo, uint64_t hi)
{
	const uint8_t *base = image;
	uint64_t next = lo; /* the first page that is free */
	const char *wrong;
	Elf64_Ehdr eh;

	p->nsegment = 0;
	p->headers = 0;
	if (len < sizeof(eh))
		return "shorter than an ELF header";
	memcpy(&eh, base, sizeof(eh));
	wrong = check_header(&eh, len);
	for (uint16_t i = 0; wrong == NULL && i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, base + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_INTERP || ph.p_type == PT_DYNAMIC)
			return "dynamically linked";
		if (ph.p_type != PT_LOAD || ph.p_memsz == 0)
			continue;
		if (p->nsegment == ELF_SEGMENTS)
			return "too many segments";
		/* Written so that nothing wraps: vaddr and memsz are any 64-bit numbers. */
		if (ph.p_vaddr < lo || ph.p_vaddr >= hi || ph.p_memsz > hi - ph.p_vaddr)
			return "a segment lies outside the program's addresses";
		if ((ph.p_vaddr & PAGE_MASK) < next)
			return "two segments share a page, or are out of order";
		wrong = read_segment(p, &ph, base, len, eh.e_phoff);
		next = (ph.p_vaddr + ph.p_memsz + XOK_PAGE - 1) & PAGE_MASK;
	}
	p->nheader = eh.e_phnum;
	p->entry = eh.e_entry;
	return wrong != NULL ? wrong : check_entry(p);
}
