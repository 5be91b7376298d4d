/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_burst.c - packets that arrive together, on several processors: what becomes of each, that
 * nothing goes uncounted, and what each processor has of its own. Threads: test_threads.c.
 */
#include "load.h"
#include "test.h"

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

/* A child with a ring of four slots, which may use all ports. */
static struct xok_env *child_with_ring(struct fake *f, const char *name, uint32_t index)
{
	struct xok_env *e = child_new(f, 100, name);

	for (uint32_t p = 0; p < NPORT; p++)
		assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, p, index,
				  cap_of(name, XOK_R | XOK_W)));
	assert_int_equal(CALL(f, e, ring_bind, 0, 0, 3), 0);
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, e->info->id, UINT64_MAX));
	return e;
}

/* A filter for the Ethernet type; 0: everything. */
static int64_t insert(struct fake *f, struct xok_env *e, int32_t port, uint16_t type)
{
	struct xok_filter fl = {.port = port, .natoms = type != 0};

	if (type)
		fl.atom[0] = (struct xok_atom){.off = 12, .size = 2, .mask = 0xffff, .value = type};
	poke(f, e, MEM, &fl, sizeof(fl));
	return CALL(f, e, filter_insert, 0, MEM, 0);
}

/* A program bound to a filter for that type on all ports. */
static const struct xok_prog_info *handler(struct fake *f, struct xok_env *e, uint16_t type,
					   const char *text, struct xok_prog_spec spec)
{
	int64_t filter = insert(f, e, XOK_PORT_ANY, type), id = prog_new(f, e, 0, text, spec);

	assert_true(filter > 0);
	assert_true(id > 0);
	assert_ok(CALL(f, e, handler_bind, 0, (uint64_t)filter, (uint64_t)id));
	return prog_info(f, id);
}

/* Packets, each in memory of its own size, so that the sanitizer sees an access beyond it. */
struct load {
	struct xok_packet p[3 * XOK_BURST];
	uint32_t n;
};

static void add(struct load *l, uint16_t type, uint32_t len)
{
	uint8_t *frame = calloc(1, len ? len : 1);

	if (len >= 14) {
		frame[12] = (uint8_t)(type >> 8);
		frame[13] = (uint8_t)type;
	}
	l->p[l->n++] = (struct xok_packet){.frame = frame, .len = len, .out = 77, .fate = 99};
}

static void arrive(struct fake *f, uint32_t cpu, uint32_t port, struct load *l)
{
	fake_enter(f, cpu);
	xok_burst(f->x, cpu, port, f->now, l->p, l->n);
	fake_leave(f, cpu);
}

static void empty(struct load *l)
{
	while (l->n)
		free(l->p[--l->n].frame);
}

static struct xok_ring *ring(struct fake *f, const struct xok_env *e)
{
	return (struct xok_ring *)f->page[e->info->ring_frame[0]];
}

/* ---- what becomes of packets ---- */

#define FATE_HANDLERS 9 /* by the low digit of the type that they handle; 0: none */

/* A handler for each way of deciding. */
static void fate_handlers(struct fake *f, struct xok_env *e, const struct xok_prog_info **p)
{
	struct xok_prog_spec two = {.ports = 6}, none = {.ports = 0};

	p[1] = handler(f, e, 0x801, "r0 = 0x104; exit", two);
	p[2] = handler(f, e, 0x802, "r0 = 3; exit", two);
	p[3] = handler(f, e, 0x803, "r0 = 1; exit", none);
	p[4] = handler(f, e, 0x804, "r0 = 2; exit", none);
	p[5] = handler(f, e, 0x805, "r0 = 0xabcd00; exit", none);
	two.min_len = LEN + 1;
	p[6] = handler(f, e, 0x806, "r0 = 0x4; exit", two);
	p[7] = handler(f, e, 0x807, "r0 = 0x100000000 ll; exit", none);
	p[8] = handler(f, e, 0x808, "goto -1", none);
}

