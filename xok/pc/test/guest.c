/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.c - the runtime of the in-guest tests; see guest.h. All memory is in the program's own
 * image.
 */
#include "guest.h"

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define COPY_VA 0x00006b0000000000ull /* where a child's page is filled before it is the child's */
#define STACK_PAGES 8u

void guest_main(const uint64_t *sp);
void child_entry(void);
extern const char resume_crit[], resume_end[], upcall_fault[], upcall_slice[];

static const struct elf_segment *segments;
static uint64_t nsegments;
static uint32_t shared_frame;
static unsigned failures;
void (*upcall_fn)(struct xok_regs *r);

__asm__(".text\n.globl _start\n"
	"_start:\n\txorl %ebp, %ebp\n\tmovq %rsp, %rdi\n\tcall guest_main\n\tud2\n"
	/*
	 * A child starts with function and argument on its stack, which is then aligned for a call.
	 */
	".globl child_entry\n"
	"child_entry:\n\tpopq %rax\n\tpopq %rdi\n\txorl %ebp, %ebp\n\tcall *%rax\n"
	"\txorl %edi, %edi\n\tcall sys_env_exit\n\tud2\n");

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != q[i])
			return p[i] - q[i];
	}
	return 0;
}

/* ---- output ---- */

static char line[512];
static size_t line_len;

static void put(const char *s)
{
	while (*s != '\0' && line_len < sizeof(line))
		line[line_len++] = *s++;
}

static void put_int(int64_t v)
{
	char digits[24];
	size_t n = sizeof(digits) - 1;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	digits[n] = '\0';
	do {
		digits[--n] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (v < 0)
		digits[--n] = '-';
	put(digits + n);
}

static void flush(void)
{
	put("\n");
	sys_cons_write(0, 0, line, line_len);
	line_len = 0;
}

void say(const char *text)
{
	put("# ");
	put(text);
	flush();
}

static void put_place(const char *file, int at, const char *text)
{
	put("# ");
	put(file);
	put(":");
	put_int(at);
	put(": ");
	put(text);
}

void check(bool cond, const char *file, int at, const char *text)
{
	if (cond)
		return;
	failures++;
	put_place(file, at, text);
	flush();
}

void check_eq(int64_t got, int64_t want, const char *file, int at, const char *text)
{
	if (got == want)
		return;
	failures++;
	put_place(file, at, text);
	put(": got ");
	put_int(got);
	put(", want ");
	put_int(want);
	flush();
}

static void must(bool cond, const char *what)
{
	if (cond)
		return;
	put("not ok 0 ");
	put(what);
	flush();
	sys_power(0, XOK_POWER_EXIT, 1);
}

/* ---- bookkeeping, time, memory ---- */

const struct xok_env_info *env_info(uint64_t id)
{
	const struct xok_env_info *table = (const void *)(XOK_INFO_VA + info()->env_off);

	return &table[XOK_ENV_INDEX(id)];
}

const struct xok_port_info *port_info(uint32_t port)
{
	const struct xok_port_info *table = (const void *)(XOK_INFO_VA + info()->port_off);

	return &table[port];
}

uint64_t now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)(((unsigned __int128)(((uint64_t)hi << 32 | lo) - info()->tsc0) *
			   info()->tsc_mult) >>
			  32);
}

uint32_t new_frame(void)
{
	uint32_t frame = 0;

	must(sys_frame_alloc(0, &frame, 1) == XOK_OK, "no frame");
	return frame;
}

void map_at(uint64_t va, uint32_t frame, uint32_t prot)
{
	must(sys_map(0, 0, 0, va, frame, prot) == XOK_OK, "map");
}

void unmap_at(uint64_t va)
{
	must(sys_map(0, 0, 0, va, 0, 0) == XOK_OK, "unmap");
}

/* ---- children ---- */

/*
 * Gives the child a page at va; `from` (NULL: zeroes) is copied to its offset `at`. The child's end
 * frees it.
 */
static void give_page(uint64_t id, uint64_t va, uint32_t prot, const void *from, size_t at,
		      size_t len)
{
	uint32_t frame = new_frame();

	if (from != NULL) {
		map_at(COPY_VA, frame, XOK_PROT_R | XOK_PROT_W);
		memcpy((uint8_t *)COPY_VA + at, from, len);
		unmap_at(COPY_VA);
	}
	must(sys_map(0, 0, id, va, frame, prot) == XOK_OK, "map into the child");
	must(sys_frame_free(0, frame) == XOK_OK, "free a child's frame");
}

