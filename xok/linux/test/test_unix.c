/* SPDX-License-Identifier: BSD-2-Clause */
/* test_unix.c - ports of Unix datagram sockets, on DPDK's packets: what arrives, what leaves, whose packets are whose, and what is left behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_mempool.h>

#include "xok/linux/port.h"

#define PACKETS 1023u

static struct rte_mempool *pool;
static struct port port;
static struct device device = {.kind = DEVICE_UNIX};
static char dir[64];
static int peer;

static int open_port(void)
{
	port = (struct port){.ops = &port_unix, .name = "u", .pool = pool, .fd = -1};
	return port.ops->open(&port, &device);
}

static int set_up(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	(void)state;

	strcpy(dir, "/tmp/test_unix.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	sprintf(device.what, "%s/l", dir);
	sprintf(device.peer, "%s/r", dir);
	peer = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	strcpy(at.sun_path, device.peer);
	if (bind(peer, (struct sockaddr *)&at, sizeof(at)) || open_port())
		return -1;
	return port.ops->start(&port, pool);
}

/* Every packet is back in the pool. */
static int tear_down(void **state)
{
	(void)state;
	port.ops->close(&port);
	close(peer);
	unlink(device.peer);
	return rmdir(dir) || rte_mempool_avail_count(pool) != PACKETS;
}

static void send_to_port(const void *data, size_t len)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	strcpy(at.sun_path, device.what);
	assert_int_equal(sendto(peer, data, len, 0, (struct sockaddr *)&at, sizeof(at)), len);
}

static struct rte_mbuf *packet(size_t len, int fill)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	memset(rte_pktmbuf_append(m, (uint16_t)len), fill, len);
	return m;
}

static void test_receives_in_order(void **state)
{
	struct rte_mbuf *m[PORT_BURST];
	char frame[100];
	(void)state;

	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 0);
	for (int i = 0; i < 3; i++) {
		memset(frame, i, sizeof(frame));
		send_to_port(frame, 60 + (size_t)i);
	}
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(m[i]->data_len, 60 + i);
		assert_int_equal(m[i]->pkt_len, 60 + i);
		assert_int_equal(*rte_pktmbuf_mtod(m[i], char *), i);
	}
	rte_pktmbuf_free_bulk(m, 3);
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 0);
}

/* No more than asked for at once; the rest comes later. */
static void test_receives_in_bursts(void **state)
{
	struct rte_mbuf *m[PORT_BURST];
	char frame[60] = {0};
	unsigned got = 0, n;
	(void)state;

	for (int i = 0; i < 9; i++)
		send_to_port(frame, sizeof(frame));
	while ((n = port.ops->rx(&port, 0, m, 4)) > 0) {
		assert_in_range(n, 1, 4);
		rte_pktmbuf_free_bulk(m, n);
		got += n;
	}
	assert_int_equal(got, 9);
}

/* A datagram that no packet has room for must not look like a shorter one. */
static void test_too_long_is_seen(void **state)
{
	struct rte_mbuf *m[PORT_BURST];
	static char frame[9000];
	(void)state;

	send_to_port(frame, sizeof(frame));
	send_to_port(frame, 2000);
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 2);
	assert_true(m[0]->pkt_len > XOK_FRAME_MAX);
	assert_int_equal(m[1]->pkt_len, 2000);
	rte_pktmbuf_free_bulk(m, 2);
}

static void test_empty_datagram(void **state)
{
	struct rte_mbuf *m[PORT_BURST];
	(void)state;

	send_to_port("", 0);
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 1);
	assert_int_equal(m[0]->pkt_len, 0);
	rte_pktmbuf_free(m[0]);
}

static void test_pool_empty(void **state)
{
	struct rte_mbuf *all[PACKETS], *m[PORT_BURST];
	char frame[60] = {0};
	unsigned n = 0;
	(void)state;

	while (n < PACKETS && (all[n] = rte_pktmbuf_alloc(pool)))
		n++;
	send_to_port(frame, sizeof(frame));
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 0);
	rte_pktmbuf_free_bulk(all, n);
	assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 1);
	rte_pktmbuf_free(m[0]);
}

