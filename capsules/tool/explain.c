/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c - the verifier's words in those of a C programmer. */
#include "capsules/tool/explain.h"
#include "capsules/tool/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of RFC 9669, what says which registers an instruction reads. */
enum {
	CLASS_LD,
	CLASS_LDX,
	CLASS_ST,
	CLASS_STX,
	CLASS_ALU,
	CLASS_JMP,
	CLASS_JMP32,
	CLASS_ALU64,
	X = 8,
	CODE_MOV = 0xb0,
	CODE_NEG = 0x80,
	CODE_END = 0xd0,
	OP_CALL = 0x85,
	OP_EXIT = 0x95,
	OP_JA = 0x05,
	OP_GOTOL = 0x06,
	CMPXCHG = 0xf1,
};

static uint32_t reads_call(const struct vc_insn *i)
{
	uint32_t n = 0, mask = 0;

	if (i->regs >> 4 != 0)
		return 0x3e; /* a local function: any of r1 to r5 */
	if (i->imm <= 0 || i->imm >= (int32_t)VC_NHELPER)
		return 0;
	while (n < 5 && vc_helpers[i->imm].arg[n] != VC_ARG_NONE)
		mask |= 2u << n++;
	return mask;
}

static uint32_t reads_alu(const struct vc_insn *i, uint32_t dst, uint32_t src)
{
	uint32_t code = i->op & 0xf0, mask = code == CODE_MOV ? 0 : dst;

	/* X is the byte order of END. */
	return (i->op & X) && code != CODE_END && code != CODE_NEG ? mask | src : mask;
}

uint32_t explain_reads(const struct vc_prog *p, uint32_t pc)
{
	const struct vc_insn *i = &p->insn[pc];
	uint32_t dst = 1u << (i->regs & 15), src = 1u << (i->regs >> 4);

	switch (i->op & 7) {
	case CLASS_LD: return 0;
	case CLASS_LDX: return src;
	case CLASS_ST: return dst;
	case CLASS_STX: return dst | src | ((i->op & 0xe0) == 0xc0 && i->imm == CMPXCHG ? 1 : 0);
	case CLASS_ALU:
	case CLASS_ALU64: return reads_alu(i, dst, src);
	default: break;
	}
	if (i->op == OP_CALL)
		return reads_call(i);
	if (i->op == OP_EXIT)
		return 1;
	if (i->op == OP_JA || i->op == OP_GOTOL)
		return 0;
	return i->op & X ? dst | src : dst;
}

__attribute__((format(printf, 2, 3))) static void add(char out[EXPLAIN_TEXT], const char *format,
						      ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, format);
	vsnprintf(out + n, EXPLAIN_TEXT - n, format, ap);
	va_end(ap);
}

/* What the programmer calls the window. */
static const char *window_name(const struct vc_prog *p)
{
	switch (p->kind - vc_kinds) {
	case VC_KIND_CAPSULE: return "the payload";
	case VC_KIND_HANDLER: return "the packet";
	case VC_KIND_PREDICATE: return "the watched words";
	case VC_KIND_UDF: return "the block";
	default: return "the memory";
	}
}

struct word {
	const char *token, *text;
};

static const char *find_word(const struct vc_prog *p, const char *token, size_t n)
{
	static const struct word words[] = {
		{"number", "a number"},
		{"uninitialised", "without a value"},
		{"mixed",
		 "a pointer to one thing or to another (or a number), depending on the path"},
		{"ctx", "the context"},
		{"rodata", "constant data"},
		{"data", "a static variable"},
		{"stack", "this function's stack"},
		{"outer-stack", "a calling function's stack"},
	};

	if (n == strlen("window") && memcmp(token, "window", n) == 0)
		return window_name(p);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].token) == n && memcmp(token, words[i].token, n) == 0)
			return words[i].text;
	}
	return NULL;
}

/* "table1" and "&table1", by the name it was declared with. */
static void add_table(char out[EXPLAIN_TEXT], const struct module *m, const char *token, size_t n)
{
	const char *handle = token[0] == '&' ? "the handle of " : "";
	const char *digits = memchr(token, 'e', n);
	unsigned long number = digits ? strtoul(digits + 1, NULL, 10) : 0;

	if (m && digits && digits[1] != '?' && number < m->ntable)
		add(out, "%stable '%s'", handle, m->table[number].name);
	else
		add(out, "%sa table", handle);
}

/* value: "window+14", "stack-8", "table0+?" and the like, n characters. */
static void add_value(char out[EXPLAIN_TEXT], const struct vc_prog *p, const struct module *m,
		      const char *value, size_t n)
{
	size_t head = 0;
	const char *word;

	while (head < n && value[head] != '+' &&
	       !(value[head] == '-' && value[head + 1] >= '0' && value[head + 1] <= '9'))
		head++;
	word = find_word(p, value, head);
	if (word)
		add(out, "%s", word);
	else if (memmem(value, head, "table", 5))
		add_table(out, m, value, head);
	else
		add(out, "%.*s", (int)head, value);
	if (head + 1 < n && value[head + 1] == '?')
		add(out, " + a variable offset");
	else if (head < n)
		add(out, " %c %.*s", value[head], (int)(n - head - 1), value + head + 1);
}