static void copy_segment(uint64_t id, const struct elf_segment *s)
{
	uint32_t prot = XOK_PROT_R;

	prot |= s->flags & 2 ? XOK_PROT_W : 0;
	prot |= s->flags & 1 ? XOK_PROT_X : 0;
	for (uint64_t va = s->vaddr & ~(uint64_t)(XOK_PAGE - 1); va < s->vaddr + s->memsz;
	     va += XOK_PAGE) {
		uint64_t from = va > s->vaddr ? va : s->vaddr;
		uint64_t to = va + XOK_PAGE < s->vaddr + s->memsz ? va + XOK_PAGE
								  : s->vaddr + s->memsz;

		give_page(id, va, prot, (const void *)from, from - va, to - from);
	}
}

static void give_capability(uint64_t id, const struct xok_cap *cap)
{
	must(sys_cap_forge(0, 1, cap) == XOK_OK, "forge");
	must(sys_cap_give(0, id, 1, 0) == XOK_OK, "give");
	must(sys_cap_drop(1) == XOK_OK, "drop");
}

uint64_t spawn(void (*fn)(uint64_t arg), uint64_t arg, const struct xok_cap *cap)
{
	const uint64_t start[2] = {(uint64_t)fn, arg};
	int64_t id = sys_env_alloc(0, CHILD_FRAMES, "child", 5);

	must(id > 0, "env_alloc");
	memset((void *)SHARED, 0, XOK_PAGE);
	for (uint64_t i = 0; i < nsegments; i++) {
		if (segments[i].type == 1)
			copy_segment((uint64_t)id, &segments[i]);
	}
	for (uint64_t i = 1; i <= STACK_PAGES; i++)
		give_page((uint64_t)id, CHILD_STACK - i * XOK_PAGE, XOK_PROT_R | XOK_PROT_W,
			  i == 1 ? start : NULL, XOK_PAGE - sizeof(start), sizeof(start));
	must(sys_map(0, 0, id, SHARED, shared_frame, XOK_PROT_R | XOK_PROT_W) == XOK_OK, "share");
	if (cap != NULL)
		give_capability((uint64_t)id, cap);
	must(sys_slice_alloc(0, 0, id) >= 0, "slice_alloc");
	must(sys_env_run(0, id, (uint64_t)child_entry, CHILD_STACK - sizeof(start),
			 (uint64_t)&guest_uenv) == XOK_OK,
	     "env_run");
	return (uint64_t)id;
}

uint8_t wait_end(uint64_t id, uint64_t ns, struct xok_env_info *last)
{
	const struct xok_env_info *e = env_info(id);
	uint64_t until = now() + ns;
	uint8_t end;

	while (e->state != XOK_ENV_ENDED && now() < until)
		sys_env_sleep(XOK_EV_CHILD, until);
	if (last != NULL)
		memcpy(last, e, sizeof(*last));
	end = e->state == XOK_ENV_ENDED ? e->end : XOK_END_NONE;
	if (end == XOK_END_NONE)
		sys_env_destroy(0, id);
	sys_env_destroy(0, id);
	return end;
}

_Noreturn void quit(uint32_t code)
{
	for (;;)
		sys_env_exit(code);
}

/* ---- upcalls ---- */

/*
 * Resuming without the kernel and without iretq, whose stack accesses QEMU's emulation makes with
 * the kernel's rights, so that SMAP refuses them: the flags are popped from the save area itself,
 * and the last jump is through memory at a known address. Until that jump an upcall would overwrite
 * the save area, so [resume_crit, resume_end) is what crit_lo and crit_hi are to name. One copy for
 * each save area.
 */
struct xok_uenv guest_uenv __attribute__((aligned(4096)));
_Static_assert(offsetof(struct xok_uenv, save) == 56, "offsets in the assembly below");
_Static_assert(sizeof(struct xok_regs) == 184, "offsets in the assembly below");

