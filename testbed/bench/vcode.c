/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode.c - bench-vcode: the same programs as generated code, as native functions of gcc -O2, by DPDK's rte_bpf and by the
 * interpreter; ns a run, over packets that are in the first cache. Generated code is metered and checks what it must; native functions
 * and rte_bpf do neither: native code may touch anything and run for ever, rte_bpf refuses loops and what it cannot
 * prove. What stands around a call is alike for all: a function pointer, the packet's address. Ours further fills in the window and the
 * budget for each run.
 *
 * rte_bpf knows no 32-bit jumps, so what it refuses as -mcpu=v3 it gets as -mcpu=v2 from the same source.
 */
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

#define ROUNDS 15
#define RUNS 256u
#define STRIDE 64u  /* of packets whose headers only are read */
#define SPACE 1536u /* of whole ones */
#define LOADS 100

struct program {
	const char *name, *text;
	bench_fn native, dpdk;
	const char *dpdk_how;
	bool capsule, whole, fast;
	double limit;
	struct vc_insn insn[VC_INSNS_MAX];
	struct vc_prog prog;
	struct vc_code code;
	void *base;
};

static uint8_t packets[RUNS * STRIDE + 8 * SPACE] __attribute__((aligned(4096)));
static struct bench_counter counters[BENCH_COUNTERS];
static uint8_t stack[VC_STACK_BYTES] __attribute__((aligned(64)));
static struct capsule_ctx contexts[RUNS];
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
	{PACKET(nothing), .text = "the ceiling: an empty program"},
	{PACKET(rewrite), .text = "MAC addresses, TTL, incremental checksum", .limit = 1.4},
	{PACKET(hash), .text = "lookup3 over the 5-tuple", .limit = 1.4},
	{PACKET(fnv), .text = "FNV-1a over 13 bytes", .limit = 1.4},
	{PACKET(checksum), .text = "checksum of 1,500 bytes, rolled", .whole = true, .limit = 2},
	{PACKET(parse), .text = "the checks on an IPv4 header"},
	{PACKET(search), .text = "four bytes in 512, rolled", .whole = true},
	{PACKET(count), .text = "two counters in an array of 256"},
	{PACKET(ping), .text = "the capsule", .capsule = true},
	{PACKET(trace), .text = "the capsule, a row written", .capsule = true},
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
	p->base = to_run(code, p->code.size);
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
	p->prog.kind = &vc_kinds[p->capsule ? VC_KIND_CAPSULE : VC_KIND_RAW];
	p->prog.insn = p->insn;
	p->prog.nentry = 1;
	p->prog.min_window = 64;
	p->prog.ntable = 1;
	p->prog.table_bytes[0] = sizeof(counters);
	compile(p);
	snprintf(section, sizeof(section), "%s/%s", p->capsule ? "capsule" : "bench", p->name);
	snprintf(v3, sizeof(v3), "%s/%s.v3.o", dir, p->capsule ? p->name : "programs");
	snprintf(v2, sizeof(v2), "%s/%s.v2.o", dir, p->capsule ? p->name : "programs");
	p->dpdk_how = "v3";
	p->dpdk = dpdk_load(v3, section, p->capsule ? sizeof(struct capsule_ctx) : BENCH_LEN,
			    counters);
	if (!p->dpdk) {
		p->dpdk_how = "v2";
		p->dpdk = dpdk_load(v2, section,
				    p->capsule ? sizeof(struct capsule_ctx) : BENCH_LEN, counters);
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
	for (uint32_t n = 0; n < RUNS; n++) {
		put_header(packet(p, n), n);
		if (p->whole)
			memcpy(packet(p, n) + 500, "end!", 4);
		contexts[n] = (struct capsule_ctx){
			.payload = packets + 2 * SPACE, /* one for all, long enough */
			.payload_len = 16,
			.payload_max = 960,
			.node = 0x0a000001,
			.hops = n,
		};
	}
	memset(counters, 0, sizeof(counters));
}

/* What a run changed and the next one needs: the TTL, the count of a trace's rows. */
static inline void restore(const struct program *p, uint8_t *at)
{
	if (p->capsule)
		*(uint16_t *)(void *)(packets + 2 * SPACE + 8) = 0;
	else
		at[22] = 64;
}

