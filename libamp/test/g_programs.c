/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_programs.c - tables and downloaded programs through libamp, with a peer that sends every frame back: made, mapped, refused with a
 * reason, bound, counted, and given back.
 */
#include <string.h>

#include "libamp/test/tap.h"
#include "xok/table/table.h"
#include "xok/vcode/vcode.h"

#define TYPE 0x88b5
#define LEN 100u

#define LOAD_TABLE(reg, n)                                             \
	{.op = 0x18, .regs = 0x60 | (reg), .imm = VC_MAP_TABLE + (n)}, \
	{                                                              \
		.op = 0                                                \
	}

/* table[0]++; return verdict; */
#define COUNT_AND(verdict)                                                               \
	LOAD_TABLE(1, 0), {.op = 0x79, .regs = 0x12}, {.op = 0x07, .regs = 2, .imm = 1}, \
		{.op = 0x7b, .regs = 0x21}, {.op = 0xb7, .imm = (verdict)},              \
	{                                                                                \
		.op = 0x95                                                               \
	}

static const struct vc_insn consume[] = {COUNT_AND(2)}, pass[] = {COUNT_AND(1)};
/* r0 = *(u8 *)(r1 + 99): beyond the context. */
static const struct vc_insn wrong[] = {{.op = 0x71, .regs = 0x10, .off = 99}, {.op = 0x95}};

static uint32_t received;

static void on_packet(void *arg, struct amp_packet *p)
{
	(void)arg;
	(void)p;
	received++;
}

static void on_time(void *arg)
{
	(void)arg;
	amp_stop(0);
}

static void run(uint32_t ms)
{
	struct amp_timer t = {.fn = on_time};

	amp_timer_in(&t, ms * 1000000ull);
	amp_run();
}

static void send_frame(void)
{
	uint8_t f[LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct xok_iov iov = {.base = (uintptr_t)f, .len = sizeof(f)};

	memcpy(f + 6, amp_port(0)->mac, 6);
	f[12] = TYPE >> 8;
	f[13] = TYPE & 0xff;
	f[14] = 'E';
	amp_transmit(0, &iov, 1);
	run(300);
}

static struct xok_prog_spec spec_of(const struct vc_insn *insn, uint32_t n, uint32_t table)
{
	return (struct xok_prog_spec){.kind = VC_KIND_HANDLER,
				      .ninsn = n,
				      .insn = (uintptr_t)insn,
				      .ntable = 1,
				      .table = {table},
				      .name = "test"};
}

static const struct xok_prog_info *prog_named(uint32_t id)
{
	for (uint32_t i = 0; i < amp_progs(); i++)
		if (amp_prog_info(i) != NULL && amp_prog_info(i)->id == id)
			return amp_prog_info(i);
	return NULL;
}

static uint32_t count_tables(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < amp_tables(); i++)
		n += amp_table_info(i) != NULL;
	return n;
}

static int64_t test_array(uint64_t **value)
{
	const struct xok_table_spec bad = {.type = XOK_TABLE_ARRAY, .entries = 1};
	const struct xok_table_spec s = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 600, .name = "counts"};
	int64_t id;
	size_t bytes;

	tap(amp_table_create(&bad) == XOK_EINVAL, "a table of nothing is refused");
	tap(amp_table_map(12345) == NULL, "one that is not there cannot be mapped");
	id = amp_table_create(&s);
	*value = id < 0 ? NULL : amp_table_memory((uint32_t)id, &bytes);
	tap(*value != NULL && bytes == 4800, "an array is made and mapped");
	tap(amp_table_memory((uint32_t)id, &bytes) == *value, "once and for all");
	if (*value != NULL) {
		(*value)[599] = 7;
		(*value)[0] = 0;
	}
	tap(*value != NULL && (*value)[599] == 7, "it can be written to its end");
	return id;
}

