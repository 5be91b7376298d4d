/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_packets.c - rings, filters and transmission with a peer that sends every frame back, addresses
 * exchanged; one whose data begin with F starts two seconds of flood.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libamp/test/tap.h"

#define TYPE_A 0x88b5
#define TYPE_B 0x88b6
#define LEN 100u

static struct got {
	uint32_t n, stop_at, wrong;
	uint8_t last;
	struct amp_ring *close;
} a, b;

static void on_packet(void *arg, struct amp_packet *p)
{
	struct got *g = arg;

	g->n++;
	g->wrong += p->port != 0 || p->len < LEN || p->time == 0 || p->time > amp_now();
	g->last = p->data[15];
	memset(p->data, 0xee, p->len);
	if (g->close != NULL)
		amp_ring_close(g->close);
	if (g->n == g->stop_at)
		amp_stop(0);
}

static void on_time(void *arg)
{
	++*(uint32_t *)arg;
	amp_stop(1);
}

/* Runs the loop until it is stopped, `ms` at most; false when they are over. */
static bool run(uint32_t ms)
{
	uint32_t over = 0;
	struct amp_timer t = {.fn = on_time, .arg = &over};

	amp_timer_in(&t, ms * 1000000ull);
	amp_run();
	amp_timer_cancel(&t);
	return over == 0;
}

static int send_frame(uint16_t type, uint8_t kind, uint8_t number)
{
	/* Head from here, body from memory that was never touched and so has no frame yet. */
	uint8_t head[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t *body = mmap(NULL, XOK_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	struct xok_iov iov[2] = {
		{.base = (uintptr_t)head, .len = sizeof(head)},
		{.base = (uintptr_t)body, .len = LEN - sizeof(head)},
	};
	int err;

	memcpy(head + 6, amp_port(0)->mac, 6);
	head[12] = (uint8_t)(type >> 8);
	head[13] = (uint8_t)type;
	head[14] = kind;
	head[15] = number;
	err = amp_transmit(0, iov, 2);
	munmap(body, XOK_PAGE);
	return err;
}

static struct xok_filter of_type(uint16_t type)
{
	return (struct xok_filter){
		.natoms = 1,
		.atom = {{.off = 12,
			  .size = 2,
			  .kind = XOK_ATOM_EQ,
			  .mask = 0xffff,
			  .value = type}},
	};
}

static void test_echo(struct amp_ring *ra, struct amp_ring *rb)
{
	struct xok_filter fa = of_type(TYPE_A), fb = of_type(TYPE_B);
	int64_t ia = amp_filter_add(ra, &fa), ib = amp_filter_add(rb, &fb);
	uint64_t unclaimed;

	tap(ia >= 0 && ib >= 0 && ia != ib, "filters are inserted, with ids of their own");
	a.stop_at = 1;
	tap(send_frame(TYPE_A, 'E', 7) == XOK_OK, "a frame is gathered and sent");
	tap(run(5000) && a.n == 1 && a.last == 7 && b.n == 0, "it comes back into its ring");
	b.stop_at = 10;
	for (uint8_t i = 0; i < 10; i++)
		send_frame(TYPE_B, 'E', i);
	tap(run(5000) && b.n == 10 && b.last == 9 && a.n == 1,
	    "ten others into the other, in order");
	tap(a.wrong == 0 && b.wrong == 0, "with port, length and time");
	tap(amp_filter_remove((uint32_t)ib) == XOK_OK, "a filter is removed");
	unclaimed = amp_port(0)->rx_no_filter;
	send_frame(TYPE_B, 'E', 1);
	tap(!run(300) && b.n == 10 && amp_port(0)->rx_no_filter == unclaimed + 1,
	    "then nobody gets its frames, and they are counted");
}

/* More than the loop can take: everything goes on, and the losses are counted. */
static void test_flood(void)
{
	uint64_t before = amp_port(0)->rx_packets, bad = amp_port(0)->rx_bad_length;
	uint32_t had = a.n;

	a.stop_at = 0;
	send_frame(TYPE_A, 'F', 0);
	tap(!run(1000) && !run(1500), "timers fire in a flood");
	tap(a.n > had + 100, "packets get through it (%u)", a.n - had);
	tap(amp_port(0)->rx_packets - before >= a.n - had && amp_port(0)->rx_bad_length > bad,
	    "and it is counted, malformed frames too");
	tap(a.wrong == 0, "none of those reached us");
}

int main(void)
{
	const struct xok_env_info *self = amp_env_info(amp_self());
	struct amp_ring *ra, *rb;
	uint32_t frames;

	tap_begin();
	run(10);
	free(malloc(100));
	frames = self->frames;
	ra = amp_ring_open(64, on_packet, &a);
	rb = amp_ring_open(16, on_packet, &b);
	tap(ra != NULL && rb != NULL && amp_ports() == 1 && amp_port(0)->up, "two rings, one port");
	test_echo(ra, rb);
	test_flood();
	a.close = ra;
	a.stop_at = 0;
	a.n = 0;
	send_frame(TYPE_A, 'E', 1);
	send_frame(TYPE_A, 'E', 2);
	run(500);
	tap(a.n == 1 && amp_port(0)->nfilter == 0,
	    "a ring closed by its own callback gets no more");
	amp_ring_close(rb);
	run(10);
	tap(self->frames <= frames + 12, "the frames are back (%u, %u)", frames, self->frames);
	tap_end();
}
