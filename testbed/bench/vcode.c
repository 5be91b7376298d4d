/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode.c - bench-vcode: the same programs as generated code, as native functions of gcc -O2, by DPDK's rte_bpf and by the
 * interpreter; ns a run, over packets that are in the first cache. Generated code is metered and checks what it must; native functions
 * and rte_bpf do neither: native code may touch anything and run for ever, rte_bpf refuses loops and what it cannot
 * prove. What stands around a call is the same code for all: pointers, a budget and a length go in, two results come out, and native code and
 * rte_bpf look at the first argument and leave one result.
 *
 * rte_bpf knows no 32-bit jumps, so what it refuses as -mcpu=v3 it gets as -mcpu=v2 from the same source.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "capsule/sdk.h"
#include "testbed/bench/rows.h"
#include "testbed/bench/vcode_programs.h"
#include "xok/vcode/internal.h"

#define ROUNDS 8
#define PROCESSES 8
_Static_assert(PROCESSES *ROUNDS <= ROW_ROUNDS, "samples of a row");
#define RUNS 256u
#define STRIDE 64u  /* of packets whose headers only are read */
#define SPACE 1536u /* of whole ones */
#define LOADS 100
#define LOADING "500 instructions"
#define NOTHING 2 /* instructions of native_nothing: the result, and back */
#define PLACES 8  /* of code, and of the loops around it */
#define BUDGET 100000
#define SITES 16 /* contexts, in as many runs */
#define CAPSULE_LEN 960

/* What a program is run on, and whether a run changes what the next one reads. */
enum shape { PACKET_READ, PACKET_CHANGED, CAPSULE_READ, CAPSULE_CHANGED };

static inline bool is_capsule(enum shape s)
{
	return s >= CAPSULE_READ;
}

/* Native capsules return an int. */
static inline uint64_t result(enum shape s, uint64_t r0)
{
	return is_capsule(s) ? (uint32_t)r0 : r0;
}

struct program {
	const char *name, *text;
	bench_fn native, dpdk[PLACES];
	const char *dpdk_how;
	enum shape shape;
	bool whole, ceiling;
	double limit;
	struct vc_insn insn[VC_INSNS_MAX];
	struct vc_prog prog;
	struct vc_code code;
	void *base[PLACES];
};

static uint8_t packets[RUNS * STRIDE + 8 * SPACE] __attribute__((aligned(4096)));
static uint8_t *const payload = packets + 2 * SPACE; /* of capsules, one for all, long enough */
static struct bench_counter counters[BENCH_COUNTERS];
static uint8_t stack[VC_STACK_BYTES] __attribute__((aligned(64)));
static struct capsule_ctx contexts[SITES];
static struct vc_run runs[SITES];
/* What each of the runs is given: packet or context, a run of ours, window. */
static void *arguments[RUNS], *own[RUNS], *windows[RUNS];
static volatile uint64_t sink;

#define NATIVE(name) uint64_t native_##name(uint8_t *p);
NATIVE(nothing)
NATIVE(rewrite)
NATIVE(hash)
NATIVE(fnv)
NATIVE(checksum)
NATIVE(parse)
NATIVE(search)
NATIVE(count)
int native_ping(struct capsule_ctx *ctx);
int native_trace(struct capsule_ctx *ctx);

#define PACKET(n) .name = #n, .native = (bench_fn)(void (*)(void))native_##n
static struct program programs[] = {
	{PACKET(nothing), .text = "the ceiling: an empty program", .ceiling = true},
	{PACKET(rewrite), .text = "MAC addresses, TTL, incremental checksum",
	 .shape = PACKET_CHANGED, .limit = 1.4},
	{PACKET(hash), .text = "lookup3 over the 5-tuple", .limit = 1.4},
	{PACKET(fnv), .text = "FNV-1a over 13 bytes", .limit = 1.4},
	{PACKET(checksum), .text = "checksum of 1,500 bytes, rolled", .whole = true, .limit = 2},
	{PACKET(parse), .text = "the checks on an IPv4 header"},
	{PACKET(search), .text = "four bytes in 512, rolled", .whole = true},
	{PACKET(count), .text = "two counters in an array of 256"},
	{PACKET(ping), .text = "the capsule", .shape = CAPSULE_READ},
	{PACKET(trace), .text = "the capsule, a row written", .shape = CAPSULE_CHANGED},
};
#define NPROGRAM (sizeof(programs) / sizeof(programs[0]))