/* The value of "NAME=value" in a state; NULL: it is not there. */
static const char *find_value(const char *state, const char *name, size_t *n)
{
	size_t len = strlen(name);

	for (const char *s = state; *s; s += strcspn(s, " "), s += *s == ' ') {
		if (strncmp(s, name, len) == 0 && s[len] == '=') {
			*n = strcspn(s + len + 1, " ");
			return s + len + 1;
		}
	}
	return NULL;
}

void explain_state(const struct vc_prog *p, const struct module *m, uint32_t pc, const char *state,
		   bool terse, char out[EXPLAIN_TEXT])
{
	uint32_t mask = pc < p->ninsn ? explain_reads(p, pc) : 0;
	bool local = pc < p->ninsn && p->insn[pc].op == OP_CALL && p->insn[pc].regs >> 4 != 0;

	out[0] = 0;
	for (uint32_t r = 0; r <= 10; r++) {
		const char *value;
		char name[12];
		size_t n = 0;

		if (!(mask >> r & 1))
			continue;
		snprintf(name, sizeof(name), "r%u", r);
		value = find_value(state, name, &n);
		/* States leave out what is not written; a local function need not take all five arguments. */
		if (!value && local)
			continue;
		if (value && (terse && strncmp(value, "number", n) == 0))
			continue;
		add(out, "%sr%u is ", out[0] ? "; " : "", r);
		add_value(out, p, m, value ? value : "uninitialised",
			  value ? n : strlen("uninitialised"));
	}
}

/* Octets that a load, a store or an atomic operation moves, and through which register; 0: it is none. */
uint32_t explain_access(const struct vc_insn *i, uint32_t *base)
{
	static const uint32_t sizes[] = {4, 2, 1, 8};
	uint32_t class = i->op & 7;

	*base = class == CLASS_LDX ? i->regs >> 4 : i->regs & 15u;
	return class == CLASS_LDX || class == CLASS_ST || class == CLASS_STX ? sizes[i->op >> 3 & 3]
									     : 0;
}

/* How much there is of what a value points to: "the packet, which has at most 1518"; false: that is not known here. */
static bool add_extent(char out[EXPLAIN_TEXT], const struct vc_prog *p, const struct module *m,
		       const char *value, size_t head)
{
	add_value(out, p, m, value, head);
	if (head == 6 && memcmp(value, "window", head) == 0 && p->kind->max_window != 0)
		add(out, ", which has at most %u", p->kind->max_window);
	else if (head == 3 && memcmp(value, "ctx", head) == 0)
		add(out, ", which has %u", p->kind->ctx_size);
	else if (head == 6 && memcmp(value, "rodata", head) == 0)
		add(out, ", which has %u in all", p->rodata_len);
	else if (head == 4 && memcmp(value, "data", head) == 0)
		add(out, ", of which there are %u in all", p->data_len);
	else if (head == 6 && memcmp(value, "table", 5) == 0 &&
		 (uint32_t)(value[5] - '0') < p->ntable)
		add(out, ", which has %u", p->table_bytes[value[5] - '0']);
	else
		return false;
	return true;
}

bool explain_bounds(const struct vc_prog *p, const struct module *m, uint32_t pc, const char *state,
		    char out[EXPLAIN_TEXT])
{
	uint32_t base, size = pc < p->ninsn ? explain_access(&p->insn[pc], &base) : 0;
	const char *value;
	size_t n, head = 0;
	char name[12];
	long long at;

	out[0] = 0;
	if (size == 0)
		return false;
	snprintf(name, sizeof(name), "r%u", base);
	value = find_value(state, name, &n);
	if (!value || memmem(value, n, "+?", 2))
		return false;
	while (head < n && value[head] != '+' && value[head] != '-')
		head++;
	at = strtoll(value + head, NULL, 10) + p->insn[pc].off;
	add(out, "%u octet%s at offset %lld of ", size, size == 1 ? "" : "s", at);
	return add_extent(out, p, m, value, head);
}

const char *explain_file(const char *file, const char *given)
{
	size_t n = strlen(file), tail = strlen(given);

	return n > tail && file[n - tail - 1] == '/' && strcmp(file + n - tail, given) == 0 ? given
											    : file;
}

static bool is_bounds(int reason)
{
	return reason == VC_WINDOW_BOUNDS || reason == VC_TABLE_BOUNDS ||
	       reason == VC_DATA_BOUNDS || reason == VC_CONTEXT_ACCESS;
}

/* What an argument must be, as a C programmer would say it. */
static const char *argument_name(uint32_t kind)
{
	switch (kind) {
	case VC_ARG_CTX: return "the context itself";
	case VC_ARG_MEM_R: return "the address of memory; its length is the next argument";
	case VC_ARG_MEM_W:
		return "the address of memory to write to; its length is the next argument";
	case VC_ARG_TABLE: return "a table that XOK_TABLE declares, with & before its name";
	default: return "a number";
	}
}

