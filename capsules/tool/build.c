/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c - `amp build`: C source (or an object that clang made) to a module that nodes accept.
 *
 * Nothing is written that a node would refuse: the module is verified here by the same verifier.
 */
#include "capsule/elf.h"
#include "capsule/tool.h"
#include "capsules/tool/clang.h"
#include "capsules/tool/show.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: amp build FILE.c [-o OUT.mod] [options]\n"
	"\n"
	"Compiles a capsule or a handler with clang, links it into a module and verifies it as a "
	"node does.\n"
	"A module that a node would refuse is not written. FILE.o, made by clang -target bpf, is "
	"taken too.\n"
	"\n"
	"  -o, --output FILE  default: FILE.mod in the current directory\n"
	"      --name NAME    the module's name (default: FILE without its suffix)\n"
	"      --budget N     work units that one execution is expected to need\n"
	"      --keep         keep the object file, as OUT.o\n"
	"      --json         print JSON\n"
	"\n"
	"clang is called with -O2 -target bpf -mcpu=v3; capsule/sdk.h is found beside this program "
	"or in\n"
	"$AMP_SDK.\n";

struct request {
	const char *source, *output, *name;
	uint64_t budget;
	bool keep, json;
	bool is_object; /* the source is an object already */
	char output_buf[512], name_buf[MODULE_NAME + 1];
	char object[600];
};

static bool set_defaults(struct request *q)
{
	size_t n = strlen(q->source);
	const char *suffix = n > 2 ? q->source + n - 2 : "";
	char stem[256];

	q->is_object = strcmp(suffix, ".o") == 0;
	if (!q->is_object && strcmp(suffix, ".c") != 0) {
		tool_misuse("build", "%s: give a .c or .o file", q->source);
		return false;
	}
	if (!tool_stem(q->source, suffix, stem, sizeof(stem))) {
		tool_misuse("build", "%s: the name is too long", q->source);
		return false;
	}
	if (!q->output) {
		snprintf(q->output_buf, sizeof(q->output_buf), "%s.mod", stem);
		q->output = q->output_buf;
	}
	if (!q->name) {
		if (strlen(stem) > MODULE_NAME) {
			tool_misuse("build",
				    "'%s' is too long for a module's name (%u characters): "
				    "use --name",
				    stem, MODULE_NAME);
			return false;
		}
		strcpy(q->name_buf, stem);
		q->name = q->name_buf;
	}
	if (strlen(q->name) > MODULE_NAME) {
		tool_misuse("build", "--name: at most %u characters", MODULE_NAME);
		return false;
	}
	return true;
}

/* Where the object goes: beside the module, or a temporary file. */
static int choose_object(struct request *q)
{
	const char *dir = getenv("TMPDIR");
	size_t n = strlen(q->output);
	int fd;

	if (q->keep) {
		if (n > 4 && strcmp(q->output + n - 4, ".mod") == 0)
			n -= 4;
		if (n + 3 > sizeof(q->object))
			return tool_error("build", "%s: the path is too long", q->output);
		snprintf(q->object, sizeof(q->object), "%.*s.o", (int)n, q->output);
		return 0;
	}
	if (!dir || strlen(dir) > 256)
		dir = "/tmp";
	snprintf(q->object, sizeof(q->object), "%s/amp-build-XXXXXX", dir);
	fd = mkstemp(q->object);
	if (fd < 0)
		return tool_error("build", "%s: cannot create a temporary file", dir);
	close(fd);
	return 0;
}

static int finish(const struct request *q, const uint8_t *module, size_t len,
		  const struct elf_program *prog)
{
	struct tool_verdict v;
	bool fine = tool_verify_module(module, len, &v);

	if (!fine) {
		show_refusal("build", q->source, &v, prog);
		if (q->json)
			return tool_json(show_module_json(q->output, module, len, &v), TOOL_FAILED);
		return TOOL_FAILED;
	}
	if (!tool_write("build", q->output, module, len))
		return TOOL_FAILED;
	if (q->json)
		return tool_json(show_module_json(q->output, module, len, &v), TOOL_OK);
	if (strcmp(q->output, "-") != 0)
		show_module(q->output, module, len, &v);
	return TOOL_OK;
}

static int convert(const struct request *q, const uint8_t *object, size_t object_len,
		   struct elf_program *prog, uint8_t *module)
{
	enum module_result why;
	char err[ELF_ERROR];
	size_t len;

	if (!elf_link(object, object_len, 0, prog, err))
		return tool_error("build", "%s: %s", q->source, err);
	strcpy(prog->module.name, q->name);
	prog->module.budget = (uint32_t)q->budget;
	len = module_write(&prog->module, module, MODULE_MAX, &why);
	if (len == 0)
		return tool_error("build", "%s: %s", q->source, module_result_text(why));
	return finish(q, module, len, prog);
}

static int link_object(const struct request *q)
{
	size_t len = 0;
	uint8_t *object = tool_read("build", q->object, &len);
	struct elf_program *prog = malloc(sizeof(*prog));
	uint8_t *module = malloc(MODULE_MAX);
	int r = TOOL_FAILED;

	if (object && prog && module)
		r = convert(q, object, len, prog, module);
	free(object);
	free(prog);
	free(module);
	return r;
}

static int run(struct request *q)
{
	int r;

	if (!set_defaults(q))
		return TOOL_USAGE;
	if (q->is_object) {
		snprintf(q->object, sizeof(q->object), "%s", q->source);
		return link_object(q);
	}
	r = choose_object(q);
	if (r != 0)
		return r;
	r = clang_compile("build", q->source, q->object) ? link_object(q) : TOOL_FAILED;
	if (!q->keep)
		unlink(q->object);
	return r;
}

int tool_build(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"name", required_argument, NULL, 'n'},
						{"budget", required_argument, NULL, 'b'},
						{"keep", no_argument, NULL, 'k'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct request q = {.keep = false};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'o': q.output = optarg; break;
		case 'n': q.name = optarg; break;
		case 'b':
			if (!tool_number(optarg, UINT32_MAX, &q.budget))
				return tool_misuse("build", "--budget %s: not a number", optarg);
			break;
		case 'k': q.keep = true; break;
		case 'j': q.json = true; break;
		case 'h': fputs(help, stdout); return TOOL_OK;
		default: return tool_misuse("build", "unknown or incomplete option");
		}
	}
	if (optind + 1 != argc)
		return tool_misuse("build", "give one source file");
	q.source = argv[optind];
	if (!tool_ready("build"))
		return TOOL_FAILED;
	return run(&q);
}
