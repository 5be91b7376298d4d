/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sched.c - slices, their ends, overruns and their price, sleeping, yielding, and the other
 * upcalls.
 */
#include "test.h"

#define TICK XOK_TICK_NS
#define ENTRY 0x300000ull
#define UPSP 0x3ff000ull
#define UENV (MEM + XOK_PAGE)

static struct xok_env *schedule(struct fake *f)
{
	uint64_t until;

	return xok_schedule(f->x, &until);
}

/* Whoever runs uses up its slice to the end, where the timer fires. */
static void run_to_tick(struct fake *f)
{
	uint64_t until;
	struct xok_env *e = xok_schedule(f->x, &until);

	f->now = until;
	xok_tick(f->x, e);
}

static struct xok_uenv *uenv(struct fake *f, struct xok_env *e)
{
	return (struct xok_uenv *)f->page[e->uenv_frame];
}

/* A child with a control page whose three entries are set. */
static struct xok_env *child_with_upcalls(struct fake *f, const char *name)
{
	struct xok_env *e = child_new(f, 20, name);

	child_run(f, e);
	assert_ok(CALL(f, e, env_uenv, UENV));
	struct xok_uenv *u = uenv(f, e);
	for (uint32_t i = 0; i < XOK_NUPCALL; i++)
		u->entry[i] = ENTRY + i * 16;
	u->upcall_sp = UPSP;
	return e;
}

static void root_sleeps(struct fake *f)
{
	assert_ok(CALL(f, f->root, env_sleep, 0, UINT64_MAX));
}

static void slices_go_round(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	struct xok_env *want[] = {f->root, a, b};

	child_run(f, a);
	child_run(f, b);
	f->x->slice_pos = XOK_NSLICE - 1;
	for (uint32_t i = 0; i < 9; i++) {
		assert_ptr_equal(schedule(f), want[i % 3]);
		assert_int_equal(f->info->current, want[i % 3]->info->id);
		run_to_tick(f);
	}
	assert_int_equal(a->info->run_ns, 3 * TICK);
	assert_int_equal(b->info->slices, 3);
}

static void shares_follow_the_vector(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");

	child_run(f, a);
	child_run(f, b);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(CALL(f, f->root, slice_alloc, 0, 0, b->info->id) > 0);
	root_sleeps(f);
	for (uint32_t i = 0; i < 400; i++)
		run_to_tick(f);
	schedule(f);
	assert_in_range(a->info->run_ns, 99 * TICK, 101 * TICK);
	assert_in_range(b->info->run_ns, 299 * TICK, 301 * TICK);
}

static void slices_need_capabilities(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");

	assert_err(CALL(f, a, slice_alloc, 0, 0, 0), XOK_EPERM);
	assert_err(CALL(f, a, slice_free, 0, 0), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_CPU, 0, 1, cap_of("a", XOK_W)));
	assert_err(CALL(f, a, slice_alloc, 0, 0, b->info->id), XOK_EPERM);
	int64_t mine = CALL(f, a, slice_alloc, 0, 0, 0);
	assert_int_equal(mine, 1);
	assert_err(CALL(f, a, slice_free, 0, XOK_NSLICE), XOK_ENOENT);
	assert_err(CALL(f, a, slice_free, 0, 7), XOK_ENOENT);
	assert_ok(CALL(f, a, slice_free, 0, (uint64_t)mine));
	assert_err(CALL(f, a, slice_free, 0, (uint64_t)mine), XOK_ENOENT);
	for (uint32_t i = 1; i < XOK_NSLICE; i++)
		assert_int_equal(CALL(f, a, slice_alloc, 0, 0, 0), i);
	assert_err(CALL(f, a, slice_alloc, 0, 0, 0), XOK_ENOMEM);
}

static void a_slices_end_is_an_upcall(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a");
	struct xok_uenv *u = uenv(f, a);

	root_sleeps(f);
	assert_ptr_equal(schedule(f), a);
	a->regs.rip = CODE + 5;
	a->regs.rdi = 77;
	a->regs.rflags = 0x247;
	run_to_tick(f);
	assert_ptr_equal(schedule(f), a);
	assert_int_equal(u->disabled, 1);
	assert_int_equal(u->save[XOK_SAVE_SLICE].rip, CODE + 5);
	assert_int_equal(u->save[XOK_SAVE_SLICE].rdi, 77);
	assert_int_equal(u->save[XOK_SAVE_SLICE].rflags, 0x247);
	assert_int_equal(u->save[XOK_SAVE_SLICE].trapno, 0);
	assert_int_equal(a->regs.rip, ENTRY + 16 * XOK_UP_SLICE_END);
	assert_int_equal(a->regs.rsp, UPSP);
	assert_int_equal(a->regs.rdi, UENV + offsetof(struct xok_uenv, save[XOK_SAVE_SLICE]));
	assert_int_equal(a->regs.rflags, 0x202);
	assert_int_equal(a->overrun, 1);
	assert_ok(CALL(f, a, yield, 0));
	assert_int_equal(a->overrun, 0);
}

