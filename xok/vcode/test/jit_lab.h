/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_lab.h - runs a program by the interpreter and by generated code, each on memory of its own with nothing mapped on either side
 * of any region, and compares all that they leave behind.
 */
#ifndef XOK_VCODE_TEST_JIT_LAB_H
#define XOK_VCODE_TEST_JIT_LAB_H

#include "xok/vcode/test/harness.h"

#define LAB_WINDOW_MAX 4096u

/* Programs here have all the tables there can be: beside the harness's, the last is memory. */
#define LAB_NTABLE VC_TABLES_MAX
#define LAB_TABLE7 5u

struct lab_case {
	const struct vc_kind *kind;
	const struct vc_insn *insn;
	uint32_t ninsn;
	uint32_t entry[VC_ENTRIES_MAX], nentry; /* nentry 0: one, at 0 */
	uint32_t min_window;
	uint32_t window_len;
	int64_t budget;
	uint32_t cpu;
	bool low; /* regions begin where a page begins; otherwise they end where one ends */
	uint64_t
		fill; /* what the window, the context's numbers and old stack contents are made from */
	uint64_t name; /* printed when something is wrong */
};

struct lab_result {
	bool accepted;
	int reason;
	uint64_t r0, insns;
	uint32_t size; /* of the generated code */
	int64_t budget;
	char why[256]; /* when it was refused */
};

void lab_open(void);
/* Aborts with the program and what differs when the two do not agree. */
struct lab_result lab_try(const struct lab_case *c);
/* What vc_cpu says of this machine. */
uint32_t lab_cpu(void);

#endif
