/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_env.c - environments from birth to end: ids, quotas, events, and that everything comes
 * back.
 */
#include "test.h"

static int64_t env_alloc(struct fake *f, struct xok_env *e, uint32_t k, uint32_t quota)
{
	poke(f, e, MEM, "kid", 3);
	return CALL(f, e, env_alloc, k, quota, MEM, 3);
}

static void alloc_moves_quota(void **state)
{
	struct fake *f = *state;
	uint32_t quota = f->root->info->frames_quota;
	struct xok_env *e = env_of(f, env_alloc(f, f->root, 0, 10));

	assert_int_equal(f->root->info->frames_quota, quota - 10);
	assert_int_equal(e->info->frames_quota, 10);
	assert_int_equal(e->info->frames, 1);
	assert_int_equal(e->info->parent, f->root->info->id);
	assert_int_equal(e->info->state, XOK_ENV_NEW);
	assert_int_equal(e->info->ncap_used, 0);
	assert_string_equal(e->info->name, "kid");
	assert_memory_equal(&e->info->acl[0], &f->root->info->cap[0], sizeof(struct xok_cap));
}

static void alloc_refuses(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;

	assert_err(env_alloc(f, r, 3, 10), XOK_EPERM);
	assert_err(env_alloc(f, r, XOK_NCAP, 10), XOK_EINVAL);
	assert_err(env_alloc(f, r, 0, 0), XOK_EQUOTA);
	assert_err(env_alloc(f, r, 0, r->info->frames_quota), XOK_EQUOTA);
	assert_err(env_alloc(f, r, 0, UINT32_MAX), XOK_EQUOTA);
	assert_err(CALL(f, r, env_alloc, 0, 10, MEM, 16), XOK_EINVAL);
	assert_err(CALL(f, r, env_alloc, 0, 10, MEM + MEM_SIZE - 2, 3), XOK_EFAULT);
	assert_err(CALL(f, r, env_alloc, 0, 10, 0, 3), XOK_EFAULT);
}

static void names_are_printable(void **state)
{
	struct fake *f = *state;

	poke(f, f->root, MEM, "a\x1b[2J\n\xff", 7);
	struct xok_env *e = env_of(f, CALL(f, f->root, env_alloc, 0, 10, MEM, 7));
	assert_string_equal(e->info->name, "a?[2J??");
}

static void a_subtree_cannot_take_all_entries(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 50, "a"), *b = child_new(f, 50, "b");
	uint32_t n = 1;

	while (n <= XOK_ENV_SUBTREE && env_alloc(f, a, 0, 2) > 0)
		n++;
	assert_err(env_alloc(f, a, 0, 2), XOK_EQUOTA);
	assert_int_equal(n, XOK_ENV_SUBTREE);
	/* A grandchild counts for the same subtree; another subtree has its own. */
	assert_true(env_alloc(f, b, 0, 2) > 0);
	/* The root environment may fill the table. */
	while (env_alloc(f, f->root, 0, 1) > 0)
		n++;
	assert_err(env_alloc(f, f->root, 0, 1), XOK_ENOMEM);
	assert_err(env_alloc(f, b, 0, 1), XOK_ENOMEM);
}

static void run_checks(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint64_t id = a->info->id, sp = MEM + MEM_SIZE;

	assert_err(CALL(f, b, env_run, 0, id, CODE, sp, 0), XOK_EPERM);
	assert_err(CALL(f, f->root, env_run, 0, id, 0xffff800000000000ull, sp, 0), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_run, 0, id, 0x800000000000ull, sp, 0), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_run, 0, id, 0, sp, 0), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_run, 0, id, CODE, ~0ull, 0), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_run, 0, id, CODE, sp, MEM + 8), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_run, 0, id, CODE, sp, MEM + MEM_SIZE), XOK_EFAULT);
	assert_err(CALL(f, f->root, env_run, 0, id, CODE, sp, XOK_INFO_VA), XOK_EINVAL);
	assert_int_equal(a->info->state, XOK_ENV_NEW);
	assert_ok(CALL(f, f->root, env_run, 0, id, CODE, sp, MEM));
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	assert_int_equal(a->regs.rip, CODE);
	assert_int_equal(a->regs.rflags, 0x202);
	assert_err(CALL(f, f->root, env_run, 0, id, CODE, sp, 0), XOK_EBUSY);
}

