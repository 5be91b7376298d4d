/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_entry.c - the doors of the kernel: system calls with odd registers, flags, addresses and
 * numbers.
 */
#include "guest.h"

static struct xok_env_info last;

#define NR(name) (XOK_SYS_BASE + name)
#define YIELD 10
#define CONS_WRITE 21

/*
 * One system call with every register under control; the result, and what is in the others
 * afterwards.
 */
struct call_regs {
	uint64_t rax, rsp, rflags;
	uint64_t out_rax, out_rcx, out_r11, out_rflags, out_rsp, kept;
};

/*
 * rbx, rbp and r12 to r15 carry a pattern over the call; `kept` counts those that came back. The
 * stack pointer is the caller's choice: nothing is pushed while it is in force.
 */
static void raw_call(struct call_regs *c)
{
	static struct call_regs *where;
	static uint64_t saved_rsp, saved_rbp;

	where = c;
	__asm__ volatile(
		"movq %%rsp, %[rsp]\n\tmovq %%rbp, %[rbp]\n\t"
		"movq %[where], %%rdi\n\t"
		"pushq 16(%%rdi)\n\tpopfq\n\t"
		"movq 0(%%rdi), %%rax\n\tmovq 8(%%rdi), %%rsp\n\t"
		"movq $0x1111, %%rbx\n\tmovq $0x2222, %%rbp\n\tmovq $0x3333, %%r12\n\t"
		"movq $0x4444, %%r13\n\tmovq $0x5555, %%r14\n\tmovq $0x6666, %%r15\n\t"
		"xorl %%edi, %%edi\n\t"
		"syscall\n\t"
		"movq %[where], %%rdi\n\t"
		"movq %%rax, 24(%%rdi)\n\tmovq %%rcx, 32(%%rdi)\n\tmovq %%r11, 40(%%rdi)\n\t"
		"movq %%rsp, 56(%%rdi)\n\t"
		"movq %[rsp], %%rsp\n\tpushfq\n\tpopq 48(%%rdi)\n\tcld\n\t"
		"xorl %%eax, %%eax\n\t"
		"cmpq $0x1111, %%rbx\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"cmpq $0x2222, %%rbp\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"cmpq $0x3333, %%r12\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"cmpq $0x4444, %%r13\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"cmpq $0x5555, %%r14\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"cmpq $0x6666, %%r15\n\tsete %%cl\n\taddb %%cl, %%al\n\t"
		"movq %%rax, 64(%%rdi)\n\tmovq %[rbp], %%rbp\n\t"
		: [rsp] "+m"(saved_rsp), [rbp] "+m"(saved_rbp)
		: [where] "m"(where)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
		  "r14", "r15", "memory", "cc");
}

static void registers_kept(void)
{
	struct call_regs c = {.rax = NR(YIELD), .rsp = 0x1234, .rflags = 0x202};

	raw_call(&c);
	CHECK_EQ(c.out_rax, XOK_OK);
	CHECK_EQ(c.kept, 6);
	CHECK_EQ(c.out_rsp, 0x1234);
}

static void garbage_rsp(void)
{
	static const uint64_t rsp[] = {0,
				       1,
				       8,
				       0xfff,
				       0x00007fffffffffff,
				       0x0000800000000000,
				       0xdead000000000000,
				       0xffff800000100000,
				       0xffffffff80100000,
				       0xffffffffffffffff,
				       XOK_INFO_VA};

	for (unsigned i = 0; i < sizeof(rsp) / sizeof(rsp[0]); i++) {
		struct call_regs c = {.rax = NR(YIELD), .rsp = rsp[i], .rflags = 0x202};

		raw_call(&c);
		CHECK_EQ(c.out_rax, XOK_OK);
		CHECK_EQ(c.out_rsp, rsp[i]);
		CHECK_EQ(c.kept, 6);
	}
}

