/* SPDX-License-Identifier: BSD-2-Clause */
/* test_map.c - frames and mappings: who may, what it costs, and when a frame is free again. */
#include "test.h"

#define AT 0x10000000ull
#define R XOK_PROT_R
#define W XOK_PROT_W
#define X XOK_PROT_X

static void alloc_zeroes_and_charges(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t frame[64], charged = r->info->frames, free_frames = f->info->frames_free;

	for (uint32_t i = 1; i < NFRAME; i++)
		if (f->x->frame[i].type == XOK_FRAME_FREE)
			memset(f->page[i], 0xee, XOK_PAGE);
	frames_new(f, r, 0, frame, 64);
	assert_int_equal(r->info->frames, charged + 64);
	assert_int_equal(f->info->frames_free, free_frames - 64);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(f->x->frame[frame[i]].type, XOK_FRAME_USER);
		assert_int_equal(f->x->frame[frame[i]].owner, r->info->id);
		for (uint32_t j = 0; j < XOK_PAGE; j++)
			assert_int_equal(f->page[frame[i]][j], 0);
	}
}

static void alloc_refuses(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 8, "a");
	uint32_t charged = r->info->frames;

	assert_err(CALL(f, r, frame_alloc, 0, MEM, 0), XOK_EINVAL);
	assert_err(CALL(f, r, frame_alloc, 0, MEM, 65), XOK_EINVAL);
	assert_err(CALL(f, r, frame_alloc, 5, MEM, 1), XOK_EPERM);
	assert_err(CALL(f, r, frame_alloc, 0, MEM + MEM_SIZE, 1), XOK_EFAULT);
	assert_err(CALL(f, r, frame_alloc, 0, MEM + MEM_SIZE - 4, 2), XOK_EFAULT);
	assert_err(CALL(f, r, frame_alloc, 0, XOK_INFO_VA, 1), XOK_EFAULT);
	assert_err(CALL(f, r, frame_alloc, 0, ~0ull, 1), XOK_EFAULT);
	/* All or none: a has two frames left. */
	assert_err(CALL(f, a, frame_alloc, 0, MEM, 3), XOK_EQUOTA);
	assert_int_equal(a->info->frames, 6);
	assert_ok(CALL(f, a, frame_alloc, 0, MEM, 2));
	assert_err(CALL(f, a, frame_alloc, 0, MEM, 1), XOK_EQUOTA);
	assert_int_equal(r->info->frames, charged);
}

static void alloc_writes_only_what_is_writable(void **state)
{
	struct fake *f = *state;
	uint32_t frame = frame_new(f, f->root, 0), charged;

	assert_ok(CALL(f, f->root, map, 0, 0, 0, MEM + MEM_SIZE, frame, R));
	charged = f->root->info->frames;
	assert_err(CALL(f, f->root, frame_alloc, 0, MEM + MEM_SIZE, 1), XOK_EFAULT);
	assert_int_equal(f->root->info->frames, charged);
}

static void map_needs_rights_on_both_sides(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint32_t mine = frame_new(f, a, 0), theirs = frame_new(f, b, 0);

	assert_err(CALL(f, a, map, 0, 0, 0, AT, theirs, R), XOK_EPERM);
	assert_err(CALL(f, a, map, 5, 0, 0, AT, mine, R), XOK_EPERM);
	assert_err(CALL(f, a, map, 0, 5, 0, AT, mine, R), XOK_EPERM);
	assert_err(CALL(f, a, map, 0, 0, b->info->id, AT, mine, R), XOK_EPERM);
	assert_err(CALL(f, a, map, 0, 0, b->info->id, MEM, 0, 0), XOK_EPERM);
	assert_ok(set_acl(f, b, 0, XOK_RES_FRAME, theirs, 1, cap_of("a", XOK_R)));
	assert_ok(CALL(f, a, map, 0, 0, 0, AT, theirs, R));
	assert_err(CALL(f, a, map, 0, 0, 0, AT, theirs, R | W), XOK_EPERM);
	/* A capability without W cannot map writable, whatever the frame's list says. */
	assert_ok(forge(f, a, 0, 1, cap_of("a", XOK_R)));
	assert_err(CALL(f, a, map, 1, 0, 0, AT, mine, R | W), XOK_EPERM);
	assert_err(CALL(f, a, map, 0, 1, 0, AT, mine, R), XOK_EPERM);
	assert_ok(CALL(f, a, map, 1, 0, 0, AT, mine, R));
	assert_ok(CALL(f, f->root, map, 0, 0, a->info->id, AT, mine, R | W));
}

