/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_threads.c - processors in xok_burst while one more thread changes everything under them.
 * Built with the thread sanitizer, which sees any access that quiesce does not order before the
 * memory is used for something else; beside that, free frames are filled with a pattern that must
 * stay, and each packet may come to nothing but what some state of its filters allows.
 */
#include <pthread.h>

#include "load.h"
#include "test.h"

#define CPUS 3u
#define FRAMES 700u
#define ROUNDS 24u
#define LEN 64u
#define POISON 0xde

/* What each type of packet may come to. */
enum { KEPT = 0x801, GOES, ROUTED, SHARED, NTYPE };

static struct {
	struct fake f;
	bool stop;
	uint64_t fate[CPUS][XOK_NFATE], packets[CPUS];
	uint8_t poisoned[FRAMES];
} t;

static bool legal(uint16_t type, const struct xok_packet *k)
{
	switch (type) {
	/* The handler changes, and is there at any time. */
	case KEPT: return k->fate == XOK_FATE_CONSUMED;
	/* Filter, handler and environment come and go. */
	case GOES:
		return k->fate == XOK_FATE_NO_FILTER || k->fate == XOK_FATE_RING ||
		       k->fate == XOK_FATE_RING_FULL ||
		       (k->fate == XOK_FATE_DROPPED && k->reason == 7);
	/* The route changes between two ports. */
	case ROUTED: return k->fate == XOK_FATE_FORWARDED && (k->out == 1 || k->out == 2);
	/* The filter moves from ring to ring. */
	case SHARED: return k->fate == XOK_FATE_RING || k->fate == XOK_FATE_RING_FULL;
	default: return false;
	}
}

static void *processor(void *arg)
{
	uint32_t cpu = (uint32_t)(uintptr_t)arg, seed = cpu + 1;
	uint8_t frame[16][LEN];
	struct xok_packet p[16];

	while (!__atomic_load_n(&t.stop, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < 16; i++) {
			seed = seed * 1664525 + 1013904223;
			uint32_t type = KEPT + (seed >> 24) % (NTYPE - KEPT);

			memset(frame[i], 0, LEN);
			frame[i][12] = (uint8_t)(type >> 8);
			frame[i][13] = (uint8_t)type;
			frame[i][30] = 10;
			frame[i][33] = (uint8_t)(seed >> 16);
			p[i] = (struct xok_packet){.frame = frame[i], .len = LEN};
		}
		fake_enter(&t.f, cpu);
		xok_burst(t.f.x, cpu, (seed >> 20) % NPORT, 1000, p, 16);
		fake_leave(&t.f, cpu);
		for (uint32_t i = 0; i < 16; i++) {
			if (!legal((uint16_t)(frame[i][12] << 8 | frame[i][13]), &p[i])) {
				fprintf(stderr, "type %x: fate %u out %u reason %u\n", frame[i][13],
					p[i].fate, p[i].out, p[i].reason);
				abort();
			}
			t.fate[cpu][p[i].fate]++;
		}
		t.packets[cpu] += 16;
	}
	return NULL;
}

/* How many bytes of a frame have been written since; not instrumented, which would take long. */
static __attribute__((no_sanitize("thread"))) uint32_t touched(const uint8_t *page)
{
	uint32_t n = 0;

	for (uint32_t j = 0; j < XOK_PAGE; j++)
		n += page[j] != POISON;
	return n;
}

/* Frames that are free hold the pattern from then on. */
static void poison(void)
{
	for (uint32_t i = 1; i < FRAMES; i++) {
		bool is_free = t.f.x->frame[i].type == XOK_FRAME_FREE;

		if (!is_free) {
			t.poisoned[i] = 0;
		} else if (!t.poisoned[i]) {
			memset(t.f.page[i], POISON, XOK_PAGE);
			t.poisoned[i] = 1;
		} else
			assert_int_equal(touched(t.f.page[i]), 0);
	}
}

/* ---- what is changed ---- */

static struct xok_env *child(const char *name, uint32_t index)
{
	struct xok_env *e = child_new(&t.f, 150, name);

	for (uint32_t p = 0; p < NPORT; p++)
		assert_ok(set_acl(&t.f, t.f.root, 0, XOK_RES_PORT, p, index,
				  cap_of(name, XOK_R | XOK_W)));
	assert_int_equal(CALL(&t.f, e, ring_bind, 0, 0, 3), 0);
	assert_ok(CALL(&t.f, t.f.root, handler_rate, 0, 0, e->info->id, UINT64_MAX));
	return e;
}

