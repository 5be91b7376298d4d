/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_vm.h - the parts of `amp vm`. Each gets its options in argv[1] and above, and returns the exit status. */
#ifndef TESTBED_CMD_VM_H
#define TESTBED_CMD_VM_H

#include <stddef.h>
#include <stdint.h>

#include "xok/vcode/vcode.h"

int vm_run(int argc, char **argv);
int vm_check(int argc, char **argv);
int vm_dump(int argc, char **argv);
int vm_helpers(int argc, char **argv);

/* The number of a kind by its name; 0: there is none, and a message says which there are. */
uint32_t vm_kind(const char *verb, const char *name);

#endif
