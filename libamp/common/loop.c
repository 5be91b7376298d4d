/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c - the event loop: timers, then packets, then whatever the backend waits for. Nothing below
 * it blocks anywhere else.
 */
#include <stdlib.h>

#include "libamp/common/backend.h"
#include "libamp/common/timers.h"

/*
 * Packets of one ring per turn: a flooded ring cannot starve the others, the timers or the
 * consoles.
 */
#define TURN_PACKETS 32u

static struct {
	struct timers timers;
	struct amp_ring *rings;
	uint32_t posted;
	bool stop;
	int code;
	void (*on_events)(void *arg, uint32_t bits);
	void *on_events_arg;
} loop;

int amp_timer_at(struct amp_timer *t, uint64_t at)
{
	return timers_set(&loop.timers, t, at);
}

int amp_timer_in(struct amp_timer *t, uint64_t delay)
{
	uint64_t now = amp_now();

	return timers_set(&loop.timers, t, delay > UINT64_MAX - now ? UINT64_MAX : now + delay);
}

void amp_timer_cancel(struct amp_timer *t)
{
	timers_cancel(&loop.timers, t);
}

void amp_on_events(void (*fn)(void *arg, uint32_t bits), void *arg)
{
	loop.on_events = fn;
	loop.on_events_arg = arg;
}

void amp_post(uint32_t bits)
{
	loop.posted |= bits;
}

void amp_stop(int code)
{
	loop.stop = true;
	loop.code = code;
}

void loop_ring_add(struct amp_ring *r)
{
	r->next = loop.rings;
	loop.rings = r;
}

/*
 * Nothing more comes in from here on; but it may be closed from its own callback, so the memory
 * goes at the turn's end.
 */
void amp_ring_close(struct amp_ring *r)
{
	if (r == NULL || r->closed)
		return;
	r->closed = true;
	backend_ring_unbind(r);
}

static void sweep_rings(void)
{
	for (struct amp_ring **p = &loop.rings; *p != NULL;) {
		struct amp_ring *r = *p;

		if (!r->closed) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		backend_ring_free(r);
		free(r);
	}
}

/* Hands out packets; true when some are left for the next turn. */
static bool drain_rings(void)
{
	bool more = false;

	for (struct amp_ring *r = loop.rings; r != NULL; r = r->next)
		more |= ring_drain(r, TURN_PACKETS) > 0;
	return more;
}

static void dispatch_events(uint32_t bits)
{
	if (bits != 0 && loop.on_events != NULL)
		loop.on_events(loop.on_events_arg, bits);
}

int amp_run(void)
{
	while (!loop.stop) {
		uint32_t bits = loop.posted;
		bool busy;

		loop.posted = 0;
		dispatch_events(bits);
		timers_run(&loop.timers, amp_now());
		busy = drain_rings();
		sweep_rings();
		if (loop.stop)
			break;
		if (loop.posted != 0)
			busy = true;
		loop.posted |= backend_wait(busy ? 0 : timers_next(&loop.timers));
	}
	sweep_rings();
	loop.stop = false;
	return loop.code;
}
