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

#define TABLES "tables/"
#define TABLES_ARRAY "tables/array"
#define TABLES_HANDLE "tables/handle"
#define INSN_LEN 8u
#define OP_LDDW 0x18
#define OP_CALL 0x85
#define SRC_MAP_VALUE 6 /* LDDW: imm is a map's index, next_imm an offset in it */
#define SRC_MAP 5	/* LDDW: imm is a map's index; a handle */
#define SRC_LOCAL 1	/* CALL: imm is relative to the next instruction */

/* LLVM's names; the values 1 and 10 are the ABI. */
#define R_DATA_ADDRESS 1 /* R_BPF_64_64 */
#define R_LOCAL_CALL 10	 /* R_BPF_64_32 */

struct link {
	struct elf_file file;
	struct elf_program *prog;
	uint32_t ninsn, rodata_len, data_len;
	struct {
		uint32_t section;
		uint64_t value;
	} table[VC_TABLES_MAX]; /* where the module's tables stand in the object */
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
	const char *object = elf_file_object(&l->file, p->section, 0);
	uint64_t align = s->align > 1 ? s->align : 1;
	uint64_t base;

	if ((align & (align - 1)) != 0 || align > 16)
		return fail(l, "section %.64s: objects can be aligned to at most 16 octets",
			    s->name);
	base = (*used + align - 1) & ~(align - 1);
	if (base > max || s->size > max - base)
		return fail(l, "'%.64s' (%llu octets) does not fit: there are %u octets for %s%s",
			    *object ? object : s->name, (unsigned long long)s->size, max,
			    p->kind == ELF_RODATA ? "constants" : "static variables; use less",
			    p->kind == ELF_DATA && l->prog->module.kind == VC_KIND_HANDLER
				    ? ", or a table (XOK_ARRAY)"
				    : "");
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
				    "'%.64s' has an initial value; static variables are zero "
				    "when a run starts and forgotten when it ends: make it const "
				    "or zero%s",
				    elf_file_object(&l->file, section, i),
				    l->prog->module.kind == VC_KIND_HANDLER
					    ? ", or a table (XOK_ARRAY), which lasts"
					    : "");
	}
	return reserve_data(l, s, p, &l->data_len,
			    l->prog->module.kind == VC_KIND_CAPSULE ? MODULE_DATA_MAX
								    : MODULE_DATA_KERNEL_MAX);
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
			return fail(
				l,
				"section %.64s: '%.64s' is a second function in it; give "
				"each entry point a section of its own (CAPSULE_ENTRY, HANDLER)",
				name, s.name);
	}
	return true;
}

/* The kind in a section's name "KIND/NAME", and NAME; 0: it is no entry point. */
static uint32_t entry_kind(const struct elf_section *s, const char **name)
{
	*name = "";
	if (s->type != SHT_PROGBITS || !(s->flags & SHF_EXECINSTR))
		return 0;
	for (uint32_t k = 1; k < VC_NKIND; k++) {
		size_t n = vc_kinds[k].name ? strlen(vc_kinds[k].name) : 0;

		if (n > 0 && strncmp(s->name, vc_kinds[k].name, n) == 0 && s->name[n] == '/') {
			*name = s->name + n + 1;
			return k;
		}
	}
	return 0;
}

/* The kind that was asked for, or the only one there is. */
static bool choose_kind(struct link *l, uint32_t kind)
{
	uint32_t found = 0;
	const char *name;

	for (uint32_t i = 1; kind == 0 && i < l->file.nsection; i++) {
		struct elf_section s;
		uint32_t k;

		elf_file_section(&l->file, i, &s);
		k = entry_kind(&s, &name);
		if (k != 0 && found != 0 && k != found)
			return fail(l,
				    "it has entry points of the kinds %s and %s; put them into "
				    "files of their own",
				    vc_kinds[found].name, vc_kinds[k].name);
		found = k != 0 ? k : found;
	}
	l->prog->module.kind = (uint16_t)(kind != 0 ? kind : found);
	if (l->prog->module.kind == 0)
		return fail(l, "no entry point: declare one with CAPSULE_ENTRY(name) "
			       "(capsule/sdk.h), or HANDLER(name) for the kernel "
			       "(xok/handler.h)");
	return true;
}

static bool take_entry(struct link *l, uint32_t section, const struct elf_section *s,
		       const char *name)
{
	struct module *m = &l->prog->module;

	if (strlen(name) == 0 || strlen(name) > MODULE_NAME)
		return fail(l, "section %.64s: entry points have names of 1 to %u characters",
			    s->name, MODULE_NAME);
	if (m->nentry == VC_ENTRIES_MAX)
		return fail(l, "section %.64s: more than %u entry points", s->name, VC_ENTRIES_MAX);
	m->entry[m->nentry].insn = l->ninsn;
	memcpy(m->entry[m->nentry].name, name, strlen(name));
	m->nentry++;
	return take(l, section);
}

