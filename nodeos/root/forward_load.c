/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_load.c - tables and programs of the forwarding handlers, as the kernel takes them. A module names its tables; here they are
 * given.
 */
#include <stdio.h>
#include <string.h>

#include "capsule/module.h"
#include "nodeos/root/forward_load.h"

static bool create(uint32_t *id, const char *name, uint32_t type, uint32_t value_size,
		   uint32_t entries, char why[AMP_WHY])
{
	struct xok_table_spec spec = {.type = type, .value_size = value_size, .entries = entries};
	int64_t rc;

	memcpy(spec.name, name, strnlen(name, sizeof(spec.name)));
	rc = amp_table_create(&spec);
	if (rc < 0) {
		snprintf(why, AMP_WHY, "table %s: %s", name, amp_strerror((int)rc));
		return false;
	}
	*id = (uint32_t)rc;
	return true;
}

/* The memory of an ARRAY, as large as it was asked for. */
static void *memory(uint32_t id, size_t need)
{
	size_t bytes;
	void *p = amp_table_memory(id, &bytes);

	return bytes >= need ? p : NULL;
}

static bool create_all(struct forward *f, char why[AMP_WHY])
{
	return create(&f->adjacencies, "adjacency", XOK_TABLE_ARRAY,
		      sizeof(struct forward_adjacency), FORWARD_ADJACENCIES, why) &&
	       create(&f->ports, "ports", XOK_TABLE_ARRAY, sizeof(struct forward_port),
		      FORWARD_PORTS, why) &&
	       create(&f->counters, "counters", XOK_TABLE_ARRAY, sizeof(uint64_t), FORWARD_COUNTERS,
		      why) &&
	       create(&f->path[FORWARD_IP4].table, "routes4", XOK_TABLE_LPM4, 0, FORWARD_ROUTES,
		      why) &&
	       create(&f->path[FORWARD_IP6].table, "routes6", XOK_TABLE_LPM6, 0, FORWARD_ROUTES,
		      why);
}

static void destroy_all(struct forward *f)
{
	const uint32_t id[] = {f->adjacencies, f->ports, f->counters, f->path[FORWARD_IP4].table,
			       f->path[FORWARD_IP6].table};

	for (size_t i = 0; i < sizeof(id) / sizeof(id[0]); i++) {
		if (id[i])
			(void)amp_table_destroy(id[i]);
	}
	f->adjacency = NULL;
	f->port = NULL;
	f->counter = NULL;
}

bool forward_tables(struct forward *f, char why[AMP_WHY])
{
	if (create_all(f, why)) {
		f->adjacency = memory(f->adjacencies,
				      sizeof(struct forward_adjacency) * FORWARD_ADJACENCIES);
		f->port = memory(f->ports, sizeof(struct forward_port) * FORWARD_PORTS);
		f->counter = memory(f->counters, sizeof(uint64_t) * FORWARD_COUNTERS);
		if (f->adjacency && f->port && f->counter)
			return true;
		snprintf(why, AMP_WHY, "the tables cannot be mapped");
	}
	destroy_all(f);
	return false;
}

/* The table behind a module's name; 0: there is none of that name and size. */
static uint32_t table_named(const struct forward *f, unsigned family, const struct module_table *t)
{
	const struct {
		const char *name;
		uint32_t id;
		size_t bytes;
	} table[] = {
		{"adjacency", f->adjacencies,
		 sizeof(struct forward_adjacency) * FORWARD_ADJACENCIES},
		{"ports", f->ports, sizeof(struct forward_port) * FORWARD_PORTS},
		{"counters", f->counters, sizeof(uint64_t) * FORWARD_COUNTERS},
		{family == FORWARD_IP4 ? "routes4" : "routes6", f->path[family].table, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(t->name, table[i].name) && t->bytes <= table[i].bytes)
			return table[i].id;
	}
	return 0;
}

int64_t forward_load(const struct forward *f, unsigned family, const struct forward_module *m,
		     char why[AMP_WHY])
{
	struct xok_prog_spec spec = {
		.kind = VC_KIND_HANDLER,
		.ports = (1u << f->pub->nport) - 1,
	};
	enum module_result r;
	struct module mod;

	r = module_parse(m->bytes, m->len, &mod);
	if (r != MODULE_OK || mod.kind != VC_KIND_HANDLER || mod.ntable > XOK_PROG_TABLES) {
		snprintf(why, AMP_WHY, "its module: %s",
			 r != MODULE_OK ? module_result_text(r) : "it is no handler");
		return XOK_EINVAL;
	}
	for (uint32_t i = 0; i < mod.ntable; i++) {
		spec.table[i] = table_named(f, family, &mod.table[i]);
		if (!spec.table[i]) {
			snprintf(why, AMP_WHY, "its module wants a table %s that is not here",
				 mod.table[i].name);
			return XOK_EINVAL;
		}
	}
	spec.ntable = mod.ntable;
	spec.ninsn = mod.ninsn;
	spec.entry = mod.entry[0].insn;
	spec.min_len = mod.min_len;
	spec.budget = mod.budget;
	spec.rodata_len = mod.rodata_len;
	spec.data_len = mod.data_len;
	spec.insn = (uint64_t)(uintptr_t)mod.insn;
	spec.rodata = (uint64_t)(uintptr_t)mod.rodata;
	memcpy(spec.name, mod.name, strnlen(mod.name, sizeof(spec.name) - 1));
	return amp_prog_load(&spec, why);
}
