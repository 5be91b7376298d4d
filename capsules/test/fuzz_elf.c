/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_elf.c - any object file: linking reads nothing outside it, and what it links is a module. An input is either a whole file, or
 * (first octet's top bit) a list of changes to an object that clang made, a capsule's or (its next bit) a handler's: three octets of offset, one
 * of value each.
 */
#include "capsule/elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char *const paths[] = {TEST_OBJECTS "/everything.o", TEST_OBJECTS "/tables.o"};
static uint8_t *samples[2];
static size_t sample_lens[2];
static struct elf_program prog;

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(paths[i], "rb");

		must(f != NULL);
		samples[i] = malloc(1u << 20);
		must(samples[i] != NULL);
		sample_lens[i] = fread(samples[i], 1, 1u << 20, f);
		fclose(f);
	}
	return 0;
}

static void link_and_write(const uint8_t *object, size_t len)
{
	static uint8_t out[MODULE_MAX];
	struct elf_place place;
	struct module m;
	char err[ELF_ERROR];
	size_t n;

	if (!elf_link(object, len, 0, &prog, err)) {
		must(err[0] != 0);
		return;
	}
	for (uint32_t i = 0; i < prog.module.ninsn; i += 5)
		elf_place(&prog, i, &place);
	strcpy(prog.module.name, "fuzz");
	n = module_write(&prog.module, out, sizeof(out), NULL);
	if (n > 0)
		must(module_parse(out, n, &m) == MODULE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned which = size > 0 && (data[0] & 0x40) ? 1 : 0;
	const uint8_t *sample = samples[which];
	size_t sample_len = sample_lens[which];
	bool changes = size > 0 && sample_len > 0 && (data[0] & 0x80);
	size_t n = changes ? sample_len : size;
	uint8_t *object = malloc(n > 0 ? n : 1);

	must(object != NULL);
	memcpy(object, changes ? sample : data, n);
	for (size_t i = 1; changes && i + 4 <= size; i += 4) {
		size_t at = (size_t)(data[i] | data[i + 1] << 8 | data[i + 2] << 16) % sample_len;

		object[at] = data[i + 3];
	}
	link_and_write(object, n);
	free(object);
	return 0;
}
