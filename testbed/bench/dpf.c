/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.c - bench-dpf: demultiplexing by flows (IPv4, unfragmented, protocol, addresses, ports behind
 * a header of variable length), ours against libpcap programs tried in turn and against rte_acl.
 *
 * Every packet belongs to one flow, chosen at random; before anything is timed, each side's answers
 * are compared with that. All work in bursts of 32, on the same 1,024 frames, on one core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "testbed/bench/dpf.h"
#include "testbed/bench/rows.h"
#include "xok/dpf/dpf.h"

#define ROUNDS 9
#define FLOWS_MAX 10000u
#define EXTRA 1000u
#define FRAMES 1024u /* as many as a receive ring holds */
#define FRAMES_COLD 16384u
#define ARENA (8u << 20)
#define CODE (64u << 10)

static struct flow flow[FLOWS_MAX + EXTRA];
static uint8_t frame_bytes[FRAMES_COLD][64] __attribute__((aligned(64)));
static const uint8_t *frame[FRAMES_COLD];
static uint32_t owner[FRAMES_COLD];
static uint8_t *code_w;
static const uint8_t *code_x;

static uint64_t rnd(void)
{
	static uint64_t seed = 0x5eed;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 16;
}

/* Processor time of this thread: what other programs take does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- flows and packets ---- */

/* Clients of a /8 talk to servers of a /16; no flow twice. */
static void make_flows(void)
{
	for (uint32_t i = 0; i < FLOWS_MAX + EXTRA; i++) {
		flow[i] = (struct flow){.src = 0x0a000000 | (rnd() & 0xffffff),
					.dst = 0xac100000 | (rnd() & 0xffff),
					.sport = (uint16_t)(1024 + rnd() % 64512),
					.dport = (uint16_t)(1 + rnd() % 1023),
					.proto = rnd() & 1 ? 6 : 17};
		for (uint32_t j = 0; j < i; j++)
			if (flow[j].src == flow[i].src && flow[j].sport == flow[i].sport)
				flow[i--].src = 0;
	}
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void make_frames(uint32_t nflow)
{
	for (uint32_t i = 0; i < FRAMES_COLD; i++) {
		uint8_t *p = frame_bytes[i];
		const struct flow *f;

		owner[i] = (uint32_t)(rnd() % nflow);
		f = &flow[owner[i]];
		memset(p, 0, FRAME_LEN);
		put16(p + 12, 0x0800);
		p[14] = 0x45;
		put16(p + 16, FRAME_LEN - 14);
		put16(p + 18, (uint32_t)rnd());
		p[22] = 64;
		p[23] = f->proto;
		put32(p + 26, f->src);
		put32(p + 30, f->dst);
		put16(p + 34, f->sport);
		put16(p + 36, f->dport);
		frame[i] = p;
	}
}

/* ---- ours ---- */

static struct xok_filter filter_of(const struct flow *f)
{
	return (struct xok_filter){
		.port = XOK_PORT_ANY,
		.natoms = 9,
		.atom =
			{
				{.off = 12, .size = 2, .mask = 0xffff, .value = 0x0800},
				{.off = 14, .size = 1, .mask = 0xf0, .value = 0x40},
				{.off = 20, .size = 2, .mask = 0x1fff},
				{.off = 23, .size = 1, .mask = 0xff, .value = f->proto},
				{.off = 26, .size = 4, .mask = 0xffffffff, .value = f->src},
				{.off = 30, .size = 4, .mask = 0xffffffff, .value = f->dst},
				{.off = 14,
				 .size = 1,
				 .kind = XOK_ATOM_SHIFT,
				 .mask = 0xf,
				 .shl = 2},
				{.off = 14, .size = 2, .mask = 0xffff, .value = f->sport},
				{.off = 16, .size = 2, .mask = 0xffff, .value = f->dport},
			},
	};
}

static void insert(struct dpf *d, uint32_t i)
{
	struct xok_filter f = filter_of(&flow[i]);

	if (dpf_insert(d, &f, i, NULL) < 0) {
		fprintf(stderr, "dpf: filter %u was refused\n", i);
		exit(1);
	}
}

static struct dpf *dpf_new(uint32_t nflow)
{
	static uint8_t arena[ARENA] __attribute__((aligned(64)));
	struct dpf *d = dpf_init(arena, sizeof(arena));

	dpf_code(d, code_w, code_x, CODE);
	for (uint32_t i = 0; i < nflow; i++)
		insert(d, i);
	return d;
}

static void dpf_classify(void *ctx, const uint8_t *const f[], uint32_t n, uint32_t out[])
{
	static const uint16_t len[BURST] = {
		FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN,
		FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN,
		FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN,
		FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN,
		FRAME_LEN, FRAME_LEN, FRAME_LEN, FRAME_LEN};

	dpf_match_burst(ctx, f, len, n, out);
}

static void plain_classify(void *ctx, const uint8_t *const f[], uint32_t n, uint32_t out[])
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = dpf_match_plain(ctx, f[i], FRAME_LEN);
}

