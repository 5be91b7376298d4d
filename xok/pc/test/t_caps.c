/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_caps.c - nothing is done without a capability that grants it: frames, ports, consoles,
 * environments, power.
 */
#include "guest.h"

static struct xok_env_info last;

#define SCRATCH 0x00006b0000001000ull

static const struct xok_cap narrow = {.valid = 1, .perms = XOK_R | XOK_W, .len = 2, .name = "zz"};

/*
 * Children report with the code they exit with: 0 when the kernel refused everything as it should.
 */
static void expect_zero(void (*fn)(uint64_t), uint64_t arg, const struct xok_cap *cap)
{
	uint64_t id = spawn(fn, arg, cap);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
}

static void want(int64_t got, int64_t expected, uint32_t code)
{
	if (got != expected)
		quit(code);
}

static void map_foreign(uint64_t frame)
{
	want(sys_map(0, 0, 0, SCRATCH, frame, XOK_PROT_R), XOK_EPERM, 1);
	want(sys_map(1, 1, 0, SCRATCH, frame, XOK_PROT_R), XOK_EPERM, 2);
	want(sys_map(XOK_NCAP, 0, 0, SCRATCH, frame, XOK_PROT_R), XOK_EINVAL, 3);
	want(sys_frame_free(0, frame), XOK_EPERM, 4);
	quit(0);
}

static void map_without_capability(void)
{
	uint32_t frame = new_frame();

	expect_zero(map_foreign, frame, &narrow);
	expect_zero(map_foreign, frame, NULL);
	CHECK_EQ(sys_frame_free(0, frame), XOK_OK);
}

/* A frame of which only reading is allowed: an entry that grants R to the child's name. */
static void map_more_than_granted(uint64_t frame)
{
	uint64_t self = info()->current;

	want(sys_map(0, 0, self, SCRATCH, frame, XOK_PROT_R), XOK_OK, 1);
	want(sys_map(0, 0, self, SCRATCH, frame, XOK_PROT_R | XOK_PROT_W), XOK_EPERM, 2);
	want(sys_map(0, 0, self, SCRATCH, frame, XOK_PROT_R | XOK_PROT_X), XOK_OK, 3);
	want(sys_frame_free(0, frame), XOK_EPERM, 4);
	quit(0);
}

static void partial_rights(void)
{
	const struct xok_cap reader = {.valid = 1, .perms = XOK_R, .len = 2, .name = "zz"};
	uint32_t frame = new_frame();
	uint64_t id;

	CHECK_EQ(sys_acl_set(0, XOK_RES_FRAME, frame, 1, &reader), XOK_OK);
	id = spawn(map_more_than_granted, frame, &narrow);
	/* It may write its own page tables. */
	CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &narrow), XOK_OK);
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
	CHECK_EQ(sys_frame_free(0, frame), XOK_OK);
}

static void whitelist(void)
{
	uint32_t frame = new_frame();

	CHECK_EQ(sys_map(0, 0, 0, SCRATCH, frame, XOK_PROT_R | XOK_PROT_W | XOK_PROT_X),
		 XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, SCRATCH, frame, XOK_PROT_W | XOK_PROT_X), XOK_EINVAL);
	/*
	 * Every single bit beyond the three: user, global, large page, cache control, whatever they
	 * would be.
	 */
	for (unsigned bit = 3; bit < 32; bit++)
		CHECK_EQ(sys_map(0, 0, 0, SCRATCH, frame, XOK_PROT_R | 1ull << bit), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, SCRATCH + 1, frame, XOK_PROT_R), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, 0, frame, XOK_PROT_R), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, XOK_INFO_VA, frame, XOK_PROT_R), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, XOK_BOOT_VA, frame, XOK_PROT_R), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, 0xffff800000000000, frame, XOK_PROT_R), XOK_EINVAL);
	CHECK_EQ(sys_map(0, 0, 0, XOK_INFO_VA, 0, 0), XOK_EINVAL);
	CHECK_EQ(sys_frame_free(0, frame), XOK_OK);
}

static void kernel_frames(void)
{
	const struct xok_frame_info *table = (const void *)(XOK_INFO_VA + info()->frame_off);
	unsigned tried[XOK_FRAME_DMA + 1] = {0};

	/* One frame of each type that is not ours to map, with every permission there is. */
	for (uint32_t f = 0; f < info()->nframe; f++) {
		uint8_t type = table[f].type;

		if (type == XOK_FRAME_USER || type == XOK_FRAME_DMA || tried[type]++ >= 8)
			continue;
		CHECK_EQ(sys_map(0, 0, 0, SCRATCH, f, XOK_PROT_R), XOK_ENOENT);
		CHECK_EQ(sys_frame_free(0, f), XOK_ENOENT);
	}
	CHECK(tried[XOK_FRAME_FREE] > 0 && tried[XOK_FRAME_KERNEL] > 0 && tried[XOK_FRAME_PT] > 0);
	CHECK_EQ(sys_map(0, 0, 0, SCRATCH, info()->nframe, XOK_PROT_R), XOK_ENOENT);
	CHECK_EQ(sys_map(0, 0, 0, SCRATCH, UINT32_MAX, XOK_PROT_R), XOK_ENOENT);
}

