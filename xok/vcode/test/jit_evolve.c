/* SPDX-License-Identifier: BSD-2-Clause */
/* jit_evolve.c - see jit_evolve.h. */
#include "xok/vcode/test/jit_evolve.h"

#include "xok/vcode/internal.h"

#define PICK(g, table) ((table)[evolve_pick(g, sizeof(table) / sizeof((table)[0]))])

uint32_t evolve_pick(struct evolve *g, uint32_t n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (uint32_t)((g->state >> 11) % n);
}

static bool accepted(const struct evolve *g)
{
	static uint8_t rodata[T_RODATA];
	static uint64_t *scratch;
	struct vc_prog p = {
		.kind = g->kind,
		.insn = g->insn,
		.ninsn = g->n,
		.rodata = rodata,
		.rodata_len = T_RODATA,
		.data_len = T_DATA,
		.nentry = g->nentry,
		.min_window = g->min_window,
		.ntable = LAB_NTABLE,
		.table_bytes = {[0] = T_TABLE0, [2] = T_TABLE2, [7] = LAB_TABLE7},
	};
	struct vc_report rep;

	if (!scratch)
		scratch = malloc(vc_scratch_size(EVOLVE_MAX));
	memcpy(p.entry, g->entry, sizeof(p.entry));
	return !vc_verify(&p, scratch, vc_scratch_size(EVOLVE_MAX), &rep);
}

static int32_t constant(struct evolve *g)
{
	static const int32_t telling[] = {
		0,    1,      -1,      2,     3,     4,	     7,		8,	  16,
		31,   32,     48,      63,    64,    127,    128,	-128,	  -8,
		-16,  -64,    -504,    -512,  -520,  255,    256,	512,	  1024,
		2048, 0xffff, 0x10000, 32767, -2048, -32768, INT32_MIN, INT32_MAX};

	if (evolve_pick(g, 8))
		return PICK(g, telling);
	return (int32_t)(evolve_pick(g, 1u << 16) << 16 | evolve_pick(g, 1u << 16));
}

static int32_t displacement(struct evolve *g)
{
	switch (evolve_pick(g, 7)) {
	case 0: return (int16_t)evolve_pick(g, 1u << 16);
	case 1: return (int32_t)evolve_pick(g, 64);
	case 2: return -(int32_t)evolve_pick(g, 72);
	case 3: return evolve_pick(g, 2) ? -512 : -504;
	case 4: return 8 * (int32_t)evolve_pick(g, 6);
	default: return -8 - 8 * (int32_t)evolve_pick(g, 8);
	}
}

static int32_t slot(struct evolve *g)
{
	return -8 - 8 * (int32_t)evolve_pick(g, 6);
}

static struct vc_insn put(uint32_t op, uint32_t d, uint32_t s, int32_t off, int32_t imm)
{
	return (struct vc_insn){(uint8_t)op, (uint8_t)(d | s << 4), (int16_t)off, imm};
}

static struct vc_insn arithmetic(struct evolve *g, uint32_t d, uint32_t s)
{
	static const uint32_t codes[] = {VC_ADD, VC_ADD, VC_ADD, VC_SUB,  VC_SUB, VC_MUL, VC_DIV,
					 VC_OR,	 VC_AND, VC_LSH, VC_RSH,  VC_NEG, VC_MOD, VC_XOR,
					 VC_MOV, VC_MOV, VC_MOV, VC_ARSH, VC_END};
	static const uint32_t ends[] = {0xd4, 0xdc, 0xd7};
	uint32_t code = PICK(g, codes), cls = evolve_pick(g, 3) ? VC_ALU64 : VC_ALU;
	int32_t off = 0;

	if (code == VC_END)
		return put(PICK(g, ends), d, 0, 0, 16 << evolve_pick(g, 3));
	if (code == VC_NEG)
		return put(code | cls, d, 0, 0, 0);
	if (code == VC_DIV || code == VC_MOD)
		off = (int32_t)evolve_pick(g, 2);
	if (evolve_pick(g, 2))
		return put(code | cls, d, 0, off, constant(g));
	if (code == VC_MOV && !evolve_pick(g, 4))
		off = 8 << evolve_pick(g, cls == VC_ALU64 ? 3 : 2);
	return put(code | 8 | cls, d, s, off, 0);
}

/* From pc to somewhere in its function, mostly not far ahead. */
static struct vc_insn jump(struct evolve *g, uint32_t pc, uint32_t d, uint32_t s)
{
	static const uint32_t codes[] = {VC_JEQ,  VC_JGT, VC_JGE, VC_JSET, VC_JNE, VC_JSGT,
					 VC_JSGE, VC_JLT, VC_JLE, VC_JSLT, VC_JSLE};
	uint32_t low = 0, high = g->n, t, op;
	int32_t off;

