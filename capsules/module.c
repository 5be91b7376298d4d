/* SPDX-License-Identifier: BSD-2-Clause */
/* module.c - modules: the layout of FORMAT.md section 2, read and written. */
#include "capsule/module.h"

#include <sodium.h>
#include <string.h>

enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_KIND = 6,
	AT_LENGTH = 8,
	AT_NINSN = 12,
	AT_RODATA_LEN = 16,
	AT_DATA_LEN = 20,
	AT_NENTRY = 24,
	AT_NHELPER = 26,
	AT_NTABLE = 28,
	AT_MIN_LEN = 30,
	AT_BUDGET = 32,
	AT_NAME = 36,
	HEADER_LEN = 64,
	ENTRY_LEN = 32,
	TABLE_LEN = 32,
	HELPER_LEN = 4,
	INSN_LEN = 8,
};

_Static_assert(AT_NAME + MODULE_NAME == HEADER_LEN, "the name ends the header");
_Static_assert(sizeof(struct vc_insn) == INSN_LEN, "an instruction is what vcode.h says");
_Static_assert(HEADER_LEN + ENTRY_LEN + INSN_LEN == MODULE_MIN, "the smallest module");
/* The whole-file limit needs no check of its own: the limits of the parts imply it. */
_Static_assert(HEADER_LEN + ENTRY_LEN * VC_ENTRIES_MAX + TABLE_LEN * VC_TABLES_MAX +
			       HELPER_LEN * MODULE_HELPERS_MAX + 4 + INSN_LEN * VC_INSNS_MAX +
			       MODULE_RODATA_MAX + 7 <=
		       MODULE_MAX,
	       "the largest module fits");
/* Instructions are used where they stand in the file. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "modules are little-endian");

static const uint8_t magic[4] = {'A', 'M', 'P', 'M'};

#define OP_LDDW 0x18
#define OP_CALL 0x85

const char *module_result_name(enum module_result r)
{
	static const char *const names[MODULE_NRESULT] = {
#define MODULE_RESULT(name, stable, text) stable,
		MODULE_RESULTS
#undef MODULE_RESULT
	};
	return (unsigned)r < MODULE_NRESULT ? names[r] : "unknown";
}

const char *module_result_text(enum module_result r)
{
	static const char *const texts[MODULE_NRESULT] = {
#define MODULE_RESULT(name, stable, text) text,
		MODULE_RESULTS
#undef MODULE_RESULT
	};
	return (unsigned)r < MODULE_NRESULT ? texts[r] : "unknown";
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* Where the parts stand, as the header's counts say. */
struct layout {
	size_t tables, helpers, padding, insns, rodata, end;
};

static struct layout layout_of(const struct module *m)
{
	struct layout l;

	l.tables = HEADER_LEN + (size_t)m->nentry * ENTRY_LEN;
	l.helpers = l.tables + (size_t)m->ntable * TABLE_LEN;
	l.padding = l.helpers + (size_t)m->nhelper * HELPER_LEN;
	l.insns = (l.padding + 7) & ~(size_t)7;
	l.rodata = l.insns + (size_t)m->ninsn * INSN_LEN;
	l.end = l.rodata + (((size_t)m->rodata_len + 7) & ~(size_t)7);
	return l;
}

/* Printable ASCII without spaces, at least one, then zeros to the end of the field. */
static bool read_name(const uint8_t *p, char name[MODULE_NAME + 1])
{
	size_t n = 0;

	while (n < MODULE_NAME && p[n] > 0x20 && p[n] < 0x7f)
		n++;
	if (n == 0 || !all_zero(p + n, MODULE_NAME - n))
		return false;
	memcpy(name, p, n);
	memset(name + n, 0, MODULE_NAME + 1 - n);
	return true;
}

static enum module_result check_counts(const struct module *m)
{
	if (!module_kind_name(m->kind))
		return MODULE_BAD_KIND;
	if (m->ninsn == 0 || m->ninsn > VC_INSNS_MAX)
		return MODULE_BAD_INSNS;
	if (m->rodata_len > MODULE_RODATA_MAX)
		return MODULE_BAD_RODATA;
	if (m->data_len > (m->kind == VC_KIND_CAPSULE ? MODULE_DATA_MAX : MODULE_DATA_KERNEL_MAX))
		return MODULE_BAD_DATA;
	if (m->nentry == 0 || m->nentry > VC_ENTRIES_MAX)
		return MODULE_BAD_ENTRIES;
	if (m->nhelper > MODULE_HELPERS_MAX)
		return MODULE_BAD_HELPERS;
	if (m->ntable > (m->kind == VC_KIND_HANDLER ? VC_TABLES_MAX : 0))
		return MODULE_HAS_TABLES;
	/* One length, one encoding: what the kind promises already is not said again. */
	if (m->min_len != 0 &&
	    (m->kind == VC_KIND_CAPSULE || m->min_len <= vc_kinds[m->kind].min_window ||
	     m->min_len > vc_kinds[m->kind].max_window))
		return MODULE_BAD_MIN_LEN;
	return MODULE_OK;
}

