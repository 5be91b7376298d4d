/* SPDX-License-Identifier: BSD-2-Clause */
/* generate.c - see generate.h. A program is a prologue, statements, EXIT; then the same for each local function. */
#include <string.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/generate.h"

#define STATEMENTS_MAX 64u
#define FUNCTIONS_MAX 3u
#define JUMPS_MAX 64u

enum { WINDOW = 6, DATA = 7, RODATA = 8, CTX = 9, FP = 10 };

struct generator {
	struct bytes *b;
	struct vc_insn *out;
	uint32_t n;
	uint32_t nfunction, function; /* how many there will be, which one this is; main is 0 */
	uint32_t start[STATEMENTS_MAX + 1], nstart;
	uint32_t jump[JUMPS_MAX], njump;
	uint32_t call[JUMPS_MAX], callee[JUMPS_MAX], ncall;
};

static uint32_t byte(struct generator *g)
{
	if (!g->b->len)
		return 0;
	g->b->len--;
	return *g->b->data++;
}

static uint32_t pick(struct generator *g, uint32_t n)
{
	return byte(g) % n;
}

static int32_t constant(struct generator *g)
{
	static const int32_t telling[] = {0, 1, -1, 8, 63, 64, 512, INT32_MIN, INT32_MAX, 1200};
	uint32_t n = byte(g);

	return n < 10 ? telling[n] : (int32_t)n - 128;
}

static void emit(struct generator *g, uint8_t op, uint32_t dst, uint32_t src, int32_t off,
		 int32_t imm)
{
	g->out[g->n++] = (struct vc_insn){op, (uint8_t)(dst | src << 4), (int16_t)off, imm};
}

static void move(struct generator *g, uint32_t dst, uint32_t src)
{
	emit(g, 0xbf, dst, src, 0, 0);
}

static void set(struct generator *g, uint32_t dst, int32_t v)
{
	emit(g, 0xb7, dst, 0, 0, v);
}

static uint32_t number(struct generator *g)
{
	return pick(g, 6);
}

static void arithmetic(struct generator *g)
{
	static const uint8_t codes[] = {0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x9, 0xa, 0xb, 0xc};
	uint32_t code = codes[pick(g, sizeof(codes))], x = pick(g, 2);
	bool divides = code == 3 || code == 9;

	emit(g, (uint8_t)(code << 4 | x << 3 | (pick(g, 2) ? 7 : 4)), number(g), x ? number(g) : 0,
	     divides ? (int32_t)pick(g, 2) : 0, x ? 0 : constant(g));
}

static void byte_order(struct generator *g)
{
	static const uint8_t ops[] = {0xd4, 0xdc, 0xd7};

	emit(g, ops[pick(g, 3)], number(g), 0, 0, 16 << pick(g, 3));
}

static void negate_or_extend(struct generator *g)
{
	if (pick(g, 2))
		emit(g, pick(g, 2) ? 0x87 : 0x84, number(g), 0, 0, 0);
	else
		emit(g, 0xbf, number(g), number(g), 8 << pick(g, 3), 0);
}

static void load_wide(struct generator *g)
{
	emit(g, 0x18, number(g), 0, 0, constant(g));
	emit(g, 0, 0, 0, 0, constant(g));
}

/* A displacement that is right for a region most of the time. */
static int32_t displacement(struct generator *g, uint32_t base)
{
	uint32_t n = byte(g);

	switch (base) {
	case FP: return -(int32_t)(n % 64) - 48 - 8;
	case CTX: return 8 + (int32_t)(n % 3) * 8;
	case RODATA: return (int32_t)(n % 24);
	case DATA: return (int32_t)(n % 56);
	default: return (int32_t)(n % 56);
	}
}

static void load(struct generator *g)
{
	static const uint8_t ops[] = {0x71, 0x69, 0x61, 0x79, 0x91, 0x89, 0x81};
	uint32_t base = WINDOW + pick(g, 5);

	emit(g, ops[pick(g, 7)], number(g), base, displacement(g, base), 0);
}

static uint32_t writable(struct generator *g)
{
	static const uint8_t bases[] = {WINDOW, DATA, FP};

	return bases[pick(g, 3)];
}

static void store(struct generator *g)
{
	uint32_t base = writable(g), imm = pick(g, 2), size = pick(g, 4) << 3;

	emit(g, (uint8_t)((imm ? 0x62 : 0x63) | size), base, imm ? 0 : number(g),
	     displacement(g, base), imm ? constant(g) : 0);
}