static void the_control_page_is_pinned(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t prot;
	uint64_t page = MEM + XOK_PAGE;

	assert_err(CALL(f, r, env_uenv, page + 4), XOK_EINVAL);
	assert_err(CALL(f, r, env_uenv, 0), XOK_EINVAL);
	assert_err(CALL(f, r, env_uenv, MEM + MEM_SIZE), XOK_EFAULT);
	uint32_t frame = frame_new(f, r, 0);
	assert_ok(CALL(f, r, map, 0, 0, 0, MEM + MEM_SIZE, frame, XOK_PROT_R));
	assert_err(CALL(f, r, env_uenv, MEM + MEM_SIZE), XOK_EFAULT);

	frame = (uint32_t)f->x->ops->map_get(f, r->root, page, &prot);
	assert_ok(CALL(f, r, env_uenv, page));
	assert_int_equal(f->x->frame[frame].refs, 2);
	assert_ok(CALL(f, r, map, 0, 0, 0, page, 0, 0));
	assert_ok(CALL(f, r, frame_free, 0, frame));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_USER);
	assert_null(books(f));
	/* A new one releases the old. */
	assert_ok(CALL(f, r, env_uenv, MEM + 2 * XOK_PAGE));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_FREE);
	assert_ok(CALL(f, r, env_uenv, MEM + 2 * XOK_PAGE));
}

static void destroy_needs_control(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");

	assert_err(CALL(f, a, env_destroy, 0, b->info->id), XOK_EPERM);
	assert_err(CALL(f, a, env_destroy, 0, f->root->info->id), XOK_EPERM);
	assert_ok(forge(f, f->root, 0, 1, cap_of("a", XOK_R | XOK_W | XOK_N)));
	assert_err(CALL(f, f->root, env_destroy, 1, a->info->id), XOK_EPERM);
	assert_ok(CALL(f, f->root, env_destroy, 0, a->info->id));
}

static void an_end_gives_everything_back(void **state)
{
	struct fake *f = *state;
	uint32_t before = f->info->frames_free, quota = f->root->info->frames_quota;
	struct xok_env *a = child_new(f, 60, "a");
	uint32_t frame[9], id = a->info->id;

	child_run(f, a);
	assert_ok(CALL(f, a, env_uenv, MEM + XOK_PAGE));
	frames_new(f, a, 0, frame, 9);
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 9), 0);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 0, 1, cap_of("a", XOK_R)));
	poke(f, a, MEM, &(struct xok_filter){.port = 0}, sizeof(struct xok_filter));
	assert_true(CALL(f, a, filter_insert, 0, MEM, 0) > 0);
	assert_ok(CALL(f, a, map, 0, 0, 0, 0x10000000, frame_new(f, a, 0), XOK_PROT_R));
	frame_new(f, a, 0); /* allocated and never mapped */
	assert_null(books(f));

	assert_ok(CALL(f, f->root, env_destroy, 0, id));
	assert_int_equal(f->info->frames_free, before);
	assert_int_equal(f->root->info->frames_quota, quota);
	assert_int_equal(xok_port(f->x, 0)->nfilter, 0);
	assert_int_equal(a->info->state, XOK_ENV_ENDED);
	assert_int_equal(a->info->end, XOK_END_DESTROYED);
	assert_int_equal(a->info->id, id);
	assert_int_equal(a->info->ncap_used, 0);
	assert_true(f->root->events & XOK_EV_CHILD);
	assert_null(books(f));
	assert_ok(CALL(f, f->root, env_destroy, 0, id));
	assert_err(CALL(f, f->root, env_destroy, 0, id), XOK_ESTALE);
}

