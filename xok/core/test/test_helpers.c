/* SPDX-License-Identifier: BSD-2-Clause */
/* test_helpers.c - what handlers may call, with arguments as programs should not make them. */
#include "bed.h"

/* The program passes the packet when the helper answered what was expected. */
static void expect(const struct bed *b, const char *text, struct xok_prog_spec spec)
{
	const struct xok_prog_info *p = handle(b, text, spec);

	arrive(b->f, 0, LEN);
	if (!p->passed)
		print_error("%s\n", text);
	assert_int_equal(p->passed, 1);
	((struct xok_ring *)b->f->page[b->frame[0]])->tail = delivered(b);
	assert_ok(CALL(b->f, b->e, prog_unload, p->id));
}

static void checksum_is_rfc_1071(void **state)
{
	(void)state;
	uint8_t data[100];

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 97 + (i > 40 ? 255 : 0));
	memset(data + 30, 0xff, 20);
	for (uint32_t off = 0; off < 8; off++) {
		for (uint32_t len = 0; off + len <= sizeof(data); len++) {
			uint32_t sum = 0;

			for (uint32_t i = 0; i < len; i++)
				sum += (uint32_t)data[off + i] << 8 * (i % 2);
			while (sum >> 16)
				sum = (sum & 0xffff) + (sum >> 16);
			assert_int_equal(checksum(data + off, len), sum);
		}
	}
	/* The example of RFC 1071 section 3, on a machine of the other byte order. */
	assert_int_equal(checksum((const uint8_t[]){0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7}, 8),
			 0xf2dd);
}

static void helpers_that_compute(void **state)
{
	struct bed b = bed_new(*state);
	struct xok_prog_spec none = {0};

	/* 00 01 02 03: 0x0100 + 0x0302. */
	expect(&b, KEEP "r1 = r7; r2 = 4; call checksum" IS(0x402), none);
	expect(&b, KEEP "r1 = r7; r2 = 0; call checksum" IS(0), none);
	expect(&b, "call spent" IS(5), none);
	expect(&b, KEEP "r1 = r7; r2 = 60; call checksum; call spent" IS(32), none);
	xok_port(b.f->x, 2)->txq = 7;
	expect(&b, "r1 = 2; call queue" IS(7), none);
	expect(&b, "r1 = 3; call queue" IS(-1), none);
	expect(&b, "r1 = 0x100000002 ll; call queue" IS(7), none);
}

static uint8_t *values(struct fake *f, uint32_t id)
{
	size_t bytes;

	return tbl_memory(f->x->table[id % XOK_NTABLE].mem, 0, &bytes);
}

static void vector_copies_and_sums(void **state)
{
	struct bed b = bed_new(*state);
	struct xok_prog_spec none = {0};
	const struct xok_table_spec array = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 4};
	struct xok_prog_spec with = {.ntable = 1};

	with.table[0] = (uint32_t)table_new(b.f, b.e, 0, array);
	const struct xok_table_info *t = table_info(b.f, with.table[0]);
	expect(&b, "r1 = table0 + 8 ll; r2 = 4; r3 = 10; call vector" IS(0x1816), with);
	assert_memory_equal(values(b.f, with.table[0]) + 8,
			    ((uint8_t[]){10, 11, 12, 13, 0, 0, 0, 0}), 8);
	assert_int_equal(t->refs, 0);
	expect(&b, "r1 = r10; r1 += -8; r2 = 8; r3 = 53; call vector" IS(-1), none);
	expect(&b, "r1 = r10; r1 += -8; r2 = 8; r3 = 0xffffffff ll; call vector" IS(-1), none);
	expect(&b, "r1 = r10; r1 += -64; r2 = 61; r3 = 0; call vector" IS(-1), none);
	expect(&b, "r1 = r10; r1 += -8; r2 = 0; r3 = 60; call vector" IS(0), none);
	expect(&b, "r1 = r10; r1 += -8; r2 = 0; r3 = 61; call vector" IS(-1), none);
	/* Within the packet, one byte on: it is moved as a whole. */
	expect(&b,
	       KEEP "r1 = r7; r1 += 1; r2 = 40; r3 = 0; call vector; r0 = *(u8 *)(r7 + 13)" IS(12),
	       none);
}

