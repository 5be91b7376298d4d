/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_rings.c - packet rings whose environment writes nonsense into the shared header. The peer on
 * port 0 echoes each frame.
 */
#include "guest.h"

static struct xok_env_info last;

#define RING 0x00006b0000100000ull
#define NSLOTS 4u
#define NFRAMES (1 + NSLOTS / 2)

static struct xok_ring *header(void)
{
	return (struct xok_ring *)RING;
}

static struct xok_slot *slot(uint32_t i)
{
	return (struct xok_slot *)(RING + XOK_PAGE) + i % NSLOTS;
}

static uint32_t frames[NFRAMES];

static int64_t open_ring(void)
{
	CHECK_EQ(sys_frame_alloc(0, frames, NFRAMES), XOK_OK);
	for (unsigned i = 0; i < NFRAMES; i++)
		CHECK_EQ(sys_map(0, 0, info()->current, RING + i * XOK_PAGE, frames[i],
				 XOK_PROT_R | XOK_PROT_W),
			 XOK_OK);
	return sys_ring_bind(0, frames, NFRAMES);
}

static void close_ring(int64_t ring)
{
	CHECK_EQ(sys_ring_release((uint64_t)ring), XOK_OK);
	for (unsigned i = 0; i < NFRAMES; i++) {
		unmap_at(RING + i * XOK_PAGE);
		CHECK_EQ(sys_frame_free(0, frames[i]), XOK_OK);
	}
}

/* Everything that comes in, of whatever kind. */
static int64_t all_packets(int64_t ring)
{
	static const struct xok_filter f = {.port = XOK_PORT_ANY};

	return sys_filter_insert(0, &f, (uint64_t)ring);
}

static void send_one(uint8_t tag)
{
	uint8_t frame[60] = {2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x88, 0xb5};
	struct xok_iov iov = {(uint64_t)frame, sizeof(frame)};

	frame[20] = tag;
	while (sys_transmit(0, 0, &iov, 1) == XOK_EAGAIN)
		sys_yield(0);
}

/* Sends n frames and waits until the port has seen n echoes. */
static void exchange(unsigned n)
{
	uint64_t want = port_info(0)->rx_packets + n, until = now() + PATIENCE;

	for (unsigned i = 0; i < n; i++)
		send_one((uint8_t)i);
	while (port_info(0)->rx_packets < want && now() < until)
		sys_env_sleep(XOK_EV_PACKET, now() + 10 * MS);
	CHECK(port_info(0)->rx_packets >= want);
}

static void packets_arrive(void)
{
	int64_t ring = open_ring(), filter = all_packets(ring);

	CHECK(ring >= 0);
	CHECK(filter >= 0);
	CHECK_EQ(header()->nslots, NSLOTS);
	exchange(3);
	CHECK_EQ(header()->head, 3);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(slot(i)->len, 60);
		CHECK_EQ(slot(i)->data[20], i);
		CHECK_EQ(slot(i)->port, 0);
		CHECK_EQ(slot(i)->filter, filter);
		CHECK(slot(i)->time <= now());
	}
	close_ring(ring);
}

static void full_ring(void)
{
	int64_t ring = open_ring();
	uint64_t full = port_info(0)->rx_ring_full;

	CHECK(all_packets(ring) >= 0);
	exchange(NSLOTS + 3);
	CHECK_EQ(header()->head, NSLOTS);
	CHECK_EQ(port_info(0)->rx_ring_full, full + 3);
	header()->tail = 2;
	exchange(2);
	CHECK_EQ(header()->head, NSLOTS + 2);
	close_ring(ring);
}

static void hostile_tail(void)
{
	static const uint32_t tail[] = {1,	    NSLOTS,	NSLOTS + 1,	    0x7fffffff,
					0x80000000, 0xffffff00, UINT32_MAX - NSLOTS};
	int64_t ring = open_ring();

	CHECK(all_packets(ring) >= 0);
	for (unsigned i = 0; i < sizeof(tail) / sizeof(tail[0]); i++) {
		uint64_t full = port_info(0)->rx_ring_full;
		uint32_t head = header()->head;

		header()->tail = head + tail[i]; /* ahead of what was produced, or far behind */
		exchange(2);
		CHECK_EQ(header()->head, head);
		CHECK_EQ(port_info(0)->rx_ring_full, full + 2);
		header()->tail = head;
	}
	exchange(1);
	CHECK_EQ(header()->head, 1);
	close_ring(ring);
}

