/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.h - a static ELF64 program, checked: after elf_read nothing of the file needs to be doubted
 * again. Freestanding: the kernel loads the first environment with it, libamp all others.
 */
#ifndef XOK_PC_ELF_H
#define XOK_PC_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS 8u
#define ELF_HEADER_SIZE 56u

struct elf_segment {
	uint64_t va;   /* first byte; page boundaries are not its own affair */
	uint64_t size; /* in memory, > 0 */
	const uint8_t *data;
	uint64_t len;  /* of data, <= size; zeros follow */
	uint32_t prot; /* XOK_PROT_... */
};

struct elf_program {
	uint64_t entry;
	uint64_t headers; /* where the program headers are in memory, 0: nowhere */
	uint32_t nheader; /* of ELF_HEADER_SIZE bytes */
	uint32_t nsegment;
	struct elf_segment segment[ELF_SEGMENTS]; /* ascending, no two share a page */
};

/*
 * Reads a program whose segments all lie in [lo, hi). Returns NULL, or in words what is wrong with
 * it. The image must be aligned to 4 bytes at least; the result points into it.
 */
const char *elf_read(struct elf_program *p, const void *image, size_t len, uint64_t lo,
		     uint64_t hi);

#endif
