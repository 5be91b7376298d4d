/* SPDX-License-Identifier: BSD-2-Clause */
/* test_syscall.c - decoding, the batch, the bookkeeping's layout, and how the kernel starts. */
#include "test.h"

static void numbers_are_dense(void **state)
{
	(void)state;
	assert_int_equal(XOK_NSYS, 34);
	assert_int_equal(XOK_SYS_cap_forge, 0);
	assert_int_equal(XOK_SYS_handler_rate, XOK_NSYS - 1);
}

static void unknown_calls_are_refused(void **state)
{
	static const uint64_t nr[] = {XOK_NSYS, 100, ~0ull, 1ull << 32};
	struct fake *f = *state;
	uint64_t arg[6] = {0};

	for (uint32_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++)
		assert_err(xok_syscall(f->x, f->root, XOK_SYS_BASE + nr[i], arg), XOK_ENOSYS);
	assert_err(xok_syscall(f->x, f->root, 1, arg), XOK_ENOSYS);
	assert_err(xok_syscall(f->x, f->root, XOK_SYS_cap_drop, arg), XOK_ENOSYS);
	assert_int_equal(f->root->info->syscalls, 0);
}

/* Every call, with every argument in turn all ones, is refused and changes nothing. */
static void wild_arguments_are_refused(void **state)
{
	struct fake *f = *state;

	for (uint32_t nr = 0; nr < XOK_NSYS; nr++) {
		uint64_t arg[6] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull};

		if (nr == XOK_SYS_env_exit || nr == XOK_SYS_env_sleep)
			continue;
		assert_true(call6(f, f->root, nr, arg) < 0);
		assert_null(books(f));
	}
}

static int64_t batch(struct fake *f, struct xok_env *e, struct xok_call *c, uint32_t n)
{
	poke(f, e, MEM, c, n * sizeof(*c));
	int64_t rc = CALL(f, e, batch, MEM, n);
	if (env_live(e))
		peek(f, e, MEM, c, n * sizeof(*c));
	return rc;
}

static void batches_do_many(void **state)
{
	struct fake *f = *state;
	uint32_t frame[2];

	poke(f, f->root, MEM + XOK_PAGE, "hi", 2);
	struct xok_call c[] = {
		{.nr = XOK_SYS_cons_write, .arg = {0, 0, MEM + XOK_PAGE, 2}, .result = 99},
		{.nr = XOK_SYS_frame_alloc, .arg = {0, MEM + 2 * XOK_PAGE, 2}, .result = 99},
		{.nr = XOK_SYS_env_notify, .arg = {0, 0, XOK_EV_USER}, .result = 99},
	};
	assert_int_equal(batch(f, f->root, c, 3), 3);
	assert_int_equal(c[0].result, 2);
	assert_int_equal(c[1].result, 0);
	assert_int_equal(c[2].result, 0);
	assert_string_equal(f->cons[0], "hi");
	peek(f, f->root, MEM + 2 * XOK_PAGE, frame, sizeof(frame));
	assert_int_equal(f->x->frame[frame[1]].type, XOK_FRAME_USER);
	assert_int_equal(f->root->info->syscalls, 4);
}

static void batches_stop_at_the_first_failure(void **state)
{
	struct fake *f = *state;
	struct xok_call c[] = {
		{.nr = XOK_SYS_env_notify, .arg = {0, 0, XOK_EV_USER}, .result = 99},
		{.nr = XOK_SYS_env_notify, .arg = {5, 0, XOK_EV_USER}, .result = 99},
		{.nr = XOK_SYS_env_notify, .arg = {0, 0, 2 * XOK_EV_USER}, .result = 99},
	};

	assert_int_equal(batch(f, f->root, c, 3), 1);
	assert_int_equal(c[0].result, 0);
	assert_int_equal(c[1].result, XOK_EPERM);
	assert_int_equal(c[2].result, 99);
	assert_int_equal(f->root->events, XOK_EV_USER);
}

static void batches_refuse_what_ends_or_blocks(void **state)
{
	static const uint32_t refused[] = {XOK_SYS_batch, XOK_SYS_env_exit,	XOK_SYS_env_sleep,
					   XOK_SYS_yield, XOK_SYS_table_create, XOK_SYS_prog_load};
	struct fake *f = *state;

	for (uint32_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct xok_call c = {.nr = refused[i], .arg = {MEM, 0}, .result = 99};

		assert_int_equal(batch(f, f->root, &c, 1), 0);
		assert_int_equal(c.result, XOK_EINVAL);
	}
	struct xok_call c = {.nr = XOK_SYS_BASE, .result = 99};
	assert_int_equal(batch(f, f->root, &c, 1), 0);
	assert_int_equal(c.result, XOK_ENOSYS);
	assert_int_equal(f->root->info->state, XOK_ENV_RUNNABLE);
	assert_int_equal(CALL(f, f->root, batch, MEM, 0), 0);
	assert_err(CALL(f, f->root, batch, MEM, 65), XOK_EINVAL);
	assert_err(CALL(f, f->root, batch, MEM, UINT32_MAX), XOK_EINVAL);
	assert_err(CALL(f, f->root, batch, MEM + MEM_SIZE - 64, 2), XOK_EFAULT);
}

/* The calls are read once: one that overwrites the next does not change it. */
static void batches_are_read_once(void **state)
{
	struct fake *f = *state;
	uint64_t second = MEM + sizeof(struct xok_call);
	struct xok_call c[] = {
		{.nr = XOK_SYS_frame_alloc, .arg = {0, second, 16}},
		{.nr = XOK_SYS_env_notify, .arg = {0, 0, XOK_EV_USER}},
	};

	assert_int_equal(batch(f, f->root, c, 2), 2);
	assert_int_equal(f->root->events, XOK_EV_USER);
}

