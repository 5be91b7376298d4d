/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_load.c - the boot archive and the ELF loader, on the host: whatever the bytes are, either a
 * sound image is mapped or the machine stops with a message, and no byte outside the archive is
 * read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xok/pc/cpio.h"
#include "xok/pc/pc.h"

/* ---- what load.c asks of the machine and the core ---- */

#define NPAGE 64
static struct {
	uint64_t va;
	uint32_t prot;
	uint8_t *bytes;
} pages[NPAGE];
static unsigned npages;
static uint64_t run_rip, run_rsp;
static jmp_buf panicked;

_Noreturn void panic(const char *fmt, ...)
{
	(void)fmt;
	longjmp(panicked, 1);
}

void random_bytes(void *m, void *buf, size_t len)
{
	(void)m;
	memset(buf, 0x5a, len);
}

void *xok_root_page(struct xok *x, struct xok_env *root, uint64_t va, uint32_t prot)
{
	(void)x;
	(void)root;
	if (npages == NPAGE)
		return NULL;
	pages[npages].va = va;
	pages[npages].prot = prot;
	pages[npages].bytes = calloc(1, XOK_PAGE);
	return pages[npages++].bytes;
}

void xok_root_run(struct xok *x, struct xok_env *root, uint64_t rip, uint64_t rsp)
{
	(void)x;
	(void)root;
	run_rip = rip;
	run_rsp = rsp;
}

/* ---- an image to spoil ---- */

struct image {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	struct {
		uint32_t type, flags;
		uint64_t offset, vaddr, paddr, filesz, memsz, align;
	} seg[2];
	uint8_t text[32], data[32];
};

static struct image sound(void)
{
	struct image i = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
			  .type = 2,
			  .machine = 62,
			  .version = 1,
			  .entry = 0x400000 + offsetof(struct image, text),
			  .phoff = offsetof(struct image, seg),
			  .phentsize = 56,
			  .phnum = 2};

	i.seg[0].type = i.seg[1].type = 1;
	i.seg[0].flags = 5;
	i.seg[0].vaddr = 0x400000;
	i.seg[0].filesz = i.seg[0].memsz = offsetof(struct image, data);
	i.seg[1].flags = 6;
	i.seg[1].vaddr = 0x402ff0;
	i.seg[1].offset = offsetof(struct image, data);
	i.seg[1].filesz = 32;
	i.seg[1].memsz = 5000;
	memset(i.text, 't', sizeof(i.text));
	memset(i.data, 'd', sizeof(i.data));
	return i;
}

/*
 * Loads from an allocation of exactly that size, so that a read beyond it is caught. True: it was
 * started.
 */
static bool load(const void *image, size_t len)
{
	void *volatile copy = malloc(len ? len : 1);
	volatile bool started = false;

	for (unsigned i = 0; i < npages; i++)
		free(pages[i].bytes);
	npages = 0;
	memcpy(copy, image, len);
	run_rip = 0;
	if (setjmp(panicked) == 0) {
		load_root(NULL, NULL, copy, len);
		started = true;
	}
	free(copy);
	return started;
}

static const uint8_t *page_at(uint64_t va)
{
	for (unsigned i = 0; i < npages; i++) {
		if (pages[i].va == va)
			return pages[i].bytes;
	}
	return NULL;
}

static void loads_a_sound_image(void **state)
{
	struct image i = sound();
	const uint8_t *stack;
	const uint64_t *w;

	(void)state;
	assert_true(load(&i, sizeof(i)));
	assert_int_equal(run_rip, i.entry);
	assert_int_equal(run_rsp % 16, 0);
	assert_int_equal(npages, 1 + 3 + 16);
	assert_memory_equal(page_at(0x400000), &i, i.seg[0].filesz);
	assert_int_equal(page_at(0x402000)[0xfef], 0);
	assert_memory_equal(page_at(0x402000) + 0xff0, i.data, 16);
	assert_memory_equal(page_at(0x403000), i.data + 16, 16);
	assert_int_equal(page_at(0x403000)[16], 0);
	assert_int_equal(pages[0].prot, XOK_PROT_R | XOK_PROT_X);
	assert_int_equal(pages[1].prot, XOK_PROT_R | XOK_PROT_W);
	stack = page_at(0x00006f0000000000ull - XOK_PAGE);
	assert_non_null(stack);
	w = (const uint64_t *)(stack + run_rsp % XOK_PAGE);
	assert_int_equal(w[0], 1);
	assert_string_equal((const char *)stack + w[1] % XOK_PAGE, "init");
	assert_int_equal(w[2], 0);
	assert_int_equal(w[3], 0);
}