static void trim_shortens(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	struct xok_prog_spec none = {.ports = 1};

	expect(&b, "r1 = 13; call trim" IS(-1), none);
	expect(&b, "r1 = 61; call trim" IS(-1), none);
	expect(&b, "r1 = 0xffffffff ll; call trim" IS(-1), none);
	expect(&b, "r1 = 20; call trim; r1 = 30; call trim" IS(0), none);
	handle(&b, "r1 = 14; call trim; r0 = 1; exit", none);
	((struct xok_ring *)f->page[b.frame[0]])->tail = delivered(&b);
	uint32_t at = delivered(&b) % 4;
	arrive(f, 0, LEN);
	const struct xok_slot *s = (const void *)f->page[b.frame[1 + at / 2]];
	s += at % 2;
	assert_int_equal(s->len, 14);
	handle(&b, "r1 = 20; call trim; r0 = 3; exit", none);
	arrive(f, 0, LEN);
	assert_int_equal(f->tx_len, 20);
}

static void send_and_wake(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	struct xok_prog_spec port1 = {.ports = 2}, none = {0};

	expect(&b, KEEP "r1 = 1; r2 = r7; r3 = 20; call send" IS(0), port1);
	assert_int_equal(f->tx_count, 1);
	assert_int_equal(f->tx_port, 1);
	assert_int_equal(f->tx_len, 20);
	expect(&b, KEEP "r1 = 1; r2 = r7; r3 = 20; call send" IS(-1), none);
	expect(&b, KEEP "r1 = 0; r2 = r7; r3 = 20; call send" IS(-1), port1);
	expect(&b, KEEP "r1 = 33; r2 = r7; r3 = 20; call send" IS(-1), port1);
	expect(&b, KEEP "r1 = 1; r2 = r7; r3 = 13; call send" IS(-1), port1);
	f->tx_full = true;
	expect(&b, KEEP "r1 = 1; r2 = r7; r3 = 20; call send" IS(-1), port1);
	assert_int_equal(f->tx_count, 1);
	b.e->events = 0;
	expect(&b, "r1 = 0x30000; call wake" IS(0), none);
	assert_int_equal(b.e->events, 0x30000 | XOK_EV_PACKET);
	expect(&b, "r1 = 1; call wake" IS(-1), none);
	expect(&b, "r1 = 0x10008; call wake" IS(-1), none);
	expect(&b, "r1 = 0; call wake" IS(-1), none);
	assert_int_equal(b.e->events, 0x30000 | XOK_EV_PACKET);
}

/* ---- tables ---- */

#define KEY(n) "r1 = " #n "; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; "
#define VALUE(n) "r1 = " #n "; *(u64 *)(r10 - 16) = r1; r4 = r10; r4 += -16; "