/* A garbage stack while slices end and faults come: the kernel must never touch it. */
static void spin_on_stack(uint64_t rsp)
{
	shared()[0] = 1;
	__asm__ volatile("movq %0, %%rsp\n1:\tincq %1\n\tjmp 1b" : : "r"(rsp), "m"(shared()[1]));
}

static void fault_on_stack(uint64_t rsp)
{
	shared()[0] = 1;
	__asm__ volatile("movq %0, %%rsp\n\tpushq %%rax\n\tud2" : : "r"(rsp));
}

static void odd_stack_in_traps(void)
{
	static const uint64_t rsp[] = {0, 0x0000800000000000, 0xffff800000100000,
				       0xffffffffffffffff};

	for (unsigned i = 0; i < sizeof(rsp) / sizeof(rsp[0]); i++) {
		uint64_t id = spawn(spin_on_stack, rsp[i], NULL);

		sys_env_sleep(0, now() + 60 * MS);
		CHECK(shared()[1] > 0);
		CHECK_EQ(wait_end(id, 1, &last), XOK_END_NONE);
		id = spawn(fault_on_stack, rsp[i], NULL);
		CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	}
}

static void odd_flags(void)
{
	/*
	 * NT, direction, alignment check, identification, overflow and carry: none may trouble the
	 * kernel.
	 */
	static const uint64_t flags[] = {0x4202, 0x602, 0x40202, 0x200202, 0xad7, 0x244ed7};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct call_regs c = {.rax = NR(YIELD), .rsp = 0x1000, .rflags = flags[i]};

		raw_call(&c);
		CHECK_EQ(c.out_rax, XOK_OK);
		CHECK_EQ(c.kept, 6);
		/* Interrupts stay on, IOPL 0; the rest is as it was, but for NT. */
		CHECK_EQ(c.out_rflags & 0x7200, 0x200);
		CHECK_EQ((c.out_rflags ^ flags[i]) & 0x400, 0);
	}
}

/* With TF set a trap comes after the system call, in ring 3, and is the environment's own. */
static void step_over_call(uint64_t arg)
{
	(void)arg;
	shared()[0] = 1;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tsyscall\n\tnop\n\tnop"
			 :
			 : "a"(NR(YIELD)), "D"(0)
			 : "rcx", "r11", "memory");
}

static void single_step(void)
{
	uint64_t id = spawn(step_over_call, 0, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	CHECK_EQ(last.last.trapno, 1);
	CHECK(last.last.rip < XOK_USER_HI);
}

/*
 * A system call as the very last instruction below the addresses a user may have: the return would
 * go beyond.
 */
static void call_at_edge(uint64_t nr)
{
	shared()[0] = 1;
	__asm__ volatile("jmp *%0" : : "r"(XOK_USER_HI - 2), "a"(nr), "D"(0) : "memory");
}

static uint64_t spawn_at_edge(uint64_t nr, uint32_t *frame)
{
	uint64_t id;

	*frame = new_frame();
	map_at(0x00006b0000001000, *frame, XOK_PROT_R | XOK_PROT_W);
	memcpy((void *)(0x00006b0000001000 + XOK_PAGE - 2), "\x0f\x05", 2);
	unmap_at(0x00006b0000001000);
	id = spawn(call_at_edge, nr, NULL);
	CHECK_EQ(sys_map(0, 0, id, XOK_USER_HI - XOK_PAGE, *frame, XOK_PROT_R | XOK_PROT_X),
		 XOK_OK);
	return id;
}

static void syscall_at_the_edge(void)
{
	uint32_t frame;
	uint64_t id = spawn_at_edge(NR(YIELD), &frame);

	/* It comes back to the first bookkeeping page, which cannot be executed. */
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_FAULT);
	CHECK_EQ(last.last.trapno, 14);
	CHECK_EQ(last.last.rip, XOK_USER_HI);
	sys_frame_free(0, frame);
}

