/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_faults.c - whatever an environment does wrong ends that environment, with the right reason, and
 * nothing else.
 *
 * A bystander counts in memory shared with us all the while; each test looks that it went on.
 */
#include "guest.h"
#include "xok/sysnum.h"

#define GP 13
#define ANY UINT64_MAX
#define PF 14
#define UD 6
#define BP 3
#define OF 4
#define DB 1
#define PF_WRITE 2u
#define PF_USER 4u
#define PF_PRESENT 1u
#define PF_FETCH 16u

static struct xok_env_info last;

/* Runs fn in a child that must end by a fault with this vector. */
static void expect_fault(void (*fn)(uint64_t), uint64_t arg, uint64_t vector)
{
	uint64_t id = spawn(fn, arg, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	if (vector != ANY)
		CHECK_EQ(last.last.trapno, vector);
	CHECK_EQ(shared()[0], 1); /* it got as far as the act itself */
	CHECK_EQ(shared()[1], 0); /* and no further */
}

static void read_at(uint64_t va)
{
	shared()[0] = 1;
	(void)*(volatile uint8_t *)va;
	shared()[1] = 1;
}

static void write_at(uint64_t va)
{
	shared()[0] = 1;
	*(volatile uint8_t *)va = 1;
	shared()[1] = 1;
}

static void jump_to(uint64_t va)
{
	shared()[0] = 1;
	((void (*)(void))va)();
	shared()[1] = 1;
}

static void bad_pointer(void)
{
	expect_fault(read_at, 0x123456789000, PF);
	CHECK_EQ(last.last.addr, 0x123456789000);
	CHECK_EQ(last.last.error, PF_USER);
	expect_fault(write_at, 8, PF);
	CHECK_EQ(last.last.addr, 8);
	CHECK_EQ(last.last.error, PF_USER | PF_WRITE);
	/* Not canonical: no page fault but a general protection one. */
	expect_fault(read_at, 0x0000800000000000, GP);
	expect_fault(read_at, 0xfffe000000000000, GP);
}

static const uint8_t code_page[] = {0xc3};

static void write_own_text(void)
{
	expect_fault(write_at, (uint64_t)write_own_text, PF);
	CHECK_EQ(last.last.error, PF_USER | PF_WRITE | PF_PRESENT);
	expect_fault(write_at, (uint64_t)code_page, PF);
}

static void read_kernel(void)
{
	static const uint64_t where[] = {
		0xffffffff80100000,			/* text */
		0xffff800000000000,			/* direct map */
		0xffff800000100000, 0xffffc00000000000, /* device registers */
		0xfffffffffffff000,
	};

	for (unsigned i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		expect_fault(read_at, where[i], PF);
		CHECK_EQ(last.last.addr, where[i]);
		expect_fault(write_at, where[i], PF);
		expect_fault(jump_to, where[i], PF);
	}
}

static void write_bookkeeping(void)
{
	expect_fault(write_at, XOK_INFO_VA, PF);
	CHECK_EQ(last.last.error, PF_USER | PF_WRITE | PF_PRESENT);
	expect_fault(write_at, XOK_INFO_VA + info()->env_off, PF);
	expect_fault(write_at, XOK_INFO_VA + info()->frame_off, PF);
	expect_fault(jump_to, XOK_INFO_VA, PF);
	CHECK_EQ(last.last.error, PF_USER | PF_FETCH | PF_PRESENT);
}

static void archive_is_roots(void)
{
	/* We see it; a child does not. */
	CHECK_EQ(memcmp((const void *)XOK_BOOT_VA, "070701", 6), 0);
	expect_fault(read_at, XOK_BOOT_VA, PF);
}

static uint8_t data_code[16] = {0xc3};

static void execute_data(void)
{
	expect_fault(jump_to, (uint64_t)data_code, PF);
	CHECK_EQ(last.last.error, PF_USER | PF_FETCH | PF_PRESENT);
	expect_fault(jump_to, (uint64_t)code_page, PF); /* read-only data */
	expect_fault(jump_to, CHILD_STACK - 64, PF);
}

/* One privileged or otherwise impossible instruction each. */
#define ACT(label, text)                                                                 \
	static void act_##label(uint64_t arg)                                            \
	{                                                                                \
		shared()[0] = 1;                                                         \
		__asm__ volatile(text : : "a"(arg), "d"(0x80) : "rcx", "rbx", "memory"); \
		shared()[1] = 1;                                                         \
	}
ACT(cli, "cli")
ACT(sti, "sti")
ACT(hlt, "hlt")
ACT(in, "inb %%dx, %%al")
ACT(out, "outb %%al, %%dx")
ACT(exit_port, "movl $0xf4, %%edx; outl %%eax, %%dx")
ACT(cr3, "movq %%rax, %%cr3")
ACT(cr0, "movq %%cr0, %%rax")
ACT(dr7, "movq %%rax, %%dr7")
ACT(rdmsr, "movl $0xc0000080, %%ecx; rdmsr")
ACT(wrmsr, "movl $0xc0000082, %%ecx; wrmsr")
ACT(lgdt, "lgdt (%%rsp)")
ACT(invlpg, "invlpg (%%rsp)")
ACT(swapgs, "swapgs")
ACT(sysret, "movq $0, %%rcx; sysretq")
ACT(stac, "stac")
ACT(sgdt, "sgdt (%%rsp)")
ACT(sidt, "sidt (%%rsp)")
ACT(str, "str %%eax")
ACT(smsw, "smsw %%eax")
ACT(int80, "int $0x80")
ACT(int_timer, "int $0x20")
ACT(int_df, "int $8")
ACT(int_pf, "int $14")
ACT(int3, "int3")
ACT(ud2, "ud2")
ACT(xsetbv, "movl $0, %%ecx; xsetbv")
ACT(far_jump, "pushq $0x08; leaq 1f(%%rip), %%rbx; pushq %%rbx; lretq; 1: nop")
ACT(tss_jump, "pushq $0x30; pushq $0; lretq")
ACT(iret_kernel, "movq %%rsp, %%rbx; pushq $0x10; pushq %%rbx; pushq $0x2; pushq $0x08; "
		 "leaq 1f(%%rip), %%rcx; pushq %%rcx; iretq; 1: nop")
ACT(step, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")

static void privileged(void)
{
	static void (*const gp[])(uint64_t) = {
		act_cli,    act_sti,	act_hlt,    act_in,	act_out,    act_exit_port,
		act_cr3,    act_cr0,	act_dr7,    act_rdmsr,	act_wrmsr,  act_lgdt,
		act_invlpg, act_swapgs, act_sysret, act_sgdt,	act_sidt,   act_str,
		act_smsw,   act_int80,	act_int_df, act_int_pf, act_xsetbv, act_int_timer,
	};
	/*
	 * These fault with GP on a processor; QEMU before 9.1 reads the stack with the kernel's
	 * rights, which SMAP refuses first.
	 */
	static void (*const any[])(uint64_t) = {act_far_jump, act_tss_jump, act_iret_kernel};

	for (unsigned i = 0; i < sizeof(gp) / sizeof(gp[0]); i++)
		expect_fault(gp[i], 0, GP);
	for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++)
		expect_fault(any[i], 0, ANY);
}

static void cli(void)
{
	expect_fault(act_cli, 0, GP);
}

static void other_exceptions(void)
{
	expect_fault(act_int3, 0, BP);
	expect_fault(act_ud2, 0, UD);
	expect_fault(act_stac, 0, UD);
	expect_fault(act_step, 0, DB);
}

static void count_for_ever(uint64_t arg)
{
	(void)arg;
	for (;;) {
		shared()[8]++;
		sys_yield(0);
	}
}

static void crash(uint64_t arg)
{
	(void)*(volatile uint8_t *)(arg + 16);
}

static void others_go_on(void)
{
	uint64_t bystander = spawn(count_for_ever, 0, NULL);
	uint64_t before;

	sys_env_sleep(0, now() + 50 * MS);
	before = shared()[8];
	CHECK(before > 0);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t id = spawn(crash, 0, NULL);

		/* spawn zeroed the shared page, so the count starts again */
		CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
		sys_env_sleep(0, now() + 30 * MS);
		CHECK(shared()[8] > 0);
	}
	CHECK_EQ(env_info(bystander)->state, XOK_ENV_RUNNABLE);
	CHECK_EQ(sys_env_destroy(0, bystander), XOK_OK);
	CHECK_EQ(sys_env_destroy(0, bystander), XOK_OK);
}

