/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_trace.c - a packet that is watched fares as any other: same fate, same bytes, same counters; and what was noted is what happened.
 */
#include "load.h"
#include "test.h"
#include "xok/core/trace.h"

#define CPUS 2u
#define LEN 60u

static int setup_cpus(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	fake_init_cpus(f, NFRAME, NPORT, CODE_BYTES, CPUS);
	*state = f;
	return 0;
}

static int setup_interpreted(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	fake_init_cpus(f, NFRAME, NPORT, 0, CPUS);
	*state = f;
	return 0;
}

static struct xok_env *child(struct fake *f)
{
	struct xok_env *e = child_new(f, 200, "a");

	for (uint32_t p = 0; p < NPORT; p++)
		assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, p, 1, cap_of("a", XOK_R | XOK_W)));
	assert_int_equal(CALL(f, e, ring_bind, 0, 0, 3), 0);
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, e->info->id, UINT64_MAX));
	return e;
}

static int64_t insert(struct fake *f, struct xok_env *e, uint16_t type)
{
	const struct xok_filter fl = {
		.port = XOK_PORT_ANY,
		.natoms = 1,
		.atom = {{.off = 12, .size = 2, .mask = 0xffff, .value = type}}};

	poke(f, e, MEM, &fl, sizeof(fl));
	int64_t id = CALL(f, e, filter_insert, 0, MEM, 0);
	assert_true(id > 0);
	return id;
}

static int64_t handler(struct fake *f, struct xok_env *e, uint16_t type, const char *text,
		       struct xok_prog_spec spec)
{
	int64_t filter = insert(f, e, type), id = prog_new(f, e, 0, text, spec);

	assert_true(id > 0);
	assert_ok(CALL(f, e, handler_bind, 0, (uint64_t)filter, (uint64_t)id));
	return id;
}

static struct xok_packet packet(uint16_t type, uint32_t len)
{
	uint8_t *frame = calloc(1, len ? len : 1);

	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)i;
	if (len >= 14) {
		frame[12] = (uint8_t)(type >> 8);
		frame[13] = (uint8_t)type;
	}
	return (struct xok_packet){.frame = frame, .len = len, .out = 77, .fate = 99};
}

static struct xok_packet traced(struct fake *f, uint32_t cpu, uint16_t type, uint32_t len,
				struct xok_trace *t)
{
	struct xok_packet p = packet(type, len);

	memset(t, 0xee, sizeof(*t));
	fake_enter(f, cpu);
	xok_trace(f->x, cpu, 2, f->now, &p, t);
	fake_leave(f, cpu);
	return p;
}

/* The same packet on both processors, watched on one of them: the two must agree. */
static void both_ways(struct fake *f, uint16_t type, uint32_t len)
{
	struct xok_trace t;
	struct xok_packet a = packet(type, len), b;

	fake_enter(f, 0);
	xok_burst(f->x, 0, 2, f->now, &a, 1);
	fake_leave(f, 0);
	b = traced(f, 1, type, len, &t);
	assert_int_equal(a.fate, b.fate);
	assert_int_equal(a.out, b.out);
	assert_int_equal(a.reason, b.reason);
	assert_int_equal(a.prog, b.prog);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.frame, b.frame, len);
	assert_memory_equal(f->x->cpu[0].port, f->x->cpu[1].port,
			    NPORT * sizeof(struct xok_port_info));
	assert_memory_equal(f->x->cpu[0].prog_info, f->x->cpu[1].prog_info,
			    XOK_NPROG * sizeof(struct xok_prog_info));
	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		assert_int_equal(f->x->cpu[0].run[i].rate.left, f->x->cpu[1].run[i].rate.left);
		if (f->x->prog_info[i].id)
			assert_ptr_equal(f->x->cpu[1].run[i].entry, f->x->prog[i].entry);
	}
	free(a.frame);
	free(b.frame);
}

static void it_fares_as_any_other(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child(f);
	struct xok_prog_spec two = {.ports = 6}, table = {.ntable = 1};

	handler(f, e, 0x801, "r2 = *(u64 *)(r1 + 0); *(u8 *)(r2 + 3) = 99; r0 = 0x104; exit", two);
	handler(f, e, 0x802, "r1 = 20; call trim; r0 = 3; exit", two);
	handler(f, e, 0x805, "r0 = 0xabcd00; exit", two);
	handler(f, e, 0x807, "r0 = 0x100000000 ll; exit", two);
	handler(f, e, 0x808, "goto -1", two);
	handler(f, e, 0x809,
		"r1 = 0; call queue; r1 = r10; r1 += -8; r2 = 8; r3 = 0; call vector; r0 = 2; exit",
		two);
	two.min_len = LEN + 1;
	handler(f, e, 0x806, "r0 = 0x4; exit", two);
	table.table[0] = (uint32_t)table_new(
		f, e, 0, (struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 8});
	handler(f, e, 0x80a, "r1 = &table0 ll; r2 = 7; call lpm4; r0 = 0; exit", table);
	insert(f, e, 0x80b);
	for (uint16_t type = 0x800; type < 0x810; type++) {
		both_ways(f, type, LEN);
		both_ways(f, type, LEN + 1);
		both_ways(f, type, 13);
		both_ways(f, type, XOK_FRAME_MAX + 1);
	}
}

