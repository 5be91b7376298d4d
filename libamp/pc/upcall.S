/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upcall.S - where the kernel enters an environment besides its own instructions, and how it gets
 * back.
 *
 * Slice end and fault come with pc_uenv.disabled = 1, rsp = the top of the upcall stack and rdi = a
 * save area that holds every register of the interrupted code. While disabled neither can come
 * again, so one stack serves both. Nothing below touches a vector register but between fxsave and
 * fxrstor: the handlers in C are built for the baseline instruction set, whose SSE instructions
 * leave the upper parts of wider registers alone.
 *
 * Getting back must not lose a slice's end. The kernel only notes one (slice_pending) while we are
 * disabled, and then expects an answer within XOK_GRACE ticks without asking again. So after the
 * last look at slice_pending we must already be enabled; but from then on an upcall can hit before
 * we are through, with all registers but rip, rflags and rsp already the interrupted code's. Those
 * three are in upcall_resume_flags, _sp and _ip. Hence: an upcall whose saved rip lies in
 * [upcall_tail_lo, upcall_tail_hi) completes the return on paper (FINISH), and the interrupted tail
 * is never continued. A slice's end is thus either seen by the look at slice_pending, or is an
 * upcall of its own.
 *
 * The last step is popfq, mov and jmp rather than iretq, which needs no privilege either: QEMU 7.2
 * makes iretq read its frame as the supervisor, which SMAP forbids. It also leaves the interrupted
 * stack alone, red zone and all.
 */
#include "libamp/pc/pc.h"

	.section .note.GNU-stack, "", @progbits

/* Seen from outside only by the test that plays an upcall in the tail. */
	.globl upcall_tail_lo, upcall_resume_flags, upcall_resume_sp, upcall_resume_ip

	.bss
	.align 16
upcall_resume_flags:		/* rsp points here at popfq */
	.skip 8
upcall_resume_sp:
	.skip 8
upcall_resume_ip:
	.skip 8
upcall_resume_area:		/* the save area that they were taken from */
	.skip 8

/* The save area at rdi was taken in the tail of a return: what was still to be loaded goes in. */
.macro FINISH
	movq R_RIP(%rdi), %rax
	cmpq $upcall_tail_lo, %rax
	jb 9f
	cmpq $upcall_tail_hi, %rax
	jae 9f
	movq upcall_resume_ip(%rip), %rax
	movq %rax, R_RIP(%rdi)
	movq upcall_resume_flags(%rip), %rax
	movq %rax, R_RFLAGS(%rdi)
	movq upcall_resume_sp(%rip), %rax
	movq %rax, R_RSP(%rdi)
9:
.endm

/* Loads all registers from the save area at rdi but rip, rflags and rsp, which LAST loads. */
.macro LOAD
	movq R_RIP(%rdi), %rax
	movq %rax, upcall_resume_ip(%rip)
	movq R_RFLAGS(%rdi), %rax
	movq %rax, upcall_resume_flags(%rip)
	movq R_RSP(%rdi), %rax
	movq %rax, upcall_resume_sp(%rip)
	movq R_RAX(%rdi), %rax
	movq R_RBX(%rdi), %rbx
	movq R_RCX(%rdi), %rcx
	movq R_RDX(%rdi), %rdx
	movq R_RSI(%rdi), %rsi
	movq R_RBP(%rdi), %rbp
	movq R_R8(%rdi), %r8
	movq R_R9(%rdi), %r9
	movq R_R10(%rdi), %r10
	movq R_R11(%rdi), %r11
	movq R_R12(%rdi), %r12
	movq R_R13(%rdi), %r13
	movq R_R14(%rdi), %r14
	movq R_R15(%rdi), %r15
	movq R_RDI(%rdi), %rdi
	leaq upcall_resume_flags(%rip), %rsp
.endm

.macro LAST
	popfq
	movq upcall_resume_sp(%rip), %rsp
	jmp *upcall_resume_ip(%rip)
.endm

	.text

/* A slice's end: yield, and go on where we were once the processor is ours again. */
	.globl upcall_slice_end
	.type upcall_slice_end, @function
upcall_slice_end:
	FINISH
answer:
	movq %rdi, %rbx
	movl $0, pc_uenv+U_PENDING(%rip)
	movl $PC_SYS_YIELD, %eax
	xorl %edi, %edi
	syscall
	movq %rbx, %rdi

/* Back to the code whose registers stand in the save area at rdi. */
resume:
	movq %rdi, upcall_resume_area(%rip)
	LOAD
	movl $0, pc_uenv+U_DISABLED(%rip)
upcall_tail_lo:
	cmpl $0, pc_uenv+U_PENDING(%rip)
	jne 1f
	LAST
1:	movl $1, pc_uenv+U_DISABLED(%rip)
upcall_tail_hi:
	/* Disabled again, and no upcall came in between: the save area is as it was. */
	leaq pc_upcall_stack+PC_UPCALL_STACK(%rip), %rsp
	movq upcall_resume_area(%rip), %rdi
	jmp answer

/* An exception: demand paging, or the end of this environment. */
	.globl upcall_fault
	.type upcall_fault, @function
upcall_fault:
	FINISH
	movq %rdi, %rbx
	subq $512, %rsp
	fxsave64 (%rsp)
	call fault_upcall
	fxrstor64 (%rsp)
	movq %rbx, %rdi
	testb %al, %al
	jnz resume
	/*
	 * The report is made. The same instruction with the same registers faults again, now while
	 * disabled, so that the kernel ends us and its record shows the true place. A trap (debug,
	 * breakpoint, overflow: vectors 1, 3, 4) is reported behind its instruction, which would
	 * not come again: ud2 does for those.
	 */
	movq 160(%rdi), %rax
	cmpq $1, %rax
	je 1f
	cmpq $3, %rax
	je 1f
	cmpq $4, %rax
	je 1f
	LOAD
	LAST
1:	ud2

/*
 * A foreign system call, reflected: all registers are the caller's, but rcx = where to return to
 * and r11 = rflags. We are on the caller's stack, and step over its red zone first. Linux keeps
 * every register but rax, rcx and r11.
 */
	.globl upcall_syscall
	.type upcall_syscall, @function
upcall_syscall:
	leaq -128(%rsp), %rsp
	pushq %rcx
	pushq %r11
	pushq %rbp
	movq %rsp, %rbp
	pushq %r9
	pushq %r8
	pushq %r10
	pushq %rdx
	pushq %rsi
	pushq %rdi
	movq %rax, %rdi
	movq %rsp, %rsi		/* the six arguments */
	subq $512, %rsp
	andq $-16, %rsp
	fxsave64 (%rsp)
	cld
	call linux_syscall
	fxrstor64 (%rsp)
	leaq -48(%rbp), %rsp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %r10
	popq %r8
	popq %r9
	popq %rbp
	popfq
	popq %rcx
	leaq 128(%rsp), %rsp
	/*
	 * r11 is free for anything; the flags are as they were, and neither lea nor jmp changes
	 * them.
	 */
	jmp *%rcx
