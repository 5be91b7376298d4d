/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * none.c - what a Linux process does not offer: boot files, environments, downloaded programs and
 * their tables. Shared memory is plain memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amp/amp.h"

const void *amp_boot_file(const char *name, size_t *len)
{
	(void)name;
	*len = 0;
	return NULL;
}

int amp_boot_forget(const char *name)
{
	(void)name;
	return XOK_ENOSYS;
}

int amp_netlink(uint32_t groups)
{
	(void)groups;
	return XOK_ENOSYS;
}

void *amp_share_alloc(size_t len)
{
	size_t bytes = (len + XOK_PAGE - 1) & ~(size_t)(XOK_PAGE - 1);
	void *p = bytes >= len ? aligned_alloc(XOK_PAGE, bytes > 0 ? bytes : XOK_PAGE) : NULL;

	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

int64_t amp_spawn(const struct amp_spawn *s)
{
	(void)s;
	return XOK_ENOSYS;
}

int amp_env_destroy(uint32_t id)
{
	(void)id;
	return XOK_ENOSYS;
}

int amp_env_notify(uint32_t id, uint32_t bits)
{
	(void)id;
	(void)bits;
	return XOK_ENOSYS;
}

int amp_grant(uint32_t resource, uint32_t id, uint32_t index, const struct xok_cap *entry)
{
	(void)resource;
	(void)id;
	(void)index;
	(void)entry;
	return XOK_ENOSYS;
}

const struct xok_env_info *amp_env_info(uint32_t id)
{
	(void)id;
	return NULL;
}

uint32_t amp_self(void)
{
	return 0;
}

uint32_t amp_parent(void)
{
	return 0;
}

/* ---- tables and programs ---- */

int64_t amp_table_create(const struct xok_table_spec *spec)
{
	(void)spec;
	return XOK_ENOSYS;
}

int amp_table_destroy(uint32_t id)
{
	(void)id;
	return XOK_ENOSYS;
}

int64_t amp_table_find(const char *name)
{
	(void)name;
	return XOK_ENOENT;
}

uint32_t amp_starts(void)
{
	return 1;
}

int amp_table_update(uint32_t id, const struct xok_table_update *u)
{
	(void)id;
	(void)u;
	return XOK_ENOSYS;
}

uint32_t amp_table_update_many(uint32_t id, const struct xok_table_update *u, uint32_t n, int *err)
{
	(void)id;
	(void)u;
	(void)n;
	*err = XOK_ENOSYS;
	return 0;
}

void *amp_table_map(uint32_t id)
{
	(void)id;
	return NULL;
}

void *amp_table_memory(uint32_t id, size_t *bytes)
{
	(void)id;
	*bytes = 0;
	return NULL;
}

int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY])
{
	(void)spec;
	snprintf(why, AMP_WHY, "no kernel here runs programs");
	return XOK_ENOSYS;
}

int amp_prog_unload(uint32_t id)
{
	(void)id;
	return XOK_ENOSYS;
}

int amp_handler_bind(uint32_t filter, uint32_t prog)
{
	(void)filter;
	(void)prog;
	return XOK_ENOSYS;
}

int amp_handler_rate(uint32_t env, uint64_t rate)
{
	(void)env;
	(void)rate;
	return XOK_ENOSYS;
}

uint32_t amp_progs(void)
{
	return 0;
}

const struct xok_prog_info *amp_prog_info(uint32_t index)
{
	(void)index;
	return NULL;
}

const struct xok_lcore_info *amp_lcore_info(uint32_t index)
{
	(void)index;
	return NULL;
}

uint32_t amp_tables(void)
{
	return 0;
}

const struct xok_table_info *amp_table_info(uint32_t index)
{
	(void)index;
	return NULL;
}
