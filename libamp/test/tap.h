/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap.h - results of a test in the guest, in TAP on console 0. A test program is "init"; its
 * children are the same program, started with a role as argv[1].
 */
#ifndef LIBAMP_TEST_TAP_H
#define LIBAMP_TEST_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "amp/amp.h"

void tap_begin(void);
void tap(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the plan and leaves the emulator: 0 when all was well. */
_Noreturn void tap_end(void);

/* Starts this program again in a child with the capability name `cap` (one byte). */
int64_t tap_child(const char *role, char cap, const struct amp_share *share, uint32_t nshare);
/* Runs the loop until the child has ended, or `ms` are over; its entry, NULL: it still runs. */
const struct xok_env_info *tap_wait(int64_t child, uint32_t ms);

#endif