static void map_refuses_bad_protections(void **state)
{
	struct fake *f = *state;
	uint32_t frame = frame_new(f, f->root, 0);

	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, R | W | X), XOK_EINVAL);
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, W | X), XOK_EINVAL);
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, W), XOK_EINVAL);
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, X), XOK_EINVAL);
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, R | 8), XOK_EINVAL);
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, frame, R | 0x80000000), XOK_EINVAL);
	assert_ok(CALL(f, f->root, map, 0, 0, 0, AT, frame, R | X));
	assert_ok(CALL(f, f->root, map, 0, 0, 0, AT, frame, R | W));
}

static void map_refuses_bad_addresses(void **state)
{
	static const uint64_t bad[] = {
		0,
		0xf000,
		XOK_USER_HI,
		XOK_INFO_VA,
		XOK_BOOT_VA,
		0x7ffffffff000,
		0x800000000000,
		0xffff800000000000,
		~0ull & ~0xfffull,
		AT + 1,
		AT + 2048,
		XOK_USER_LO - 4096,
	};
	struct fake *f = *state;
	uint32_t frame = frame_new(f, f->root, 0);

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(CALL(f, f->root, map, 0, 0, 0, bad[i], frame, R), XOK_EINVAL);
		assert_err(CALL(f, f->root, map, 0, 0, 0, bad[i], 0, 0), XOK_EINVAL);
	}
	assert_ok(CALL(f, f->root, map, 0, 0, 0, XOK_USER_LO, frame, R));
	assert_ok(CALL(f, f->root, map, 0, 0, 0, XOK_USER_HI - XOK_PAGE, frame, R));
}

/* Page tables and free frames are never mapped, even by who may do everything. */
static void map_refuses_frames_that_are_not_users(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t frame = frame_new(f, r, 0);

	assert_err(CALL(f, r, map, 0, 0, 0, AT, r->root, R), XOK_ENOENT);
	assert_err(CALL(f, r, map, 0, 0, 0, AT, f->tables->frame, R | W), XOK_ENOENT);
	assert_err(CALL(f, r, map, 0, 0, 0, AT, 0, R), XOK_ENOENT);
	assert_err(CALL(f, r, map, 0, 0, 0, AT, NFRAME, R), XOK_ENOENT);
	assert_err(CALL(f, r, map, 0, 0, 0, AT, UINT32_MAX, R), XOK_ENOENT);
	assert_ok(CALL(f, r, frame_free, 0, frame));
	assert_err(CALL(f, r, map, 0, 0, 0, AT, frame, R), XOK_ENOENT);
}

static void page_tables_are_charged_to_the_space(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 8, "a");
	uint32_t frame = frame_new(f, f->root, 0), charged = f->root->info->frames;
	uint64_t id = a->info->id;

	assert_ok(CALL(f, f->root, map, 0, 0, id, AT, frame, R));
	assert_int_equal(a->info->frames, 7);
	assert_ok(CALL(f, f->root, map, 0, 0, id, AT + (2ull << 20), frame, R));
	assert_int_equal(a->info->frames, 8);
	assert_err(CALL(f, f->root, map, 0, 0, id, AT + (4ull << 20), frame, R), XOK_EQUOTA);
	assert_int_equal(f->x->frame[frame].refs, 2);
	assert_int_equal(f->root->info->frames, charged);
	/* Unmapping what was never mapped costs nothing. */
	assert_ok(CALL(f, f->root, map, 0, 0, id, AT + (8ull << 20), 0, 0));
	assert_int_equal(a->info->frames, 8);
}