/* Nothing shows before it is folded, and folding twice counts once. */
static void fates_counted(struct fake *f, struct xok_env *e, const struct xok_prog_info *const *p)
{
	const struct xok_port_info *in = xok_port(f->x, 2), *out = xok_port(f->x, 1);

	assert_int_equal(p[1]->forwarded, 0);
	assert_int_equal(in->rx_packets, 0);
	xok_fold(f->x);
	xok_fold(f->x);
	assert_int_equal(p[1]->forwarded, 3);
	assert_int_equal(p[1]->runs, 3);
	assert_int_equal(p[2]->replied, 1);
	assert_int_equal(p[3]->passed, 3);
	assert_int_equal(p[5]->dropped, 1);
	assert_int_equal(p[6]->denied, 1);
	assert_int_equal(p[8]->stopped, 1);
	assert_int_equal(p[8]->last_stop, VC_BUDGET_EXHAUSTED);
	assert_int_equal(p[6]->too_short, 1);
	assert_int_equal(in->rx_packets, 15);
	assert_int_equal(in->rx_bad_length, 3);
	assert_int_equal(in->rx_no_filter, 1);
	assert_int_equal(in->rx_handled, 13);
	assert_int_equal(in->rx_ring_full, 1);
	assert_int_equal(in->tx_packets, 1);
	assert_int_equal(out->tx_packets, 3);
	assert_int_equal(out->tx_bytes, 2 * LEN + XOK_FRAME_MAX);
	assert_int_equal(e->info->packets, 4);
	assert_int_equal(ring(f, e)->head, 4);
	assert_int_equal(CALL(f, e, env_sleep, XOK_EV_PACKET, UINT64_MAX), XOK_EV_PACKET);
	assert_true(f->rung[env_index(f->x, e)] > 0);
	assert_int_equal(f->tx_count, 0);
}

/* One that was forwarded does not leave, and one that was replied. */
static void unsent_counted(struct fake *f, const struct xok_packet *forwarded,
			   const struct xok_packet *replied, const struct xok_prog_info *const *p)
{
	const struct xok_port_info *in = xok_port(f->x, 2), *out = xok_port(f->x, 1);

	xok_unsent(f->x, 0, forwarded);
	xok_unsent(f->x, 0, replied);
	xok_fold(f->x);
	assert_int_equal(p[1]->forwarded, 2);
	assert_int_equal(p[1]->tx_full, 1);
	assert_int_equal(p[2]->replied, 0);
	assert_int_equal(p[2]->tx_full, 1);
	assert_int_equal(out->tx_packets, 2);
	assert_int_equal(out->tx_bytes, 2 * LEN);
	assert_int_equal(in->tx_packets, 0);
	assert_int_equal(in->tx_full, 1);
}

static void each_fate(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	struct load l = {.n = 0};
	static const struct {
		uint16_t type, len, fate;
		uint32_t out, reason;
	} want[] = {
		{0x801, LEN, XOK_FATE_FORWARDED, 1, 0},
		{0x801, LEN, XOK_FATE_FORWARDED, 1, 0},
		{0x802, LEN, XOK_FATE_REPLIED, 2, 0},
		{0x803, LEN, XOK_FATE_RING, XOK_OUT_NONE, 0},
		{0x804, LEN, XOK_FATE_CONSUMED, XOK_OUT_NONE, 0},
		{0x805, LEN, XOK_FATE_DROPPED, XOK_OUT_NONE, 0xabcd},
		{0x806, LEN + 1, XOK_FATE_DENIED, XOK_OUT_NONE, 0},
		{0x807, LEN, XOK_FATE_BAD_VERDICT, XOK_OUT_NONE, 0},
		{0x808, LEN, XOK_FATE_STOPPED, XOK_OUT_NONE, 0},
		{0x809, LEN, XOK_FATE_NO_FILTER, XOK_OUT_NONE, 0},
		{0x801, 13, XOK_FATE_BAD_LENGTH, XOK_OUT_NONE, 0},
		{0x801, XOK_FRAME_MAX + 1, XOK_FATE_BAD_LENGTH, XOK_OUT_NONE, 0},
		{0x801, 0, XOK_FATE_BAD_LENGTH, XOK_OUT_NONE, 0},
		{0x806, LEN, XOK_FATE_RING, XOK_OUT_NONE, 0},
		{0x801, XOK_FRAME_MAX, XOK_FATE_FORWARDED, 1, 0},
		{0x80b, LEN, XOK_FATE_RING, XOK_OUT_NONE, 0},
		{0x803, LEN, XOK_FATE_RING, XOK_OUT_NONE, 0},
		{0x803, LEN, XOK_FATE_RING_FULL, XOK_OUT_NONE, 0},
	};
	const struct xok_prog_info *p[FATE_HANDLERS];

	fate_handlers(f, e, p);
	assert_true(insert(f, e, 2, 0x80b) > 0);
	for (uint32_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		add(&l, want[i].type, want[i].len);
	arrive(f, 0, 2, &l);
	for (uint32_t i = 0; i < l.n; i++) {
		const struct xok_packet *k = &l.p[i];

		assert_int_equal(k->fate, want[i].fate);
		assert_int_equal(k->out, want[i].out);
		assert_int_equal(k->reason, want[i].reason);
		bool handled = k->fate != XOK_FATE_NO_FILTER && k->fate != XOK_FATE_BAD_LENGTH &&
			       want[i].type != 0x80b;
		assert_int_equal(k->prog, handled ? p[want[i].type & 15]->id % XOK_NPROG + 1 : 0);
	}
	fates_counted(f, e, p);
	unsent_counted(f, &l.p[14], &l.p[2], p);
	empty(&l);
}

/* Where in memory of the core does a byte differ from what it was? All of that lies within [from, from + len). */
static void only_changed(const struct fake *f, const uint8_t *before, size_t size, const void *from,
			 size_t len)
{
	const uint8_t *now = f->core, *lo = from;

	for (size_t i = 0; i < size; i++)
		if (now[i] != before[i] && (now + i < lo || now + i >= lo + len))
			fail_msg("byte %zu of the core's memory has changed", i);
}

/* A frame that ops->transmit took and then could not send was no handler's: no program's counters change, nor what stands before them. */
static void unsent_of_no_handler(void **state)
{
	struct fake *f = *state;
	size_t size = xok_core_size(NPORT, CPUS);
	struct xok_packet k = {.len = LEN, .out = 1, .fate = XOK_FATE_FORWARDED};
	uint8_t *before = malloc(size);

	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		memcpy(before, f->core, size);
		xok_unsent(f->x, cpu, &k);
		only_changed(f, before, size, &f->x->cpu[cpu].port[1],
			     sizeof(struct xok_port_info));
	}
	free(before);
	xok_fold(f->x);
	assert_int_equal(xok_port(f->x, 1)->tx_full, CPUS);
}

