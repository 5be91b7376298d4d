/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_upcalls.c - exceptions handled by the environment itself, in ring 3, and resumed without the
 * kernel.
 */
#include "guest.h"

static struct xok_env_info last;

/*
 * The handler repairs what the fault was about: the word points to nothing, and then to something.
 */
static uint64_t good_word = 4711;
static volatile uint64_t seen_trapno, seen_addr, seen_error, faults;

static void repair(struct xok_regs *r)
{
	seen_trapno = r->trapno;
	seen_addr = r->addr;
	seen_error = r->error;
	faults++;
	r->rbx = (uint64_t)&good_word;
}

static void fault_and_go_on(uint64_t arg)
{
	uint64_t value, flags = 0;

	take_upcalls(repair, true, false);
	for (unsigned i = 0; i < 1000; i++) {
		/*
		 * Carry and direction are set across the fault; every register but rbx must come
		 * back.
		 */
		__asm__ volatile("movq %2, %%rbx\n\tstc\n\tstd\n\t"
				 "movq (%%rbx), %0\n\t"
				 "pushfq\n\tpopq %1\n\tcld"
				 : "=&r"(value), "=&r"(flags)
				 : "r"(arg)
				 : "rbx", "cc", "memory");
		if (value != 4711)
			quit(1);
		if ((flags & 0x401) != 0x401)
			quit(2);
	}
	if (seen_trapno != 14 || seen_addr != arg || faults != 1000)
		quit(3);
	if (guest_uenv.disabled != 0)
		quit(4);
	quit(0);
}

static void fault_upcall(void)
{
	uint64_t id = spawn(fault_and_go_on, 0x123456780000, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
	CHECK_EQ(last.faults, 1000);
}

static void skip(struct xok_regs *r)
{
	seen_trapno = r->trapno;
	r->rip += 2;
}

static void illegal_and_go_on(uint64_t arg)
{
	(void)arg;
	take_upcalls(skip, true, false);
	__asm__ volatile("ud2");
	if (seen_trapno != 6)
		quit(1);
	__asm__ volatile("divb %%cl" : : "a"(1), "c"(0) : "cc");
	if (seen_trapno != 0)
		quit(2);
	__asm__ volatile("int $0x80");
	if (seen_trapno != 13)
		quit(3);
	quit(0);
}

static void other_exceptions(void)
{
	uint64_t id = spawn(illegal_and_go_on, 0, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
}

static void fault_again(struct xok_regs *r)
{
	(void)r;
	shared()[0]++;
	__asm__ volatile("ud2");
}

static void double_fault(uint64_t arg)
{
	(void)arg;
	take_upcalls(fault_again, true, false);
	__asm__ volatile("ud2");
}

static void fault_in_handler(void)
{
	uint64_t id = spawn(double_fault, 0, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	CHECK_EQ(shared()[0], 1);
}

/* An upcall stack that is no memory: the first push faults, disabled, and that is the end. */
static void bad_stack(uint64_t sp)
{
	take_upcalls(repair, true, false);
	guest_uenv.upcall_sp = sp;
	__asm__ volatile("ud2" : : : "memory");
}

static void bad_upcall_stack(void)
{
	static const uint64_t sp[] = {
		0,	     8,		0x123456780000, 0x0000800000000000, 0xffff800000100000,
		XOK_INFO_VA, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(sp) / sizeof(sp[0]); i++) {
		uint64_t id = spawn(bad_stack, sp[i], NULL);
		uint8_t end = wait_end(id, PATIENCE, &last);

		CHECK(end == XOK_END_FAULT || end == XOK_END_UPCALL);
	}
}

/* The control page stays where it is pinned, whatever is mapped over it. */
static void unmap_control_page(uint64_t arg)
{
	uint64_t self = info()->current;

	(void)arg;
	take_upcalls(repair, true, false);
	if (sys_map(0, 0, self, (uint64_t)&guest_uenv, 0, 0) != XOK_OK)
		quit(1);
	__asm__ volatile("ud2");
}

static void control_page_gone(void)
{
	const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};
	uint64_t id = spawn(unmap_control_page, 0, &own);

	CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &own), XOK_OK);
	/* The upcall is delivered; its handler cannot write the page and faults while disabled. */
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
}

const struct guest_test guest_tests[] = {
	{"a page fault is handled in ring 3 and resumed", fault_upcall},
	{"other exceptions are handled in ring 3 and resumed", other_exceptions},
	{"a fault in the handler ends the environment", fault_in_handler},
	{"an upcall stack that is none ends the environment", bad_upcall_stack},
	{"a control page that was unmapped hurts only its environment", control_page_gone},
	{NULL, NULL},
};
