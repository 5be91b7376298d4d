/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_elf.c - any bytes as a program: what is accepted can be loaded without a further look. */
#include <stdlib.h>

#include "xok/abi.h"
#include "xok/pc/elf.h"

#define LO 0x10000u
#define HI 0x3fe00000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_program p;
	uint64_t next = LO;

	if (elf_read(&p, data, size, LO, HI) != NULL)
		return 0;
	for (uint32_t i = 0; i < p.nsegment; i++) {
		const struct elf_segment *s = &p.segment[i];

		if (s->va / XOK_PAGE < next / XOK_PAGE || s->size == 0 || s->size > HI - s->va)
			abort();
		if (s->len > s->size || s->data < data || s->len > (size_t)(data + size - s->data))
			abort();
		if ((s->prot & XOK_PROT_W) && (s->prot & XOK_PROT_X))
			abort();
		next = (s->va + s->size + XOK_PAGE - 1) / XOK_PAGE * XOK_PAGE;
	}
	return 0;
}
