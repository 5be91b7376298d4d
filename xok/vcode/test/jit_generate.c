/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_generate.c - see jit_generate.h. In every program r0 to r3 are numbers, r4 and r5 what a statement makes of them, r6 the window, r7
 * data or a table, r8 the stack, r9 a loop's counter.
 */
#include <string.h>

#include "xok/vcode/internal.h"
#include "xok/vcode/test/harness.h"
#include "xok/vcode/test/jit_generate.h"

#define STATEMENTS 24u
#define ROOM 40u /* instructions of a statement at most */

struct maker {
	struct bytes *b;
	struct trial *t;
	bool raw, callee;
	uint32_t calls[8], ncall;
};

static uint32_t octet(struct maker *m)
{
	if (!m->b->len)
		return 0;
	m->b->len--;
	return *m->b->data++;
}

static uint32_t pick(struct maker *m, uint32_t n)
{
	return octet(m) % n;
}

static int32_t constant(struct maker *m)
{
	static const int32_t telling[] = {0,   1,   -1,	    2,	    7,	  8,	     31,
					  32,  63,  64,	    127,    128,  -128,	     -129,
					  255, 256, 0xffff, 0x7fff, 1000, INT32_MIN, INT32_MAX};
	uint32_t n = octet(m);

	if (n < sizeof(telling) / sizeof(telling[0]))
		return telling[n];
	return n < 200 ? (int32_t)n - 100 : (int32_t)(octet(m) << 24 | octet(m) << 16 | octet(m));
}

static void emit(struct maker *m, uint8_t op, uint32_t d, uint32_t s, int32_t off, int32_t imm)
{
	m->t->insn[m->t->n++] = (struct vc_insn){op, (uint8_t)(d | s << 4), (int16_t)off, imm};
}

static uint32_t number(struct maker *m)
{
	return pick(m, 4);
}

static uint8_t wide(struct maker *m)
{
	return pick(m, 2) ? 7 : 4;
}

static void alu(struct maker *m, uint32_t d, uint32_t s)
{
	static const uint8_t codes[] = {0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x9, 0xa, 0xb, 0xc};
	uint32_t code = codes[pick(m, sizeof(codes))], x = pick(m, 2);

	emit(m, (uint8_t)(code << 4 | x << 3 | wide(m)), d, x ? s : 0,
	     code == 3 || code == 9 ? (int32_t)pick(m, 2) : 0, x ? 0 : constant(m));
}

static void st_alu(struct maker *m)
{
	alu(m, number(m), number(m));
}

static void st_unary(struct maker *m)
{
	static const uint8_t ends[] = {0xd4, 0xdc, 0xd7};
	uint32_t d = number(m), n = pick(m, 4);

	if (n == 0)
		emit(m, 0x80 | wide(m), d, 0, 0, 0);
	else if (n == 1)
		emit(m, 0xbf, d, number(m), 8 << pick(m, 3), 0);
	else if (n == 2)
		emit(m, 0xbc, d, number(m), 8 << pick(m, 2), 0);
	else
		emit(m, ends[pick(m, 3)], d, 0, 0, 16 << pick(m, 3));
}

static uint8_t size_bits(struct maker *m)
{
	return (uint8_t)(pick(m, 4) << 3);
}

/* A constant, or one that is stored at once and then forgotten or not. */
static void st_constant(struct maker *m)
{
	uint32_t d = number(m);

	if (pick(m, 2)) {
		emit(m, 0x18, d, 0, 0, constant(m));
		emit(m, 0, 0, 0, 0, constant(m));
		return;
	}
	emit(m, 0xb0 | wide(m), d, 0, 0, constant(m));
	if (pick(m, 2)) {
		uint32_t base = pick(m, 2) ? 6 : 10;
		int32_t off = (int32_t)pick(m, 30);

		emit(m, 0x63 | size_bits(m), base, d, base == 10 ? -8 - off : off, 0);
	}
	if (pick(m, 2))
		emit(m, 0xb7, d, 0, 0, constant(m));
}

/* A copy, and an operation on it. */
static void st_copy(struct maker *m)
{
	uint32_t d = number(m), s = number(m);
	uint8_t w = wide(m);

	emit(m, 0xb8 | w, d, s, 0, 0);
	if (pick(m, 3) == 0)
		emit(m, 0x50 | w, d, 0, 0, pick(m, 2) ? 0xff : 0xffff);
	else
		alu(m, d, number(m));
}

static void st_half(struct maker *m)
{
	uint32_t d = number(m);

	if (pick(m, 2))
		emit(m, 0xbf, d, number(m), 0, 0);
	emit(m, 0x67, d, 0, 0, pick(m, 8) ? 32 : 31);
	emit(m, pick(m, 2) ? 0x77 : 0xc7, d, 0, 0, 32);
}

