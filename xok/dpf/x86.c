/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.c - native code for x86-64: one piece for the root node, one for each vector, one for the end.
 *
 * The root jumps to the first vector of a lane; each vector, when it does not match, jumps to the
 * next one of that lane, whose place and code it reads from the arena. So a piece knows no other,
 * and is made again only when its own vector changes in more than its table. The caller's frame
 * holds the entry found so far, the lane, and the values of the packet:
 *
 *	rdi	the demultiplexer	rsi, r11	the packet and its length
 *	r8	base, behind a shift	r9		sum of the hash, then the slot
 *	r10	the frame		rcx		the entry looked at
 *	rax, rdx  scratch
 *
 * No stack, no vector registers, nothing that depends on where the code lies.
 */
#include "dpf_int.h"

#if defined(__x86_64__)

#define FRAME_BEST 0u
#define FRAME_LANE 8u
#define FRAME_VAL(i) (8u * (DPF_FRAME - DPF_VALS + (i)))

enum label { L_MISS, L_NEXT, L_CHAIN, L_TAKE, L_FOUND, L_COUNT };

/* Two passes over the same calls: the first, with p NULL, counts bytes and finds the labels. */
struct gen {
	const struct dpf *d;
	const struct dpf_vec *v;
	uint8_t *p;
	uint32_t n;
	uint32_t label[L_COUNT];
	uint32_t shifted; /* the base is in r8 */
};

/* ---- bytes and instructions ---- */

static void imm(struct gen *g, uint64_t v, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++, g->n++)
		if (g->p)
			g->p[g->n] = (uint8_t)(v >> 8u * i);
}

static void emit(struct gen *g, const uint8_t *code, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		imm(g, code[i], 1);
}

#define EMIT(g, ...) emit(g, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void label(struct gen *g, enum label l)
{
	g->label[l] = g->n;
}

enum jump { JMP = 0xe9, JB = 0x0f82, JAE = 0x0f83, JE = 0x0f84, JNE = 0x0f85, JA = 0x0f87 };

static void opcode(struct gen *g, uint32_t op)
{
	if (op > 0xff)
		imm(g, op >> 8, 1);
	imm(g, op, 1);
}

static void jump(struct gen *g, enum jump j, enum label l)
{
	opcode(g, j);
	imm(g, g->label[l] - (g->n + 4), 4);
}

enum reg { AX, CX, DX, R9 = 9 };

/* With a memory operand; W: of 64 bits. Some have a digit in the register's place. */
enum insn {
	LOAD = 0x8b,
	LOAD1 = 0x0fb6, /* movzx */
	LOAD2 = 0x0fb7,
	STORE = 0x89,
	STORE_IMM = 0xc7, /* digit 0 */
	ADD = 0x03,
	AND = 0x23,
	CMP = 0x3b,
	CMP_IMM8 = 0x83, /* digit 7 */
	IMUL = 0x0faf,
	MUL = 0xf7, /* digit 4: rdx, rax = rax * operand */
	CMOVAE = 0x0f43,
	JMP_MEM = 0xff, /* digit 4 */
	W = 0x10000,
};

/* What an operand is relative to: the ModRM and SIB bytes, and the REX bits of their registers. */
enum base {
	PKT = 0x6,	   /* rsi */
	SHIFTED = 0x20604, /* rsi + r8 */
	DPF = 0x7,	   /* rdi */
	FRAME = 0x10002,   /* r10 */
	ENTRY = 0xcf04,	   /* rdi + 8 * rcx */
	SLOT = 0x2cf04,	   /* rdi + 8 * r9 */
	LANE = 0x8704,	   /* rdi + 4 * rax */
	NEXT = 0xc704,	   /* rdi + 8 * rax */
};

static void insn(struct gen *g, uint32_t op, uint32_t reg, enum base b, uint32_t disp)
{
	uint32_t rex = (op & W ? 8u : 0) | reg >> 3 << 2 | b >> 16, small = disp < 128;

	if (rex)
		imm(g, 0x40 | rex, 1);
	opcode(g, op & ~(uint32_t)W);
	imm(g, (small ? 0x40 : 0x80) | (reg & 7) << 3 | (b & 7), 1);
	if ((b & 7) == 4)
		imm(g, b >> 8, 1);
	imm(g, disp, small ? 1 : 4);
}

/* The displacement from rdi of a member of the vector. */
static uint32_t of_vec(const struct gen *g, const void *member)
{
	return (uint32_t)((uintptr_t)member - (uintptr_t)g->d);
}

