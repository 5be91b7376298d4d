/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_dump.c - amp vm dump: a program as its programmer wrote it, as the verifier sees it, and as the processor runs it.
 */
#include <capstone/capstone.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capsules/tool/explain.h"
#include "capsules/tool/program.h"
#include "cmd.h"
#include "cmd_vm.h"
#include "text.h"
#include "vm_code.h"

#define VERB "vm dump"
#define LEFT 40 /* columns of an instruction */

/* Of RFC 9669, what says where an instruction goes on and what it loads. */
enum {
	CLASS_JMP = 5,
	CLASS_JMP32 = 6,
	CODE_CALL = 0x80,
	CODE_EXIT = 0x90,
	OP_LDDW = 0x18,
	OP_CALL = 0x85,
	OP_GOTOL = 0x06,
	LDDW_HANDLE = 5,
};

static const char usage[] =
	"usage: amp vm dump FILE.c|FILE.o|FILE.mod [--kind K] [--facts] [--code]\n"
	"\n"
	"Lists a program: each source line where it changes, each instruction, and what the "
	"verifier has proved of the\n"
	"registers that the instruction reads. A program that is refused is listed up to the "
	"instruction at fault.\n"
	"\n"
	"  --facts   what is known of all registers and of pointers in the stack, in the "
	"verifier's "
	"own words\n"
	"  --code    beside it the x86-64 code that is generated for it\n"
	"  --kind K  as of amp vm check\n";

struct dump {
	struct tool_program p;
	bool facts, with_code;
	char **fact; /* by instruction: what vc_facts says */
	struct vm_code code;
	csh capstone;
	struct elf_place place; /* of the last instruction */
};

/* The function's name where one begins, and the source line where it changes. */
static void print_place(struct dump *d, uint32_t pc)
{
	struct elf_place place = {.line = 0};

	if (d->p.origin)
		elf_place(d->p.origin, pc, &place);
	for (uint32_t i = 0; !d->p.origin && i < d->p.module.nentry; i++)
		if (d->p.module.entry[i].insn == pc)
			printf("\n%s:\n", d->p.module.entry[i].name);
	if (strcmp(place.function, d->place.function) != 0)
		printf("\n%s:\n", place.function);
	if (place.line != 0 &&
	    (place.line != d->place.line || strcmp(place.file, d->place.file) != 0 ||
	     strcmp(place.function, d->place.function) != 0))
		printf("%s:%u: %s\n", explain_file(place.file, d->p.path), place.line, place.text);
	d->place = place;
}

static uint32_t code_at(struct dump *d, uint32_t pc)
{
	return vc_code_at(&d->p.prog, d->p.scratch, d->code.cpu, pc);
}

/*
 * Where the code of the last instruction, a return or a jump, ends: behind its own ret or jmp. What follows belongs to the whole run.
 */
static uint32_t code_end(struct dump *d, uint32_t last)
{
	uint32_t from = code_at(d, last), end = d->code.code.size;
	cs_insn *insn = NULL;
	size_t n = from < end
			   ? cs_disasm(d->capstone, d->code.base + from, end - from, from, 0, &insn)
			   : 0;

	for (size_t i = 0; i < n; i++) {
		if (insn[i].id == X86_INS_RET || insn[i].id == X86_INS_JMP) {
			end = (uint32_t)(insn[i].address + insn[i].size);
			break;
		}
	}
	if (n > 0)
		cs_free(insn, n);
	return end;
}

/* Something in the left column, the code from one place to another in the right one. */
static void print_both(struct dump *d, const char *left, uint32_t from, uint32_t to)
{
	cs_insn *insn = NULL;
	size_t n = 0;

	if (from < to && to <= d->code.code.size)
		n = cs_disasm(d->capstone, d->code.base + from, to - from, from, 0, &insn);
	if (n == 0)
		printf("%s\n", left);
	for (size_t i = 0; i < n; i++)
		printf("%-*s %5llx  %s%s%s\n", LEFT, i == 0 ? left : "",
		       (unsigned long long)insn[i].address, insn[i].mnemonic,
		       insn[i].op_str[0] ? " " : "", insn[i].op_str);
	if (n > 0)
		cs_free(insn, n);
}

