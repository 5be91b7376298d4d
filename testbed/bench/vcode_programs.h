/* SPDX-License-Identifier: BSD-2-Clause */
/* vcode_programs.h - the programs of bench-vcode, for the programs themselves and for the harness. */
#ifndef TESTBED_BENCH_VCODE_PROGRAMS_H
#define TESTBED_BENCH_VCODE_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_LEN 1500u
#define BENCH_COUNTERS 256u

struct bench_counter {
	uint64_t packets, bytes;
};

#ifdef __BPF__
#define PROGRAM(name) __attribute__((section("bench/" #name), used)) uint64_t name(uint8_t *p)
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#else
#define PROGRAM(name)                       \
	uint64_t native_##name(uint8_t *p); \
	uint64_t native_##name(uint8_t *p)
#define ROLLED

/* DPDK's rte_bpf: a program from an object and section, compiled, or NULL when it is refused. */
typedef uint64_t (*bench_fn)(void *p);
bench_fn dpdk_load(const char *object, const char *section, size_t arg_len, void *counters);
const char *dpdk_version(void);
#endif

#endif
