/* SPDX-License-Identifier: BSD-2-Clause */
/* asm.c - statements are matched against the templates of opcodes.def, read backwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/asm.h"

/* What has been read of one statement. */
struct statement {
	int dst, src; /* -1: not seen */
	long long off, imm;
};

static bool read_number(const char **s, long long *v)
{
	char *end;

	*v = (long long)strtoull(*s, &end, 0);
	if (end == *s)
		return false;
	*s = end;
	return true;
}

static bool read_reg(const char **s, char letter, int *reg)
{
	long long n;

	if (*(*s)++ != letter || !read_number(s, &n) || (*reg >= 0 && *reg != n))
		return false;
	*reg = (int)n;
	return true;
}

/* " + 4" or " - 4". */
static bool read_displacement(const char **s, long long *v)
{
	bool minus = !strncmp(*s, " - ", 3);

	if (!minus && strncmp(*s, " + ", 3) != 0)
		return false;
	*s += 3;
	if (!read_number(s, v))
		return false;
	*v = minus ? -*v : *v;
	return true;
}

static bool skip(const char **s, const char *word)
{
	if (strncmp(*s, word, strlen(word)) != 0)
		return false;
	*s += strlen(word);
	return true;
}

static void read_extension(const char **s, struct statement *st)
{
	if (skip(s, "(s8)"))
		st->off = 8;
	else if (skip(s, "(s16)"))
		st->off = 16;
	else if (skip(s, "(s32)"))
		st->off = 32;
}

static bool read_directive(const char **s, char c, struct statement *st)
{
	switch (c) {
	case 'd': return read_reg(s, 'r', &st->dst);
	case 'D': return read_reg(s, 'w', &st->dst);
	case 's': return read_reg(s, 'r', &st->src);
	case 'S': return read_reg(s, 'w', &st->src);
	case 'i':
	case 'J': return read_number(s, &st->imm);
	case 'j': return read_number(s, &st->off);
	case 'm': return read_displacement(s, &st->off);
	case 'g': st->off = skip(s, "s"); return true;
	case 'x': read_extension(s, st); return true;
	case '%': return *(*s)++ == '%';
	default: return false;
	}
}

static bool match(const char *s, const char *template, struct statement *st)
{
	*st = (struct statement){-1, -1, 0, 0};
	for (; *template; template ++) {
		if (*template != '%') {
			if (*s++ != *template)
				return false;
		} else if (!read_directive(&s, *++template, st)) {
			return false;
		}
	}
	return *s == 0;
}

static void put(struct vc_insn *out, uint8_t op, const struct statement *st)
{
	int dst = st->dst < 0 ? 0 : st->dst, src = st->src < 0 ? 0 : st->src;

	*out = (struct vc_insn){op, (uint8_t)(dst | src << 4), (int16_t)st->off, (int32_t)st->imm};
}

static bool read_call(const struct vc_kind *k, const char *s, struct vc_insn *out)
{
	long long n;

	if (!skip(&s, "call "))
		return false;
	*out = (struct vc_insn){.op = VC_OP_CALL};
	for (int32_t h = 1; h < VC_NHELPER; h++) {
		const struct vc_helper *helper = vc_helper_find(k, h);

		if (!helper || strcmp(helper->name, s) != 0)
			continue;
		out->imm = h;
		return true;
	}
	if (!skip(&s, "helper ")) {
		if (*s != '+' && *s != '-')
			return false;
		out->regs = VC_SRC_LOCAL << 4;
	}
	if (!read_number(&s, &n) || *s)
		return false;
	out->imm = (int32_t)n;
	return true;
}

/* "rodata", "data", "table0". */
static bool read_map(const char **s, int32_t *map)
{
	long long n;

	*map = VC_MAP_DATA;
	if (skip(s, "data"))
		return true;
	*map = VC_MAP_RODATA;
	if (skip(s, "rodata"))
		return true;
	if (!skip(s, "table") || !read_number(s, &n))
		return false;
	*map = (int32_t)(VC_MAP_TABLE + n);
	return true;
}

