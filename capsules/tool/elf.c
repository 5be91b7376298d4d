/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.c - links clang's BPF object into a module's code and data.
 *
 * Pieces (sections) get their place in the module when they are taken in: the entry points first, then what relocations reach, in the order in
 * which it is reached. So the same object always gives the same module, and functions that nobody calls cost nothing.
 */
#include "capsule/elf.h"
#include "capsules/tool/elf_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ENTRY_PREFIX "capsule/"
#define INSN_LEN 8u
#define OP_LDDW 0x18
#define OP_CALL 0x85
#define SRC_MAP_VALUE 6 /* LDDW: imm is a map's index, next_imm an offset in it */
#define SRC_LOCAL 1	/* CALL: imm is relative to the next instruction */

/* LLVM's names; the values 1 and 10 are the ABI. */
#define R_DATA_ADDRESS 1 /* R_BPF_64_64 */
#define R_LOCAL_CALL 10	 /* R_BPF_64_32 */

struct link {
	struct elf_file file;
	struct elf_program *prog;
	uint32_t ninsn, rodata_len, data_len;
	char *err;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct link *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(l->err, ELF_ERROR, format, ap);
	va_end(ap);
	return false;
}

static int32_t get_imm(const uint8_t *insn)
{
	int32_t v;

	memcpy(&v, insn + 4, sizeof(v));
	return v;
}

