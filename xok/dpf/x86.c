/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.c - native code for x86-64: of each vector a piece that does its steps, searches the table, and
 * goes on with the next vector's. It is made again when its own vector changes in more than filters.
 *
 *	rdi	the demultiplexer	rsi, rdx	the packet and its length
 *	rcx	values of the packet	r11		place of the best entry so far, or 0
 *	r8	sum of the hash, slot	r10		base, behind a shift; place of an entry
 *	rax, r9	scratch
 *
 * No stack, no vector registers, nothing that depends on where the code lies. What changes while the
 * code is in use (table, keys, basis, the next vector) is read from the arena.
 */
#include "dpf_int.h"

#if defined(__x86_64__)

enum label { L_END, L_CHAIN, L_TAKE, L_NEXT, L_MISS, L_COUNT };

/* Two passes over the same calls: the first, with p NULL, counts bytes and finds the labels. */
struct gen {
	const struct dpf *d;
	const struct dpf_vec *v;
	uint8_t *p;
	uint32_t n;
	uint32_t label[L_COUNT];
	int shifted; /* the base is in r10 */
	int hashing; /* the sum is in r8 */
};

/* ---- bytes and instructions ---- */

static void imm(struct gen *g, uint64_t v, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++, g->n++)
		if (g->p)
			g->p[g->n] = (uint8_t)(v >> 8u * i);
}

/* An instruction without a memory operand: its bytes, as they are written. */
static void op(struct gen *g, uint64_t bytes)
{
	uint32_t n = 1;

	while (n < 8 && bytes >> 8 * n)
		n++;
	while (n-- > 0)
		imm(g, bytes >> 8 * n, 1);
}

static void op_imm(struct gen *g, uint64_t bytes, uint64_t v)
{
	op(g, bytes);
	imm(g, v, 4);
}

static void label(struct gen *g, enum label l)
{
	g->label[l] = g->n;
}

enum jump { JMP = 0xe9, JB = 0x0f82, JAE = 0x0f83, JE = 0x0f84, JNE = 0x0f85, JA = 0x0f87 };

static void jump(struct gen *g, enum jump j, enum label l)
{
	op(g, j);
	imm(g, g->label[l] - (g->n + 4), 4);
}

enum reg { AX, R8 = 8, R10 = 10 };

/* With a memory operand; W: of 64 bits. Some have a digit in the register's place. */
enum insn {
	LOAD = 0x8b,
	LOAD1 = 0x0fb6, /* movzx */
	LOAD2 = 0x0fb7,
	STORE = 0x89,
	AND = 0x23,
	CMP = 0x3b,
	CMP_IMM = 0x81, /* digit 7 */
	IMUL = 0x0faf,
	MUL = 0xf7,	/* digit 4: rdx, rax = rax * operand */
	JMP_MEM = 0xff, /* digit 4 */
	W = 0x10000,
};

/* What an operand is relative to: the ModRM and SIB bytes, and the REX bits of their registers. */
enum base {
	PKT = 0x6,	   /* rsi */
	SHIFTED = 0x21604, /* rsi + r10 */
	DPF = 0x7,	   /* rdi */
	VAL = 0x1,	   /* rcx */
	ENTRY = 0x2d704,   /* rdi + 8 * r10 */
	BEST = 0x2df04,	   /* rdi + 8 * r11 */
	SLOT = 0x28004,	   /* rax + 4 * r8 */
};

static void insn(struct gen *g, uint32_t code, uint32_t reg, enum base b, uint32_t disp)
{
	uint32_t rex = (code & W ? 8u : 0) | reg >> 3 << 2 | b >> 16, small = disp < 128;

	if (rex)
		imm(g, 0x40 | rex, 1);
	op(g, code & ~(uint32_t)W);
	imm(g, (small ? 0x40 : 0x80) | (reg & 7) << 3 | (b & 7), 1);
	if ((b & 7) == 4)
		imm(g, b >> 8, 1);
	imm(g, disp, small ? 1 : 4);
}