static enum module_result check_entries(const struct module *m)
{
	for (uint32_t i = 0; i < m->nentry; i++) {
		if (m->entry[i].insn >= m->ninsn)
			return MODULE_BAD_ENTRY;
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(m->entry[i].name, m->entry[j].name) == 0)
				return MODULE_ENTRY_TWICE;
		}
	}
	return MODULE_OK;
}

static enum module_result check_tables(const struct module *m)
{
	for (uint32_t i = 0; i < m->ntable; i++) {
		if (m->table[i].bytes > MODULE_TABLE_MAX)
			return MODULE_BAD_TABLE;
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(m->table[i].name, m->table[j].name) == 0)
				return MODULE_BAD_TABLE;
		}
	}
	return MODULE_OK;
}

/*
 * The helpers that the code calls, ascending, each once. Every instruction is looked at, whether it can be reached or not: what
 * can be reached is the verifier's question.
 */
static enum module_result called_helpers(const uint8_t *insn, uint32_t ninsn,
					 uint32_t helper[MODULE_HELPERS_MAX], uint32_t *nhelper)
{
	uint32_t n = 0;

	for (uint32_t pc = 0; pc < ninsn; pc++) {
		const uint8_t *p = insn + (size_t)pc * INSN_LEN;
		uint32_t number = get32(p + 4), at = 0;

		if (p[0] == OP_LDDW) {
			if (++pc == ninsn)
				return MODULE_HALF_INSN;
			continue;
		}
		if (p[0] != OP_CALL || p[1] >> 4 != 0)
			continue;
		while (at < n && helper[at] < number)
			at++;
		if (at < n && helper[at] == number)
			continue;
		if (n == MODULE_HELPERS_MAX)
			return MODULE_BAD_HELPERS;
		memmove(helper + at + 1, helper + at, (n - at) * sizeof(*helper));
		helper[at] = number;
		n++;
	}
	*nhelper = n;
	return MODULE_OK;
}

static enum module_result read_header(const uint8_t *bytes, size_t len, struct module *m)
{
	if (len < HEADER_LEN)
		return MODULE_SHORT;
	if (len > MODULE_MAX)
		return MODULE_LONG;
	if (memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) != 0)
		return MODULE_BAD_MAGIC;
	if (get16(bytes + AT_VERSION) != 1)
		return MODULE_BAD_VERSION;
	m->kind = get16(bytes + AT_KIND);
	m->ninsn = get32(bytes + AT_NINSN);
	m->rodata_len = get32(bytes + AT_RODATA_LEN);
	m->data_len = get32(bytes + AT_DATA_LEN);
	m->nentry = get16(bytes + AT_NENTRY);
	m->nhelper = get16(bytes + AT_NHELPER);
	m->budget = get32(bytes + AT_BUDGET);
	m->ntable = get16(bytes + AT_NTABLE);
	m->min_len = get16(bytes + AT_MIN_LEN);
	if (!read_name(bytes + AT_NAME, m->name))
		return MODULE_BAD_NAME;
	return check_counts(m);
}

static enum module_result read_parts(const uint8_t *bytes, const struct layout *l, struct module *m)
{
	uint32_t called[MODULE_HELPERS_MAX] = {0}, ncalled = 0;
	enum module_result r;

	for (uint32_t i = 0; i < m->nentry; i++) {
		const uint8_t *p = bytes + HEADER_LEN + (size_t)i * ENTRY_LEN;

		m->entry[i].insn = get32(p);
		if (!read_name(p + 4, m->entry[i].name))
			return MODULE_BAD_NAME;
	}
	for (uint32_t i = 0; i < m->ntable; i++) {
		const uint8_t *p = bytes + l->tables + (size_t)i * TABLE_LEN;

		m->table[i].bytes = get32(p);
		if (!read_name(p + 4, m->table[i].name))
			return MODULE_BAD_NAME;
	}
	r = check_entries(m);
	if (r == MODULE_OK)
		r = check_tables(m);
	if (r != MODULE_OK)
		return r;
	for (uint32_t i = 0; i < m->nhelper; i++)
		m->helper[i] = get32(bytes + l->helpers + (size_t)i * HELPER_LEN);
	m->insn = bytes + l->insns;
	m->rodata = bytes + l->rodata;
	r = called_helpers(m->insn, m->ninsn, called, &ncalled);
	if (r != MODULE_OK)
		return r;
	/* The list that was found is strictly ascending, so an equal one is. */
	if (ncalled != m->nhelper || memcmp(called, m->helper, ncalled * sizeof(*called)) != 0)
		return MODULE_BAD_HELPERS;
	return MODULE_OK;
}

enum module_result module_parse(const uint8_t *bytes, size_t len, struct module *m)
{
	enum module_result r;
	struct layout l;
	size_t rodata_end;

