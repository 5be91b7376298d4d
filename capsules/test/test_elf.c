/* SPDX-License-Identifier: BSD-2-Clause */
/* test_elf.c - linking what clang makes: programs that run and give the right answers, refusals that name names, damaged objects. */
#include "capsule/elf.h"
#include "capsules/test/capsule_run.h"
#include "capsules/tool/common.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct elf_program prog;
static char err[ELF_ERROR];

static uint8_t *object(const char *name, size_t *len)
{
	char path[256];
	uint8_t *bytes;

	snprintf(path, sizeof(path), "%s/%s.o", TEST_OBJECTS, name);
	bytes = tool_read("test", path, len);
	assert_non_null(bytes);
	return bytes;
}

/* Links, writes and parses: what a node would have. The module's bytes are the caller's to free. */
static uint8_t *link_module(const uint8_t *obj, size_t obj_len, struct module *m, size_t *len)
{
	uint8_t *bytes = malloc(MODULE_MAX);
	enum module_result why;

	if (!elf_link(obj, obj_len, 0, &prog, err))
		fail_msg("%s", err);
	strcpy(prog.module.name, "test");
	*len = module_write(&prog.module, bytes, MODULE_MAX, &why);
	assert_int_equal(why, MODULE_OK);
	assert_int_equal(module_parse(bytes, *len, m), MODULE_OK);
	return bytes;
}

static uint64_t answer(const struct module *m, const char *entry, uint32_t hops, char log[129])
{
	struct capsule_run r = {.budget = 10000};
	int index = module_find_entry(m, entry);

	assert_true(index >= 0);
	r.ctx.payload_max = 64;
	r.ctx.hops = hops;
	r.window = calloc(1, 64);
	assert_int_equal(capsule_run(m, (uint32_t)index, &r), 0);
	free(r.window);
	memcpy(log, r.log, sizeof(r.log));
	return r.action;
}

static void check_answers(const char *name)
{
	size_t obj_len, len;
	uint8_t *obj = object(name, &obj_len);
	struct module m;
	uint8_t *bytes = link_module(obj, obj_len, &m, &len);
	char log[129];

	assert_int_equal(m.nentry, 3);
	assert_string_equal(m.entry[0].name, "first");
	assert_string_equal(m.entry[1].name, "second");
	assert_string_equal(m.entry[2].name, "third");
	assert_int_equal(m.entry[0].insn, 0);
	assert_int_equal(answer(&m, "first", 3, log), 9 + 16 + 2 + 2);
	assert_int_equal(answer(&m, "first", 7, log), 49 + 0 + 2 + 2);
	assert_int_equal(answer(&m, "second", 2, log), 11);
	assert_string_equal(log, "hello from a capsule");
	assert_int_equal(answer(&m, "second", 1, log), 7);
	assert_int_equal(answer(&m, "third", 4, log), 1016);
	free(bytes);
	free(obj);
}

/* With a section for each function and object, and with all in .text, .rodata and .bss. */
static void runs(void **state)
{
	(void)state;
	check_answers("everything");
	check_answers("plain-everything");
}

/* Functions and data that nothing reaches are not taken in, and the same object gives the same module. */
static void only_what_is_reached(void **state)
{
	static const uint8_t wide[8] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
	size_t obj_len, len, again_len;
	uint8_t *obj = object("everything", &obj_len);
	struct module m;
	uint8_t *bytes = link_module(obj, obj_len, &m, &len);
	uint8_t *again;

	(void)state;
	for (uint32_t i = 0; i + 8 <= m.rodata_len; i++)
		assert_memory_not_equal(m.rodata + i, wide, 8);
	again = link_module(obj, obj_len, &m, &again_len);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, bytes, len);
	free(bytes);
	free(again);
	free(obj);
}

static void refusals(void **state)
{
	static const struct {
		const char *object, *word, *other;
	} cases[] = {
		{"pointers", "'names' holds an address", "array"},
		{"initialised", "'counter'", "make it const or zero"},
		{"undefined", "function 'undefined' uses 'helper_of_others'", "not defined"},
		{"address", "function 'address' takes the address of function", "callee"},
		{"noentry", "no entry point", "CAPSULE_ENTRY"},
		{"large", "'much' (20000 octets) does not fit",
		 "16384 octets for static variables"},
		{"twokinds", "kinds capsule and handler", "files of their own"},
		{"filledtable", "table 'filled' has an initial value", "owns it"},
		{"statictable", "is static", "without"},
		{"capsuletable", "table 'counts'", "only handlers"},
		{"longest", "XOK_MIN_LEN(9000)", "1518"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		uint8_t *obj = object(cases[i].object, &len);

		assert_false(elf_link(obj, len, 0, &prog, err));
		if (!strstr(err, cases[i].word) || !strstr(err, cases[i].other))
			fail_msg("%s: %s", cases[i].object, err);
		free(obj);
	}
}

/* ---- handlers ---- */

static uint64_t lpm4(struct vc_run *run, uint64_t table, uint64_t address, uint64_t c, uint64_t d,
		     uint64_t e)
{
	(void)c;
	(void)d;
	(void)e;
	assert_ptr_equal(run->user, &prog);
	assert_string_equal(prog.module.table[table].name, "routes");
	return address + 2;
}

static void check_tables(const struct module *m)
{
	static const char *const names[] = {"behind", "hidden", "pairs", "routes"};
	static const uint32_t bytes[] = {32, 32, 64, 0};

	assert_int_equal(m->kind, VC_KIND_HANDLER);
	assert_int_equal(m->min_len, 60);
	assert_int_equal(m->ntable, 4);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t n = 0;

		while (n < 4 && strcmp(m->table[i].name, names[n]) != 0)
			n++;
		assert_true(n < 4);
		assert_int_equal(m->table[i].bytes, bytes[n]);
	}
}