static void tables_by_helpers(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_table_spec hash = {
		.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 1};
	struct xok_prog_spec spec = {.ntable = 1};
	const char *get = KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_get" IS(-1);

	spec.table[0] = (uint32_t)table_new(f, b.e, 0, hash);
	const struct xok_table_info *t = table_info(f, spec.table[0]);
	expect(&b, get, spec);
	expect(&b, KEY(9) VALUE(77) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_set" IS(0), spec);
	assert_int_equal(t->used, 1);
	expect(&b,
	       KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_get;"
			       "r0 = *(u64 *)(r10 - 16)" IS(77),
	       spec);
	expect(&b, KEY(8) VALUE(1) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_set" IS(-1), spec);
	/* Sizes that are not the table's. */
	expect(&b, KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 3; r5 = 8; call table_get" IS(-1), spec);
	expect(&b, KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 4; r5 = 7; call table_get" IS(-1), spec);
	expect(&b, KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 3; r5 = 8; call table_set" IS(-1), spec);
	expect(&b, KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 4; r5 = 9; call table_set" IS(-1), spec);
	expect(&b, KEY(9) "r1 = &table0 ll; r3 = 3; call table_delete" IS(-1), spec);
	expect(&b, KEY(9) "r1 = &table0 ll; r3 = 4; call table_delete" IS(0), spec);
	expect(&b, KEY(9) "r1 = &table0 ll; r3 = 4; call table_delete" IS(-1), spec);
	assert_int_equal(t->used, 0);
	/* It is no other table. */
	expect(&b, "r1 = &table0 ll; r2 = 1; call lpm4" IS(-1), spec);
	expect(&b, KEY(1) "r1 = &table0 ll; r3 = 4; call emit" IS(-1), spec);
	expect(&b, "r1 = &table0 ll; r2 = 0; r3 = 1; call bucket" IS(-1), spec);
}

static void prefixes_buckets_and_rings(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	struct xok_prog_spec spec = {.ntable = 4};
	const struct xok_table_spec specs[] = {
		{.type = XOK_TABLE_LPM4, .entries = 8},
		{.type = XOK_TABLE_LPM6, .entries = 8},
		{.type = XOK_TABLE_BUCKET, .entries = 2},
		{.type = XOK_TABLE_RING, .value_size = 8, .entries = 2},
	};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 9, .key = {10, [4] = 8}};
	struct xok_bucket bucket = {0, 5};

	for (uint32_t i = 0; i < 4; i++)
		spec.table[i] = (uint32_t)table_new(f, b.e, 0, specs[i]);
	assert_ok(table_put(f, b.e, 0, spec.table[0], u));
	/* 16 bytes of the packet as an address: 00 01 02 ... */
	u = (struct xok_table_update){.op = XOK_TABLE_SET, .number = 6, .key = {0, 1, [16] = 16}};
	assert_ok(table_put(f, b.e, 0, spec.table[1], u));
	u = (struct xok_table_update){.op = XOK_TABLE_SET};
	memcpy(u.value, &bucket, sizeof(bucket));
	assert_ok(table_put(f, b.e, 0, spec.table[2], u));

	expect(&b, "r1 = &table0 ll; r2 = 0x0a000001; call lpm4" IS(9), spec);
	expect(&b, "r1 = &table0 ll; r2 = 0x0b000001; call lpm4" IS(-1), spec);
	expect(&b, "r1 = &table1 ll; r2 = 0x0a000001; call lpm4" IS(-1), spec);
	expect(&b, KEEP "r1 = &table1 ll; r2 = r7; r3 = 16; call lpm6" IS(6), spec);
	expect(&b, KEEP "r1 = &table1 ll; r2 = r7; r3 = 15; call lpm6" IS(-1), spec);
	expect(&b, KEEP "r1 = &table1 ll; r2 = r7; r2 += 1; r3 = 16; call lpm6" IS(-1), spec);
	expect(&b, KEEP "r1 = &table0 ll; r2 = r7; r3 = 16; call lpm6" IS(-1), spec);
	expect(&b, "r1 = &table2 ll; r2 = 0; r3 = 5; call bucket" IS(1), spec);
	expect(&b, "r1 = &table2 ll; r2 = 0; r3 = 1; call bucket" IS(0), spec);
	expect(&b, "r1 = &table2 ll; r2 = 1; r3 = 1; call bucket" IS(-1), spec);
	expect(&b, "r1 = &table2 ll; r2 = 2; r3 = 1; call bucket" IS(-1), spec);

	b.e->events = 0;
	expect(&b, KEEP "r1 = &table3 ll; r2 = r7; r3 = 7; call emit" IS(-1), spec);
	assert_false(b.e->events & XOK_EV_RECORD);
	expect(&b, KEEP "r1 = &table3 ll; r2 = r7; r3 = 8; call emit" IS(0), spec);
	assert_true(b.e->events & XOK_EV_RECORD);
	expect(&b, KEEP "r1 = &table3 ll; r2 = r7; r3 = 8; call emit" IS(0), spec);
	expect(&b, KEEP "r1 = &table3 ll; r2 = r7; r3 = 8; call emit" IS(-1), spec);
	uint8_t record[8];
	void *mem = f->page[table_info(f, spec.table[3])->first];
	assert_true(tbl_ring_get(mem, record));
	assert_memory_equal(record, ((uint8_t[]){0, 1, 2, 3, 4, 5, 6, 7}), 8);
	/* A tail that cannot be is a full ring. */
	*(uint32_t *)((uint8_t *)mem + XOK_PAGE) = 77;
	expect(&b, KEEP "r1 = &table3 ll; r2 = r7; r3 = 8; call emit" IS(-1), spec);
}

/* With R alone a table is looked up and nothing else. */
static void tables_without_w(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	struct xok_prog_spec spec = {.ntable = 3};
	const struct xok_table_spec specs[] = {
		{.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 4},
		{.type = XOK_TABLE_BUCKET, .entries = 2},
		{.type = XOK_TABLE_RING, .value_size = 8, .entries = 2},
	};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .key = {9}, .value = {[8] = 5}};

	for (uint32_t i = 0; i < 3; i++) {
		spec.table[i] = (uint32_t)table_new(f, f->root, 0, specs[i]);
		assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, table_info(f, spec.table[i])->first,
				  1, cap_of("h", XOK_R)));
	}
	assert_ok(table_put(f, f->root, 0, spec.table[0], u));
	u.key[0] = 0;
	assert_ok(table_put(f, f->root, 0, spec.table[1], u));
	expect(&b, KEY(9) VALUE(0) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_get" IS(0), spec);
	expect(&b, KEY(9) VALUE(7) "r1 = &table0 ll; r3 = 4; r5 = 8; call table_set" IS(-1), spec);
	expect(&b, KEY(9) "r1 = &table0 ll; r3 = 4; call table_delete" IS(-1), spec);
	expect(&b, "r1 = &table1 ll; r2 = 0; r3 = 0; call bucket" IS(-1), spec);
	expect(&b, KEEP "r1 = &table2 ll; r2 = r7; r3 = 8; call emit" IS(-1), spec);
	assert_int_equal(table_info(f, spec.table[0])->used, 1);
}

/* A table that was given back works for the programs that have it, and wakes nobody. */
static void a_released_table_goes_on(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_table_spec ring = {.type = XOK_TABLE_RING, .value_size = 8, .entries = 2};
	struct xok_prog_spec spec = {.ntable = 1};

	spec.table[0] = (uint32_t)table_new(f, f->root, 0, ring);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, table_info(f, spec.table[0])->first, 1,
			  cap_of("h", XOK_R | XOK_W)));
	const struct xok_prog_info *p = handle(
		&b, KEEP "r1 = &table0 ll; r2 = r7; r3 = 8; call emit; r0 += 2; exit", spec);
	f->root->events = 0;
	arrive(f, 0, LEN);
	assert_int_equal(f->root->events, XOK_EV_RECORD);
	f->root->events = 0;
	assert_ok(CALL(f, f->root, table_destroy, 0, spec.table[0]));
	arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 2);
	assert_int_equal(f->root->events, 0);
}