static void atomic_op(struct generator *g)
{
	static const uint8_t imms[] = {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1};
	uint32_t base = writable(g);

	emit(g, pick(g, 2) ? 0xdb : 0xc3, base, number(g), displacement(g, base),
	     imms[pick(g, sizeof(imms))]);
}

/* Moves a pointer by a number; its offset is unknown from then on. */
static void move_pointer(struct generator *g)
{
	uint32_t p = WINDOW + pick(g, 3);

	if (pick(g, 2))
		emit(g, pick(g, 2) ? 0x0f : 0x1f, p, number(g), 0, 0);
	else
		emit(g, pick(g, 2) ? 0x07 : 0x17, p, 0, 0, constant(g));
}

static void distance(struct generator *g)
{
	static const uint8_t ops[] = {0x1f, 0xbf};
	uint32_t p = WINDOW + pick(g, 3), d = number(g);

	/* The pointer as it was kept in the prologue. */
	emit(g, 0x79, d, FP, -8 * (int32_t)(p - WINDOW + 1), 0);
	emit(g, ops[0], d, p, 0, 0);
}

/* Puts pointers back, so that runs go on for longer. */
static void refill(struct generator *g)
{
	uint32_t p = WINDOW + pick(g, 4);

	emit(g, 0x79, p, FP, -8 * (int32_t)(p - WINDOW + 1), 0);
}

/* An access to the stack at an unknown offset; it may hit a slot with a pointer, which must stop the run. */
static void stack_somewhere(struct generator *g)
{
	uint32_t index = 1 + pick(g, 5), p = pick(g, 2) ? 0 : index == 1 ? 2 : 1;

	emit(g, 0x57, index, 0, 0, pick(g, 2) ? 0x1f : 0x7f);
	move(g, p, FP);
	emit(g, 0x1f, p, index, 0, 0);
	if (pick(g, 2))
		emit(g, 0x72, p, 0, -64, constant(g));
	else
		emit(g, 0x71, index, p, -64, 0);
	set(g, p, 3);
}

/* What the caller passed of its stack. */
static void outer_stack(struct generator *g)
{
	uint32_t p = number(g), v = (p + 1) % 6;

	if (!g->function)
		return;
	emit(g, 0x79, p, FP, -40, 0);
	emit(g, 0x57, v, 0, 0, 0xff);
	emit(g, 0x1f, p, v, 0, 0);
	emit(g, pick(g, 2) ? 0x73 : 0x7b, p, v, -8, 0);
	emit(g, 0x71, p, p, -8, 0);
}

static void numbers_again(struct generator *g, uint32_t from)
{
	for (uint32_t r = from; r <= 5; r++)
		set(g, r, constant(g));
}

static void call_helper(struct generator *g)
{
	static const uint8_t memory[] = {WINDOW, DATA, FP};

	switch (pick(g, 4)) {
	case 0: emit(g, 0x85, 0, 0, 0, 6); break;
	case 1:
		move(g, 1, memory[pick(g, 3)]);
		emit(g, 0x07, 1, 0, 0, constant(g));
		set(g, 2, (int32_t)pick(g, 16));
		emit(g, 0x85, 0, 0, 0, 2 + (int32_t)pick(g, 2));
		break;
	case 2:
		move(g, 1, CTX);
		emit(g, 0x85, 0, 0, 0, 4);
		break;
	default: emit(g, 0x85, 0, 0, 0, pick(g, 8) ? 1 : 5); break;
	}
	numbers_again(g, 1);
}

static void call_local(struct generator *g)
{
	if (g->function >= g->nfunction || g->ncall >= JUMPS_MAX)
		return;
	for (uint32_t r = 1; r <= 4; r++)
		move(g, r, WINDOW + r - 1);
	move(g, 5, FP);
	g->call[g->ncall] = g->n;
	g->callee[g->ncall++] = g->function + 1 + pick(g, g->nfunction - g->function);
	emit(g, 0x85, 0, 1, 0, 0);
	numbers_again(g, 1);
}

