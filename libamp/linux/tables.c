/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c - tables that programs use. A table's pages are shared in pieces, each of pages that may be written or of such that may not; they are mapped
 * one behind the other, at the first use, until the table is destroyed.
 */
#include <string.h>
#include <sys/mman.h>

#include "libamp/linux/linux.h"
#include "xok/table/table.h"

/* By the table's place among the kernel's tables. */
static struct mapped {
	uint32_t id; /* 0: none */
	uint8_t *at;
	size_t len;
} mapped[XOK_NTABLE];

static int64_t place(uint32_t id)
{
	for (uint32_t i = 0; i < amp_tables() && i < XOK_NTABLE; i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t != NULL && t->id == id)
			return i;
	}
	return -1;
}

static void unmap(struct mapped *m)
{
	if (m->id != 0)
		munmap(m->at, m->len);
	m->id = 0;
}

/* Maps the piece that starts at page `i`; its length in pages, or an error. */
static int64_t map_piece(const struct xok_table_info *t, uint32_t i, uint8_t *at)
{
	bool write = tbl_writable(&t->spec, i);
	const uint64_t arg[3] = {CAP, t->first + i, XOK_PROT_R | (write ? XOK_PROT_W : 0)};
	int fd;
	int64_t n = machine_call(XL_MAP, arg, NULL, &fd);

	if (n <= 0)
		return n < 0 ? n : XOK_ENOENT;
	if (n > t->nframe - i || !map_fd(fd, at, (size_t)n * XOK_PAGE, write))
		return XOK_ENOMEM;
	return n;
}

static bool map_table(struct mapped *m, const struct xok_table_info *t)
{
	size_t len = (size_t)t->nframe * XOK_PAGE;
	uint8_t *at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			   0);

	if (at == MAP_FAILED)
		return false;
	for (uint32_t i = 0; i < t->nframe;) {
		int64_t n = map_piece(t, i, at + (size_t)i * XOK_PAGE);

		if (n < 0) {
			munmap(at, len);
			return false;
		}
		i += (uint32_t)n;
	}
	*m = (struct mapped){.id = t->id, .at = at, .len = len};
	return true;
}

void *amp_table_map(uint32_t id)
{
	int64_t at = place(id);

	if (at < 0)
		return NULL;
	if (mapped[at].id != id) {
		unmap(&mapped[at]);
		if (!map_table(&mapped[at], amp_table_info((uint32_t)at)))
			return NULL;
	}
	return mapped[at].at;
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
	return xok_table_create(CAP, spec);
}

int amp_table_destroy(uint32_t id)
{
	int64_t at = place(id);

	if (at >= 0 && mapped[at].id == id)
		unmap(&mapped[at]);
	return (int)xok_table_destroy(CAP, id);
}

int64_t amp_table_find(const char *name)
{
	for (uint32_t i = 0; i < amp_tables(); i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t == NULL || t->owner != amp_self() ||
		    strncmp(t->spec.name, name, sizeof(t->spec.name)) != 0)
			continue;
		for (uint32_t j = 0; j < linux_former.ntable; j++)
			if (linux_former.table[j] == t->id)
				linux_former.table[j] = 0; /* it stays */
		return t->id;
	}
	return XOK_ENOENT;
}

int amp_table_update(uint32_t id, const struct xok_table_update *u)
{
	return (int)xok_table_update(CAP, id, u);
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
				.arg = {CAP, id, (uint64_t)(uintptr_t)&u[made + i]}};
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
