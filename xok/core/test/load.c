/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - tables and programs for tests of the core. */
#include "load.h"

#include <stdlib.h>

#include "xok/vcode/test/asm.h"

int64_t table_new(struct fake *f, struct xok_env *e, uint32_t k, struct xok_table_spec spec)
{
	poke(f, e, LOAD_AT, &spec, sizeof(spec));
	return CALL(f, e, table_create, k, LOAD_AT);
}

int64_t table_put(struct fake *f, struct xok_env *e, uint32_t k, int64_t table,
		  struct xok_table_update u)
{
	poke(f, e, LOAD_AT, &u, sizeof(u));
	return CALL(f, e, table_update, k, (uint64_t)table, LOAD_AT);
}

const struct xok_table_info *table_info(struct fake *f, int64_t id)
{
	const struct xok_table_info *i = (const void *)((const char *)f->info + f->info->table_off);

	return &i[id % f->info->ntable];
}

int64_t prog_of_insns(struct fake *f, struct xok_env *e, uint32_t k, const struct vc_insn *insn,
		      uint32_t n, struct xok_prog_spec spec)
{
	uint64_t at = LOAD_AT + sizeof(spec);

	spec.kind = spec.kind ? spec.kind : VC_KIND_HANDLER;
	spec.ninsn = n;
	spec.insn = at;
	poke(f, e, LOAD_AT, &spec, sizeof(spec));
	poke(f, e, at, insn, n * sizeof(*insn));
	return CALL(f, e, prog_load, k, LOAD_AT);
}

int64_t prog_new(struct fake *f, struct xok_env *e, uint32_t k, const char *text,
		 struct xok_prog_spec spec)
{
	struct vc_insn insn[512];
	uint32_t n = assemble(&vc_kinds[VC_KIND_HANDLER], text, insn, 512);

	return prog_of_insns(f, e, k, insn, n, spec);
}

const struct xok_prog_info *prog_info(struct fake *f, int64_t id)
{
	const struct xok_prog_info *i = (const void *)((const char *)f->info + f->info->prog_off);

	return &i[id % f->info->nprog];
}