static void while_disabled_it_is_noted(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a");
	struct xok_uenv *u = uenv(f, a);

	root_sleeps(f);
	schedule(f);
	u->disabled = 1;
	run_to_tick(f);
	assert_int_equal(u->slice_pending, 1);
	assert_int_equal(a->regs.rip, CODE);
	assert_ok(CALL(f, a, yield, 0));
	/* A critical range is the same without the word. */
	u->disabled = u->slice_pending = 0;
	u->crit_lo = CODE;
	u->crit_hi = CODE + 1;
	run_to_tick(f);
	assert_int_equal(u->slice_pending, 1);
	assert_int_equal(a->regs.rip, CODE);
	assert_ok(CALL(f, a, yield, 0));
	u->slice_pending = 0;
	a->regs.rip = CODE + 1;
	run_to_tick(f);
	assert_int_equal(u->slice_pending, 0);
	assert_int_equal(a->regs.rip, ENTRY + 16 * XOK_UP_SLICE_END);
}

static void an_early_tick_ends_no_slice(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a");

	root_sleeps(f);
	schedule(f);
	f->now += TICK / 2;
	xok_tick(f->x, a);
	assert_int_equal(a->overrun, 0);
	xok_tick(f->x, NULL);
	assert_int_equal(f->info->ticks, 2);
}

static void an_overrun_ends_the_environment_alone(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a"), *b = child_new(f, 20, "b");
	uint32_t ticks = 0;

	child_run(f, b);
	root_sleeps(f);
	while (schedule(f) != a)
		run_to_tick(f);
	run_to_tick(f); /* the upcall */
	while (a->info->state == XOK_ENV_RUNNABLE) {
		assert_ptr_equal(schedule(f), a);
		run_to_tick(f);
		ticks++;
	}
	assert_int_equal(ticks, XOK_GRACE);
	assert_int_equal(a->info->end, XOK_END_OVERRUN);
	assert_ptr_equal(schedule(f), b);
	assert_non_null(strstr(f->cons[0], "(a) ended: overran its slice rip "));
	assert_true(f->root->events & XOK_EV_CHILD);
}

/* Without an entry for a slice's end the environment is preempted, and never ended for it. */
static void without_an_entry_it_is_preempted(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");

	child_run(f, a);
	child_run(f, b);
	root_sleeps(f);
	for (uint32_t i = 0; i < 100; i++)
		run_to_tick(f);
	assert_true(env_live(a) && env_live(b));
	assert_in_range(a->info->slices, 49, 51);
}

/*
 * Who always yields in the last moment of its grace gets no more of the processor than who yields
 * at once.
 */
static void overruns_are_paid_back(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a"), *b = child_new(f, 20, "b");
	struct xok_uenv *u = uenv(f, a);

	child_run(f, b);
	root_sleeps(f);
	for (uint32_t i = 0; i < 4000; i++) {
		run_to_tick(f);
		if (a->overrun == 8) {
			f->now += TICK / 2;
			u->disabled = 0;
			assert_ok(CALL(f, a, yield, 0));
		}
	}
	schedule(f);
	uint64_t all = a->info->run_ns + b->info->run_ns;
	assert_in_range(a->info->run_ns, all * 48 / 100, all * 52 / 100);
}

/*
 * A virtual processor may lose the host's for half a second. That is nobody's overrun, and costs
 * whom it happened to no more than the ticks that were seen.
 */
static void a_stalled_host_is_nobodys_debt(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a"), *b = child_new(f, 20, "b");
	uint64_t until;

	child_run(f, b);
	root_sleeps(f);
	while (xok_schedule(f->x, &until) != a)
		run_to_tick(f);
	/* The timer fires late, and the upcall is answered at once. */
	f->now = until + 50 * TICK;
	xok_tick(f->x, a);
	uenv(f, a)->disabled = 0;
	assert_ok(CALL(f, a, yield, 0));
	assert_in_range(a->debt, 0, TICK);
	/* The same between the upcall and its answer. */
	while (xok_schedule(f->x, &until) != a)
		run_to_tick(f);
	a->debt = 0;
	f->now = until;
	xok_tick(f->x, a);
	f->now += 50 * TICK;
	xok_tick(f->x, a);
	uenv(f, a)->disabled = 0;
	assert_ok(CALL(f, a, yield, 0));
	assert_true(env_live(a));
	assert_in_range(a->debt, 0, 2 * TICK);
}

