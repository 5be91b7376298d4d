/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - tables and programs for tests of the core: programs are written as text (see
 * xok/vcode/test/asm.h).
 */
#ifndef XOK_CORE_LOAD_H
#define XOK_CORE_LOAD_H

#include "fake.h"

/* Where these leave what a call's arguments point to; behind the first page of MEM. */
#define LOAD_AT (MEM + XOK_PAGE)

int64_t table_new(struct fake *f, struct xok_env *e, uint32_t k, struct xok_table_spec spec);
int64_t table_put(struct fake *f, struct xok_env *e, uint32_t k, int64_t table,
		  struct xok_table_update u);
const struct xok_table_info *table_info(struct fake *f, int64_t id);

/* Puts the program of that text in front of prog_load; spec says the rest. */
int64_t prog_new(struct fake *f, struct xok_env *e, uint32_t k, const char *text,
		 struct xok_prog_spec spec);
int64_t prog_of_insns(struct fake *f, struct xok_env *e, uint32_t k, const struct vc_insn *insn,
		      uint32_t n, struct xok_prog_spec spec);
const struct xok_prog_info *prog_info(struct fake *f, int64_t id);

#endif
