/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_slices.c - slices end in the middle of busy code and nobody notices: general and vector
 * registers, flags, the red zone and the x87 stack are as they were, in two environments that
 * compute different things at the same time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "amp/sys.h"
#include "libamp/pc/pc.h"
#include "libamp/test/tap.h"

extern const char upcall_tail_lo[];
extern uint64_t upcall_resume_flags, upcall_resume_sp, upcall_resume_ip;

#define BUSY_NS 1500000000ull

/*
 * Fills every register with values made from `seed`, spins without touching any of them until
 * `rounds` are over (the count is in memory, below rsp), and compares. Returns a bit for each group
 * that changed.
 */
static __attribute__((noinline)) uint32_t spin(uint64_t seed, uint64_t rounds)
{
	uint64_t in[8], out[16], ymm_in[4], ymm_out[4 * 2], flags;
	uint32_t wrong = 0;
	long double st;

	for (unsigned i = 0; i < 8; i++)
		in[i] = seed * (2 * i + 3);
	for (unsigned i = 0; i < 4; i++)
		ymm_in[i] = ~seed * (i + 1);
	__asm__ volatile("fldpi\n\t"
			 "vmovdqu (%[yin]), %%ymm3\n\t"
			 "vmovdqu (%[yin]), %%ymm14\n\t"
			 "leaq -128(%%rsp), %%rsp\n\t" /* the compiler's own red zone */
			 "movq %[out], -8(%%rsp)\n\t"
			 "movq %[yout], -16(%%rsp)\n\t"
			 "movq %[rounds], -24(%%rsp)\n\t"
			 "movq 0(%[in]), %%r8\n\t"
			 "movq 8(%[in]), %%r9\n\t"
			 "movq 16(%[in]), %%r10\n\t"
			 "movq 24(%[in]), %%r11\n\t"
			 "movq 32(%[in]), %%r12\n\t"
			 "movq 40(%[in]), %%r13\n\t"
			 "movq 48(%[in]), %%r14\n\t"
			 "movq 56(%[in]), %%r15\n\t"
			 "stc\n\t"
			 "1:\n\t"
			 "jnc 2f\n\t" /* dec keeps the carry flag: it must stay set */
			 "decq -24(%%rsp)\n\t"
			 "jnz 1b\n\t"
			 "2:\n\t"
			 "movq -8(%%rsp), %%rax\n\t"
			 "movq %%r8, 0(%%rax)\n\t"
			 "movq %%r9, 8(%%rax)\n\t"
			 "movq %%r10, 16(%%rax)\n\t"
			 "movq %%r11, 24(%%rax)\n\t"
			 "movq %%r12, 32(%%rax)\n\t"
			 "movq %%r13, 40(%%rax)\n\t"
			 "movq %%r14, 48(%%rax)\n\t"
			 "movq %%r15, 56(%%rax)\n\t"
			 "movq -24(%%rsp), %%r8\n\t"
			 "movq -16(%%rsp), %%rax\n\t"
			 "vmovdqu %%ymm3, (%%rax)\n\t"
			 "vmovdqu %%ymm14, 32(%%rax)\n\t"
			 "vzeroupper\n\t"
			 "leaq 128(%%rsp), %%rsp\n\t"
			 "movq %%r8, %[flags]\n\t"
			 : [flags] "=m"(flags), "=t"(st)
			 : [in] "b"(in), [out] "D"(out), [yin] "S"(ymm_in), [yout] "d"(ymm_out),
			   [rounds] "c"(rounds)
			 : "rax", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
			   "memory", "xmm3", "xmm14");
	if (memcmp(in, out, sizeof(in)) != 0)
		wrong |= 1;
	if (memcmp(ymm_in, ymm_out, sizeof(ymm_in)) != 0 ||
	    memcmp(ymm_in, ymm_out + 4, sizeof(ymm_in)) != 0)
		wrong |= 2;
	if (flags != 0)
		wrong |= 4;
	if (st < 3.14159L || st > 3.1416L)
		wrong |= 8;
	return wrong;
}

static uint32_t busy(uint64_t seed)
{
	uint64_t end = amp_now() + BUSY_NS;
	uint32_t wrong = 0;

	while (amp_now() < end)
		wrong |= spin(seed += 0x9e3779b97f4a7c15u, 200000);
	return wrong;
}

/* Floating point that would show a single lost bit. */
static double chaos(double x, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		x = 3.99 * x * (1 - x);
	return x;
}