/* Two environments that hand one slice to and fro get no more than it, whichever of them has it. */
static void a_slice_cannot_be_lent_for_ever(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a"), *c = child_with_upcalls(f, "c");
	struct xok_env *b = child_new(f, 20, "b");

	child_run(f, b);
	for (uint32_t i = 0; i < XOK_NSLICE; i++)
		if (f->x->slice[i] == c->info->id)
			f->x->slice[i] = 0;
	root_sleeps(f);
	for (uint32_t i = 0; i < 4000; i++) {
		struct xok_env *e = schedule(f);
		struct xok_env *other = e == a ? c : a;

		if (e == b) {
			run_to_tick(f);
			continue;
		}
		if (e == a && !a->overrun)
			assert_ok(CALL(f, a, yield, c->info->id));
		run_to_tick(f);
		e = schedule(f);
		if (e != b && e->overrun >= 5) {
			uenv(f, e)->disabled = 0;
			assert_ok(CALL(f, e, yield, other->info->id));
		}
	}
	schedule(f);
	uint64_t pair = a->info->run_ns + c->info->run_ns, all = pair + b->info->run_ns;
	assert_true(env_live(a) && env_live(c));
	assert_in_range(pair, all * 48 / 100, all * 52 / 100);
}

static void yield_hands_the_slice_on(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint64_t until, end;

	child_run(f, a);
	/* b has no slice of its own. */
	assert_ok(CALL(f, f->root, env_run, 0, b->info->id, CODE, MEM, 0));
	root_sleeps(f);
	assert_ptr_equal(xok_schedule(f->x, &end), a);
	f->now += TICK / 3;
	assert_ok(CALL(f, a, yield, b->info->id));
	assert_ptr_equal(xok_schedule(f->x, &until), b);
	assert_int_equal(until, end);
	run_to_tick(f);
	assert_ptr_equal(schedule(f), a);
	assert_err(CALL(f, a, yield, f->root->info->id), XOK_EAGAIN);
	assert_err(CALL(f, a, yield, 0x7f00), XOK_ENOENT);
	assert_err(CALL(f, a, yield, 0x1f05), XOK_ENOENT);
}

static void sleepers_wake_on_time(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	uint64_t until, start = f->now;

	child_run(f, a);
	root_sleeps(f);
	assert_ok(CALL(f, a, env_sleep, XOK_EV_PACKET, start + 500));
	assert_null(xok_schedule(f->x, &until));
	assert_int_equal(until, start + 500);
	assert_int_equal(f->info->current, 0);
	a->regs.rax = 99;
	f->now = start + 499;
	assert_null(xok_schedule(f->x, &until));
	f->now = start + 500;
	assert_ptr_equal(xok_schedule(f->x, &until), a);
	assert_int_equal(a->regs.rax, 0);
	assert_int_equal(until, f->now + TICK);
	assert_int_equal(f->info->idle_ns, 500);
	/* A deadline that is over is a look at the events. */
	assert_ok(CALL(f, a, env_sleep, ~0u, f->now));
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	a->events = XOK_EV_USER | XOK_EV_CONS;
	assert_int_equal(CALL(f, a, env_sleep, XOK_EV_CONS, UINT64_MAX), XOK_EV_CONS);
	assert_int_equal(a->events, XOK_EV_USER);
	assert_ok(CALL(f, a, env_sleep, XOK_EV_CONS, UINT64_MAX));
	assert_null(xok_schedule(f->x, &until));
	assert_true(until == UINT64_MAX);
	env_post(f->x, a, XOK_EV_PACKET);
	assert_int_equal(a->info->state, XOK_ENV_SLEEPING);
	env_post(f->x, a, XOK_EV_CONS);
	assert_int_equal(a->regs.rax, XOK_EV_CONS);
	assert_int_equal(a->events, XOK_EV_USER | XOK_EV_PACKET);
}

