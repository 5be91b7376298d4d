/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c - descriptor tables and the protection features, all of which must be there.
 *
 * GDT and IDT end up in read-only pages (.ro_after_init): the task register is loaded, which writes
 * its busy bit, and the accessed bits are set before. The task segment itself stays writable but
 * holds only stack addresses.
 */
#include "pc.h"
#include "x86.h"

struct gate {
	uint16_t off_lo, sel;
	uint8_t ist, type;
	uint16_t off_mid;
	uint32_t off_hi, zero;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

_Static_assert(sizeof(struct gate) == 16, "gate layout");
_Static_assert(sizeof(struct tss) == 104, "task segment layout");

#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off on entry */
#define GATE_USER 0xee	    /* the same, and int3 may use it */
#define IST_STACK 8192u

extern char ist_stacks[];

static uint64_t gdt[8] __attribute__((section(".ro_after_init"), aligned(16)));
static struct gate idt[256] __attribute__((section(".ro_after_init"), aligned(16)));
static struct tss tss;

static void set_gate(unsigned vec, uint8_t ist, uint8_t type)
{
	uint64_t handler = (uint64_t)(trap_vectors + vec * 16);

	idt[vec] = (struct gate){.off_lo = (uint16_t)handler,
				 .sel = SEL_KCODE,
				 .ist = ist,
				 .type = type,
				 .off_mid = (uint16_t)(handler >> 16),
				 .off_hi = (uint32_t)(handler >> 32)};
}

static void fill_gdt(void)
{
	uint64_t base = (uint64_t)&tss, limit = sizeof(tss) - 1;

	gdt[SEL_KCODE / 8] = 0x00af9b000000ffffull;
	gdt[SEL_KDATA / 8] = 0x00cf93000000ffffull;
	gdt[SEL_UDATA / 8] = 0x00cff3000000ffffull;
	gdt[SEL_UCODE / 8] = 0x00affb000000ffffull;
	/* Available 64-bit task segment, two entries. */
	gdt[SEL_TSS / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 |
			   ((base >> 24) & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
}

static void fill_idt(void)
{
	/* Vectors that may come while rsp is not the kernel's, each with a stack of its own. */
	static const uint8_t ist_vector[4] = {VEC_DB, VEC_NMI, VEC_DF, VEC_MC};

	for (unsigned v = 0; v < 256; v++)
		set_gate(v, 0, v == VEC_BP ? GATE_USER : GATE_INTERRUPT);
	for (unsigned i = 0; i < 4; i++) {
		/* A guard page below each; the stack begins at its upper end. */
		tss.ist[i] = (uint64_t)ist_stacks + (i + 1) * (XOK_PAGE + IST_STACK);
		set_gate(ist_vector[i], (uint8_t)(i + 1), GATE_INTERRUPT);
	}
	tss.rsp[0] = (uint64_t)kernel_stack_top;
	tss.iomap = sizeof(tss); /* beyond the limit: no port is open to ring 3 */
}

void cpu_init_tables(void)
{
	struct table_ptr g = {sizeof(gdt) - 1, (uint64_t)gdt};
	struct table_ptr i = {sizeof(idt) - 1, (uint64_t)idt};

	fill_gdt();
	fill_idt();
	__asm__ volatile("lgdt %0" : : "m"(g));
	__asm__ volatile("lidt %0" : : "m"(i));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	__asm__ volatile("lldt %w0" : : "r"(0));
}

static void demand(bool have, const char *what)
{
	if (!have)
		panic("this processor lacks %s", what);
}

void cpu_init_protection(void)
{
	struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0), ext = cpuid(0x80000001, 0);
	uint64_t cr4 = read_cr4();

	demand(ext.d & (1u << 20), "NX");
	demand(ext.d & (1u << 11), "syscall");
	demand(one.c & (1u << 26), "XSAVE");
	demand(seven.b & (1u << 0), "FSGSBASE");
	demand(seven.b & (1u << 7), "SMEP");
	demand(seven.b & (1u << 20), "SMAP");
	demand(seven.c & (1u << 2), "UMIP");
	cr4 |= CR4_SMEP | CR4_SMAP | CR4_UMIP | CR4_FSGSBASE;
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	write_cr4(cr4);
	write_dr7(0x400); /* no breakpoint */

	/* sysret: ss = base + 8, cs = base + 16; syscall: cs = SEL_KCODE, ss = the next. */
	wrmsr(MSR_STAR, (uint64_t)(SEL_UBASE | 3) << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
				 RFLAGS_AC | RFLAGS_ARITH);
}
