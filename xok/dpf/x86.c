/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.c - native code for x86-64: one piece for the root node, one for each vector, one for the end.
 *
 * The root saves nothing, makes a frame and jumps to the first vector of a lane; each vector, when
 * it does not match, jumps to the next one of that lane, whose place and code it reads from the
 * arena. So a piece knows no other, and is made again only when its own vector changes in more than
 * its table. The stack holds the entry found so far, the lane, and the values of the packet:
 *
 *	rdi	the demultiplexer	rsi, r11	the packet and its length
 *	r9	sum of the hash		r10, r8		base and what is left, behind a shift
 *	rcx	the entry looked at	rax, rcx, rdx	scratch
 *
 * No vector registers, no red zone, nothing that depends on where the code lies.
 */
#include "dpf_int.h"

#if defined(__x86_64__)

#define SLOT_BEST 0u
#define SLOT_LANE 8u
#define SLOT_VAL(i) (8u * (2u + (i)))
#define FRAME SLOT_VAL(DPF_VALS)

enum label { L_MISS, L_NEXT, L_CHAIN, L_TAKE, L_FOUND, L_COUNT };

/* Two passes over the same calls: the first, with p NULL, counts bytes and finds the labels. */
struct gen {
	const struct dpf *d;
	const struct dpf_vec *v;
	uint8_t *p;
	uint32_t n;
	uint32_t label[L_COUNT];
	uint32_t shifted; /* the base is in r10 and r8 */
};

static void byte(struct gen *g, uint32_t b)
{
	if (g->p)
		g->p[g->n] = (uint8_t)b;
	g->n++;
}

static void imm(struct gen *g, uint64_t v, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		byte(g, (uint8_t)(v >> 8u * i));
}

/* The bytes of `op`, the first in its lowest bits. */
#define OP1(g, a) imm(g, a, 1)
#define OP2(g, a, b) imm(g, (a) | (b) << 8, 2)
#define OP3(g, a, b, c) imm(g, (a) | (b) << 8 | (c) << 16, 3)
#define OP4(g, a, b, c, d) imm(g, (a) | (b) << 8 | (c) << 16 | (uint64_t)(d) << 24, 4)

static void label(struct gen *g, enum label l)
{
	g->label[l] = g->n;
}

static void rel(struct gen *g, enum label l)
{
	imm(g, g->label[l] - (g->n + 4), 4);
}

#define JMP(g, l) (OP1(g, 0xe9), rel(g, l))
#define JB(g, l) (OP2(g, 0x0f, 0x82), rel(g, l))
#define JAE(g, l) (OP2(g, 0x0f, 0x83), rel(g, l))
#define JE(g, l) (OP2(g, 0x0f, 0x84), rel(g, l))
#define JNE(g, l) (OP2(g, 0x0f, 0x85), rel(g, l))
#define JA(g, l) (OP2(g, 0x0f, 0x87), rel(g, l))

/* ModRM and displacement: register number `reg` (0 to 7), memory at base register `rm` + disp. */
static void mem(struct gen *g, uint32_t reg, uint32_t rm, uint32_t disp)
{
	uint32_t small = disp < 128;

	byte(g, (small ? 0x40 : 0x80) | reg << 3 | rm);
	if (rm == 4)
		byte(g, 0x24);
	imm(g, disp, small ? 1 : 4);
}

enum { AX, CX, DX, BX, SP, BP, SI, DI };

/* The displacement from rdi of a member of the vector. */
static uint32_t of_vec(const struct gen *g, const void *member)
{
	return (uint32_t)((uintptr_t)member - (uintptr_t)g->d);
}

static void of_d(struct gen *g, uint32_t reg, uint32_t disp)
{
	byte(g, 0x80 | reg << 3 | DI);
	imm(g, disp, 4);
}

/* rax = size bytes at base + off, as they stand. */
static void load(struct gen *g, uint32_t size, uint32_t off)
{
	uint32_t rex = (size == 8 ? 0x48u : 0x40u) | g->shifted;

	if (rex != 0x40)
		byte(g, rex);
	if (size >= 4)
		OP1(g, 0x8b); /* mov */
	else
		OP2(g, 0x0f, size == 2 ? 0xb7u : 0xb6u); /* movzx */
	mem(g, AX, g->shifted ? 2 : SI, off);
}