/* What a port and a program counted, over all of them. */
struct total {
	uint64_t in, sent, ring, consumed, drops;
};

static void add_prog(struct total *t, const struct xok_prog_info *p)
{
	t->sent += p->forwarded + p->replied;
	t->consumed += p->consumed;
	t->drops += p->dropped + p->tx_full + p->denied + p->bad_verdict + p->stopped +
		    p->throttled;
}

static struct total total(struct fake *f, const struct xok_env *e)
{
	struct total t = {.ring = e->info->packets};

	xok_fold(f->x);
	for (uint32_t i = 0; i < NPORT; i++) {
		const struct xok_port_info *p = xok_port(f->x, i);

		t.in += p->rx_packets + p->rx_bad_length;
		t.drops += p->rx_bad_length + p->rx_no_filter + p->rx_ring_full;
	}
	for (uint32_t i = 0; i < XOK_NPROG; i++)
		if (f->x->prog_info[i].id)
			add_prog(&t, &f->x->prog_info[i]);
	return t;
}

static const char *const drop[XOK_NFATE] = {
#define XOK_FATE(NAME, name, is_drop, text) [XOK_FATE_##NAME] = is_drop ? name : NULL,
#include "xok/core/fates.def"
#undef XOK_FATE
};

/* Packets in = out + in rings + consumed + drops: by the counters, and by what each was told. */
static void nothing_goes_uncounted(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	uint64_t seed = 1, in = 0, sent = 0, drops = 0, rung = 0, consumed = 0;

	/* The verdict is what the packet says in its 15th octet, and sometimes it is cut. */
	handler(f, e, 0x801,
		"r6 = r1; r2 = *(u64 *)(r1 + 0); r7 = *(u8 *)(r2 + 14); r1 = 20; call trim; "
		"r0 = r7; r0 &= 7; if r0 != 4 goto +3; r7 >>= 6; r7 <<= 8; r0 |= r7; exit",
		(struct xok_prog_spec){.ports = 3, .min_len = 30});
	handler(f, e, 0x802, "call spent; goto -2", (struct xok_prog_spec){.rate = 100000});
	assert_true(insert(f, e, 1, 0x803) > 0);
	for (uint32_t round = 0; round < 300; round++) {
		struct load l = {.n = 0};

		for (uint32_t i = 0; i < round % (3 * XOK_BURST); i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			uint32_t r = (uint32_t)(seed >> 33);
			uint32_t len = r % 16 ? 14 + r % 60 : r % 3000;

			add(&l, (uint16_t)(0x800 + (r >> 8) % 6), len);
			if (len > 14)
				l.p[i].frame[14] = (uint8_t)(r >> 16);
		}
		f->now += 1000;
		ring(f, e)->tail = ring(f, e)->head - round % 4;
		arrive(f, round % CPUS, round % NPORT, &l);
		for (uint32_t i = 0; i < l.n; i++) {
			const struct xok_packet *k = &l.p[i];
			bool out = k->fate == XOK_FATE_FORWARDED || k->fate == XOK_FATE_REPLIED;

			assert_int_equal(out, k->out != XOK_OUT_NONE);
			if (out && i % 5 == 0)
				xok_unsent(f->x, round % CPUS, k);
			sent += out && i % 5;
			drops += drop[k->fate] || (out && i % 5 == 0);
			rung += k->fate == XOK_FATE_RING;
			consumed += k->fate == XOK_FATE_CONSUMED;
		}
		in += l.n;
		empty(&l);
		struct total t = total(f, e);
		assert_int_equal(t.in, in);
		assert_int_equal(t.sent, sent);
		assert_int_equal(t.drops, drops);
		assert_int_equal(t.ring, rung);
		assert_int_equal(t.consumed, consumed);
		assert_int_equal(in, sent + drops + rung + consumed);
	}
	assert_true(sent > 100 && drops > 100 && rung > 100 && consumed > 100);
}