/* The kernel's head and size are its own: what the environment writes over them changes nothing. */
static void hostile_header(void)
{
	int64_t ring = open_ring();

	CHECK(all_packets(ring) >= 0);
	exchange(1);
	header()->head = 0xdeadbeef;
	header()->nslots = 0x40000000;
	header()->tail = 1;
	exchange(2);
	CHECK_EQ(header()->head, 3);
	CHECK_EQ(slot(1)->data[20], 0);
	CHECK_EQ(slot(2)->data[20], 1);
	close_ring(ring);
}

/*
 * Its pages unmapped and its frames given back while packets come: the pins keep them the ring's.
 */
static void frames_given_back(void)
{
	int64_t ring = open_ring();
	uint32_t free_before;

	CHECK(all_packets(ring) >= 0);
	for (unsigned i = 0; i < NFRAMES; i++) {
		unmap_at(RING + i * XOK_PAGE);
		CHECK_EQ(sys_frame_free(0, frames[i]), XOK_OK);
	}
	free_before = info()->frames_free;
	exchange(3);
	CHECK_EQ(info()->frames_free, free_before);
	CHECK_EQ(sys_ring_release((uint64_t)ring), XOK_OK);
	CHECK_EQ(info()->frames_free, free_before + NFRAMES + 1);
}

static void bad_rings(void)
{
	uint32_t f[4];
	uint32_t twice[2];

	CHECK_EQ(sys_frame_alloc(0, f, 4), XOK_OK);
	twice[0] = twice[1] = f[0];
	CHECK_EQ(sys_ring_bind(0, f, 0), XOK_EINVAL);
	CHECK_EQ(sys_ring_bind(0, f, 1), XOK_EINVAL);
	CHECK_EQ(sys_ring_bind(0, f, 4), XOK_EINVAL); /* six slots are no power of two */
	CHECK_EQ(sys_ring_bind(0, twice, 2), XOK_EINVAL);
	CHECK_EQ(sys_ring_bind(1, f, 2), XOK_EPERM);
	CHECK_EQ(sys_ring_release(0), XOK_ENOENT);
	CHECK_EQ(sys_ring_release(UINT64_MAX), XOK_ENOENT);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(sys_frame_free(0, f[i]), XOK_OK);
}

/* A child that dies with its ring bound: packets then find nobody, and nothing leaks. */
static void die_with_ring(uint64_t arg)
{
	int64_t ring = open_ring();

	(void)arg;
	if (ring < 0 || all_packets(ring) < 0)
		quit(1);
	header()->tail = 0x12345;
	shared()[0] = 1;
	for (;;)
		sys_env_sleep(XOK_EV_PACKET, UINT64_MAX);
}

static void owner_ends(void)
{
	const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};
	const struct xok_cap reader = {.valid = 1, .perms = XOK_R, .len = 2, .name = "zz"};
	const struct xok_cap none = {.valid = 0};
	uint64_t id, unclaimed, until = now() + PATIENCE;

	CHECK_EQ(sys_acl_set(0, XOK_RES_PORT, 0, 1, &reader), XOK_OK);
	id = spawn(die_with_ring, 0, &own);
	CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &own), XOK_OK);
	while (shared()[0] == 0 && now() < until)
		sys_env_sleep(0, now() + 5 * MS);
	CHECK_EQ(shared()[0], 1);
	exchange(2);
	CHECK_EQ(wait_end(id, 1, &last), XOK_END_NONE);
	unclaimed = port_info(0)->rx_no_filter;
	exchange(2);
	CHECK_EQ(port_info(0)->rx_no_filter, unclaimed + 2);
	CHECK_EQ(sys_acl_set(0, XOK_RES_PORT, 0, 1, &none), XOK_OK);
}

const struct guest_test guest_tests[] = {
	{"packets arrive in a ring", packets_arrive},
	{"a full ring drops and counts", full_ring},
	{"a hostile tail makes the ring full, no more", hostile_tail},
	{"a hostile header changes nothing", hostile_header},
	{"frames given back under a ring stay pinned", frames_given_back},
	{"malformed rings are refused", bad_rings},
	{"an environment that ends with its ring leaves nothing", owner_ends},
	{NULL, NULL},
};