/* How an access is known to be inside: by proof, or by a check in the code when it happens. */
static const char *how_inside(const struct dump *d, uint32_t pc, const char *facts)
{
	const struct vc_prog *p = &d->p.prog;
	const struct vc_insn *insn = &p->insn[pc];
	uint32_t base, size = explain_access(insn, &base);
	uint32_t least = p->min_window > p->kind->min_window ? p->min_window : p->kind->min_window;
	const char *value;
	char name[8];
	long at = 0;

	if (size == 0)
		return "";
	snprintf(name, sizeof(name), "r%u=", base);
	value = strstr(facts, name);
	if (!value)
		return "";
	value += strlen(name);
	if (memmem(value, strcspn(value, " "), "+?", 2) || strncmp(value, "outer", 5) == 0)
		return "; checked when it runs";
	if (strncmp(value, "window", 6) != 0)
		return "; proved";
	at = strtol(value + 6, NULL, 10) + insn->off;
	return at >= 0 && at + (long)size <= (long)least ? "; proved" : "; checked when it runs";
}

/* What the loader put into the place of an address. */
static void describe_data(const struct dump *d, uint32_t map, bool handle, char *out, size_t size)
{
	if (map == VC_MAP_RODATA)
		snprintf(out, size, "; a constant");
	else if (map == VC_MAP_DATA)
		snprintf(out, size, "; a static variable");
	else if (map - VC_MAP_TABLE < d->p.module.ntable)
		snprintf(out, size, "; %stable '%s'", handle ? "the handle of " : "",
			 d->p.module.table[map - VC_MAP_TABLE].name);
}

/* Where a jump goes, and which memory an instruction loads: what the instruction says as a number. "" when it is neither. */
static void describe_target(const struct dump *d, uint32_t pc, char *out, size_t size)
{
	const struct vc_insn *i = &d->p.prog.insn[pc];
	uint32_t class = i->op & 7, code = i->op & 0xf0, src = i->regs >> 4;

	out[0] = 0;
	if (i->op == OP_LDDW && src != 0)
		describe_data(d, (uint32_t)i->imm, src == LDDW_HANDLE, out, size);
	else if (i->op == OP_CALL && src != 0)
		snprintf(out, size, "; the function at %u", pc + 1 + (uint32_t)i->imm);
	else if (i->op == OP_GOTOL)
		snprintf(out, size, "; to %u", pc + 1 + (uint32_t)i->imm);
	else if ((class == CLASS_JMP || class == CLASS_JMP32) && code != CODE_CALL &&
		 code != CODE_EXIT)
		snprintf(out, size, "; to %u", pc + 1 + (uint32_t)(int32_t)i->off);
}

/* What there is to say about the registers that the instruction reads. */
static void describe(const struct dump *d, uint32_t pc, const char *facts, char *out, size_t size)
{
	char words[EXPLAIN_TEXT];

	if (facts[0] == 0) {
		snprintf(out, size, "; never reached");
		return;
	}
	explain_state(&d->p.prog, &d->p.module, pc, facts, true, words);
	if (d->facts)
		snprintf(out, size, "; %s%s", facts, how_inside(d, pc, facts));
	else
		snprintf(out, size, "%s%s%s", words[0] ? "; " : "", words,
			 how_inside(d, pc, facts));
}

static uint32_t print_insn(struct dump *d, uint32_t pc)
{
	char insn[96], left[128], words[1600], target[128];
	uint32_t slots = vc_disasm(&d->p.prog, pc, insn, sizeof(insn));

	print_place(d, pc);
	describe(d, pc, d->fact[pc], words, sizeof(words));
	describe_target(d, pc, target, sizeof(target));
	text_append(words, sizeof(words), "%s%s", words[0] && target[0] ? " " : "", target);
	snprintf(left, sizeof(left), "%5u  %s", pc, insn);
	if (d->with_code) {
		print_both(d, left, code_at(d, pc),
			   pc + slots < d->p.prog.ninsn ? code_at(d, pc + slots) : code_end(d, pc));
		if (words[0] != 0)
			printf("         %s\n", words);
	} else {
		printf("%-*s%s%s\n", words[0] ? LEFT : 0, left, words[0] ? " " : "", words);
	}
	return slots;
}