/* Comparisons of numbers, or of pointers of one role; the target is filled in by link_jumps. */
static void jump(struct generator *g)
{
	static const uint8_t codes[] = {0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0xa, 0xb, 0xc, 0xd};
	uint32_t code = codes[pick(g, sizeof(codes))] << 4, p = WINDOW + pick(g, 3);

	if (g->njump >= JUMPS_MAX)
		return;
	switch (pick(g, 6)) {
	case 0:
		g->jump[g->njump++] = g->n;
		emit(g, 0x05, 0, 0, 0, 0);
		return;
	case 1:
		emit(g, 0x79, 0, FP, -8 * (int32_t)(p - WINDOW + 1), 0);
		g->jump[g->njump++] = g->n + 2;
		move(g, 1, 0);
		set(g, 0, 0);
		emit(g, (uint8_t)(0x0d | (code == 0x40 ? 0x10 : code)), 1, p, 0, 0);
		set(g, 1, 1);
		return;
	case 2:
		g->jump[g->njump++] = g->n;
		emit(g, pick(g, 2) ? 0x15 : 0x55, p, 0, 0, 0);
		return;
	default:
		g->jump[g->njump++] = g->n;
		if (pick(g, 2))
			emit(g, (uint8_t)(code | (pick(g, 2) ? 0x5 : 0x6)), number(g), 0, 0,
			     constant(g));
		else
			emit(g, (uint8_t)(code | 8 | (pick(g, 2) ? 0x5 : 0x6)), number(g),
			     number(g), 0, 0);
	}
}

static void statement(struct generator *g)
{
	static void (*const kinds[])(struct generator *) = {
		arithmetic, arithmetic, byte_order,	 negate_or_extend, load_wide,	 load,
		load,	    store,	store,		 atomic_op,	   move_pointer, distance,
		refill,	    refill,	stack_somewhere, outer_stack,	   call_helper,	 call_local,
		jump,	    jump,
	};

	kinds[pick(g, sizeof(kinds) / sizeof(kinds[0]))](g);
}

/* main gets the context; functions get their roles from the caller, and the caller's stack in r5. */
static void prologue(struct generator *g)
{
	if (g->function) {
		for (uint32_t r = 1; r <= 4; r++)
			move(g, WINDOW + r - 1, r);
		emit(g, 0x7b, FP, 5, -40, 0);
	} else {
		move(g, CTX, 1);
		emit(g, 0x79, WINDOW, 1, 0, 0);
		emit(g, 0x18, DATA, VC_SRC_MAP, 0, VC_MAP_DATA);
		emit(g, 0, 0, 0, 0, 0);
		emit(g, 0x18, RODATA, VC_SRC_MAP, 0, VC_MAP_RODATA);
		emit(g, 0, 0, 0, 0, 0);
	}
	for (uint32_t p = WINDOW; p <= CTX; p++)
		emit(g, 0x7b, FP, p, -8 * (int32_t)(p - WINDOW + 1), 0);
	for (int32_t off = -48; off >= -120; off -= 8)
		emit(g, 0x7a, FP, 0, off, constant(g));
	numbers_again(g, 0);
}

/* Every jump goes to the start of some statement; past the middle of the bytes' choices, backwards too. */
static void link_jumps(struct generator *g)
{
	for (uint32_t j = 0; j < g->njump; j++) {
		uint32_t t = g->start[pick(g, g->nstart)];

		g->out[g->jump[j]].off = (int16_t)((int32_t)t - (int32_t)g->jump[j] - 1);
	}
	g->njump = 0;
}

static uint32_t function(struct generator *g, uint32_t room)
{
	uint32_t first = g->n, count = 1 + pick(g, STATEMENTS_MAX - 1);

	g->nstart = 0;
	prologue(g);
	for (uint32_t s = 0; s < count && g->n - first + 24 < room; s++) {
		g->start[g->nstart++] = g->n;
		statement(g);
	}
	g->start[g->nstart++] = g->n;
	emit(g, 0x95, 0, 0, 0, 0);
	link_jumps(g);
	return first;
}

uint32_t generate(struct bytes *b, struct vc_insn *out)
{
	struct generator g = {.b = b, .out = out};
	uint32_t first[FUNCTIONS_MAX + 1];

	g.nfunction = pick(&g, FUNCTIONS_MAX + 1);
	for (g.function = 0; g.function <= g.nfunction; g.function++)
		first[g.function] = function(&g, GENERATE_MAX / (FUNCTIONS_MAX + 1));
	for (uint32_t c = 0; c < g.ncall; c++)
		out[g.call[c]].imm = (int32_t)first[g.callee[c]] - (int32_t)g.call[c] - 1;
	return g.n;
}