static void put_imm(uint8_t *insn, uint32_t v)
{
	memcpy(insn + 4, &v, sizeof(v));
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Is this section NAME itself or NAME.something? */
static bool is_or_below(const char *s, const char *name)
{
	return starts_with(s, name) && (s[strlen(name)] == 0 || s[strlen(name)] == '.');
}

static bool reserve_code(struct link *l, const struct elf_section *s, struct elf_piece *p)
{
	if (!s->data || s->size == 0 || s->size % INSN_LEN != 0)
		return fail(l, "section %.64s: its length is not one of whole instructions",
			    s->name);
	if (s->size / INSN_LEN > VC_INSNS_MAX - l->ninsn)
		return fail(l,
			    "section %.64s: the program has more than %u instructions; make it "
			    "smaller or split it",
			    s->name, VC_INSNS_MAX);
	p->size = (uint32_t)(s->size / INSN_LEN);
	p->base = l->ninsn;
	memcpy(l->prog->insn + (size_t)p->base * INSN_LEN, s->data, s->size);
	l->ninsn += p->size;
	return true;
}

/* Gives a data section its place behind what is there already (*used octets), aligned as it asks for. */
static bool reserve_data(struct link *l, const struct elf_section *s, struct elf_piece *p,
			 uint32_t *used, uint32_t max)
{
	uint64_t align = s->align > 1 ? s->align : 1;
	uint64_t base;

	if ((align & (align - 1)) != 0 || align > 16)
		return fail(l, "section %.64s: objects can be aligned to at most 16 octets",
			    s->name);
	base = (*used + align - 1) & ~(align - 1);
	if (base > max || s->size > max - base)
		return fail(l, "section %.64s: more than %u octets of %s data; use less", s->name,
			    max, p->kind == ELF_RODATA ? "read-only" : "private");
	p->base = (uint32_t)base;
	p->size = (uint32_t)s->size;
	*used = (uint32_t)(base + s->size);
	return true;
}

static bool reserve_private(struct link *l, uint32_t section, const struct elf_section *s,
			    struct elf_piece *p)
{
	for (uint64_t i = 0; s->data && i < s->size; i++) {
		if (s->data[i] != 0)
			return fail(l,
				    "'%.64s' (section %.64s) has an initial value; private data "
				    "is zero when a run starts: make it const or zero",
				    elf_file_object(&l->file, section, i), s->name);
	}
	return reserve_data(l, s, p, &l->data_len, MODULE_DATA_MAX);
}

static bool classify(const struct elf_section *s, enum elf_piece_kind *kind)
{
	if ((s->type != SHT_PROGBITS && s->type != SHT_NOBITS) || !(s->flags & SHF_ALLOC))
		return false;
	if (s->flags & SHF_EXECINSTR)
		*kind = ELF_CODE;
	else if (is_or_below(s->name, ".rodata") || is_or_below(s->name, ".data.rel.ro"))
		*kind = ELF_RODATA;
	else if (is_or_below(s->name, ".bss") || is_or_below(s->name, ".data"))
		*kind = ELF_DATA;
	else
		return false;
	return true;
}

static struct elf_piece *find_piece(struct link *l, uint32_t section)
{
	for (uint32_t i = 0; i < l->prog->npiece; i++) {
		if (l->prog->piece[i].section == section)
			return &l->prog->piece[i];
	}
	return NULL;
}

/* Takes a section in and gives it its place; one that is there already stays. */
static bool take(struct link *l, uint32_t section)
{
	struct elf_piece p = {.section = section};
	struct elf_section s;
	bool ok;

	if (find_piece(l, section))
		return true;
	elf_file_section(&l->file, section, &s);
	if (!classify(&s, &p.kind))
		return fail(l,
			    "section %.64s is used by the program and is neither code nor data "
			    "that a module can hold",
			    s.name);
	if (l->prog->npiece == ELF_PIECES_MAX)
		return fail(l, "more than %u sections are used", ELF_PIECES_MAX);
	if (p.kind == ELF_CODE)
		ok = reserve_code(l, &s, &p);
	else if (p.kind == ELF_DATA)
		ok = reserve_private(l, section, &s, &p);
	else
		ok = reserve_data(l, &s, &p, &l->rodata_len, MODULE_RODATA_MAX);
	if (!ok)
		return false;
	if (p.kind == ELF_RODATA && s.data)
		memcpy(l->prog->rodata + p.base, s.data, s.size);
	l->prog->piece[l->prog->npiece++] = p;
	return true;
}

/* An entry section holds one function, at its start. */
static bool check_entry_section(struct link *l, uint32_t section, const char *name)
{
	struct elf_symbol s;

	for (uint32_t i = 1; i < l->file.nsymbol; i++) {
		if (elf_file_symbol(&l->file, i, &s) && s.section == section &&
		    s.type == STT_FUNC && s.value != 0)
			return fail(l,
				    "section %.64s: '%.64s' is a second function in it; give "
				    "each entry point a CAPSULE_ENTRY of its own",
				    name, s.name);
	}
	return true;
}

static bool take_entries(struct link *l)
{
	struct module *m = &l->prog->module;
	struct elf_section s;

	for (uint32_t i = 1; i < l->file.nsection; i++) {
		const char *name;

		elf_file_section(&l->file, i, &s);
		if (!starts_with(s.name, ENTRY_PREFIX) || s.type != SHT_PROGBITS ||
		    !(s.flags & SHF_EXECINSTR))
			continue;
		name = s.name + strlen(ENTRY_PREFIX);
		if (strlen(name) == 0 || strlen(name) > MODULE_NAME)
			return fail(l,
				    "section %.64s: entry points have names of 1 to %u characters",
				    s.name, MODULE_NAME);
		if (m->nentry == VC_ENTRIES_MAX)
			return fail(l, "section %.64s: more than %u entry points", s.name,
				    VC_ENTRIES_MAX);
		if (!check_entry_section(l, i, s.name))
			return false;
		m->entry[m->nentry].insn = l->ninsn;
		memcpy(m->entry[m->nentry].name, name, strlen(name));
		m->nentry++;
		if (!take(l, i))
			return false;
	}
	if (m->nentry == 0)
		return fail(l, "no entry point: declare one with CAPSULE_ENTRY(name)");
	return true;
}

/* Makes an LDDW load the address of target + its own addend. */
static bool relocate_address(struct link *l, uint8_t *insn, const char *function,
			     const struct elf_symbol *sym, const struct elf_piece *target)
{
	int64_t addend = (int64_t)((uint64_t)(uint32_t)get_imm(insn) |
				   (uint64_t)(uint32_t)get_imm(insn + INSN_LEN) << 32);
	bool is_data = target->kind == ELF_DATA;
	uint64_t at;

	at = sym->value + (uint64_t)addend;
	if (target->kind == ELF_CODE)
		return fail(l,
			    "function '%.64s' takes the address of function '%.64s'; functions "
			    "can only be called by name",
			    function, elf_file_function(&l->file, target->section, at));
	/* One octet past the end is an address that C allows. */
	if (sym->value > target->size || at > target->size)
		return fail(l, "function '%.64s': an address outside '%.64s'", function, sym->name);
	insn[1] = (uint8_t)((insn[1] & 0x0f) | SRC_MAP_VALUE << 4);
	put_imm(insn, is_data ? VC_MAP_DATA : VC_MAP_RODATA);
	put_imm(insn + INSN_LEN, target->base + (uint32_t)at);
	return true;
}

/* The addend counts instructions from the symbol and is one less than the target, as if the call stood at the symbol. */
static bool relocate_call(struct link *l, uint8_t *insn, uint32_t pc, const char *function,
			  const struct elf_symbol *sym, const struct elf_piece *target)
{
	int64_t at;

	if (target->kind != ELF_CODE || sym->value % INSN_LEN != 0 ||
	    sym->value / INSN_LEN >= target->size)
		return fail(l, "function '%.64s' calls '%.64s', which is not a function", function,
			    sym->name);
	at = (int64_t)(sym->value / INSN_LEN) + get_imm(insn) + 1;
	if (at < 0 || at >= target->size)
		return fail(l, "function '%.64s': a call outside '%.64s'", function, sym->name);
	insn[1] = (uint8_t)((insn[1] & 0x0f) | SRC_LOCAL << 4);
	put_imm(insn, (uint32_t)((int64_t)target->base + at - pc - 1));
	return true;
}

static bool resolve(struct link *l, const struct elf_reloc *r, const char *function,
		    struct elf_symbol *sym)
{
	if (!elf_file_symbol(&l->file, r->symbol, sym))
		return fail(l, "function '%.64s': a relocation names no symbol", function);
	if (sym->section == SHN_UNDEF)
		return fail(l,
			    "function '%.64s' uses '%.64s', which is not defined; a module has no "
			    "libraries, only the helpers of capsule/sdk.h",
			    function, sym->name);
	if (sym->section >= l->file.nsection)
		return fail(l, "function '%.64s' uses '%.64s', which has no section", function,
			    sym->name);
	return true;
}

static bool relocate(struct link *l, const struct elf_piece *p, const struct elf_reloc *r)
{
	const char *function = elf_file_function(&l->file, p->section, r->offset);
	uint64_t at = r->offset / INSN_LEN;
	const struct elf_piece *target;
	struct elf_symbol sym;
	uint8_t *insn;

	if (r->has_addend || r->offset % INSN_LEN != 0 || at >= p->size)
		return fail(l, "function '%.64s': a relocation is malformed", function);
	if (!resolve(l, r, function, &sym) || !take(l, sym.section))
		return false;
	target = find_piece(l, sym.section);
	insn = l->prog->insn + (p->base + at) * INSN_LEN;
	if (r->type == R_DATA_ADDRESS && insn[0] == OP_LDDW && at + 1 < p->size)
		return relocate_address(l, insn, function, &sym, target);
	if (r->type == R_LOCAL_CALL && insn[0] == OP_CALL)
		return relocate_call(l, insn, (uint32_t)(p->base + at), function, &sym, target);
	return fail(l, "function '%.64s': relocation type %u for '%.64s' is not supported",
		    function, r->type, sym.name);
}

/* Pieces are taken in while this goes on, so npiece grows until nothing new is reached. */
static bool relocate_pieces(struct link *l)
{
	struct elf_relocs it;
	struct elf_reloc r;

	for (uint32_t i = 0; i < l->prog->npiece; i++) {
		struct elf_piece p = l->prog->piece[i];

		elf_file_relocs(&it, p.section);
		while (elf_file_next_reloc(&l->file, &it, &r)) {
			if (p.kind != ELF_CODE)
				return fail(l,
					    "'%.64s' holds an address; data of a module cannot: "
					    "use an index or an array of arrays",
					    elf_file_object(&l->file, p.section, r.offset));
			if (!relocate(l, &p, &r))
				return false;
		}
	}
	return true;
}

bool elf_link(const uint8_t *object, size_t len, struct elf_program *prog, char err[ELF_ERROR])
{
	struct link l = {.prog = prog, .err = err};
	struct module *m = &prog->module;
	const char *wrong;

	memset(prog, 0, sizeof(*prog));
	err[0] = 0;
	prog->object = object;
	prog->object_len = len;
	wrong = elf_file_open(&l.file, object, len);
	if (wrong)
		return fail(&l, "%s", wrong);
	if (!take_entries(&l) || !relocate_pieces(&l))
		return false;
	m->kind = MODULE_KIND_CAPSULE;
	m->insn = prog->insn;
	m->ninsn = l.ninsn;
	m->rodata = prog->rodata;
	m->rodata_len = l.rodata_len;
	m->data_len = l.data_len;
	return true;
}
