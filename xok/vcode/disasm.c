/* SPDX-License-Identifier: BSD-2-Clause */
/* disasm.c - one instruction as text, driven by the last column of opcodes.def. */
#include "xok/vcode/internal.h"

static void put_reg(struct vc_text *t, const char *letter, uint32_t reg)
{
	vc_put(t, letter);
	vc_put_int(t, reg);
}

/* " + 4", " - 4". */
static void put_displacement(struct vc_text *t, int64_t off)
{
	vc_put(t, off < 0 ? " - " : " + ");
	vc_put_int(t, off < 0 ? -off : off);
}

static void put_jump(struct vc_text *t, int64_t off)
{
	vc_put(t, off < 0 ? "" : "+");
	vc_put_int(t, off);
}

static const char *atomic_name(int32_t imm)
{
	switch (imm & ~VC_FETCH) {
	case VC_ADD: return "add";
	case VC_OR: return "or";
	case VC_AND: return "and";
	case VC_XOR: return "xor";
	default: return "?";
	}
}

/* Directives of its own: %p the memory, %r src by the operation's width, %0 register 0, %b "32" for the narrow one, %o the operation. */
static const char *atomic_template(int32_t imm)
{
	if (imm == VC_CMPXCHG)
		return "%0 = cmpxchg%b(%p, %0, %r)";
	if (imm == VC_XCHG)
		return "%r = xchg(%p, %r)";
	return imm & VC_FETCH ? "%r = fetch_%o(%p, %r)" : "lock %o *%p, %r";
}

static void put_call(struct vc_text *t, const struct vc_insn *i)
{
	bool named = i->imm > 0 && i->imm < VC_NHELPER && vc_helpers[i->imm].name;

	vc_put(t, "call ");
	if (vc_src(i) == VC_SRC_LOCAL) {
		put_jump(t, i->imm);
	} else if (named) {
		vc_put(t, vc_helpers[i->imm].name);
	} else {
		vc_put(t, "helper ");
		vc_put_int(t, i->imm);
	}
}

static void put_lddw(struct vc_text *t, const struct vc_prog *p, uint32_t pc)
{
	const struct vc_insn *i = &p->insn[pc];
	uint32_t next = pc + 1 < p->ninsn ? (uint32_t)p->insn[pc + 1].imm : 0;

	put_reg(t, "r", vc_dst(i));
	vc_put(t, " = ");
	if (vc_src(i) == VC_SRC_MAP || vc_src(i) == VC_SRC_HANDLE) {
		uint32_t map = (uint32_t)i->imm;

		vc_put(t, vc_src(i) == VC_SRC_HANDLE ? "&" : "");
		vc_put(t, map == VC_MAP_RODATA ? "rodata" : map == VC_MAP_DATA ? "data" : "table");
		if (map >= VC_MAP_TABLE)
			vc_put_int(t, map - VC_MAP_TABLE);
		if (vc_src(i) == VC_SRC_MAP)
			put_displacement(t, next);
	} else {
		vc_put_hex(t, (uint64_t)next << 32 | (uint32_t)i->imm);
	}
	vc_put(t, " ll");
}

static void put_template(struct vc_text *t, const struct vc_prog *p, uint32_t pc, const char *s);

static void put_directive(struct vc_text *t, const struct vc_prog *p, uint32_t pc, char c)
{
	const struct vc_insn *i = &p->insn[pc];
	bool wide = i->op == VC_OP_ATOMIC64;
	char plain[2] = {c, 0};

	switch (c) {
	case 'd': put_reg(t, "r", vc_dst(i)); break;
	case 's': put_reg(t, "r", vc_src(i)); break;
	case 'D': put_reg(t, "w", vc_dst(i)); break;
	case 'S': put_reg(t, "w", vc_src(i)); break;
	case 'i': vc_put_int(t, i->imm); break;
	case 'm': put_displacement(t, i->off); break;
	case 'j': put_jump(t, i->off); break;
	case 'J': put_jump(t, i->imm); break;
	case 'g': vc_put(t, i->off ? "s" : ""); break;
	case 'x':
		vc_put(t, i->off == 8	 ? "(s8)"
			  : i->off == 16 ? "(s16)"
			  : i->off == 32 ? "(s32)"
					 : "");
		break;
	case 'a': put_template(t, p, pc, atomic_template(i->imm)); break;
	case 'p': put_template(t, p, pc, wide ? "(u64 *)(%d%m)" : "(u32 *)(%d%m)"); break;
	case 'r': put_reg(t, wide ? "r" : "w", vc_src(i)); break;
	case '0': vc_put(t, wide ? "r0" : "w0"); break;
	case 'b': vc_put(t, wide ? "" : "32"); break;
	case 'o': vc_put(t, atomic_name(i->imm)); break;
	case 'c': put_call(t, i); break;
	case 'l': put_lddw(t, p, pc); break;
	default: vc_put(t, plain);
	}
}

static void put_template(struct vc_text *t, const struct vc_prog *p, uint32_t pc, const char *s)
{
	for (; *s; s++) {
		char plain[2] = {*s, 0};

		if (*s == '%')
			put_directive(t, p, pc, *++s);
		else
			vc_put(t, plain);
	}
}

uint32_t vc_disasm(const struct vc_prog *p, uint32_t pc, char *buf, size_t len)
{
	struct vc_text t;
	const char *s;

	vc_text_init(&t, buf, len);
	if (pc >= p->ninsn) {
		vc_put(&t, "beyond the end");
		return 1;
	}
	s = vc_opcodes[p->insn[pc].op].text;
	if (!s) {
		vc_put(&t, "opcode ");
		vc_put_hex(&t, p->insn[pc].op);
		return 1;
	}
	put_template(&t, p, pc, s);
	return p->insn[pc].op == VC_OP_LDDW ? 2 : 1;
}