/* There is no entry point of the kind that was asked for; perhaps there is another. */
static bool fail_kind(struct link *l)
{
	const char *name, *kind = vc_kinds[l->prog->module.kind].name;
	struct elf_section s;

	for (uint32_t i = 1; i < l->file.nsection; i++) {
		elf_file_section(&l->file, i, &s);
		if (entry_kind(&s, &name) != 0)
			return fail(l, "no entry point of the kind %s; '%.64s' is a %s", kind, name,
				    vc_kinds[entry_kind(&s, &name)].name);
	}
	return fail(l, "no entry point of the kind %s", kind);
}

static bool take_entries(struct link *l)
{
	struct module *m = &l->prog->module;
	struct elf_section s;
	const char *name;

	for (uint32_t i = 1; i < l->file.nsection; i++) {
		elf_file_section(&l->file, i, &s);
		if (entry_kind(&s, &name) != m->kind)
			continue;
		if (!check_entry_section(l, i, s.name) || !take_entry(l, i, &s, name))
			return false;
	}
	for (uint32_t i = 1; m->kind == VC_KIND_RAW && m->nentry == 0 && i < l->file.nsection;
	     i++) {
		elf_file_section(&l->file, i, &s);
		if ((s.flags & SHF_EXECINSTR) && s.size > 0 && is_or_below(s.name, ".text") &&
		    !take_entry(l, i, &s, "text"))
			return false;
	}
	return m->nentry != 0 || fail_kind(l);
}

/* XOK_MIN_LEN(n) */
static bool take_min_len(struct link *l)
{
	struct module *m = &l->prog->module;
	const struct vc_kind *kind = &vc_kinds[m->kind];
	uint32_t i = elf_file_find(&l->file, "min_len"), n;
	struct elf_section s;

	if (i == 0)
		return true;
	elf_file_section(&l->file, i, &s);
	if (!s.data || s.size != sizeof(n))
		return fail(l, "section min_len: say XOK_MIN_LEN(n) once");
	if (m->kind == VC_KIND_CAPSULE || m->kind == VC_KIND_RAW)
		return fail(l, "XOK_MIN_LEN: the kind %s has a least length of its own",
			    kind->name);
	memcpy(&n, s.data, sizeof(n));
	if (n > kind->max_window)
		return fail(l, "XOK_MIN_LEN(%u): nothing is that long, the most is %u", n,
			    kind->max_window);
	m->min_len = n > kind->min_window ? n : 0;
	return true;
}

/* The module's number of the table that stands at a place of the object; the first use gives it one. */
static bool take_table(struct link *l, const char *section, const struct elf_symbol *sym,
		       bool memory, uint32_t *number)
{
	struct module *m = &l->prog->module;
	struct elf_section s;
	uint32_t n;

	for (n = 0; n < m->ntable; n++) {
		if (l->table[n].section == sym->section && l->table[n].value == sym->value) {
			*number = n;
			return true;
		}
	}
	if (m->kind != VC_KIND_HANDLER)
		return fail(l, "table '%.64s': only handlers have tables", sym->name);
	if (n == VC_TABLES_MAX)
		return fail(l, "table '%.64s': a handler has at most %u tables", sym->name,
			    VC_TABLES_MAX);
	if (strlen(sym->name) == 0 || strlen(sym->name) > MODULE_NAME)
		return fail(l, "section %s: tables have names of 1 to %u characters", section,
			    MODULE_NAME);
	elf_file_section(&l->file, sym->section, &s);
	if (sym->value > s.size || sym->size > s.size - sym->value || sym->size == 0 ||
	    sym->size > MODULE_TABLE_MAX)
		return fail(l, "table '%.64s': it must have 1 to %u octets", sym->name,
			    MODULE_TABLE_MAX);
	for (uint64_t i = 0; s.data && i < sym->size; i++) {
		if (s.data[sym->value + i] != 0)
			return fail(l,
				    "table '%.64s' has an initial value; what stands in a table is "
				    "put there by the one who owns it",
				    sym->name);
	}
	l->table[n].section = sym->section;
	l->table[n].value = sym->value;
	m->table[n].bytes = memory ? (uint32_t)sym->size : 0;
	memcpy(m->table[n].name, sym->name, strlen(sym->name));
	m->ntable++;
	*number = n;
	return true;
}

