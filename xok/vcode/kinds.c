/* SPDX-License-Identifier: BSD-2-Clause */
/* kinds.c - the two tables that kinds.def and helpers.def are the source of. */
#include "xok/vcode/internal.h"

#define VC_FOR_CAPSULE (1u << VC_KIND_CAPSULE)
#define VC_FOR_HANDLER (1u << VC_KIND_HANDLER)
#define VC_FOR_PREDICATE (1u << VC_KIND_PREDICATE)
#define VC_FOR_UDF (1u << VC_KIND_UDF)
#define VC_FOR_RAW (1u << VC_KIND_RAW)
#define VC_FOR_ALL (VC_FOR_CAPSULE | VC_FOR_HANDLER | VC_FOR_PREDICATE | VC_FOR_UDF | VC_FOR_RAW)

/* The enumerators in lower case, which the preprocessor cannot make; a test compares the two. */
#define NAME_CAPSULE "capsule"
#define NAME_HANDLER "handler"
#define NAME_PREDICATE "predicate"
#define NAME_UDF "udf"
#define NAME_RAW "raw"

const struct vc_kind vc_kinds[VC_NKIND] = {
#define VC_KIND(nr, kind, ctx, window, min, max, units, words) \
	[nr] = {.name = NAME_##kind,                           \
		.ctx_size = (ctx),                             \
		.ctx_window_off = (window),                    \
		.min_window = (min),                           \
		.max_window = (max),                           \
		.budget = (units),                             \
		.text = (words)},
#include "xok/vcode/kinds.def"
#undef VC_KIND
};

#define ARGS(...)           \
	{                   \
		__VA_ARGS__ \
	}

const struct vc_helper vc_helpers[VC_NHELPER] = {
#define HELPER(nr, helper, ret, params, units, how_, args, mask, words) \
	[nr] = {.name = #helper,                                        \
		.arg = ARGS args,                                       \
		.kinds = (mask),                                        \
		.cost = (units),                                        \
		.how = (how_),                                          \
		.prototype = #ret " " #helper #params,                  \
		.text = (words)},
#include "xok/helpers.def"
#undef HELPER
};