static void a_batch_may_lose_its_ground(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	struct xok_call self[] = {
		{.nr = XOK_SYS_env_destroy, .arg = {0, 0}},
		{.nr = XOK_SYS_frame_alloc, .arg = {0, MEM, 1}},
	};
	struct xok_call unmap[] = {
		{.nr = XOK_SYS_map, .arg = {0, 0, 0, MEM, 0, 0}},
		{.nr = XOK_SYS_env_notify, .arg = {0, 0, XOK_EV_USER}},
	};

	assert_int_equal(batch(f, a, self, 2), 0);
	assert_int_equal(a->info->state, XOK_ENV_ENDED);
	poke(f, f->root, MEM, unmap, sizeof(unmap));
	assert_err(CALL(f, f->root, batch, MEM, 2), XOK_EFAULT);
	assert_int_equal(f->root->events & XOK_EV_USER, 0);
	/* Results must have somewhere to go before the first call runs. */
	uint32_t prot;
	uint32_t frame = (uint32_t)f->x->ops->map_get(f->x->m, f->root->root, MEM + XOK_PAGE,
						      &prot);
	poke(f, f->root, MEM + XOK_PAGE, &unmap[1], sizeof(unmap[1]));
	assert_ok(CALL(f, f->root, map, 0, 0, 0, MEM + XOK_PAGE, frame, XOK_PROT_R));
	assert_err(CALL(f, f->root, batch, MEM + XOK_PAGE, 1), XOK_EFAULT);
	assert_int_equal(f->root->events & XOK_EV_USER, 0);
}

static void strings_are_cut_lists_are_not(void **state)
{
	struct fake *f = *state;

	assert_int_equal(CALL(f, f->root, cons_write, 0, 1, MEM, 5000), 4096);
	assert_int_equal(f->cons_len[1], 4096);
	assert_int_equal(CALL(f, f->root, cons_write, 0, 1, MEM, 0), 0);
	assert_err(CALL(f, f->root, cons_write, 0, 1, MEM + MEM_SIZE - 1, 2), XOK_EFAULT);
	assert_err(CALL(f, f->root, cons_write, 0, 2, MEM, 2), XOK_ENOENT);
	assert_err(CALL(f, f->root, cons_write, 1, 0, MEM, 2), XOK_EPERM);
	assert_err(CALL(f, f->root, transmit, 0, 0, MEM, 300), XOK_EINVAL);
}

static void the_bookkeeping_describes_itself(void **state)
{
	struct fake *f = *state;
	const struct xok_info *i = f->info;
	const char *base = (const char *)i;

	assert_int_equal(i->magic, XOK_INFO_MAGIC);
	assert_int_equal(i->version, XOK_ABI_VERSION);
	assert_int_equal(i->nenv, XOK_NENV);
	assert_int_equal(i->nframe, NFRAME);
	assert_int_equal(i->nport, NPORT);
	assert_int_equal(i->nslice, XOK_NSLICE);
	const struct xok_env_info *env = (const void *)(base + i->env_off);
	assert_string_equal(env[0].name, "root");
	assert_int_equal(env[0].id, f->root->info->id);
	const struct xok_frame_info *frame = (const void *)(base + i->frame_off);
	assert_int_equal(frame[0].type, XOK_FRAME_KERNEL);
	assert_int_equal(frame[f->root->root].type, XOK_FRAME_PT);
	const struct xok_port_info *port = (const void *)(base + i->port_off);
	assert_int_equal(port[NPORT - 1].mtu, 1500);
	const uint32_t *slice = (const void *)(base + i->slice_off);
	assert_int_equal(slice[0], f->root->info->id);
	assert_true(i->frame_off + NFRAME * sizeof(*frame) <= xok_info_size(NFRAME, NPORT));
	assert_int_equal(xok_info_size(NFRAME, NPORT) % XOK_PAGE, 0);
	assert_int_equal(xok_core_size(NPORT, 0) % XOK_PAGE, 0);
}

static void count_env(void *arg, struct xok_env *e)
{
	(void)e;
	++*(uint32_t *)arg;
}

static void frames_are_released_once(void **state)
{
	struct fake *f = *state;
	uint32_t free_frames = f->info->frames_free, envs = 0;

	for (uint32_t i = 0; i < NFRAME + 10; i++)
		xok_frame_release(f->x, i);
	assert_int_equal(f->info->frames_free, free_frames);
	assert_int_equal(f->quota, NFRAME - 1);
	xok_each_env(f->x, count_env, &envs);
	assert_int_equal(envs, 1);
}

/* Two kernels in one process: nothing is shared between them. */
static void there_is_no_global_state(void **state)
{
	struct fake *f = *state, other;

	fake_init(&other, 64, 1, 0);
	frame_new(&other, other.root, 0);
	assert_err(CALL(&other, other.root, env_notify, 0, 0, XOK_EV_USER), XOK_OK);
	assert_int_equal(f->root->events, 0);
	assert_null(books(f));
	assert_null(books(&other));
	CALL(&other, other.root, env_exit, 0);
	assert_true(env_live(f->root));
	fake_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_dense),
		TEST(unknown_calls_are_refused),
		TEST(wild_arguments_are_refused),
		TEST(batches_do_many),
		TEST(batches_stop_at_the_first_failure),
		TEST(batches_refuse_what_ends_or_blocks),
		TEST(batches_are_read_once),
		TEST(a_batch_may_lose_its_ground),
		TEST(strings_are_cut_lists_are_not),
		TEST(the_bookkeeping_describes_itself),
		TEST(frames_are_released_once),
		TEST(there_is_no_global_state),
	};

	return cmocka_run_group_tests_name("core: system calls", tests, NULL, NULL);
}
