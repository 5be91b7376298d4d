/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_net.c - virtio-net ports against a peer that echoes each frame, and floods when a frame's first
 * byte of data is "F".
 */
#include "guest.h"

#define RING 0x00006b0000100000ull
#define NSLOTS 256u
#define NFRAMES (1 + NSLOTS / 2)

static uint32_t frames[NFRAMES];
static uint32_t tail;

static struct xok_ring *header(void)
{
	return (struct xok_ring *)RING;
}

static int64_t open_ring(void)
{
	static const struct xok_filter f = {.port = XOK_PORT_ANY};
	int64_t ring;

	for (unsigned i = 0; i < NFRAMES; i++) {
		frames[i] = new_frame();
		map_at(RING + i * XOK_PAGE, frames[i], XOK_PROT_R | XOK_PROT_W);
	}
	ring = sys_ring_bind(0, frames, NFRAMES);
	CHECK(ring >= 0);
	CHECK(sys_filter_insert(0, &f, (uint64_t)ring) >= 0);
	tail = 0;
	return ring;
}

static void close_ring(int64_t ring)
{
	CHECK_EQ(sys_ring_release((uint64_t)ring), XOK_OK);
	for (unsigned i = 0; i < NFRAMES; i++) {
		unmap_at(RING + i * XOK_PAGE);
		CHECK_EQ(sys_frame_free(0, frames[i]), XOK_OK);
	}
}

/* The next packet, or NULL after a while. It is given back by the next call. */
static struct xok_slot *receive(uint64_t ns)
{
	uint64_t until = now() + ns;

	header()->tail = tail;
	while (__atomic_load_n(&header()->head, __ATOMIC_ACQUIRE) == tail) {
		if (now() >= until)
			return NULL;
		sys_env_sleep(XOK_EV_PACKET, until);
	}
	return (struct xok_slot *)(RING + XOK_PAGE) + tail++ % NSLOTS;
}

static uint8_t frame[XOK_FRAME_MAX];

/* A frame whose bytes follow from its number; the peer's address is to be that of nobody else. */
static void make(uint32_t number, size_t len)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(number * 7 + i * 13);
	if (len > XOK_FRAME_MIN)
		frame[XOK_FRAME_MIN] = 'E';
	frame[0] = 2;
	frame[6] = 4;
}

static int64_t send(uint32_t port, size_t len)
{
	/* Three parts, the middle one empty, to gather. */
	const struct xok_iov iov[3] = {
		{(uint64_t)frame, 6}, {0, 0}, {(uint64_t)frame + 6, len - 6}};
	int64_t err;

	while ((err = sys_transmit(0, port, iov, 3)) == XOK_EAGAIN)
		sys_yield(0);
	return err;
}

/* What comes back is what was sent with the addresses exchanged. */
static bool is_echo(const struct xok_slot *s, size_t len)
{
	return s->len == len && memcmp(s->data, frame + 6, 6) == 0 &&
	       memcmp(s->data + 6, frame, 6) == 0 &&
	       memcmp(s->data + 12, frame + 12, len - 12) == 0;
}

static void numbered(void)
{
	CHECK_EQ(info()->nport, 2);
	for (uint32_t p = 0; p < 2; p++) {
		const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, (uint8_t)p};

		CHECK_EQ(memcmp(port_info(p)->mac, mac, 6), 0);
		CHECK_EQ(port_info(p)->up, 1);
	}
	CHECK_EQ(port_info(0)->mtu, 1500);
	CHECK_EQ(port_info(1)->mtu, 1400); /* the second device offers one */
	make(0, 1419);
	CHECK_EQ(send(1, 1419), XOK_EINVAL);
}