/* ---- what capsules call ---- */

static uint64_t fn_resize(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	(void)run, (void)b, (void)c, (void)d, (void)e;
	return (uint32_t)a > 960 ? (uint64_t)-1 : 0;
}

static uint64_t fn_spent(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			 uint64_t e)
{
	(void)run, (void)a, (void)b, (void)c, (void)d, (void)e;
	return 42;
}

static const vc_helper_fn helpers[VC_NHELPER] = {
	[VC_HELPER_spent] = fn_spent,
	[VC_HELPER_resize] = fn_resize,
};

static int64_t native_resize(uint32_t len)
{
	return len > 960 ? -1 : 0;
}

static uint64_t native_spent(void)
{
	return 42;
}

extern int64_t (*const capsule_resize)(uint32_t len);
extern uint64_t (*const capsule_spent)(void);
int64_t (*const capsule_resize)(uint32_t len) = native_resize;
uint64_t (*const capsule_spent)(void) = native_spent;

/* ---- loading ---- */

static void give_up(const char *what, const char *name)
{
	fprintf(stderr, "bench-vcode: %s: %s\n", name, what);
	exit(1);
}

static void *to_run(const uint8_t *code, uint32_t size)
{
	size_t len = (size + 4095u) & ~4095u;
	int fd = memfd_create("code", 0);
	void *rw, *rx;

	if (fd < 0 || ftruncate(fd, (off_t)len))
		give_up("no memory", "code");
	rw = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	rx = mmap(NULL, len, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (rw == MAP_FAILED || rx == MAP_FAILED)
		give_up("no memory", "code");
	memcpy(rw, code, size);
	munmap(rw, len);
	close(fd);
	return rx;
}

static void compile(struct program *p)
{
	static uint8_t code[1 << 18];
	size_t len = vc_scratch_size(p->prog.ninsn);
	void *scratch = malloc(len);
	struct vc_report rep;

	if (vc_verify(&p->prog, scratch, len, &rep))
		give_up(rep.text, p->name);
	if (vc_compile(&p->prog, scratch, vc_cpu(), code, sizeof(code), &p->code))
		give_up("too long", p->name);
	for (uint32_t n = 0; n < PLACES; n++)
		p->base[n] = to_run(code, p->code.size);
	free(scratch);
}

/* Instructions as llvm-objcopy takes them out of the object; the only relocation there can be is the array of counters. */
static void load(struct program *p, const char *dir)
{
	char path[512], v2[512], v3[512], section[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.insns", dir, p->name);
	f = fopen(path, "rb");
	if (!f)
		give_up("cannot be read", path);
	p->prog.ninsn = (uint32_t)fread(p->insn, sizeof(p->insn[0]), VC_INSNS_MAX, f);
	fclose(f);
	for (uint32_t n = 0; n + 1 < p->prog.ninsn; n++)
		if (p->insn[n].op == VC_OP_LDDW && !p->insn[n].imm && !p->insn[n + 1].imm) {
			p->insn[n].regs |= VC_SRC_MAP << 4;
			p->insn[n].imm = VC_MAP_TABLE;
		}
	p->prog.kind = &vc_kinds[is_capsule(p->shape) ? VC_KIND_CAPSULE : VC_KIND_RAW];
	p->prog.insn = p->insn;
	p->prog.nentry = 1;
	p->prog.min_window = 64;
	p->prog.ntable = 1;
	p->prog.table_bytes[0] = sizeof(counters);
	compile(p);
	snprintf(section, sizeof(section), "%s/%s", is_capsule(p->shape) ? "capsule" : "bench",
		 p->name);
	snprintf(v3, sizeof(v3), "%s/%s.v3.o", dir, is_capsule(p->shape) ? p->name : "programs");
	snprintf(v2, sizeof(v2), "%s/%s.v2.o", dir, is_capsule(p->shape) ? p->name : "programs");
	for (uint32_t n = 0; n < PLACES; n++) {
		size_t len = is_capsule(p->shape) ? sizeof(struct capsule_ctx) : BENCH_LEN;

		p->dpdk_how = "v3";
		p->dpdk[n] = dpdk_load(v3, section, len, counters);
		if (p->dpdk[n])
			continue;
		p->dpdk_how = "v2";
		p->dpdk[n] = dpdk_load(v2, section, len, counters);
	}
}

/* ---- packets ---- */

static void put_header(uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t k = 0; k < 34; k++)
		p[k] = 0;
	p[12] = 8;
	p[14] = 0x45;
	p[16] = 0x05;
	p[17] = 0xce;
	p[22] = 64;
	p[23] = 17;
	p[26] = 10;
	p[29] = (uint8_t)n;
	p[30] = 10;
	p[31] = 1;
	p[33] = (uint8_t)(n * 7);
	for (uint32_t k = 14; k < 34; k += 2)
		sum += (uint32_t)p[k] << 8 | p[k + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	p[24] = (uint8_t)(sum >> 8);
	p[25] = (uint8_t)sum;
}

static uint8_t *packet(const struct program *p, uint32_t n)
{
	return packets + (p->whole ? n % 8 * SPACE : n * STRIDE);
}

static void make_packets(const struct program *p)
{
	for (uint32_t n = 0; n < sizeof(packets); n++)
		packets[n] = (uint8_t)(n * 31 + (n >> 8));
	memset(counters, 0, sizeof(counters));
	for (uint32_t n = 0; n < SITES; n++) {
		contexts[n] = (struct capsule_ctx){
			.payload = payload,
			.payload_len = 16,
			.payload_max = CAPSULE_LEN,
			.node = 0x0a000001,
			.hops = n,
		};
		runs[n] = (struct vc_run){
			.ctx = &contexts[n],
			.window_len = is_capsule(p->shape) ? CAPSULE_LEN : BENCH_LEN,
			.stack = stack,
			.table[0] = (uint8_t *)counters,
			.fn = helpers,
			.rodata = p->prog.rodata,
		};
	}
	for (uint32_t n = 0; n < RUNS; n++) {
		struct vc_run *run = &runs[is_capsule(p->shape) ? n % SITES : 0];

		put_header(packet(p, n), n);
		if (p->whole)
			memcpy(packet(p, n) + 500, "end!", 4);
		own[n] = run;
		windows[n] = is_capsule(p->shape) ? payload : packet(p, n);
		arguments[n] = is_capsule(p->shape) ? run->ctx : windows[n];
	}
}

/*
 * What a run changed and the next one needs: the TTL, the count of a trace's rows. Nothing else is written: where a byte was stored just before,
 * a wider load of the same place, such as parse has, waits until the store has left for the cache, and that wait would be all one measures.
 */
static inline void restore(enum shape s, uint8_t *packet)
{
	if (s == PACKET_CHANGED)
		packet[22] = 64;
	else if (s == CAPSULE_CHANGED)
		*(uint16_t *)(void *)(payload + 8) = 0;
}

/* ---- measuring ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum side { OURS, INTERP, NATIVE_GCC, DPDK };

/*
 * Alone, a run starts when the one before has ended, and what one measures is what it takes. Without that fence a processor has twenty
 * short runs under way at a time, as on a burst of packets; short programs then take as long as an empty one, and what one measures of them is how
 * fast the call, the return and the loop's jump are predicted, which changes by a quarter with where these happen to lie.
 */
static inline void start_run(bool alone)
{
	if (alone)
		__asm__ volatile("lfence" ::: "memory");
}

/* What the sides are compared by. */
static inline uint64_t fold(uint64_t sum, uint64_t with)
{
	return (sum << 7 | sum >> 57) + with;
}

/* Any side's code, as the loop calls it: ours takes its run and the window, the others the packet or the context twice. */
typedef struct vc_end (*side_fn)(void *first, void *second, int64_t budget, uint64_t len,
				 void *argument);
#define as_side(fn) ((side_fn)(void (*)(void))(fn))

/*
 * The loop around the sides. What depends on the program is decided outside it, once for each shape, and the arguments were put down before: so
 * that between two calls there is next to nothing. What else comes back is collected: ours is negative when a run was stopped.
 */
#define put_at(place) __asm__ volatile(".balign 64\n.skip %c0 + 1, 0x90" : : "i"(place))
static inline __attribute__((always_inline)) struct vc_end loop(side_fn fn, void *const *first,
								enum shape s, uint32_t place,
								bool alone)
{
	uint64_t len = is_capsule(s) ? CAPSULE_LEN : BENCH_LEN;
	struct vc_end all = {0, 0};

	put_at(place);
	for (uint32_t n = 0; n < RUNS; n++) {
		void *a = first[n], *b = windows[n], *c = arguments[n];
		struct vc_end end;

		restore(s, b);
		start_run(alone);
		end = fn(a, b, BUDGET, len, c);
		all.r0 = fold(all.r0, result(s, end.r0));
		all.left |= end.left;
	}
	return all;
}

static uint64_t run_interp(const struct program *p)
{
	uint64_t sum = 0;

	for (uint32_t n = 0; n < RUNS; n++) {
		struct vc_run *run = own[n];

		run->window = windows[n];
		restore(p->shape, run->window);
		run->budget = BUDGET;
		if (vc_interp(&p->prog, 0, run))
			give_up("stopped", p->name);
		sum = fold(sum, result(p->shape, run->r0));
	}
	return sum;
}

#define EACH_GAP(fn, first, shape, place) \
	return alone ? loop(fn, first, shape, place, true) : loop(fn, first, shape, place, false);
#define EACH_SHAPE(fn, first, place)                                    \
	switch (s) {                                                    \
	case PACKET_READ: EACH_GAP(fn, first, PACKET_READ, place)       \
	case PACKET_CHANGED: EACH_GAP(fn, first, PACKET_CHANGED, place) \
	case CAPSULE_READ: EACH_GAP(fn, first, CAPSULE_READ, place)     \
	default: EACH_GAP(fn, first, CAPSULE_CHANGED, place)            \
	}

/*
 * Each side has a copy of the loop: a processor takes longer to predict a call that has had several destinations, so one loop for two sides
 * would hold both up. (noipa, or the compiler would find them equal and make them one.)
 */
#define COPY(name)                                                                                 \
	static __attribute__((noipa)) struct vc_end name(side_fn fn, void *const *first,           \
							 enum shape s, uint32_t place, bool alone) \
	{                                                                                          \
		switch (place) {                                                                   \
		case 0: EACH_SHAPE(fn, first, 0)                                                   \
		case 1: EACH_SHAPE(fn, first, 8)                                                   \
		case 2: EACH_SHAPE(fn, first, 16)                                                  \
		case 3: EACH_SHAPE(fn, first, 24)                                                  \
		case 4: EACH_SHAPE(fn, first, 32)                                                  \
		case 5: EACH_SHAPE(fn, first, 40)                                                  \
		case 6: EACH_SHAPE(fn, first, 48)                                                  \
		default: EACH_SHAPE(fn, first, 56)                                                 \
		}                                                                                  \
	}
COPY(loop_vcode)
COPY(loop_native)
COPY(loop_dpdk)

static uint64_t run_vcode(const struct program *p, uint32_t place, bool alone)
{
	vc_entry_fn fn = vc_ready(&p->prog, &p->code, p->base[place], 0, &runs[0]);
	struct vc_end all = loop_vcode(as_side(fn), own, p->shape, place, alone);

	if (vc_end_stopped(all))
		give_up("stopped", p->name);
	return all.r0;
}

static uint64_t run_all(const struct program *p, enum side s, uint32_t place, bool alone)
{
	side_fn native = as_side(p->native);
	side_fn dpdk = as_side(p->dpdk[place]);

	switch (s) {
	case OURS: return run_vcode(p, place, alone);
	case INTERP: return run_interp(p);
	case NATIVE_GCC: return loop_native(native, arguments, p->shape, place, alone).r0;
	default: return loop_dpdk(dpdk, arguments, p->shape, place, alone).r0;
	}
}

/* ns a run, over `passes` times all packets. */
static double measure(const struct program *p, enum side s, uint32_t passes, uint32_t place,
		      bool alone)
{
	uint64_t sum = 0;
	double start = now();

	for (uint32_t pass = 0; pass < passes; pass++)
		sum += run_all(p, s, place % PLACES, alone);
	sink += sum;
	return (now() - start) / ((double)passes * RUNS);
}

/* All sides must compute the same, or the figures mean nothing. */
static void compare_results(const struct program *p)
{
	uint64_t sum[4];

	for (enum side s = OURS; s <= DPDK; s++) {
		if (s == DPDK && !p->dpdk[0])
			continue;
		make_packets(p);
		sum[s] = run_all(p, s, 0, true);
		for (uint32_t n = 0; n < sizeof(packets); n++)
			sum[s] = fold(sum[s], packets[n]);
		if (sum[s] != sum[OURS])
			give_up("the sides differ", p->name);
	}
}

/* ---- instructions: they tell programs apart that take as long ---- */

static volatile uint64_t steps;

static void stepped(int number)
{
	(void)number;
	steps++;
}

/* While its trap flag is set the processor stops behind each instruction. */
static __attribute__((noipa)) uint64_t count_steps(const struct program *p, side_fn fn, void *first)
{
	struct vc_end end;

	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "cc", "memory");
	end = fn(first, windows[0], BUDGET, p->whole ? SPACE : BENCH_LEN, arguments[0]);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "cc", "memory");
	sink += end.r0;
	return steps;
}

