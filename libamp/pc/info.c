/* SPDX-License-Identifier: BSD-2-Clause */
/* info.c - what the open bookkeeping tells: time, who we are, environments, ports. */
#include "libamp/pc/pc.h"

static int64_t wall_offset;
static uint32_t self;

void info_init(void)
{
	self = info()->current; /* whoever reads this is running */
}

uint64_t amp_now(void)
{
	uint64_t tsc = __builtin_ia32_rdtsc() - info()->tsc0;

	return (uint64_t)(((unsigned __int128)tsc * info()->tsc_mult) >> 32);
}

uint64_t amp_wall(void)
{
	return info()->wall0 + amp_now() + (uint64_t)wall_offset;
}

void amp_wall_set(uint64_t utc_ns)
{
	wall_offset = (int64_t)(utc_ns - info()->wall0 - amp_now());
}

const struct xok_env_info *amp_env_info(uint32_t id)
{
	const struct xok_env_info *table = (const void *)(XOK_INFO_VA + info()->env_off);
	uint32_t index = XOK_ENV_INDEX(id);

	if (index >= info()->nenv || table[index].id != id || table[index].state == XOK_ENV_FREE)
		return NULL;
	return &table[index];
}

const struct xok_env_info *info_self(void)
{
	return amp_env_info(self);
}

uint32_t amp_self(void)
{
	return self;
}

uint32_t amp_parent(void)
{
	return info_self()->parent;
}

uint32_t amp_ports(void)
{
	return info()->nport;
}

const struct xok_port_info *amp_port(uint32_t port)
{
	const struct xok_port_info *table = (const void *)(XOK_INFO_VA + info()->port_off);

	return port < info()->nport ? &table[port] : NULL;
}

const struct xok_lcore_info *amp_lcore_info(uint32_t index)
{
	const struct xok_lcore_info *lcore = (const void *)((const uint8_t *)info() +
							    info()->lcore_off);

	return index < info()->nlcore ? &lcore[index] : NULL;
}