static void code_memory(void)
{
	int fd = memfd_create("code", 0);

	if (fd < 0 || ftruncate(fd, CODE) < 0)
		abort();
	code_w = mmap(NULL, CODE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code_x = mmap(NULL, CODE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (code_w == MAP_FAILED || code_x == MAP_FAILED)
		abort();
	close(fd);
}

/* ---- measuring ---- */

static void check(const char *who, classify_fn *classify, void *ctx, uint32_t nframe)
{
	uint32_t out[BURST];

	for (uint32_t i = 0; i < nframe; i += BURST) {
		classify(ctx, frame + i, BURST, out);
		if (memcmp(out, owner + i, sizeof(out)) != 0) {
			fprintf(stderr, "%s: a wrong answer\n", who);
			exit(1);
		}
	}
}

static double passes(classify_fn *classify, void *ctx, uint32_t nframe, uint32_t n)
{
	uint32_t out[BURST];
	double start = now();

	for (uint32_t pass = 0; pass < n; pass++)
		for (uint32_t i = 0; i < nframe; i += BURST)
			classify(ctx, frame + i, BURST, out);
	return now() - start;
}

/* ns per packet, over about two milliseconds. */
static double measure(classify_fn *classify, void *ctx, uint32_t nframe)
{
	uint32_t n = 1 + (uint32_t)(2e6 / passes(classify, ctx, nframe, 1));

	return passes(classify, ctx, nframe, n) / n / nframe;
}

static void bench_count(struct rows *r, uint32_t n, double ours[ROUNDS])
{
	/* Trying programs in turn takes its time: fewer packets then. */
	uint32_t npcap = n < 1000 ? FRAMES : n < 10000 ? 512 : 64;
	char name[48], peer[32];
	struct row *pcap, *acl, *plain, *cold;
	void *of_pcap, *of_acl;
	const char *alg;
	struct dpf *d;

	make_frames(n);
	d = dpf_new(n);
	of_pcap = pcap_new(flow, n);
	of_acl = acl_new(flow, n, frame, FRAMES, &alg);
	check("dpf", dpf_classify, d, FRAMES);
	check("dpf, interpreted", plain_classify, d, FRAMES);
	check("libpcap", pcap_classify, of_pcap, npcap);
	check("rte_acl", acl_classify, of_acl, FRAMES);
	snprintf(name, sizeof(name), "%u filter%s", n, n > 1 ? "s" : "");
	snprintf(peer, sizeof(peer), "rte_acl %s", alg);
	pcap = rows_add(r, name, "libpcap", n == 10 ? 0.1 : 0);
	acl = rows_add(r, name, peer, n == 1000 ? 1.0 / 3 : 0);
	snprintf(name, sizeof(name), "%u filter%s, interpreted", n, n > 1 ? "s" : "");
	plain = rows_figure(r, name, r->unit);
	snprintf(name, sizeof(name), "%u filter%s, packets from L3", n, n > 1 ? "s" : "");
	cold = rows_figure(r, name, r->unit);
	for (int i = 0; i < ROUNDS; i++) {
		double p = measure(pcap_classify, of_pcap, npcap), a, o;

		o = measure(dpf_classify, d, FRAMES);
		a = measure(acl_classify, of_acl, FRAMES);
		ours[i] = measure(dpf_classify, d, FRAMES);
		row_sample(pcap, p, o);
		row_sample(acl, a, ours[i]);
		row_sample(plain, 0, measure(plain_classify, d, FRAMES));
		row_sample(cold, 0, measure(dpf_classify, d, FRAMES_COLD));
	}
	pcap_end(of_pcap);
	acl_end(of_acl);
}

static void ceiling(struct rows *r)
{
	struct row *row = rows_figure(r, "no filters (ceiling)", r->unit);
	struct dpf *d = dpf_new(0);

	for (int i = 0; i < ROUNDS; i++)
		row_sample(row, 0, measure(dpf_classify, d, FRAMES));
}

/* The time of one insertion after another, or removal; the longest. */
static double each(struct dpf *d, void (*change)(struct dpf *, uint32_t), uint32_t from, uint32_t n,
		   double *longest)
{
	double start = now(), last = start;

	*longest = 0;
	for (uint32_t i = from; i < from + n; i++) {
		double t;

		change(d, i);
		t = now();
		*longest = t - last > *longest ? t - last : *longest;
		last = t;
	}
	return (last - start) / n;
}

/* Spread over all that are there. */
static void take_out(struct dpf *d, uint32_t i)
{
	if (dpf_remove(d, i * 11 % (FLOWS_MAX + EXTRA)) < 0)
		abort();
}

static void bench_changes(struct rows *r)
{
	struct row *mean = rows_figure(r, "insertion, 1 to 10,000: mean", "us");
	struct row *worst = rows_figure(r, "insertion, 1 to 10,000: worst", "us");
	struct row *more = rows_figure(r, "insertion among 10,000: mean", "us");
	struct row *more_worst = rows_figure(r, "insertion among 10,000: worst", "us");
	struct row *gone = rows_figure(r, "removal among 10,000: mean", "us");
	struct row *gone_worst = rows_figure(r, "removal among 10,000: worst", "us");

	for (int i = 0; i < ROUNDS; i++) {
		struct dpf *d = dpf_new(0);
		double longest;

		row_sample(mean, 0, each(d, insert, 0, FLOWS_MAX, &longest) / 1e3);
		row_sample(worst, 0, longest / 1e3);
		row_sample(more, 0, each(d, insert, FLOWS_MAX, EXTRA, &longest) / 1e3);
		row_sample(more_worst, 0, longest / 1e3);
		row_sample(gone, 0, each(d, take_out, 0, EXTRA, &longest) / 1e3);
		row_sample(gone_worst, 0, longest / 1e3);
	}
}

static void memory(struct rows *r)
{
	static const uint32_t count[] = {10, 2048, 10000};
	char name[48];

	for (size_t i = 0; i < sizeof(count) / sizeof(count[0]); i++) {
		struct dpf_stats s;

		dpf_stats(dpf_new(count[i]), &s);
		snprintf(name, sizeof(name), "arena, %u filters", count[i]);
		row_sample(rows_figure(r, name, "bytes"), 0, (double)s.bytes_used);
		snprintf(name, sizeof(name), "code, %u filters", count[i]);
		row_sample(rows_figure(r, name, "bytes"), 0, (double)s.code_used);
	}
}

int main(void)
{
	static const uint32_t count[] = {1, 10, 100, 1000, 10000};
	double ours[5][ROUNDS];
	struct rows r;
	struct row *flat;

	rows_open(&r, "dpf", "ns/pkt");
	code_memory();
	make_flows();
	acl_start();
	make_frames(1);
	ceiling(&r);
	for (int i = 0; i < 5; i++)
		bench_count(&r, count[i], ours[i]);
	flat = rows_add(&r, "10000 filters", "10 filters", 1.5);
	for (int i = 0; i < ROUNDS; i++)
		row_sample(flat, ours[1][i], ours[4][i]);
	bench_changes(&r);
	memory(&r);
	printf("Times of changes include reading the clock, about a quarter of a microsecond.\n"
	       "libpcap: optimised programs, interpreted, one for each filter, until one matches.\n"
	       "rte_acl: rules of the five fields at fixed places; not the Ethernet type, "
	       "fragments or IP "
	       "options, which libpcap and ours look at.\n");
	return rows_close(&r);
}
