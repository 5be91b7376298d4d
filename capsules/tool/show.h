/* SPDX-License-Identifier: BSD-2-Clause */
/* show.h - a module and the verifier's verdict on it, as text and as JSON. */
#ifndef CAPSULE_TOOL_SHOW_H
#define CAPSULE_TOOL_SHOW_H

#include "capsules/tool/common.h"

struct elf_program;

void show_module(const char *path, const uint8_t *bytes, size_t len, const struct tool_verdict *v);
cJSON *show_module_json(const char *path, const uint8_t *bytes, size_t len,
			const struct tool_verdict *v);

/* The entry points, tables and helpers as members of an object. */
void show_lists_json(cJSON *o, const struct module *m);

/*
 * Why a module is refused, on standard error, in its programmer's terms. origin (may be NULL) is the program it was linked from, which
 * knows functions and source lines.
 */
void show_refusal(const char *verb, const char *path, const struct tool_verdict *v,
		  const struct elf_program *origin);

#endif