static void st_rotate(struct maker *m)
{
	uint8_t w = wide(m);
	uint32_t bits = w == 7 ? 64 : 32, by = 1 + pick(m, bits - 1), x = number(m);
	uint32_t t = number(m), u = number(m), left = pick(m, 2) ? 0x60 : 0x70;
	static const uint8_t joins[] = {0x48, 0xa8, 0x08, 0x58};
	int32_t rest = (int32_t)(bits - by) + (pick(m, 16) ? 0 : 1);
	bool five = pick(m, 2);

	emit(m, 0xb8 | w, t, x, 0, 0);
	emit(m, (uint8_t)(left | w), t, 0, 0, (int32_t)by);
	if (five)
		emit(m, 0xb8 | w, u, x, 0, 0);
	else
		u = x;
	emit(m, (uint8_t)((left ^ 0x10) | w), u, 0, 0, rest % (int32_t)bits);
	if (pick(m, 2))
		emit(m, joins[pick(m, 4)] | w, u, t, 0, 0);
	else
		emit(m, joins[pick(m, 4)] | w, t, u, 0, 0);
	/* Sometimes what is left over dies at once. */
	if (pick(m, 2))
		emit(m, 0xb7, pick(m, 2) ? t : u, 0, 0, constant(m));
}

static void access(struct maker *m, uint32_t base, int32_t off)
{
	static const int32_t atomics[] = {0x00, 0x01, 0x40, 0x41, 0x50,
					  0x51, 0xa0, 0xa1, 0xe1, 0xf1};
	uint32_t n = number(m);

	switch (pick(m, 5)) {
	case 0: emit(m, 0x61 | size_bits(m), n, base, off, 0); break;
	case 1: emit(m, pick(m, 2) ? 0x91 : 0x89, n, base, off, 0); break;
	case 2: emit(m, 0x63 | size_bits(m), base, n, off, 0); break;
	case 3: emit(m, 0x62 | size_bits(m), base, 0, off, constant(m)); break;
	default: emit(m, pick(m, 2) ? 0xdb : 0xc3, base, n, off, atomics[pick(m, 10)]); break;
	}
}

static void st_access(struct maker *m)
{
	static const uint32_t bases[] = {6, 6, 7, 10};
	uint32_t base = bases[pick(m, 4)];
	int32_t off = base == 10 ? -8 - (int32_t)pick(m, 56)
				 : (int32_t)pick(m, base == 6 ? 100 : 36);

	access(m, base, off);
}

/* Several accesses through one pointer at an unknown offset, which is copied and moved in between. */
static void st_span(struct maker *m)
{
	static const uint32_t bases[] = {6, 6, 7, 8};
	uint32_t base = bases[pick(m, 4)], p = 4, n = 1 + pick(m, 6);
	int32_t start = base == 8 ? -56 : 0;

	emit(m, 0xbf, 5, number(m), 0, 0);
	emit(m, 0x57, 5, 0, 0, pick(m, 8) ? 31 : 255);
	emit(m, 0xbf, p, base, 0, 0);
	emit(m, 0x0f, p, 5, 0, 0);
	while (n--) {
		switch (pick(m, 8)) {
		case 0: emit(m, pick(m, 2) ? 0x07 : 0x17, p, 0, 0, (int32_t)pick(m, 9)); break;
		case 1:
			emit(m, 0xbf, 9 - p, p, 0, 0);
			p = 9 - p;
			break;
		default: access(m, p, start + (int32_t)pick(m, 24)); break;
		}
	}
	emit(m, 0xb7, 4, 0, 0, 0);
	emit(m, 0xb7, 5, 0, 0, 0);
}

static uint8_t compare(struct maker *m)
{
	static const uint8_t codes[] = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
					0x70, 0xa0, 0xb0, 0xc0, 0xd0};

	return codes[pick(m, sizeof(codes))] | (pick(m, 2) ? 5 : 6);
}

static void jump_to(struct maker *m, uint32_t at, uint32_t to)
{
	m->t->insn[at].off = (int16_t)((int32_t)to - (int32_t)at - 1);
}

static uint32_t conditional(struct maker *m)
{
	uint8_t op = compare(m);
	uint32_t at = m->t->n;

	if (pick(m, 2))
		emit(m, op | 8, number(m), number(m), 0, 0);
	else
		emit(m, op, number(m), 0, 0, constant(m));
	return at;
}

