/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * program.h - for programs that are compiled twice, for BPF and for the host, and must compute the same. The context is that of
 * harness.h's test kind.
 */
#ifndef XOK_VCODE_TEST_PROGRAM_H
#define XOK_VCODE_TEST_PROGRAM_H

#include <stdint.h>

struct program_ctx {
	uint8_t *window;
	uint32_t len;
	uint16_t half;
	uint8_t byte, negative;
	uint64_t a, b;
};

#ifdef __BPF__
#define PROGRAM(name) \
	__attribute__((section("program"), used)) uint64_t name(struct program_ctx *ctx)
#else
#define PROGRAM(name) static uint64_t name(struct program_ctx *ctx)
#endif

#define NOINLINE static __attribute__((noinline))

#endif
