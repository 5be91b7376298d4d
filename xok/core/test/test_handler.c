/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_handler.c - handlers at work: verdicts and their counters, budgets and rates, calls between
 * programs, and everything taken away in the middle of traffic.
 */
#include "bed.h"

static uint64_t outcomes(const struct xok_prog_info *i)
{
#define ADD(name, text) +i->name
	return 0 XOK_PROG_OUTCOMES(ADD);
#undef ADD
}

/* Every packet counts once with its program, and in its port as abi.h says. */
static void check_counts(const struct bed *b, const struct xok_prog_info *i)
{
	const struct xok_port_info *p = xok_port(b->f->x, 0);

	assert_int_equal(outcomes(i), p->rx_handled);
	assert_int_equal(p->rx_packets, p->rx_no_filter + p->rx_handled);
	assert_int_equal(i->passed + i->too_short, delivered(b) + p->rx_ring_full);
}

/* ---- verdicts ---- */

static void each_verdict_counts_once(void **state)
{
	static const struct {
		const char *text;
		size_t counter;
		uint32_t rings, sent;
	} cases[] = {
#define AT(name) offsetof(struct xok_prog_info, name)
		{"r0 = 0; exit", AT(dropped), 0, 0},
		{"r0 = 1; exit", AT(passed), 1, 0},
		{"r0 = 2; exit", AT(consumed), 0, 0},
		{"r0 = 3; exit", AT(replied), 0, 1},
		{"r0 = 0x104; exit", AT(forwarded), 0, 1},
		{"r0 = 0x204; exit", AT(denied), 0, 0},
		{"r0 = 0xff04; exit", AT(denied), 0, 0},
		{"r0 = 0x2004; exit", AT(denied), 0, 0},
		{"r0 = 5; exit", AT(bad_verdict), 0, 0},
		{"r0 = 0x103; exit", AT(bad_verdict), 0, 0},
		{"r0 = 0x10104; exit", AT(bad_verdict), 0, 0},
		{"r0 = -1; exit", AT(bad_verdict), 0, 0},
		{"r0 = 0x100000001 ll; exit", AT(bad_verdict), 0, 0},
		{"r0 = 0; goto -2", AT(stopped), 0, 0},
		{"r1 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r1 + 60); r0 = 1; exit", AT(stopped), 0, 0},
#undef AT
	};
	struct fake *f = *state;
	struct bed b = bed_new(f);

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct xok_prog_info *p = handle(&b, cases[i].text,
						       (struct xok_prog_spec){.ports = 3});
		uint32_t ring = delivered(&b), sent = f->tx_count;
		uint64_t count;

		arrive(f, 0, LEN);
		memcpy(&count, (const char *)p + cases[i].counter, sizeof(count));
		assert_int_equal(count, 1);
		assert_int_equal(outcomes(p), 1);
		assert_int_equal(p->runs, 1);
		assert_int_equal(delivered(&b) - ring, cases[i].rings);
		assert_int_equal(f->tx_count - sent, cases[i].sent);
		((struct xok_ring *)f->page[b.frame[0]])->tail = delivered(&b);
		assert_ok(CALL(f, b.e, prog_unload, p->id));
	}
	assert_int_equal(xok_port(f->x, 0)->rx_handled, sizeof(cases) / sizeof(cases[0]));
}

static void stops_are_named(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, "r0 = 0; goto -2", (struct xok_prog_spec){0});

	arrive(f, 0, LEN);
	assert_int_equal(p->last_stop, VC_BUDGET_EXHAUSTED);
	assert_int_equal(p->last_pc, 1);
	assert_int_equal(p->units, vc_kinds[VC_KIND_HANDLER].budget);
	p = handle(&b, KEEP "r2 = *(u32 *)(r6 + 8); r7 += r2; r0 = *(u8 *)(r7 + 0); r0 = 1; exit",
		   (struct xok_prog_spec){0});
	arrive(f, 0, LEN);
	assert_int_equal(p->last_stop, VC_WINDOW_BOUNDS);
	assert_int_equal(p->last_pc, 4);
}

