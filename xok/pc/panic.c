/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c - the end of a kernel that found itself wrong: registers, a backtrace by frame pointers
 * with names, and the environment that ran, on console 0; then a distinct exit status of the
 * emulator (isa-debug-exit).
 */
#include "pc.h"
#include "x86.h"

/*
 * The symbols, sorted by address, generated from the first link (ksyms.awk). In that first link
 * the table is empty; weak, so that it may be absent.
 */
struct ksym {
	uint32_t off; /* from KERNEL_BASE */
	uint32_t name;
};
extern const struct ksym ksyms[] __attribute__((weak));
extern const uint32_t ksyms_count __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));

extern const char kernel_start[], kernel_text_end[];

static struct xok *panic_xok;

void panic_kernel(struct xok *x)
{
	panic_xok = x;
}

static void print_address(uint64_t addr)
{
	const struct ksym *best = NULL;
	uint64_t off = addr - KERNEL_BASE;

	kprintf("  %016lx", addr);
	if (addr >= (uint64_t)kernel_start && addr < (uint64_t)kernel_text_end &&
	    &ksyms_count != NULL) {
		for (uint32_t i = 0; i < ksyms_count && ksyms[i].off <= off; i++)
			best = &ksyms[i];
	}
	if (best != NULL)
		kprintf("  %s+0x%lx", ksyms_names + best->name, off - best->off);
	kprintf("\n");
}

/*
 * A frame pointer is followed only within the kernel's stacks, upwards, so that a wild one ends the
 * walk.
 */
static bool on_stack(uint64_t rbp)
{
	extern const char kernel_stack_guard[], kernel_end[];

	return rbp >= (uint64_t)kernel_stack_guard + XOK_PAGE && rbp + 16 <= (uint64_t)kernel_end &&
	       rbp % 8 == 0;
}

static void backtrace(uint64_t rbp)
{
	for (unsigned depth = 0; depth < 32 && on_stack(rbp); depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		print_address(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

static void print_env(void *arg, struct xok_env *e)
{
	(void)arg;
	if (e->info->state == XOK_ENV_FREE)
		return;
	kprintf("  environment %x \"%s\" state %u rip %016lx rsp %016lx\n", e->info->id,
		e->info->name, e->info->state, e->regs.rip, e->regs.rsp);
}

static _Noreturn void stop(void)
{
	static bool again;

	if (!again) {
		again = true;
		if (panic_xok != NULL) {
			kprintf("environments:\n");
			xok_each_env(panic_xok, print_env, NULL);
		}
	}
	serial_drain();
	outl(0xf4, 0x7f);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void panic(const char *fmt, ...)
{
	va_list ap;

	__asm__ volatile("cli");
	serial_drain(); /* makes room for what follows */
	kprintf("\npanic: ");
	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
	kprintf("\nbacktrace:\n");
	backtrace((uint64_t)__builtin_frame_address(0));
	stop();
}

_Noreturn void panic_regs(const struct xok_regs *r, const char *what)
{
	__asm__ volatile("cli");
	serial_drain();
	kprintf("\npanic: %s (vector %lu, error %lx, address %016lx)\n", what, r->trapno, r->error,
		r->addr);
	kprintf("rip %016lx rsp %016lx rflags %016lx cr3 %016lx\n", r->rip, r->rsp, r->rflags,
		read_cr3());
	kprintf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	kprintf("rsi %016lx rdi %016lx rbp %016lx  r8 %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	kprintf(" r9 %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	kprintf("r13 %016lx r14 %016lx r15 %016lx\nbacktrace:\n", r->r13, r->r14, r->r15);
	print_address(r->rip);
	backtrace(r->rbp);
	stop();
}