/* ---- violations: what a strict environment tries without a capability ends it ---- */

static void map_foreign(uint64_t frame)
{
	sys_env_sleep(0, now() + 20 * MS); /* until we are strict */
	shared()[0] = 1;
	sys_map(0, 0, 0, 0x00006b0000001000ull, frame, XOK_PROT_R);
	shared()[1] = 1;
}

static void send_foreign(uint64_t port)
{
	uint8_t frame[60] = {0};
	struct xok_iov iov = {(uint64_t)frame, sizeof(frame)};

	sys_env_sleep(0, now() + 20 * MS);
	shared()[0] = 1;
	sys_transmit(0, port, &iov, 1);
	shared()[1] = 1;
}

static void batch_foreign(uint64_t frame)
{
	struct xok_call call = {.nr = XOK_SYS_frame_free, .arg = {0, frame}};

	sys_env_sleep(0, now() + 20 * MS);
	shared()[0] = 1;
	sys_batch(&call, 1);
	shared()[1] = 1;
}

static void expect_violation(void (*fn)(uint64_t), uint64_t arg)
{
	static const struct xok_cap narrow = {
		.valid = 1, .perms = XOK_R | XOK_W, .len = 2, .name = "zz"};
	uint64_t bystander = spawn(count_for_ever, 0, NULL);
	uint64_t id = spawn(fn, arg, &narrow), before;

	CHECK_EQ(sys_env_strict(0, id), XOK_OK);
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_VIOLATION);
	CHECK_EQ(shared()[0], 1);
	CHECK_EQ(shared()[1], 0);
	before = shared()[8];
	sys_env_sleep(0, now() + 30 * MS);
	CHECK(shared()[8] > before); /* the other one goes on, and so do we */
	CHECK_EQ(env_info(bystander)->state, XOK_ENV_RUNNABLE);
	CHECK_EQ(sys_env_destroy(0, bystander), XOK_OK);
	CHECK_EQ(sys_env_destroy(0, bystander), XOK_OK);
}