static int64_t insert(struct xok_env *e, int32_t port, uint16_t type, uint32_t ring)
{
	struct xok_filter fl = {
		.port = port,
		.natoms = 1,
		.atom[0] = {.off = 12, .size = 2, .mask = 0xffff, .value = type},
	};

	poke(&t.f, e, MEM, &fl, sizeof(fl));
	int64_t id = CALL(&t.f, e, filter_insert, 0, MEM, ring);
	assert_true(id > 0);
	return id;
}

static uint64_t load_prog(struct xok_env *e, const char *text, struct xok_prog_spec spec)
{
	int64_t id = prog_new(&t.f, e, 0, text, spec);

	assert_true(id > 0);
	return (uint64_t)id;
}

static uint32_t load_table(struct xok_env *e, struct xok_table_spec spec)
{
	int64_t id = table_new(&t.f, e, 0, spec);

	assert_true(id > 0);
	return (uint32_t)id;
}

static void bind(struct xok_env *e, uint64_t filter, uint64_t prog)
{
	assert_ok(CALL(&t.f, e, handler_bind, 0, filter, prog));
}

/* The handler of KEPT uses a table of each kind that handlers change; so does this thread. */
static struct {
	struct xok_env *e;
	uint64_t filter, prog;
	uint32_t hash;
} kept;

static void renew_kept(void)
{
	struct xok_prog_spec spec = {.ntable = 4, .data_len = 8};
	uint64_t before = kept.prog;

	spec.table[0] = kept.hash;
	spec.table[1] = load_table(
		kept.e,
		(struct xok_table_spec){.type = XOK_TABLE_PERCPU, .value_size = 8, .entries = 1});
	spec.table[2] = load_table(
		kept.e,
		(struct xok_table_spec){.type = XOK_TABLE_RING, .value_size = 8, .entries = 4});
	spec.table[3] = load_table(kept.e,
				   (struct xok_table_spec){.type = XOK_TABLE_BUCKET, .entries = 1});
	kept.prog = load_prog(
		kept.e,
		"r6 = *(u64 *)(r1 + 0); r6 = *(u8 *)(r6 + 33); *(u64 *)(r10 - 8) = r6; "
		"*(u64 *)(r10 - 16) = r6; r1 = &table0 ll; r2 = r10; r2 += -8; r3 = 8; r4 = r10; "
		"r4 += -16; r5 = 8; call table_set; r1 = &table0 ll; r2 = r10; r2 += -8; r3 = 8; "
		"r4 = r10; r4 += -16; r5 = 8; call table_get; "
		"if r6 & 3 goto +6; r1 = &table0 ll; r2 = r10; r2 += -8; r3 = 8; call "
		"table_delete; "
		"r1 = table1 + 0 ll; r2 = *(u64 *)(r1 + 0); r2 += 1; *(u64 *)(r1 + 0) = r2; "
		"r1 = &table2 ll; r2 = r10; r2 += -8; r3 = 8; call emit; "
		"r1 = &table3 ll; r2 = 0; r3 = 1; call bucket; r0 = 2; exit",
		spec);
	bind(kept.e, kept.filter, kept.prog);
	for (uint32_t i = 1; i < 4; i++)
		assert_ok(CALL(&t.f, kept.e, table_destroy, 0, spec.table[i]));
	if (before)
		assert_ok(CALL(&t.f, kept.e, prog_unload, before));
}

static void change_hash(uint32_t round)
{
	struct xok_table_update u = {.op = round % 2 ? XOK_TABLE_SET : XOK_TABLE_DELETE};

	u.key[0] = (uint8_t)round;
	table_put(&t.f, kept.e, 0, kept.hash, u);
}

static struct {
	struct xok_env *e;
	uint32_t lpm;
} routed;

static void change_route(uint32_t round)
{
	struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 1 + round % 2};
	struct xok_prefix4 p = {.address = {10}, .len = 8};

	memcpy(u.key, &p, sizeof(p));
	assert_ok(table_put(&t.f, routed.e, 0, routed.lpm, u));
	/* One that nobody asks for comes and goes beside it. */
	p = (struct xok_prefix4){.address = {10, 1, (uint8_t)round}, .len = 24};
	memcpy(u.key, &p, sizeof(p));
	assert_ok(table_put(&t.f, routed.e, 0, routed.lpm, u));
	u.op = XOK_TABLE_DELETE;
	assert_ok(table_put(&t.f, routed.e, 0, routed.lpm, u));
}

