/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kinds.c - the tables of kinds and helpers as they stand. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "xok/handler.h"
#include "xok/vcode/internal.h"

/* The name is the enumerator in lower case. */
static void test_kind_names(void **state)
{
	static const char *const names[VC_NKIND] = {
#define VC_KIND(nr, name, ctx_size, window_off, min_window, max_window, budget, text) [nr] = #name,
#include "xok/vcode/kinds.def"
#undef VC_KIND
	};

	(void)state;
	assert_null(vc_kinds[0].name);
	for (uint32_t k = 1; k < VC_NKIND; k++) {
		const struct vc_kind *kind = &vc_kinds[k];

		assert_int_equal(strlen(kind->name), strlen(names[k]));
		for (size_t n = 0; kind->name[n]; n++)
			assert_int_equal(kind->name[n], tolower(names[k][n]));
		assert_true(kind->budget > 0 && strlen(kind->text) > 0);
		assert_true(vc_is_raw(kind) || kind->ctx_window_off + 8 <= kind->ctx_size);
	}
	assert_true(vc_is_raw(&vc_kinds[VC_KIND_RAW]));
	assert_int_equal(vc_kinds[VC_KIND_HANDLER].ctx_size, sizeof(struct xok_handler_ctx));
	assert_int_equal(vc_kinds[VC_KIND_HANDLER].ctx_window_off,
			 offsetof(struct xok_handler_ctx, packet));
	assert_int_equal(vc_kinds[VC_KIND_PREDICATE].ctx_size, sizeof(struct xok_predicate_ctx));
	assert_int_equal(vc_kinds[VC_KIND_UDF].ctx_size, sizeof(struct xok_udf_ctx));
}

/* Memory arguments are followed by their size, nothing follows no argument, and the C prototype has as many. */
static void test_helper_types(void **state)
{
	(void)state;
	assert_null(vc_helpers[0].name);
	for (uint32_t h = 1; h < VC_NHELPER; h++) {
		const struct vc_helper *helper = &vc_helpers[h];
		uint32_t nargs = 0, commas = 0;

		assert_non_null(helper->name);
		assert_true(helper->cost > 0 && strlen(helper->text) > 0);
		assert_true(helper->kinds && helper->kinds < 1u << VC_NKIND &&
			    !(helper->kinds & 1));
		while (nargs < 5 && helper->arg[nargs] != VC_ARG_NONE)
			nargs++;
		for (uint32_t n = nargs; n < 5; n++)
			assert_int_equal(helper->arg[n], VC_ARG_NONE);
		for (uint32_t n = 0; n < nargs; n++) {
			bool memory = helper->arg[n] == VC_ARG_MEM_R ||
				      helper->arg[n] == VC_ARG_MEM_W;
			bool size = n + 1 < nargs && helper->arg[n + 1] == VC_ARG_MEM_SIZE;

			assert_int_equal(memory, size);
		}
		for (const char *s = helper->prototype; *s; s++)
			commas += *s == ',';
		assert_int_equal(strstr(helper->prototype, "(void)") ? 0 : commas + 1, nargs);
		assert_non_null(strstr(helper->prototype, helper->name));
	}
}

static void test_who_may_call(void **state)
{
	const struct vc_kind *capsule = &vc_kinds[VC_KIND_CAPSULE], *udf = &vc_kinds[VC_KIND_UDF];
	struct vc_kind stranger = *capsule;

	(void)state;
	assert_ptr_equal(vc_helper_find(capsule, VC_HELPER_time), &vc_helpers[VC_HELPER_time]);
	assert_null(vc_helper_find(&vc_kinds[VC_KIND_HANDLER], VC_HELPER_time));
	assert_non_null(vc_helper_find(&vc_kinds[VC_KIND_HANDLER], VC_HELPER_lpm4));
	for (int32_t h = -1; h <= VC_NHELPER; h++) {
		assert_int_equal(vc_helper_find(udf, h) != NULL, h == VC_HELPER_checksum);
		assert_null(vc_helper_find(&stranger, h));
	}
	assert_null(vc_helper_find(capsule, INT32_MIN));
	assert_null(vc_helper_find(capsule, INT32_MAX));
	assert_string_equal(vc_helpers[VC_HELPER_route].prototype,
			    "int64_t route(uint32_t address)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_names),
		cmocka_unit_test(test_helper_types),
		cmocka_unit_test(test_who_may_call),
	};

	return cmocka_run_group_tests_name("vcode: kinds and helpers", tests, NULL, NULL);
}