/* One of two constants, after a comparison of numbers or of some bits of a copy. */
static void st_choice(struct maker *m)
{
	uint32_t r = number(m), at;

	if (pick(m, 2)) {
		uint32_t copy = number(m);

		emit(m, 0xb8 | wide(m), copy, number(m), 0, 0);
		emit(m, 0x50 | wide(m), copy, 0, 0, constant(m));
		emit(m, 0xb0 | wide(m), r, 0, 0, constant(m));
		at = m->t->n;
		emit(m, (uint8_t)((pick(m, 2) ? 0x10 : 0x50) | (pick(m, 2) ? 5 : 6)), copy, 0, 0,
		     0);
	} else {
		emit(m, 0xb0 | wide(m), r, 0, 0, constant(m));
		at = conditional(m);
	}
	emit(m, 0xb0 | wide(m), r, 0, 0, constant(m));
	jump_to(m, at, m->t->n);
}

static void simple(struct maker *m);

static void st_skip(struct maker *m)
{
	uint32_t at = conditional(m), n = 1 + pick(m, 4);

	while (n--)
		simple(m);
	jump_to(m, at, m->t->n);
}

static void st_loop(struct maker *m)
{
	uint32_t start, at, n = 1 + pick(m, 3);

	emit(m, 0xb7, 9, 0, 0, (int32_t)pick(m, 12));
	start = m->t->n;
	while (n--)
		simple(m);
	emit(m, 0x07, 9, 0, 0, -1);
	at = m->t->n;
	switch (pick(m, 4)) {
	case 0:
		emit(m, 0x15, 9, 0, 1, 0);
		at++;
		emit(m, 0x05, 0, 0, 0, 0);
		break;
	case 1: emit(m, 0x65, 9, 0, 0, 0); break;
	case 2: emit(m, 0x55, 9, 0, 0, 0); break;
	default: at = conditional(m); break;
	}
	jump_to(m, at, start);
}

static void st_pointers(struct maker *m)
{
	uint8_t op = (uint8_t)((compare(m) & 0xf0) | 5);
	uint32_t base = 6 + pick(m, 2), at;

	if ((op & 0xf0) == 0x40)
		op = 0x15;
	emit(m, 0xbf, 4, base, 0, 0);
	emit(m, pick(m, 2) ? 0x07 : 0x17, 4, 0, 0, constant(m));
	at = m->t->n;
	if (pick(m, 4))
		emit(m, op | 8, pick(m, 2) ? 4 : base, pick(m, 2) ? 4 : base, 0, 0);
	else
		emit(m, pick(m, 2) ? 0x15 : 0x55, 4, 0, 0, 0);
	simple(m);
	jump_to(m, at, m->t->n);
	emit(m, 0xb7, 4, 0, 0, 1);
}

/* Helpers that take numbers: one may stop the run, one charges more, one tells the budget and the place. */
static void call_numbers(struct maker *m)
{
	static const uint8_t all[] = {H_ANSWER, H_FIVE, H_NONE, H_CHARGE, H_LEFT, H_LEFT, H_STOP};

	for (uint32_t r = 1; r <= 5; r++)
		emit(m, 0xb7, r, 0, 0, r == 1 ? (int32_t)pick(m, 40) : constant(m));
	emit(m, 0x85, 0, 0, 0, all[pick(m, sizeof(all))]);
	for (uint32_t r = 1; r <= 5; r++)
		emit(m, 0xb7, r, 0, 0, constant(m));
}

static void st_helper(struct maker *m)
{
	static const uint32_t bases[] = {6, 7, 10};
	uint32_t base = bases[pick(m, 3)];

	if (!m->raw && pick(m, 2)) {
		call_numbers(m);
		return;
	}
	emit(m, 0xbf, 1, base, 0, 0);
	emit(m, 0x07, 1, 0, 0, base == 10 ? -(int32_t)(16 + pick(m, 40)) : (int32_t)pick(m, 40));
	emit(m, 0xb7, 2, 0, 0, (int32_t)pick(m, pick(m, 4) ? 20 : 80));
	if (pick(m, 2)) {
		emit(m, 0x85, 0, 0, 0, H_SUM);
	} else {
		emit(m, 0xb7, 3, 0, 0, constant(m));
		emit(m, 0x85, 0, 0, 0, H_FILL);
	}
	for (uint32_t r = 1; r <= 5; r++)
		emit(m, 0xb7, r, 0, 0, constant(m));
}

static void st_call(struct maker *m)
{
	if (m->callee || m->ncall == 8)
		return;
	emit(m, 0xbf, 1, 6, 0, 0);
	emit(m, 0xbf, 2, 7, 0, 0);
	emit(m, 0xbf, 3, 10, 0, 0);
	m->calls[m->ncall++] = m->t->n;
	emit(m, 0x85, 0, 1, 0, 0);
	for (uint32_t r = 1; r <= 5; r++)
		emit(m, 0xb7, r, 0, 0, constant(m));
}