static void swap(struct gen *g, uint32_t size)
{
	if (size == 8)
		OP1(g, 0x48);
	if (size > 1)
		OP2(g, 0x0f, 0xc8); /* bswap eax */
	if (size == 2)
		OP3(g, 0xc1, 0xe8, 16u); /* shr eax, 16 */
}

/* and rax, mask of the op */
static void mask(struct gen *g, const struct dpf_op *op)
{
	if (op->mask == UINT64_MAX >> (64u - 8u * op->size))
		return;
	if (op->mask <= UINT32_MAX) {
		OP1(g, 0x25); /* of eax: clears the upper half */
		imm(g, op->mask, 4);
	} else {
		OP2(g, 0x48, 0x23);
		of_d(g, AX, of_vec(g, &op->mask));
	}
}

/* cmp rax, *v, which does not change while the code is in use */
static void compare(struct gen *g, const uint64_t *v)
{
	if (*v <= INT32_MAX) {
		OP2(g, 0x48, 0x3d);
		imm(g, *v, 4);
	} else {
		OP2(g, 0x48, 0x3b);
		of_d(g, AX, of_vec(g, v));
	}
}

/* Adds what the word in rax contributes to the hash. */
static void add_term(struct gen *g, uint32_t size, const uint64_t *key)
{
	if (size < 8) {
		OP4(g, 0x48, 0x0f, 0xaf, 0x87u); /* imul rax, key */
		imm(g, of_vec(g, key), 4);
	} else {
		OP2(g, 0x48, 0xf7); /* mul key: rdx, rax */
		of_d(g, 4, of_vec(g, key));
		OP3(g, 0x49, 0x01, 0xd1); /* add r9, rdx */
	}
	OP3(g, 0x49, 0x01, 0xc1); /* add r9, rax */
}

static void save_val(struct gen *g, uint32_t i)
{
	OP2(g, 0x48, 0x89); /* mov [rsp + ...], rax */
	mem(g, AX, SP, SLOT_VAL(i));
}

static void gen_word(struct gen *g, const struct dpf_op *op, uint32_t i)
{
	load(g, op->size, op->off);
	mask(g, op);
	if (g->v->varying >> i & 1) {
		save_val(g, i);
		add_term(g, op->size, dpf_keys(g->v) + i);
	} else {
		compare(g, dpf_fixed(g->v) + i);
		JNE(g, L_MISS);
	}
}

/* As in match.c: a shift beyond what is left is a miss. */
static void gen_shift(struct gen *g, const struct dpf_op *op)
{
	load(g, op->size, op->off);
	swap(g, op->size);
	mask(g, op);
	if (op->mask >> (64 - op->shl) % 64 && op->shl) {
		OP3(g, 0x48, 0x89, 0xc1);		 /* mov rcx, rax */
		OP4(g, 0x48, 0xc1, 0xe9, 64u - op->shl); /* shr rcx, 64 - shl */
		JNE(g, L_MISS);				 /* bits that would be shifted out */
	}
	OP4(g, 0x48, 0xc1, 0xe0, op->shl); /* shl rax, shl */
	if (!g->shifted)
		OP3(g, 0x4d, 0x89, 0xd8); /* mov r8, r11 */
	OP3(g, 0x49, 0x29, 0xc0);	  /* sub r8, rax */
	JB(g, L_MISS);
	if (g->shifted)
		OP3(g, 0x49, 0x01, 0xc2); /* add r10, rax */
	else
		OP4(g, 0x4c, 0x8d, 0x14, 0x06u); /* lea r10, [rsi + rax] */
	g->shifted = 1;
}

static void gen_len(struct gen *g, uint32_t extent)
{
	OP3(g, 0x49, 0x81, g->shifted ? 0xf8u : 0xfbu); /* cmp left, extent */
	imm(g, extent, 4);
	JB(g, L_MISS);
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
			save_val(g, range++);
		}
		if (i < g->v->nop && op[i].kind == DPF_OP_SHIFT)
			gen_shift(g, &op[i++]);
	}
}