/* ---- what is looked at ---- */

/* rax = size bytes at base + off, as they stand. */
static void load(struct gen *g, uint32_t size, uint32_t off)
{
	static const uint32_t op[] = {[1] = LOAD1, [2] = LOAD2, [4] = LOAD, [8] = LOAD | W};

	insn(g, op[size], AX, g->shifted ? SHIFTED : PKT, off);
}

static void swap(struct gen *g, uint32_t size)
{
	if (size == 8)
		EMIT(g, 0x48);
	if (size > 1)
		EMIT(g, 0x0f, 0xc8); /* bswap eax */
	if (size == 2)
		EMIT(g, 0xc1, 0xe8, 16); /* shr eax, 16 */
}

/* and rax, mask of the op */
static void mask(struct gen *g, const struct dpf_op *op)
{
	if (op->mask == UINT64_MAX >> (64u - 8u * op->size))
		return;
	if (op->mask <= UINT32_MAX) {
		EMIT(g, 0x25); /* of eax: clears the upper half */
		imm(g, op->mask, 4);
	} else {
		insn(g, AND | W, AX, DPF, of_vec(g, &op->mask));
	}
}

/* cmp rax, *v, which does not change while the code is in use */
static void compare(struct gen *g, const uint64_t *v)
{
	if (*v <= INT32_MAX) {
		EMIT(g, 0x48, 0x3d);
		imm(g, *v, 4);
	} else {
		insn(g, CMP | W, AX, DPF, of_vec(g, v));
	}
}

static void gen_word(struct gen *g, const struct dpf_op *op, uint32_t i)
{
	load(g, op->size, op->off);
	mask(g, op);
	if (!(g->v->varying >> i & 1)) {
		compare(g, dpf_fixed(g->v) + i);
		jump(g, JNE, L_MISS);
		return;
	}
	insn(g, STORE | W, AX, FRAME, FRAME_VAL(i));
	/* dpf_term */
	if (op->size < 8) {
		insn(g, IMUL | W, AX, DPF, of_vec(g, dpf_keys(g->v) + i));
	} else {
		insn(g, MUL | W, 4, DPF, of_vec(g, dpf_keys(g->v) + i));
		EMIT(g, 0x49, 0x01, 0xd1); /* add r9, rdx */
	}
	EMIT(g, 0x49, 0x01, 0xc1); /* add r9, rax */
}

/* As in match.c, where the LEN that follows does for what cannot be as much as 4 GiB. */
static void gen_shift(struct gen *g, const struct dpf_op *op)
{
	uint64_t lost = op->shl ? op->mask >> (64 - op->shl) : 0;

	load(g, op->size, op->off);
	swap(g, op->size);
	mask(g, op);
	if (lost) {
		EMIT(g, 0x48, 0x89, 0xc2);			    /* mov rdx, rax */
		EMIT(g, 0x48, 0xc1, 0xea, (uint8_t)(64 - op->shl)); /* shr rdx, 64 - shl */
		jump(g, JNE, L_MISS); /* bits that would be shifted out */
	}
	if (op->shl)
		EMIT(g, 0x48, 0xc1, 0xe0, op->shl); /* shl rax, shl */
	if (lost || op->mask << op->shl > UINT32_MAX) {
		EMIT(g, 0x4c, 0x39, 0xd8); /* cmp rax, r11 */
		jump(g, JA, L_MISS);
	}
	EMIT(g, 0x49, g->shifted ? 0x01 : 0x89, 0xc0); /* add or mov r8, rax */
	g->shifted = 1;
}

static void gen_len(struct gen *g, uint32_t extent)
{
	if (g->shifted) {
		EMIT(g, 0x49, 0x8d, 0x80); /* lea rax, [r8 + extent] */
		imm(g, extent, 4);
		EMIT(g, 0x4c, 0x39, 0xd8); /* cmp rax, r11 */
		jump(g, JA, L_MISS);
	} else {
		EMIT(g, 0x49, 0x81, 0xfb); /* cmp r11, extent */
		imm(g, extent, 4);
		jump(g, JB, L_MISS);
	}
}

/*
 * The ops in their order, but of each stretch the words that are compared at once before those that
 * are hashed: most packets that do not match fail there.
 */
