/* SPDX-License-Identifier: BSD-2-Clause */
/* vcode_dpdk.c - rte_bpf, the peer of bench-vcode: its loader, its checks and its x86-64 code generator; no EAL is needed. */
#include <rte_bpf.h>
#include <rte_log.h>
#include <rte_version.h>

#include "testbed/bench/vcode_programs.h"

const char *dpdk_version(void)
{
	return rte_version();
}

bench_fn dpdk_load(const char *object, const char *section, size_t arg_len, void *counters)
{
	const struct rte_bpf_xsym symbol = {
		.name = "bench_counters",
		.type = RTE_BPF_XTYPE_VAR,
		.var = {.val = counters,
			.desc = {.type = RTE_BPF_ARG_PTR,
				 .size = BENCH_COUNTERS * sizeof(struct bench_counter)}},
	};
	const struct rte_bpf_prm prm = {
		.xsym = &symbol,
		.nb_xsym = 1,
		.prog_arg = {.type = RTE_BPF_ARG_PTR, .size = arg_len},
	};
	struct rte_bpf_jit jit = {0};
	struct rte_bpf *bpf;

	rte_log_set_global_level(RTE_LOG_EMERG);
	bpf = rte_bpf_elf_load(&prm, object, section);
	if (!bpf || rte_bpf_get_jit(bpf, &jit))
		return NULL;
	return jit.func;
}