	for (uint32_t f = 0; f < g->nfunction && g->function[f] <= pc; f++) {
		low = g->function[f];
		high = f + 1 < g->nfunction ? g->function[f + 1] : g->n;
	}
	t = evolve_pick(g, 3) ? pc + 1 + evolve_pick(g, 10) : low + evolve_pick(g, high - low);
	off = (int32_t)(t < high ? t : high - 1) - (int32_t)pc - 1;
	if (!evolve_pick(g, 12))
		return put(VC_OP_JA, 0, 0, off, 0);
	op = PICK(g, codes) | (evolve_pick(g, 3) ? VC_JMP : VC_JMP32);
	if (evolve_pick(g, 2))
		return put(op | 8, d, s, off, 0);
	return put(op, d, 0, off, evolve_pick(g, 2) ? 0 : constant(g));
}

static const int32_t memories[] = {VC_MAP_RODATA, VC_MAP_DATA, VC_MAP_TABLE, VC_MAP_TABLE + 2,
				   VC_MAP_TABLE + 7};

/* Fills in both slots. */
static void wide_constant(struct evolve *g, uint32_t d, struct vc_insn i[2])
{
	int32_t place = evolve_pick(g, 2) ? 0 : (int32_t)evolve_pick(g, 70);

	switch (evolve_pick(g, 8)) {
	case 0:
		i[0] = put(VC_OP_LDDW, d, VC_SRC_CONST, 0, constant(g));
		place = constant(g);
		break;
	case 1:
		i[0] = put(VC_OP_LDDW, d, VC_SRC_HANDLE, 0,
			   (int32_t)(VC_MAP_TABLE + evolve_pick(g, LAB_NTABLE)));
		place = 0;
		break;
	default: i[0] = put(VC_OP_LDDW, d, VC_SRC_MAP, 0, PICK(g, memories));
	}
	i[1] = put(0, 0, 0, 0, place);
}

static struct vc_insn memory(struct evolve *g, uint32_t d, uint32_t s)
{
	static const uint32_t sizes[] = {0x00, 0x08, 0x10, 0x18}, sign[] = {0x91, 0x89, 0x81};
	static const int32_t atomics[] = {0x00, 0x01, 0x40, 0x41, 0x50,
					  0x51, 0xa0, 0xa1, 0xe1, 0xf1};

	switch (evolve_pick(g, 7)) {
	case 0: return put(VC_OP_STXDW, 10, d, slot(g), 0);
	case 1: return put(0x79, d, 10, slot(g), 0);
	case 2: return put(0x61 | PICK(g, sizes), d, s, displacement(g), 0);
	case 3: return put(0x63 | PICK(g, sizes), s, d, displacement(g), 0);
	case 4: return put(0x62 | PICK(g, sizes), s, 0, displacement(g), constant(g));
	case 5: return put(PICK(g, sign), d, s, displacement(g), 0);
	default:
		return put(evolve_pick(g, 2) ? VC_OP_ATOMIC64 : VC_OP_ATOMIC32, s, d,
			   displacement(g), PICK(g, atomics));
	}
}

static struct vc_insn call(struct evolve *g, uint32_t pc, uint32_t d)
{
	uint32_t f = evolve_pick(g, g->nfunction);

	if (evolve_pick(g, 2))
		return put(VC_OP_CALL, 0, 0, 0, 1 + (int32_t)evolve_pick(g, H_RAW));
	if (f)
		return put(VC_OP_CALL, 0, VC_SRC_LOCAL, 0, (int32_t)(g->function[f] - pc - 1));
	return put(0xb7, d, 0, 0, constant(g));
}

/* Returns how many slots it takes. */
static uint32_t something(struct evolve *g, uint32_t pc, struct vc_insn *i)
{
	uint32_t d = evolve_pick(g, 10), s = evolve_pick(g, 8) ? evolve_pick(g, 10) : 10;
	uint32_t what = evolve_pick(g, 17);

	if (what == 0) {
		wide_constant(g, d, i);
		return 2;
	}
	i[0] = what < 3	   ? jump(g, pc, d, s)
	       : what < 5  ? call(g, pc, d)
	       : what < 9  ? arithmetic(g, d, s)
	       : what < 10 ? put(0xbf, d, s, 0, 0)
			   : memory(g, d, s);
	return 1;
}

/* ---- what single steps hardly find: instructions that make sense together ---- */

#define GROUP 16u