static void strict_map(void)
{
	uint32_t frame = new_frame();

	expect_violation(map_foreign, frame);
	expect_violation(batch_foreign, frame);
	CHECK_EQ(sys_frame_free(0, frame), XOK_OK);
}

static void strict_transmit(void)
{
	uint64_t before = port_info(0)->tx_packets;

	CHECK_EQ(info()->nport, 1);
	expect_violation(send_foreign, 0);
	CHECK_EQ(port_info(0)->tx_packets, before);
}

/* Ended once, its entry stays to be read; released, the id is stale. */
static void stale_id(void)
{
	uint64_t id = spawn(crash, 0, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	CHECK_EQ(sys_env_notify(0, id, XOK_EV_USER), XOK_ESTALE);
}

const struct guest_test guest_tests[] = {
	{"a bad pointer ends only the culprit", bad_pointer},
	{"cli ends only the culprit", cli},
	{"privileged instructions end only the culprit", privileged},
	{"other exceptions end only the culprit", other_exceptions},
	{"text and read-only data cannot be written", write_own_text},
	{"kernel memory cannot be read, written or entered", read_kernel},
	{"the bookkeeping cannot be written", write_bookkeeping},
	{"the boot archive is the root environment's only", archive_is_roots},
	{"data cannot be executed", execute_data},
	{"other environments go on", others_go_on},
	{"mapping a frame without a capability ends only the culprit", strict_map},
	{"sending through a port without a capability ends only the culprit", strict_transmit},
	{"the id of an ended environment is stale", stale_id},
	{NULL, NULL},
};
