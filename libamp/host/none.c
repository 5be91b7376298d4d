/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * none.c - what a Linux process does not offer: boot files and environments. Shared memory is plain
 * memory.
 */
#include <stdlib.h>
#include <string.h>

#include "amp/amp.h"

const void *amp_boot_file(const char *name, size_t *len)
{
	(void)name;
	*len = 0;
	return NULL;
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