/* Of one run, without what stands around the call. */
static double count_instructions(const struct program *p, side_fn fn, void *const *first)
{
	struct sigaction how = {.sa_handler = stepped}, before;
	uint64_t empty, all;

	sigaction(SIGTRAP, &how, &before);
	empty = count_steps(p, as_side(native_nothing), first[0]) - NOTHING;
	make_packets(p);
	all = count_steps(p, fn, first[0]);
	sigaction(SIGTRAP, &before, NULL);
	return (double)(all - empty);
}

static void bench_instructions(struct rows *r, const struct program *p)
{
	char name[64], peer[64];
	vc_entry_fn fn = vc_ready(&p->prog, &p->code, p->base[0], 0, &runs[0]);
	double ours = count_instructions(p, as_side(fn), own);
	struct row *row;

	snprintf(name, sizeof(name), "%s, instructions", p->name);
	snprintf(peer, sizeof(peer), "rte_bpf %s", p->dpdk_how);
	row = rows_add(r, name, "gcc -O2", 0);
	snprintf(row->unit, sizeof(row->unit), "insns");
	row_sample(row, count_instructions(p, as_side(p->native), arguments), ours);
	if (!p->dpdk[0])
		return;
	row = rows_add(r, name, peer, p->ceiling ? 0 : 1);
	snprintf(row->unit, sizeof(row->unit), "insns");
	row_sample(row, count_instructions(p, as_side(p->dpdk[0]), arguments), ours);
}

