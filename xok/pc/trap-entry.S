/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-entry.S - every way into the kernel and both ways out.
 *
 * From ring 3 all registers go straight into the running environment's struct xok_regs, which
 * current_regs points to; the stack starts afresh at its top, for nothing on it is needed again. gs
 * belongs to the environment: with one processor the kernel finds its own data by its address.
 */
#include "pc.h"
#include "x86.h"

/* Everything but rax, rip, rflags, rsp and `base` itself, which the caller saved or will. */
.macro SAVE base
	movq %rbx, R_RBX(\base)
	movq %rcx, R_RCX(\base)
	movq %rdx, R_RDX(\base)
	movq %rsi, R_RSI(\base)
	movq %rdi, R_RDI(\base)
	movq %rbp, R_RBP(\base)
	movq %r8, R_R8(\base)
	movq %r9, R_R9(\base)
	movq %r10, R_R10(\base)
	movq %r11, R_R11(\base)
	movq %r12, R_R12(\base)
	movq %r13, R_R13(\base)
	movq %r14, R_R14(\base)
	movq %r15, R_R15(\base)
.endm

/* All but rdi (the base), rcx and r11. */
.macro RESTORE
	movq R_RAX(%rdi), %rax
	movq R_RBX(%rdi), %rbx
	movq R_RDX(%rdi), %rdx
	movq R_RSI(%rdi), %rsi
	movq R_RBP(%rdi), %rbp
	movq R_R8(%rdi), %r8
	movq R_R9(%rdi), %r9
	movq R_R10(%rdi), %r10
	movq R_R12(%rdi), %r12
	movq R_R13(%rdi), %r13
	movq R_R14(%rdi), %r14
	movq R_R15(%rdi), %r15
.endm

	.text

/*
 * The syscall instruction: rcx = user rip, r11 = user rflags, rsp still the user's. Interrupts are
 * off by FMASK; an NMI or debug trap that comes before rsp is ours runs on a stack of its own
 * (IST).
 */
	.globl syscall_entry
	.type syscall_entry, @function
	.align 16
syscall_entry:
	movq %rsp, syscall_rsp(%rip)
	movq current_regs(%rip), %rsp
	movq %rax, R_RAX(%rsp)
	SAVE %rsp
	movq %rcx, R_RIP(%rsp)
	movq %r11, R_RFLAGS(%rsp)
	movq syscall_rsp(%rip), %rax
	movq %rax, R_RSP(%rsp)
	movq $kernel_stack_top, %rsp
	xorl %ebp, %ebp
	call trap_syscall
	ud2
	.size syscall_entry, . - syscall_entry

/* 256 gates of 16 bytes; each leaves vector and error code on the stack. */
	.globl trap_vectors
	.align 16
trap_vectors:
	.set vec, 0
	.rept 256
	.align 16
	/* The processor pushes an error code for 8, 10 to 14, 17, 21, 29 and 30 (SDM 6.15). */
	.if (vec == 8) || (vec >= 10 && vec <= 14) || (vec == 17) || (vec == 21)
	.elseif (vec == 29) || (vec == 30)
	.else
	pushq $0
	.endif
	pushq $vec
	jmp trap_common
	.set vec, vec + 1
	.endr

	.type trap_common, @function
trap_common:
	/*
	 * On the stack: vector, error, rip, cs, rflags, rsp, ss. An interrupt does not clear AC or
	 * DF: do it.
	 */
	clac
	cld
	testb $3, 24(%rsp)
	jz trap_in_kernel
	pushq %rax
	movq current_regs(%rip), %rax
	SAVE %rax
	popq R_RAX(%rax)
	popq R_TRAPNO(%rax)
	popq R_ERROR(%rax)
	popq R_RIP(%rax)
	popq %rcx
	popq R_RFLAGS(%rax)
	popq R_RSP(%rax)
	movq $kernel_stack_top, %rsp
	xorl %ebp, %ebp
	call trap_user
	ud2