/* The context, and that the packet may be changed in place before it leaves. */
static void the_packet_is_the_handlers(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(
		&b,
		KEEP "r1 = *(u32 *)(r6 + 8); *(u32 *)(r7 + 0) = r1; r1 = *(u32 *)(r6 + 12);"
		     "*(u16 *)(r7 + 4) = r1; r1 = *(u64 *)(r6 + 16); r2 = *(u32 *)(r6 + 24);"
		     "*(u64 *)(r7 + 6) = r1; r0 = 3; if r2 == 0 goto +1; exit; r0 = 0; exit",
		(struct xok_prog_spec){.ports = 1});
	uint8_t want[LEN];

	for (uint32_t i = 0; i < LEN; i++)
		want[i] = (uint8_t)i;
	memset(want, 0, 14);
	want[0] = LEN;
	memcpy(want + 6, &f->now, 8);
	arrive(f, 0, LEN);
	assert_int_equal(p->replied, 1);
	assert_int_equal(f->tx_port, 0);
	assert_int_equal(f->tx_len, LEN);
	assert_memory_equal(f->tx, want, LEN);
	assert_int_equal(xok_port(f->x, 0)->tx_packets, 1);
	assert_int_equal(xok_port(f->x, 0)->tx_bytes, LEN);
}

static void full_queues_and_rings(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, "r0 = 0x104; exit",
					       (struct xok_prog_spec){.ports = 2});

	f->tx_full = true;
	arrive(f, 0, LEN);
	assert_int_equal(p->tx_full, 1);
	assert_int_equal(p->forwarded, 0);
	assert_int_equal(xok_port(f->x, 1)->tx_full, 1);
	check_counts(&b, p);
	f->tx_full = false;
	/* Down, or with a smaller MTU, a port takes nothing. */
	xok_port(f->x, 1)->up = 0;
	arrive(f, 0, LEN);
	xok_port(f->x, 1)->up = 1;
	xok_port(f->x, 1)->mtu = 100;
	arrive(f, 0, 119);
	assert_int_equal(p->denied, 2);
	arrive(f, 0, 118);
	assert_int_equal(p->forwarded, 1);
	check_counts(&b, p);
	xok_port(f->x, 0)->rx_packets = xok_port(f->x, 0)->rx_handled = 0;
	p = handle(&b, "r0 = 1; exit", (struct xok_prog_spec){0});
	for (uint32_t i = 0; i < 6; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->passed, 6);
	assert_int_equal(delivered(&b), 4);
	assert_int_equal(xok_port(f->x, 0)->rx_ring_full, 2);
	check_counts(&b, p);
}

static void short_packets_are_passed_on(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, KEEP "r0 = *(u8 *)(r7 + 41); r0 = 2; exit",
					       (struct xok_prog_spec){.min_len = 42});

	arrive(f, 0, 41);
	assert_int_equal(p->too_short, 1);
	assert_int_equal(p->runs, 0);
	assert_int_equal(delivered(&b), 1);
	arrive(f, 0, 42);
	assert_int_equal(p->consumed, 1);
	assert_int_equal(delivered(&b), 1);
	check_counts(&b, p);
	/* A filter without a handler any more is a filter as before. */
	assert_ok(CALL(f, b.e, prog_unload, p->id));
	arrive(f, 0, LEN);
	assert_int_equal(delivered(&b), 2);
	assert_int_equal(xok_port(f->x, 0)->rx_handled, 2);
}

static void private_data_starts_as_zeroes(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b,
					       "r1 = data + 8 ll; r0 = *(u64 *)(r1 + 0); r2 = 5;"
					       "*(u64 *)(r1 + 0) = r2; exit",
					       (struct xok_prog_spec){.data_len = 16});

	arrive(f, 0, LEN);
	arrive(f, 0, LEN);
	assert_int_equal(p->dropped, 2);
}

/* ---- budgets and rates ---- */