/* ---- what each processor has of its own ---- */

static void tables_for_each_processor(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	struct xok_prog_spec spec = {.ntable = 1, .data_len = 8};
	const struct xok_table_spec each = {
		.type = XOK_TABLE_PERCPU, .value_size = 8, .entries = 2};
	struct load l = {.n = 0};
	size_t bytes;

	int64_t id = table_new(f, e, 0, each);
	assert_true(id > 0);
	spec.table[0] = (uint32_t)id;
	handler(f, e, 0x801,
		"r1 = table0 + 8 ll; r2 = 1; r3 = *(u64 *)(r1 + 0); r3 += r2; *(u64 *)(r1 + 0) = "
		"r3; r1 = data + 0 ll; "
		"r2 = *(u64 *)(r1 + 0); r2 += 1; *(u64 *)(r1 + 0) = r2; r0 = r2; r0 += 1; exit",
		spec);
	for (uint32_t i = 0; i < 5; i++)
		add(&l, 0x801, LEN);
	arrive(f, 0, 0, &l);
	arrive(f, 1, 0, &l);
	arrive(f, 1, 1, &l);
	for (uint32_t i = 0; i < l.n; i++)
		assert_int_equal(l.p[i].fate, XOK_FATE_CONSUMED);
	void *mem = f->x->table[id % XOK_NTABLE].mem;
	assert_int_equal(((uint64_t *)tbl_memory(mem, 0, &bytes))[1], 5);
	assert_int_equal(((uint64_t *)tbl_memory(mem, 1, &bytes))[1], 10);
	assert_int_equal(((uint64_t *)tbl_memory(mem, CPUS, &bytes))[1], 0);
	assert_null(tbl_memory(mem, CPUS + 1, &bytes));
	/* The control thread is a processor, too. */
	xok_packet_in(f->x, 0, l.p[0].frame, l.p[0].len);
	assert_int_equal(((uint64_t *)tbl_memory(mem, CPUS, &bytes))[1], 1);
	empty(&l);
}

static uint32_t with_fate(const struct load *l, uint16_t fate)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++)
		n += l->p[i].fate == fate;
	return n;
}

static void rates_are_shared_out(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	/* A run takes 3 by its length: 30 a processor are saved up, which is ten runs. */
	const struct xok_prog_info *p = handler(f, e, 0x801, "r1 = 0; r0 = 2; exit",
						(struct xok_prog_spec){.rate = 8 * 60});
	struct load l = {.n = 0};

	for (uint32_t i = 0; i < 20; i++)
		add(&l, 0x801, LEN);
	arrive(f, 0, 0, &l);
	assert_int_equal(with_fate(&l, XOK_FATE_CONSUMED), 10);
	assert_int_equal(with_fate(&l, XOK_FATE_THROTTLED), 10);
	arrive(f, 1, 0, &l);
	assert_int_equal(with_fate(&l, XOK_FATE_CONSUMED), 10);
	xok_fold(f->x);
	assert_int_equal(p->throttled, 20);
	/* Time brings it back, to each the same. */
	f->now += 125000000;
	arrive(f, 1, 0, &l);
	assert_int_equal(with_fate(&l, XOK_FATE_CONSUMED), 10);
	/* The environment's own is taken over with the next packets. */
	f->now += 125000000;
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, e->info->id, 8 * 12));
	arrive(f, 0, 0, &l);
	assert_int_equal(with_fate(&l, XOK_FATE_CONSUMED), 2);
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, e->info->id, 0));
	f->now += 125000000;
	arrive(f, 1, 0, &l);
	assert_int_equal(with_fate(&l, XOK_FATE_THROTTLED), 20);
	empty(&l);
}

