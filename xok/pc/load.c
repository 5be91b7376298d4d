/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c - the boot archive (cpio, "newc" format) and the first program in it, a static ELF64.
 *
 * Everything is checked before it is used, though the archive is the operator's: a damaged one must
 * end in a message. Source: System V ABI, AMD64 supplement 3.4.1 (the initial stack).
 */
#include "pc.h"

#define CPIO_HEADER 110u
#define CPIO_MODE_TYPE 0170000u
#define CPIO_MODE_FILE 0100000u

#define STACK_TOP 0x00006f0000000000ull
#define STACK_SIZE 65536ull

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define ELF_EXEC 2u
#define ELF_X86_64 62u
#define ELF_PHNUM_MAX 32u
#define SEG_LOAD 1u
#define SEG_DYNAMIC 2u
#define SEG_INTERP 3u
#define SEG_X 1u
#define SEG_W 2u
#define SEG_R 4u

enum auxv {
	AUX_NULL = 0,
	AUX_PHDR = 3,
	AUX_PHENT = 4,
	AUX_PHNUM = 5,
	AUX_PAGESZ = 6,
	AUX_ENTRY = 9,
	AUX_RANDOM = 25,
};

/* Eight hexadecimal digits; false when one is none. */
static bool hex8(const uint8_t *p, uint32_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t c = p[i] | 0x20;

		if (c >= '0' && c <= '9')
			*v = *v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

const void *cpio_find(const void *archive, size_t bytes, const char *name, size_t *len)
{
	const uint8_t *p = archive;
	size_t off = 0;

	while (bytes - off >= CPIO_HEADER) {
		const uint8_t *h = p + off;
		uint32_t mode, size, namelen;
		size_t data;

		/*
		 * Fields of eight digits behind six bytes of magic: mode is 1, file size 6, name
		 * size 11.
		 */
		if (memcmp(h, "070701", 6) != 0 || !hex8(h + 14, &mode) || !hex8(h + 54, &size) ||
		    !hex8(h + 94, &namelen))
			return NULL;
		if (namelen == 0 || namelen > bytes - off - CPIO_HEADER ||
		    h[CPIO_HEADER + namelen - 1] != '\0')
			return NULL;
		/* Name and data are each padded to four bytes, counted from the archive's start. */
		data = (off + CPIO_HEADER + namelen + 3) & ~(size_t)3;
		if (data > bytes || size > bytes - data)
			return NULL;
		if ((mode & CPIO_MODE_TYPE) == CPIO_MODE_FILE &&
		    strcmp((const char *)h + CPIO_HEADER, name) == 0) {
			*len = size;
			return p + data;
		}
		off = (data + size + 3) & ~(size_t)3;
		if (off > bytes)
			return NULL;
	}
	return NULL;
}

static void check(bool ok, const char *what)
{
	if (!ok)
		panic("init: %s", what);
}

static const struct elf_segment *segments(const struct elf_header *h, const void *image)
{
	return (const void *)((const uint8_t *)image + h->phoff);
}

static void check_header(const struct elf_header *h, size_t len)
{
	static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	check(len >= sizeof(*h), "shorter than an ELF header");
	check(memcmp(h->ident, ident, sizeof(ident)) == 0, "not a little-endian ELF64");
	check(h->type == ELF_EXEC && h->machine == ELF_X86_64, "not a static x86-64 executable");
	check(h->phentsize == sizeof(struct elf_segment) && h->phnum <= ELF_PHNUM_MAX &&
		      h->phoff % 8 == 0 && h->phoff <= len &&
		      (size_t)h->phnum * sizeof(struct elf_segment) <= len - h->phoff,
	      "malformed program headers");
}

/* `low` is the first page that a segment may use, so that none share one. */
static void check_segment(const struct elf_segment *s, size_t len, uint64_t low)
{
	check(s->type != SEG_INTERP && s->type != SEG_DYNAMIC, "dynamically linked");
	if (s->type != SEG_LOAD)
		return;
	check(s->filesz <= s->memsz && s->offset <= len && s->filesz <= len - s->offset,
	      "a segment lies outside the file");
	check(s->vaddr >= XOK_USER_LO && s->vaddr < STACK_TOP - STACK_SIZE &&
		      s->memsz < STACK_TOP - STACK_SIZE - s->vaddr,
	      "a segment lies outside the user's addresses");
	check((s->vaddr & ~(uint64_t)(XOK_PAGE - 1)) >= low, "two segments share a page");
	check(!(s->flags & SEG_W) || !(s->flags & SEG_X), "a segment is writable and executable");
}

static void load_segment(struct xok *x, struct xok_env *root, const struct elf_segment *s,
			 const uint8_t *file)
{
	uint32_t prot = XOK_PROT_R;
	uint64_t file_end = s->vaddr + s->filesz, end = s->vaddr + s->memsz;

	prot |= s->flags & SEG_W ? XOK_PROT_W : 0;
	prot |= s->flags & SEG_X ? XOK_PROT_X : 0;
	for (uint64_t va = s->vaddr & ~(uint64_t)(XOK_PAGE - 1); va < end; va += XOK_PAGE) {
		uint64_t from = va > s->vaddr ? va : s->vaddr;
		uint64_t to = va + XOK_PAGE < file_end ? va + XOK_PAGE : file_end;
		uint8_t *page = xok_root_page(x, root, va, prot);

		check(page != NULL, "no memory to load it");
		if (from < to)
			memcpy(page + (from - va), file + (from - s->vaddr), to - from);
	}
}

/* Where the program headers are in memory, or 0. */
static uint64_t headers_va(const struct elf_header *h, const void *image)
{
	const struct elf_segment *s = segments(h, image);

	for (unsigned i = 0; i < h->phnum; i++) {
		if (s[i].type == SEG_LOAD && s[i].offset <= h->phoff &&
		    h->phoff - s[i].offset < s[i].filesz)
			return s[i].vaddr + (h->phoff - s[i].offset);
	}
	return 0;
}

/* Argument count, arguments, environment and auxiliary vector at the stack's top; returns rsp. */
static uint64_t make_stack(struct xok *x, struct xok_env *root, const struct elf_header *h,
			   const void *image)
{
	uint8_t *page = NULL;
	uint64_t *w, top = STACK_TOP - XOK_PAGE;
	const uint64_t name_off = XOK_PAGE - 16, random_off = XOK_PAGE - 32;
	const uint64_t words[] = {
		1,	    top + name_off,
		0, /* argc, argv[0], end of argv */
		0, /* end of envp */
		AUX_PAGESZ, XOK_PAGE,
		AUX_PHDR,   headers_va(h, image),
		AUX_PHENT,  h->phentsize,
		AUX_PHNUM,  h->phnum,
		AUX_ENTRY,  h->entry,
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
	struct elf_header h;
	const struct elf_segment *s;
	uint64_t low = XOK_USER_LO;
	uint64_t rsp;

	check(len >= sizeof(h), "shorter than an ELF header");
	memcpy(&h, image, sizeof(h));
	check_header(&h, len);
	s = segments(&h, image);
	for (unsigned i = 0; i < h.phnum; i++) {
		check_segment(&s[i], len, low);
		if (s[i].type == SEG_LOAD)
			low = (s[i].vaddr + s[i].memsz + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);
	}
	for (unsigned i = 0; i < h.phnum; i++) {
		if (s[i].type == SEG_LOAD && s[i].memsz > 0)
			load_segment(x, root, &s[i], (const uint8_t *)image + s[i].offset);
	}
	rsp = make_stack(x, root, &h, image);
	xok_root_run(x, root, h.entry, rsp);
}
