/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock_loop.h"

#define TIMERS 8u

static uint64_t now = 1000000000u;
static struct amp_timer *timer[TIMERS];

uint64_t amp_now(void)
{
	return now;
}

/* Seeded: a failing test fails again. */
void amp_random(void *buf, size_t len)
{
	static uint64_t state = 42;
	uint8_t *p = buf;

	while (len--) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(state >> 56);
	}
}

int amp_timer_at(struct amp_timer *t, uint64_t at)
{
	uint32_t i;

	amp_timer_cancel(t);
	for (i = 0; i < TIMERS && timer[i]; i++)
		;
	if (i == TIMERS)
		return XOK_ENOMEM;
	t->at = at;
	t->heap = i + 1;
	timer[i] = t;
	return 0;
}

int amp_timer_in(struct amp_timer *t, uint64_t delay)
{
	return amp_timer_at(t, now + delay);
}

void amp_timer_cancel(struct amp_timer *t)
{
	if (t->heap)
		timer[t->heap - 1] = NULL;
	t->heap = 0;
}

static struct amp_timer *next_before(uint64_t limit)
{
	struct amp_timer *t = NULL;

	for (uint32_t i = 0; i < TIMERS; i++)
		if (timer[i] && timer[i]->at <= limit && (!t || timer[i]->at < t->at))
			t = timer[i];
	return t;
}

void mock_run(uint64_t ns)
{
	uint64_t end = now + ns;
	struct amp_timer *t;

	while ((t = next_before(end))) {
		if (t->at > now)
			now = t->at;
		amp_timer_cancel(t);
		t->fn(t->arg);
	}
	now = end;
}

uint32_t mock_timers(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < TIMERS; i++)
		n += timer[i] != NULL;
	return n;
}

void amp_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void amp_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