/* ---- measuring ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum side { OURS, INTERP, NATIVE_GCC, DPDK };

static struct vc_run new_run(const struct program *p)
{
	struct vc_run run = {.stack = stack, .fn = helpers, .rodata = p->prog.rodata};

	run.table[0] = (uint8_t *)counters;
	run.window = contexts[0].payload;
	run.window_len = p->capsule ? 960 : BENCH_LEN;
	return run;
}

static inline void set_run(const struct program *p, struct vc_run *run, uint32_t n)
{
	if (p->capsule)
		run->ctx = &contexts[n];
	else
		run->window = packet(p, n);
	run->budget = 100000;
	restore(p, run->window);
}

static uint64_t run_vcode(const struct program *p)
{
	struct vc_run run = new_run(p);
	vc_entry_fn fn = vc_ready(&p->prog, &p->code, p->base, 0, &run);
	uint64_t sum = 0;
	struct vc_end end;

	for (uint32_t n = 0; n < RUNS; n++) {
		set_run(p, &run, n);
		end = fn(&run);
		if (VC_END_REASON(end))
			give_up("stopped", p->name);
		sum = sum * 31 + (p->capsule ? (uint32_t)end.r0 : end.r0);
	}
	return sum;
}

static uint64_t run_interp(const struct program *p)
{
	struct vc_run run = new_run(p);
	uint64_t sum = 0;

	for (uint32_t n = 0; n < RUNS; n++) {
		set_run(p, &run, n);
		if (vc_interp(&p->prog, 0, &run))
			give_up("stopped", p->name);
		sum = sum * 31 + (p->capsule ? (uint32_t)run.r0 : run.r0);
	}
	return sum;
}

static uint64_t run_native(const struct program *p, bench_fn fn)
{
	uint64_t sum = 0, r0;

	for (uint32_t n = 0; n < RUNS; n++) {
		uint8_t *at = packet(p, n);

		restore(p, at);
		r0 = p->capsule ? fn(&contexts[n]) : fn(at);
		sum = sum * 31 + (p->capsule ? (uint32_t)r0 : r0);
	}
	return sum;
}

static uint64_t run_all(const struct program *p, enum side s)
{
	switch (s) {
	case OURS: return run_vcode(p);
	case INTERP: return run_interp(p);
	case NATIVE_GCC: return run_native(p, p->native);
	default: return run_native(p, p->dpdk);
	}
}

/* ns a run, over `passes` times all packets. */
static double measure(const struct program *p, enum side s, uint32_t passes)
{
	uint64_t sum = 0;
	double start = now();

	for (uint32_t pass = 0; pass < passes; pass++)
		sum += run_all(p, s);
	sink += sum;
	return (now() - start) / ((double)passes * RUNS);
}

/* All sides must compute the same, or the figures mean nothing. */
static void compare_results(const struct program *p)
{
	uint64_t sum[4];

	for (enum side s = OURS; s <= DPDK; s++) {
		if (s == DPDK && !p->dpdk)
			continue;
		make_packets(p);
		sum[s] = run_all(p, s);
		for (uint32_t n = 0; n < sizeof(packets); n++)
			sum[s] = sum[s] * 31 + packets[n];
		if (sum[s] != sum[OURS])
			give_up("the sides differ", p->name);
	}
}

static void bench(struct rows *r, const struct program *p)
{
	struct row *native = rows_add(r, p->name, "gcc -O2", p->limit), *dpdk = NULL, *interp;
	char name[64];
	uint32_t passes;

	snprintf(name, sizeof(name), "rte_bpf %s", p->dpdk_how);
	if (p->dpdk)
		dpdk = rows_add(r, p->name, name, 1);
	interp = rows_add(r, p->name, "our interpreter", 0);
	compare_results(p);
	make_packets(p);
	/* Samples of a millisecond or so. */
	passes = (uint32_t)(1e6 / (measure(p, OURS, 8) * RUNS)) + 1;
	for (int round = 0; round < ROUNDS; round++) {
		double ours;

		row_sample(native, measure(p, NATIVE_GCC, passes), ours = measure(p, OURS, passes));
		if (dpdk) {
			double peer = measure(p, DPDK, passes);

			row_sample(dpdk, peer, measure(p, OURS, passes));
		}
		row_sample(interp, measure(p, INTERP, passes / 16 + 1), ours);
	}
}

/* ---- loading time: a program of 500 instructions made of the others ---- */

static void build_long(struct program *p)
{
	uint32_t n = 0;

	/* r1 is kept on the stack; what ends a part jumps to the next one. */
	p->name = "500 instructions";
	p->insn[n++] = (struct vc_insn){VC_OP_STXDW, 10 | 1 << 4, -8, 0};
	for (uint32_t k = 0; n < 499; k = (k + 1) % NPROGRAM) {
		const struct program *from = &programs[k];

		if (from->capsule || n + from->prog.ninsn + 2 > 499) {
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
	printf("%s: %u, %u octets of code\n", p.name, p.prog.ninsn, p.code.size);
	free(scratch);
}

int main(int argc, char **argv)
{
	static struct rows r;

	if (argc < 2)
		give_up("usage: bench_vcode DIRECTORY [PROGRAM]", "arguments");
	rows_open(&r, "vcode", "ns/run");
	for (size_t n = 0; n < NPROGRAM; n++)
		load(&programs[n], argv[1]);
	printf("programs: clang -O2 -target bpf -mcpu=v3; rte_bpf of %s\n\n", dpdk_version());
	for (size_t n = 0; n < NPROGRAM; n++) {
		const struct program *p = &programs[n];

		if (argc > 2 && strcmp(argv[2], p->name) != 0)
			continue;
		printf("%-9s %4u instructions, %4u octets of code; rte_bpf %s; %s\n", p->name,
		       p->prog.ninsn, p->code.size, p->dpdk ? p->dpdk_how : "refuses", p->text);
		bench(&r, p);
	}
	bench_load(&r);
	printf("\n");
	return rows_close(&r);
}