static void bad_rip(void)
{
	static const uint64_t rip[] = {0,
				       0x0000800000000000,
				       0x00007fffffffffff,
				       0xffffffff80100000,
				       0xffff800000000000,
				       XOK_INFO_VA};
	int64_t id = sys_env_alloc(0, 4, "rip", 3);

	CHECK(id > 0);
	for (unsigned i = 0; i < sizeof(rip) / sizeof(rip[0]); i++)
		CHECK_EQ(sys_env_run(0, (uint64_t)id, rip[i], 0x10000, 0), XOK_EINVAL);
	CHECK_EQ(sys_env_destroy(0, (uint64_t)id), XOK_OK);
	CHECK_EQ(sys_env_destroy(0, (uint64_t)id), XOK_OK);
}

/*
 * An upcall entry that is no address: the environment ends, and the kernel does not return through
 * it.
 */
static void bad_entry(uint64_t entry)
{
	guest_uenv.upcall_sp = CHILD_STACK - 4096;
	guest_uenv.entry[XOK_UP_FAULT] = entry;
	guest_uenv.entry[XOK_UP_SYSCALL] = entry;
	__asm__ volatile("" : : : "memory");
	shared()[0] = 1;
	if (shared()[1])
		__asm__ volatile("syscall" : : "a"(39) : "rcx", "r11", "memory");
	__asm__ volatile("ud2");
}

static void bad_entries(void)
{
	static const uint64_t entry[] = {
		1,	     0x0000800000000000, 0xffffffff80100000, 0xffff800000000000,
		XOK_INFO_VA, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(entry) / sizeof(entry[0]) * 2; i++) {
		uint64_t id = spawn(bad_entry, entry[i / 2], NULL);
		uint8_t end;

		shared()[1] = i % 2;
		end = wait_end(id, PATIENCE, &last);
		CHECK(end == XOK_END_UPCALL || end == XOK_END_FAULT);
	}
}

/* ---- numbers outside the table ---- */

__asm__(".text\n.globl reflected\n"
	"reflected:\n"
	/* rax, rcx, r11 as the contract says; the answer is the number plus one. */
	"\tmovq %rax, reflected_nr(%rip)\n\tmovq %rsp, reflected_rsp(%rip)\n"
	"\taddq $1, %rax\n\tpushq %r11\n\tpopfq\n\tjmp *%rcx\n");
extern const char reflected[];
uint64_t reflected_nr, reflected_rsp;

static void call_wild(uint64_t arg)
{
	static const uint64_t nr[] = {0,
				      1,
				      39,
				      231,
				      0x7fffffff,
				      XOK_SYS_BASE - 1,
				      XOK_SYS_BASE + 0xffff,
				      0x1786f0000,
				      0x8000000000000000,
				      UINT64_MAX};

	(void)arg;
	guest_uenv.entry[XOK_UP_SYSCALL] = (uint64_t)reflected;
	__asm__ volatile("" : : : "memory");
	for (unsigned i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		struct call_regs c = {.rax = nr[i], .rsp = CHILD_STACK - 8192, .rflags = 0x202};

		raw_call(&c);
		if (c.out_rax != nr[i] + 1 || reflected_nr != nr[i] || c.kept != 6 ||
		    reflected_rsp != CHILD_STACK - 8192)
			quit(i + 1);
	}
	quit(0);
}

static void wild_numbers(void)
{
	uint64_t id = spawn(call_wild, 0, NULL);

	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ(last.exit_code, 0);
}

static void call_unhandled(uint64_t nr)
{
	__asm__ volatile("syscall" : : "a"(nr) : "rcx", "r11", "memory");
	quit(0);
}

static void unhandled_number(void)
{
	CHECK_EQ(wait_end(spawn(call_unhandled, 39, NULL), PATIENCE, &last), XOK_END_UPCALL);
	CHECK_EQ(wait_end(spawn(call_unhandled, XOK_SYS_BASE + 0x1000, NULL), PATIENCE, &last),
		 XOK_END_UPCALL);
}

/* ---- arguments ---- */

