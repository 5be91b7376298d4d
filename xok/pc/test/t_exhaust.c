/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_exhaust.c - using everything up gets an error, and only for whom it should.
 */
#include "guest.h"

static struct xok_env_info last;

#define SCRATCH 0x00006b0000001000ull

/* A child takes frames until it is refused: by its quota, exactly. */
static void take_all(uint64_t arg)
{
	uint32_t frame, n = 0;
	int64_t err;

	(void)arg;
	while ((err = sys_frame_alloc(0, &frame, 1)) == XOK_OK)
		n++;
	shared()[0] = (uint64_t)err;
	shared()[1] = n;
	/* Having nothing it can still run, and be told so again. */
	shared()[2] = (uint64_t)sys_frame_alloc(0, &frame, 1);
	shared()[3] = (uint64_t)sys_env_alloc(0, 1, "x", 1);
	quit(0);
}

static const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};

static void child_quota(void)
{
	uint64_t id = spawn(take_all, 0, &own);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ((int64_t)shared()[0], XOK_EQUOTA);
	CHECK_EQ((int64_t)shared()[2], XOK_EQUOTA);
	CHECK_EQ((int64_t)shared()[3], XOK_EQUOTA);
	CHECK(shared()[1] > 0 && shared()[1] < CHILD_FRAMES);
}

/*
 * Page tables count: a mapping that needs tables it may not have is refused, and what exists stays.
 */
static void map_everywhere(uint64_t arg)
{
	uint64_t self = info()->current, va = 0x0000100000000000ull;
	uint32_t frame, n = 0;
	int64_t err = XOK_OK;

	(void)arg;
	if (sys_frame_alloc(0, &frame, 1) != XOK_OK)
		quit(1);
	for (; err == XOK_OK && n < 1000; n++, va += 1ull << 39)
		err = sys_map(0, 0, self, va, frame, XOK_PROT_R | XOK_PROT_W);
	shared()[0] = (uint64_t)err;
	shared()[1] = n;
	*(volatile uint64_t *)0x0000100000000000ull = 1;
	quit(0);
}

static void table_quota(void)
{
	uint64_t id = spawn(map_everywhere, 0, &own);

	CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &own), XOK_OK);
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
	CHECK_EQ((int64_t)shared()[0], XOK_EQUOTA);
	CHECK(shared()[1] > 1);
}

/* All memory there is, in frames that list themselves: the next one's number stands in each. */
static void all_memory(void)
{
	uint32_t frame, list = 0, n = 0;
	int64_t err;

	while ((err = sys_frame_alloc(0, &frame, 1)) == XOK_OK) {
		map_at(SCRATCH, frame, XOK_PROT_R | XOK_PROT_W);
		*(volatile uint32_t *)SCRATCH = list;
		list = frame;
		n++;
	}
	CHECK(err == XOK_ENOMEM || err == XOK_EQUOTA);
	CHECK(n > 10000); /* most of 64 MiB */
	CHECK_EQ(sys_env_alloc(0, 8, "x", 1), err);
	/* The machine goes on: it prints, sleeps and tells the time. */
	say("out of memory, and well");
	sys_env_sleep(0, now() + 20 * MS);
	while (list != 0) {
		frame = list;
		map_at(SCRATCH, frame, XOK_PROT_R);
		list = *(volatile uint32_t *)SCRATCH;
		unmap_at(SCRATCH);
		CHECK_EQ(sys_frame_free(0, frame), XOK_OK);
	}
}

static void all_environments(void)
{
	uint64_t id[XOK_NENV];
	uint32_t n = 0;
	int64_t got;

	while (n < XOK_NENV && (got = sys_env_alloc(0, 2, "many", 4)) > 0)
		id[n++] = (uint64_t)got;
	CHECK_EQ(n, XOK_NENV - 1);
	CHECK_EQ(sys_env_alloc(0, 2, "many", 4), XOK_ENOMEM);
	while (n > 0) {
		n--;
		CHECK_EQ(sys_env_destroy(0, id[n]), XOK_OK);
		CHECK_EQ(sys_env_destroy(0, id[n]), XOK_OK);
	}
}

static void all_slices(void)
{
	uint64_t self = info()->current;
	int64_t first = sys_slice_alloc(0, 0, self), slice, n = 1;

	while ((slice = sys_slice_alloc(0, 0, self)) >= 0)
		n++;
	CHECK_EQ(slice, XOK_ENOMEM);
	CHECK_EQ(n, XOK_NSLICE - 1);
	for (int64_t i = first; i < XOK_NSLICE; i++)
		CHECK_EQ(sys_slice_free(0, (uint64_t)i), XOK_OK);
	CHECK_EQ(sys_slice_free(0, XOK_NSLICE), XOK_ENOENT);
}

/* A child that spawns as deep and wide as it may cannot take the table from others. */
static void allocate_children(uint64_t arg)
{
	uint64_t n = 0;

	(void)arg;
	while (sys_env_alloc(0, 1, "grand", 5) > 0)
		n++;
	shared()[0] = n;
	quit(0);
}

static void subtree(void)
{
	uint64_t id = spawn(allocate_children, 0, &own);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK(shared()[0] > 0 && shared()[0] < XOK_ENV_SUBTREE);
}

const struct guest_test guest_tests[] = {
	{"a child's quota bounds its frames", child_quota},
	{"page tables are charged too", table_quota},
	{"all memory used up gets an error only", all_memory},
	{"all environments used up gets an error only", all_environments},
	{"all slices used up gets an error only", all_slices},
	{"a child's descendants are bounded", subtree},
	{NULL, NULL},
};
