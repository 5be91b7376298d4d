/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_run.c - amp vm run: a program of the kind "raw" from standard input, run once on the memory that is given. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capsule/helpers.h"
#include "capsules/tool/explain.h"
#include "capsules/tool/program.h"
#include "cmd.h"
#include "cmd_vm.h"
#include "text.h"
#include "vm_code.h"

#define VERB "vm run"
#define MEMORY_MAX (1u << 20)
/* Hex and blanks: two digits an octet, and room for as many blanks. */
#define INPUT_MAX (VC_INSNS_MAX * 8u * 4u)

static const char usage[] =
	"usage: amp vm run [--interp | --jit] [--trace] [--budget N] [--file FILE] [MEMORY-HEX]\n"
	"\n"
	"Reads a program as hex digits from standard input (blanks are skipped; 16 digits an "
	"instruction), verifies it and\n"
	"runs it once: r1 is the address of the memory, r2 its length. Prints r0 as hex. A program "
	"that is refused or\n"
	"stopped is explained on standard error, and the exit status is 1.\n"
	"\n"
	"  --jit       generated code (the default on x86-64)\n"
	"  --interp    the interpreter\n"
	"  --trace     print each instruction, and the registers before it that are not 0, on "
	"standard error\n"
	"              (the interpreter). Pointers are offsets into their memory.\n"
	"  --budget N  work units (default 1000000)\n"
	"  --file F    take the program from F (C source, or an object) instead: its first "
	"function "
	"in a section raw/NAME\n"
	"\n"
	"  $ echo 'b7000000 2a000000 95000000 00000000' | amp vm run\n"
	"  2a\n";

struct request {
	bool interp, jit, trace;
	uint64_t budget;
	uint8_t *memory;
	size_t memory_len;
	const char *file;		  /* where the program is, or NULL: standard input */
	const struct elf_program *origin; /* what knows its source lines, or NULL */
	struct vc_insn insn[VC_INSNS_MAX];
};

static int digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool blank(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Octets from hex digits; -1 with a message when there is anything else, half an octet, or more than size. */
static long read_hex(const char *what, const char *text, size_t len, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int d = digit((unsigned char)text[i]);

		if (blank((unsigned char)text[i]))
			continue;
		if (d < 0) {
			cmd_error(VERB, "%s: character %zu is not a hex digit", what, i + 1);
			return -1;
		}
		if (n / 2 == size) {
			cmd_error(VERB, "%s: longer than %zu octets", what, size);
			return -1;
		}
		out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] << 4 | d : d);
		n++;
	}
	if (n % 2) {
		cmd_error(VERB, "%s: half an octet at the end", what);
		return -1;
	}
	return (long)(n / 2);
}

/* The program's octets; 0 and a message when there are none. */
static uint32_t read_program(struct request *q)
{
	char *text = malloc(INPUT_MAX + 1);
	size_t len = text ? fread(text, 1, INPUT_MAX + 1, stdin) : 0;
	long n = -1;

	if (!text || ferror(stdin))
		cmd_error(VERB, "cannot read standard input");
	else if (len > INPUT_MAX)
		cmd_error(VERB, "the program is longer than %u instructions", VC_INSNS_MAX);
	else
		n = read_hex("the program", text, len, (uint8_t *)q->insn, sizeof(q->insn));
	free(text);
	if (n < 0)
		return 0;
	if (n == 0 || n % 8 != 0)
		cmd_error(VERB, "the program has %ld octets: give 8 for each instruction", n);
	return n % 8 == 0 ? (uint32_t)(n / 8) : 0;
}

static void print_step(struct vc_run *run, uint32_t pc, const uint64_t reg[11])
{
	char insn[96];

	vc_disasm(run->user, pc, insn, sizeof(insn));
	fprintf(stderr, "%5u  %-40s", pc, insn);
	for (int r = 0; r < 10; r++)
		if (reg[r] != 0)
			fprintf(stderr, " r%d=%llx", r, (unsigned long long)reg[r]);
	fputc('\n', stderr);
}

/* Where and why, with the source line when there is one. */
static int stopped(const struct request *q, const struct vc_prog *p, const struct vc_run *run,
		   int reason)
{
	struct elf_place place = {.line = 0};
	char text[320];

	if (reason == VC_HELPER_STOP && run->stop == CAPSULE_STOP_BUDGET)
		reason = VC_BUDGET_EXHAUSTED;
	vc_stop_text(p, run, reason, text, sizeof(text));
	cmd_error(VERB, "stopped: %s: %s", vc_reason_name(reason), text);
	if (q->origin)
		elf_place(q->origin, run->pc, &place);
	if (place.line != 0)
		fprintf(stderr, "  %s:%u: %s\n", explain_file(place.file, q->file), place.line,
			place.text);
	return AMP_FAILED;
}

