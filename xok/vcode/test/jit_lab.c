/* SPDX-License-Identifier: BSD-2-Clause */
/* jit_lab.c - see jit_lab.h. */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/jit_lab.h"

#define PAGE 4096u
#define CODE_BYTES (1u << 20)

/* One page of memory between two that nobody may touch. */
struct room {
	uint8_t *page;
};

/* What one of the two runs on. */
struct site {
	struct room ctx, window, rodata, data, stack, table0, table2, table7;
	struct vc_run run;
	struct bench user; /* for the helper context */
};

static struct site sites[2];
static uint8_t *code_rw, *code_rx;
static uint32_t code_at;
static void *scratch;
static size_t scratch_len;
static struct vc_prog prog; /* the case at hand, for the signal handler */
static const struct lab_case *at_hand;
static bool in_code;

static vc_helper_fn helpers[VC_NHELPER];

/* The harness's would also give something back, which helpers may not (vcode.h). */
static uint64_t charge(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		       uint64_t e)
{
	(void)b, (void)c, (void)d, (void)e;
	run->budget -= (int64_t)(a & INT32_MAX);
	return 0;
}

static void die(const char *what)
{
	char line[128];

	fprintf(stderr, "jit: %s; case %llx, window %u, budget %lld, cpu %u, %s\n", what,
		(unsigned long long)at_hand->name, at_hand->window_len, (long long)at_hand->budget,
		at_hand->cpu, at_hand->low ? "low" : "high");
	for (uint32_t pc = 0; pc < prog.ninsn;) {
		uint32_t at = pc;

		pc += vc_disasm(&prog, pc, line, sizeof(line));
		fprintf(stderr, "%4u: %s\n", at, line);
	}
	abort();
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signal(sig, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	if (!in_code)
		abort();
	fprintf(stderr, "jit: signal %d at address %p; code is at %p\n", sig, info->si_addr,
		(void *)code_rx);
	die("generated code faulted");
}

static struct room room_make(void)
{
	uint8_t *p = mmap(NULL, 3 * (size_t)PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE))
		abort();
	return (struct room){p + PAGE};
}

static uint8_t *place(struct room r, uint32_t len, bool low)
{
	return low ? r.page : r.page + PAGE - len;
}

uint32_t lab_cpu(void)
{
	return vc_cpu();
}

/* Generated code is written through one mapping and runs in another. */
static void map_code(void)
{
	int fd = memfd_create("code", 0);

	if (fd < 0 || ftruncate(fd, CODE_BYTES))
		abort();
	code_rw = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code_rx = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (code_rw == MAP_FAILED || code_rx == MAP_FAILED)
		abort();
	close(fd);
}

void lab_open(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	if (code_rw)
		return;
	map_code();
	for (int s = 0; s < 2; s++)
		for (struct room *r = &sites[s].ctx; r <= &sites[s].table7; r++)
			*r = room_make();
	memcpy(helpers, test_fn, sizeof(helpers));
	helpers[H_CHARGE] = charge;
	scratch_len = vc_scratch_size(VC_INSNS_MAX);
	scratch = malloc(scratch_len);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
}

static uint64_t mix(uint64_t v)
{
	v *= 0x9e3779b97f4a7c15;
	return v ^ v >> 29;
}

static void set_up(struct site *s, const struct lab_case *c)
{
	struct test_ctx *ctx = (struct test_ctx *)(void *)place(s->ctx, sizeof(*ctx), c->low);
	uint8_t *window = place(s->window, c->window_len, c->low);

	s->run = (struct vc_run){
		.ctx = ctx,
		.window = window,
		.window_len = c->window_len,
		.data = place(s->data, T_DATA, c->low),
		.stack = s->stack.page,
		.table = {[0] = place(s->table0, T_TABLE0, c->low),
			  [2] = place(s->table2, T_TABLE2, c->low),
			  [7] = place(s->table7, LAB_TABLE7, c->low)},
		.fn = helpers,
		.user = &s->user,
		.budget = c->budget,
	};
	s->user.ctx = ctx;
	*ctx = (struct test_ctx){
		(uintptr_t)window, c->window_len, 0x8001, 0x7f, 0x80, mix(c->fill), 5};
	for (uint32_t n = 0; n < c->window_len; n++)
		window[n] = (uint8_t)(n + c->fill);
	memset(s->run.data, 0, T_DATA);
	memset(s->run.table[0], 0x11, T_TABLE0);
	memset(s->run.table[2], 0x22, T_TABLE2);
	memset(s->run.table[7], 0x77, LAB_TABLE7);
}

static bool same_memory(const struct vc_run *a, const struct vc_run *b)
{
	const struct test_ctx *x = a->ctx, *y = b->ctx;

	return !memcmp(a->window, b->window, a->window_len) && !memcmp(a->data, b->data, T_DATA) &&
	       !memcmp(a->table[0], b->table[0], T_TABLE0) &&
	       !memcmp(a->table[2], b->table[2], T_TABLE2) &&
	       !memcmp(a->table[7], b->table[7], LAB_TABLE7) && x->len == y->len && x->a == y->a &&
	       x->b == y->b && x->half == y->half;
}

static void compile(const struct lab_case *c, struct vc_code *code)
{
	struct vc_code again;

	if (vc_compile(&prog, scratch, c->cpu, NULL, 0, code))
		die("no size");
	if (code->size > CODE_BYTES)
		die("too long");
	if (code_at + code->size + 64 > CODE_BYTES)
		code_at = 0;
	code_rw[code_at + code->size] = 0xcc;
	if (vc_compile(&prog, scratch, c->cpu, code_rw + code_at, code->size, &again))
		die("does not fit into what the dry run said");
	if (memcmp(code, &again, sizeof(again)) || code_rw[code_at + code->size] != 0xcc)
		die("another size");
}

