/* SPDX-License-Identifier: BSD-2-Clause */
/* vcode_capsules_bpf.c - the real capsules as native functions; what they call is the harness's. */
#include "capsule/sdk.h"

#undef CAPSULE_ENTRY
#define CAPSULE_ENTRY(name)                         \
	int native_##name(struct capsule_ctx *ctx); \
	int native_##name(struct capsule_ctx *ctx)

extern int64_t (*const capsule_resize)(uint32_t len);
extern uint64_t (*const capsule_spent)(void);

#include "capsules/programs/ping.c"
#include "capsules/programs/trace.c"
