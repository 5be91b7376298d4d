/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net.c - when a port handles its packets: net.c on a clock, a queue and a device that are
 * ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xok/pc/virtio.h"

#define MS 1000000ull
#define BURST 64u

static uint64_t now = 1;
static uint64_t each; /* what a packet takes */
static uint32_t waiting, handled;
static bool wanted; /* interrupts of the receive queue */
static struct xok_port_info info;
static uint8_t config[64];
static uint8_t buffers[VQ_SIZE * VQ_BUFFER];

uint64_t clock_now(void)
{
	return now;
}

void kprintf(const char *fmt, ...)
{
	(void)fmt;
}

void pci_scan(void (*fn)(const struct pci_dev *d))
{
	fn(&(struct pci_dev){.vendor = 0x1af4, .device = 0x1041});
}

bool pci_msix(const struct pci_dev *d, uint32_t entry, uint8_t vector)
{
	(void)d, (void)entry, (void)vector;
	return true;
}

bool virtio_start(struct virtio *v, const struct pci_dev *d, uint64_t want, uint64_t required)
{
	(void)want;
	*v = (struct virtio){.pci = *d, .device = config, .features = required};
	return true;
}

bool virtio_queue(struct virtio *v, struct vq *q, uint16_t index, uint16_t vector)
{
	(void)v, (void)vector;
	*q = (struct vq){.size = VQ_SIZE, .index = index, .buffers = buffers};
	return true;
}

void virtio_ready(struct virtio *v)
{
	(void)v;
}

void virtio_fail(struct virtio *v)
{
	(void)v;
	fail();
}

void vq_post(struct vq *q, uint16_t id, uint32_t len, bool device_writes)
{
	(void)q, (void)id, (void)len, (void)device_writes;
}

void vq_kick(struct vq *q)
{
	(void)q;
}

void vq_interrupts(struct vq *q, bool want)
{
	if (q->index == 0)
		wanted = want;
}

bool vq_waiting(const struct vq *q)
{
	return q->index == 0 && waiting > 0;
}

enum vq_result vq_take(struct vq *q, uint16_t *id, uint32_t *len)
{
	if (q->index != 0 || waiting == 0)
		return VQ_EMPTY;
	waiting--;
	*id = 0;
	*len = 12 + 60;
	return VQ_BUFFER_BACK;
}

struct xok_port_info *xok_port(struct xok *x, uint32_t port)
{
	(void)x, (void)port;
	return &info;
}

void xok_port_up(struct xok *x, uint32_t port, const uint8_t mac[6], uint16_t mtu)
{
	(void)x, (void)port, (void)mac, (void)mtu;
}

void xok_packet_in(struct xok *x, uint32_t port, const void *frame, size_t len)
{
	(void)x, (void)port, (void)frame;
	assert_int_equal(len, 60);
	handled++;
	now += each;
}

static int attach(void **state)
{
	static int kernel;

	(void)state;
	net_init();
	net_attach((struct xok *)&kernel);
	return net_ports() != 1;
}

static void fresh(uint64_t cost)
{
	waiting = 0;
	net_poll(true); /* what a test before left */
	now += 1000 * MS;
	each = cost;
	handled = 0;
	wanted = true;
}

static void a_flood_takes_half(void **state)
{
	uint64_t start, busy;

	(void)state;
	fresh(10000);
	waiting = UINT32_MAX;
	start = now;
	net_interrupt(0);
	assert_int_equal(handled, BURST);
	assert_false(wanted);
	while (now < start + 200 * MS) {
		uint64_t next = net_poll(false);

		assert_true(next != UINT64_MAX);
		if (next > now)
			now = next;
	}
	busy = handled * each;
	assert_in_range(busy, 90 * MS, 110 * MS);
}

static void few_packets_are_handled_as_they_come(void **state)
{
	(void)state;
	fresh(1000);
	waiting = 3;
	net_interrupt(0);
	assert_int_equal(handled, 3);
	assert_true(wanted);
	assert_true(net_poll(false) == UINT64_MAX);
	/* One that follows at once waits a little, and is not forgotten. */
	waiting = 1;
	net_interrupt(0);
	assert_false(wanted);
	now = net_poll(false);
	assert_true(net_poll(false) == UINT64_MAX);
	assert_int_equal(handled, 4);
	assert_true(wanted);
}

/* Half a second in which the host ran somebody else is no work of ours, to be rested from. */
static void a_stalled_host_stops_no_port(void **state)
{
	uint64_t next;

	(void)state;
	fresh(500 * MS);
	waiting = 1;
	net_interrupt(0);
	each = 1000;
	waiting = 1;
	net_interrupt(0);
	next = net_poll(false);
	assert_true(next != UINT64_MAX);
	assert_in_range(next - now, 0, XOK_TICK_NS);
	now = next;
	net_poll(false);
	assert_int_equal(handled, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_takes_half),
		cmocka_unit_test(few_packets_are_handled_as_they_come),
		cmocka_unit_test(a_stalled_host_stops_no_port),
	};

	return cmocka_run_group_tests_name("pc: when ports are served", tests, attach, NULL);
}
