/* SPDX-License-Identifier: BSD-2-Clause */
/* show.c - modules and verdicts, for people and for programs. */
#include "capsules/tool/show.h"
#include "capsule/elf.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char *helper_name(uint32_t number)
{
	const char *name = module_helper_name(number);

	return name ? name : "unknown";
}

void show_module(const char *path, const uint8_t *bytes, size_t len, const struct tool_verdict *v)
{
	const struct module *m = &v->module;
	char hex[2 * MODULE_CODE_NAME + 1];
	uint8_t code[MODULE_CODE_NAME];

	module_code_name(bytes, len, code);
	sodium_bin2hex(hex, sizeof(hex), code, sizeof(code));
	printf("%s\n", path);
	printf("  module    %s\n", m->name);
	printf("  code      %s\n", hex);
	printf("  size      %zu octets: %u instructions, %u read-only, %u private\n", len, m->ninsn,
	       m->rodata_len, m->data_len);
	for (uint32_t i = 0; i < m->nentry; i++)
		printf("  entry     %u %s, at instruction %u\n", i, m->entry[i].name,
		       m->entry[i].insn);
	for (uint32_t i = 0; i < m->nhelper; i++)
		printf("  helper    %u %s\n", m->helper[i], helper_name(m->helper[i]));
	if (m->budget != 0)
		printf("  budget    %u expected by one execution\n", m->budget);
	if (v->report.reason == VC_FINE)
		printf("  verdict   accepted\n");
	else
		printf("  verdict   refused: %s\n", vc_reason_name(v->report.reason));
}

static void add_lists(cJSON *o, const struct module *m)
{
	cJSON *entries = cJSON_AddArrayToObject(o, "entries");
	cJSON *helpers = cJSON_AddArrayToObject(o, "helpers");

	for (uint32_t i = 0; i < m->nentry; i++) {
		cJSON *e = cJSON_CreateObject();

		cJSON_AddStringToObject(e, "name", m->entry[i].name);
		cJSON_AddNumberToObject(e, "insn", m->entry[i].insn);
		cJSON_AddItemToArray(entries, e);
	}
	for (uint32_t i = 0; i < m->nhelper; i++) {
		cJSON *h = cJSON_CreateObject();

		cJSON_AddNumberToObject(h, "number", m->helper[i]);
		cJSON_AddStringToObject(h, "name", helper_name(m->helper[i]));
		cJSON_AddItemToArray(helpers, h);
	}
}

cJSON *show_module_json(const char *path, const uint8_t *bytes, size_t len,
			const struct tool_verdict *v)
{
	const struct module *m = &v->module;
	bool fine = v->parsed == MODULE_OK && v->report.reason == VC_FINE;
	uint8_t code[MODULE_CODE_NAME];
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "file", path);
	cJSON_AddStringToObject(o, "type", "module");
	cJSON_AddBoolToObject(o, "ok", fine);
	if (v->parsed != MODULE_OK) {
		cJSON_AddStringToObject(o, "reason", module_result_name(v->parsed));
		cJSON_AddStringToObject(o, "text", module_result_text(v->parsed));
		return o;
	}
	module_code_name(bytes, len, code);
	cJSON_AddStringToObject(o, "name", m->name);
	tool_json_hex(o, "code", code, sizeof(code));
	cJSON_AddNumberToObject(o, "length", (double)len);
	cJSON_AddNumberToObject(o, "insns", m->ninsn);
	cJSON_AddNumberToObject(o, "rodata", m->rodata_len);
	cJSON_AddNumberToObject(o, "data", m->data_len);
	cJSON_AddNumberToObject(o, "budget", m->budget);
	add_lists(o, m);
	if (!fine) {
		cJSON_AddStringToObject(o, "reason", vc_reason_name(v->report.reason));
		cJSON_AddStringToObject(o, "text", v->report.text);
		cJSON_AddNumberToObject(o, "insn", v->report.insn);
	}
	return o;
}

/* The debug information has absolute paths; people recognise the one that they gave. */
static const char *as_given(const char *file, const char *given)
{
	size_t n = strlen(file), tail = strlen(given);

	return n > tail && file[n - tail - 1] == '/' && strcmp(file + n - tail, given) == 0 ? given
											    : file;
}

void show_refusal(const char *verb, const char *path, const struct tool_verdict *v,
		  const struct elf_program *origin)
{
	int reason = v->report.reason;
	struct elf_place place = {.line = 0};
	char insn[96] = "";

	if (v->parsed != MODULE_OK) {
		tool_error(verb, "%s: not a module: %s", path, module_result_text(v->parsed));
		return;
	}
	if (origin)
		elf_place(origin, v->report.insn, &place);
	if (place.line != 0)
		tool_error(verb, "%s:%u:%u: in function '%s': %s: %s", as_given(place.file, path),
			   place.line, place.column, place.function, vc_reason_name(reason),
			   vc_reason_text(reason));
	else if (place.function[0] != 0)
		tool_error(verb, "%s: in function '%s': %s: %s", path, place.function,
			   vc_reason_name(reason), vc_reason_text(reason));
	else
		tool_error(verb, "%s: refused: %s: %s", path, vc_reason_name(reason),
			   vc_reason_text(reason));
	if (place.text[0] != 0)
		fprintf(stderr, "    %s\n", place.text);
	if (v->report.insn < v->prog.ninsn)
		vc_disasm(&v->prog, v->report.insn, insn, sizeof(insn));
	fprintf(stderr, "  instruction %u: %s\n", v->report.insn, insn);
	if (v->report.state[0] != 0)
		fprintf(stderr, "  registers: %s\n", v->report.state);
	fprintf(stderr, "  what to do: %s\n", vc_reason_hint(reason));
}
