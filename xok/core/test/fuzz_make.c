/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_make.c - the fuzzer's arguments and programs. */
#include "fuzz_make.h"

#include <string.h>

#include "xok/vcode/test/asm.h"

uint8_t byte(struct input *in)
{
	in->state ^= in->state << 13;
	in->state ^= in->state >> 7;
	in->state ^= in->state << 17;
	if (!in->left)
		return (uint8_t)(in->state >> 32);
	in->left--;
	in->state += *in->p;
	return *in->p++;
}

uint64_t wide(struct input *in)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

void fill(struct input *in, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = byte(in);
}

/* A place in the environment's memory, or, now and then, anywhere. */
uint64_t some_va(struct input *in)
{
	uint8_t b = byte(in);

	switch (b & 15) {
	case 0: return MEM + MEM_SIZE - (b >> 4);
	case 1: return b >> 4 ? MEM : wide(in);
	case 2: return XOK_USER_HI - (uint64_t)XOK_PAGE * (b >> 5);
	case 3:
	case 4:
	case 5: return 0x10000000 + (uint64_t)(b >> 4) * (1u << 20);
	case 6:
	case 7:
	case 8: return MEM + (uint64_t)(b >> 4) * XOK_PAGE;
	default: return MEM + 2048 + (b >> 4) * 256u;
	}
}

/* Any frame, but mostly one that the environment is charged for. */
uint32_t some_frame(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint32_t first = byte(in) % f->nframe;

	for (uint32_t i = 0; i < f->nframe && first % 8; i++) {
		uint32_t n = (first + i) % f->nframe;

		if (frame_is_user(f->x, n) && f->x->frame[n].owner == e->info->id)
			return n;
	}
	return first;
}

uint32_t some_filter_id(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint32_t i = env_index(f->x, e) * XOK_ENV_FILTERS + byte(in) % 4;

	return filter_id(f->x, i);
}

/* A table or a program of one's own, the first from a place on; 0: there is none there. */
uint32_t some_own(struct fake *f, const struct xok_env *e, uint32_t first, bool table)
{
	for (uint32_t i = 0; i < 24; i++) {
		uint32_t at = (first + i) % 24;
		const struct xok_table_info *t = &f->x->table_info[at];
		const struct xok_prog_info *p = &f->x->prog_info[at];

		if ((table ? t->id : p->id) && (table ? t->owner : p->owner) == e->info->id)
			return table ? t->id : p->id;
	}
	return 0;
}

/* Mostly one's own. */
uint32_t some_object(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint32_t first = byte(in);

	return first == 255 ? (uint32_t)wide(in) : some_own(f, e, first, byte(in) & 1);
}

uint32_t some_u32(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint8_t b = byte(in);

	switch (b & 7) {
	case 0: return some_filter_id(f, e, in);
	case 1: return b >> 3 ? XOK_EV_USER << (b >> 5) : (uint32_t)wide(in);
	case 2: return some_frame(f, e, in);
	case 3: return some_object(f, e, in);
	default: return (b >> 3) % 6;
	}
}

uint64_t some_env(struct fake *f, struct input *in)
{
	uint8_t b = byte(in);

	if (b < 128)
		return 0;
	return b == 255 ? wide(in) : f->x->env_info[b % 6].id - (b == 254 ? 256 : 0);
}

uint32_t some_slot(struct input *in)
{
	uint8_t b = byte(in);

	return b < 200 ? 0 : b % (XOK_NCAP + 1);
}

struct xok_cap some_cap(struct input *in)
{
	struct xok_cap c = {.valid = 1};
	uint8_t b = byte(in);

	if (b == 255) {
		fill(in, &c, sizeof(c));
		return c;
	}
	c.valid = b < 200;
	c.perms = b & 1 ? XOK_PERM_ALL : byte(in) & 15;
	c.len = b / 2 % 4;
	for (uint32_t i = 0; i < c.len; i++)
		c.name[i] = "hhhhhhvx"[byte(in) % 8];
	return c;
}

struct xok_filter some_filter(struct input *in)
{
	struct xok_filter fl = {.port = byte(in) % 5 - 1, .natoms = byte(in) % 4};

	for (uint32_t i = 0; i < fl.natoms; i++) {
		fl.atom[i].off = byte(in) % 20;
		fl.atom[i].size = (uint8_t)(1 << byte(in) % 4);
		fl.atom[i].kind = byte(in) % 8 == 0;
		fl.atom[i].mask = fl.atom[i].kind ? 3 : 0xff;
		fl.atom[i].value = fl.atom[i].kind ? 0 : byte(in) % 4;
	}
	return fl;
}

struct xok_table_spec some_table(struct input *in)
{
	struct xok_table_spec s = {.type = 1 + byte(in) % 8, .entries = 1 + byte(in) % 16};
	bool hash = s.type == XOK_TABLE_HASH;

	if (byte(in) > 240)
		fill(in, &s, sizeof(s));
	s.key_size = hash ? 4 : 0;
	s.flags = hash ? byte(in) % 2 : 0;
	if (hash || s.type == XOK_TABLE_ARRAY || s.type == XOK_TABLE_PERCPU ||
	    s.type == XOK_TABLE_RING)
		s.value_size = 8;
	if (s.type == XOK_TABLE_RING)
		s.entries = 4;
	return s;
}

