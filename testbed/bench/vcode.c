/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode.c - bench-vcode: the same programs as generated code, as native functions of gcc -O2, by DPDK's rte_bpf and by the
 * interpreter; ns a run, over packets that are in the first cache. Generated code is metered and checks what it must; native functions
 * and rte_bpf do neither: native code may touch anything and run for ever, rte_bpf refuses loops and what it cannot
 * prove.
 *
 * rte_bpf knows no 32-bit jumps, so what it refuses as -mcpu=v3 it gets as -mcpu=v2 from the same source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capsule/sdk.h"
#include "testbed/bench/rows.h"
#include "testbed/bench/vcode_run.h"

#define ROUNDS 8
#define PROCESSES 8
_Static_assert(PROCESSES *ROUNDS <= ROW_ROUNDS, "samples of a row");
#define LOADS 100
#define LOADING "500 instructions"

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

/* ---- loading ---- */

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
	p->prog.table_bytes[0] = sizeof(run_counters);
	compile(p);
	snprintf(section, sizeof(section), "%s/%s", is_capsule(p->shape) ? "capsule" : "bench",
		 p->name);
	snprintf(v3, sizeof(v3), "%s/%s.v3.o", dir, is_capsule(p->shape) ? p->name : "programs");
	snprintf(v2, sizeof(v2), "%s/%s.v2.o", dir, is_capsule(p->shape) ? p->name : "programs");
	for (uint32_t n = 0; n < PLACES; n++) {
		size_t len = is_capsule(p->shape) ? sizeof(struct capsule_ctx) : BENCH_LEN;

		p->dpdk_how = "v3";
		p->dpdk[n] = dpdk_load(v3, section, len, run_counters);
		if (p->dpdk[n])
			continue;
		p->dpdk_how = "v2";
		p->dpdk[n] = dpdk_load(v2, section, len, run_counters);
	}
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
	passes = (uint32_t)(1e6 / (run_time(p, OURS, 8, 0, alone) * RUNS)) + 1;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		double ours, other;

		other = run_time(p, NATIVE_GCC, passes, round, alone);
		ours = run_time(p, OURS, passes, round, alone);
		row_sample(native, other, ours);
		if (interp)
			row_sample(interp, run_time(p, INTERP, passes / 16 + 1, round, alone),
				   ours);
		if (!dpdk)
			continue;
		other = run_time(p, DPDK, passes, round, alone);
		row_sample(dpdk, other, run_time(p, OURS, passes, round, alone));
	}
}

static struct row *instructions(struct rows *r, const struct program *p, const char *peer,
				double limit)
{
	struct row *row;
	char name[64];

	snprintf(name, sizeof(name), "%s, instructions", p->name);
	row = rows_add(r, name, peer, limit);
	snprintf(row->unit, sizeof(row->unit), "insns");
	return row;
}

/* They tell programs apart that take as long. */
static void bench_instructions(struct rows *r, const struct program *p)
{
	double ours = run_instructions(p, OURS);
	char peer[64];

	row_sample(instructions(r, p, "gcc -O2", 0), run_instructions(p, NATIVE_GCC), ours);
	if (!p->dpdk[0])
		return;
	snprintf(peer, sizeof(peer), "rte_bpf %s", p->dpdk_how);
	row_sample(instructions(r, p, peer, p->ceiling ? 0 : 1), run_instructions(p, DPDK), ours);
}

static void bench(struct rows *r, const struct program *p)
{
	run_compare(p);
	run_prepare(p);
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
			t[0] = thread_ns();
			memcpy(copy, p.insn, p.prog.ninsn * sizeof(p.insn[0]));
			t[1] = thread_ns();
			if (vc_verify(&p.prog, scratch, len, &rep))
				give_up(rep.text, p.name);
			t[2] = thread_ns();
			/* As who loads does: the size first, then the code. */
			if (vc_compile(&p.prog, scratch, vc_cpu(), NULL, 0, &p.code) ||
			    vc_compile(&p.prog, scratch, vc_cpu(), code, p.code.size, &p.code))
				give_up("too long", p.name);
			t[3] = thread_ns();
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