/* ---- looking ahead ---- */

static struct {
	uint32_t four[XOK_BURST], n4, n6;
	uint8_t six[XOK_BURST][16];
} seen;

static void seen4(const void *self, uint32_t address)
{
	(void)self;
	seen.four[seen.n4++] = address;
}

static void seen6(const void *self, const uint8_t address[16])
{
	(void)self;
	memcpy(seen.six[seen.n6++], address, 16);
}

static bool is_cold;

static bool cold(const void *self)
{
	(void)self;
	return is_cold;
}

static void lookups_are_announced(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	struct tbl_lpm_ops lpm = tbl_lpm;
	struct xok_prog_spec spec = {.ntable = 3};
	struct load l = {.n = 0};

	lpm.cold = cold;
	lpm.prefetch4 = seen4;
	lpm.prefetch6 = seen6;
	f->x->lpm = &lpm;
	memset(&seen, 0, sizeof(seen));
	spec.table[0] = (uint32_t)table_new(
		f, e, 0,
		(struct xok_table_spec){.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 2});
	spec.table[1] = (uint32_t)table_new(
		f, e, 0, (struct xok_table_spec){.type = XOK_TABLE_LPM4, .entries = 2});
	spec.table[2] = (uint32_t)table_new(
		f, e, 0, (struct xok_table_spec){.type = XOK_TABLE_LPM6, .entries = 2});
	static const struct xok_lookahead bad[] = {{1, 20}, {4, 20}, {2, XOK_FRAME_MAX}};
	for (uint32_t i = 0; i < 3; i++) {
		spec.lookahead[1] = bad[i];
		assert_err(prog_new(f, e, 0, "r0 = 0; exit", spec), XOK_EINVAL);
	}
	spec.lookahead[0] = (struct xok_lookahead){2, 30};
	spec.lookahead[1] = (struct xok_lookahead){3, 24};
	handler(f, e, 0x801, "r0 = 2; exit", spec);
	for (uint32_t i = 0; i < 4; i++) {
		add(&l, 0x801, 32 + 2 * i * i); /* 32, 34, 40, 50: too short for either, or one */
		for (uint32_t j = 14; j < l.p[i].len; j++)
			l.p[i].frame[j] = (uint8_t)(i << 6 | j);
	}
	is_cold = false;
	arrive(f, 0, 0, &l);
	assert_int_equal(seen.n4 + seen.n6, 0);
	is_cold = true;
	arrive(f, 0, 0, &l);
	assert_int_equal(seen.n4, 3);
	assert_int_equal(seen.four[0], 0x5e5f6061);
	assert_int_equal(seen.n6, 2);
	assert_memory_equal(seen.six[1], l.p[3].frame + 24, 16);
	f->x->lpm = &tbl_lpm;
	empty(&l);
}

/* ---- binding under way ---- */

static void an_equal_filter_takes_over(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_with_ring(f, "a", 1);
	const struct xok_prog_info *p = handler(f, e, 0x801, "r0 = 2; exit",
						(struct xok_prog_spec){0});
	struct load l = {.n = 0};

	assert_int_equal(CALL(f, e, ring_bind, 0, 0, 3), 1);
	int64_t id = insert(f, e, XOK_PORT_ANY, 0x801);
	assert_true(id > 0);
	/* Of the same environment: its handler goes on. */
	assert_int_equal(p->refs, 1);
	add(&l, 0x801, LEN);
	arrive(f, 0, 0, &l);
	assert_int_equal(l.p[0].fate, XOK_FATE_CONSUMED);
	assert_ok(CALL(f, e, filter_remove, 0, (uint64_t)id));
	assert_int_equal(p->refs, 0);
	arrive(f, 0, 0, &l);
	assert_int_equal(l.p[0].fate, XOK_FATE_NO_FILTER);
	empty(&l);
}

#define CLUTTER (1u << 20) /* number of the first */

