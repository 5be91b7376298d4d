/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - exceptions of this environment: pages on demand, a report for everything else. Runs on
 * the upcall stack, disabled: a fault of its own would end the environment without a word, so it
 * touches nothing that is paged.
 */
#include <stdarg.h>
#include <stdio.h>

#include "libamp/pc/pc.h"

#define PAGE_FAULT 14u
#define PF_PRESENT 1u
#define PF_WRITE 2u

static const char *const names[] = {
	[0] = "divide error",	     [1] = "debug trap",
	[3] = "breakpoint",	     [4] = "overflow",
	[6] = "invalid opcode",	     [7] = "no coprocessor",
	[12] = "stack fault",	     [13] = "general protection fault",
	[PAGE_FAULT] = "page fault", [16] = "x87 exception",
	[17] = "alignment check",    [19] = "vector exception",
};

struct report {
	char text[1400];
	size_t len;
};

static void add(struct report *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct report *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->text + p->len, sizeof(p->text) - p->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->len += (size_t)n < sizeof(p->text) - p->len ? (size_t)n
							       : sizeof(p->text) - p->len - 1;
}

static void report(const struct xok_regs *r)
{
	static struct report p;
	const char *name = r->trapno < sizeof(names) / sizeof(names[0]) ? names[r->trapno] : NULL;

	p.len = 0;
	add(&p, "%s: %s (%lu, error %lx) at %lx", info_self()->name, name ? name : "exception",
	    r->trapno, r->error, r->rip);
	if (r->trapno == PAGE_FAULT)
		add(&p, ", address %lx", r->addr);
	add(&p, "\n  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx,
	    r->rdx);
	add(&p, "  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
	add(&p, "  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
	add(&p, "  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", r->r12, r->r13, r->r14, r->r15);
	add(&p, "  rflags %lx fs %lx gs %lx\n", r->rflags, r->fs_base, r->gs_base);
	xok_cons_write(PC_CAP, 0, p.text, (uint32_t)p.len);
}

bool fault_upcall(const struct xok_regs *r)
{
	if (r->trapno == PAGE_FAULT && !(r->error & PF_PRESENT) &&
	    vm_fault(r->addr, r->error & PF_WRITE))
		return true;
	report(r);
	return false;
}
