/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c - what to do with each trap, and the loop that runs environments.
 *
 * Every way in ends in run_next, which never returns: it asks the core whom to run, sets the timer,
 * and leaves through user_iret or user_sysret. Interrupts are taken only in ring 3 and in cpu_idle,
 * so no lock is needed and nothing nests but an exception in the kernel, which is a panic.
 */
#include "pc.h"
#include "x86.h"
#include "xok/sysnum.h"

/*
 * What an environment's rflags may hold; interrupts are always on in ring 3, IOPL and NT always 0.
 */
#define USER_RFLAGS \
	(RFLAGS_ARITH | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_ID | RFLAGS_IF | RFLAGS_ONE)
#define PF_RESERVED 8u /* page-fault error code: a reserved bit was set in a table */

extern struct xok_regs *current_regs;
void cpu_idle(void);
void cpu_window(void);
void trap_syscall(void);
void trap_user(void);
void trap_idle(uint64_t vector);
void trap_kernel(struct xok_regs *r);

static struct xok *xok;
static struct xok_env *current; /* whose registers current_regs names; NULL while idle */
static uint32_t selectors;	/* id of the environment for which they were cleared */
static uint64_t slice_until;	/* when the core wants xok_tick */

static const char *const exception_name[VEC_EXCEPTIONS] = {
	"divide error",
	"debug",
	"non-maskable interrupt",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor",
	"invalid task segment",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
};

static const char *name_of(uint64_t vector)
{
	if (vector < VEC_EXCEPTIONS && exception_name[vector] != NULL)
		return exception_name[vector];
	return "unexpected interrupt";
}

/*
 * Enters ring 3. sysret sets rcx and r11 to rip and rflags, so it serves exactly the states where
 * they are equal, which a system call's are; and never with TF, whose trap would then come one
 * instruction early.
 */
static _Noreturn void enter_user(struct xok_env *e)
{
	struct xok_regs *r = &e->regs;

	space_load(e->root);
	fpu_load(e);
	current = e;
	current_regs = r;
	if (selectors != e->info->id) {
		/*
		 * What another one loaded is not to be seen. Loading may clear the base behind it:
		 * before the bases.
		 */
		__asm__ volatile("mov %w0, %%ds; mov %w0, %%es; mov %w0, %%fs; mov %w0, %%gs"
				 :
				 : "r"(0));
		selectors = e->info->id;
	}
	wrfsbase(r->fs_base);
	wrgsbase(r->gs_base);
	r->rflags = (r->rflags & USER_RFLAGS) | RFLAGS_IF | RFLAGS_ONE;
	if (r->rcx == r->rip && r->r11 == r->rflags && !(r->rflags & RFLAGS_TF))
		user_sysret(r);
	user_iret(r);
}

static _Noreturn void run_next(void)
{
	for (;;) {
		uint64_t poll = net_poll(false);
		struct xok_env *e = xok_schedule(xok, &slice_until);

		apic_timer_at(poll < slice_until ? poll : slice_until);
		if (e == NULL) {
			current = NULL;
			if (poll == UINT64_MAX) {
				cpu_idle();
			} else {
				net_poll(true);
				cpu_window();
			}
			continue;
		}
		/*
		 * iretq and sysretq with such an address fault in ring 0, some on the user's stack.
		 */
		if (e->regs.rip >= USER_END) {
			e->regs.trapno = VEC_GP;
			e->regs.error = 0;
			e->regs.addr = 0;
			xok_trap(xok, e);
			continue;
		}
		enter_user(e);
	}
}

static void save_bases(void)
{
	current_regs->fs_base = rdfsbase();
	current_regs->gs_base = rdgsbase();
}

void trap_syscall(void)
{
	struct xok_env *e = current;
	struct xok_regs *r = &e->regs;
	uint64_t nr = r->rax - XOK_SYS_BASE;

	save_bases();
	if (nr < XOK_NSYS) {
		const uint64_t arg[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};

		r->rax = (uint64_t)xok_syscall(xok, e, r->rax, arg);
	} else {
		xok_reflect(xok, e);
	}
	run_next();
}

static void timer(void)
{
	apic_timer_fired();
	/* It may have been set for a poll, or short of a far deadline. */
	if (clock_now() >= slice_until) {
		slice_until = UINT64_MAX;
		xok_tick(xok, current);
	}
}

static void interrupt(uint64_t vector)
{
	if (vector == VEC_SPURIOUS)
		return; /* SDM 11.9: no EOI */
	apic_eoi();
	if (vector - VEC_PORT0 < PC_NPORT) {
		net_interrupt((uint32_t)(vector - VEC_PORT0), current == NULL);
	} else if (vector == VEC_TIMER) {
		timer();
	} else if (vector == VEC_COM1 || vector == VEC_COM2) {
		if (serial_interrupt((uint32_t)(vector - VEC_COM1)))
			xok_cons_in(xok, (uint32_t)(vector - VEC_COM1));
	}
}

void trap_user(void)
{
	struct xok_env *e = current;
	struct xok_regs *r = &e->regs;

	save_bases();
	if (r->trapno >= VEC_EXCEPTIONS) {
		interrupt(r->trapno);
		run_next();
	}
	if (r->trapno == VEC_NMI || r->trapno == VEC_DF || r->trapno == VEC_MC)
		panic_regs(r, name_of(r->trapno));
	r->addr = r->trapno == VEC_PF ? read_cr2() : 0;
	if (r->trapno == VEC_PF && (r->error & PF_RESERVED))
		panic_regs(r, "corrupt page table");
	if (r->trapno == VEC_DB)
		write_dr6(0);
	xok_trap(xok, e);
	run_next();
}

/* An interrupt while no environment runs. */
void trap_idle(uint64_t vector)
{
	interrupt(vector);
	run_next();
}

void trap_kernel(struct xok_regs *r)
{
	/*
	 * A single-step trap that the user's TF left behind at the first instruction of a system
	 * call.
	 */
	if (r->trapno == VEC_DB && r->rip == (uint64_t)syscall_entry) {
		write_dr6(0);
		return;
	}
	r->addr = r->trapno == VEC_PF ? read_cr2() : 0;
	panic_regs(r, name_of(r->trapno));
}

_Noreturn void trap_run(struct xok *x)
{
	xok = x;
	slice_until = UINT64_MAX;
	run_next();
}