static void bad_buffers(void)
{
	static const uint64_t va[] = {0,
				      8,
				      0x123456789000,
				      XOK_USER_HI - 1,
				      0x00007ffffffffff0,
				      0x0000800000000000,
				      0xffff800000100000,
				      0xffffffff80100000,
				      UINT64_MAX - 15,
				      UINT64_MAX};
	uint32_t frame = new_frame();

	for (unsigned i = 0; i < sizeof(va) / sizeof(va[0]); i++) {
		CHECK_EQ(sys_cons_write(0, 0, (const char *)va[i], 16), XOK_EFAULT);
		CHECK_EQ(sys_cons_read(0, 1, (char *)va[i], 16), XOK_EFAULT);
		CHECK_EQ(sys_frame_alloc(0, (uint32_t *)va[i], 4), XOK_EFAULT);
		CHECK_EQ(sys_batch((const struct xok_call *)va[i], 2), XOK_EFAULT);
	}
	/* The bookkeeping may be read, not written; a range may not run out of what is mapped. */
	CHECK_EQ(sys_cons_read(0, 1, (char *)XOK_INFO_VA, 16), XOK_EFAULT);
	CHECK_EQ(sys_frame_alloc(0, (uint32_t *)XOK_INFO_VA, 1), XOK_EFAULT);
	map_at(0x00006b0000001000, frame, XOK_PROT_R | XOK_PROT_W);
	CHECK_EQ(sys_cons_write(0, 1, (const char *)0x00006b0000001ff0, 16), 16);
	CHECK_EQ(sys_cons_write(0, 1, (const char *)0x00006b0000001ff0, 17), XOK_EFAULT);
	map_at(0x00006b0000001000, frame, XOK_PROT_R);
	CHECK_EQ(sys_cons_read(0, 1, (char *)0x00006b0000001000, 16), XOK_EFAULT);
	unmap_at(0x00006b0000001000);
	sys_frame_free(0, frame);
}

/* ---- segment bases ---- */

static void set_bases(uint64_t base)
{
	__asm__ volatile("wrfsbase %0\n\twrgsbase %0" : : "r"(base));
	for (unsigned i = 0; i < 50; i++) {
		uint64_t fs, gs;

		sys_yield(0);
		__asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(fs), "=r"(gs));
		if (fs != base || gs != base)
			quit(1);
	}
	shared()[base & 7] = 1;
	__asm__ volatile("movq %%fs:0, %%rax" : : : "rax");
}

static void bases(void)
{
	uint64_t a = spawn(set_bases, 0xffffffff80100001, NULL), b, c;
	struct xok_env_info la, lb;

	b = spawn(set_bases, 0xffff800000000002, NULL);
	c = spawn(set_bases, 0x0000123400000003, NULL);
	CHECK_EQ(wait_end(a, PATIENCE, &la), XOK_END_FAULT);
	CHECK_EQ(wait_end(b, PATIENCE, &lb), XOK_END_FAULT);
	CHECK_EQ(wait_end(c, PATIENCE, &last), XOK_END_FAULT);
	CHECK_EQ(la.last.addr, 0xffffffff80100001);
	CHECK_EQ(lb.last.addr, 0xffff800000000002);
	CHECK_EQ(last.last.fs_base, 0x0000123400000003);
}

const struct guest_test guest_tests[] = {
	{"a system call keeps the registers it does not name", registers_kept},
	{"a garbage rsp in a system call is kept, not used", garbage_rsp},
	{"a garbage rsp in a trap is not used", odd_stack_in_traps},
	{"odd flags do not reach the kernel", odd_flags},
	{"single-stepping over a system call stays in ring 3", single_step},
	{"a system call at the edge of the user's addresses", syscall_at_the_edge},
	{"an environment cannot start at an odd rip", bad_rip},
	{"odd upcall entries end only their environment", bad_entries},
	{"system calls with wild numbers are reflected", wild_numbers},
	{"a reflected call without an entry ends only its environment", unhandled_number},
	{"bad buffers are refused", bad_buffers},
	{"fs and gs base are the environment's own", bases},
	{NULL, NULL},
};
