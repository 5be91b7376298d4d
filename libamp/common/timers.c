/* SPDX-License-Identifier: BSD-2-Clause */
/* timers.c - the timer heap. */
#include "libamp/common/timers.h"

static void put(struct timers *h, uint32_t i, struct amp_timer *t)
{
	h->heap[i] = t;
	t->heap = i + 1;
}

/* Moves the timer at place i towards the top until its parent is no later. */
static void sift_up(struct timers *h, uint32_t i)
{
	struct amp_timer *t = h->heap[i];

	while (i > 0) {
		uint32_t parent = (i - 1) / 2;

		if (h->heap[parent]->at <= t->at)
			break;
		put(h, i, h->heap[parent]);
		i = parent;
	}
	put(h, i, t);
}

/* Moves the timer at place i away from the top until no child is earlier. */
static void sift_down(struct timers *h, uint32_t i)
{
	struct amp_timer *t = h->heap[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->heap[child + 1]->at < h->heap[child]->at)
			child++;
		if (t->at <= h->heap[child]->at)
			break;
		put(h, i, h->heap[child]);
		i = child;
	}
	put(h, i, t);
}

/*
 * Is t the timer that stands at the place it names? A timer that was never armed may hold anything
 * but that.
 */
static bool armed(const struct timers *h, const struct amp_timer *t)
{
	return t->heap != 0 && t->heap <= h->n && h->heap[t->heap - 1] == t;
}

int timers_set(struct timers *h, struct amp_timer *t, uint64_t at)
{
	if (!armed(h, t)) {
		if (h->n == AMP_TIMERS)
			return XOK_ENOMEM;
		put(h, h->n++, t);
	}
	t->at = at;
	sift_up(h, t->heap - 1);
	sift_down(h, t->heap - 1);
	return XOK_OK;
}

void timers_cancel(struct timers *h, struct amp_timer *t)
{
	uint32_t i;

	if (!armed(h, t))
		return;
	i = t->heap - 1;
	t->heap = 0;
	h->n--;
	if (i == h->n)
		return;
	put(h, i, h->heap[h->n]);
	sift_up(h, i);
	sift_down(h, h->heap[i]->heap - 1);
}

uint64_t timers_next(const struct timers *h)
{
	return h->n > 0 ? h->heap[0]->at : UINT64_MAX;
}

void timers_run(struct timers *h, uint64_t now)
{
	for (uint32_t left = h->n; left > 0 && timers_next(h) <= now; left--) {
		struct amp_timer *t = h->heap[0];

		timers_cancel(h, t);
		t->fn(t->arg);
	}
}
