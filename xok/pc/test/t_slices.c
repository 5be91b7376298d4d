/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_slices.c - time: slices, overruns, and what of the processor's state must survive them.
 */
#include "guest.h"

static struct xok_env_info last;

static void spin(uint64_t arg)
{
	(void)arg;
	for (;;)
		shared()[0]++;
}

/* Without a slice-end entry an environment is preempted; it never ends, and others run. */
static void preempted(void)
{
	uint64_t id = spawn(spin, 0, NULL), start = now(), mine = 0;

	while (now() < start + 200 * MS) {
		mine++;
		sys_yield(0);
	}
	CHECK(shared()[0] > 0);
	CHECK(mine >= 5);
	CHECK(env_info(id)->run_ns > 50 * MS);
	CHECK_EQ(env_info(id)->state, XOK_ENV_RUNNABLE);
	CHECK_EQ(wait_end(id, 1, NULL), XOK_END_NONE);
}

static void ignore_upcall(struct xok_regs *r)
{
	(void)r;
	shared()[1]++;
	for (;;)
		;
}

static void never_yield(uint64_t arg)
{
	(void)arg;
	take_upcalls(ignore_upcall, false, true);
	for (;;)
		shared()[0]++;
}

/* With one it is asked to yield, and ends when it never does. */
static void overrun(void)
{
	uint64_t id = spawn(never_yield, 0, NULL);
	uint8_t end = wait_end(id, PATIENCE, &last);

	CHECK_EQ(end, XOK_END_OVERRUN);
	CHECK_EQ(shared()[1], 1);
	CHECK(shared()[0] > 0);
	CHECK(last.run_ns < (XOK_GRACE + 10) * XOK_TICK_NS);
}

/* Hiding from the upcall, by the disabled word or by the critical range, is no way out. */
static void hide(uint64_t arg)
{
	take_upcalls(ignore_upcall, false, true);
	if (arg == 0) {
		guest_uenv.disabled = 1;
	} else {
		guest_uenv.crit_lo = 0;
		guest_uenv.crit_hi = UINT64_MAX;
	}
	__asm__ volatile(""
			 :
			 :
			 : "memory"); /* the kernel reads what the compiler thinks nobody does */
	for (;;)
		shared()[0]++;
}

static void overrun_disabled(void)
{
	for (uint64_t how = 0; how < 2; how++) {
		uint64_t id = spawn(hide, how, NULL);

		CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_OVERRUN);
		CHECK_EQ(shared()[1], 0);
	}
}

static void answer(struct xok_regs *r)
{
	(void)r;
	shared()[1]++;
	sys_yield(0);
}

static void yield_politely(uint64_t arg)
{
	/* A checksum over a sequence that any lost register or flag would break. */
	uint64_t a = arg, b = 1, c = 0, n = 0;

	take_upcalls(answer, false, true);
	while (shared()[1] < 20) {
		a = a * 6364136223846793005ull + 1442695040888963407ull;
		b = (b << 1 | b >> 63) ^ a;
		c += a < b;
		n++;
	}
	shared()[2] = a;
	shared()[3] = b;
	shared()[4] = c;
	shared()[5] = n;
}

static void slice_end_upcall(void)
{
	uint64_t a = 12345, b = 1, c = 0, n;
	uint64_t id = spawn(yield_politely, a, NULL);
	uint64_t other = spawn(spin, 0, NULL);

	/* The second spawn zeroed the page before the first ran: both still start from nothing. */
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(wait_end(other, 1, NULL), XOK_END_NONE);
	n = shared()[5];
	CHECK(n > 0);
	for (uint64_t i = 0; i < n; i++) {
		a = a * 6364136223846793005ull + 1442695040888963407ull;
		b = (b << 1 | b >> 63) ^ a;
		c += a < b;
	}
	CHECK_EQ(shared()[2], a);
	CHECK_EQ(shared()[3], b);
	CHECK_EQ(shared()[4], c);
}

/* ---- XSAVE state ---- */

/*
 * Fills ymm0 to ymm15 (or xmm, without AVX), MXCSR and the x87 control word with a pattern of its
 * own, spins over several slices and looks at them all again.
 */