static void send(uint64_t arg)
{
	uint8_t frame[60] = {0};
	struct xok_iov iov = {(uint64_t)frame, sizeof(frame)};

	(void)arg;
	want(sys_transmit(0, 0, &iov, 1), XOK_EPERM, 1);
	want(sys_transmit(3, 0, &iov, 1), XOK_EPERM, 2);
	want(sys_transmit(0, 1, &iov, 1), XOK_ENOENT, 3);
	quit(0);
}

static void transmit_without_capability(void)
{
	uint64_t before = port_info(0)->tx_packets;

	CHECK_EQ(info()->nport, 1);
	expect_zero(send, 0, &narrow);
	expect_zero(send, 0, NULL);
	CHECK_EQ(port_info(0)->tx_packets, before);
}

static void transmit_with_capability(void)
{
	uint8_t frame[60] = {0};
	struct xok_iov iov[XOK_NIOV + 1] = {{(uint64_t)frame, sizeof(frame)}};
	uint64_t before = port_info(0)->tx_packets;

	CHECK_EQ(sys_transmit(0, 0, iov, 1), XOK_OK);
	CHECK_EQ(port_info(0)->tx_packets, before + 1);
	CHECK_EQ(sys_transmit(0, 0, iov, 0), XOK_EINVAL);
	CHECK_EQ(sys_transmit(0, 0, iov, XOK_NIOV + 1), XOK_EINVAL);
	iov[0].len = XOK_FRAME_MIN - 1;
	CHECK_EQ(sys_transmit(0, 0, iov, 1), XOK_EINVAL);
	iov[0].len = XOK_FRAME_MAX + 1;
	CHECK_EQ(sys_transmit(0, 0, iov, 1), XOK_EINVAL);
	iov[0].len = UINT64_MAX;
	iov[1].base = (uint64_t)frame;
	iov[1].len = 60;
	CHECK_EQ(sys_transmit(0, 0, iov, 2), XOK_EINVAL);
	iov[0].len = 60;
	iov[0].base = 0xffff800000100000;
	CHECK_EQ(sys_transmit(0, 0, iov, 1), XOK_EFAULT);
}

static void reach_for_parent(uint64_t parent)
{
	const struct xok_cap all = {.valid = 1, .perms = XOK_PERM_ALL};

	want(sys_env_destroy(0, parent), XOK_EPERM, 1);
	want(sys_map(0, 0, parent, SCRATCH, 0, 0), XOK_EPERM, 2);
	want(sys_env_notify(0, parent, XOK_EV_USER), XOK_EPERM, 3);
	want(sys_cap_give(0, parent, 0, 5), XOK_EPERM, 4);
	want(sys_acl_set(0, XOK_RES_ENV, parent, 1, &all), XOK_EPERM, 5);
	want(sys_acl_set(0, XOK_RES_PORT, 0, 1, &all), XOK_EPERM, 6);
	want(sys_cap_forge(0, 1, &all), XOK_EPERM, 7);
	want(sys_slice_alloc(0, 0, 0), XOK_EPERM, 8);
	want(sys_slice_free(0, 0), XOK_EPERM, 9);
	want(sys_cons_write(0, 0, "x", 1), XOK_EPERM, 10);
	want(sys_power(0, XOK_POWER_EXIT, 0), XOK_EPERM, 11);
	want(sys_env_alloc(5, 2, "none", 4), XOK_EPERM, 12);
	quit(0);
}

static void beyond_its_own(void)
{
	expect_zero(reach_for_parent, info()->current, &narrow);
}

const struct guest_test guest_tests[] = {
	{"mapping a frame without a capability is refused", map_without_capability},
	{"mapping more than is granted is refused", partial_rights},
	{"bits outside the whitelist, and W with X, are refused", whitelist},
	{"frames that are no environment's are refused", kernel_frames},
	{"transmitting without a capability is refused", transmit_without_capability},
	{"transmitting with it works, within bounds", transmit_with_capability},
	{"a child cannot reach beyond its capability", beyond_its_own},
	{NULL, NULL},
};
