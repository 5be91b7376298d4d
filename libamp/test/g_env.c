/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_env.c - children: start, arguments, authority, notification, shared memory, every way to end,
 * and nothing left behind.
 */
#include <stdlib.h>
#include <string.h>

#include "amp/sys.h"
#include "libamp/test/tap.h"

#define SHARE_AT (AMP_SHARE_VA + 0x10000)

/* ---- in the child ---- */

static volatile int *volatile nowhere = (int *)8;
static volatile int *volatile text = (int *)0x401000; /* where programs are linked */

static int child_echo(void)
{
	volatile uint32_t *word = (uint32_t *)SHARE_AT;
	const struct xok_env_info *self = amp_env_info(amp_self());

	if (self->cap[0].len != 1 || self->cap[0].name[0] != 'e' ||
	    strcmp(self->name, "child") != 0)
		return 2;
	if (word[0] != 41 || word[2000] != 7)
		return 3;
	word[0] = 42;
	if (amp_env_notify(amp_parent(), XOK_EV_USER << 3) != XOK_OK)
		return 4;
	return 5;
}

static int child_heap(void)
{
	static void *kept[256];
	size_t total = 0;

	/* Its quota is its own: it runs out, and says so. */
	while (total / 16 < 256 && (kept[total / 16] = malloc(16 * XOK_PAGE)) != NULL)
		total += 16;
	return total > 50 && total < 256 ? 0 : 1;
}

/* What a child must not be able to do with its own capability. */
static int child_powers(void)
{
	struct xok_cap all = {.valid = 1, .perms = XOK_PERM_ALL};
	size_t len;

	if (xok_cap_forge(0, 1, &all) != XOK_EPERM)
		return 1;
	if (amp_env_destroy(amp_parent()) != XOK_EPERM)
		return 2;
	if (xok_power(0, XOK_POWER_OFF, 0) != XOK_EPERM)
		return 3;
	if (amp_boot_file("init", &len) != NULL)
		return 4;
	if (xok_slice_alloc(0, 0, 0) != XOK_EPERM)
		return 5;
	return 0;
}

static int child(const char *role)
{
	if (strcmp(role, "echo") == 0)
		return child_echo();
	if (strcmp(role, "heap") == 0)
		return child_heap();
	if (strcmp(role, "powers") == 0)
		return child_powers();
	if (strcmp(role, "null") == 0)
		*nowhere = 1;
	if (strcmp(role, "readonly") == 0)
		*(volatile uint32_t *)SHARE_AT = 1;
	if (strcmp(role, "privileged") == 0)
		__asm__ volatile("cli");
	if (strcmp(role, "breakpoint") == 0)
		__asm__ volatile("int3");
	if (strcmp(role, "text") == 0)
		*text = 0;
	if (strcmp(role, "sleep") == 0)
		xok_env_sleep(0, UINT64_MAX);
	return 99;
}

/* ---- in the parent ---- */

static uint32_t frames_used(void)
{
	return amp_env_info(amp_self())->frames;
}

static void test_echo(void)
{
	uint32_t *word = amp_share_alloc(3 * XOK_PAGE);
	struct amp_share share = {.addr = word, .at = SHARE_AT, .len = 3 * XOK_PAGE, .write = true};
	const struct xok_env_info *e;
	int64_t id;

	word[0] = 41;
	word[2000] = 7;
	id = tap_child("echo", 'e', &share, 1);
	tap(id > 0, "a child starts (%s)", id < 0 ? amp_strerror((int)id) : "ok");
	e = tap_wait(id, 5000);
	tap(e != NULL && e->end == XOK_END_EXIT && e->exit_code == 5,
	    "it has its name, capability and arguments, and its code comes back (%d)",
	    e != NULL ? e->exit_code : -1);
	tap(word[0] == 42, "memory is shared with it");
	tap(amp_env_destroy((uint32_t)id) == XOK_OK && amp_env_info((uint32_t)id) == NULL,
	    "its entry is released");
}

static uint32_t seen;

static void on_events(void *arg, uint32_t bits)
{
	(void)arg;
	seen |= bits;
	if (seen == (XOK_EV_CHILD | XOK_EV_USER << 3))
		amp_stop(0);
}

static void on_time(void *arg)
{
	(void)arg;
	amp_stop(1);
}

static void test_notify(void)
{
	uint32_t *word = amp_share_alloc(3 * XOK_PAGE);
	struct amp_share share = {.addr = word, .at = SHARE_AT, .len = 3 * XOK_PAGE, .write = true};
	struct amp_timer limit = {.fn = on_time};
	int64_t id;

	xok_env_sleep(UINT32_MAX, 0); /* of the child before */
	word[0] = 41;
	word[2000] = 7;
	id = tap_child("echo", 'e', &share, 1);
	amp_on_events(on_events, NULL);
	amp_timer_in(&limit, 5000000000u);
	tap(amp_run() == 0, "the parent is told of both, notification and end (%x)", seen);
	amp_timer_cancel(&limit);
	amp_env_destroy((uint32_t)id);
}

