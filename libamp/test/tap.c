/* SPDX-License-Identifier: BSD-2-Clause */
/* tap.c - test results, and children to test with. */
#include <stdarg.h>
#include <stdlib.h>

#include "amp/sys.h"
#include "libamp/test/tap.h"

static unsigned count, failed;

void tap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void tap(bool ok, const char *fmt, ...)
{
	va_list ap;

	failed += !ok;
	printf("%s %u ", ok ? "ok" : "not ok", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void tap_end(void)
{
	printf("1..%u\n", count);
	fflush(stdout);
	xok_power(0, XOK_POWER_EXIT, failed != 0);
	exit(1);
}

int64_t tap_child(const char *role, char cap, const struct amp_share *share, uint32_t nshare)
{
	const char *const argv[] = {"child", role, NULL};
	struct amp_spawn s = {
		.file = "init",
		.argv = argv,
		.frames = 256,
		.cap = {.valid = 1, .perms = XOK_PERM_ALL, .len = 1, .name = {(uint8_t)cap}},
		.share = share,
		.nshare = nshare,
		.may_notify_us = true,
	};
	struct xok_cap console = s.cap;

	/* For what the children have to say. */
	console.perms = XOK_W;
	amp_grant(XOK_RES_CONS, 0, 1, &console);
	return amp_spawn(&s);
}

static const struct xok_env_info *ended(int64_t child)
{
	const struct xok_env_info *e = amp_env_info((uint32_t)child);

	return e != NULL && e->state == XOK_ENV_ENDED ? e : NULL;
}

static void on_events(void *arg, uint32_t bits)
{
	if ((bits & XOK_EV_CHILD) && ended(*(int64_t *)arg) != NULL)
		amp_stop(0);
}

static void on_time(void *arg)
{
	(void)arg;
	amp_stop(1);
}

const struct xok_env_info *tap_wait(int64_t child, uint32_t ms)
{
	struct amp_timer limit = {.fn = on_time};

	amp_on_events(on_events, &child);
	amp_timer_in(&limit, ms * 1000000ull);
	if (ended(child) == NULL)
		amp_run();
	amp_timer_cancel(&limit);
	amp_on_events(NULL, NULL);
	return ended(child);
}