void explain_prototype(FILE *out, uint32_t kind, const struct vc_helper *h)
{
	const char *name = strstr(h->prototype, h->name);
	const char *prefix = kind == VC_KIND_CAPSULE ? "capsule_" : "xok_";

	fprintf(out, "%.*s%s%s", (int)(name - h->prototype), h->prototype, prefix, name);
}

/* Of the helper that the instruction calls: the prototype and the argument at fault, or which kinds may call it. */
static void print_helper(const struct vc_prog *p, const struct vc_report *rep)
{
	const struct vc_insn *i = &p->insn[rep->insn];
	const char *for_argument = strstr(rep->text, " for argument ");
	uint32_t kind = (uint32_t)(p->kind - vc_kinds);
	const struct vc_helper *h;
	unsigned n = 0;

	if (i->op != OP_CALL || i->regs >> 4 != 0 || i->imm <= 0 || i->imm >= (int32_t)VC_NHELPER)
		return;
	h = &vc_helpers[i->imm];
	if (!h->name)
		return;
	if (!(h->kinds >> kind & 1)) /* called by the name that another kind gives it */
		kind = h->kinds >> VC_KIND_CAPSULE & 1 ? VC_KIND_CAPSULE : VC_KIND_HANDLER;
	fprintf(stderr, "  the helper: ");
	explain_prototype(stderr, kind, h);
	fputc('\n', stderr);
	if (for_argument && sscanf(for_argument, " for argument %u", &n) == 1 && n >= 1 && n <= 5)
		fprintf(stderr, "  argument %u must be %s\n", n, argument_name(h->arg[n - 1]));
	if (rep->reason != VC_BAD_HELPER)
		return;
	fprintf(stderr, "  this is a %s; who may call it:", p->kind->name);
	for (uint32_t k = 1; k < VC_NKIND; k++)
		if (vc_kinds[k].name && h->kinds >> k & 1)
			fprintf(stderr, " %s", vc_kinds[k].name);
	fputc('\n', stderr);
}

void explain_refusal(const char *verb, const char *path, const struct vc_prog *p,
		     const struct module *m, const struct vc_report *rep,
		     const struct elf_program *origin)
{
	struct elf_place place = {.line = 0};
	char insn[96] = "", words[EXPLAIN_TEXT];
	const char *name = vc_reason_name(rep->reason), *text = vc_reason_text(rep->reason);

	if (origin)
		elf_place(origin, rep->insn, &place);
	if (place.line != 0)
		tool_error(verb, "%s:%u:%u: in function '%s': %s: %s",
			   explain_file(place.file, path), place.line, place.column, place.function,
			   name, text);
	else if (place.function[0] != 0)
		tool_error(verb, "%s: in function '%s': %s: %s", path, place.function, name, text);
	else
		tool_error(verb, "%s: refused: %s: %s", path, name, text);
	if (place.text[0] != 0)
		fprintf(stderr, "    %s\n", place.text);
	if (rep->insn < p->ninsn) {
		vc_disasm(p, rep->insn, insn, sizeof(insn));
		fprintf(stderr, "  instruction %u: %s\n", rep->insn, insn);
		explain_state(p, m, rep->insn, rep->state, false, words);
		if (rep->state[0] != 0 && words[0] != 0)
			fprintf(stderr, "  before it: %s\n", words);
		if (is_bounds(rep->reason) && explain_bounds(p, m, rep->insn, rep->state, words))
			fprintf(stderr, "  it reaches for: %s\n", words);
		print_helper(p, rep);
	}
	fprintf(stderr, "  what to do: %s\n", vc_reason_hint(rep->reason));
}

void explain_refusal_json(cJSON *o, const char *path, const struct vc_prog *p,
			  const struct vc_report *rep, const struct elf_program *origin)
{
	struct elf_place place = {.line = 0};
	char insn[96] = "";

	cJSON_AddStringToObject(o, "reason", vc_reason_name(rep->reason));
	cJSON_AddStringToObject(o, "text", vc_reason_text(rep->reason));
	cJSON_AddStringToObject(o, "hint", vc_reason_hint(rep->reason));
	cJSON_AddNumberToObject(o, "insn", rep->insn);
	if (rep->insn < p->ninsn)
		vc_disasm(p, rep->insn, insn, sizeof(insn));
	cJSON_AddStringToObject(o, "instruction", insn);
	cJSON_AddStringToObject(o, "state", rep->state);
	if (!origin)
		return;
	elf_place(origin, rep->insn, &place);
	cJSON_AddStringToObject(o, "function", place.function);
	if (place.line == 0)
		return;
	cJSON_AddStringToObject(o, "source", explain_file(place.file, path));
	cJSON_AddNumberToObject(o, "line", place.line);
	cJSON_AddNumberToObject(o, "column", place.column);
	cJSON_AddStringToObject(o, "source_line", place.text);
}