static void test_sends(void **state)
{
	struct rte_mbuf *m[3] = {packet(60, 1), packet(61, 2), packet(1518, 3)};
	char got[2000];
	(void)state;

	assert_int_equal(port.ops->tx(&port, 0, m, 3), 3);
	assert_int_equal(recv(peer, got, sizeof(got), 0), 60);
	assert_int_equal(got[59], 1);
	assert_int_equal(recv(peer, got, sizeof(got), 0), 61);
	assert_int_equal(recv(peer, got, sizeof(got), 0), 1518);
	assert_int_equal(got[1517], 3);
	assert_int_equal(recv(peer, got, sizeof(got), 0), -1);
}

/* The other side does not read: as much as the queue holds is taken, and the rest stays the caller's. It comes in order when there is room again. */
static void test_full_queue(void **state)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned sent = 0, got = 0, tries = 0;
	uint8_t buf[100];
	(void)state;

	for (unsigned n = 1; n && sent < PACKETS - PORT_BURST; sent += n) {
		m[0] = packet(60, (int)(sent & 0xff));
		n = port.ops->tx(&port, 0, m, 1);
		rte_pktmbuf_free_bulk(m + n, 1 - n);
	}
	assert_true(port.ops->waits(&port));
	while (tries < 2) {
		while (recv(peer, buf, sizeof(buf), 0) == 60) {
			assert_int_equal(buf[59], got & 0xff);
			got++;
			tries = 0;
		}
		/* Asked to receive, it first sends. */
		assert_int_equal(port.ops->rx(&port, 0, m, PORT_BURST), 0);
		tries++;
	}
	assert_int_equal(got, sent);
	assert_false(port.ops->waits(&port));
}

/* Nobody reads for ever: no packet is taken that is neither sent nor kept, and closing gives all of them back. */
static void test_queue_is_bounded(void **state)
{
	unsigned sent = 0;
	(void)state;

	for (;;) {
		struct rte_mbuf *m[2] = {packet(60, 0), packet(60, 0)};
		unsigned n = port.ops->tx(&port, 0, m, 2);

		sent += n;
		rte_pktmbuf_free_bulk(m + n, 2 - n);
		if (n < 2)
			break;
		assert_in_range(sent, 1, 2000);
	}
	assert_in_range(sent, 512, 2000);
}

/* Nobody at the other end: frames are gone, and nothing blocks. */
static void test_nobody_there(void **state)
{
	struct rte_mbuf *m[2] = {packet(60, 0), packet(60, 0)};
	(void)state;

	close(peer);
	unlink(device.peer);
	assert_int_equal(port.ops->tx(&port, 0, m, 2), 2);
	peer = open("/dev/null", 0);
	close(open(device.peer, O_CREAT, 0600));
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	(void)state;

	port.ops->close(&port);
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	strcpy(at.sun_path, device.what);
	assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	/* Somebody has it: refused, and it stays. */
	assert_int_equal(open_port(), -1);
	port.ops->close(&port);
	assert_int_equal(access(device.what, F_OK), 0);
	close(s);
	assert_int_equal(open_port(), 0);
}

static void test_a_file_is_not_replaced(void **state)
{
	(void)state;
	port.ops->close(&port);
	close(open(device.what, O_CREAT, 0600));
	assert_int_equal(open_port(), -1);
	port.ops->close(&port);
	assert_int_equal(unlink(device.what), 0);
}

static int start_eal(void **state)
{
	char *argv[] = {"test_unix", "--no-huge", "--no-shconf",       "--no-pci", "--no-telemetry",
			"-m",	     "32",	  "--log-level=error", "-l",	   "0",
			NULL};
	(void)state;

	if (rte_eal_init(10, argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("packets", PACKETS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	return pool ? 0 : -1;
}

static int stop_eal(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_receives_in_order),
		TEST(test_receives_in_bursts),
		TEST(test_too_long_is_seen),
		TEST(test_empty_datagram),
		TEST(test_pool_empty),
		TEST(test_sends),
		TEST(test_full_queue),
		TEST(test_queue_is_bounded),
		TEST(test_nobody_there),
		TEST(test_stale_socket_is_replaced),
		TEST(test_a_file_is_not_replaced),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