static void frames_are_free_after_the_last_mapping(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t frame = frame_new(f, r, 0), other = frame_new(f, r, 0);

	assert_ok(CALL(f, r, map, 0, 0, 0, AT, frame, R | W));
	assert_ok(CALL(f, r, map, 0, 0, 0, AT + XOK_PAGE, frame, R));
	assert_ok(CALL(f, r, map, 0, 0, 0, AT + XOK_PAGE, frame, R | W));
	assert_int_equal(f->x->frame[frame].refs, 2);
	assert_ok(CALL(f, r, frame_free, 0, frame));
	assert_err(CALL(f, r, frame_free, 0, frame), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_FRAME, frame, 0, cap_of("", XOK_R)), XOK_ENOENT);
	assert_ok(CALL(f, r, map, 0, 0, 0, AT, 0, 0));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_USER);
	/* Another frame in its place unmaps it, too. */
	assert_ok(CALL(f, r, map, 0, 0, 0, AT + XOK_PAGE, other, R));
	assert_int_equal(f->x->frame[frame].type, XOK_FRAME_FREE);
}

static void free_needs_control(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	uint32_t frame = frame_new(f, b, 0);

	assert_err(CALL(f, a, frame_free, 0, frame), XOK_EPERM);
	assert_ok(set_acl(f, b, 0, XOK_RES_FRAME, frame, 1, cap_of("a", XOK_R | XOK_W)));
	assert_err(CALL(f, a, frame_free, 0, frame), XOK_EPERM);
	assert_err(CALL(f, a, frame_free, 0, b->root), XOK_ENOENT);
	assert_err(CALL(f, a, frame_free, 0, NFRAME + 5), XOK_ENOENT);
	assert_ok(CALL(f, f->root, frame_free, 0, frame));
}

/* refs has 16 bits; a frame mapped once more would be free too early. */
static void references_do_not_wrap(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t frame = frame_new(f, r, 0), pages[2];

	assert_ok(CALL(f, r, map, 0, 0, 0, AT, frame, R | W));
	frames_new(f, r, 0, pages, 1);
	f->x->frame[frame].refs = UINT16_MAX;
	assert_err(CALL(f, r, map, 0, 0, 0, AT + XOK_PAGE, frame, R), XOK_EBUSY);
	assert_err(CALL(f, r, env_uenv, AT), XOK_EBUSY);
	pages[1] = frame;
	poke(f, r, MEM, pages, sizeof(pages));
	assert_err(CALL(f, r, ring_bind, 0, MEM, 2), XOK_EBUSY);
	f->x->frame[frame].refs = 1;
}

static void exhaustion_is_answered(void **state)
{
	struct fake *f = *state;
	uint32_t n = 0;

	while (!CALL(f, f->root, frame_alloc, 0, MEM, 1))
		n++;
	assert_int_equal(n, f->quota - 6);
	assert_int_equal(f->info->frames_free, 0);
	assert_err(CALL(f, f->root, frame_alloc, 0, MEM, 1), XOK_EQUOTA);
	assert_null(xok_root_page(f->x, f->root, AT, R));
	uint32_t last;
	peek(f, f->root, MEM, &last, sizeof(last));
	assert_err(CALL(f, f->root, map, 0, 0, 0, AT, last, R), XOK_EQUOTA);
	assert_ok(CALL(f, f->root, frame_free, 0, last));
	assert_int_equal(f->info->frames_free, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alloc_zeroes_and_charges),
		TEST(alloc_refuses),
		TEST(alloc_writes_only_what_is_writable),
		TEST(map_needs_rights_on_both_sides),
		TEST(map_refuses_bad_protections),
		TEST(map_refuses_bad_addresses),
		TEST(map_refuses_frames_that_are_not_users),
		TEST(page_tables_are_charged_to_the_space),
		TEST(frames_are_free_after_the_last_mapping),
		TEST(free_needs_control),
		TEST(references_do_not_wrap),
		TEST(exhaustion_is_answered),
	};

	return cmocka_run_group_tests_name("core: frames and mappings", tests, NULL, NULL);
}
