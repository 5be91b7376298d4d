/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_make.h - what the fuzzer of the core makes out of its bytes: numbers, ids, capabilities,
 * filters, tables and programs, mostly such as may work.
 */
#ifndef XOK_CORE_FUZZ_MAKE_H
#define XOK_CORE_FUZZ_MAKE_H

#include "fake.h"

/*
 * The fuzzer's bytes, and after them numbers that follow from those: every run has all its steps.
 */
struct input {
	const uint8_t *p;
	size_t left;
	uint64_t state;
};

uint8_t byte(struct input *in);
uint64_t wide(struct input *in);
void fill(struct input *in, void *buf, size_t len);
uint64_t some_va(struct input *in);
uint32_t some_frame(struct fake *f, const struct xok_env *e, struct input *in);
uint32_t some_filter_id(struct fake *f, const struct xok_env *e, struct input *in);
uint32_t some_own(struct fake *f, const struct xok_env *e, uint32_t first, bool table);
uint32_t some_object(struct fake *f, const struct xok_env *e, struct input *in);
uint32_t some_u32(struct fake *f, const struct xok_env *e, struct input *in);
uint64_t some_env(struct fake *f, struct input *in);
uint32_t some_slot(struct input *in);
struct xok_cap some_cap(struct input *in);
struct xok_filter some_filter(struct input *in);
struct xok_table_spec some_table(struct input *in);
struct xok_table_update some_update(struct input *in);
void pool_init(void);
struct xok_prog_spec some_prog(struct fake *f, struct xok_env *e, struct input *in, uint32_t i,
			       uint64_t va);

/* The pool of programs, and the type of the table that one of them expects, or 0. */
#define POOL 17u
uint32_t pool_table(uint32_t i);

#endif