/* Fills a demultiplexer with filters that nobody has and nothing matches; returns how many. */
static uint32_t clutter(struct dpf *d)
{
	struct xok_filter fl = {.natoms = XOK_FILTER_ATOMS};
	uint32_t n = 0, equal;

	while (fl.natoms) {
		for (uint32_t i = 0; i < XOK_FILTER_ATOMS; i++)
			fl.atom[i] = (struct xok_atom){.off = (uint16_t)(14 + 4 * i + n % 16),
						       .size = 2,
						       .mask = (uint16_t)(1 + n / 16)};
		/* At last such as are inserted below, so that what they would need is gone as well. */
		if (fl.natoms == 1)
			fl.atom[0] = (struct xok_atom){
				.off = 12, .size = 2, .mask = 0xffff, .value = 0x1000 + n};
		if (dpf_insert(d, &fl, CLUTTER + n, &equal))
			fl.natoms /= 2;
		else
			n++;
	}
	return n;
}

/* Of one packet. */
static uint32_t fate_of(struct fake *f, uint32_t port, uint16_t type)
{
	struct load l = {.n = 0};
	uint32_t fate;

	add(&l, type, LEN);
	arrive(f, 0, port, &l);
	fate = l.p[0].fate;
	empty(&l);
	return fate;
}

/* One of the two demultiplexers has room and the other one has not: all is as it was before. */
static void a_refusal_by_the_second(void **state)
{
	struct fake *f = *state;
	struct dpf *live[NPORT];
	uint32_t count[NPORT];

	assert_int_equal(CALL(f, f->root, ring_bind, 0, 0, 3), 0);
	assert_true(insert(f, f->root, XOK_PORT_ANY, 0x801) > 0);
	for (uint32_t p = 0; p < NPORT; p++) {
		live[p] = f->x->demux[p].dpf;
		count[p] = p ? clutter(live[p]) : 0;
	}
	assert_err(insert(f, f->root, XOK_PORT_ANY, 0x802), XOK_ENOMEM);
	for (uint32_t p = 0; p < NPORT; p++) {
		assert_ptr_equal(f->x->demux[p].dpf, live[p]);
		assert_int_equal(fate_of(f, p, 0x801), XOK_FATE_RING);
		assert_int_equal(fate_of(f, p, 0x802), XOK_FATE_NO_FILTER);
		ring(f, f->root)->tail = ring(f, f->root)->head;
		while (count[p])
			assert_int_equal(dpf_remove(live[p], CLUTTER + --count[p]), 0);
	}
	assert_true(insert(f, f->root, XOK_PORT_ANY, 0x802) > 0);
	for (uint32_t p = 0; p < NPORT; p++)
		assert_int_equal(fate_of(f, p, 0x802), XOK_FATE_RING);
}

/* ---- programs that go ---- */

static const struct xok_prog_info *going;
static bool waited;

/* Nothing leads to the program any more, and it is there still: the moment at which processors must have left it. */
static void look(struct fake *f)
{
	bool bound = !going;

	for (uint32_t i = 0; i < XOK_NFILTER && going; i++)
		bound |= f->x->filter[i].prog == (uint16_t)(going - f->x->prog_info + 1);
	waited |= !bound && going->id;
}

static void waits_before_a_program_goes(void **state)
{
	struct fake *f = *state;

	going = NULL;
	f->on_quiesce = look;
	for (uint32_t way = 0; way < 3; way++) {
		struct xok_env *e = child_with_ring(f, "a", 1 + way);

		going = handler(f, e, 0x801, "r0 = 2; exit", (struct xok_prog_spec){0});
		waited = false;
		if (way == 0)
			assert_ok(CALL(f, e, prog_unload, going->id));
		else if (way == 1)
			assert_ok(CALL(f, f->root, env_destroy, 0, e->info->id));
		else
			assert_ok(CALL(f, e, env_exit, 0));
		assert_true(waited);
		assert_int_equal(going->id, 0);
	}
}

#define BOTH(name)                                                   \
	cmocka_unit_test_setup_teardown(name, setup_cpus, teardown), \
		cmocka_unit_test_setup_teardown(name, setup_interpreted, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(each_fate),
		BOTH(unsent_of_no_handler),
		BOTH(nothing_goes_uncounted),
		BOTH(tables_for_each_processor),
		BOTH(rates_are_shared_out),
		BOTH(lookups_are_announced),
		BOTH(an_equal_filter_takes_over),
		BOTH(a_refusal_by_the_second),
		BOTH(waits_before_a_program_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