/* Leaves the place of a link in ecx; zero is set if it leads to none. */
static void gen_place(struct gen *g)
{
	OP2(g, 0x81, 0xe1); /* and ecx, DPF_PLACE */
	imm(g, DPF_PLACE, 4);
}

/*
 * ecx = where to start: at the first of the chain or, when the hash bits of its link say that it
 * cannot be the one, at the second. A miss if there is none.
 */
static void gen_probe(struct gen *g)
{
	OP4(g, 0x49, 0xc1, 0xe9, 32u); /* shr r9, 32 */
	OP3(g, 0x44, 0x89, 0xca);      /* mov edx, r9d */
	OP2(g, 0x44, 0x23);	       /* and r9d, t.mask */
	of_d(g, 1, of_vec(g, &g->v->t.mask));
	OP1(g, 0x8b); /* mov eax, t.slots */
	of_d(g, AX, of_vec(g, &g->v->t.slots));
	OP4(g, 0x48, 0x8d, 0x04, 0xc7u);    /* lea rax, [rdi + 8 * rax] */
	OP4(g, 0x42, 0x8b, 0x0c, 0xc8u);    /* mov ecx, [rax + 8 * r9] */
	OP2(g, 0x31, 0xca);		    /* xor edx, ecx */
	OP3(g, 0xc1, 0xea, DPF_PLACE_BITS); /* shr edx, DPF_PLACE_BITS */
	OP4(g, 0x42, 0x0f, 0x45, 0x4cu);    /* cmovnz ecx, [rax + 8 * r9 + 4] */
	OP2(g, 0xc8, offsetof(struct dpf_slot, second));
	gen_place(g);
	JE(g, L_MISS);
}

static void gen_compare_entry(struct gen *g)
{
	for (uint32_t i = 0; i < (uint32_t)g->v->nword + g->v->nrange; i++) {
		uint32_t at = (uint32_t)(offsetof(struct dpf_entry, val) + 8u * i);

		if (i < g->v->nword && !(g->v->varying >> i & 1))
			continue;
		OP2(g, 0x48, 0x8b); /* mov rax, [rsp + ...] */
		mem(g, AX, SP, SLOT_VAL(i));
		if (i < g->v->nword) {
			OP2(g, 0x48, 0x3b); /* cmp rax, [rcx + at] */
			mem(g, AX, CX, at);
			JNE(g, L_NEXT);
		} else {
			OP1(g, 0x3b); /* cmp eax, low */
			mem(g, AX, CX, at);
			JB(g, L_NEXT);
			OP1(g, 0x3b); /* cmp eax, high */
			mem(g, AX, CX, at + 4);
			JA(g, L_NEXT);
		}
	}
}

/* Returns the id of the entry in rcx. */
static void gen_return(struct gen *g)
{
	OP1(g, 0x8b); /* mov eax, id */
	mem(g, AX, CX, (uint32_t)offsetof(struct dpf_entry, id));
	OP3(g, 0x48, 0x81, 0xc4); /* add rsp, FRAME */
	imm(g, FRAME, 4);
	OP1(g, 0xc3);
}

/* Keeps the entry in rcx if it was inserted before the one found so far. */
static void gen_keep(struct gen *g)
{
	OP2(g, 0x48, 0x8b); /* mov rax, best */
	mem(g, AX, SP, SLOT_BEST);
	OP3(g, 0x48, 0x85, 0xc0); /* test rax, rax */
	JE(g, L_TAKE);
	OP2(g, 0x4c, 0x8b); /* mov r9, seq */
	mem(g, 1, CX, (uint32_t)offsetof(struct dpf_entry, seq));
	OP2(g, 0x4c, 0x3b); /* cmp r9, best's */
	mem(g, 1, AX, (uint32_t)offsetof(struct dpf_entry, seq));
	JAE(g, L_FOUND);
	label(g, L_TAKE);
	OP2(g, 0x48, 0x89);
	mem(g, CX, SP, SLOT_BEST);
	JMP(g, L_FOUND);
}