/* Makes an LDDW load the address of a table's memory, or its handle. */
static bool relocate_table(struct link *l, uint8_t *insn, const char *function,
			   const struct elf_symbol *sym)
{
	int64_t addend = (int64_t)((uint64_t)(uint32_t)get_imm(insn) |
				   (uint64_t)(uint32_t)get_imm(insn + INSN_LEN) << 32);
	uint64_t at = sym->value + (uint64_t)addend;
	struct elf_section s;
	bool memory;
	uint32_t n = 0;

	elf_file_section(&l->file, sym->section, &s);
	memory = strcmp(s.name, TABLES_ARRAY) == 0;
	if (!memory && strcmp(s.name, TABLES_HANDLE) != 0)
		return fail(l, "section %.64s: there are " TABLES_ARRAY " and " TABLES_HANDLE,
			    s.name);
	/* clang makes of a static object what it likes: smaller, or constant, since nobody else could change it. */
	if (sym->type != STT_OBJECT || sym->is_local)
		return fail(l, "table '%.64s' is static: declare it without that word",
			    elf_file_object(&l->file, sym->section, at));
	if (at < sym->value || at - sym->value > (memory ? sym->size : 0))
		return fail(l, "function '%.64s': an address outside table '%.64s'", function,
			    sym->name);
	if (!take_table(l, s.name, sym, memory, &n))
		return false;
	insn[1] = (uint8_t)((insn[1] & 0x0f) | (memory ? SRC_MAP_VALUE : SRC_MAP) << 4);
	put_imm(insn, VC_MAP_TABLE + n);
	put_imm(insn + INSN_LEN, (uint32_t)(at - sym->value));
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
			    "can only be called by name: use if or switch",
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
			    "libraries, only the helpers (amp vm helpers)",
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
	struct elf_section s;
	struct elf_symbol sym;
	uint8_t *insn;

	if (r->has_addend || r->offset % INSN_LEN != 0 || at >= p->size)
		return fail(l, "function '%.64s': a relocation is malformed", function);
	if (!resolve(l, r, function, &sym))
		return false;
	insn = l->prog->insn + (p->base + at) * INSN_LEN;
	elf_file_section(&l->file, sym.section, &s);
	if (starts_with(s.name, TABLES) && r->type == R_DATA_ADDRESS && insn[0] == OP_LDDW &&
	    at + 1 < p->size)
		return relocate_table(l, insn, function, &sym);
	if (!take(l, sym.section))
		return false;
	target = find_piece(l, sym.section);
	if (r->type == R_DATA_ADDRESS && insn[0] == OP_LDDW && at + 1 < p->size)
		return relocate_address(l, insn, function, &sym, target);
	if (r->type == R_LOCAL_CALL && insn[0] == OP_CALL)
		return relocate_call(l, insn, (uint32_t)(p->base + at), function, &sym, target);
	return fail(l, "function '%.64s': relocation type %u for '%.64s' is not supported",
		    function, r->type, sym.name);
}

/* Data that would need an address in it. */
static bool refuse_address(struct link *l, const struct elf_piece *p, const struct elf_reloc *r)
{
	const char *name = elf_file_object(&l->file, p->section, r->offset);
	struct elf_symbol sym;
	struct elf_section s;

	if (elf_file_symbol(&l->file, r->symbol, &sym) && sym.section < l->file.nsection) {
		elf_file_section(&l->file, sym.section, &s);
		if (s.flags & SHF_EXECINSTR)
			return fail(
				l,
				"'%.64s' holds the address of a function; functions can only be "
				"called by name: use a switch",
				name);
	}
	return fail(l,
		    "'%.64s' holds an address; data of a module cannot: use an index or an array "
		    "of arrays",
		    name);
}

/* Puts the source line in front of what is wrong with an instruction; false. */
static bool name_line(struct link *l, const struct elf_piece *p, uint64_t offset)
{
	char why[ELF_ERROR];
	struct elf_place place;

	elf_place(l->prog, p->base + (uint32_t)(offset / INSN_LEN), &place);
	if (place.line == 0)
		return false;
	memcpy(why, l->err, sizeof(why));
	return fail(l, "line %u: %.480s", place.line, why);
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
				return refuse_address(l, &p, &r);
			if (!relocate(l, &p, &r))
				return name_line(l, &p, r.offset);
		}
	}
	return true;
}

bool elf_link(const uint8_t *object, size_t len, uint32_t kind, struct elf_program *prog,
	      char err[ELF_ERROR])
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
	if (!choose_kind(&l, kind) || !take_entries(&l) || !take_min_len(&l) ||
	    !relocate_pieces(&l))
		return false;
	m->insn = prog->insn;
	m->ninsn = l.ninsn;
	m->rodata = prog->rodata;
	m->rodata_len = l.rodata_len;
	m->data_len = l.data_len;
	return true;
}
