/* SPDX-License-Identifier: BSD-2-Clause */
/* cost.h - what a verified program takes: work units, instructions and stack, found without running it. */
#ifndef CAPSULE_TOOL_COST_H
#define CAPSULE_TOOL_COST_H

#include "xok/vcode/vcode.h"

struct cost {
	uint64_t units; /* charged on the dearest way that never jumps back: calls and helpers */
	uint64_t insns; /* executed on the longest such way */
	uint32_t loops; /* jumps back */
	uint32_t stack; /* octets that the function with the most uses */
	uint32_t depth; /* functions that are active together, at most */
};

/* Of a program that vc_verify accepted, the worst of its entry points. False when memory runs out. */
bool cost_measure(const struct vc_prog *p, struct cost *c);

#endif
