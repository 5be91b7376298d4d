/* SPDX-License-Identifier: BSD-2-Clause */
/* test_programs.c - the capsule programs as they are built: ping and trace over a line of nodes, the hostile ones stopped. */
#include "capsule/trace.h"
#include "capsule/wire.h"
#include "capsules/test/capsule_run.h"
#include "capsules/tool/common.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t *load(const char *name, struct module *m)
{
	char path[256];
	size_t len;
	uint8_t *bytes;

	snprintf(path, sizeof(path), "%s/%s.mod", TEST_MODULES, name);
	bytes = tool_read("test", path, &len);
	assert_non_null(bytes);
	assert_int_equal(module_parse(bytes, len, m), MODULE_OK);
	return bytes;
}

/* Node i of a line: what a node would put into the context. Node 0 is the origin, `last` the destination. */
static void arrive(struct capsule_run *r, uint32_t i, uint32_t last, bool returning, uint32_t hops)
{
	uint32_t len = r->ctx.payload_len;

	r->ctx = (struct capsule_ctx){.payload_len = len,
				      .payload_max = WIRE_PAYLOAD_MAX,
				      .arg_len = TRACE_ARG_LEN,
				      .node = 0x0a000000 + i,
				      .origin = 0x0a000000,
				      .destination = 0x0a000000 + last,
				      .in_port = (uint16_t)(10 + i),
				      .out_port = i == last ? 0xffff : (uint16_t)(20 + i),
				      .queue_len = 30 + i,
				      .hops = hops,
				      .arrival = 1000000000ull * i};
	r->ctx.flags = (i == last ? CAPSULE_AT_DESTINATION : 0) | (i == 0 ? CAPSULE_AT_ORIGIN : 0) |
		       (returning ? CAPSULE_RETURNING : 0);
	r->budget = 10000;
}

/* Sends a capsule from node 0 to `last` and back; fails the test when it takes another way. */
static void travel(const struct module *m, uint32_t last, struct capsule_run *r)
{
	uint32_t hops = 0;

	for (uint32_t i = 1; i <= last; i++) {
		arrive(r, i, last, false, hops++);
		assert_int_equal(capsule_run(m, 0, r), 0);
		assert_int_equal(r->action, i == last ? CAPSULE_RETURN : CAPSULE_FORWARD);
		r->ctx.payload_len = r->payload_len;
	}
	for (uint32_t i = last; i-- > 0;) {
		arrive(r, i, last, true, hops++);
		assert_int_equal(capsule_run(m, 0, r), 0);
		assert_int_equal(r->action, i == 0 ? CAPSULE_DELIVER : CAPSULE_FORWARD);
		r->ctx.payload_len = r->payload_len;
	}
}