/* What a strict environment may not do ends it, in a batch as well; what is merely wrong does not. */
static void strictness(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint64_t id = a->info->id;
	uint32_t frame = frame_new(f, r, 0);

	child_run(f, a);
	child_run(f, b);
	assert_err(CALL(f, b, env_strict, 5, id), XOK_EPERM);
	assert_err(CALL(f, a, frame_free, 5, frame), XOK_EPERM); /* not strict yet */
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	assert_ok(CALL(f, r, env_strict, 0, id));
	assert_err(CALL(f, a, frame_free, XOK_NCAP, frame), XOK_EINVAL);
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	CALL(f, a, frame_free, 5, frame);
	assert_int_equal(a->info->state, XOK_ENV_ENDED);
	assert_int_equal(a->info->end, XOK_END_VIOLATION);
	assert_int_equal(b->info->state, XOK_ENV_RUNNABLE);
	assert_ok(CALL(f, r, env_destroy, 0, id));
	/* Its entry is somebody else's now, who is not strict. */
	a = child_new(f, 20, "c");
	child_run(f, a);
	assert_err(CALL(f, a, frame_free, 5, frame), XOK_EPERM);
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	assert_ok(CALL(f, r, env_destroy, 0, a->info->id));
	assert_ok(CALL(f, r, env_destroy, 0, a->info->id));
	assert_ok(CALL(f, r, env_destroy, 0, b->info->id));
	assert_ok(CALL(f, r, env_destroy, 0, b->info->id));
	assert_ok(CALL(f, r, frame_free, 0, frame));
}

static void an_ended_environment_is_only_an_entry(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 20, "a");
	uint64_t id = a->info->id;
	uint32_t frame = frame_new(f, r, 0);

	child_run(f, a);
	CALL(f, a, env_exit, 7);
	assert_int_equal(a->info->exit_code, 7);
	assert_err(CALL(f, r, cap_give, 0, id, 0, 1), XOK_ENOENT);
	assert_err(CALL(f, r, env_run, 0, id, CODE, MEM, 0), XOK_ENOENT);
	assert_err(CALL(f, r, env_notify, 0, id, XOK_EV_USER), XOK_ENOENT);
	assert_err(CALL(f, r, yield, id), XOK_ENOENT);
	assert_err(CALL(f, r, map, 0, 0, id, MEM, frame, XOK_PROT_R), XOK_ENOENT);
	assert_err(CALL(f, r, slice_alloc, 0, 0, id), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_ENV, (uint32_t)id, 1, cap_of("a", XOK_R)), XOK_ENOENT);
	assert_ok(CALL(f, r, env_destroy, 0, id));
	assert_err(CALL(f, r, env_notify, 0, id, XOK_EV_USER), XOK_ESTALE);
}

static void stale_ids_name_nobody(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	uint32_t id = a->info->id;

	assert_ok(CALL(f, f->root, env_destroy, 0, id));
	assert_ok(CALL(f, f->root, env_destroy, 0, id));
	struct xok_env *b = child_new(f, 20, "b");
	assert_ptr_equal(a, b);
	assert_int_equal(b->info->id, id + 256);
	assert_err(CALL(f, f->root, env_destroy, 0, id), XOK_ESTALE);
	assert_err(CALL(f, f->root, env_destroy, 0, id + 512), XOK_ENOENT);
	assert_err(CALL(f, f->root, env_destroy, 0, XOK_NENV | 0x100), XOK_ENOENT);
	assert_err(CALL(f, f->root, env_destroy, 0, b->info->id | 1ull << 32), XOK_ENOENT);
	assert_true(env_live(b));
}

/* The tree root - a - (b - c, d): ending a takes all of it, and only a's entry stays. */
static void descendants_end_too(void **state)
{
	struct fake *f = *state;
	uint32_t before = f->info->frames_free;
	struct xok_env *a = child_new(f, 60, "a");
	struct xok_env *b = env_of(f, env_alloc(f, a, 0, 10));
	uint32_t idb = b->info->id;

	assert_ok(CALL(f, a, cap_give, 0, idb, 0, 0));
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(map_page(f->x, b, MEM + i * XOK_PAGE,
				   (uint32_t)frame_take(f->x, b, XOK_FRAME_USER), 3));
	struct xok_env *c = env_of(f, env_alloc(f, b, 0, 3)), *d = env_of(f, env_alloc(f, a, 0, 4));
	uint32_t idc = c->info->id, idd = d->info->id;

	assert_null(books(f));
	assert_ok(CALL(f, f->root, env_destroy, 0, a->info->id));
	assert_int_equal(f->info->frames_free, before);
	assert_null(env_by_id(f->x, idb));
	assert_null(env_by_id(f->x, idc));
	assert_null(env_by_id(f->x, idd));
	assert_int_equal(a->info->state, XOK_ENV_ENDED);
}

