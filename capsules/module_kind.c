/* SPDX-License-Identifier: BSD-2-Clause */
/* module_kind.c - the program kind "capsule", made from sdk.h's context and helpers.def. */
#include "capsule/module.h"
#include "capsule/sdk.h"

#include <string.h>

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

#define KINDS(...) __VA_ARGS__

/* A program that is only verified never gets here; one that is run without functions stops. */
static uint64_t no_function(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)a;
	*stop = 1;
	return 0;
}

void module_kind_init(struct module_kind *k, const struct module_helper_fns *fns)
{
	static const struct vc_helper helpers[MODULE_NHELPERS] = {
#define HELPER(n, nm, ret, params, cst, kinds, text) \
	[MODULE_HELPER_AT_##nm] = {.number = (n), .name = #nm, .arg = {KINDS kinds}, .cost = (cst)},
#include "capsule/helpers.def"
#undef HELPER
	};

	memcpy(k->helper, helpers, sizeof(helpers));
	for (unsigned i = 0; i < MODULE_NHELPERS; i++)
		k->helper[i].fn = no_function;
#define HELPER(n, nm, ret, params, cst, kinds, text) \
	if (fns && fns->nm)                          \
		k->helper[MODULE_HELPER_AT_##nm].fn = fns->nm;
#include "capsule/helpers.def"
#undef HELPER
	k->kind = (struct vc_kind){
		.name = "capsule",
		.ctx_size = sizeof(struct capsule_ctx),
		.ctx_window_off = offsetof(struct capsule_ctx, payload),
		.min_window = CAPSULE_MIN_WINDOW,
		.max_window = CAPSULE_PAYLOAD_MAX,
		.helpers = k->helper,
		.nhelpers = MODULE_NHELPERS,
	};
}

const char *module_helper_name(uint32_t number)
{
	switch (number) {
#define HELPER(n, nm, ret, params, cst, kinds, text) \
	case n:                                      \
		return #nm;
#include "capsule/helpers.def"
#undef HELPER
	default: return NULL;
	}
}