static void start_routed(void)
{
	struct xok_prog_spec spec = {.ports = 7, .ntable = 1, .lookahead = {{1, 30}}};

	routed.e = child("routed", 1);
	routed.lpm = load_table(routed.e,
				(struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 16});
	change_route(0);
	spec.table[0] = routed.lpm;
	bind(routed.e, (uint64_t)insert(routed.e, XOK_PORT_ANY, ROUTED, 0),
	     load_prog(routed.e,
		       "r6 = *(u64 *)(r1 + 0); r2 = *(u32 *)(r6 + 30); r2 = be32 r2; "
		       "r1 = &table0 ll; call lpm4; r0 <<= 8; r0 |= 4; exit",
		       spec));
}

static void go(uint32_t round)
{
	struct xok_env *e = child("goes", 3);
	int64_t any = insert(e, XOK_PORT_ANY, GOES, 0), one = insert(e, 1, GOES + 64, 0);
	uint64_t prog = load_prog(e, "r0 = 0x700; exit", (struct xok_prog_spec){0});

	poison();
	bind(e, (uint64_t)any, prog);
	poison();
	if (round % 3 == 0)
		assert_ok(CALL(&t.f, e, filter_remove, 0, (uint64_t)any));
	if (round % 3 == 1)
		assert_ok(CALL(&t.f, e, prog_unload, prog));
	poison();
	assert_ok(CALL(&t.f, e, filter_remove, 0, (uint64_t)one));
	poison();
	assert_ok(CALL(&t.f, t.f.root, env_destroy, 0, e->info->id));
	poison();
	assert_ok(CALL(&t.f, t.f.root, env_destroy, 0, e->info->id));
}

/* Its filter goes to a new ring each time, and nothing is lost but what finds one full. */
static void move(struct xok_env *e, uint32_t round)
{
	int64_t ring = CALL(&t.f, e, ring_bind, 0, 0, 3);

	assert_int_equal(ring, 1 - round % 2);
	insert(e, XOK_PORT_ANY, SHARED, (uint32_t)ring);
	assert_ok(CALL(&t.f, e, ring_release, round % 2));
	poison();
}

static void everything_changes(void **state)
{
	pthread_t thread[CPUS];
	uint64_t packets = 0, no_filter = 0, full = 0, in = 0;
	(void)state;

	fake_init_cpus(&t.f, FRAMES, NPORT, 0, CPUS);
	kept.e = child("kept", 2);
	kept.filter = (uint64_t)insert(kept.e, XOK_PORT_ANY, KEPT, 0);
	kept.hash = load_table(kept.e, (struct xok_table_spec){.type = XOK_TABLE_HASH,
							       .key_size = 8,
							       .value_size = 8,
							       .flags = XOK_TABLE_EVICT,
							       .entries = 16});
	renew_kept();
	start_routed();
	struct xok_env *e = t.f.root;
	assert_int_equal(CALL(&t.f, e, ring_bind, 0, 0, 3), 0);
	insert(e, XOK_PORT_ANY, SHARED, 0);
	for (uintptr_t i = 0; i < CPUS; i++)
		pthread_create(&thread[i], NULL, processor, (void *)i);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		renew_kept();
		poison();
		change_hash(round);
		change_route(round);
		go(round);
		move(e, round);
		poison();
		assert_ok(CALL(&t.f, t.f.root, handler_rate, 0, 0, routed.e->info->id,
			       UINT64_MAX - round % 2));
		xok_fold(t.f.x);
	}
	__atomic_store_n(&t.stop, true, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < CPUS; i++) {
		pthread_join(thread[i], NULL);
		packets += t.packets[i];
		no_filter += t.fate[i][XOK_FATE_NO_FILTER];
		full += t.fate[i][XOK_FATE_RING_FULL];
	}
	xok_fold(t.f.x);
	for (uint32_t i = 0; i < NPORT; i++) {
		in += xok_port(t.f.x, i)->rx_packets;
		no_filter -= xok_port(t.f.x, i)->rx_no_filter;
		full -= xok_port(t.f.x, i)->rx_ring_full;
	}
	assert_int_equal(in, packets);
	assert_int_equal(no_filter, 0);
	assert_int_equal(full, 0);
	assert_true(packets > 1000 && t.f.quiesced > 100);
	assert_null(books(&t.f));
	CALL(&t.f, t.f.root, env_exit, 0);
	assert_int_equal(t.f.info->frames_free, t.f.quota);
	fake_fini(&t.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything_changes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
