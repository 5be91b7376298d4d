/* SPDX-License-Identifier: BSD-2-Clause */
/* module_kind.c - the kinds of programs that are modules; that sdk.h and kinds.def agree about the kind "capsule". */
#include "capsule/module.h"
#include "capsule/sdk.h"

#include <stddef.h>

/* Programs are compiled against these offsets: they are the kind's ABI. */
_Static_assert(offsetof(struct capsule_ctx, payload) == 0, "the window pointer comes first");
_Static_assert(offsetof(struct capsule_ctx, payload_len) == 8, "context layout");
_Static_assert(offsetof(struct capsule_ctx, payload_max) == 12, "context layout");
_Static_assert(offsetof(struct capsule_ctx, arg_len) == 16, "context layout");
_Static_assert(offsetof(struct capsule_ctx, flags) == 20, "context layout");
_Static_assert(offsetof(struct capsule_ctx, node) == 24, "context layout");
_Static_assert(offsetof(struct capsule_ctx, origin) == 28, "context layout");
_Static_assert(offsetof(struct capsule_ctx, destination) == 32, "context layout");
_Static_assert(offsetof(struct capsule_ctx, in_port) == 36, "context layout");
_Static_assert(offsetof(struct capsule_ctx, out_port) == 38, "context layout");
_Static_assert(offsetof(struct capsule_ctx, queue_len) == 40, "context layout");
_Static_assert(offsetof(struct capsule_ctx, hops) == 44, "context layout");
_Static_assert(offsetof(struct capsule_ctx, budget) == 48, "context layout");
_Static_assert(offsetof(struct capsule_ctx, reserved) == 52, "context layout");
_Static_assert(offsetof(struct capsule_ctx, sequence) == 56, "context layout");
_Static_assert(offsetof(struct capsule_ctx, arrival) == 64, "context layout");
_Static_assert(sizeof(struct capsule_ctx) == 72, "context layout");

/* What kinds.def says of capsules is what they are compiled against. */
#define VC_KIND(nr, name, ctx_size, window_off, min_window, max_window, budget, text)    \
	_Static_assert((nr) != VC_KIND_CAPSULE ||                                        \
			       ((ctx_size) == sizeof(struct capsule_ctx) &&              \
				(window_off) == offsetof(struct capsule_ctx, payload) && \
				(min_window) == CAPSULE_MIN_WINDOW &&                    \
				(max_window) == CAPSULE_PAYLOAD_MAX),                    \
		       "kinds.def");
#include "xok/vcode/kinds.def"
#undef VC_KIND

const char *module_helper_name(uint32_t number)
{
	return number < VC_NHELPER ? vc_helpers[number].name : NULL;
}

const char *module_kind_name(uint32_t kind)
{
	return kind < VC_NKIND && kind != VC_KIND_RAW ? vc_kinds[kind].name : NULL;
}