/* The displacement from rdi of what lies at `member`. */
static uint32_t at(const struct gen *g, const void *member)
{
	return (uint32_t)((uintptr_t)member - (uintptr_t)g->d);
}

/* ---- the steps ---- */

/* rax = size bytes at base + off, as they stand. */
static void load(struct gen *g, const struct dpf_step *s)
{
	static const uint32_t code[] = {[1] = LOAD1, [2] = LOAD2, [4] = LOAD, [8] = LOAD | W};

	insn(g, code[s->size], AX, g->shifted ? SHIFTED : PKT, s->off);
}

static void load_be(struct gen *g, const struct dpf_step *s)
{
	load(g, s);
	if (s->size > 1)
		op(g, s->size == 8 ? 0x480fc8 : 0x0fc8); /* bswap rax, eax */
	if (s->size == 2)
		op(g, 0xc1e810); /* shr eax, 16 */
}

static void mask(struct gen *g, const struct dpf_step *s)
{
	if (s->mask != UINT64_MAX >> (64u - 8u * s->size))
		insn(g, AND | W, AX, DPF, at(g, &s->mask));
}

static void gen_len(struct gen *g, const struct dpf_step *s)
{
	if (g->shifted) {
		op_imm(g, 0x498d82, s->off); /* lea rax, [r10 + extent] */
		op(g, 0x4839c2);	     /* cmp rdx, rax */
	} else {
		op_imm(g, 0x4881fa, s->off); /* cmp rdx, extent */
	}
	jump(g, JB, L_MISS);
}

/* Not before a word is hashed: most vectors that do not match fail earlier. */
static void begin_hash(struct gen *g)
{
	if (!g->hashing)
		insn(g, LOAD | W, R8, DPF, at(g, &g->v->basis));
	g->hashing = 1;
}

static void gen_word(struct gen *g, const struct dpf_step *s)
{
	load(g, s);
	mask(g, s);
	if (!s->varies) {
		insn(g, CMP | W, AX, DPF, at(g, &s->value));
		jump(g, JNE, L_MISS);
		return;
	}
	insn(g, STORE | W, AX, VAL, 8u * s->arg);
	begin_hash(g);
	/* dpf_term */
	if (s->size < 8) {
		insn(g, IMUL | W, AX, DPF, at(g, &s->key));
	} else {
		op(g, 0x4989d1); /* mov r9, rdx */
		insn(g, MUL | W, 4, DPF, at(g, &s->key));
		op(g, 0x4901d0); /* add r8, rdx */
		op(g, 0x4c89ca); /* mov rdx, r9 */
	}
	op(g, 0x4901c0); /* add r8, rax */
}

/* As in match.c, where the LEN that follows does for what cannot be as much as 4 GiB. */
static void gen_shift(struct gen *g, const struct dpf_step *s)
{
	load_be(g, s);
	mask(g, s);
	if (s->mask >> (32 - s->arg)) {
		op(g, 0x4989d1);	    /* mov r9, rdx */
		op(g, 0x49c1e900 | s->arg); /* shr r9, shl */
		op(g, 0x4c39c8);	    /* cmp rax, r9 */
		jump(g, JA, L_MISS);
	}
	op(g, 0x48c1e000 | s->arg);		 /* shl rax, shl */
	op(g, g->shifted ? 0x4901c2 : 0x4989c2); /* add or mov r10, rax */
	g->shifted = 1;
}

static void gen_steps(struct gen *g)
{
	for (const struct dpf_step *s = g->v->step; s < g->v->step + g->v->nstep; s++) {
		switch (s->kind) {
		case DPF_LEN: gen_len(g, s); break;
		case DPF_WORD: gen_word(g, s); break;
		case DPF_RANGE:
			load_be(g, s);
			insn(g, STORE | W, AX, VAL, 8u * s->arg);
			break;
		case DPF_SHIFT: gen_shift(g, s); break;
		}
	}
}

/* ---- the table ---- */