static void lengths_are_charged(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	struct xok_prog_spec spec = {.budget = 20 + 1600 / 8};
	const char *sum = KEEP "r2 = *(u32 *)(r6 + 8); r1 = r7; call checksum; r0 = 2; exit";
	const struct xok_prog_info *p = handle(&b, sum, spec);

	arrive(f, 0, 1500);
	assert_int_equal(p->consumed, 1);
	assert_int_equal(p->units, 20 + 1500 / 8);
	spec.budget = 20 + 1500 / 8 - 1;
	p = handle(&b, sum, spec);
	arrive(f, 0, 1500);
	assert_int_equal(p->stopped, 1);
	assert_int_equal(p->last_stop, VC_BUDGET_EXHAUSTED);
	assert_int_equal(p->last_pc, 4);
	/* The next run starts afresh. */
	arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 1);
	p = handle(&b,
		   KEEP
		   "r2 = *(u32 *)(r6 + 8); r1 = data + 0 ll; r3 = 0; call vector; r0 = 2; exit",
		   (struct xok_prog_spec){.budget = 20 + 1500 / 8 - 1, .data_len = 1500});
	arrive(f, 0, 1500);
	assert_int_equal(p->stopped, 1);
	assert_int_equal(p->units, 20);
}

#define LOOP "r1 = 100; r1 += -1; if r1 != 0 goto -2; r0 = 2; exit" /* 99 jumps of 2: 198 */
#define LOOP_COST (198 + 5)

static void rates_bound_what_is_spent(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const uint64_t rate = LOOP_COST * 8000ull; /* a thousand runs are saved up */
	const struct xok_prog_info *p = handle(&b, LOOP, (struct xok_prog_spec){.rate = rate});

	for (uint32_t i = 0; i < 1500; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 1000);
	assert_int_equal(p->throttled, 500);
	assert_int_equal(p->runs, 1000);
	/* Ten seconds of a flood: what comes in is what is let through. */
	for (uint32_t i = 0; i < 100000; i++) {
		f->now += 100000;
		arrive(f, 0, LEN);
	}
	assert_in_range(p->consumed, 1000 + 79000, 1000 + 80010);
	check_counts(&b, p);
	/* After a long pause no more than an eighth of a second is there. */
	f->now += 3600000000000ull;
	uint64_t before = p->consumed;
	for (uint32_t i = 0; i < 3000; i++)
		arrive(f, 0, LEN);
	assert_in_range(p->consumed - before, 1000, 2001);
}

static void an_environments_handlers_share_its_rate(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, LOOP, (struct xok_prog_spec){0});

	assert_ok(CALL(f, f->root, handler_rate, 0, 0, b.e->info->id, 0));
	arrive(f, 0, LEN);
	f->now += 10000000000ull;
	arrive(f, 0, LEN);
	assert_int_equal(p->throttled, 2);
	assert_int_equal(p->runs, 0);
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, b.e->info->id, 8 * 10 * LOOP_COST));
	assert_int_equal(b.e->info->handler_rate, 8 * 10 * LOOP_COST);
	for (uint32_t i = 0; i < 10; i++)
		arrive(f, 0, LEN);
	p = handle(&b, LOOP, (struct xok_prog_spec){0});
	arrive(f, 0, LEN);
	assert_int_equal(p->throttled, 1);
	f->now += 200000000;
	arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 1);
}

/* Straight code costs its length, although it spends no budget. */
static void straight_code_is_not_free(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, "r0 = 2; exit",
					       (struct xok_prog_spec){.rate = 8 * 20});

	for (uint32_t i = 0; i < 20; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 10);
	assert_int_equal(p->units, 0);
}