#define SPOIL(statement)                           \
	do {                                       \
		struct image i = sound();          \
		statement;                         \
		assert_false(load(&i, sizeof(i))); \
	} while (0)

static void refuses_unsound_images(void **state)
{
	(void)state;
	SPOIL(i.ident[0] = 0);
	SPOIL(i.ident[4] = 1);
	SPOIL(i.ident[5] = 2);
	SPOIL(i.type = 3);
	SPOIL(i.machine = 3);
	SPOIL(i.phentsize = 32);
	SPOIL(i.phnum = 1000);
	SPOIL(i.phoff = sizeof(i));
	SPOIL(i.phoff = UINT64_MAX - 7);
	SPOIL(i.phoff = 1);
	SPOIL(i.seg[0].type = 3);
	SPOIL(i.seg[0].type = 2);
	SPOIL(i.seg[0].flags = 7);
	SPOIL(i.seg[1].flags = 7);
	SPOIL(i.seg[0].filesz = i.seg[0].memsz + 1);
	SPOIL(i.seg[0].filesz = i.seg[0].memsz = sizeof(i) + 1);
	SPOIL(i.seg[0].offset = sizeof(i) + 1);
	SPOIL(i.seg[0].offset = UINT64_MAX);
	SPOIL(i.seg[0].vaddr = 0);
	SPOIL(i.seg[0].vaddr = 0xfff0);
	SPOIL(i.seg[0].vaddr = XOK_USER_HI);
	SPOIL(i.seg[0].vaddr = 0xffffffff80100000);
	SPOIL(i.seg[1].vaddr = 0x00006f0000000000ull - 65536 - 100);
	SPOIL(i.seg[1].memsz = UINT64_MAX);
	SPOIL(i.seg[1].memsz = UINT64_MAX - 0x402ff0 + 1);
	SPOIL(i.seg[1].vaddr = 0x400ff0);
	SPOIL(i.seg[1].memsz = 1ull << 30);
}

static void refuses_short_images(void **state)
{
	struct image i = sound();

	(void)state;
	for (size_t len = 0; len < sizeof(i); len++)
		assert_false(load(&i, len));
}

/* ---- archives ---- */

static size_t add(uint8_t *out, size_t at, uint32_t mode, const char *name, const char *data)
{
	size_t size = strlen(data), namelen = strlen(name) + 1;

	sprintf((char *)out + at, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0,
		mode, 0, 0, 1, 0, (unsigned)size, 0, 0, 0, 0, (unsigned)namelen, 0);
	memcpy(out + at + 110, name, namelen);
	at = (at + 110 + namelen + 3) & ~(size_t)3;
	memcpy(out + at, data, size);
	return (at + size + 3) & ~(size_t)3;
}

static uint8_t archive[2048];

static size_t make_archive(void)
{
	size_t at = 0;

	memset(archive, 0, sizeof(archive));
	at = add(archive, at, 0040755, "init", "");
	at = add(archive, at, 0100644, "node.conf", "node r1\n");
	at = add(archive, at, 0100755, "init", "program");
	return add(archive, at, 0, "TRAILER!!!", "");
}

static void finds_files(void **state)
{
	size_t bytes = make_archive(), len = 0;
	const void *p = cpio_find(archive, bytes, "init", &len);

	(void)state;
	assert_non_null(p);
	assert_int_equal(len, 7);
	assert_memory_equal(p, "program", 7);
	p = cpio_find(archive, bytes, "node.conf", &len);
	assert_non_null(p);
	assert_int_equal(len, 8);
	assert_null(cpio_find(archive, bytes, "missing", &len));
	assert_null(cpio_find(archive, bytes, "ini", &len));
	assert_null(cpio_find(archive, 0, "init", &len));
}

/*
 * Every byte of the archive in turn is replaced and the archive cut: an answer must lie inside it.
 */
static void survives_damage(void **state)
{
	size_t bytes = make_archive();
	static const char by[] = {0, ' ', '0', '7', 'f', 'F', '\xff', 'x'};

	(void)state;
	for (size_t at = 0; at < bytes; at++) {
		for (size_t b = 0; b < sizeof(by); b++) {
			size_t len = 0, cut = b == 0 ? at : bytes;
			uint8_t *copy = malloc(cut + 1);
			const uint8_t *p;

			memcpy(copy, archive, cut);
			if (b != 0)
				copy[at] = (uint8_t)by[b];
			p = cpio_find(copy, cut, "init", &len);
			assert_true(p == NULL || (p >= copy && len <= cut - (size_t)(p - copy)));
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_a_sound_image),	cmocka_unit_test(refuses_unsound_images),
		cmocka_unit_test(refuses_short_images), cmocka_unit_test(finds_files),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