/*
 * In the kernel: an interrupt while idle, or the end. Then the registers go on the stack as a struct
 * xok_regs.
 */
trap_in_kernel:
	/*
	 * An interrupt while idle, the only place where they are on: nothing of what was there is
	 * needed again.
	 */
	cmpq $VEC_TIMER, (%rsp)
	jb 1f
	cmpq $cpu_idle, 16(%rsp)
	jb 1f
	cmpq $cpu_idle_end, 16(%rsp)
	jae 1f
	popq %rdi
	movq $kernel_stack_top, %rsp
	xorl %ebp, %ebp
	call trap_idle
	ud2
1:
	subq $R_SIZE, %rsp
	movq %rax, R_RAX(%rsp)
	SAVE %rsp
	movq R_SIZE(%rsp), %rax
	movq %rax, R_TRAPNO(%rsp)
	movq R_SIZE + 8(%rsp), %rax
	movq %rax, R_ERROR(%rsp)
	movq R_SIZE + 16(%rsp), %rax
	movq %rax, R_RIP(%rsp)
	movq R_SIZE + 32(%rsp), %rax
	movq %rax, R_RFLAGS(%rsp)
	movq R_SIZE + 40(%rsp), %rax
	movq %rax, R_RSP(%rsp)
	movq %rsp, %rdi
	movq %rsp, %rbx
	andq $-16, %rsp
	call trap_kernel
	movq %rbx, %rsp
	movq %rsp, %rdi
	RESTORE
	movq R_RCX(%rsp), %rcx
	movq R_R11(%rsp), %r11
	movq R_RDI(%rsp), %rdi
	addq $R_SIZE + 16, %rsp
	iretq
	.size trap_common, . - trap_common

	.globl user_iret
	.type user_iret, @function
user_iret:
	pushq $SEL_UDATA
	pushq R_RSP(%rdi)
	pushq R_RFLAGS(%rdi)
	pushq $SEL_UCODE
	pushq R_RIP(%rdi)
	RESTORE
	movq R_RCX(%rdi), %rcx
	movq R_R11(%rdi), %r11
	movq R_RDI(%rdi), %rdi
	iretq
	.size user_iret, . - user_iret

/*
 * Only for a canonical rip: with another one sysretq faults in ring 0 on the user's stack (SDM,
 * SYSRET).
 */
	.globl user_sysret
	.type user_sysret, @function
user_sysret:
	RESTORE
	movq R_RIP(%rdi), %rcx
	movq R_RFLAGS(%rdi), %r11
	movq R_RSP(%rdi), %rsp
	movq R_RDI(%rdi), %rdi
	sysretq
	.size user_sysret, . - user_sysret

/*
 * Waits for one interrupt: sti takes effect after the next instruction, so none can slip in
 * between.
 */
	.globl cpu_idle
	.type cpu_idle, @function
cpu_idle:
	pushq %rbp
	movq %rsp, %rbp
	sti
	hlt
	cli
	popq %rbp
	ret
	.size cpu_idle, . - cpu_idle

/* Lets interrupts that wait come in, without waiting for one. */
	.globl cpu_window
	.type cpu_window, @function
cpu_window:
	pushq %rbp
	movq %rsp, %rbp
	sti
	nop
	cli
	popq %rbp
	ret
	.size cpu_window, . - cpu_window
	.globl cpu_idle_end
cpu_idle_end:

	.bss
	.align 8
	.globl current_regs
current_regs:
	.quad 0
syscall_rsp:
	.quad 0

/* The kernel's stacks; the page below each is not mapped (paging.c). */
	.section .stacks, "aw", @nobits
	.align 4096
	.globl kernel_stack_guard, kernel_stack_top, ist_stacks
kernel_stack_guard:
	.skip 4096
	.skip 32768
kernel_stack_top:
ist_stacks:
	.rept 4
	.skip 4096
	.skip 8192
	.endr

	.section .note.GNU-stack, "", @progbits