/* ---- time ---- */

/* The goals are for what a run takes; but native code is no further ahead than its bound when runs overlap, either. */
static void bench_runs(struct rows *r, const struct program *p, bool alone)
{
	char name[64], peer[64];
	struct row *native, *dpdk = NULL, *interp = NULL;
	uint32_t passes;

	snprintf(name, sizeof(name), alone ? "%s" : "%s, overlapping", p->name);
	snprintf(peer, sizeof(peer), "rte_bpf %s", p->dpdk_how);
	native = rows_add(r, name, "gcc -O2", p->limit);
	if (p->dpdk[0])
		dpdk = rows_add(r, name, peer, alone && !p->ceiling ? 1 : 0);
	if (alone)
		interp = rows_add(r, name, "our interpreter", 0);
	/* Samples of a millisecond or so. */
	passes = (uint32_t)(1e6 / (measure(p, OURS, 8, 0, alone) * RUNS)) + 1;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		double ours, other;

		other = measure(p, NATIVE_GCC, passes, round, alone);
		ours = measure(p, OURS, passes, round, alone);
		row_sample(native, other, ours);
		if (interp)
			row_sample(interp, measure(p, INTERP, passes / 16 + 1, round, alone), ours);
		if (!dpdk)
			continue;
		other = measure(p, DPDK, passes, round, alone);
		row_sample(dpdk, other, measure(p, OURS, passes, round, alone));
	}
}