static void gen_ops(struct gen *g)
{
	const struct dpf_op *op = dpf_ops(g->v);
	uint32_t word = 0, range = g->v->nword, i = 0;

	while (i < g->v->nop) {
		uint32_t w = word, j = i;

		for (; j < g->v->nop && op[j].kind <= DPF_OP_WORD; j++) {
			if (op[j].kind == DPF_OP_LEN)
				gen_len(g, op[j].off);
			else if (!(g->v->varying >> w++ & 1))
				gen_word(g, &op[j], w - 1);
		}
		for (; i < j; i++)
			if (op[i].kind == DPF_OP_WORD && g->v->varying >> word++ & 1)
				gen_word(g, &op[i], word - 1);
		for (; i < g->v->nop && op[i].kind == DPF_OP_RANGE; i++) {
			load(g, op[i].size, op[i].off);
			swap(g, op[i].size);
			insn(g, STORE | W, AX, FRAME, FRAME_VAL(range++));
		}
		if (i < g->v->nop && op[i].kind == DPF_OP_SHIFT)
			gen_shift(g, &op[i++]);
	}
}

/* ---- the table ---- */

/* Leaves the place of a link in ecx; zero is set if it leads to none. */
static void gen_place(struct gen *g)
{
	EMIT(g, 0x81, 0xe1); /* and ecx, DPF_PLACE */
	imm(g, DPF_PLACE, 4);
}

/*
 * ecx = where to start: at the first of the chain or, when the hash bits of its link say that it
 * cannot be the one, at the second. A miss if there is none. A slot is one unit of the arena.
 */
static void gen_probe(struct gen *g)
{
	EMIT(g, 0x49, 0xc1, 0xe9, 32); /* shr r9, 32 */
	EMIT(g, 0x44, 0x89, 0xca);     /* mov edx, r9d */
	insn(g, AND, R9, DPF, of_vec(g, &g->v->t.mask));
	insn(g, ADD, R9, DPF, of_vec(g, &g->v->t.slots));
	insn(g, LOAD, CX, SLOT, offsetof(struct dpf_slot, first));
	EMIT(g, 0x31, 0xca, 0x81, 0xfa); /* xor edx, ecx; cmp edx, ... */
	imm(g, DPF_PLACE + 1, 4);
	insn(g, CMOVAE, CX, SLOT, offsetof(struct dpf_slot, second));
	gen_place(g);
	jump(g, JE, L_MISS);
}

static void gen_compare_entry(struct gen *g)
{
	for (uint32_t i = 0; i < (uint32_t)g->v->nword + g->v->nrange; i++) {
		uint32_t at = (uint32_t)(offsetof(struct dpf_entry, val) + 8u * i);

		if (i < g->v->nword && !(g->v->varying >> i & 1))
			continue;
		insn(g, LOAD | W, AX, FRAME, FRAME_VAL(i));
		if (i < g->v->nword) {
			insn(g, CMP | W, AX, ENTRY, at);
			jump(g, JNE, L_NEXT);
		} else {
			insn(g, CMP, AX, ENTRY, at);
			jump(g, JB, L_NEXT);
			insn(g, CMP, AX, ENTRY, at + 4);
			jump(g, JA, L_NEXT);
		}
	}
}

/* Returns the id of the entry in rcx. */
static void gen_return(struct gen *g)
{
	insn(g, LOAD, AX, ENTRY, offsetof(struct dpf_entry, id));
	EMIT(g, 0xc3);
}

/* Keeps the entry in rcx if it was inserted before the one found so far. */
static void gen_keep(struct gen *g)
{
	insn(g, LOAD, AX, FRAME, FRAME_BEST);
	EMIT(g, 0x85, 0xc0); /* test eax, eax */
	jump(g, JE, L_TAKE);
	insn(g, LOAD | W, DX, ENTRY, offsetof(struct dpf_entry, seq));
	insn(g, CMP | W, DX, NEXT, offsetof(struct dpf_entry, seq));
	jump(g, JAE, L_FOUND);
	label(g, L_TAKE);
	insn(g, STORE, CX, FRAME, FRAME_BEST);
	jump(g, JMP, L_FOUND);
}

/* Jumps to the vector that the links at `go` name for this lane. */
static void gen_go(struct gen *g, const dpf_ref *go)
{
	insn(g, LOAD, AX, FRAME, FRAME_LANE);
	insn(g, LOAD, AX, LANE, of_vec(g, go));
	insn(g, JMP_MEM, 4, NEXT, offsetof(struct dpf_vec, code));
}