static uint32_t busy_chaos(double start)
{
	double want = chaos(start, 100000);
	uint64_t end = amp_now() + BUSY_NS;
	uint32_t wrong = 0;

	while (amp_now() < end)
		wrong |= chaos(start, 100000) != want;
	return wrong;
}

/*
 * Pages come and go all the time: many slices end inside the fault handler and in reflected system
 * calls.
 */
static uint32_t busy_paging(void)
{
	uint64_t end = amp_now() + BUSY_NS;
	uint32_t wrong = 0, pages = 16;

	while (amp_now() < end) {
		uint8_t *p = mmap(NULL, pages * XOK_PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 2;
		for (uint32_t i = pages; i-- > 0;)
			wrong |= p[i * XOK_PAGE]++;
		wrong |= munmap(p, pages * XOK_PAGE) != 0;
	}
	return wrong;
}

/*
 * An upcall in the last instructions of a return, which real ones hit once in a blue moon: the
 * registers are the interrupted code's already, rip lies in the tail, and what is still to come is
 * in upcall_resume_*. Plays the kernel's part and expects to be back at label 1 with everything in
 * place.
 */
static __attribute__((noinline)) uint32_t upcall_in_tail(void)
{
	static struct xok_regs area;
	uint64_t rbx, flags, moved;

	area = (struct xok_regs){
		.rip = (uintptr_t)upcall_tail_lo,
		.rsp = (uintptr_t)&upcall_resume_flags,
		.rflags = 0x202,
		.rbx = 0x1111,
	};
	upcall_resume_flags = 0x203; /* carry, which area.rflags has not */
	__asm__ volatile("movl $1, pc_uenv(%%rip)\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rax, upcall_resume_ip(%%rip)\n\t"
			 "movq %%rbp, %[rbp]\n\t"
			 "movq %%rsp, upcall_resume_sp(%%rip)\n\t"
			 "leaq pc_upcall_stack(%%rip), %%rsp\n\t"
			 "addq %[top], %%rsp\n\t"
			 "jmp upcall_slice_end\n\t"
			 "1:\n\t"
			 "pushfq\n\t"
			 "popq %%rax\n\t"
			 "movq %%rsp, %%rcx\n\t"
			 "subq upcall_resume_sp(%%rip), %%rcx\n\t"
			 : "=b"(rbx), "=a"(flags), "=c"(moved), [rbp] "=m"(area.rbp)
			 : "D"(&area), [top] "i"(PC_UPCALL_STACK)
			 : "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
			   "memory");
	return (rbx != 0x1111) | (moved != 0) << 1 | ((flags & 1) != 1) << 2 |
	       (pc_uenv.disabled != 0) << 3;
}

int main(int argc, char **argv)
{
	const struct xok_env_info *self = amp_env_info(amp_self()), *e;
	uint64_t before;
	uint32_t wrong;
	int64_t id;

	if (argc > 1)
		return (int)(argv[1][0] == 's'	 ? busy(77)
			     : argv[1][0] == 'c' ? busy_chaos(0.3)
						 : busy_paging());
	tap_begin();
	before = self->slices;
	id = tap_child("spin", 's', NULL, 0);
	wrong = busy(12345);
	tap(wrong == 0, "registers, flags and red zone survive slice ends (%x)", wrong);
	e = tap_wait(id, 10000);
	tap(e != NULL && e->end == XOK_END_EXIT && e->exit_code == 0,
	    "in a second environment too (%d)", e != NULL ? e->exit_code : -1);
	tap(self->slices - before > 40 && e != NULL && e->slices > 40,
	    "there were many (%lu and %lu slices)", self->slices - before,
	    e != NULL ? e->slices : 0);
	amp_env_destroy((uint32_t)id);

	id = tap_child("chaos", 's', NULL, 0);
	tap(busy_chaos(0.7) == 0, "floating point survives them");
	e = tap_wait(id, 10000);
	tap(e != NULL && e->end == XOK_END_EXIT && e->exit_code == 0,
	    "in a second environment too");
	amp_env_destroy((uint32_t)id);

	id = tap_child("paging", 's', NULL, 0);
	tap(busy_paging() == 0, "so does an environment that faults most of the time");
	e = tap_wait(id, 10000);
	tap(e != NULL && e->end == XOK_END_EXIT && e->exit_code == 0, "and a second (%d, %d)",
	    e != NULL ? e->end : -1, e != NULL ? e->exit_code : -1);
	amp_env_destroy((uint32_t)id);

	wrong = upcall_in_tail();
	tap(wrong == 0, "an upcall in the tail of a return completes it (%x)", wrong);
	tap_end();
}