/* As vc_exec, but what comes as an argument does not stand in the run. */
int lab_enter(const struct vc_prog *p, const struct vc_code *code, const void *base, uint32_t e,
	      struct vc_run *r);
int lab_enter(const struct vc_prog *p, const struct vc_code *code, const void *base, uint32_t e,
	      struct vc_run *r)
{
	vc_entry_fn fn = vc_ready(p, code, base, e, r);
	uint64_t len = r->window_len;
	uint8_t *window = r->window;
	int64_t budget = r->budget;
	struct vc_end end;

	if (!fn || len < vc_min_window(p) || budget < 0)
		return vc_exec(p, code, base, e, r);
	r->window = NULL;
	r->window_len = 0;
	r->budget = -1;
	r->stop = 0;
	end = fn(r, window, budget, len, r->ctx);
	r->r0 = end.r0;
	r->pc = vc_end_reason(end) ? vc_end_pc(end) : p->entry[e];
	if (!vc_end_reason(end))
		r->budget = end.left;
	r->window = window;
	r->window_len = len;
	return vc_end_reason(end);
}

/*
 * lab_enter with known values in registers that a function must preserve: 0 when they are what they were. Those that lab_enter needs
 * itself it saves, so this sees the others.
 */
uint64_t lab_exec(const struct vc_prog *p, const struct vc_code *code, const void *base, uint32_t e,
		  struct vc_run *r, int *result);
__asm__(".text\n"
	".globl lab_exec\n"
	"lab_exec:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %r9\n"
	"	mov $0x1b, %ebx; mov $0x1c, %ebp; mov $0x12, %r12d; mov $0x13, %r13d\n"
	"	mov $0x14, %r14d; mov $0x15, %r15d\n"
	"	call lab_enter\n"
	"	pop %r9\n"
	"	mov %eax, (%r9)\n"
	"	xor $0x1b, %rbx; xor $0x1c, %rbp; xor $0x12, %r12; xor $0x13, %r13\n"
	"	xor $0x14, %r14; xor $0x15, %r15\n"
	"	mov %rbx, %rax; or %rbp, %rax; or %r12, %rax; or %r13, %rax\n"
	"	or %r14, %rax; or %r15, %rax\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static void run_entry(const struct lab_case *c, const struct vc_code *code, uint32_t e,
		      struct lab_result *out)
{
	struct vc_run *x = &sites[0].run, *y = &sites[1].run;
	int a, b;

	set_up(&sites[0], c);
	set_up(&sites[1], c);
	memset(sites[0].stack.page, 0xee, PAGE);
	memset(sites[1].stack.page, (int)(c->fill | 1), PAGE);
	a = vc_interp(&prog, e, x);
	in_code = true;
	if (lab_exec(&prog, code, code_rx + code_at, e, y, &b))
		die("a register was not preserved");
	in_code = false;
	out->reason = a;
	out->r0 = x->r0;
	out->insns = x->insns;
	out->budget = x->budget;
	if (a != b) {
		fprintf(stderr, "interpreter: %s at %u, code: %s at %u\n", vc_reason_name(a), x->pc,
			vc_reason_name(b), y->pc);
		die("another reason");
	}
	if (a && x->pc != y->pc)
		die("another place");
	if (x->r0 != y->r0) {
		fprintf(stderr, "interpreter: %llx, code: %llx\n", (unsigned long long)x->r0,
			(unsigned long long)y->r0);
		die("another result");
	}
	if (x->budget != y->budget) {
		fprintf(stderr, "interpreter: %lld, code: %lld\n", (long long)x->budget,
			(long long)y->budget);
		die("another budget");
	}
	if (x->stop != y->stop)
		die("another stop");
	if (!same_memory(x, y))
		die("other memory");
	if (x->insns > (uint64_t)c->budget + prog.ninsn)
		die("ran for too long");
}

struct lab_result lab_try(const struct lab_case *c)
{
	struct lab_result out;
	struct vc_report rep;
	struct vc_code code;

	out.accepted = false;
	out.size = 0;
	at_hand = c;
	prog = (struct vc_prog){
		.kind = c->kind ? c->kind : &test_kind,
		.insn = c->insn,
		.ninsn = c->ninsn,
		.rodata = place(sites[1].rodata, T_RODATA, c->low),
		.rodata_len = T_RODATA,
		.data_len = T_DATA,
		.nentry = c->nentry ? c->nentry : 1,
		.min_window = c->min_window,
		.ntable = LAB_NTABLE,
		.table_bytes = {[0] = T_TABLE0, [2] = T_TABLE2, [7] = LAB_TABLE7},
	};
	memcpy(prog.entry, c->entry, sizeof(prog.entry));
	for (uint32_t n = 0; n < T_RODATA; n++)
		place(sites[1].rodata, T_RODATA, c->low)[n] = (uint8_t)(100 + n);
	if (vc_verify(&prog, scratch, scratch_len, &rep)) {
		snprintf(out.why, sizeof(out.why), "%s", rep.text);
		return out;
	}
	out.accepted = true;
	compile(c, &code);
	out.size = code.size;
	for (uint32_t e = 0; e < prog.nentry; e++)
		run_entry(c, &code, e, &out);
	code_at += code.size + 1;
	return out;
}