__asm__(".text\n.globl resume_crit, resume_end, upcall_fault, upcall_slice\n"
	".macro resume area\n"
	"\tmovl $0, guest_uenv(%rip)\n"
	"\tleaq guest_uenv + \\area + 128(%rip), %rsp\n"
	"\tpopfq\n"
	"\tmovq guest_uenv + \\area(%rip), %rax\n"
	"\tmovq guest_uenv + \\area + 8(%rip), %rbx\n"
	"\tmovq guest_uenv + \\area + 16(%rip), %rcx\n"
	"\tmovq guest_uenv + \\area + 24(%rip), %rdx\n"
	"\tmovq guest_uenv + \\area + 32(%rip), %rsi\n"
	"\tmovq guest_uenv + \\area + 40(%rip), %rdi\n"
	"\tmovq guest_uenv + \\area + 48(%rip), %rbp\n"
	"\tmovq guest_uenv + \\area + 56(%rip), %r8\n"
	"\tmovq guest_uenv + \\area + 64(%rip), %r9\n"
	"\tmovq guest_uenv + \\area + 72(%rip), %r10\n"
	"\tmovq guest_uenv + \\area + 80(%rip), %r11\n"
	"\tmovq guest_uenv + \\area + 88(%rip), %r12\n"
	"\tmovq guest_uenv + \\area + 96(%rip), %r13\n"
	"\tmovq guest_uenv + \\area + 104(%rip), %r14\n"
	"\tmovq guest_uenv + \\area + 112(%rip), %r15\n"
	"\tmovq guest_uenv + \\area + 136(%rip), %rsp\n"
	"\tjmpq *guest_uenv + \\area + 120(%rip)\n"
	".endm\n"
	"upcall_fault:\n\tcall *upcall_fn(%rip)\n\tjmp resume_fault\n"
	"upcall_slice:\n\tcall *upcall_fn(%rip)\n\tjmp resume_slice\n"
	"resume_crit:\n"
	"resume_fault:\n\tresume 56\n"
	"resume_slice:\n\tresume 240\n"
	"resume_end:\n");

static uint8_t upcall_stack[8192] __attribute__((aligned(16)));

void take_upcalls(void (*fn)(struct xok_regs *r), bool fault, bool slice)
{
	struct xok_uenv *u = &guest_uenv;

	upcall_fn = fn;
	u->crit_lo = (uint64_t)resume_crit;
	u->crit_hi = (uint64_t)resume_end;
	u->upcall_sp = (uint64_t)(upcall_stack + sizeof(upcall_stack));
	u->entry[XOK_UP_FAULT] = fault ? (uint64_t)upcall_fault : 0;
	u->entry[XOK_UP_SLICE_END] = slice ? (uint64_t)upcall_slice : 0;
	__asm__ volatile(""
			 :
			 :
			 : "memory"); /* the kernel reads what the compiler thinks nobody does */
}

/* ---- the tests ---- */

/* The stack that the kernel made: argc, argv, NULL, envp, NULL, auxiliary vector. */
static void read_stack(const uint64_t *sp)
{
	const uint64_t *aux = sp + 1 + sp[0] + 1;

	while (*aux != 0)
		aux++;
	for (aux++; aux[0] != 0; aux += 2) {
		if (aux[0] == 3)
			segments = (const void *)aux[1];
		if (aux[0] == 5)
			nsegments = aux[1];
	}
	must(segments != NULL && nsegments > 0, "no program headers");
}

static uint32_t environments(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < info()->nenv; i++)
		n += env_info(i)->state != XOK_ENV_FREE;
	return n;
}

/* Page tables of ours stay; make those that the tests need before anything is counted. */
static void touch_tables(void)
{
	uint32_t frame = new_frame();

	map_at(COPY_VA, frame, XOK_PROT_R);
	unmap_at(COPY_VA);
	sys_frame_free(0, frame);
	shared_frame = new_frame();
	map_at(SHARED, shared_frame, XOK_PROT_R | XOK_PROT_W);
}

static bool run(const struct guest_test *t, int number)
{
	uint32_t frames, envs = environments();
	bool ok;

	frames = info()->frames_free;
	failures = 0;
	t->fn();
	CHECK_EQ(info()->frames_free, frames);
	CHECK_EQ(environments(), envs);
	CHECK_EQ(env_info(info()->current)->ncap_used, 1);
	ok = failures == 0;
	put(ok ? "ok " : "not ok ");
	put_int(number);
	put(" ");
	put(t->name);
	flush();
	return ok;
}

void guest_main(const uint64_t *sp)
{
	bool all = true;
	int n = 0;

	read_stack(sp);
	touch_tables();
	for (; guest_tests[n].name != NULL; n++)
		all = run(&guest_tests[n], n + 1) && all;
	put("1..");
	put_int(n);
	flush();
	sys_power(0, XOK_POWER_EXIT, all ? 0 : 1);
}