/* What a run takes beside its instructions is paid for as well: clearing its data, and sending. */
static void what_a_run_takes_is_charged(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const uint32_t data = 8 * 98, send = vc_helpers[VC_HELPER_send].cost;
	struct xok_prog_spec spec = {.rate = 8 * 1000, .data_len = data, .ports = 1};
	const struct xok_prog_info *p = handle(&b, "r0 = 2; exit", spec);

	for (uint32_t i = 0; i < 20; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->consumed, 10);
	spec.rate = 8ull * 3 * (send + 2);
	spec.data_len = 0;
	p = handle(&b, "r0 = 3; exit", spec);
	for (uint32_t i = 0; i < 20; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->replied, 3);
	assert_int_equal(p->throttled, 17);
	/* What is not sent costs nothing. */
	spec.ports = 0;
	p = handle(&b, "r0 = 3; exit", spec);
	for (uint32_t i = 0; i < 20; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->denied, 20);
	/* All of an environment's programs together have no more than it. */
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, b.e->info->id, spec.rate));
	spec = (struct xok_prog_spec){.ports = 1};
	for (uint32_t i = 0; i < 4; i++) {
		p = handle(&b, "r0 = 3; exit", spec);
		arrive(f, 0, LEN);
		assert_int_equal(p->replied, i < 3);
	}
}

static void rate_needs_two_rights(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");

	assert_int_equal(f->root->info->handler_rate, UINT64_MAX);
	assert_int_equal(a->info->handler_rate, 0);
	assert_err(CALL(f, a, handler_rate, 0, 0, 0, 1), XOK_EPERM);
	assert_err(CALL(f, a, handler_rate, 0, 0, f->root->info->id, 1), XOK_EPERM);
	assert_ok(forge(f, f->root, 0, 1, cap_of("x", XOK_PERM_ALL)));
	assert_err(CALL(f, f->root, handler_rate, 0, 1, a->info->id, 1), XOK_EPERM);
	assert_err(CALL(f, f->root, handler_rate, 1, 0, a->info->id, 1), XOK_EPERM);
	assert_err(CALL(f, f->root, handler_rate, 0, 0, a->info->id + 1, 1), XOK_ENOENT);
	assert_int_equal(a->info->handler_rate, 0);
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, a->info->id, 1ull << 63));
	assert_int_equal(a->info->handler_rate, 1ull << 63);
}

static void time_is_accounted(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);

	arrive(f, 0, LEN);
	assert_int_equal(f->info->handler_ns, 0);
	handle(&b, LOOP, (struct xok_prog_spec){0});
	f->now_step = 70;
	arrive(f, 0, LEN);
	assert_int_equal(f->info->handler_ns, 70);
}

/* ---- calls between programs ---- */

/* Loads a callee, and a caller that calls it with these arguments and passes what it answered. */
static const struct xok_prog_info *caller(const struct bed *b, int64_t callee, const char *text)
{
	struct xok_prog_spec spec = {.ncallee = 1, .callee = {(uint32_t)callee}};

	return handle(b, text, spec);
}

#define ARGS(n, off, len, budget) \
	"r1 = " #n "; r2 = " #off "; r3 = " #len "; r4 = " #budget "; call call"

static void a_callee_sees_its_part(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	/* Answers length * 256 + first byte, and changes the first byte. */
	int64_t q = prog_new(f, b.e, 0,
			     KEEP "r0 = *(u32 *)(r6 + 8); r0 <<= 8; r1 = *(u8 *)(r7 + 0); r0 |= r1;"
				  "r2 = 99; *(u8 *)(r7 + 0) = r2; exit",
			     (struct xok_prog_spec){.min_len = 16});
	const struct xok_prog_info *i = prog_info(f, q), *p;

	p = caller(&b, q, ARGS(0, 20, 30, 100) IS(0x1e14));
	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 1);
	assert_int_equal(((const struct xok_slot *)f->page[b.frame[1]])->data[20], 99);
	assert_int_equal(i->runs, 1);
	assert_int_equal(outcomes(i), 0);
	/* Parts that are none, or too small for it; places without a program. */
	static const char *const bad[] = {
		ARGS(0, 20, 41, 100) IS(-1), ARGS(0, 46, 15, 100) IS(-1),
		ARGS(0, 60, 0, 100) IS(-1),  ARGS(0, -1, 30, 100) IS(-1),
		ARGS(0, 30, -1, 100) IS(-1), ARGS(1, 0, 60, 100) IS(-1),
		ARGS(-1, 0, 60, 100) IS(-1), ARGS(0, 0, 60, 8) IS(-1),
	};
	for (uint32_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		p = caller(&b, q, bad[n]);
		arrive(f, 0, LEN);
		assert_int_equal(p->passed, 1);
		((struct xok_ring *)f->page[b.frame[0]])->tail = delivered(&b);
		assert_ok(CALL(f, b.e, prog_unload, p->id));
	}
	assert_int_equal(i->runs, 1);
	p = caller(&b, q, ARGS(0, 0, 60, 9) IS(0x3c00));
	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 1);
}