/* A helper with arguments that may fit. */
static uint32_t helper_group(struct evolve *g, struct vc_insn *i)
{
	static const int32_t sizes[] = {0, 0, 1, 2, 7, 8, 8, 16, 20, 24, 64, 512, 513, 2048, 2049};
	int32_t number = 1 + (int32_t)evolve_pick(g, H_RAW);
	const struct vc_helper *h = &vc_helpers[number];
	uint32_t n = 0;

	for (uint32_t a = 0; a < 5 && h->arg[a] != VC_ARG_NONE; a++) {
		switch (evolve_pick(g, 3) ? h->arg[a] : VC_ARG_NONE) {
		case VC_ARG_SCALAR:
		case VC_ARG_MEM_SIZE: i[n++] = put(0xb7, a + 1, 0, 0, PICK(g, sizes)); break;
		case VC_ARG_TABLE:
			i[n++] = put(VC_OP_LDDW, a + 1, VC_SRC_HANDLE, 0,
				     (int32_t)(VC_MAP_TABLE + evolve_pick(g, LAB_NTABLE)));
			i[n++] = put(0, 0, 0, 0, 0);
			break;
		case VC_ARG_CTX: i[n++] = put(0xbf, a + 1, 9, 0, 0); break;
		case VC_ARG_MEM_R:
		case VC_ARG_MEM_W:
			i[n++] = put(0xbf, a + 1, 6 + evolve_pick(g, 5), 0, 0);
			if (evolve_pick(g, 2))
				i[n++] = put(0x07, a + 1, 0, 0, slot(g));
			break;
		default: break; /* what is there */
		}
	}
	i[n++] = put(VC_OP_CALL, 0, 0, 0, number);
	for (uint32_t r = 1; r <= 3; r++)
		i[n++] = put(0xb7, r, 0, 0, constant(g));
	return n;
}

/* A pointer moved by a number, and what lies around it. */
static uint32_t span_group(struct evolve *g, struct vc_insn *i)
{
	uint32_t p = evolve_pick(g, 10), from = 6 + evolve_pick(g, 5), by = evolve_pick(g, 10);
	uint32_t n = 0, accesses = 2 + evolve_pick(g, 4);

	i[n++] = put(0xbf, p, from, 0, 0);
	if (evolve_pick(g, 2))
		i[n++] = put(0x57, by, 0, 0, evolve_pick(g, 2) ? 7 : 63);
	i[n++] = put(evolve_pick(g, 4) ? 0x0f : 0x1f, p, by, 0, 0);
	while (accesses--) {
		i[n++] = memory(g, evolve_pick(g, 10), p);
		if (!evolve_pick(g, 4))
			i[n++] = put(evolve_pick(g, 2) ? 0x07 : 0x17, p, 0, 0, displacement(g));
	}
	return n;
}

/* What jit_alu.c takes for a rotation, or nearly so. */
static uint32_t rotation_group(struct evolve *g, struct vc_insn *i)
{
	uint32_t t = evolve_pick(g, 10), x = evolve_pick(g, 10), u = evolve_pick(g, 10), n = 0;
	uint32_t cls = evolve_pick(g, 2) ? VC_ALU64 : VC_ALU, bits = cls == VC_ALU64 ? 64 : 32;
	uint32_t five = evolve_pick(g, 2), other = five ? u : x, swap = evolve_pick(g, 2);
	int32_t by = 1 + (int32_t)evolve_pick(g, bits - 1);

	i[n++] = put(VC_MOV | 8 | cls, t, x, 0, 0);
	i[n++] = put((swap ? VC_LSH : VC_RSH) | cls, t, 0, 0, by);
	if (five)
		i[n++] = put(VC_MOV | 8 | cls, u, x, 0, 0);
	i[n++] = put((swap ? VC_RSH : VC_LSH) | cls, other, 0, 0, (int32_t)bits - by);
	if (five || evolve_pick(g, 2))
		i[n++] = put((evolve_pick(g, 2) ? VC_OR : VC_ADD) | 8 | cls, other, t, 0, 0);
	else
		i[n++] = put((evolve_pick(g, 2) ? VC_OR : VC_XOR) | 8 | cls, t, x, 0, 0);
	if (evolve_pick(g, 2))
		i[n++] = put(0xb7, t, 0, 0, constant(g));
	return n;
}

/* A number or pointer kept across a call, or a constant stored and forgotten. */
static uint32_t keep_group(struct evolve *g, uint32_t pc, struct vc_insn *i)
{
	uint32_t d = evolve_pick(g, 10), n = 0;
	int32_t at = slot(g);

	i[n++] = put(VC_OP_STXDW, 10, d, at, 0);
	if (evolve_pick(g, 2)) {
		n += helper_group(g, i + n) - 3;
	} else if (evolve_pick(g, 2)) {
		i[n++] = put(0xbf, 1 + evolve_pick(g, 5), evolve_pick(g, 2) ? 10 : 8, 0, 0);
		i[n] = call(g, pc + n, 0);
		n++;
	} else {
		uint32_t c = evolve_pick(g, 10);

		i[n++] = put(0xb7, c, 0, 0, constant(g));
		i[n++] = memory(g, c, 6 + evolve_pick(g, 5));
		i[n++] = put(0xb7, c, 0, 0, constant(g));
	}
	i[n++] = put(0x79, evolve_pick(g, 10), 10, at, 0);
	return n;
}