/* Runs entry e of a handler on a packet that begins with `first`, its tables' octets all zero but the last four of "pairs"' fourth. */
static uint64_t handle(const struct module *m, uint32_t e, uint32_t first)
{
	static const vc_helper_fn fn[VC_NHELPER] = {[VC_HELPER_lpm4] = lpm4};
	static _Alignas(16) uint8_t stack[VC_STACK_BYTES];
	_Alignas(8) uint8_t packet[60] = {0}, ctx[32] = {[12] = 3};
	uint64_t memory[4][8] = {{0}};
	struct vc_run run = {.ctx = ctx,
			     .window = packet,
			     .window_len = sizeof(packet),
			     .stack = stack,
			     .fn = fn,
			     .user = &prog,
			     .budget = 1000};
	struct vc_report rep;
	struct vc_prog p;
	void *scratch;

	assert_true(module_prog(m, &p));
	scratch = malloc(vc_scratch_size(p.ninsn));
	if (vc_verify(&p, scratch, vc_scratch_size(p.ninsn), &rep) != VC_FINE)
		fail_msg("%s", rep.text);
	free(scratch);
	memcpy(packet, &first, sizeof(first));
	for (uint32_t i = 0; i < m->ntable; i++) {
		run.table[i] = (uint8_t *)memory[i];
		if (strcmp(m->table[i].name, "pairs") == 0)
			memory[i][3] = 1000ull << 32;
	}
	assert_int_equal(vc_interp(&p, e, &run), VC_FINE);
	return run.r0;
}

static void tables(void **state)
{
	size_t obj_len, len;
	uint8_t *obj = object("tables", &obj_len);
	struct module m;
	uint8_t *bytes = link_module(obj, obj_len, &m, &len);

	(void)state;
	check_tables(&m);
	assert_int_equal(m.nentry, 2);
	/* 1000 of pairs, port 3 in hidden, 1 behind, 70 + 2 of the table. */
	assert_int_equal(handle(&m, 0, 70), 1000 + 3 + 1 + 72);
	assert_int_equal(handle(&m, 1, 0), 2);
	free(bytes);
	free(obj);
}

/* Of two kinds the one that is asked for, and only what it reaches. */
static void kinds(void **state)
{
	size_t len;
	uint8_t *obj = object("twokinds", &len);

	(void)state;
	assert_true(elf_link(obj, len, VC_KIND_HANDLER, &prog, err));
	assert_int_equal(prog.module.kind, VC_KIND_HANDLER);
	assert_int_equal(prog.module.nentry, 1);
	assert_string_equal(prog.module.entry[0].name, "two");
	assert_true(elf_link(obj, len, VC_KIND_CAPSULE, &prog, err));
	assert_string_equal(prog.module.entry[0].name, "one");
	assert_false(elf_link(obj, len, VC_KIND_UDF, &prog, err));
	assert_non_null(strstr(err, "no entry point of the kind udf"));
	free(obj);
}

static void places(void **state)
{
	size_t obj_len, len;
	uint8_t *obj = object("refused", &obj_len);
	struct tool_verdict v;
	struct elf_place place;
	struct module m;
	uint8_t *bytes = link_module(obj, obj_len, &m, &len);

	(void)state;
	assert_false(tool_verify_module(bytes, len, &v));
	assert_int_equal(v.report.reason, VC_READ_ONLY);
	elf_place(&prog, v.report.insn, &place);
	assert_string_equal(place.function, "refused");
	assert_int_equal(place.line, 7);
	assert_non_null(strstr(place.file, "refused.c"));
	assert_non_null(strstr(place.text, "ctx->hops = 1;"));
	elf_place(&prog, 4000, &place);
	assert_string_equal(place.function, "");
	assert_int_equal(place.line, 0);
	free(bytes);
	free(obj);
}

static void link_damaged(const uint8_t *obj, size_t len)
{
	struct elf_place place;

	if (!elf_link(obj, len, 0, &prog, err)) {
		assert_true(err[0] != 0);
		return;
	}
	for (uint32_t i = 0; i < prog.module.ninsn; i += 7)
		elf_place(&prog, i, &place);
}

static void damage(const char *name)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	size_t len;
	uint8_t *obj = object(name, &len);

	for (size_t n = 0; n < len; n += n < 256 ? 1 : 61) {
		uint8_t *cut = malloc(n > 0 ? n : 1);

		memcpy(cut, obj, n);
		link_damaged(cut, n);
		free(cut);
	}
	for (size_t at = 0; at < len; at++) {
		uint8_t flip = flips[at % sizeof(flips)];

		obj[at] ^= flip;
		link_damaged(obj, len);
		obj[at] ^= flip;
	}
	free(obj);
}

static void damaged(void **state)
{
	(void)state;
	damage("everything");
	damage("tables");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),	    cmocka_unit_test(only_what_is_reached),
		cmocka_unit_test(refusals), cmocka_unit_test(places),
		cmocka_unit_test(tables),   cmocka_unit_test(kinds),
		cmocka_unit_test(damaged),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("capsules/elf", tests, NULL, NULL);
}