static void notes_of_a_run(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child(f);
	struct xok_prog_spec spec = {.ntable = 2, .ports = 2, .budget = 5000, .name = "watched"};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 42, .key = {10, [4] = 8}};
	struct xok_trace t;

	spec.table[0] = (uint32_t)table_new(
		f, e, 0,
		(struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 8, .name = "ways"});
	spec.table[1] = (uint32_t)table_new(f, e, 0,
					    (struct xok_table_spec){.type = XOK_TABLE_HASH,
								    .key_size = 4,
								    .value_size = 8,
								    .entries = 2,
								    .name = "flows"});
	assert_ok(table_put(f, e, 0, spec.table[0], u));
	int64_t id = handler(
		f, e, 0x801,
		"r1 = &table0 ll; r2 = 0x0a000001; call lpm4; r6 = r0;"
		"*(u32 *)(r10 - 4) = 7;"
		"r1 = &table1 ll; r2 = r10; r2 += -4; r3 = 4; r4 = r10; r4 += -16; r5 = 8;"
		"call table_get;"
		"r1 = r10; r1 += -48; r2 = 20; r3 = 10; call vector;"
		"r0 = 0x104; exit",
		spec);
	struct xok_packet p = traced(f, 0, 0x801, LEN, &t);

	assert_int_equal(p.fate, XOK_FATE_FORWARDED);
	assert_int_equal(t.owner, e->info->id);
	assert_true(t.filter > 0 && t.atoms.natoms == 1 && t.atoms.atom[0].value == 0x801);
	assert_int_equal(t.program_id, id);
	assert_string_equal(t.program, "watched");
	assert_int_equal(t.insns, 20);
	assert_int_equal(t.ninsn, 22);
	assert_int_equal(t.budget, 5000);
	assert_int_equal(t.budget - t.left, vc_helpers[VC_HELPER_lpm4].cost +
						    vc_helpers[VC_HELPER_table_get].cost +
						    vc_helpers[VC_HELPER_vector].cost + 20 / 8);
	assert_int_equal(t.verdict, 0x104);
	assert_int_equal(t.stop, 0);
	assert_int_equal(t.ncall, 3);
	const struct xok_trace_call *c = t.call;
	assert_int_equal(c[0].helper, VC_HELPER_lpm4);
	assert_string_equal(c[0].table, "ways");
	assert_int_equal(c[0].arg[0], spec.table[0]);
	assert_int_equal(c[0].arg[1], 0x0a000001);
	assert_int_equal(c[0].result, 42);
	assert_int_equal(c[1].helper, VC_HELPER_table_get);
	assert_string_equal(c[1].table, "flows");
	assert_int_equal((int64_t)c[1].result, -1);
	assert_int_equal(c[1].nmemory, 2);
	assert_int_equal(c[1].bytes[0], 4);
	assert_memory_equal(c[1].memory[0], "\7\0\0\0", 4);
	assert_int_equal(c[1].bytes[1], 8);
	/* Where it is to be written is noted after it was; no address of ours is told. */
	assert_int_equal(c[2].bytes[0], 16);
	assert_memory_equal(c[2].memory[0], "\12\13\10\1\16\17\20\21", 8);
	assert_int_equal(c[2].arg[0], 0);
	assert_int_equal(c[2].arg[1], 20);
	assert_int_equal(c[2].left, t.left);
	free(p.frame);
}

static void notes_end(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child(f);
	struct xok_prog_spec spec = {.budget = 20000, .rate = 1000};
	struct xok_trace t;
	struct xok_packet p;

	/* More calls than there is room for: the first are kept, all are counted; and then the budget is spent. */
	handler(f, e, 0x801, "r1 = 0; call queue; goto -3", spec);
	p = traced(f, 0, 0x801, LEN, &t);
	free(p.frame);
	assert_int_equal(p.fate, XOK_FATE_STOPPED);
	assert_int_equal(t.stop, VC_BUDGET_EXHAUSTED);
	assert_true(t.ncall > XOK_TRACE_CALLS);
	assert_int_equal(t.call[XOK_TRACE_CALLS - 1].helper, VC_HELPER_queue);
	/* Its rate is used up: nothing runs, and nothing of the last run shows. */
	p = traced(f, 0, 0x801, LEN, &t);
	free(p.frame);
	assert_int_equal(p.fate, XOK_FATE_THROTTLED);
	assert_true(t.filter && t.program_id && !t.insns && !t.ncall && !t.stop && !t.verdict);
	p = traced(f, 0, 0x899, LEN, &t);
	free(p.frame);
	assert_int_equal(p.fate, XOK_FATE_NO_FILTER);
	assert_true(!t.filter && !t.program_id);
	insert(f, e, 0x802);
	p = traced(f, 0, 0x802, LEN, &t);
	free(p.frame);
	assert_int_equal(p.fate, XOK_FATE_RING);
	assert_true(t.filter && !t.program_id);
}

#define BOTH(name)                                                   \
	cmocka_unit_test_setup_teardown(name, setup_cpus, teardown), \
		cmocka_unit_test_setup_teardown(name, setup_interpreted, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(it_fares_as_any_other),
		BOTH(notes_of_a_run),
		BOTH(notes_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