/* What the sender knows its capsule by. */
static const uint8_t id[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void ping(void **state)
{
	struct module m;
	uint8_t *bytes = load("ping", &m);
	struct capsule_run r = {.window = calloc(1, WIRE_PAYLOAD_MAX)};

	(void)state;
	memcpy(r.window, id, 8);
	r.ctx.payload_len = 8;
	travel(&m, 4, &r);
	assert_int_equal(r.payload_len, 8);
	assert_memory_equal(r.window, id, 8);
	assert_true(m.budget == 0 || r.start - r.budget <= m.budget);
	free(r.window);
	free(bytes);
}

static void check_row(const uint8_t *window, uint32_t n, uint32_t last)
{
	struct trace_row row;
	uint32_t i = n + 1;

	memcpy(&row, window + TRACE_ROWS_OFFSET + n * TRACE_ROW_LEN, sizeof(row));
	assert_int_equal(row.node, 0x0a000000 + i);
	assert_int_equal(row.in_port, 10 + i);
	assert_int_equal(row.out_port, i == last ? 0xffff : 20 + i);
	assert_int_equal(row.arrival, 1000000000ull * i);
	assert_int_equal(row.spent, 42);
	assert_int_equal(row.queue_len, 30 + i);
	assert_int_equal(row.hops, n);
	assert_int_equal(row.flags, i == last ? CAPSULE_AT_DESTINATION : 0);
}

static void trace_over(uint32_t last, uint32_t want_rows, uint16_t want_flags)
{
	struct module m;
	uint8_t *bytes = load("trace", &m);
	struct capsule_run r = {.window = calloc(1, WIRE_PAYLOAD_MAX)};
	struct trace_head head;

	memcpy(r.window, id, 8);
	r.ctx.payload_len = TRACE_ROWS_OFFSET;
	travel(&m, last, &r);
	assert_memory_equal(r.window, id, 8);
	memcpy(&head, r.window + TRACE_HEAD_OFFSET, sizeof(head));
	assert_int_equal(head.rows, want_rows);
	assert_int_equal(head.flags, want_flags);
	assert_int_equal(r.payload_len, TRACE_ROWS_OFFSET + want_rows * TRACE_ROW_LEN);
	for (uint32_t n = 0; n < want_rows; n++)
		check_row(r.window, n, last);
	free(r.window);
	free(bytes);
}

static void trace(void **state)
{
	(void)state;
	trace_over(1, 1, 0);
	trace_over(4, 4, 0);
	trace_over(TRACE_ROWS_MAX, TRACE_ROWS_MAX, 0);
}

/* More nodes than rows: it says so, and comes home all the same. */
static void trace_full(void **state)
{
	(void)state;
	trace_over(TRACE_ROWS_MAX + 3, TRACE_ROWS_MAX, TRACE_TRUNCATED);
}

/* A head that claims more rows than there can be (the data is not signed) must not lead out of the payload. */
static void trace_forged_head(void **state)
{
	struct module m;
	uint8_t *bytes = load("trace", &m);
	struct capsule_run r = {.window = calloc(1, WIRE_PAYLOAD_MAX)};
	struct trace_head head = {.rows = 0xffff};

	(void)state;
	memcpy(r.window + TRACE_HEAD_OFFSET, &head, sizeof(head));
	r.ctx.payload_len = TRACE_ROWS_OFFSET;
	arrive(&r, 1, 3, false, 0);
	assert_int_equal(capsule_run(&m, 0, &r), 0);
	assert_int_equal(r.action, CAPSULE_FORWARD);
	memcpy(&head, r.window + TRACE_HEAD_OFFSET, sizeof(head));
	assert_int_equal(head.rows, 0xffff);
	assert_int_equal(head.flags, TRACE_TRUNCATED);
	/* Without room for the head there is nothing that it could do. */
	r.ctx.payload_len = TRACE_ROWS_OFFSET - 1;
	assert_int_equal(capsule_run(&m, 0, &r), 0);
	assert_int_equal(r.action, CAPSULE_DROP);
	free(r.window);
	free(bytes);
}

static void hostile(void **state)
{
	static const struct {
		const char *module;
		uint32_t entry;
		int reason;
		uint64_t action;
	} cases[] = {
		{"test/loop", 0, VC_BUDGET_EXHAUSTED, 0},
		{"test/burner", 0, VC_BUDGET_EXHAUSTED, 0},
		{"test/burner", 1, VC_BUDGET_EXHAUSTED, 0},
		{"test/overrun", 0, VC_WINDOW_BOUNDS, 0},
		{"test/overrun", 1, VC_WINDOW_BOUNDS, 0},
		{"test/overrun", 2, VC_WINDOW_BOUNDS, 0},
		{"test/badaction", 0, VC_FINE, 77},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct module m;
		uint8_t *bytes = load(cases[i].module, &m);
		struct capsule_run r = {.window = calloc(1, WIRE_PAYLOAD_MAX)};
		int reason;

		r.ctx.payload_len = 8;
		arrive(&r, 1, 3, false, 0);
		reason = capsule_run(&m, cases[i].entry, &r);
		if (reason != cases[i].reason)
			fail_msg("%s %u: %s", cases[i].module, cases[i].entry,
				 vc_reason_name(reason));
		if (reason == VC_FINE)
			assert_int_equal((uint32_t)r.action, cases[i].action);
		assert_true(r.budget >= 0 && r.budget <= r.start);
		free(r.window);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping),	      cmocka_unit_test(trace),
		cmocka_unit_test(trace_full), cmocka_unit_test(trace_forged_head),
		cmocka_unit_test(hostile),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("capsules/programs", tests, NULL, NULL);
}
