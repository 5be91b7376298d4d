/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.S - the first instructions: the stack pointer leads to argc, argv, envp and the auxiliary
 * vector (System V).
 */
	.section .note.GNU-stack, "", @progbits

	.text
	.globl _start
	.type _start, @function
_start:
	xorl %ebp, %ebp
	movq %rsp, %rdi
	andq $-16, %rsp
	call pc_start
	ud2