static void gen_vec(struct gen *g)
{
	const struct dpf_vec *v = g->v;

	insn(g, LOAD | W, R9, DPF, of_vec(g, &v->basis));
	gen_ops(g);
	gen_probe(g);
	label(g, L_CHAIN);
	gen_compare_entry(g);
	if (v->tied)
		gen_keep(g);
	else
		gen_return(g);
	label(g, L_NEXT);
	insn(g, LOAD, CX, ENTRY, offsetof(struct dpf_entry, next[DPF_BY_VALUE]));
	gen_place(g);
	jump(g, JNE, L_CHAIN);
	label(g, L_MISS);
	if (v->tied) {
		insn(g, CMP_IMM8, 7, FRAME, FRAME_BEST);
		imm(g, 0, 1);
		jump(g, JNE, L_FOUND);
	}
	gen_go(g, v->go);
	if (v->tied) {
		label(g, L_FOUND);
		gen_go(g, v->go_found);
	}
}

/* ---- the root and the end ---- */

/* Goes to the first vector of the lane: the root is made again whenever that changes. */
static void to_lane(struct gen *g, uint32_t lane, enum jump j)
{
	const struct dpf_vec *v = dpf_at(g->d, g->d->go[lane]);
	uintptr_t next;

	opcode(g, j);
	next = (uintptr_t)g->d->x + g->n + 4;
	if (g->p)
		next += (uintptr_t)(g->p - g->d->code.base);
	imm(g, v->code - next, 4);
}

static void set(struct gen *g, uint32_t slot, uint32_t v)
{
	insn(g, STORE_IMM, 0, FRAME, slot);
	imm(g, v, 4);
}

static void gen_enter(struct gen *g)
{
	EMIT(g, 0x49, 0x89, 0xd3, 0x49, 0x89, 0xca); /* mov r11, rdx; mov r10, rcx */
	if (g->d->ntied)
		set(g, FRAME_BEST, 0);
	if (g->d->nlane) {
		gen_len(g, g->d->select + 2);
		load(g, 2, g->d->select);
		for (uint32_t i = 0; i < g->d->nlane; i++) {
			set(g, FRAME_LANE, i);
			EMIT(g, 0x3d); /* cmp eax, value */
			imm(g, g->d->lane[i], 4);
			to_lane(g, i, JE);
		}
	}
	label(g, L_MISS);
	set(g, FRAME_LANE, DPF_LANE_OTHER);
	to_lane(g, DPF_LANE_OTHER, JMP);
}

static void gen_end(struct gen *g)
{
	if (g->d->ntied) {
		insn(g, LOAD, CX, FRAME, FRAME_BEST);
		EMIT(g, 0x85, 0xc9); /* test ecx, ecx */
		jump(g, JE, L_MISS);
		gen_return(g);
		label(g, L_MISS);
	}
	EMIT(g, 0xb8); /* mov eax, DPF_NONE */
	imm(g, DPF_NONE, 4);
	EMIT(g, 0xc3);
}

/* Makes a piece of code in place of the old one: its address, or 0. */
static uint64_t generate(struct dpf *d, struct dpf_vec *v, dpf_ref *code,
			 void (*piece)(struct gen *))
{
	struct gen g = {.d = d, .v = v};
	dpf_ref r = 0;

	piece(&g);
	if (d->code.total)
		r = dpf_alloc(&d->code, g.n);
	if (r) {
		g.p = d->code.base + (size_t)r * DPF_UNIT;
		g.n = 0;
		g.shifted = 0;
		piece(&g);
	}
	dpf_uncompile(d, code);
	*code = r;
	return r ? (uint64_t)(uintptr_t)(d->x + (size_t)r * DPF_UNIT) : 0;
}

void dpf_compile_vec(struct dpf *d, struct dpf_vec *v)
{
	v->code = generate(d, v, &v->code_ref, gen_vec);
	v->compiled = v->code != 0;
}

void dpf_compile_ends(struct dpf *d)
{
	uint64_t enter;

	d->end.code = generate(d, NULL, &d->end_ref, gen_end);
	enter = generate(d, NULL, &d->enter_ref, gen_enter);
	d->enter = d->nplain || !d->end.code ? 0 : enter;
}

#else

void dpf_compile_vec(struct dpf *d, struct dpf_vec *v)
{
	(void)d;
	v->code = 0;
}

void dpf_compile_ends(struct dpf *d)
{
	d->enter = 0;
}

#endif

void dpf_uncompile(struct dpf *d, dpf_ref *code)
{
	if (*code)
		dpf_free(&d->code, *code);
	*code = 0;
}
