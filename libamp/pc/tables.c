/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c - tables that programs use, mapped where their place among the kernel's tables says: so a table is mapped once, and nothing needs
 * to be remembered but for which table it was.
 */
#include <string.h>

#include "libamp/pc/pc.h"
#include "xok/table/table.h"

static uint32_t mapped[XOK_NTABLE]; /* the id of the table that is mapped at a place; 0: none */

uint32_t amp_tables(void)
{
	return info()->ntable;
}

const struct xok_table_info *amp_table_info(uint32_t index)
{
	const struct xok_table_info *table = (const void *)(XOK_INFO_VA + info()->table_off);

	return index < info()->ntable && table[index].id != 0 ? &table[index] : NULL;
}

/* Its place among the tables, or -1. */
static int64_t place(uint32_t id)
{
	for (uint32_t i = 0; i < info()->ntable && i < XOK_NTABLE; i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t != NULL && t->id == id)
			return i;
	}
	return -1;
}

static uint64_t address(uint32_t index)
{
	return PC_MAP_LO + (uint64_t)index * XOK_TABLE_BYTES;
}

static void unmap(uint32_t index, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		xok_map(PC_CAP, PC_CAP, 0, address(index) + i * XOK_PAGE, 0, 0);
	mapped[index] = 0;
}

static int64_t map_pages(uint32_t index, const struct xok_table_info *t)
{
	for (uint32_t i = 0; i < t->nframe; i++) {
		uint32_t write = tbl_writable(&t->spec, i) ? XOK_PROT_W : 0;
		int64_t err = xok_map(PC_CAP, PC_CAP, 0, address(index) + i * XOK_PAGE,
				      t->first + i, XOK_PROT_R | write);

		if (err < 0) {
			unmap(index, i);
			return err;
		}
	}
	return XOK_OK;
}

void *amp_table_map(uint32_t id)
{
	int64_t at = place(id);
	const struct xok_table_info *t;

	if (at < 0)
		return NULL;
	t = amp_table_info((uint32_t)at);
	if (mapped[at] != id) {
		/* What an earlier table left here goes, or the new one's pages would not fit over it. */
		if (mapped[at] != 0)
			unmap((uint32_t)at, XOK_TABLE_BYTES / XOK_PAGE);
		if (map_pages((uint32_t)at, t) < 0)
			return NULL;
		mapped[at] = id;
	}
	return (void *)address((uint32_t)at);
}

void *amp_table_memory(uint32_t id, size_t *bytes)
{
	void *mem = amp_table_map(id);

	*bytes = 0;
	if (mem == NULL || tbl_spec(mem)->type != XOK_TABLE_ARRAY)
		return NULL;
	return tbl_memory(mem, 0, bytes);
}

int64_t amp_table_create(const struct xok_table_spec *spec)
{
	return xok_table_create(PC_CAP, spec);
}

int amp_table_destroy(uint32_t id)
{
	int64_t at = place(id);

	if (at >= 0 && mapped[at] == id)
		unmap((uint32_t)at, amp_table_info((uint32_t)at)->nframe);
	return (int)xok_table_destroy(PC_CAP, id);
}

int64_t amp_table_find(const char *name)
{
	for (uint32_t i = 0; i < amp_tables(); i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t != NULL && t->owner == amp_self() &&
		    strncmp(t->spec.name, name, sizeof(t->spec.name)) == 0)
			return t->id;
	}
	return XOK_ENOENT;
}

int amp_table_update(uint32_t id, const struct xok_table_update *u)
{
	return (int)xok_table_update(PC_CAP, id, u);
}

#define BATCH 64u /* calls of one crossing */

uint32_t amp_table_update_many(uint32_t id, const struct xok_table_update *u, uint32_t n, int *err)
{
	struct xok_call call[BATCH];
	uint32_t made = 0;

	while (made < n) {
		uint32_t part = n - made < BATCH ? n - made : BATCH;
		int64_t done;

		for (uint32_t i = 0; i < part; i++)
			call[i] = (struct xok_call){
				.nr = XOK_NR_table_update,
				.arg = {PC_CAP, id, (uint64_t)(uintptr_t)&u[made + i]}};
		done = xok_batch(call, part);
		if (done < 0) {
			*err = (int)done;
			return made;
		}
		made += (uint32_t)done;
		if (done < part) {
			*err = (int)call[done].result;
			return made;
		}
	}
	return made;
}