/* Frames that somebody else still has mapped live on, charged to the parent, until they let go. */
static void shared_frames_outlive_their_owner(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint32_t frame = frame_new(f, a, 0), charged = f->root->info->frames;
	uint64_t at = MEM + MEM_SIZE;

	assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, frame, 1, cap_of("b", XOK_R)));
	assert_ok(CALL(f, b, map, 0, 0, 0, at, frame, XOK_PROT_R));
	assert_ok(CALL(f, f->root, env_destroy, 0, a->info->id));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_USER);
	assert_int_equal(f->x->frame[frame].owner, f->root->info->id);
	assert_int_equal(f->root->info->frames, charged + 1);
	assert_null(books(f));
	/* It is nobody's to map any more. */
	assert_err(CALL(f, b, map, 0, 0, 0, at + XOK_PAGE, frame, XOK_PROT_R), XOK_ENOENT);
	assert_ok(CALL(f, b, map, 0, 0, 0, at, 0, 0));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_FREE);
	assert_int_equal(f->root->info->frames, charged);
}

static void self_destruction_works(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	uint64_t until;

	child_run(f, a);
	f->x->current = a;
	CALL(f, a, env_destroy, 0, 0);
	assert_int_equal(a->info->state, XOK_ENV_ENDED);
	assert_ptr_equal(xok_schedule(f->x, &until), f->root);
}

static void the_end_of_a_child_wakes_its_parent(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");

	child_run(f, a);
	assert_ok(CALL(f, f->root, env_sleep, XOK_EV_CHILD | XOK_EV_CONS, UINT64_MAX));
	assert_int_equal(f->root->info->state, XOK_ENV_SLEEPING);
	CALL(f, a, env_exit, (uint32_t)-3);
	assert_int_equal(f->root->info->state, XOK_ENV_RUNNABLE);
	assert_int_equal(f->root->regs.rax, XOK_EV_CHILD);
	assert_int_equal(f->root->events, 0);
	assert_int_equal(a->info->exit_code, -3);
	assert_non_null(strstr(f->cons[0], "(a) ended: exit -3\n"));
}

static uint32_t lines(const struct fake *f)
{
	uint32_t n = 0;

	for (size_t i = 0; i < f->cons_len[0]; i++)
		n += f->cons[0][i] == '\n';
	return n;
}

/* Whoever keeps what is written is not filled up by an environment that makes others and ends them. */
static void ends_are_told_of_in_bounds(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");

	for (uint32_t i = 0; i < 120; i++) {
		int64_t id = CALL(f, a, env_alloc, 0, 5, MEM, 0);

		assert_true(id > 0);
		assert_ok(CALL(f, a, env_destroy, 0, (uint64_t)id));
		assert_ok(CALL(f, a, env_destroy, 0, (uint64_t)id));
	}
	assert_int_equal(lines(f), 20);
	f->now += 3000000000u;
	for (uint32_t i = 0; i < 10; i++) {
		int64_t id = CALL(f, a, env_alloc, 0, 5, MEM, 0);

		assert_ok(CALL(f, a, env_destroy, 0, (uint64_t)id));
		assert_ok(CALL(f, a, env_destroy, 0, (uint64_t)id));
	}
	assert_int_equal(lines(f), 23);
	/* The root's own are always told of. */
	assert_ok(CALL(f, f->root, env_destroy, 0, a->info->id));
	assert_int_equal(lines(f), 24);
}

static void notify_sets_user_bits_only(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint64_t id = b->info->id;

	assert_err(CALL(f, a, env_notify, 0, id, XOK_EV_USER), XOK_EPERM);
	assert_err(CALL(f, f->root, env_notify, 0, id, 0), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_notify, 0, id, XOK_EV_CHILD), XOK_EINVAL);
	assert_err(CALL(f, f->root, env_notify, 0, id, XOK_EV_USER | 1), XOK_EINVAL);
	assert_ok(forge(f, f->root, 0, 1, cap_of("b", XOK_W | XOK_C)));
	assert_err(CALL(f, f->root, env_notify, 1, id, XOK_EV_USER), XOK_EPERM);
	assert_ok(CALL(f, f->root, env_notify, 0, id, 5 * XOK_EV_USER));
	assert_int_equal(b->events, 5 * XOK_EV_USER);
}

static void the_root_environment_ends_the_node(void **state)
{
	struct fake *f = *state;

	CALL(f, f->root, env_exit, 3);
	assert_true(f->powered);
	assert_int_equal(f->power_how, XOK_POWER_EXIT);
	assert_int_equal(f->power_status, 3);
}

