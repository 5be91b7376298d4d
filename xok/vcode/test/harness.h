/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - a program kind for tests, programs assembled from text, and runs over memory of exactly the right size, so that
 * AddressSanitizer sees the first byte outside.
 */
#ifndef XOK_VCODE_TEST_HARNESS_H
#define XOK_VCODE_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xok/vcode/vcode.h"

struct test_ctx {
	uint64_t window;
	uint32_t len;
	uint16_t half;
	uint8_t byte, negative;
	uint64_t a, b;
};

#define T_MIN_WINDOW 16u
#define T_MAX_WINDOW 1200u
#define T_RODATA 32u
#define T_DATA 64u
#define T_TABLE0 48u /* memory */
#define T_TABLE2 8u  /* memory; table 1 is not */
#define T_NTABLE 3u
#define T_ENOUGH 100000

/*
 * Tests have kinds and helpers of their own: the harness defines vc_kinds and vc_helpers in place of kinds.c.
 *
 * Kinds: "test"; "raw"; "any", which is "test" without limits to the window, but has only the helper none.
 * Helpers: answer(n) = 2n + 1; sum(memory, size); fill(memory, size, byte); context(ctx) = 1 when it is ours; stop(reason);
 * five(a, b, c, d, e) = a + 2b + 3c + 4d + 5e; none() = 7; charge(n) spends n more; both(from, size, to, size) copies and returns
 * the smaller size; table(table) = 100 + its index; put(table, from, size, to, size) copies, adding the index to every byte; left() = the
 * budget that is left; raw(n) = n, for raw programs only.
 */
#define test_kind (vc_kinds[VC_KIND_HANDLER])
#define raw_kind (vc_kinds[VC_KIND_RAW])
#define any_kind (vc_kinds[VC_KIND_PREDICATE])
enum { COST_ANSWER = 10, COST_SUM = 50, COST_FILL = 60, COST_SMALL = 1 };
enum {
	H_ANSWER = 1,
	H_SUM,
	H_FILL,
	H_CONTEXT,
	H_STOP,
	H_FIVE,
	H_NONE,
	H_CHARGE,
	H_BOTH,
	H_TABLE,
	H_PUT,
	H_LEFT,
	H_RAW
};
extern const vc_helper_fn test_fn[VC_NHELPER];

/* A program and everything it runs on. */
struct bench {
	struct vc_prog prog;
	struct vc_insn *insn; /* exact size, on the heap */
	uint8_t *rodata;
	struct test_ctx *ctx;
	struct vc_run run;
	struct vc_report report;
};

/* Kind "test", entry at instruction 0; a window of 64 bytes 0, 1, 2 ...; rodata 100, 101, 102 ...; the three tables. */
void bench_insns(struct bench *b, const struct vc_insn *insn, uint32_t n);
void bench_open(struct bench *b, const char *text);
void bench_open_kind(struct bench *b, const struct vc_kind *k, const char *text);
void bench_window(struct bench *b, uint32_t len);
void bench_close(struct bench *b);

int bench_verify(struct bench *b);
/* Clears data and tables. */
void bench_clear(struct bench *b);
/* Runs entry 0 after bench_clear; checks what must hold of every run. */
int bench_run(struct bench *b, int64_t budget);

/* Assembles, verifies (must pass), runs (must reach EXIT) and returns r0. */
uint64_t run_text(const char *text);
/* Assembles, verifies (must pass), runs and returns the reason it stopped for. */
int stop_text(const char *text);

#endif
