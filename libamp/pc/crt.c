/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crt.c - from the first instruction to the C library's start: control page, memory, then musl with
 * a vector of our own making. Until pc_start has named the control page no foreign system call may
 * be made, and before musl has set up thread-local storage nothing may touch errno.
 */
#include <elf.h>

#include "libamp/common/backend.h"
#include "libamp/pc/pc.h"

_Static_assert(offsetof(struct xok_uenv, disabled) == U_DISABLED, "disabled");
_Static_assert(offsetof(struct xok_uenv, slice_pending) == U_PENDING, "slice_pending");
_Static_assert(PC_SYS_YIELD == XOK_SYS_BASE + XOK_NR_yield, "yield");

struct xok_uenv pc_uenv __attribute__((aligned(XOK_PAGE)));
uint8_t pc_upcall_stack[PC_UPCALL_STACK] __attribute__((aligned(64)));

#define MAX_ARGS 15u

int main(int argc, char **argv, char **envp);
int __libc_start_main(int (*fn)(int, char **, char **), int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*ldso)(void));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

_Noreturn void pc_start(const uint64_t *sp);

static void set_upcalls(void)
{
	pc_uenv.entry[XOK_UP_FAULT] = (uintptr_t)upcall_fault;
	pc_uenv.entry[XOK_UP_SLICE_END] = (uintptr_t)upcall_slice_end;
	pc_uenv.entry[XOK_UP_SYSCALL] = (uintptr_t)upcall_syscall;
	pc_uenv.upcall_sp = (uintptr_t)pc_upcall_stack + sizeof(pc_upcall_stack);
	if (xok_env_uenv((uintptr_t)&pc_uenv) != XOK_OK)
		xok_env_exit(127); /* without it there is nobody to report to */
}

/* What musl reads: argc, argv, an empty environment and an auxiliary vector. Returns argv. */
static char **make_vector(uint64_t argc, char *const *argv)
{
	static uint64_t random[2], v[MAX_ARGS + 3 + 2 * 5];
	const Elf64_Ehdr *eh = &__ehdr_start;
	uint64_t *p = v;

	amp_random(random, sizeof(random));
	for (uint64_t i = 0; i < argc; i++)
		*p++ = (uintptr_t)argv[i];
	p += 2; /* the ends of argv and envp */
	*p++ = AT_PHDR;
	*p++ = (uintptr_t)eh + eh->e_phoff;
	*p++ = AT_PHNUM;
	*p++ = eh->e_phnum;
	*p++ = AT_PHENT;
	*p++ = eh->e_phentsize;
	*p++ = AT_PAGESZ;
	*p++ = XOK_PAGE;
	*p++ = AT_RANDOM;
	*p++ = (uintptr_t)random;
	return (char **)v;
}

void pc_start(const uint64_t *sp)
{
	uint64_t argc = sp[0] < MAX_ARGS ? sp[0] : MAX_ARGS;
	char **argv;

	info_init();
	vm_init((uintptr_t)sp);
	set_upcalls();
	random_init();
	argv = make_vector(argc, (char *const *)(sp + 1));
	if (argc > 0)
		log_name(argv[0]);
	__libc_start_main(main, (int)argc, argv, 0, 0, 0);
	__builtin_unreachable();
}