static void test_lpm(void)
{
	const struct xok_table_spec s = {.type = XOK_TABLE_LPM4, .entries = 10, .name = "routes"};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 42};
	const struct xok_prefix4 ten = {.address = {10}, .len = 8};
	int64_t id = amp_table_create(&s);
	const void *mem = amp_table_map((uint32_t)id);
	size_t bytes;

	memcpy(u.key, &ten, sizeof(ten));
	tap(mem != NULL && amp_table_update((uint32_t)id, &u) == XOK_OK, "a prefix is set");
	tap(mem != NULL && tbl_lpm4_lookup(mem, 0x0a010203) == 42 &&
		    tbl_lpm4_lookup(mem, 0x0b000000) == TBL_NONE,
	    "and found in the mapped table");
	tap(amp_table_memory((uint32_t)id, &bytes) == NULL && bytes == 0,
	    "which is no plain memory");
	u.op = XOK_TABLE_DELETE;
	tap(amp_table_update((uint32_t)id, &u) == XOK_OK &&
		    amp_table_update((uint32_t)id, &u) == XOK_ENOENT,
	    "it is deleted once");
	tap(amp_table_destroy((uint32_t)id) == XOK_OK && amp_table_map((uint32_t)id) == NULL,
	    "the table goes");
}

static void test_refusals(uint32_t table)
{
	struct xok_prog_spec s = spec_of(wrong, 2, table);
	char why[AMP_WHY];

	tap(amp_prog_load(&s, why) == XOK_EINVAL && strstr(why, "instruction 0") != NULL,
	    "a wrong program is refused: %s", why);
	s = spec_of(consume, 7, 99999);
	tap(amp_prog_load(&s, why) < 0 && why[0] != 0, "so is one without its table: %s", why);
	tap(amp_handler_bind(0xffff, 1) < 0, "and a binding to nothing");
}

static void test_handler(uint32_t table, const uint64_t *value, uint32_t filter)
{
	struct xok_prog_spec s = spec_of(consume, 7, table), t = spec_of(pass, 7, table);
	char why[AMP_WHY];
	int64_t id = amp_prog_load(&s, why), other = amp_prog_load(&t, why);
	const struct xok_prog_info *p = id < 0 ? NULL : prog_named((uint32_t)id);

	tap(p != NULL && other >= 0, "two handlers are loaded %s", why);
	if (p == NULL)
		return;
	send_frame();
	tap(received == 1 && value[0] == 0, "unbound, they see nothing");
	tap(amp_handler_bind(filter, (uint32_t)id) == XOK_OK, "one is bound");
	send_frame();
	tap(received == 1 && value[0] == 1 && p->runs == 1 && p->consumed == 1,
	    "it consumes a packet, and counts it");
	tap(amp_handler_bind(filter, (uint32_t)other) == XOK_OK, "the other takes its place");
	send_frame();
	tap(received == 2 && value[0] == 2 && p->runs == 1, "and passes its packet on");
	tap(amp_handler_rate(0, 0) == XOK_OK, "its environment gets no budget");
	send_frame();
	send_frame();
	tap(prog_named((uint32_t)other)->throttled >= 1, "then it is throttled, and that shows");
	tap(amp_handler_rate(0, UINT64_MAX) == XOK_OK && amp_handler_bind(filter, 0) == XOK_OK,
	    "unbound again");
	received = 0;
	send_frame();
	tap(received == 1, "packets go to the ring");
	tap(amp_prog_unload((uint32_t)id) == XOK_OK && amp_prog_unload((uint32_t)other) == XOK_OK &&
		    prog_named((uint32_t)id) == NULL,
	    "the handlers go");
}

int main(void)
{
	const struct xok_filter f = {
		.port = 0,
		.natoms = 1,
		.atom = {{.off = 12,
			  .size = 2,
			  .kind = XOK_ATOM_EQ,
			  .mask = 0xffff,
			  .value = TYPE}},
	};
	const struct xok_env_info *self = amp_env_info(amp_self());
	struct amp_ring *ring;
	uint64_t *value;
	uint32_t frames;
	int64_t filter, table;

	tap_begin();
	ring = amp_ring_open(16, on_packet, NULL);
	filter = ring == NULL ? -1 : amp_filter_add(ring, &f);
	tap(filter >= 0, "a ring and a filter");
	frames = self->frames;
	table = test_array(&value);
	test_lpm();
	test_refusals((uint32_t)table);
	if (value != NULL && filter >= 0)
		test_handler((uint32_t)table, value, (uint32_t)filter);
	tap(amp_table_destroy((uint32_t)table) == XOK_OK && count_tables() == 0, "nothing is left");
	tap(self->frames <= frames + 12, "the frames are back (%u, %u)", frames, self->frames);
	tap_end();
}