static uint32_t group(struct evolve *g, uint32_t pc, struct vc_insn *i)
{
	switch (evolve_pick(g, 6)) {
	case 0: return helper_group(g, i);
	case 1:
	case 2: return span_group(g, i);
	case 3: return rotation_group(g, i);
	default: return keep_group(g, pc, i);
	}
}

/* Puts n slots at pc, if they fit between what must stay, and takes them back when the whole is refused. */
static void replace(struct evolve *g, uint32_t pc, const struct vc_insn *i, uint32_t n)
{
	struct vc_insn was[GROUP + 1];

	if (pc + n >= g->n)
		return;
	for (uint32_t k = 0; k < n; k++)
		if (g->insn[pc + k].op == VC_OP_EXIT || (k == 0 && g->insn[pc].op == 0))
			return;
	memcpy(was, &g->insn[pc], sizeof(was[0]) * (n + 1));
	/* Where a long one stood, its second slot becomes an instruction. */
	if (g->insn[pc + n].op == 0)
		g->insn[pc + n] = put(0xb7, 0, 0, 0, 1);
	memcpy(&g->insn[pc], i, n * sizeof(*i));
	if (!accepted(g))
		memcpy(&g->insn[pc], was, sizeof(was[0]) * (n + 1));
}

void evolve_step(struct evolve *g)
{
	struct vc_insn i[GROUP];
	uint32_t pc = evolve_pick(g, g->n);

	replace(g, pc, i, evolve_pick(g, 4) ? something(g, pc, i) : group(g, pc, i));
}

static void append(struct evolve *g, struct vc_insn i)
{
	g->insn[g->n++] = i;
}

/* A few pointers and numbers, and room. */
static void function(struct evolve *g, bool first)
{
	uint32_t room = 4 + evolve_pick(g, evolve_pick(g, 6) ? 36 : 90);

	append(g, put(0xbf, 6, 1, 0, 0));
	if (first && g->kind != &raw_kind) {
		append(g, put(0xbf, 9, 1, 0, 0));
		append(g, put(0x79, 6, 1, 0, 0));
	}
	append(g, put(VC_OP_LDDW, 7, VC_SRC_MAP, 0, PICK(g, memories)));
	append(g, put(0, 0, 0, 0, 0));
	append(g, put(0xbf, 8, 10, 0, 0));
	append(g, put(0x07, 8, 0, 0, -8 * (int32_t)evolve_pick(g, 9)));
	for (uint32_t r = first ? 2 : 0; r <= 5; r++)
		if (first || !evolve_pick(g, 4))
			append(g, put(0xb7, r, 0, 0, constant(g)));
	while (room--)
		append(g, put(0xb7, 0, 0, 0, 1));
	append(g, put(VC_OP_EXIT, 0, 0, 0, 0));
}

static void begin(struct evolve *g)
{
	g->n = 0;
	g->kind = evolve_pick(g, 4) ? &test_kind : evolve_pick(g, 3) ? &raw_kind : &any_kind;
	g->min_window = evolve_pick(g, 2) ? 0 : evolve_pick(g, 40);
	g->nfunction = 1 + evolve_pick(g, evolve_pick(g, 3) ? 4 : EVOLVE_FUNCTIONS);
	for (uint32_t f = 0; f < g->nfunction; f++) {
		g->function[f] = g->n;
		function(g, f == 0);
	}
	/* Each function is called by the one before or by the first, near its end. */
	for (uint32_t f = 1; f < g->nfunction; f++) {
		uint32_t by = evolve_pick(g, 4) ? f - 1 : 0;
		uint32_t pc = g->function[by + 1] - 3 - evolve_pick(g, 2);

		g->insn[pc] = put(VC_OP_CALL, 0, VC_SRC_LOCAL, 0,
				  (int32_t)(g->function[f] - pc - 1));
	}
	g->nentry = 1;
	while (g->nfunction > 1 && g->nentry < VC_ENTRIES_MAX && !evolve_pick(g, 3))
		g->entry[g->nentry++] = g->function[evolve_pick(g, g->nfunction)];
}

void evolve_start(struct evolve *g, uint64_t name)
{
	memset(g, 0, sizeof(*g));
	g->state = (name + 1) * 0x9e3779b97f4a7c15;
	do
		begin(g);
	while (!accepted(g));
}