struct xok_table_update some_update(struct input *in)
{
	struct xok_table_update u = {.op = 1 + byte(in) % 3, .number = byte(in)};

	fill(in, u.key, 1 + byte(in) % 6);
	u.value[0] = u.value[8] = byte(in);
	return u;
}

/* ---- programs ---- */

#define HEAD "r6 = r1; r7 = *(u64 *)(r1 + 0); "
#define KEYED "r1 = *(u32 *)(r7 + 0); *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r3 = 4; "

/* With the type of the table that it expects. */
static const struct {
	const char *text;
	uint32_t table;
} pool[] = {
	{"r0 = 1; exit", 0},
	{HEAD "r0 = *(u8 *)(r7 + 3); r0 &= 7; exit", 0},
	{HEAD "r0 = *(u8 *)(r7 + 4); r0 <<= 8; r0 |= 4; exit", 0},
	{HEAD "r1 = *(u8 *)(r7 + 5); r1 += -1; if r1 != 0 goto -2; r0 = 3; exit", 0},
	{HEAD "r2 = *(u8 *)(r7 + 6); r1 = r7; call checksum; call spent; r0 &= 3; exit", 0},
	{HEAD "r1 = r10; r1 += -64; r2 = *(u8 *)(r7 + 6); r3 = *(u8 *)(r7 + 7); call vector; exit",
	 0},
	{HEAD "r1 = table0 + 0 ll; r2 = *(u8 *)(r7 + 3); r1 += r2; r0 = *(u64 *)(r1 + 0);"
	      "r0 += 1; *(u64 *)(r1 + 0) = r0; r0 = 2; exit",
	 XOK_TABLE_ARRAY},
	{HEAD KEYED "r4 = r10; r4 += -16; r5 = 8; r1 = &table0 ll; call table_get; r0 = 1; exit",
	 XOK_TABLE_HASH},
	{HEAD KEYED "r4 = r7; r5 = 8; r1 = &table0 ll; call table_set; r0 = 2; exit",
	 XOK_TABLE_HASH},
	{HEAD KEYED "r1 = &table0 ll; call table_delete; r0 = 0; exit", XOK_TABLE_HASH},
	{HEAD "r2 = *(u32 *)(r7 + 0); r1 = &table0 ll; call lpm4; r0 = 1; exit", XOK_TABLE_LPM4},
	{HEAD "r2 = r7; r3 = 16; r1 = &table0 ll; call lpm6; r0 += 2; exit", XOK_TABLE_LPM6},
	{HEAD "r2 = 0; r3 = *(u8 *)(r7 + 1); r1 = &table0 ll; call bucket; exit", XOK_TABLE_BUCKET},
	{HEAD "r2 = r7; r3 = 8; r1 = &table0 ll; call emit; r0 += 2; exit", XOK_TABLE_RING},
	{HEAD "r1 = *(u8 *)(r7 + 1); r2 = r7; r3 = *(u8 *)(r7 + 2); call send; call queue; exit",
	 0},
	{HEAD "r1 = 0; r2 = *(u8 *)(r7 + 1); r3 = *(u8 *)(r7 + 2); r4 = 500; call call; exit", 0},
	{HEAD "r1 = *(u8 *)(r7 + 1); call trim; r1 = 0x10000; call wake; r0 = 1; exit", 0},
};
_Static_assert(sizeof(pool) / sizeof(pool[0]) == POOL, "fuzz_make.h");

uint32_t pool_table(uint32_t i)
{
	return pool[i].table;
}

static struct {
	struct vc_insn insn[32];
	uint32_t n;
} programs[POOL];

void pool_init(void)
{
	for (uint32_t i = 0; i < POOL && !programs[i].n; i++)
		programs[i].n = assemble(&vc_kinds[VC_KIND_HANDLER], pool[i].text, programs[i].insn,
					 32);
}

/* The specification of one; the instructions go into the actor's memory, behind it. */
struct xok_prog_spec some_prog(struct fake *f, struct xok_env *e, struct input *in, uint32_t i,
			       uint64_t va)
{
	struct vc_insn insn[32];
	struct xok_prog_spec s = {
		.kind = VC_KIND_HANDLER,
		.ninsn = programs[i].n,
		.insn = va + 256,
		.budget = byte(in) & 1 ? 0 : byte(in),
		.ports = byte(in) % 8,
		.min_len = byte(in) & 1 ? 0 : byte(in),
		.data_len = byte(in) & 1 ? 0 : 64,
		.ntable = byte(in) % 3,
		.ncallee = byte(in) % 3,
		.rate = byte(in) & 1 ? 0 : wide(in) >> byte(in) % 64,
	};

	for (uint32_t j = 0; j < 2; j++) {
		s.table[j] = some_object(f, e, in);
		s.callee[j] = some_own(f, e, byte(in), false);
	}
	memcpy(insn, programs[i].insn, sizeof(insn));
	for (uint32_t n = byte(in) & 1 ? 0 : byte(in) % 4; n; n--)
		((uint8_t *)insn)[byte(in) % (s.ninsn * 8)] = byte(in);
	if (byte(in) > 240)
		fill(in, &s, 64);
	if (user_writable(f->x, e, va + 256, sizeof(insn)))
		poke(f, e, va + 256, insn, sizeof(insn));
	return s;
}
