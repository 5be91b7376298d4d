/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from the loader's 32-bit protected mode to boot_main in long mode.
 *
 * The PVH boot ABI (Xen, docs/misc/pvh.pandoc) enters at the address in the note with paging off,
 * flat segments and ebx = physical address of struct hvm_start_info. The page tables here map the
 * first GiB three times: where it is, at DIRECT_BASE and at KERNEL_BASE; paging.c replaces them.
 */
#include "pc.h"
#include "x86.h"

#define PHYS(sym) (sym - KERNEL_BASE)

	.section .note.Xen, "a", @note
	.align 4
	.long 4			/* length of the name */
	.long 8			/* length of the descriptor */
	.long 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYS(pvh_entry)

	.section .boot.text, "ax"
	.code32
	.globl pvh_entry
pvh_entry:
	cli
	cld
	movl %ebx, %esi
	/* The time of entry, before anything else. */
	rdtsc
	movl %eax, PHYS(boot_tsc)
	movl %edx, PHYS(boot_tsc) + 4

	/* A processor without long mode cannot even say so in our 64-bit code: stop here. */
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc 1f

	movl $(CR4_PAE), %eax
	movl %eax, %cr4
	movl $PHYS(boot_pml4), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl $(EFER_SCE | EFER_LME | EFER_NXE), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	lgdt PHYS(boot_gdtr)
	ljmp $SEL_KCODE, $PHYS(entry64)
1:	hlt
	jmp 1b

	.code64
entry64:
	movabsq $entry_high, %rax
	jmp *%rax
entry_high:
	xorl %eax, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movq $kernel_stack_top, %rsp
	xorl %ebp, %ebp
	movl %esi, %edi
	movq boot_tsc(%rip), %rsi
	call boot_main
	ud2

	.data
	.align 8
boot_tsc:
	.quad 0

	.section .rodata
	.align 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
boot_gdtr:
	.word . - boot_gdt - 1
	.long PHYS(boot_gdt)

	.data
	.align 4096
boot_pml4:
	.quad PHYS(boot_pdpt_low) + 3
	.fill 255, 8, 0
	.quad PHYS(boot_pdpt_low) + 3
	.fill 254, 8, 0
	.quad PHYS(boot_pdpt_high) + 3
boot_pdpt_low:
	.quad PHYS(boot_pd) + 3
	.fill 511, 8, 0
boot_pdpt_high:
	.fill 510, 8, 0
	.quad PHYS(boot_pd) + 3
	.quad 0
boot_pd:
	.set page, 0
	.rept 512
	.quad (page << 21) + 0x83
	.set page, page + 1
	.endr

	.section .note.GNU-stack, "", @progbits
