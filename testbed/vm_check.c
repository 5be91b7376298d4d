/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_check.c - amp vm check: would this program be accepted, and what does it use? */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "capsules/tool/common.h"
#include "capsules/tool/cost.h"
#include "capsules/tool/explain.h"
#include "capsules/tool/program.h"
#include "capsules/tool/show.h"
#include "cmd.h"
#include "cmd_vm.h"
#include "text.h"
#include "vm_code.h"

#define VERB "vm check"

static const char usage[] =
	"usage: amp vm check FILE.c|FILE.o|FILE.mod [--kind K] [--json]\n"
	"\n"
	"Asks the verifier that every node and every kernel asks. Prints `ok` and what the program "
	"uses, or where and\n"
	"why it is refused and what to do; then the exit status is 1. Nothing is written.\n"
	"\n"
	"  --kind K  take the entry points of this kind only (capsule, handler, predicate, udf, "
	"raw), when an object\n"
	"            has several; raw also takes an object without any, from the start of .text\n"
	"  --json    for programs\n"
	"\n"
	"`straight` is the dearest way that never jumps back: a run costs so much, and what its "
	"loops cost.\n";

/* Octets of generated code; 0: no code generator here. */
static uint32_t code_size(const struct tool_program *p)
{
	struct vc_code code;

	if (!vm_code_offered() ||
	    vc_compile(&p->prog, p->scratch, vc_cpu(), NULL, 0, &code) != VC_FINE)
		return 0;
	return code.size;
}

static void print_names(const struct module *m)
{
	for (uint32_t i = 0; i < m->nentry; i++)
		printf("  entry     %s, at instruction %u\n", m->entry[i].name, m->entry[i].insn);
	for (uint32_t i = 0; i < m->ntable; i++) {
		printf("  table     %s", m->table[i].name);
		if (m->table[i].bytes != 0)
			printf(", memory of %u octets", m->table[i].bytes);
		printf("\n");
	}
	for (uint32_t i = 0; i < m->nhelper; i++)
		printf("%s%s%s", i ? ", " : "  helpers   ", module_helper_name(m->helper[i]),
		       i + 1 == m->nhelper ? "\n" : "");
}

static void print_ok(const struct tool_program *p, const struct cost *c)
{
	const struct module *m = &p->module;
	uint32_t code = code_size(p);

	printf("%s: ok\n", p->path);
	printf("  kind      %s\n", p->prog.kind->name);
	print_names(m);
	printf("  size      %u instruction%s", m->ninsn, plural(m->ninsn));
	if (code != 0)
		printf(", %u octets of x86-64 code", code);
	printf("\n");
	if (m->rodata_len + m->data_len != 0)
		printf("  data      %u octets constant, %u static (zero at the start of each "
		       "run)\n",
		       m->rodata_len, m->data_len);
	if (m->min_len != 0)
		printf("  length    at least %u octets\n", m->min_len);
	printf("  stack     %u octets of %u, %u function%s deep of %u\n", c->stack, VC_STACK,
	       c->depth, plural(c->depth), VC_FRAMES);
	printf("  straight  %llu units, %llu instructions\n", (unsigned long long)c->units,
	       (unsigned long long)c->insns);
	printf("  loops     %u\n", c->loops);
	printf("  budget    %u of one run unless said otherwise\n", p->prog.kind->budget);
}

static int print_json(const struct tool_program *p, const struct cost *c)
{
	bool fine = p->report.reason == VC_FINE;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "file", p->path);
	cJSON_AddBoolToObject(o, "ok", fine);
	cJSON_AddStringToObject(o, "kind", p->prog.kind->name);
	cJSON_AddNumberToObject(o, "insns", p->module.ninsn);
	cJSON_AddNumberToObject(o, "rodata", p->module.rodata_len);
	cJSON_AddNumberToObject(o, "data", p->module.data_len);
	cJSON_AddNumberToObject(o, "min_len", p->module.min_len);
	show_lists_json(o, &p->module);
	if (fine) {
		cJSON_AddNumberToObject(o, "code", code_size(p));
		cJSON_AddNumberToObject(o, "stack", c->stack);
		cJSON_AddNumberToObject(o, "depth", c->depth);
		cJSON_AddNumberToObject(o, "loops", c->loops);
		cJSON_AddNumberToObject(o, "straight_units", (double)c->units);
		cJSON_AddNumberToObject(o, "straight_insns", (double)c->insns);
	} else {
		explain_refusal_json(o, p->path, &p->prog, &p->report, p->origin);
	}
	return tool_json(o, fine ? AMP_DONE : AMP_FAILED);
}

static int check(const char *path, uint32_t kind, bool json)
{
	struct tool_program p;
	struct cost c = {0};
	int r = AMP_FAILED;

	if (!tool_program_read(VERB, path, kind, &p)) {
		tool_program_free(&p);
		return AMP_FAILED;
	}
	if (p.report.reason == VC_FINE && !cost_measure(&p.prog, &c)) {
		r = cmd_error(VERB, "out of memory");
	} else if (json) {
		r = print_json(&p, &c);
	} else if (p.report.reason != VC_FINE) {
		explain_refusal(VERB, path, &p.prog, &p.module, &p.report, p.origin);
	} else {
		print_ok(&p, &c);
		r = AMP_DONE;
	}
	tool_program_free(&p);
	return r;
}

int vm_check(int argc, char **argv)
{
	static const struct option options[] = {{"kind", required_argument, NULL, 'k'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	uint32_t kind = 0;
	bool json = false;

	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'k':
			kind = vm_kind(VERB, optarg);
			if (kind == 0)
				return AMP_USAGE;
			break;
		case 'j': json = true; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_misuse(VERB, "unknown or incomplete option");
		}
	}
	if (argc - optind != 1)
		return cmd_misuse(VERB, "give one file");
	return check(argv[optind], kind, json);
}