/* A callee cannot reach what is behind its part, spend more than it has, or trim the packet. */
static void a_callee_is_confined(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	int64_t beyond = prog_new(
		f, b.e, 0, KEEP "r2 = *(u32 *)(r6 + 8); r7 += r2; r0 = *(u8 *)(r7 + 0); exit",
		(struct xok_prog_spec){0});
	int64_t below = prog_new(f, b.e, 0,
				 KEEP "r2 = *(u32 *)(r6 + 8); r7 -= r2; r0 = *(u8 *)(r7 + 0); exit",
				 (struct xok_prog_spec){0});
	int64_t endless = prog_new(f, b.e, 0, "r0 = 0; goto -2", (struct xok_prog_spec){0});
	int64_t trims = prog_new(f, b.e, 0, "r1 = 14; call trim; exit", (struct xok_prog_spec){0});
	int64_t negative = prog_new(f, b.e, 0, "r0 = -5; exit", (struct xok_prog_spec){0});
	const int64_t all[] = {beyond, below, endless, trims, negative};

	for (uint32_t n = 0; n < 5; n++) {
		const struct xok_prog_info *p = caller(&b, all[n], ARGS(0, 20, 20, 500) IS(-1));

		arrive(f, 0, LEN);
		assert_int_equal(p->passed, 1);
		assert_int_equal(prog_info(f, all[n])->stopped, n < 3);
		((struct xok_ring *)f->page[b.frame[0]])->tail = delivered(&b);
		assert_ok(CALL(f, b.e, prog_unload, p->id));
	}
	assert_int_equal(prog_info(f, endless)->last_stop, VC_BUDGET_EXHAUSTED);
}

/* What a callee spends is the caller's; so nobody gets more than one budget out of many programs. */
static void callees_spend_the_callers_budget(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	int64_t loop = prog_new(f, b.e, 0, LOOP, (struct xok_prog_spec){0});
	/* 60 for the call, the callee's five instructions and 198, and 5 for spent. */
	const struct xok_prog_info *p = caller(&b, loop,
					       ARGS(0, 0, 60, 1000) "; call spent" IS(268));

	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 1);
	assert_int_equal(p->units, 268);
	assert_int_equal(prog_info(f, loop)->units, 198);
	/* An endless caller of an endless callee. */
	int64_t endless = prog_new(f, b.e, 0, "r0 = 0; goto -2", (struct xok_prog_spec){0});
	p = caller(&b, endless, ARGS(0, 0, 60, 50000) "; goto -6");
	arrive(f, 0, LEN);
	assert_int_equal(p->stopped, 1);
	assert_true(p->units <= vc_kinds[VC_KIND_HANDLER].budget);
	assert_true(prog_info(f, endless)->units <= vc_kinds[VC_KIND_HANDLER].budget);
}

static void callees_data_is_the_callers_expense(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	int64_t q = prog_new(f, b.e, 0, "r0 = 7; exit", (struct xok_prog_spec){.data_len = 800});
	const struct xok_prog_info *p = caller(&b, q, ARGS(0, 0, 60, 102) IS(7));

	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 1);
	assert_int_equal(p->units, 60 + 102);
	p = caller(&b, q, ARGS(0, 0, 60, 101) IS(-1));
	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 1);
}