static void simple(struct maker *m)
{
	static void (*const kinds[])(struct maker *) = {
		st_alu,	   st_alu,    st_unary, st_constant, st_copy,	st_copy,  st_half,
		st_rotate, st_access, st_span,	st_access,   st_rotate, st_choice};

	kinds[pick(m, sizeof(kinds) / sizeof(kinds[0]))](m);
}

static void statement(struct maker *m)
{
	switch (pick(m, 16)) {
	case 0: st_skip(m); break;
	case 1: st_skip(m); break;
	case 2: st_loop(m); break;
	case 3: st_loop(m); break;
	case 4: st_pointers(m); break;
	case 5: st_helper(m); break;
	case 6: st_call(m); break;
	default: simple(m); break;
	}
}

static void begin(struct maker *m)
{
	if (m->callee) {
		emit(m, 0xbf, 6, 1, 0, 0);
		emit(m, 0xbf, 7, 2, 0, 0);
	} else {
		if (m->raw)
			emit(m, 0xbf, 6, 1, 0, 0);
		else
			emit(m, 0x79, 6, 1, 0, 0);
		emit(m, 0x18, 7, VC_SRC_MAP, 0, pick(m, 2) ? VC_MAP_DATA : VC_MAP_TABLE);
		emit(m, 0, 0, 0, 0, 0);
	}
	/* The callee's r8 is its caller's stack. */
	emit(m, 0xbf, 8, m->callee ? 3 : 10, 0, 0);
	for (int32_t off = -64; off < 0; off += 8)
		emit(m, 0x7a, 10, 0, off, constant(m));
	for (uint32_t r = 0; r <= 5; r++)
		emit(m, 0xb7, r, 0, 0, constant(m));
	emit(m, 0xb7, 9, 0, 0, 1);
}

static uint32_t function(struct maker *m)
{
	uint32_t first = m->t->n, n = 1 + pick(m, STATEMENTS);

	begin(m);
	while (n-- && m->t->n - first + 6 * ROOM < GENERATE_MAX / 2)
		statement(m);
	/* The distance between two pointers into the same frame. */
	if (!m->callee && pick(m, 4) == 0) {
		emit(m, 0xbf, 0, 10, 0, 0);
		emit(m, 0x1f, 0, 8, 0, 0);
	}
	emit(m, 0x95, 0, 0, 0, 0);
	return first;
}

void jit_generate(struct bytes *b, struct trial *t)
{
	struct maker m = {.b = b, .t = t};

	t->n = 0;
	m.raw = pick(&m, 3) == 0;
	t->kind = m.raw ? VC_KIND_RAW : VC_KIND_HANDLER;
	t->min_window = m.raw ? pick(&m, 40) : 0;
	function(&m);
	m.callee = true;
	if (m.ncall) {
		uint32_t first = function(&m);

		for (uint32_t n = 0; n < m.ncall; n++)
			t->insn[m.calls[n]].imm = (int32_t)first - (int32_t)m.calls[n] - 1;
	}
}

/* ---- mutations ---- */

static void mutate_one(struct maker *m, struct vc_insn *i)
{
	uint32_t cls = VC_CLASS(i->op), d = vc_dst(i), s = vc_src(i);

	switch (pick(m, 6)) {
	case 0: /* another operation of the same form */
		if (cls == VC_ALU || cls == VC_ALU64)
			i->op = (uint8_t)((i->op & 0x0f) | pick(m, 13) << 4);
		else if ((cls == VC_JMP || cls == VC_JMP32) && i->op != 0x85 && i->op != 0x95)
			i->op = (uint8_t)((i->op & 0x0f) | pick(m, 14) << 4);
		else if (cls == VC_LDX || cls == VC_ST || cls == VC_STX)
			i->op = (uint8_t)((i->op & ~0x18u) | pick(m, 4) << 3);
		break;
	case 1:
		if (cls == VC_ALU || cls == VC_ALU64)
			i->op ^= 3; /* the other width */
		else if (cls == VC_JMP || cls == VC_JMP32)
			i->off += (int16_t)(pick(m, 7) - 3);
		break;
	case 2:
		if (d < 4)
			i->regs = (uint8_t)(number(m) | s << 4);
		break;
	case 3:
		if (s < 4 && VC_X(i->op))
			i->regs = (uint8_t)(d | number(m) << 4);
		break;
	case 4:
		if (cls >= VC_LDX && cls <= VC_STX)
			i->off += (int16_t)((int32_t)pick(m, 17) - 8);
		break;
	default:
		if (i->op != 0x85 && !VC_X(i->op))
			i->imm = constant(m);
	}
}

void jit_mutate(struct bytes *b, struct trial *t)
{
	struct maker m = {.b = b, .t = t};
	uint32_t n = 1 + pick(&m, 4);

	while (n--)
		mutate_one(&m, &t->insn[(octet(&m) << 8 | octet(&m)) % t->n]);
}
