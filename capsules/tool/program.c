/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - a program from a file of any form, verified. */
#include "capsules/tool/program.h"
#include "capsules/tool/clang.h"
#include "capsules/tool/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool tool_program_verify(struct tool_program *p)
{
	p->scratch_len = vc_scratch_size(p->prog.ninsn);
	p->scratch = malloc(p->scratch_len);
	if (!p->scratch)
		return false;
	vc_verify(&p->prog, p->scratch, p->scratch_len, &p->report);
	return true;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), tail = strlen(suffix);

	return n > tail && strcmp(s + n - tail, suffix) == 0;
}

/* Compiles into a temporary object and reads that. */
static uint8_t *compile(const char *verb, const char *source, size_t *len)
{
	const char *dir = getenv("TMPDIR");
	uint8_t *bytes = NULL;
	char object[300];
	int fd;

	if (!dir || strlen(dir) > 256)
		dir = "/tmp";
	snprintf(object, sizeof(object), "%s/amp-vm-XXXXXX", dir);
	fd = mkstemp(object);
	if (fd < 0) {
		tool_error(verb, "%s: cannot create a temporary file", dir);
		return NULL;
	}
	close(fd);
	if (clang_compile(verb, source, object))
		bytes = tool_read(verb, object, len);
	unlink(object);
	return bytes;
}

static bool link_object(const char *verb, uint32_t kind, struct tool_program *p)
{
	char err[ELF_ERROR];

	p->origin = malloc(sizeof(*p->origin));
	if (!p->origin)
		return tool_error(verb, "%s: out of memory", p->path) == TOOL_OK;
	if (!elf_link(p->bytes, p->len, kind, p->origin, err))
		return tool_error(verb, "%s: %s", p->path, err) == TOOL_OK;
	p->module = p->origin->module;
	/* What cannot be listed, half an instruction at the end or a forged call too many, the verifier refuses. */
	(void)module_list_helpers(&p->module);
	return true;
}

static bool parse_module(const char *verb, uint32_t kind, struct tool_program *p)
{
	enum module_result r = module_parse(p->bytes, p->len, &p->module);

	if (r != MODULE_OK)
		return tool_error(verb, "%s: not a module: %s", p->path, module_result_text(r)) ==
		       TOOL_OK;
	if (kind != 0 && kind != p->module.kind)
		return tool_error(verb, "%s: a module of kind %s", p->path,
				  module_kind_name(p->module.kind)) == TOOL_OK;
	return true;
}

bool tool_program_read(const char *verb, const char *path, uint32_t kind, struct tool_program *p)
{
	bool source = ends_with(path, ".c"), ok;

	*p = (struct tool_program){.path = path};
	p->bytes = source ? compile(verb, path, &p->len) : tool_read(verb, path, &p->len);
	if (!p->bytes)
		return false;
	if (!source && p->len >= 4 && memcmp(p->bytes, "AMPM", 4) == 0)
		ok = parse_module(verb, kind, p);
	else
		ok = link_object(verb, kind, p);
	if (!ok)
		return false;
	if (!module_prog(&p->module, &p->prog))
		abort(); /* memory from malloc, and elf_program's arrays, are aligned */
	if (!tool_program_verify(p))
		return tool_error(verb, "%s: out of memory", path) == TOOL_OK;
	return true;
}

void tool_program_free(struct tool_program *p)
{
	free(p->bytes);
	free(p->origin);
	free(p->scratch);
	*p = (struct tool_program){.path = NULL};
}
