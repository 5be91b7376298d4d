/* SPDX-License-Identifier: BSD-2-Clause */
/* capsule_run.h - one node for unit tests: verifies a program and runs it once in the interpreter. */
#ifndef CAPSULE_TEST_CAPSULE_RUN_H
#define CAPSULE_TEST_CAPSULE_RUN_H

#include "capsule/module.h"
#include "capsule/sdk.h"

struct capsule_run {
	struct capsule_ctx ctx; /* in: payload is set by capsule_run */
	uint8_t *window;	/* in and out: ctx.payload_max octets, from malloc */
	uint32_t payload_len;	/* out: what capsule_resize made of ctx.payload_len */
	int64_t budget;		/* in and out */
	int64_t start;		/* what it was when the run started */
	uint64_t action;	/* out */
	char log[129];		/* out: the last text */
};

/* Fails the test when the verifier refuses m; returns 0 or the reason of the stop. */
int capsule_run(const struct module *m, uint32_t entry, struct capsule_run *r);

#endif