/* Refused: the facts are those that were found before it was, so only the instructions are shown. */
static int dump_refused(struct dump *d)
{
	const struct vc_report *rep = &d->p.report;
	char insn[96], left[128], target[128];

	for (uint32_t pc = 0; pc < d->p.prog.ninsn && pc <= rep->insn;) {
		uint32_t slots = vc_disasm(&d->p.prog, pc, insn, sizeof(insn));

		print_place(d, pc);
		describe_target(d, pc, target, sizeof(target));
		snprintf(left, sizeof(left), "%5u  %s", pc, insn);
		printf("%-*s%s%s\n", target[0] ? LEFT : 0, left, target[0] ? " " : "", target);
		pc += slots;
	}
	fflush(stdout);
	explain_refusal(VERB, d->p.path, &d->p.prog, &d->p.module, rep, d->p.origin);
	return AMP_FAILED;
}

/*
 * Keeps the facts of all instructions: they and the code generator use the same working memory, each as vc_verify leaves it.
 */
static bool keep_facts(struct dump *d)
{
	char facts[1024];

	d->fact = calloc(d->p.prog.ninsn, sizeof(*d->fact));
	for (uint32_t pc = 0; d->fact && pc < d->p.prog.ninsn; pc++) {
		facts[0] = 0;
		vc_facts(&d->p.prog, d->p.scratch, pc, facts, sizeof(facts));
		d->fact[pc] = strdup(facts);
		if (!d->fact[pc])
			return false;
	}
	return d->fact &&
	       vc_verify(&d->p.prog, d->p.scratch, d->p.scratch_len, &d->p.report) == VC_FINE;
}

static void forget_facts(struct dump *d)
{
	for (uint32_t pc = 0; d->fact && pc < d->p.prog.ninsn; pc++)
		free(d->fact[pc]);
	free(d->fact);
}

static int dump_all(struct dump *d)
{
	uint32_t n = d->p.prog.ninsn, last = 0;

	if (d->with_code)
		print_both(d, "  the start of a run", 0, code_at(d, 0));
	for (uint32_t pc = 0; pc < n;) {
		last = pc;
		pc += print_insn(d, pc);
	}
	if (d->with_code) {
		printf("\n");
		print_both(d, "  the end of a run, and its stops", code_end(d, last),
			   d->code.code.size);
	}
	return AMP_DONE;
}

static int dump_with_code(struct dump *d)
{
	int r = AMP_FAILED;

	if (!vm_code_offered())
		return cmd_error(VERB, "there is no code generator for this processor");
	if (!vm_code_make(VERB, &d->p.prog, d->p.scratch, &d->code))
		return AMP_FAILED;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->capstone) != CS_ERR_OK) {
		cmd_error(VERB, "the disassembler does not start");
	} else {
		r = dump_all(d);
		cs_close(&d->capstone);
	}
	vm_code_free(&d->code);
	return r;
}

static int dump_accepted(struct dump *d)
{
	int r;

	if (!keep_facts(d))
		r = cmd_error(VERB, "out of memory");
	else
		r = d->with_code ? dump_with_code(d) : dump_all(d);
	forget_facts(d);
	return r;
}

static int dump(struct dump *d, const char *path, uint32_t kind)
{
	int r = AMP_FAILED;

	if (tool_program_read(VERB, path, kind, &d->p)) {
		printf("%s: %s, %u instructions\n", path, d->p.prog.kind->name, d->p.prog.ninsn);
		r = d->p.report.reason != VC_FINE ? dump_refused(d) : dump_accepted(d);
	}
	tool_program_free(&d->p);
	return r;
}

int vm_dump(int argc, char **argv)
{
	static const struct option options[] = {{"kind", required_argument, NULL, 'k'},
						{"facts", no_argument, NULL, 'f'},
						{"code", no_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct dump d = {.facts = false};
	uint32_t kind = 0;

	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'k':
			kind = vm_kind(VERB, optarg);
			if (kind == 0)
				return AMP_USAGE;
			break;
		case 'f': d.facts = true; break;
		case 'c': d.with_code = true; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_misuse(VERB, "unknown or incomplete option");
		}
	}
	if (argc - optind != 1)
		return cmd_misuse(VERB, "give one file");
	return dump(&d, argv[optind], kind);
}
