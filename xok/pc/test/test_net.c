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
#define TURN 200000ull /* ns of a turn, before its last packet */
#define NPORT 2u

static uint64_t now = 1;
static uint64_t each; /* what a packet takes */
static uint32_t waiting[NPORT], handled[NPORT];
static bool wanted[NPORT]; /* interrupts of the receive queue */
static bool tx_broken;	   /* the transmit queues answer nonsense */
static struct xok_info bookkeeping;
static uint32_t queues; /* made so far: receive and transmit for each port */
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
	for (uint8_t i = 0; i < NPORT; i++)
		fn(&(struct pci_dev){.dev = i, .vendor = 0x1af4, .device = 0x1041});
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
	/* Receive queues get the number of their port, transmit queues one beyond them. */
	*q = (struct vq){.size = VQ_SIZE,
			 .index = index == 0 ? (uint16_t)(queues / 2) : NPORT,
			 .buffers = buffers};
	queues++;
	return true;
}

void virtio_ready(struct virtio *v)
{
	(void)v;
}

void virtio_fail(struct virtio *v)
{
	(void)v;
	assert_true(tx_broken);
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
	if (q->index < NPORT)
		wanted[q->index] = want;
}

bool vq_waiting(const struct vq *q)
{
	return q->index < NPORT && waiting[q->index] > 0;
}

uint16_t vq_unfinished(const struct vq *q)
{
	(void)q;
	return 0;
}

enum vq_result vq_take(struct vq *q, uint16_t *id, uint32_t *len)
{
	if (q->index == NPORT && tx_broken)
		return VQ_BROKEN;
	if (!vq_waiting(q))
		return VQ_EMPTY;
	waiting[q->index]--;
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

void xok_packet_in(struct xok *x, uint32_t port, void *frame, size_t len)
{
	(void)x;
	assert_int_equal(len, 60);
	handled[port]++;
	now += each;
	if (tx_broken)
		net_transmit(NULL, port, frame, len);
}

static int attach(void **state)
{
	static int kernel;

	(void)state;
	net_init();
	net_attach((struct xok *)&kernel, &bookkeeping);
	return net_ports() != NPORT;
}

static void fresh(uint64_t cost)
{
	for (unsigned i = 0; i < NPORT; i++)
		waiting[i] = 0;
	net_poll(true); /* what a test before left */
	now += 1000 * MS;
	each = cost;
	bookkeeping.rx_deferrals = 0;
	for (unsigned i = 0; i < NPORT; i++) {
		handled[i] = 0;
		wanted[i] = true;
	}
}

/* Environments want the processor for all this time; the timer polls when it is asked to. */
static void busy_for(uint64_t ns)
{
	uint64_t end = now + ns;

	while (now < end) {
		uint64_t next = net_poll(false);

		assert_true(next != UINT64_MAX);
		if (next > now)
			now = next;
	}
}

static void a_flood_takes_a_tenth(void **state)
{
	/* The last is what the largest budget takes, interpreted on an emulated processor. */
	static const uint64_t costs[] = {100, 1000, 10000, 100000, 300000, 1 * MS, 2 * MS, 5 * MS};

	(void)state;
	for (size_t n = 0; n < sizeof(costs) / sizeof(*costs); n++) {
		uint64_t cost = costs[n];

		fresh(cost);
		waiting[0] = UINT32_MAX;
		net_interrupt(0, false);
		assert_false(wanted[0]);
		busy_for(400 * MS);
		/* The last turn may have only begun. */
		assert_true(handled[0] * cost <= 40 * MS + TURN + cost);
		if (cost > 1000) /* of cheap packets, the way to them costs more */
			assert_true(handled[0] * cost >= 32 * MS);
		assert_true(bookkeeping.rx_deferrals > 5);
	}
}

static void all_ports_together_take_a_tenth(void **state)
{
	(void)state;
	fresh(10000);
	waiting[0] = waiting[1] = UINT32_MAX;
	net_interrupt(0, false);
	net_interrupt(1, false);
	assert_false(wanted[0] || wanted[1]);
	busy_for(400 * MS);
	assert_in_range((handled[0] + handled[1]) * each, 32 * MS, 41 * MS);
	/* And each its part of that. */
	assert_in_range(handled[0] * 100 / (handled[0] + handled[1]), 40, 60);
}

/* Bounded in packets, and in time, whatever packets cost. */
static void a_turn_is_bounded(void **state)
{
	(void)state;
	fresh(10);
	waiting[0] = UINT32_MAX;
	net_interrupt(0, false);
	assert_int_equal(handled[0], BURST);
	fresh(30000);
	waiting[0] = UINT32_MAX;
	net_interrupt(0, false);
	assert_in_range(handled[0] * each, TURN, TURN + each);
}

static void few_packets_are_handled_as_they_come(void **state)
{
	(void)state;
	fresh(1000);
	waiting[0] = 3;
	net_interrupt(0, false);
	assert_int_equal(handled[0], 3);
	assert_true(wanted[0]);
	assert_true(net_poll(false) == UINT64_MAX);
	assert_int_equal(bookkeeping.rx_deferrals, 0);
	/* One that follows at once waits a little, and is not forgotten. */
	waiting[0] = 1;
	net_interrupt(0, false);
	assert_false(wanted[0]);
	assert_int_equal(bookkeeping.rx_deferrals, 1);
	now = net_poll(false);
	assert_true(net_poll(false) == UINT64_MAX);
	assert_int_equal(handled[0], 4);
	assert_true(wanted[0]);
}

/* While nobody wants the processor there is nothing to wait for. */
static void an_idle_machine_handles_all(void **state)
{
	(void)state;
	fresh(1000);
	waiting[0] = 1000;
	net_interrupt(0, true);
	assert_int_equal(handled[0], BURST);
	while (net_poll(true) != UINT64_MAX)
		;
	assert_int_equal(handled[0], 1000);
	assert_true(wanted[0]);
	waiting[0] = 1;
	net_interrupt(0, true);
	assert_int_equal(handled[0], 1001);
	assert_int_equal(bookkeeping.rx_deferrals, 0);
}

/* Half a second in which the host ran somebody else is no work of ours, to be rested from. */
static void a_stalled_host_stops_no_port(void **state)
{
	uint64_t next;

	(void)state;
	fresh(500 * MS);
	waiting[0] = 1;
	net_interrupt(0, false);
	each = 1000;
	waiting[0] = 1;
	net_interrupt(0, false);
	next = net_poll(false);
	assert_true(next != UINT64_MAX);
	assert_in_range(next - now, 0, 5 * XOK_TICK_NS);
	now = next;
	net_poll(false);
	assert_int_equal(handled[0], 2);
}

/* A reply shows that the port's device lies: no other packet of it is taken. The port is down from here on. */
static void a_port_that_breaks_in_its_turn_is_left(void **state)
{
	(void)state;
	fresh(100);
	tx_broken = true;
	waiting[1] = 5;
	net_interrupt(1, false);
	assert_int_equal(handled[1], 1);
	assert_false(info.up);
	assert_int_equal(net_transmit(NULL, 1, "", 0), XOK_EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_takes_a_tenth),
		cmocka_unit_test(all_ports_together_take_a_tenth),
		cmocka_unit_test(a_turn_is_bounded),
		cmocka_unit_test(few_packets_are_handled_as_they_come),
		cmocka_unit_test(an_idle_machine_handles_all),
		cmocka_unit_test(a_stalled_host_stops_no_port),
		cmocka_unit_test(a_port_that_breaks_in_its_turn_is_left), /* the last one */
	};

	return cmocka_run_group_tests_name("pc: when ports are served", tests, attach, NULL);
}