static void ends(const char *role, uint8_t how, int code, const struct amp_share *share)
{
	int64_t id = tap_child(role, 'x', share, share != NULL);
	const struct xok_env_info *e = tap_wait(id, 10000);

	tap(e != NULL && e->end == how && (how != XOK_END_EXIT || e->exit_code == code),
	    "child %s ends as it should (%d, %d)", role, e != NULL ? e->end : -1,
	    e != NULL ? e->exit_code : -1);
	amp_env_destroy((uint32_t)id);
}

static void test_ends(void)
{
	void *memory = amp_share_alloc(XOK_PAGE);
	struct amp_share share = {.addr = memory, .at = SHARE_AT, .len = XOK_PAGE};
	int64_t id;

	ends("heap", XOK_END_EXIT, 0, NULL);
	ends("powers", XOK_END_EXIT, 0, NULL);
	ends("null", XOK_END_FAULT, 0, NULL);
	ends("readonly", XOK_END_FAULT, 0, &share);
	ends("privileged", XOK_END_FAULT, 0, NULL);
	ends("breakpoint", XOK_END_FAULT, 0, NULL);
	ends("text", XOK_END_FAULT, 0, NULL);
	id = tap_child("sleep", 'x', NULL, 0);
	tap(tap_wait(id, 50) == NULL, "one that sleeps goes on sleeping");
	tap(amp_env_destroy((uint32_t)id) == XOK_OK, "until its parent ends it");
	tap(amp_env_info((uint32_t)id)->end == XOK_END_DESTROYED, "which its entry says");
	tap(amp_env_destroy((uint32_t)id) == XOK_OK, "and the entry goes");
	tap(amp_env_destroy((uint32_t)id) == XOK_ESTALE, "and its id is stale then");
}

static void test_refusals(void)
{
	const char *const argv[] = {"child", NULL}, *const none[] = {NULL};
	struct amp_spawn s = {
		.file = "init",
		.argv = argv,
		.frames = 256,
		.cap = {.valid = 1, .perms = XOK_PERM_ALL, .len = 1, .name = {'r'}},
	};
	struct amp_share share = {.addr = &s, .at = SHARE_AT, .len = XOK_PAGE};
	uint32_t before;

	s.file = "nothing";
	tap(amp_spawn(&s) == XOK_ENOENT, "a file that is not there");
	s.file = "init";
	s.argv = none;
	tap(amp_spawn(&s) == XOK_EINVAL, "no name");
	s.argv = argv;
	s.frames = 3;
	tap(amp_spawn(&s) == XOK_EQUOTA, "a quota below its page tables");
	s.frames = UINT32_MAX;
	tap(amp_spawn(&s) == XOK_EQUOTA, "a quota above ours");
	s.frames = 256;
	s.cap.valid = 0;
	tap(amp_spawn(&s) == XOK_EINVAL, "no capability");
	s.cap.valid = 1;
	s.share = &share;
	s.nshare = 1;
	tap(amp_spawn(&s) == XOK_EINVAL, "sharing memory that is not from amp_share_alloc");
	share.addr = amp_share_alloc(XOK_PAGE);
	before = frames_used();
	share.at = 0x400000;
	tap(amp_spawn(&s) == XOK_EINVAL, "sharing it over the program");
	share.at = AMP_SHARE_VA + (1ull << 30) - XOK_PAGE;
	share.len = 2 * XOK_PAGE;
	tap(amp_spawn(&s) == XOK_EINVAL, "sharing it past the end");
	tap(frames_used() == before, "a refused child leaves no frame behind (%u, %u)", before,
	    frames_used());
}

/* As often as one likes: entries, frames, slices, quota come back. */
static void test_leaks(void)
{
	const struct xok_env_info *self = amp_env_info(amp_self());
	uint32_t frames = 0, quota = 0, caps = 0;
	bool ok = true;

	for (unsigned i = 0; i < 70 && ok; i++) {
		int64_t id = tap_child("powers", 'l', NULL, 0);
		const struct xok_env_info *e = tap_wait(id, 5000);

		ok = e != NULL && e->end == XOK_END_EXIT && amp_env_destroy((uint32_t)id) == XOK_OK;
		if (i == 0) {
			frames = self->frames;
			quota = self->frames_quota;
			caps = self->ncap_used;
		}
	}
	tap(ok, "seventy children, one after the other");
	tap(self->frames == frames && self->frames_quota == quota && self->ncap_used == caps,
	    "give everything back (%u of %u frames, then %u of %u)", frames, quota, self->frames,
	    self->frames_quota);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return child(argv[1]);
	tap_begin();
	test_echo();
	test_notify();
	test_ends();
	test_refusals();
	test_leaks();
	tap_end();
}
