/* SPDX-License-Identifier: BSD-2-Clause */
/* info.c - what the open bookkeeping tells: time, environments, ports, tables, programs. */
#include "libamp/linux/linux.h"

static int64_t wall_offset;

/* A read of the time-stamp counter may be moved ahead of a load before it; a packet's time must not be later than now. */
uint64_t amp_now(void)
{
	uint64_t tsc;

	__builtin_ia32_lfence();
	tsc = __builtin_ia32_rdtsc() - linux_info->tsc0;
	return (uint64_t)(((unsigned __int128)tsc * linux_info->tsc_mult) >> 32);
}

uint64_t amp_wall(void)
{
	return *(const volatile uint64_t *)&linux_info->wall0 + amp_now() + (uint64_t)wall_offset;
}

void amp_wall_set(uint64_t utc_ns)
{
	wall_offset = 0;
	wall_offset = (int64_t)(utc_ns - amp_wall());
}

const struct xok_env_info *amp_env_info(uint32_t id)
{
	const struct xok_env_info *table = books(linux_info->env_off);
	uint32_t index = XOK_ENV_INDEX(id);

	if (index >= linux_info->nenv || table[index].id != id ||
	    table[index].state == XOK_ENV_FREE)
		return NULL;
	return &table[index];
}

uint32_t amp_parent(void)
{
	return info_self()->parent;
}

uint32_t amp_ports(void)
{
	return linux_info->nport;
}

const struct xok_port_info *amp_port(uint32_t port)
{
	const struct xok_port_info *table = books(linux_info->port_off);

	return port < linux_info->nport ? &table[port] : NULL;
}

uint32_t amp_progs(void)
{
	return linux_info->nprog;
}

const struct xok_prog_info *amp_prog_info(uint32_t index)
{
	const struct xok_prog_info *table = books(linux_info->prog_off);

	return index < linux_info->nprog && table[index].id != 0 ? &table[index] : NULL;
}

uint32_t amp_tables(void)
{
	return linux_info->ntable;
}

const struct xok_table_info *amp_table_info(uint32_t index)
{
	const struct xok_table_info *table = books(linux_info->table_off);

	return index < linux_info->ntable && table[index].id != 0 ? &table[index] : NULL;
}

const struct xok_lcore_info *amp_lcore_info(uint32_t index)
{
	const struct xok_lcore_info *table = books(linux_info->lcore_off);

	return index < linux_info->nlcore ? &table[index] : NULL;
}