/*
 * What the stack holds before a program writes there are zeroes: not what another one left, be it
 * of another environment. (Emitted by an offset that the code generator cannot know.)
 */
static void stacks_tell_nothing(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_table_spec ring = {
		.type = XOK_TABLE_RING, .value_size = 64, .entries = 16};
	struct xok_prog_spec spec = {.ntable = 1}, none = {0};
	const char *write = KEEP
		"r2 = 0x5ec2e7; r3 = r10; r3 += -512; r1 = 64; *(u64 *)(r3 + 0) = r2;"
		"r3 += 8; r1 += -1; if r1 != 0 goto -4; r0 = 2; exit";
	const char *reads[] = {
		"r1 = &table0 ll; r2 = r10; r2 += -64; r3 = 64; call emit; r0 += 2; exit",
		KEEP
		"r8 = *(u8 *)(r7 + 50); r8 += 206; r2 = r10; r2 -= r8; r1 = &table0 ll; r3 = 64;"
		"call emit; r0 += 2; exit",
		KEEP "r1 = r10; call +2; r0 += 2; exit;"
		     "r2 = r1; r2 += -512; r1 = &table0 ll; r3 = 64; call emit; exit",
		"call +2; r0 += 2; exit;"
		"r1 = &table0 ll; r2 = r10; r2 += -64; r3 = 64; call emit; exit",
	};
	const uint8_t zero[64] = {0};
	uint8_t record[64];

	spec.table[0] = (uint32_t)table_new(f, b.e, 0, ring);
	void *mem = f->page[table_info(f, spec.table[0])->first];
	for (uint32_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		handle(&b, write, none);
		arrive(f, 0, LEN);
		const struct xok_prog_info *p = handle(&b, reads[i], spec);
		arrive(f, 0, LEN);
		assert_int_equal(p->consumed, 1);
		assert_true(tbl_ring_get(mem, record));
		assert_memory_equal(record, zero, sizeof(record));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(checksum_is_rfc_1071),
		BOTH(helpers_that_compute),
		BOTH(vector_copies_and_sums),
		BOTH(trim_shortens),
		BOTH(send_and_wake),
		BOTH(tables_by_helpers),
		BOTH(prefixes_buckets_and_rings),
		BOTH(tables_without_w),
		BOTH(a_released_table_goes_on),
		BOTH(stacks_tell_nothing),
	};

	return cmocka_run_group_tests_name("core: helpers", tests, NULL, NULL);
}
