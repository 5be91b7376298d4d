/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_vm.c - amp vm: which of its parts is meant; and the helpers as a manual page. */
#include "cmd_vm.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "capsules/tool/explain.h"
#include "cmd.h"
#include "text.h"

static const char usage[] =
	"usage: amp vm run [options] [MEMORY-HEX]   a program as hex on standard input, run once\n"
	"       amp vm check FILE [options]         would it be accepted? what does it use?\n"
	"       amp vm dump FILE [options]          listing: source, instructions, what is proved\n"
	"       amp vm helpers [KIND]               what programs may call\n"
	"\n"
	"Programs are those that packets name (capsules) and those that are loaded into the kernel "
	"(handlers,\n"
	"predicates, UDFs), in the BPF instruction set, RFC 9669. FILE is C source, an object that "
	"clang -target bpf\n"
	"made, or a module that amp build made. amp vm run --help and so on tell more; "
	"capsules/PROGRAMS.md is the\n"
	"manual.\n";

static const char helpers_usage[] =
	"usage: amp vm helpers [KIND]\n"
	"\n"
	"The helpers that programs may call, and what each charges to the budget. KIND is one of "
	"capsule, handler,\n"
	"predicate, udf and raw; without it, all kinds are described.\n";

uint32_t vm_kind(const char *verb, const char *name)
{
	char names[128] = "";

	for (uint32_t k = 1; k < VC_NKIND; k++) {
		if (!vc_kinds[k].name)
			continue;
		if (!strcmp(vc_kinds[k].name, name))
			return k;
		text_append(names, sizeof(names), "%s%s", *names ? ", " : "", vc_kinds[k].name);
	}
	cmd_misuse(verb, "'%s' is no kind of program: there are %s", name, names);
	return 0;
}

static void print_kind(uint32_t k)
{
	const struct vc_kind *kind = &vc_kinds[k];

	printf("%s: %s\n", kind->name, kind->text);
	if (kind->max_window != 0)
		printf("  %u octets of context; %u to %u octets of window; ", kind->ctx_size,
		       kind->min_window, kind->max_window);
	else
		printf("  ");
	printf("budget of one run %u unless said otherwise\n", kind->budget);
	for (uint32_t n = 1; n < VC_NHELPER; n++) {
		const struct vc_helper *h = &vc_helpers[n];

		if (!h->name || !(h->kinds >> k & 1))
			continue;
		printf("\n  ");
		explain_prototype(stdout, k, h);
		printf("\n      helper %u, costs %u: %s\n", n, h->cost, h->text);
	}
}

int vm_helpers(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	uint32_t only = 0, printed = 0;

	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c != 'h')
			return cmd_misuse("vm helpers", "unknown option");
		fputs(helpers_usage, stdout);
		return AMP_DONE;
	}
	if (argc - optind > 1)
		return cmd_misuse("vm helpers", "give one kind, or none");
	if (optind < argc) {
		only = vm_kind("vm helpers", argv[optind]);
		if (only == 0)
			return AMP_USAGE;
	}
	for (uint32_t k = 1; k < VC_NKIND; k++) {
		if (!vc_kinds[k].name || (only != 0 && only != k))
			continue;
		printf("%s", printed++ ? "\n" : "");
		print_kind(k);
	}
	return AMP_DONE;
}

int cmd_vm(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} parts[] = {
		{"run", vm_run}, {"check", vm_check}, {"dump", vm_dump}, {"helpers", vm_helpers}};

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return AMP_DONE;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strcmp(argv[1], parts[i].name))
			return parts[i].fn(argc - 1, argv + 1);
	return cmd_misuse("vm", "say run, check, dump or helpers");
}