/* r10d = the first entry of the chain. */
static void gen_probe(struct gen *g)
{
	begin_hash(g);
	op(g, 0x49c1e820); /* shr r8, 32 */
	insn(g, AND, R8, DPF, at(g, &g->d->t.mask));
	insn(g, LOAD, AX, DPF, at(g, &g->d->t.slots));
	op(g, 0x488d04c7); /* lea rax, [rdi + 8 * rax] */
	insn(g, LOAD, R10, SLOT, 0);
}

static void gen_compare_entry(struct gen *g)
{
	insn(g, CMP_IMM, 7, ENTRY, offsetof(struct dpf_entry, vec));
	imm(g, dpf_ref_of(g->d, g->v), 4);
	jump(g, JNE, L_NEXT);
	for (const struct dpf_step *s = g->v->step; s < g->v->step + g->v->nstep; s++) {
		uint32_t want = (uint32_t)offsetof(struct dpf_entry, val) + 8u * s->arg;

		if (!s->varies)
			continue;
		insn(g, LOAD | W, AX, VAL, 8u * s->arg);
		if (s->kind == DPF_WORD) {
			insn(g, CMP | W, AX, ENTRY, want);
			jump(g, JNE, L_NEXT);
		} else {
			insn(g, CMP, AX, ENTRY, want);
			jump(g, JB, L_NEXT);
			insn(g, CMP, AX, ENTRY, want + 4);
			jump(g, JA, L_NEXT);
		}
	}
}

/* Keeps the entry at r10 as the best one in r11 if it came earlier than that. */
static void gen_keep(struct gen *g)
{
	op(g, 0x4585db); /* test r11d, r11d */
	jump(g, JE, L_TAKE);
	insn(g, LOAD | W, AX, ENTRY, offsetof(struct dpf_entry, seq));
	insn(g, CMP | W, AX, BEST, offsetof(struct dpf_entry, seq));
	jump(g, JAE, L_MISS);
	label(g, L_TAKE);
	op(g, 0x4589d3); /* mov r11d, r10d */
	jump(g, JMP, L_MISS);
}

static void gen_vec(struct gen *g)
{
	label(g, L_END);
	op(g, 0x4489d8c3); /* mov eax, r11d; ret */
	/* DPF_CODE_ENTER */
	op(g, 0x4531db); /* xor r11d, r11d */
	/* DPF_CODE_VEC */
	gen_steps(g);
	gen_probe(g);
	label(g, L_CHAIN);
	op(g, 0x4585d2); /* test r10d, r10d */
	jump(g, JE, L_MISS);
	gen_compare_entry(g);
	if (g->v->tie == DPF_ALONE)
		op(g, 0x4489d0c3); /* mov eax, r10d; ret */
	else
		gen_keep(g);
	label(g, L_NEXT);
	insn(g, LOAD, R10, ENTRY, offsetof(struct dpf_entry, next[DPF_BY_VALUE]));
	jump(g, JMP, L_CHAIN);
	label(g, L_MISS);
	if (g->v->tie == DPF_TIED_LAST) {
		op(g, 0x4585db); /* test r11d, r11d */
		jump(g, JNE, L_END);
	}
	insn(g, JMP_MEM, 4, DPF, at(g, &g->v->go));
}

void dpf_compile(struct dpf *d, struct dpf_vec *v)
{
	struct gen count = {.d = d, .v = v}, g = count;
	dpf_ref r;

	gen_vec(&count);
	r = dpf_alloc(&d->code, count.n);
	if (!r)
		return;
	memcpy(g.label, count.label, sizeof(g.label));
	g.p = d->code.base + (size_t)r * DPF_UNIT;
	gen_vec(&g);
	v->code = (uint64_t)(uintptr_t)(d->x + (size_t)r * DPF_UNIT);
}

#else

void dpf_compile(struct dpf *d, struct dpf_vec *v)
{
	(void)d;
	(void)v;
}

#endif

void dpf_uncompile(struct dpf *d, struct dpf_vec *v)
{
	if (v->code)
		dpf_free(&d->code, (dpf_ref)((v->code - (uintptr_t)d->x) / DPF_UNIT));
	v->code = 0;
}
