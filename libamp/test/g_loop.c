/* SPDX-License-Identifier: BSD-2-Clause */
/* g_loop.c - timers, posted events and rings without packets on the exokernel. */
#include "amp/sys.h"
#include "libamp/test/tap.h"

#define NTIMER 20u

static struct {
	struct amp_timer t;
	uint64_t due, fired;
	uint32_t order;
} timers[NTIMER];

static uint32_t fired;

static void on_timer(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	timers[i].fired = amp_now();
	timers[i].order = fired++;
	if (fired == NTIMER - 1)
		amp_stop(3);
}

static void test_timers(void)
{
	uint64_t now = amp_now();
	bool ordered = true, late = false;

	for (uint32_t i = 0; i < NTIMER; i++) {
		timers[i].t = (struct amp_timer){.fn = on_timer, .arg = (void *)(uintptr_t)i};
		timers[i].due = now + 10000000 + (i * 7 % NTIMER) * 5000000;
		amp_timer_at(&timers[i].t, timers[i].due);
	}
	amp_timer_cancel(&timers[4].t);
	tap(amp_run() == 3, "the loop runs until it is stopped, and gives the code");
	for (uint32_t i = 0; i < NTIMER; i++) {
		if (i == 4)
			continue;
		late = late || timers[i].fired < timers[i].due ||
		       timers[i].fired > timers[i].due + 500000000;
		for (uint32_t j = 0; j < NTIMER; j++)
			if (j != 4 && timers[i].due < timers[j].due &&
			    timers[i].order > timers[j].order)
				ordered = false;
	}
	tap(ordered, "timers fire in order");
	tap(!late, "not before their time, and soon after");
	tap(timers[4].fired == 0, "but for the one that was cancelled");
}

static uint32_t events;

static void on_events(void *arg, uint32_t bits)
{
	(void)arg;
	events |= bits;
	if (events == (XOK_EV_USER | XOK_EV_USER << 1))
		amp_stop(0);
	else
		amp_env_notify(amp_self(), XOK_EV_USER << 1);
}

static void test_events(void)
{
	amp_on_events(on_events, NULL);
	amp_post(XOK_EV_USER);
	tap(amp_run() == 0, "posted and notified events arrive");
}

static void on_packet(void *arg, struct amp_packet *p)
{
	(void)arg;
	(void)p;
}

static void on_tick(void *arg)
{
	(void)arg;
	amp_stop(0);
}

static void test_rings(void)
{
	const struct xok_env_info *self = amp_env_info(amp_self());
	struct amp_timer t = {.fn = on_tick};
	struct xok_filter f = {.port = XOK_PORT_ANY};
	struct xok_iov iov = {.base = (uintptr_t)&f, .len = 60};
	struct amp_ring *r[20];
	uint32_t before, n = 0;

	r[0] = amp_ring_open(256, on_packet, NULL);
	tap(r[0] != NULL && amp_ring_open(5, on_packet, NULL) == NULL,
	    "a ring of 256 slots can be had, one of 5 cannot");
	amp_ring_close(r[0]);
	amp_timer_in(&t, 1000000);
	amp_run();
	before = self->frames;
	for (n = 0; n < 20; n++) {
		r[n] = amp_ring_open(16, on_packet, NULL);
		if (r[n] == NULL)
			break;
	}
	tap(n > 0 && n < 20, "rings run out (%u)", n);
	while (n > 0)
		amp_ring_close(r[--n]);
	amp_timer_in(&t, 1000000);
	amp_run();
	tap(self->frames <= before, "closed, their frames are back (%u, %u)", before, self->frames);
	tap(amp_transmit(0, &iov, 1) == XOK_ENOENT && amp_port(0) == NULL && amp_ports() == 0,
	    "no port, no transmission");
	tap(amp_filter_remove(12345) == XOK_ENOENT, "no filter, no removal");
}

static void on_line(void *arg, char *line, bool cut)
{
	(void)arg;
	(void)line;
	(void)cut;
}

int main(void)
{
	int first, second;

	tap_begin();
	test_timers();
	test_events();
	test_rings();
	first = amp_cons_open(1, on_line, NULL);
	second = amp_cons_open(1, on_line, NULL);
	tap(first == XOK_OK && second == XOK_EBUSY && amp_cons_open(7, on_line, NULL) == XOK_ENOENT,
	    "a console is opened once");
	tap(amp_cons_write(0, "# \xc3\xa4 line\n", 10) == XOK_OK, "and written to");
	tap_end();
}
