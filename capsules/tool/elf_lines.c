/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_lines.c - from an instruction to its function and source line.
 *
 * Clang writes the line of each instruction to .BTF.ext, the texts to .BTF (`-g`). Layout after the kernel's Documentation/bpf/btf.rst:
 * a header, then for each code section { name, count } and count records { instruction's offset, file, text, line << 10 | column }.
 */
#include "capsule/elf.h"
#include "capsules/tool/elf_file.h"

#include <stdio.h>
#include <string.h>

#define BTF_MAGIC 0xeb9fu
#define INSN_LEN 8u

struct btf {
	const uint8_t *strings;
	uint64_t strings_len;
	const uint8_t *lines; /* the line part of .BTF.ext: the record size first */
	uint64_t lines_len;
};

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The part [header length + off, + size) of a BTF section, where off and size stand at these offsets of its header. */
static bool btf_part(const struct elf_section *s, uint32_t off_at, const uint8_t **part,
		     uint64_t *size)
{
	uint64_t begin, n;

	if (!s->data || s->size < (uint64_t)off_at + 8 || (get32(s->data) & 0xffff) != BTF_MAGIC)
		return false;
	begin = (uint64_t)get32(s->data + 4) + get32(s->data + off_at);
	n = get32(s->data + off_at + 4);
	if (begin > s->size || n > s->size - begin)
		return false;
	*part = s->data + begin;
	*size = n;
	return true;
}

static bool open_btf(const struct elf_file *f, struct btf *b)
{
	struct elf_section s, ext;
	uint32_t i = elf_file_find(f, ".BTF"), j = elf_file_find(f, ".BTF.ext");

	if (i == 0 || j == 0)
		return false;
	elf_file_section(f, i, &s);
	elf_file_section(f, j, &ext);
	/* .BTF: types at 8, strings at 16; .BTF.ext: functions at 8, lines at 16. */
	if (!btf_part(&s, 16, &b->strings, &b->strings_len) ||
	    !btf_part(&ext, 16, &b->lines, &b->lines_len))
		return false;
	return b->strings_len > 0 && b->strings[b->strings_len - 1] == 0;
}

static const char *btf_string(const struct btf *b, uint32_t at)
{
	return at < b->strings_len ? (const char *)b->strings + at : "";
}

static void copy_text(char *out, size_t size, const char *text)
{
	size_t n;

	while (*text == ' ' || *text == '\t')
		text++;
	n = strlen(text);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = 0;
}

/* The last record at or before the offset is the instruction's; what clang made of several lines has line 0 and tells nothing. */
static void find_record(const struct btf *b, const uint8_t *rec, uint32_t count, uint32_t rec_size,
			uint64_t offset, struct elf_place *place)
{
	const uint8_t *best = NULL;
	uint32_t place_word;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *r = rec + (uint64_t)i * rec_size;

		if (get32(r) <= offset && get32(r + 12) >> 10 != 0 &&
		    (!best || get32(r) >= get32(best)))
			best = r;
	}
	if (!best)
		return;
	place_word = get32(best + 12);
	copy_text(place->file, sizeof(place->file), btf_string(b, get32(best + 4)));
	copy_text(place->text, sizeof(place->text), btf_string(b, get32(best + 8)));
	place->line = place_word >> 10;
	place->column = place_word & 0x3ff;
}

static void find_line(const struct btf *b, const char *section, uint64_t offset,
		      struct elf_place *place)
{
	uint32_t rec_size;
	uint64_t at = 4;

	if (b->lines_len < 4)
		return;
	rec_size = get32(b->lines);
	if (rec_size < 16)
		return;
	while (b->lines_len - at >= 8) {
		uint32_t name = get32(b->lines + at), count = get32(b->lines + at + 4);

		at += 8;
		/* A count that runs past the end would let the records do so. */
		if (count > (b->lines_len - at) / rec_size)
			return;
		if (strcmp(btf_string(b, name), section) == 0) {
			find_record(b, b->lines + at, count, rec_size, offset, place);
			return;
		}
		at += (uint64_t)count * rec_size;
	}
}

void elf_place(const struct elf_program *prog, uint32_t insn, struct elf_place *place)
{
	struct elf_section s;
	struct elf_file f;
	struct btf b;

	memset(place, 0, sizeof(*place));
	if (elf_file_open(&f, prog->object, prog->object_len))
		return;
	for (uint32_t i = 0; i < prog->npiece; i++) {
		const struct elf_piece *p = &prog->piece[i];
		uint64_t offset;

		if (p->kind != ELF_CODE || insn < p->base || insn - p->base >= p->size)
			continue;
		offset = (uint64_t)(insn - p->base) * INSN_LEN;
		elf_file_section(&f, p->section, &s);
		snprintf(place->function, sizeof(place->function), "%s",
			 elf_file_function(&f, p->section, offset));
		if (open_btf(&f, &b))
			find_line(&b, s.name, offset, place);
		return;
	}
}