static void faults_reach_their_handler(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a");
	struct xok_uenv *u = uenv(f, a);

	a->regs.rip = CODE + 9;
	a->regs.trapno = 14;
	a->regs.addr = 0xdead000;
	a->regs.error = 6;
	xok_trap(f->x, a);
	assert_true(env_live(a));
	assert_int_equal(a->info->faults, 1);
	assert_int_equal(a->regs.rip, ENTRY);
	assert_int_equal(a->regs.rdi, UENV + offsetof(struct xok_uenv, save[XOK_SAVE_FAULT]));
	assert_int_equal(u->save[XOK_SAVE_FAULT].rip, CODE + 9);
	assert_int_equal(u->save[XOK_SAVE_FAULT].addr, 0xdead000);
	/* A second one inside the handler is the end. */
	a->regs.addr = 0x10;
	xok_trap(f->x, a);
	assert_int_equal(a->info->end, XOK_END_FAULT);
	assert_int_equal(a->info->last.addr, 0x10);
	assert_non_null(
		strstr(f->cons[0], "(a) ended: page fault at 0x10 error 0x6 rip 0x300000\n"));
}

static void a_fault_without_handler_is_the_end(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_with_upcalls(f, "b");

	child_run(f, a);
	a->regs.trapno = 13;
	xok_trap(f->x, a);
	assert_int_equal(a->info->end, XOK_END_FAULT);
	assert_non_null(
		strstr(f->cons[0], "ended: general protection fault error 0x0 rip 0x200000"));
	uenv(f, b)->entry[XOK_UP_FAULT] = 0;
	xok_trap(f->x, b);
	assert_int_equal(b->info->end, XOK_END_FAULT);
}

/*
 * What stands in the control page must not become a kernel's rip, nor one that faults on the way
 * out.
 */
static void bad_entries_are_the_end(void **state)
{
	static const uint64_t bad[] = {1, 0xffffffff80000000, 0x800000000000, XOK_USER_HI, ~0ull};
	struct fake *f = *state;

	for (uint32_t i = 0; i < 3 * sizeof(bad) / sizeof(bad[0]); i++) {
		struct xok_env *a = child_with_upcalls(f, "a");
		uint32_t id = a->info->id;

		if (i % 3 == 2)
			uenv(f, a)->upcall_sp = bad[i / 3] + 1;
		else
			uenv(f, a)->entry[i % 3 ? XOK_UP_FAULT : XOK_UP_SYSCALL] = bad[i / 3];
		if (i % 3)
			xok_trap(f->x, a);
		else
			xok_reflect(f->x, a);
		assert_int_equal(a->info->end, XOK_END_UPCALL);
		assert_ok(CALL(f, f->root, env_destroy, 0, id));
	}
	struct xok_env *a = child_with_upcalls(f, "a");
	uenv(f, a)->entry[XOK_UP_SLICE_END] = ~0ull;
	root_sleeps(f);
	run_to_tick(f);
	assert_int_equal(a->info->end, XOK_END_UPCALL);
}

static void foreign_calls_are_reflected(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a"), *b = child_new(f, 20, "b");
	struct xok_regs before = a->regs;

	before.rax = a->regs.rax = 60;
	a->regs.rflags = 0x246;
	xok_reflect(f->x, a);
	assert_int_equal(a->regs.rip, ENTRY + 16 * XOK_UP_SYSCALL);
	assert_int_equal(a->regs.rcx, before.rip);
	assert_int_equal(a->regs.r11, 0x246);
	assert_int_equal(a->regs.rax, 60);
	assert_int_equal(a->regs.rsp, before.rsp);
	assert_int_equal(uenv(f, a)->disabled, 0);
	child_run(f, b);
	xok_reflect(f->x, b);
	assert_int_equal(b->info->end, XOK_END_UPCALL);
}

/* The pinned page takes the upcall even when the environment has unmapped it. */
static void an_unmapped_control_page_still_works(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_with_upcalls(f, "a");

	assert_ok(CALL(f, a, map, 0, 0, 0, UENV, 0, 0));
	xok_trap(f->x, a);
	assert_true(env_live(a));
	assert_int_equal(a->regs.rip, ENTRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slices_go_round),
		TEST(shares_follow_the_vector),
		TEST(slices_need_capabilities),
		TEST(a_slices_end_is_an_upcall),
		TEST(while_disabled_it_is_noted),
		TEST(an_early_tick_ends_no_slice),
		TEST(an_overrun_ends_the_environment_alone),
		TEST(without_an_entry_it_is_preempted),
		TEST(overruns_are_paid_back),
		TEST(a_stalled_host_is_nobodys_debt),
		TEST(a_slice_cannot_be_lent_for_ever),
		TEST(yield_hands_the_slice_on),
		TEST(sleepers_wake_on_time),
		TEST(faults_reach_their_handler),
		TEST(a_fault_without_handler_is_the_end),
		TEST(bad_entries_are_the_end),
		TEST(foreign_calls_are_reflected),
		TEST(an_unmapped_control_page_still_works),
	};

	return cmocka_run_group_tests_name("core: processor and upcalls", tests, NULL, NULL);
}
