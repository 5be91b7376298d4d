/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables_kernel.c - `show handlers` and `show tables`: downloaded programs and their tables, from the kernel's open bookkeeping.
 */
#include <string.h>

#include "nodeos/root/root.h"

/* A name that anybody may have given, without what would move a cursor. */
static const char *printable(char *out, size_t cap, const char *name, size_t len)
{
	size_t n = 0;

	while (n < len && n < cap - 1 && name[n]) {
		out[n] = name[n] > 0x20 && name[n] < 0x7f ? name[n] : '?';
		n++;
	}
	out[n] = 0;
	return out;
}

static const char *kind_name(uint32_t kind)
{
	static const char *const name[] = {"?", "capsule", "handler", "predicate", "udf", "raw"};

	return kind < sizeof(name) / sizeof(name[0]) ? name[kind] : "?";
}

void tables_handlers(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;
	char name[17];

	for (uint32_t i = 0; i < amp_progs(); i++) {
		const struct xok_prog_info *p = amp_prog_info(i);

		if (!p)
			continue;
		row_begin(c, r);
		row_u64(c, "id", p->id);
		row_text(c, "name", printable(name, sizeof(name), p->name, sizeof(p->name)));
		row_u64(c, "env", p->owner);
		row_text(c, "kind", kind_name(p->kind));
		row_u64(c, "insns", p->ninsn);
		row_u64(c, "code_bytes", p->code_bytes);
		row_u64(c, "frames", p->frames);
		row_u64(c, "refs", p->refs);
		row_u64(c, "runs", p->runs);
		row_u64(c, "units", p->units);
		row_u64(c, "rate", p->rate);
#define OUTCOME(outcome, text) row_u64(c, #outcome, p->outcome);
		XOK_PROG_OUTCOMES(OUTCOME)
#undef OUTCOME
		row_u64(c, "last_stop", p->last_stop);
		row_u64(c, "last_pc", p->last_pc);
		row_end(c);
	}
}

static const char *type_name(uint32_t type)
{
	static const char *const name[XOK_NTABLETYPE] = {"?",	 "array", "percpu", "hash",
							 "lpm4", "lpm6",  "bucket", "ring"};

	return type < XOK_NTABLETYPE ? name[type] : "?";
}

void tables_tables(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;
	char name[13];

	for (uint32_t i = 0; i < amp_tables(); i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (!t)
			continue;
		row_begin(c, r);
		row_u64(c, "id", t->id);
		row_text(c, "name",
			 printable(name, sizeof(name), t->spec.name, sizeof(t->spec.name)));
		row_u64(c, "env", t->owner);
		row_text(c, "type", type_name(t->spec.type));
		row_u64(c, "entries", t->spec.entries);
		row_u64(c, "used", t->used);
		row_u64(c, "key_size", t->spec.key_size);
		row_u64(c, "value_size", t->spec.value_size);
		row_u64(c, "frames", t->nframe);
		row_u64(c, "refs", t->refs);
		row_end(c);
	}
}

void tables_lcores(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;

	const struct xok_lcore_info *l;

	for (uint32_t i = 0; (l = amp_lcore_info(i)); i++) {
		row_begin(c, r);
		row_u64(c, "processor", l->processor);
		row_u64(c, "polls", l->polls);
		row_u64(c, "bursts", l->bursts);
		row_u64(c, "packets", l->packets);
		row_u64(c, "injected", l->injected);
		row_u64(c, "unsent", l->unsent);
		row_u64(c, "sleeps", l->sleeps);
		row_u64(c, "busy_cycles", l->busy_cycles);
		row_u64(c, "sleep_cycles", l->sleep_cycles);
		row_u64(c, "rx_cycles", l->rx_cycles);
		row_u64(c, "core_cycles", l->core_cycles);
		row_u64(c, "tx_cycles", l->tx_cycles);
		row_end(c);
	}
}
