/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit_pc.c - the parts of libamp/pc that need no kernel: boot archive, programs, the random
 * generator's core.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libamp/common/chacha.h"
#include "xok/abi.h"
#include "xok/pc/cpio.h"
#include "xok/pc/elf.h"

/* ---- archives ---- */

static size_t add(char *to, size_t off, const char *name, unsigned mode, const char *data,
		  size_t len)
{
	int n = sprintf(to + off, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1,
			mode, 0, 0, 1, 0, len, 0, 0, 0, 0, strlen(name) + 1, 0);

	assert_int_equal(n, 110);
	memcpy(to + off + 110, name, strlen(name) + 1);
	off = (off + 110 + strlen(name) + 1 + 3) & ~(size_t)3;
	memcpy(to + off, data, len);
	return (off + len + 3) & ~(size_t)3;
}

static size_t archive(char *a)
{
	size_t off = 0;

	memset(a, 0, 2048);
	off = add(a, off, ".", 0040755, "", 0);
	off = add(a, off, "init", 0100755, "program", 7);
	off = add(a, off, "./node.conf", 0100644, "node r1\n", 8);
	off = add(a, off, "empty", 0100644, "", 0);
	off = add(a, off, "link", 0120777, "init", 4);
	off = add(a, off, "TRAILER!!!", 0, "", 0);
	return add(a, off, "late", 0100644, "x", 1);
}

static void test_cpio_find(void **state)
{
	char a[2048];
	size_t n = archive(a), len = 9;
	const char *p;

	(void)state;
	p = cpio_find(a, n, "init", &len);
	assert_non_null(p);
	assert_int_equal(len, 7);
	assert_memory_equal(p, "program", 7);
	p = cpio_find(a, n, "node.conf", &len);
	assert_non_null(p);
	assert_memory_equal(p, "node r1\n", 8);
	assert_non_null(cpio_find(a, n, "empty", &len));
	assert_int_equal(len, 0);
	assert_null(cpio_find(a, n, "link", &len));
	assert_null(cpio_find(a, n, "late", &len));
	assert_null(cpio_find(a, n, ".", &len));
	assert_null(cpio_find(a, n, "nothing", &len));
}

/*
 * Cut short anywhere, it is an archive of fewer files, and no byte beyond the cut is read (the
 * sanitizer watches).
 */
static void test_cpio_cut(void **state)
{
	char a[2048];
	size_t n = archive(a), len;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		char *copy = malloc(cut > 0 ? cut : 1);

		memcpy(copy, a, cut);
		assert_null(cpio_find(copy, cut, "nothing", &len));
		free(copy);
	}
}

static void set_field(char *at, const char *digits)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = digits[i];
}

static void test_cpio_damage(void **state)
{
	char a[2048];
	struct cpio c = {.data = (const uint8_t *)a};
	struct cpio_file f;

	(void)state;
	c.len = archive(a);
	a[3] = 'x'; /* magic */
	assert_int_equal(cpio_next(&c, &f), -1);
	archive(a);
	a[54] = 'g'; /* a digit of the file's size */
	assert_int_equal(cpio_next(&c, &f), -1);
	archive(a);
	set_field(a + 54, "FFFFFFFF"); /* a size beyond the end */
	assert_int_equal(cpio_next(&c, &f), -1);
	archive(a);
	set_field(a + 94, "00000000"); /* no room for the name's NUL */
	assert_int_equal(cpio_next(&c, &f), -1);
	archive(a);
	set_field(a + 94, "00000001"); /* a name without NUL */
	assert_int_equal(cpio_next(&c, &f), -1);
	archive(a);
	set_field(a + 94, "FFFFFFFF");
	assert_int_equal(cpio_next(&c, &f), -1);
}

/* ---- programs ---- */

#define LO 0x10000u
#define HI 0x3fe00000u

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[10];
	uint8_t bytes[256];
};

static struct image good(void)
{
	struct image m = {
		.eh =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					    ELFDATA2LSB},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_entry = 0x400010,
				.e_phoff = offsetof(struct image, ph),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 2,
			},
		.ph =
			{
				{.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_offset = offsetof(struct image, bytes),
				 .p_vaddr = 0x400000,
				 .p_filesz = 100,
				 .p_memsz = 100},
				{.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W,
				 .p_offset = offsetof(struct image, bytes) + 100,
				 .p_vaddr = 0x401064,
				 .p_filesz = 50,
				 .p_memsz = 9000},
			},
	};

	return m;
}