static void consoles_have_one_owner(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 20, "a");
	char got[6] = {0};

	xok_cons_in(f->x, 1);
	assert_int_equal(r->events, 0);
	f->cons_waiting = "hello";
	assert_int_equal(CALL(f, r, cons_read, 0, 1, MEM, 3), 3);
	assert_int_equal(CALL(f, r, cons_read, 0, 1, MEM + 3, 99), 2);
	peek(f, r, MEM, got, 5);
	assert_string_equal(got, "hello");
	assert_ok(set_acl(f, r, 0, XOK_RES_CONS, 1, 1, cap_of("a", XOK_R)));
	assert_int_equal(CALL(f, a, cons_read, 0, 1, MEM, 3), 0);
	xok_cons_in(f->x, 1);
	assert_int_equal(r->events, XOK_EV_CONS);
	assert_int_equal(a->events, 0);
	assert_err(CALL(f, a, cons_read, 0, 0, MEM, 3), XOK_EPERM);
	assert_err(CALL(f, r, cons_read, 0, 2, MEM, 3), XOK_ENOENT);
	f->cons_waiting = "lost?";
	assert_err(CALL(f, r, cons_read, 0, 1, MEM + MEM_SIZE - 2, 5), XOK_EFAULT);
	assert_int_equal(strlen(f->cons_waiting), 5);
}

static void a_console_outlives_its_owner(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	uint32_t id = a->info->id;

	assert_ok(set_acl(f, f->root, 0, XOK_RES_CONS, 1, 1, cap_of("a", XOK_R)));
	assert_int_equal(CALL(f, a, cons_read, 0, 1, MEM, 3), 0);
	assert_ok(CALL(f, f->root, env_destroy, 0, id));
	xok_cons_in(f->x, 1);
	assert_int_equal(CALL(f, f->root, cons_read, 0, 1, MEM, 3), 0);
	f->root->events = 0;
	xok_cons_in(f->x, 1);
	assert_int_equal(f->root->events, XOK_EV_CONS);
	assert_int_equal(a->events, 0);
}

static void power_needs_control(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");

	assert_err(CALL(f, a, power, 0, XOK_POWER_OFF, 0), XOK_EPERM);
	assert_err(CALL(f, f->root, power, 0, 3, 0), XOK_EINVAL);
	assert_false(f->powered);
	assert_ok(CALL(f, f->root, power, 0, XOK_POWER_EXIT, 5));
	assert_true(f->powered);
	assert_int_equal(f->power_status, 5);
	f->powered = false;
}

/*
 * Everybody reads the bookkeeping: the registers of an environment that did not fail stay its own.
 */
static void last_registers_are_for_failures(void **state)
{
	static const struct xok_regs none;
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");

	child_run(f, a);
	child_run(f, b);
	a->regs.rbx = b->regs.rbx = 0x5ec3e7;
	assert_ok(CALL(f, a, env_exit, 3));
	assert_memory_equal(&a->info->last, &none, sizeof(none));
	assert_ok(CALL(f, f->root, env_destroy, 0, b->info->id));
	assert_memory_equal(&b->info->last, &none, sizeof(none));
	struct xok_env *c = child_new(f, 20, "c");
	c->regs.rbx = 0xf4;
	xok_trap(f->x, c);
	assert_int_equal(c->info->last.rbx, 0xf4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alloc_moves_quota),
		TEST(alloc_refuses),
		TEST(names_are_printable),
		TEST(a_subtree_cannot_take_all_entries),
		TEST(run_checks),
		TEST(the_control_page_is_pinned),
		TEST(destroy_needs_control),
		TEST(an_end_gives_everything_back),
		TEST(strictness),
		TEST(an_ended_environment_is_only_an_entry),
		TEST(stale_ids_name_nobody),
		TEST(descendants_end_too),
		TEST(shared_frames_outlive_their_owner),
		TEST(self_destruction_works),
		TEST(the_end_of_a_child_wakes_its_parent),
		TEST(ends_are_told_of_in_bounds),
		TEST(notify_sets_user_bits_only),
		TEST(the_root_environment_ends_the_node),
		TEST(consoles_have_one_owner),
		TEST(a_console_outlives_its_owner),
		TEST(power_needs_control),
		TEST(last_registers_are_for_failures),
	};

	return cmocka_run_group_tests_name("core: environments", tests, NULL, NULL);
}
