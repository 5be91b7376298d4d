/* SPDX-License-Identifier: BSD-2-Clause */
/* test_module.c - modules: the vectors, both ways; one encoding only; what the verifier must refuse. */
#include "capsule/helpers.h"
#include "capsule/module.h"
#include "capsule/sdk.h"
#include "capsules/test/bad_modules.h"
#include "capsules/test/vectors.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was parsed, written again, is what was parsed: so no other octets mean the same. */
static void assert_canonical(const uint8_t *bytes, size_t len, const struct module *m)
{
	static uint8_t again[MODULE_MAX];

	assert_int_equal(module_write(m, again, sizeof(again), NULL), len);
	assert_memory_equal(again, bytes, len);
}

static void check_lists(const struct vector *v, const struct module *m)
{
	const char *entries = vector_text(v, "entries");
	const char *tables = vector_text(v, "tables");
	const char *helpers = vector_text(v, "helpers");
	char text[512] = "", *end = text;

	for (uint32_t i = 0; i < m->nentry; i++)
		end += sprintf(end, "%s%u:%s", i ? " " : "", m->entry[i].insn, m->entry[i].name);
	assert_string_equal(text, entries);
	end = text;
	*end = 0;
	for (uint32_t i = 0; i < m->ntable; i++)
		end += sprintf(end, "%s%u:%s", i ? " " : "", m->table[i].bytes, m->table[i].name);
	assert_string_equal(text, tables);
	end = text;
	*end = 0;
	for (uint32_t i = 0; i < m->nhelper; i++)
		end += sprintf(end, "%s%u", i ? " " : "", m->helper[i]);
	assert_string_equal(text, helpers);
}

static void check_fields(const struct vector *v, const uint8_t *bytes, size_t len,
			 const struct module *m)
{
	size_t insn_len, rodata_len;
	uint8_t *insn = vector_hex(v, "insns", &insn_len);
	uint8_t *rodata = vector_hex(v, "rodata", &rodata_len);
	uint8_t code[MODULE_CODE_NAME], want_code[MODULE_CODE_NAME];

	assert_string_equal(m->name, vector_text(v, "name"));
	assert_int_equal(m->ninsn * 8, insn_len);
	assert_memory_equal(m->insn, insn, insn_len);
	assert_int_equal(m->rodata_len, rodata_len);
	assert_memory_equal(m->rodata, rodata, rodata_len);
	assert_int_equal(m->data_len, vector_number(v, "data-len"));
	assert_int_equal(m->budget, vector_number(v, "budget"));
	assert_int_equal(m->kind, vector_number(v, "kind"));
	assert_int_equal(m->min_len, vector_number(v, "min-len"));
	check_lists(v, m);
	module_code_name(bytes, len, code);
	vector_octets(v, "code", want_code, sizeof(want_code));
	assert_memory_equal(code, want_code, sizeof(code));
	assert_canonical(bytes, len, m);
	free(insn);
	free(rodata);
}

static void vectors(void **state)
{
	FILE *f = vectors_open("modules.txt");
	unsigned good = 0, bad = 0;
	struct vector v;

	(void)state;
	while (vector_next(f, &v)) {
		struct module m;
		size_t len;
		uint8_t *bytes = vector_hex(&v, "module", &len);
		enum module_result r = module_parse(bytes, len, &m);

		if (strcmp(module_result_name(r), vector_text(&v, "result")) != 0)
			fail_msg("%s: %s, not %s", vector_text(&v, "name"), module_result_name(r),
				 vector_text(&v, "result"));
		if (r == MODULE_OK)
			check_fields(&v, bytes, len, &m);
		good += r == MODULE_OK;
		bad += r != MODULE_OK;
		free(bytes);
		vector_free(&v);
	}
	fclose(f);
	assert_true(good >= 13 && bad >= 40);
}

static void truncations_and_mutations(void **state)
{
	FILE *f = vectors_open("modules.txt");
	struct vector v;
	struct module m;

	(void)state;
	while (vector_next(f, &v)) {
		size_t len;
		uint8_t *bytes = vector_hex(&v, "module", &len);

		bool good = strcmp(vector_text(&v, "result"), "ok") == 0;

		for (size_t n = 0; good && n < len; n++) {
			uint8_t *cut = malloc(n > 0 ? n : 1);

			memcpy(cut, bytes, n);
			assert_int_not_equal(module_parse(cut, n, &m), MODULE_OK);
			free(cut);
		}
		for (size_t at = 0; at < len; at++) {
			for (unsigned flip = 1; flip < 256; flip++) {
				bytes[at] ^= (uint8_t)flip;
				if (module_parse(bytes, len, &m) == MODULE_OK)
					assert_canonical(bytes, len, &m);
				bytes[at] ^= (uint8_t)flip;
			}
		}
		free(bytes);
		vector_free(&v);
	}
	fclose(f);
}

