/* SPDX-License-Identifier: BSD-2-Clause */
/* helpers.h - helpers of xok/helpers.def that are the same wherever a program runs, as vc_run.fn wants them. */
#ifndef CAPSULE_HELPERS_H
#define CAPSULE_HELPERS_H

#include "xok/vcode/vcode.h"

#define CAPSULE_STOP_BUDGET \
	1 /* vc_run.stop: the budget does not cover what the helper charges for the length */

uint64_t capsule_checksum(struct vc_run *run, uint64_t data, uint64_t len, uint64_t c, uint64_t d,
			  uint64_t e);

#endif