static void bench(struct rows *r, const struct program *p)
{
	compare_results(p);
	make_packets(p);
	bench_runs(r, p, true);
	bench_runs(r, p, false);
	bench_instructions(r, p);
}

/* ---- loading time: a program of 500 instructions made of the others ---- */

static void build_long(struct program *p)
{
	uint32_t n = 0;

	/* r1 is kept on the stack; what ends a part jumps to the next one. */
	p->name = LOADING;
	p->insn[n++] = (struct vc_insn){VC_OP_STXDW, 10 | 1 << 4, -8, 0};
	for (uint32_t k = 0; n < 499; k = (k + 1) % NPROGRAM) {
		const struct program *from = &programs[k];

		if (is_capsule(from->shape) || n + from->prog.ninsn + 2 > 499) {
			p->insn[n++] = (struct vc_insn){0xb7, 0, 0, (int32_t)k};
			continue;
		}
		for (uint32_t i = 0; i < from->prog.ninsn; i++) {
			p->insn[n] = from->insn[i];
			if (from->insn[i].op == VC_OP_EXIT)
				p->insn[n] = (struct vc_insn){
					VC_OP_JA, 0, (int16_t)(from->prog.ninsn - i - 1), 0};
			n++;
		}
		p->insn[n++] = (struct vc_insn){0x79, 1 | 10 << 4, -8, 0};
	}
	p->insn[n++] = (struct vc_insn){VC_OP_EXIT, 0, 0, 0};
	p->prog = programs[0].prog;
	p->prog.insn = p->insn;
	p->prog.ninsn = n;
}