static int verify(const struct module *m, struct vc_report *rep)
{
	struct vc_prog prog;
	size_t scratch_len;
	void *scratch;
	int reason;

	assert_true(module_prog(m, &prog));
	scratch_len = vc_scratch_size(prog.ninsn);
	scratch = malloc(scratch_len);
	reason = vc_verify(&prog, scratch, scratch_len, rep);
	free(scratch);
	return reason;
}

static void bad_programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < BAD_MODULES; i++) {
		uint8_t *bytes = malloc(1024);
		size_t len = bad_module_write(&bad_modules[i], bytes, 1024);
		struct vc_report rep;
		struct module m;
		int reason;

		assert_int_equal(module_parse(bytes, len, &m), MODULE_OK);
		reason = verify(&m, &rep);
		if (reason != (int)bad_modules[i].reason)
			fail_msg("%s: %s, not %s", bad_modules[i].name, vc_reason_name(reason),
				 vc_reason_name((int)bad_modules[i].reason));
		free(bytes);
	}
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(module_helper_name(VC_HELPER_resize), "resize");
	assert_null(module_helper_name(0));
	assert_null(module_helper_name(VC_NHELPER));
	assert_null(module_helper_name(4711));
	assert_string_equal(module_kind_name(VC_KIND_CAPSULE), "capsule");
	assert_string_equal(module_kind_name(VC_KIND_UDF), "udf");
	/* What amp vm runs is nobody's module. */
	assert_null(module_kind_name(VC_KIND_RAW));
	assert_null(module_kind_name(0));
	assert_null(module_kind_name(VC_NKIND));
}

/* RFC 1071's example, an odd octet at the end, and what it costs. */
static void checksum(void **state)
{
	static const uint8_t octets[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	struct vc_run run = {.budget = 10};

	(void)state;
	assert_int_equal(capsule_checksum(&run, (uintptr_t)octets, 8, 0, 0, 0), 0xf2dd);
	assert_int_equal(run.budget, 9);
	assert_int_equal(capsule_checksum(&run, (uintptr_t)octets, 3, 0, 0, 0), 0x01f2);
	assert_int_equal(capsule_checksum(&run, 0, 0, 0, 0, 0), 0);
	assert_int_equal(run.stop, 0);
	/* What the budget does not cover is not done. */
	run.budget = 0;
	assert_int_equal(capsule_checksum(&run, (uintptr_t)octets, 8, 0, 0, 0), 0);
	assert_int_equal(run.stop, CAPSULE_STOP_BUDGET);
	assert_int_equal(run.budget, 0);
}

static void write_refusals(void **state)
{
	struct vc_insn insn[2] = {BAD_MOV(0, 1), BAD_EXIT};
	struct module m = {.kind = VC_KIND_CAPSULE,
			   .ninsn = 2,
			   .nentry = 1,
			   .name = "x",
			   .entry = {{0, "main"}},
			   .insn = (const uint8_t *)insn};
	uint8_t out[256];
	enum module_result why;

	(void)state;
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 112);
	assert_int_equal(module_find_entry(&m, "main"), 0);
	assert_int_equal(module_find_entry(&m, "mai"), -1);
	assert_int_equal(module_write(&m, out, 111, &why), 0);
	assert_int_equal(why, MODULE_LONG);
	strcpy(m.name, "two words");
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 0);
	assert_int_equal(why, MODULE_BAD_NAME);
	strcpy(m.name, "x");
	m.entry[0].insn = 2;
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 0);
	assert_int_equal(why, MODULE_BAD_ENTRY);
	m.entry[0].insn = 0;
	m.ntable = 1;
	strcpy(m.table[0].name, "routes");
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 0);
	assert_int_equal(why, MODULE_HAS_TABLES);
	m.kind = VC_KIND_HANDLER;
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 144);
	m.min_len = 14;
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 0);
	assert_int_equal(why, MODULE_BAD_MIN_LEN);
	m.min_len = 0;
	m.ninsn = 0;
	assert_int_equal(module_write(&m, out, sizeof(out), &why), 0);
	assert_int_equal(why, MODULE_BAD_INSNS);
}

/* An unaligned module is parsed, but its instructions are not used where they stand. */
static void alignment(void **state)
{
	uint8_t *bytes = malloc(1025);
	const struct bad_module *b = &bad_modules[0];
	size_t len = bad_module_write(b, bytes + 1, 1024);
	struct vc_prog prog;
	struct module m;

	(void)state;
	assert_int_equal(module_parse(bytes + 1, len, &m), MODULE_OK);
	assert_false(module_prog(&m, &prog));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),	cmocka_unit_test(truncations_and_mutations),
		cmocka_unit_test(bad_programs), cmocka_unit_test(names),
		cmocka_unit_test(checksum),	cmocka_unit_test(write_refusals),
		cmocka_unit_test(alignment),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("capsules/module", tests, NULL, NULL);
}