static void a_callees_own_rate_counts(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	int64_t loop = prog_new(f, b.e, 0, LOOP,
				(struct xok_prog_spec){.rate = 8ull * 3 * LOOP_COST});
	const struct xok_prog_info *p = caller(&b, loop, ARGS(0, 0, 60, 1000) IS(2));

	for (uint32_t i = 0; i < 5; i++)
		arrive(f, 0, LEN);
	assert_int_equal(p->passed, 3);
	assert_int_equal(p->dropped, 2);
	assert_int_equal(prog_info(f, loop)->throttled, 2);
}

/* Four programs, each calling the next, each with something in its stack. */
static void calls_nest(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const char *leaf = "r1 = 1; *(u64 *)(r10 - 8) = r1; r0 = *(u64 *)(r10 - 8); exit";
	const char *node = "r6 = 2; *(u64 *)(r10 - 8) = r6;" ARGS(
		0, 0, 60, 5000) "; r1 = *(u64 *)(r10 - 8); r0 *= r1; exit";
	struct xok_prog_spec spec = {0};
	int64_t id = prog_new(f, b.e, 0, leaf, spec);

	for (uint32_t i = 1; i < XOK_CALL_DEPTH - 1; i++) {
		spec = (struct xok_prog_spec){.ncallee = 1, .callee = {(uint32_t)id}};
		id = prog_new(f, b.e, 0, node, spec);
	}
	const struct xok_prog_info *p = caller(&b, id, ARGS(0, 0, 60, 5000) IS(4));
	arrive(f, 0, LEN);
	arrive(f, 0, LEN);
	assert_int_equal(p->passed, 2);
}

/* ---- traffic goes on while everything is taken away ---- */

static void revocation_in_traffic(void **state)
{
	struct fake *f = *state;
	struct bed b = bed_new(f);
	const struct xok_prog_info *p = handle(&b, "r0 = 3; exit",
					       (struct xok_prog_spec){.ports = 1});

	arrive(f, 0, LEN);
	assert_int_equal(p->replied, 1);
	assert_ok(CALL(f, b.e, prog_unload, p->id));
	arrive(f, 0, LEN);
	assert_int_equal(delivered(&b), 1);
	p = handle(&b, "r0 = 3; exit", (struct xok_prog_spec){.ports = 1});
	arrive(f, 0, LEN);
	assert_int_equal(f->tx_count, 2);
	assert_ok(CALL(f, b.e, ring_release, 0));
	assert_int_equal(p->refs, 0);
	arrive(f, 0, LEN);
	assert_int_equal(xok_port(f->x, 0)->rx_no_filter, 1);
	assert_ok(CALL(f, f->root, env_destroy, 0, b.e->info->id));
	arrive(f, 0, LEN);
	assert_int_equal(xok_port(f->x, 0)->rx_no_filter, 2);
	assert_null(books(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(each_verdict_counts_once),
		BOTH(stops_are_named),
		BOTH(the_packet_is_the_handlers),
		BOTH(full_queues_and_rings),
		BOTH(short_packets_are_passed_on),
		BOTH(private_data_starts_as_zeroes),
		BOTH(lengths_are_charged),
		BOTH(rates_bound_what_is_spent),
		BOTH(an_environments_handlers_share_its_rate),
		BOTH(straight_code_is_not_free),
		BOTH(what_a_run_takes_is_charged),
		TEST(rate_needs_two_rights),
		BOTH(time_is_accounted),
		BOTH(a_callee_sees_its_part),
		BOTH(a_callee_is_confined),
		BOTH(callees_spend_the_callers_budget),
		BOTH(callees_data_is_the_callers_expense),
		BOTH(a_callees_own_rate_counts),
		BOTH(calls_nest),
		BOTH(revocation_in_traffic),
	};

	return cmocka_run_group_tests_name("core: handlers", tests, NULL, NULL);
}