static void bench_load(struct rows *r)
{
	static struct program p;
	static uint8_t code[1 << 18], copy[sizeof(p.insn)];
	struct row *row[4];
	size_t len;
	void *scratch;
	struct vc_report rep;

	build_long(&p);
	len = vc_scratch_size(p.prog.ninsn);
	scratch = malloc(len);
	row[0] = rows_figure(r, "500 instructions: load", "us");
	row[1] = rows_figure(r, "500 instructions: verify", "us");
	row[2] = rows_figure(r, "500 instructions: compile", "us");
	row[3] = rows_figure(r, "500 instructions: all", "us");
	for (int round = 0; round < ROUNDS; round++) {
		double t[4], verify = 0, generate = 0, read = 0;

		for (int k = 0; k < LOADS; k++) {
			t[0] = now();
			memcpy(copy, p.insn, p.prog.ninsn * sizeof(p.insn[0]));
			t[1] = now();
			if (vc_verify(&p.prog, scratch, len, &rep))
				give_up(rep.text, p.name);
			t[2] = now();
			/* As who loads does: the size first, then the code. */
			if (vc_compile(&p.prog, scratch, vc_cpu(), NULL, 0, &p.code) ||
			    vc_compile(&p.prog, scratch, vc_cpu(), code, p.code.size, &p.code))
				give_up("too long", p.name);
			t[3] = now();
			read += t[1] - t[0];
			verify += t[2] - t[1];
			generate += t[3] - t[2];
		}
		row_sample(row[0], 0, read / LOADS / 1e3);
		row_sample(row[1], 0, verify / LOADS / 1e3);
		row_sample(row[2], 0, generate / LOADS / 1e3);
		row_sample(row[3], 0, (read + verify + generate) / LOADS / 1e3);
	}
	free(scratch);
}

