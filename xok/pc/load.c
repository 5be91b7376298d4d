/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c - the first environment: its program from the boot archive into its memory, and its initial stack (System V
 * ABI, AMD64 supplement 3.4.1).
 */
#include "elf.h"
#include "pc.h"

#define STACK_TOP 0x00006f0000000000ull
#define STACK_SIZE 65536ull

enum auxv {
	AUX_NULL = 0,
	AUX_PHDR = 3,
	AUX_PHENT = 4,
	AUX_PHNUM = 5,
	AUX_PAGESZ = 6,
	AUX_ENTRY = 9,
	AUX_RANDOM = 25,
};

static void check(bool ok, const char *what)
{
	if (!ok)
		panic("init: %s", what);
}

static void load_segment(struct xok *x, struct xok_env *root, const struct elf_segment *s)
{
	uint64_t data_end = s->va + s->len, end = s->va + s->size;

	for (uint64_t va = s->va & ~(uint64_t)(XOK_PAGE - 1); va < end; va += XOK_PAGE) {
		uint64_t from = va > s->va ? va : s->va;
		uint64_t to = va + XOK_PAGE < data_end ? va + XOK_PAGE : data_end;
		uint8_t *page = xok_root_page(x, root, va, s->prot);

		check(page != NULL, "no memory to load it");
		if (from < to)
			memcpy(page + (from - va), s->data + (from - s->va), to - from);
	}
}

/* Argument count, arguments, environment and auxiliary vector at the stack's top; returns rsp. */
static uint64_t make_stack(struct xok *x, struct xok_env *root, const struct elf_program *p)
{
	uint8_t *page = NULL;
	uint64_t *w, top = STACK_TOP - XOK_PAGE;
	const uint64_t name_off = XOK_PAGE - 16, random_off = XOK_PAGE - 32;
	const uint64_t words[] = {
		1,	    top + name_off,
		0, /* argc, argv[0], end of argv */
		0, /* end of envp */
		AUX_PAGESZ, XOK_PAGE,
		AUX_PHDR,   p->headers,
		AUX_PHENT,  ELF_HEADER_SIZE,
		AUX_PHNUM,  p->nheader,
		AUX_ENTRY,  p->entry,
		AUX_RANDOM, top + random_off,
		AUX_NULL,   0,
	};
	const uint64_t words_off = (random_off - sizeof(words)) & ~(uint64_t)15;

	for (uint64_t va = STACK_TOP - STACK_SIZE; va < STACK_TOP; va += XOK_PAGE) {
		page = xok_root_page(x, root, va, XOK_PROT_R | XOK_PROT_W);
		check(page != NULL, "no memory for its stack");
	}
	memcpy(page + name_off, "init", 5);
	random_bytes(NULL, page + random_off, 16);
	w = (uint64_t *)(page + words_off);
	memcpy(w, words, sizeof(words));
	return top + words_off;
}

void load_root(struct xok *x, struct xok_env *root, const void *image, size_t len)
{
	struct elf_program p;
	const char *wrong = elf_read(&p, image, len, XOK_USER_LO, STACK_TOP - STACK_SIZE);

	check(wrong == NULL, wrong);
	for (uint32_t i = 0; i < p.nsegment; i++)
		load_segment(x, root, &p.segment[i]);
	xok_root_run(x, root, p.entry, make_stack(x, root, &p));
}
