/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_many.c - many environments at once: all of them run, each on its own memory.
 */
#include "guest.h"

#define MANY 60u

static uint64_t own_word;

static void count(uint64_t i)
{
	own_word = i;
	for (;;) {
		shared()[i]++;
		sys_yield(0);
		if (own_word != i)
			quit(1);
	}
}

static void all_run(void)
{
	uint64_t id[MANY], until = now() + PATIENCE;
	unsigned ran = 0;

	for (unsigned i = 0; i < MANY; i++)
		id[i] = spawn(count, i, NULL);
	for (unsigned i = 0; i < MANY; i++)
		shared()[i] = 0;
	while (ran < MANY && now() < until) {
		sys_env_sleep(0, now() + 10 * MS);
		ran = 0;
		for (unsigned i = 0; i < MANY; i++)
			ran += shared()[i] >= 10;
	}
	CHECK_EQ(ran, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK_EQ(env_info(id[i])->state, XOK_ENV_RUNNABLE);
		CHECK(env_info(id[i])->slices >= 10);
		CHECK_EQ(wait_end(id[i], 1, NULL), XOK_END_NONE);
	}
}

const struct guest_test guest_tests[] = {
	{"sixty environments run side by side", all_run},
	{NULL, NULL},
};