/* Jumps to the vector that the links at `go` name for this lane. */
static void gen_go(struct gen *g, const dpf_ref *go)
{
	OP1(g, 0x8b); /* mov eax, lane */
	mem(g, AX, SP, SLOT_LANE);
	OP3(g, 0x8b, 0x84, 0x87); /* mov eax, [rdi + 4 * rax + go] */
	imm(g, of_vec(g, go), 4);
	OP3(g, 0xff, 0xa4, 0xc7); /* jmp [rdi + 8 * rax + code] */
	imm(g, offsetof(struct dpf_vec, code), 4);
}

static void gen_vec(struct gen *g)
{
	const struct dpf_vec *v = g->v;

	g->shifted = 0;
	OP2(g, 0x4c, 0x8b); /* mov r9, basis */
	of_d(g, 1, of_vec(g, &v->basis));
	gen_ops(g);
	gen_probe(g);
	label(g, L_CHAIN);
	OP4(g, 0x48, 0x8d, 0x0c, 0xcfu); /* lea rcx, [rdi + 8 * rcx] */
	gen_compare_entry(g);
	if (v->tied)
		gen_keep(g);
	else
		gen_return(g);
	label(g, L_NEXT);
	OP1(g, 0x8b); /* mov ecx, next */
	mem(g, CX, CX, (uint32_t)offsetof(struct dpf_entry, next[DPF_BY_VALUE]));
	gen_place(g);
	JNE(g, L_CHAIN);
	label(g, L_MISS);
	if (v->tied) {
		OP2(g, 0x48, 0x83); /* cmp best, 0 */
		mem(g, DI, SP, SLOT_BEST);
		byte(g, 0);
		JNE(g, L_FOUND);
	}
	gen_go(g, v->go);
	if (v->tied) {
		label(g, L_FOUND);
		gen_go(g, v->go_found);
	}
}

/* mov lane, i */
static void set_lane(struct gen *g, uint32_t i)
{
	OP2(g, 0xc7, 0x44);
	OP2(g, 0x24, SLOT_LANE);
	imm(g, i, 4);
}

/* jmp or jcc to the first vector of the lane: the root is made again whenever that changes. */
static void to_lane(struct gen *g, uint32_t lane)
{
	const struct dpf_vec *v = dpf_at(g->d, g->d->go[lane]);
	uintptr_t next = (uintptr_t)g->d->x + g->n + 4;

	if (g->p)
		next += (uintptr_t)(g->p - g->d->code.base);
	imm(g, v->code - next, 4);
}

static void gen_enter(struct gen *g)
{
	OP3(g, 0x49, 0x89, 0xd3); /* mov r11, rdx */
	OP3(g, 0x48, 0x81, 0xec); /* sub rsp, FRAME */
	imm(g, FRAME, 4);
	if (g->d->ntied) {
		OP3(g, 0x48, 0xc7, 0x44); /* mov best, 0 */
		OP2(g, 0x24, SLOT_BEST);
		imm(g, 0, 4);
	}
	if (g->d->nlane) {
		gen_len(g, g->d->select + 2);
		load(g, 2, g->d->select);
		for (uint32_t i = 0; i < g->d->nlane; i++) {
			set_lane(g, i);
			OP1(g, 0x3d); /* cmp eax, value */
			imm(g, g->d->lane[i], 4);
			OP2(g, 0x0f, 0x84); /* je */
			to_lane(g, i);
		}
	}
	label(g, L_MISS);
	set_lane(g, DPF_LANE_OTHER);
	OP1(g, 0xe9); /* jmp */
	to_lane(g, DPF_LANE_OTHER);
}

static void gen_end(struct gen *g)
{
	if (g->d->ntied) {
		OP2(g, 0x48, 0x8b); /* mov rcx, best */
		mem(g, CX, SP, SLOT_BEST);
		OP3(g, 0x48, 0x85, 0xc9);
		JE(g, L_MISS);
		gen_return(g);
		label(g, L_MISS);
	}
	OP1(g, 0xb8); /* mov eax, DPF_NONE */
	imm(g, DPF_NONE, 4);
	OP3(g, 0x48, 0x81, 0xc4);
	imm(g, FRAME, 4);
	OP1(g, 0xc3);
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
