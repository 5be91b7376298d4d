/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_share.c - who gets the processor when packets come as fast as the port takes them and each meets
 * a handler that spends the largest budget there is. The emulator counts instructions as time here,
 * so what the host does meanwhile changes nothing.
 */
#include "ports.h"

#define NSPINNER 3u
#define WINDOW (1200 * MS) /* one slice more or less of a spinner is a fortieth */

static void spin(uint64_t i)
{
	for (;;)
		shared()[i]++;
}

/* What each of them gets done in the time. */
static void window(uint64_t done[NSPINNER])
{
	uint64_t until = now() + WINDOW;

	for (unsigned i = 0; i < NSPINNER; i++)
		done[i] = shared()[i];
	while (now() < until)
		sys_env_sleep(0, until);
	for (unsigned i = 0; i < NSPINNER; i++)
		done[i] = shared()[i] - done[i];
}

static void flood(void)
{
	static const struct vc_insn overrun[] = {JUMP(-1), RETURN(XOK_V_PASS)};
	uint64_t ring = open_ring(), id[NSPINNER], calm[NSPINNER], stormy[NSPINNER];
	uint64_t before = 0, during = 0, deferrals, runs, prog;

	prog = handle(want('F', ring), PROGRAM(overrun, .budget = XOK_BUDGET_MAX));
	for (unsigned i = 0; i < NSPINNER; i++)
		id[i] = spawn(spin, i, NULL);
	window(calm); /* the copies of the program are not in the translator's memory yet */
	window(calm);

	make('F', 60);
	CHECK_EQ(send(0, 60), XOK_OK);
	for (uint64_t until = now() + 4000 * MS; info()->rx_deferrals == 0 && now() < until;)
		sys_env_sleep(0, now() + MS);
	deferrals = info()->rx_deferrals;
	runs = prog_info(prog)->runs;
	window(stormy);
	CHECK(info()->rx_deferrals > deferrals + 50);
	CHECK(prog_info(prog)->runs > runs + 100);
	CHECK_EQ(prog_info(prog)->stopped, prog_info(prog)->runs);
	for (unsigned i = 0; i < NSPINNER; i++) {
		CHECK(stormy[i] * 100 >= calm[i] * 90);
		before += calm[i];
		during += stormy[i];
	}
	CHECK(during * 100 >= before * 90);
	CHECK_EQ(sys_handler_bind(0, want('G', ring), prog), XOK_OK);
	for (unsigned i = 0; i < NSPINNER; i++)
		CHECK_EQ(wait_end(id[i], 1, NULL), XOK_END_NONE);
	unload(prog);
	close_ring(ring);
}

const struct guest_test guest_tests[] = {
	{"a flood against a handler that spends all it may leaves the others nine tenths", flood},
	{NULL, NULL},
};
