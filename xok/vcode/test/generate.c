/* SPDX-License-Identifier: BSD-2-Clause */
/* generate.c - see generate.h. A program is a prologue, statements, EXIT; then the same for each local function. */
#include <string.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/generate.h"
#include "xok/vcode/test/harness.h"

#define STATEMENTS_MAX 64u
#define FUNCTIONS_MAX 3u
#define JUMPS_MAX 64u

/* In raw programs CTX is another pointer into the window. */
enum { WINDOW = 6, DATA = 7, RODATA = 8, CTX = 9, FP = 10 };

/* Slots: -8 to -32 keep what r6 to r9 started as. */
enum { STACK_SLOT = -40, NUMBERS = -48, NUMBERS_END = -120, TABLE_SLOT = -128, HANDLE_SLOT = -136 };

struct generator {
	struct bytes *b;
	struct vc_insn *out;
	uint32_t n;
	bool raw;
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

static void lddw(struct generator *g, uint32_t dst, uint32_t src, int32_t imm, int32_t next)
{
	emit(g, 0x18, dst, src, 0, imm);
	emit(g, 0, 0, 0, 0, next);
}

static void load_wide(struct generator *g)
{
	int32_t low = constant(g);

	lddw(g, number(g), VC_SRC_CONST, low, constant(g));
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

static const uint8_t loads[] = {0x71, 0x69, 0x61, 0x79, 0x91, 0x89, 0x81};
static const uint8_t atomics[] = {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1};

static void load(struct generator *g)
{
	uint32_t base = WINDOW + pick(g, 5);

	emit(g, loads[pick(g, sizeof(loads))], number(g), base, displacement(g, base), 0);
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
	uint32_t base = writable(g);

	emit(g, pick(g, 2) ? 0xdb : 0xc3, base, number(g), displacement(g, base),
	     atomics[pick(g, sizeof(atomics))]);
}

/* One access through p, which is no role's register: a load into v, a store of v or a constant, an atomic. */
static void access_through(struct generator *g, uint32_t p, uint32_t v, int32_t off)
{
	uint32_t size = pick(g, 4) << 3;

	switch (pick(g, 4)) {
	case 0: emit(g, loads[pick(g, sizeof(loads))], v, p, off, 0); break;
	case 1: emit(g, (uint8_t)(0x62 | size), p, 0, off, constant(g)); break;
	case 2: emit(g, (uint8_t)(0x63 | size), p, v, off, 0); break;
	default: emit(g, pick(g, 2) ? 0xdb : 0xc3, p, v, off, atomics[pick(g, sizeof(atomics))]);
	}
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

/* Keeps a pointer, wherever it went in between, in its slot. */
static void keep(struct generator *g)
{
	uint32_t p = WINDOW + pick(g, 4);

	emit(g, 0x7b, FP, p, -8 * (int32_t)(p - WINDOW + 1), 0);
}

/* Two registers of numbers: the first becomes a pointer for a while; r0 and the second are free for atomics. */
static void two(struct generator *g, uint32_t *p, uint32_t *v)
{
	*p = 1 + pick(g, 5);
	*v = *p % 5 + 1;
}

/* An access to the stack at an unknown offset; it may hit a slot with a pointer, or what nobody wrote yet. */
static void stack_somewhere(struct generator *g)
{
	static const int16_t offs[] = {-8, -8, -64, -128, -320, -500};
	uint32_t p, v;

	two(g, &p, &v);
	emit(g, 0x57, v, 0, 0, pick(g, 2) ? 0x1f : 0x7f);
	move(g, p, FP);
	emit(g, 0x1f, p, v, 0, 0);
	access_through(g, p, v, offs[pick(g, 6)]);
	set(g, p, 3);
}

/* Through a pointer kept in the stack: into the own frame in main, in functions into those of the callers. */
static void stack_pointer(struct generator *g)
{
	uint32_t p, v;

	two(g, &p, &v);
	emit(g, 0x79, p, FP, STACK_SLOT, 0);
	emit(g, 0x57, v, 0, 0, pick(g, 4) ? 0xff : 0x7ff);
	emit(g, 0x1f, p, v, 0, 0);
	access_through(g, p, v, -8);
	if (pick(g, 4) == 0)
		emit(g, 0x7b, FP, p, STACK_SLOT, 0);
	/* The distance to what is kept. */
	if (pick(g, 4) == 0) {
		emit(g, 0x79, v, FP, STACK_SLOT, 0);
		emit(g, 0x1f, v, p, 0, 0);
	}
	set(g, p, 3);
}

/* Table 0 from its slot or by LDDW, or table 2. */
static void table_memory(struct generator *g)
{
	uint32_t p, v, from = pick(g, 4);

	two(g, &p, &v);
	if (from < 2)
		emit(g, 0x79, p, FP, TABLE_SLOT, 0);
	else if (from == 2)
		lddw(g, p, VC_SRC_MAP, VC_MAP_TABLE, (int32_t)pick(g, 8));
	else
		lddw(g, p, VC_SRC_MAP, VC_MAP_TABLE + 2, 0);
	if (pick(g, 2)) {
		emit(g, 0x57, v, 0, 0, 0x3f);
		emit(g, pick(g, 4) ? 0x0f : 0x1f, p, v, 0, 0);
	}
	access_through(g, p, v, from == 3 ? 0 : (int32_t)pick(g, 33));
	if (from < 3 && pick(g, 4) == 0)
		emit(g, 0x7b, FP, p, TABLE_SLOT, 0);
	set(g, p, 3);
}

static void numbers_again(struct generator *g, uint32_t from)
{
	for (uint32_t r = from; r <= 5; r++)
		set(g, r, constant(g));
}

/* Memory for a helper in two argument registers: at a role's pointer, or in a table. */
static void memory_argument(struct generator *g, uint32_t reg, bool write)
{
	static const uint8_t bases[] = {WINDOW, DATA, FP, FP, 0, RODATA};
	uint32_t base = bases[pick(g, write ? 5 : 6)];

	if (base) {
		move(g, reg, base);
		emit(g, 0x07, reg, 0, 0, constant(g));
	} else {
		emit(g, 0x79, reg, FP, TABLE_SLOT, 0);
	}
	set(g, reg + 1, pick(g, 8) ? (int32_t)pick(g, 32) : constant(g));
}

static void call_memory(struct generator *g)
{
	uint32_t helper = H_SUM + pick(g, 2);

	memory_argument(g, 1, helper == H_FILL);
	if (pick(g, 4) == 0)
		emit(g, 0x77, 3, 0, 0, 60);
	emit(g, 0x85, 0, 0, 0, (int32_t)helper);
}

static void call_table(struct generator *g)
{
	if (pick(g, 2)) {
		emit(g, 0x79, 1, FP, HANDLE_SLOT, 0);
	} else {
		lddw(g, 1, VC_SRC_HANDLE, VC_MAP_TABLE + (int32_t)pick(g, 3), 0);
		if (pick(g, 16) == 0)
			emit(g, 0x7b, FP, 1, HANDLE_SLOT, 0);
	}
	if (pick(g, 2)) {
		emit(g, 0x85, 0, 0, 0, H_TABLE);
		return;
	}
	memory_argument(g, 2, false);
	memory_argument(g, 4, true);
	emit(g, 0x85, 0, 0, 0, H_PUT);
}

static void call_helper(struct generator *g)
{
	static const uint8_t plain[] = {H_ANSWER, H_FIVE, H_NONE, H_CHARGE, H_LEFT, H_STOP};
	uint32_t what = pick(g, 6);

	if (what < 2) {
		call_memory(g);
	} else if (g->raw) {
		emit(g, 0x85, 0, 0, 0, H_RAW);
	} else if (what < 4) {
		call_table(g);
	} else if (what == 4) {
		move(g, 1, CTX);
		emit(g, 0x85, 0, 0, 0, H_CONTEXT);
	} else {
		what = pick(g, 16);
		if (plain[what % 6] == H_CHARGE)
			emit(g, 0x57, 1, 0, 0, 0x3f);
		emit(g, 0x85, 0, 0, 0, plain[what < 12 ? what % 5 : what % 6]);
	}
	numbers_again(g, 1);
}

static void call_local(struct generator *g)
{
	if (g->function >= g->nfunction || g->ncall >= JUMPS_MAX)
		return;
	for (uint32_t r = 1; r <= 4; r++)
		move(g, r, WINDOW + r - 1);
	if (pick(g, 2))
		emit(g, 0x79, 5, FP, STACK_SLOT, 0);
	else
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
		arithmetic,	 arithmetic,	byte_order,   negate_or_extend,
		load_wide,	 load,		load,	      store,
		store,		 atomic_op,	move_pointer, distance,
		refill,		 refill,	refill,	      keep,
		stack_somewhere, stack_pointer, call_helper,  call_helper,
		call_local,	 table_memory,	jump,	      jump,
	};

	kinds[pick(g, sizeof(kinds) / sizeof(kinds[0]))](g);
}

/* main gets the context, or the window; functions get their roles from the caller, and a caller's stack in r5. */
static void prologue(struct generator *g)
{
	if (g->function) {
		for (uint32_t r = 1; r <= 4; r++)
			move(g, WINDOW + r - 1, r);
	} else {
		move(g, CTX, 1);
		if (g->raw)
			move(g, WINDOW, 1);
		else
			emit(g, 0x79, WINDOW, 1, 0, 0);
		lddw(g, DATA, VC_SRC_MAP, VC_MAP_DATA, 0);
		lddw(g, RODATA, VC_SRC_MAP, VC_MAP_RODATA, 0);
	}
	for (uint32_t p = WINDOW; p <= CTX; p++)
		emit(g, 0x7b, FP, p, -8 * (int32_t)(p - WINDOW + 1), 0);
	emit(g, 0x7b, FP, g->function ? 5 : FP, STACK_SLOT, 0);
	for (int32_t off = NUMBERS; off >= NUMBERS_END; off -= 8)
		emit(g, 0x7a, FP, 0, off, constant(g));
	lddw(g, 0, VC_SRC_MAP, VC_MAP_TABLE, (int32_t)pick(g, 16));
	emit(g, 0x7b, FP, 0, TABLE_SLOT, 0);
	lddw(g, 0, VC_SRC_HANDLE, VC_MAP_TABLE + 1, 0);
	emit(g, 0x7b, FP, 0, HANDLE_SLOT, 0);
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
	for (uint32_t s = 0; s < count && g->n - first + 30 < room; s++) {
		g->start[g->nstart++] = g->n;
		statement(g);
	}
	g->start[g->nstart++] = g->n;
	emit(g, 0x95, 0, 0, 0, 0);
	link_jumps(g);
	return first;
}

void generate(struct bytes *b, struct trial *t)
{
	struct generator g = {.b = b, .out = t->insn};
	uint32_t first[FUNCTIONS_MAX + 1];

	g.raw = pick(&g, 8) == 7;
	t->kind = g.raw ? VC_KIND_RAW : VC_KIND_HANDLER;
	t->min_window = pick(&g, 4) ? 0 : pick(&g, 80);
	g.nfunction = pick(&g, FUNCTIONS_MAX + 1);
	for (g.function = 0; g.function <= g.nfunction; g.function++)
		first[g.function] = function(&g, GENERATE_MAX / (FUNCTIONS_MAX + 1));
	for (uint32_t c = 0; c < g.ncall; c++)
		t->insn[g.call[c]].imm = (int32_t)first[g.callee[c]] - (int32_t)g.call[c] - 1;
	t->n = g.n;
}
