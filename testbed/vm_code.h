/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_code.h - generated code in this process: written where it may be written, run where it may not, and never both at once. */
#ifndef TESTBED_VM_CODE_H
#define TESTBED_VM_CODE_H

#include <stdbool.h>

#include "xok/vcode/vcode.h"

struct vm_code {
	uint8_t *base;
	size_t len; /* of the mapping */
	uint32_t cpu;
	struct vc_code code;
};

/* Whether there is a code generator for this processor. */
bool vm_code_offered(void);

/* Compiles what vc_verify has just accepted with this scratch memory; false with a message. */
bool vm_code_make(const char *verb, const struct vc_prog *p, void *scratch, struct vm_code *c);
void vm_code_free(struct vm_code *c);

#endif