__attribute__((target("avx"))) static void keep_vectors(uint64_t arg)
{
	uint64_t in[16][4], out[16][4];
	uint32_t mxcsr = 0x1f80 | (uint32_t)(arg % 4) << 13, mxcsr_out;
	uint16_t fcw = (uint16_t)(0x037f | (arg % 4) << 10), fcw_out;
	uint64_t rounds = 30;

	for (unsigned i = 0; i < 64; i++)
		in[i / 4][i % 4] = arg * 0x0101010101010101ull + i;
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(fcw));
#define IN(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define OUT(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n\t"
#define ALL(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
	__asm__ volatile(ALL(IN) "1:\tmovq $3000000, %%rcx\n2:\tdecq %%rcx\n\tjnz 2b\n\t"
				 "decq %2\n\tjnz 1b\n\t" ALL(OUT)
			 :
			 : "r"(in), "r"(out), "r"(rounds)
			 : "rcx", "memory", "cc");
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr_out), "=m"(fcw_out));
	if (memcmp(in, out, sizeof(in)) != 0)
		quit(1);
	if (mxcsr != mxcsr_out || fcw != fcw_out)
		quit(2);
	shared()[arg] = env_info(info()->current)->slices;
	quit(0);
}

static void vectors_kept(void)
{
	uint64_t id[3];

	for (uint64_t i = 0; i < 3; i++)
		id[i] = spawn(keep_vectors, i + 1, NULL);
	for (uint64_t i = 0; i < 3; i++) {
		CHECK_EQ(wait_end(id[i], PATIENCE, &last), XOK_END_EXIT);
		CHECK_EQ(last.exit_code, 0);
		CHECK(shared()[i + 1] > 3); /* it was interrupted */
	}
}

/* A new environment finds the initial state, not what the one before it in the same entry left. */
__attribute__((target("avx"))) static void vectors_are_zero(uint64_t arg)
{
	uint64_t out[16][4] = {{1}};
	uint32_t mxcsr;

	(void)arg;
	__asm__ volatile(ALL(OUT) : : "r"(0), "r"(out) : "memory");
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	for (unsigned i = 0; i < 64; i++) {
		if (out[i / 4][i % 4] != 0)
			quit(1);
	}
	quit(mxcsr == 0x1f80 ? 0 : 2);
}

__attribute__((target("avx"))) static void leave_vectors(uint64_t arg)
{
	uint64_t in[16][4];

	memset(in, (int)arg, sizeof(in));
	__asm__ volatile(ALL(IN) : : "r"(in) : "memory");
	quit(0);
}

static void vectors_fresh(void)
{
	CHECK_EQ(wait_end(spawn(leave_vectors, 0xaa, NULL), PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(wait_end(spawn(vectors_are_zero, 0, NULL), PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
}

/* ---- sleeping ---- */

static void sleep_accuracy(void)
{
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t want = now() + i * 7 * MS, late;

		CHECK_EQ(sys_env_sleep(0, want), 0);
		CHECK(now() >= want);
		late = now() - want;
		CHECK(late < 200 * MS);
	}
	CHECK(info()->idle_ns > 50 * MS);
}

static void clock_runs(void)
{
	uint64_t a = now(), b;

	/* UTC is after this was written and before 2100. */
	CHECK(info()->wall0 > 1700000000ull * 1000 * MS &&
	      info()->wall0 < 4102444800ull * 1000 * MS);
	for (unsigned i = 0; i < 1000; i++) {
		b = now();
		CHECK(b >= a);
		a = b;
	}
}

const struct guest_test guest_tests[] = {
	{"an environment without a slice-end entry is preempted", preempted},
	{"an environment that never yields is ended, others go on", overrun},
	{"hiding from the slice's end does not help", overrun_disabled},
	{"a slice-end upcall is answered and resumed without the kernel", slice_end_upcall},
	{"AVX, MXCSR and x87 state is kept over slices", vectors_kept},
	{"a new environment sees no other's vector registers", vectors_fresh},
	{"sleeps end when they should", sleep_accuracy},
	{"clocks run forwards", clock_runs},
	{NULL, NULL},
};