static void every_length(void)
{
	int64_t ring = open_ring();

	for (uint32_t len = 60; len <= 1414; len += 77) {
		for (uint32_t port = 0; port < 2; port++) {
			const struct xok_slot *s;

			make(len, len);
			CHECK_EQ(send(port, len), XOK_OK);
			s = receive(PATIENCE);
			CHECK(s != NULL);
			CHECK(s != NULL && s->port == port && is_echo(s, len));
		}
	}
	make(9, XOK_FRAME_MAX);
	CHECK_EQ(send(0, XOK_FRAME_MAX), XOK_OK);
	CHECK(is_echo(receive(PATIENCE), XOK_FRAME_MAX));
	close_ring(ring);
}

/*
 * Many under way at once: none lost below the ring's size, none out of order, and the queue drains.
 */
static void many(void)
{
	int64_t ring = open_ring();
	uint64_t before = port_info(0)->tx_packets;

	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 200; i++) {
			make(i, 100);
			CHECK_EQ(send(0, 100), XOK_OK);
			CHECK(port_info(0)->txq <= 256);
		}
		for (uint32_t i = 0; i < 200; i++) {
			const struct xok_slot *s = receive(PATIENCE);

			make(i, 100);
			CHECK(s != NULL && is_echo(s, 100));
			if (s == NULL)
				break;
		}
	}
	CHECK_EQ(port_info(0)->tx_packets, before + 1000);
	close_ring(ring);
}

static void latency(void)
{
	int64_t ring = open_ring();
	uint64_t start, best = UINT64_MAX;

	/* What waits for a tick takes longer each time; what waits for the host, only some times. */
	for (uint32_t i = 0; i < 500 && best >= XOK_TICK_NS / 2; i++) {
		make(i, 60);
		start = now();
		CHECK_EQ(send(0, 60), XOK_OK);
		CHECK(receive(PATIENCE) != NULL);
		if (now() - start < best)
			best = now() - start;
	}
	CHECK(best < XOK_TICK_NS / 2);
	close_ring(ring);
}

static void count(uint64_t arg)
{
	(void)arg;
	for (;;)
		shared()[0]++;
}

/*
 * The peer sends as fast as it can, frames with lengths no port may see among them. Somebody else's
 * computation must get on meanwhile, the receiver must get packets, and the bad ones must be
 * counted.
 */
static void flood(void)
{
	int64_t ring = open_ring();
	uint64_t id = spawn(count, 0, NULL), before, calm, stormy, start;
	uint64_t bad = port_info(0)->rx_bad_length, got = 0;

	sys_env_sleep(0, now() + 500 * MS);
	calm = shared()[0];
	make(1, 60);
	frame[XOK_FRAME_MIN] = 'F';
	CHECK_EQ(send(0, 60), XOK_OK);
	CHECK(receive(PATIENCE) != NULL);
	before = shared()[0];
	start = now();
	while (now() - start < 500 * MS ||
	       ((got <= 100 || port_info(0)->rx_bad_length == bad) && now() - start < PATIENCE))
		got += receive(10 * MS) != NULL;
	stormy = (shared()[0] - before) / ((now() - start) / (500 * MS));
	CHECK(got > 100);
	CHECK(port_info(0)->rx_bad_length > bad);
	CHECK(stormy > calm / 10);
	CHECK_EQ(env_info(id)->state, XOK_ENV_RUNNABLE);
	CHECK_EQ(wait_end(id, 1, NULL), XOK_END_NONE);
	while (receive(500 * MS) != NULL)
		;
	/* Over: the port answers as before. */
	make(2, 60);
	CHECK_EQ(send(0, 60), XOK_OK);
	CHECK(is_echo(receive(PATIENCE), 60));
	close_ring(ring);
}

const struct guest_test guest_tests[] = {
	{"ports are numbered in order and know address and MTU", numbered},
	{"frames of every length cross both ports unharmed", every_length},
	{"a thousand frames in bursts, none lost", many},
	{"a single frame comes back soon", latency},
	{"a flood starves nobody, and bad lengths are counted", flood},
	{NULL, NULL},
};