static const char *read_image(const struct image *m, struct elf_program *p)
{
	return elf_read(p, m, sizeof(*m), LO, HI);
}

static void test_elf_good(void **state)
{
	struct image m = good();
	struct elf_program p;

	(void)state;
	assert_null(read_image(&m, &p));
	assert_int_equal(p.entry, 0x400010);
	assert_int_equal(p.nsegment, 2);
	assert_int_equal(p.segment[0].prot, XOK_PROT_R | XOK_PROT_X);
	assert_int_equal(p.segment[1].prot, XOK_PROT_R | XOK_PROT_W);
	assert_int_equal(p.segment[1].va, 0x401064);
	assert_int_equal(p.segment[1].size, 9000);
	assert_int_equal(p.segment[1].len, 50);
	assert_ptr_equal(p.segment[1].data, m.bytes + 100);
}

#define REFUSED(change, text)                       \
	do {                                        \
		struct image m = good();            \
		struct elf_program q;               \
		const char *why;                    \
		change;                             \
		why = read_image(&m, &q);           \
		assert_non_null(why);               \
		assert_non_null(strstr(why, text)); \
	} while (0)

static void test_elf_bad(void **state)
{
	struct elf_program small;

	(void)state;
	assert_non_null(elf_read(&small, "\177ELF", 4, LO, HI));
	REFUSED(m.eh.e_ident[1] = 'F', "ELF64");
	REFUSED(m.eh.e_ident[EI_CLASS] = ELFCLASS32, "ELF64");
	REFUSED(m.eh.e_ident[EI_DATA] = ELFDATA2MSB, "ELF64");
	REFUSED(m.eh.e_machine = EM_386, "x86-64");
	REFUSED(m.eh.e_type = ET_DYN, "static");
	REFUSED(m.eh.e_phoff = sizeof(m) - 10, "program headers");
	REFUSED(m.eh.e_phoff = UINT64_MAX, "program headers");
	REFUSED(m.eh.e_phnum = UINT16_MAX, "program headers");
	REFUSED(m.eh.e_phentsize = 8, "program headers");
	REFUSED(m.eh.e_phnum = 0, "entry");
	REFUSED(m.eh.e_entry = 0x400064, "entry");
	REFUSED(m.eh.e_entry = 0x401070, "entry");
	REFUSED(m.ph[0].p_type = PT_INTERP, "dynamically");
	REFUSED(m.ph[0].p_type = PT_DYNAMIC, "dynamically");
	REFUSED(m.ph[0].p_filesz = 101, "more bytes");
	REFUSED(m.ph[0].p_offset = sizeof(m) - 99, "outside the file");
	REFUSED(m.ph[0].p_offset = UINT64_MAX, "outside the file");
	REFUSED(m.ph[0].p_flags = PF_W | PF_X, "writable and executable");
	REFUSED(m.ph[0].p_vaddr = LO - 1, "addresses");
	REFUSED(m.ph[1].p_vaddr = HI - 8999, "addresses");
	REFUSED(m.ph[1].p_memsz = UINT64_MAX, "addresses");
	REFUSED(m.ph[1].p_vaddr = UINT64_MAX - 10, "addresses");
	REFUSED(m.ph[1].p_vaddr = 0x400800, "share a page");
	REFUSED(m.ph[1].p_vaddr = 0x300000, "share a page");
	REFUSED(
		{
			m.eh.e_phnum = 10;
			for (unsigned i = 2; i < 10; i++) {
				m.ph[i] = m.ph[1];
				m.ph[i].p_vaddr = 0x401064 + i * 0x10000;
			}
		},
		"too many");
}

/* RFC 8439 2.3.2 */
static void test_chacha(void **state)
{
	static const uint8_t want[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
					 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
	static const uint8_t nonce[CHACHA_NONCE] = {0, 0, 0, 9, 0, 0, 0, 0x4a};
	uint8_t key[CHACHA_KEY], out[CHACHA_BLOCK];

	(void)state;
	for (uint8_t i = 0; i < CHACHA_KEY; i++)
		key[i] = i;
	chacha20_block(out, key, 1, nonce);
	assert_memory_equal(out, want, sizeof(want));
	assert_int_equal(out[63], 0x4e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpio_find),   cmocka_unit_test(test_cpio_cut),
		cmocka_unit_test(test_cpio_damage), cmocka_unit_test(test_elf_good),
		cmocka_unit_test(test_elf_bad),	    cmocka_unit_test(test_chacha),
	};

	return cmocka_run_group_tests_name("libamp/pc", tests, NULL, NULL);
}
