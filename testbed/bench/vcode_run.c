/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode_run.c - see vcode_run.h. What stands around a call is the same code for all sides: pointers, a budget and a length go in, two results come out, and
 * native code and rte_bpf look at the first argument and leave one result.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capsule/sdk.h"
#include "testbed/bench/vcode_run.h"

#define STRIDE 64u  /* of packets whose headers only are read */
#define SPACE 1536u /* of whole ones */
#define NOTHING 2   /* instructions of native_nothing: the result, and back */
#define BUDGET 100000
#define SITES 16 /* contexts, in as many runs */
#define CAPSULE_LEN 960

static uint8_t packets[RUNS * STRIDE + 8 * SPACE] __attribute__((aligned(4096)));
static uint8_t *const payload = packets + 2 * SPACE; /* of capsules, one for all, long enough */
struct bench_counter run_counters[BENCH_COUNTERS];
static uint8_t stack[VC_STACK_BYTES] __attribute__((aligned(64)));
static struct capsule_ctx contexts[SITES];
static struct vc_run runs[SITES];
/* What each of the runs is given: packet or context, a run of ours, window. */
static void *arguments[RUNS], *own[RUNS], *windows[RUNS];
static volatile uint64_t sink;

uint64_t native_nothing(uint8_t *p);

_Noreturn void give_up(const char *what, const char *name)
{
	fprintf(stderr, "bench-vcode: %s: %s\n", name, what);
	exit(1);
}

/* Native capsules return an int. */
static inline uint64_t result(enum shape s, uint64_t r0)
{
	return is_capsule(s) ? (uint32_t)r0 : r0;
}

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

void run_prepare(const struct program *p)
{
	for (uint32_t n = 0; n < sizeof(packets); n++)
		packets[n] = (uint8_t)(n * 31 + (n >> 8));
	memset(run_counters, 0, sizeof(run_counters));
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
			.table[0] = (uint8_t *)run_counters,
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

double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

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

double run_time(const struct program *p, enum side s, uint32_t passes, uint32_t place, bool alone)
{
	uint64_t sum = 0;
	double start = thread_ns();

	for (uint32_t pass = 0; pass < passes; pass++)
		sum += run_all(p, s, place % PLACES, alone);
	sink += sum;
	return (thread_ns() - start) / ((double)passes * RUNS);
}

void run_compare(const struct program *p)
{
	uint64_t sum[4];

	for (enum side s = OURS; s <= DPDK; s++) {
		if (s == DPDK && !p->dpdk[0])
			continue;
		run_prepare(p);
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
	run_prepare(p);
	all = count_steps(p, fn, first[0]);
	sigaction(SIGTRAP, &before, NULL);
	return (double)(all - empty);
}

double run_instructions(const struct program *p, enum side s)
{
	if (s == OURS)
		return count_instructions(
			p, as_side(vc_ready(&p->prog, &p->code, p->base[0], 0, &runs[0])), own);
	return count_instructions(p, as_side(s == DPDK ? p->dpdk[0] : p->native), arguments);
}