/* The rows of one process: those of a program, or what loading takes. */
static void measure_one(struct rows *r, const char *name)
{
	for (size_t n = 0; n < NPROGRAM; n++)
		if (!strcmp(name, programs[n].name))
			bench(r, &programs[n]);
	if (!strcmp(name, LOADING))
		bench_load(r);
}

/* Appends the rows of `part`, which is what a process measured, or their samples, where a process before measured the same. */
static void merge(struct rows *r, const struct rows *part, int first)
{
	for (int n = 0; n < part->nrow; n++) {
		const struct row *from = &part->row[n];

		if (first + n == r->nrow) {
			r->row[r->nrow++] = *from;
			continue;
		}
		for (int i = 0; i < from->rounds; i++)
			row_sample(&r->row[first + n], from->peer_value[i], from->ours_value[i]);
	}
}

/*
 * Each program by several processes of its own. Where the system puts a process changes how well its branches are predicted, for as long as it
 * lives; and a call that has had other destinations before is predicted less well.
 */
static void measure_apart(struct rows *r, const char *self, const char *dir, const char *name)
{
	static struct rows part;
	char command[1024];
	int first = r->nrow;

	snprintf(command, sizeof(command), "'%s' '%s' '%s' samples", self, dir, name);
	for (int k = 0; k < PROCESSES; k++) {
		FILE *f = popen(command, "r");

		if (!f || fread(&part, sizeof(part), 1, f) != 1 || pclose(f))
			give_up("does not run", self);
		merge(r, &part, first);
	}
}

static void print_programs(void)
{
	printf("programs: clang -O2 -target bpf -mcpu=v3; rte_bpf of %s; %d processes\n\n",
	       dpdk_version(), PROCESSES);
	for (size_t n = 0; n < NPROGRAM; n++) {
		const struct program *p = &programs[n];

		printf("%-9s %4u instructions, %4u octets of code; rte_bpf %s; %s\n", p->name,
		       p->prog.ninsn, p->code.size, p->dpdk[0] ? p->dpdk_how : "refuses", p->text);
	}
}

int main(int argc, char **argv)
{
	static struct rows r;
	const char *only = argc > 2 ? argv[2] : NULL;

	if (argc < 2)
		give_up("usage: bench_vcode DIRECTORY [PROGRAM]", "arguments");
	rows_open(&r, "vcode", "ns/run");
	for (size_t n = 0; n < NPROGRAM; n++)
		load(&programs[n], argv[1]);
	if (argc > 3) {
		measure_one(&r, only);
		return fwrite(&r, sizeof(r), 1, stdout) != 1;
	}
	print_programs();
	for (size_t n = 0; n < NPROGRAM; n++)
		if (!only || !strcmp(only, programs[n].name))
			measure_apart(&r, argv[0], argv[1], programs[n].name);
	measure_apart(&r, argv[0], argv[1], LOADING);
	return rows_close(&r);
}
