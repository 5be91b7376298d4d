/* SPDX-License-Identifier: BSD-2-Clause */
/* show.c - modules and verdicts, for people and for programs. */
#include "capsules/tool/show.h"
#include "capsule/elf.h"
#include "capsules/tool/explain.h"

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
	if (m->kind != VC_KIND_CAPSULE)
		printf("  kind      %s\n", module_kind_name(m->kind));
	printf("  code      %s\n", hex);
	printf("  size      %zu octets: %u instructions, %u read-only, %u private\n", len, m->ninsn,
	       m->rodata_len, m->data_len);
	for (uint32_t i = 0; i < m->nentry; i++)
		printf("  entry     %u %s, at instruction %u\n", i, m->entry[i].name,
		       m->entry[i].insn);
	for (uint32_t i = 0; i < m->ntable; i++) {
		printf("  table     %u %s", i, m->table[i].name);
		if (m->table[i].bytes != 0)
			printf(", memory of %u octets", m->table[i].bytes);
		printf("\n");
	}
	if (m->min_len != 0)
		printf("  length    at least %u octets\n", m->min_len);
	for (uint32_t i = 0; i < m->nhelper; i++)
		printf("  helper    %u %s\n", m->helper[i], helper_name(m->helper[i]));
	if (m->budget != 0)
		printf("  budget    %u expected by one execution\n", m->budget);
	if (v->report.reason == VC_FINE)
		printf("  verdict   accepted\n");
	else
		printf("  verdict   refused: %s\n", vc_reason_name(v->report.reason));
}

void show_lists_json(cJSON *o, const struct module *m)
{
	cJSON *entries = cJSON_AddArrayToObject(o, "entries");
	cJSON *tables = cJSON_AddArrayToObject(o, "tables");
	cJSON *helpers = cJSON_AddArrayToObject(o, "helpers");

	for (uint32_t i = 0; i < m->nentry; i++) {
		cJSON *e = cJSON_CreateObject();

		cJSON_AddStringToObject(e, "name", m->entry[i].name);
		cJSON_AddNumberToObject(e, "insn", m->entry[i].insn);
		cJSON_AddItemToArray(entries, e);
	}
	for (uint32_t i = 0; i < m->ntable; i++) {
		cJSON *t = cJSON_CreateObject();

		cJSON_AddStringToObject(t, "name", m->table[i].name);
		cJSON_AddNumberToObject(t, "bytes", m->table[i].bytes);
		cJSON_AddItemToArray(tables, t);
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
	cJSON_AddStringToObject(o, "kind", module_kind_name(m->kind));
	cJSON_AddNumberToObject(o, "length", (double)len);
	cJSON_AddNumberToObject(o, "insns", m->ninsn);
	cJSON_AddNumberToObject(o, "rodata", m->rodata_len);
	cJSON_AddNumberToObject(o, "data", m->data_len);
	cJSON_AddNumberToObject(o, "min_len", m->min_len);
	cJSON_AddNumberToObject(o, "budget", m->budget);
	show_lists_json(o, m);
	if (!fine) {
		cJSON_AddStringToObject(o, "reason", vc_reason_name(v->report.reason));
		cJSON_AddStringToObject(o, "text", v->report.text);
		cJSON_AddNumberToObject(o, "insn", v->report.insn);
	}
	return o;
}

void show_refusal(const char *verb, const char *path, const struct tool_verdict *v,
		  const struct elf_program *origin)
{
	if (v->parsed != MODULE_OK)
		tool_error(verb, "%s: not a module: %s", path, module_result_text(v->parsed));
	else
		explain_refusal(verb, path, &v->prog, &v->module, &v->report, origin);
}