static int run_prog(struct request *q, const struct vc_prog *p, void *scratch, struct vc_run *run)
{
	struct vm_code code;
	int reason;

	if (q->interp) {
		reason = vc_interp(p, 0, run);
	} else {
		if (!vm_code_make(VERB, p, scratch, &code))
			return AMP_FAILED;
		reason = vc_exec(p, &code.code, code.base, 0, run);
		vm_code_free(&code);
	}
	if (reason != VC_FINE)
		return stopped(q, p, run, reason);
	printf("%llx\n", (unsigned long long)run->r0);
	return AMP_DONE;
}

/* A verified program, its working memory as vc_verify left it. */
static int run_verified(struct request *q, const struct vc_prog *p, void *scratch)
{
	static const vc_helper_fn helpers[VC_NHELPER] = {
		[VC_HELPER_checksum] = capsule_checksum,
	};
	static _Alignas(16) uint8_t stack[VC_STACK_BYTES];
	static _Alignas(16) uint8_t data[MODULE_DATA_MAX];
	struct vc_run run = {.window = q->memory,
			     .window_len = q->memory_len,
			     .data = data,
			     .stack = stack,
			     .fn = helpers,
			     .user = (void *)(uintptr_t)p,
			     .budget = (int64_t)q->budget,
			     .trace = q->trace ? print_step : NULL};

	return run_prog(q, p, scratch, &run);
}

static int run_hex(struct request *q)
{
	struct tool_program p = {
		.prog = {.kind = &vc_kinds[VC_KIND_RAW], .insn = q->insn, .nentry = 1}};
	int r = AMP_FAILED;

	p.prog.ninsn = read_program(q);
	if (p.prog.ninsn == 0)
		return AMP_FAILED;
	if (!tool_program_verify(&p))
		r = cmd_error(VERB, "out of memory");
	else if (p.report.reason != VC_FINE)
		explain_refusal(VERB, "the program", &p.prog, NULL, &p.report, NULL);
	else
		r = run_verified(q, &p.prog, p.scratch);
	tool_program_free(&p);
	return r;
}

static int run_file(struct request *q)
{
	struct tool_program p;
	int r = AMP_FAILED;

	if (tool_program_read(VERB, q->file, VC_KIND_RAW, &p)) {
		q->origin = p.origin;
		if (p.report.reason != VC_FINE)
			explain_refusal(VERB, q->file, &p.prog, &p.module, &p.report, p.origin);
		else
			r = run_verified(q, &p.prog, p.scratch);
	}
	tool_program_free(&p);
	return r;
}

/* Exactly as large as it is said to be, so that tools which watch memory see a step outside it. */
static bool read_memory(struct request *q, const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t *shrunk;
	long n;

	if (size > MEMORY_MAX)
		return cmd_error(VERB, "the memory: longer than %u octets", MEMORY_MAX) == AMP_DONE;
	q->memory = malloc(size + 1); /* half an octet at the end is found when it is there */
	if (!q->memory)
		return cmd_error(VERB, "out of memory") == AMP_DONE;
	n = read_hex("the memory", hex, strlen(hex), q->memory, size + 1);
	shrunk = n > 0 ? realloc(q->memory, (size_t)n) : NULL;
	if (shrunk)
		q->memory = shrunk;
	q->memory_len = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static int run(struct request *q, const char *memory)
{
	int r = AMP_FAILED;

	if (read_memory(q, memory))
		r = q->file ? run_file(q) : run_hex(q);
	free(q->memory);
	return r;
}

int vm_run(int argc, char **argv)
{
	static const struct option options[] = {{"interp", no_argument, NULL, 'i'},
						{"jit", no_argument, NULL, 'j'},
						{"trace", no_argument, NULL, 't'},
						{"budget", required_argument, NULL, 'b'},
						{"file", required_argument, NULL, 'f'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	static struct request q;

	q.budget = vc_kinds[VC_KIND_RAW].budget;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'i': q.interp = true; break;
		case 'j': q.jit = true; break;
		case 't': q.trace = true; break;
		case 'f': q.file = optarg; break;
		case 'b':
			if (parse_u64(optarg, &q.budget) || q.budget > INT64_MAX)
				return cmd_misuse(VERB, "--budget %s: give a number", optarg);
			break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_misuse(VERB, "unknown or incomplete option");
		}
	}
	if (argc - optind > 1)
		return cmd_misuse(VERB, "give one memory, as hex digits");
	if (q.jit && (q.interp || q.trace))
		return cmd_misuse(VERB, "--jit is one of two: --interp and --trace interpret");
	if (q.jit && !vm_code_offered())
		return cmd_error(VERB, "there is no code generator for this processor");
	q.interp = q.interp || q.trace || !vm_code_offered();
	return run(&q, optind < argc ? argv[optind] : "");
}