/* "r1 = 0x1234 ll", "r1 = rodata + 4 ll", "r1 = data + 4 ll", "r1 = table0 + 4 ll", "r1 = &table0 ll". */
static bool read_lddw(const char *s, struct vc_insn out[2])
{
	int dst = -1, src = VC_SRC_MAP;
	long long v = 0;

	out[0] = (struct vc_insn){.op = VC_OP_LDDW};
	out[1] = (struct vc_insn){.op = 0};
	if (!read_reg(&s, 'r', &dst) || !skip(&s, " = "))
		return false;
	if (skip(&s, "&")) {
		src = VC_SRC_HANDLE;
		if (!read_map(&s, &out[0].imm))
			return false;
	} else if (read_map(&s, &out[0].imm)) {
		if (!read_displacement(&s, &v))
			return false;
		out[1].imm = (int32_t)v;
	} else {
		src = VC_SRC_CONST;
		if (!read_number(&s, &v))
			return false;
		out[0].imm = (int32_t)v;
		out[1].imm = (int32_t)(v >> 32);
	}
	out[0].regs = (uint8_t)(dst | src << 4);
	return skip(&s, " ll") && *s == 0;
}

/* The ten operations, in 32 and 64 bits, as the disassembler prints them; %s stands for the size. */
static bool read_atomic(const char *s, struct vc_insn *out)
{
	static const struct {
		int32_t imm;
		const char *text; /* M: memory; S: source register */
	} forms[] = {
		{VC_ADD, "lock add *M, S"},
		{VC_OR, "lock or *M, S"},
		{VC_AND, "lock and *M, S"},
		{VC_XOR, "lock xor *M, S"},
		{VC_ADD | VC_FETCH, "S = fetch_add(M, S)"},
		{VC_OR | VC_FETCH, "S = fetch_or(M, S)"},
		{VC_AND | VC_FETCH, "S = fetch_and(M, S)"},
		{VC_XOR | VC_FETCH, "S = fetch_xor(M, S)"},
		{VC_XCHG, "S = xchg(M, S)"},
		{VC_CMPXCHG, "r0 = cmpxchg(M, r0, S)"},
		{VC_CMPXCHG, "w0 = cmpxchg32(M, w0, S)"},
	};

	for (size_t f = 0; f < 2 * sizeof(forms) / sizeof(forms[0]); f++) {
		bool wide = f & 1;
		char template[64] = "", *t = template;
		struct statement st;

		for (const char *c = forms[f / 2].text; *c; c++) {
			const char *part = *c == 'S' ? (wide ? "%s" : "%S") : NULL;

			if (*c == 'M')
				part = wide ? "(u64 *)(%d%m)" : "(u32 *)(%d%m)";
			if (part)
				t = stpcpy(t, part);
			else
				*t++ = *c;
			*t = 0;
		}
		if (!match(s, template, &st))
			continue;
		st.imm = forms[f / 2].imm;
		put(out, wide ? VC_OP_ATOMIC64 : VC_OP_ATOMIC32, &st);
		return true;
	}
	return false;
}

static bool read_raw(const char *s, struct vc_insn *out)
{
	long long v[5];

	if (!skip(&s, "raw "))
		return false;
	for (int n = 0; n < 5; n++) {
		if (!read_number(&s, &v[n]))
			return false;
		while (*s == ' ')
			s++;
	}
	*out = (struct vc_insn){(uint8_t)v[0], (uint8_t)(v[1] | v[2] << 4), (int16_t)v[3],
				(int32_t)v[4]};
	return *s == 0;
}

/* Slots that the statement takes, or 0. */
static uint32_t read_statement(const struct vc_kind *k, const char *s, struct vc_insn out[2])
{
	struct statement st;

	if (read_raw(s, out) || read_call(k, s, out) || read_atomic(s, out))
		return 1;
	if (read_lddw(s, out))
		return 2;
	for (uint32_t op = 0; op < 256; op++) {
		if (!vc_opcodes[op].text || !match(s, vc_opcodes[op].text, &st))
			continue;
		put(out, (uint8_t)op, &st);
		return 1;
	}
	return 0;
}

uint32_t assemble(const struct vc_kind *k, const char *text, struct vc_insn *out, uint32_t max)
{
	uint32_t n = 0;

	while (*text) {
		struct vc_insn slots[2];
		size_t len = strcspn(text, ";\n#");
		char line[128];
		uint32_t got;

		while (len && *text == ' ') {
			text++;
			len--;
		}
		while (len && text[len - 1] == ' ')
			len--;
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		text += strcspn(text, ";\n#");
		if (*text == '#')
			text += strcspn(text, "\n");
		text += *text != 0;
		if (!*line)
			continue;
		got = read_statement(k, line, slots);
		if (!got || n + got > max) {
			fprintf(stderr, "asm: cannot read \"%s\"\n", line);
			abort();
		}
		memcpy(out + n, slots, got * sizeof(*out));
		n += got;
	}
	return n;
}