	memset(m, 0, sizeof(*m));
	r = read_header(bytes, len, m);
	if (r != MODULE_OK)
		return r;
	/* The counts are within their limits, so nothing here can wrap. */
	l = layout_of(m);
	if (len < l.end || get32(bytes + AT_LENGTH) > len)
		return MODULE_SHORT;
	if (len > l.end || get32(bytes + AT_LENGTH) < len)
		return MODULE_LONG;
	rodata_end = l.rodata + m->rodata_len;
	if (!all_zero(bytes + l.padding, l.insns - l.padding) ||
	    !all_zero(bytes + rodata_end, l.end - rodata_end))
		return MODULE_BAD_PADDING;
	return read_parts(bytes, &l, m);
}

static bool put_name(uint8_t *p, const char *name)
{
	char check[MODULE_NAME + 1];
	size_t n = strnlen(name, MODULE_NAME + 1);

	if (n > MODULE_NAME)
		return false;
	memset(p, 0, MODULE_NAME);
	memcpy(p, name, n);
	return read_name(p, check);
}

static enum module_result write_parts(const struct module *m, const struct layout *l, uint8_t *out)
{
	memset(out, 0, l->end);
	memcpy(out + AT_MAGIC, magic, sizeof(magic));
	put16(out + AT_VERSION, 1);
	put16(out + AT_KIND, m->kind);
	put32(out + AT_LENGTH, (uint32_t)l->end);
	put32(out + AT_NINSN, m->ninsn);
	put32(out + AT_RODATA_LEN, m->rodata_len);
	put32(out + AT_DATA_LEN, m->data_len);
	put16(out + AT_NENTRY, m->nentry);
	put16(out + AT_NHELPER, m->nhelper);
	put16(out + AT_NTABLE, m->ntable);
	put16(out + AT_MIN_LEN, m->min_len);
	put32(out + AT_BUDGET, m->budget);
	if (!put_name(out + AT_NAME, m->name))
		return MODULE_BAD_NAME;
	for (uint32_t i = 0; i < m->nentry; i++) {
		uint8_t *p = out + HEADER_LEN + (size_t)i * ENTRY_LEN;

		put32(p, m->entry[i].insn);
		if (!put_name(p + 4, m->entry[i].name))
			return MODULE_BAD_NAME;
	}
	for (uint32_t i = 0; i < m->ntable; i++) {
		uint8_t *p = out + l->tables + (size_t)i * TABLE_LEN;

		put32(p, m->table[i].bytes);
		if (!put_name(p + 4, m->table[i].name))
			return MODULE_BAD_NAME;
	}
	for (uint32_t i = 0; i < m->nhelper; i++)
		put32(out + l->helpers + (size_t)i * HELPER_LEN, m->helper[i]);
	memcpy(out + l->insns, m->insn, (size_t)m->ninsn * INSN_LEN);
	if (m->rodata_len > 0)
		memcpy(out + l->rodata, m->rodata, m->rodata_len);
	return MODULE_OK;
}

size_t module_write(const struct module *m, uint8_t *out, size_t size, enum module_result *why)
{
	struct module full = *m;
	struct layout l = {0};
	enum module_result r;

	full.nhelper = 0;
	r = check_counts(&full);
	if (r == MODULE_OK)
		r = check_entries(&full);
	if (r == MODULE_OK)
		r = check_tables(&full);
	if (r == MODULE_OK)
		r = called_helpers(m->insn, m->ninsn, full.helper, &full.nhelper);
	if (r == MODULE_OK) {
		l = layout_of(&full);
		r = l.end > size ? MODULE_LONG : write_parts(&full, &l, out);
	}
	if (why)
		*why = r;
	return r == MODULE_OK ? l.end : 0;
}

enum module_result module_list_helpers(struct module *m)
{
	return called_helpers(m->insn, m->ninsn, m->helper, &m->nhelper);
}

void module_code_name(const uint8_t *bytes, size_t len, uint8_t name[MODULE_CODE_NAME])
{
	crypto_generichash(name, MODULE_CODE_NAME, bytes, len, NULL, 0);
}

int module_find_entry(const struct module *m, const char *name)
{
	for (uint32_t i = 0; i < m->nentry; i++) {
		if (strcmp(m->entry[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

bool module_prog(const struct module *m, struct vc_prog *prog)
{
	if ((uintptr_t)m->insn % _Alignof(struct vc_insn) != 0)
		return false;
	*prog = (struct vc_prog){
		.kind = &vc_kinds[m->kind],
		.insn = (const struct vc_insn *)(const void *)m->insn,
		.ninsn = m->ninsn,
		.rodata = m->rodata,
		.rodata_len = m->rodata_len,
		.data_len = m->data_len,
		.nentry = m->nentry,
		.min_window = m->min_len,
		.ntable = m->ntable,
	};
	for (uint32_t i = 0; i < m->nentry; i++)
		prog->entry[i] = m->entry[i].insn;
	for (uint32_t i = 0; i < m->ntable; i++)
		prog->table_bytes[i] = m->table[i].bytes;
	return true;
}
