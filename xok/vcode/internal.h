/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - what the files of xok/vcode share: decoding, the opcode table, and the verifier's working memory.
 */
#ifndef XOK_VCODE_INTERNAL_H
#define XOK_VCODE_INTERNAL_H

#include "xok/vcode/vcode.h"

/* ---- decoding (RFC 9669 section 3) ---- */

enum vc_class { VC_LD, VC_LDX, VC_ST, VC_STX, VC_ALU, VC_JMP, VC_JMP32, VC_ALU64 };
#define VC_CLASS(op) ((op)&7u)
#define VC_CODE(op) ((op)&0xf0u) /* operation of the arithmetic and jump classes */
#define VC_X(op) ((op)&8u)	 /* the second operand is a register */

enum vc_alu_code {
	VC_ADD = 0x00,
	VC_SUB = 0x10,
	VC_MUL = 0x20,
	VC_DIV = 0x30,
	VC_OR = 0x40,
	VC_AND = 0x50,
	VC_LSH = 0x60,
	VC_RSH = 0x70,
	VC_NEG = 0x80,
	VC_MOD = 0x90,
	VC_XOR = 0xa0,
	VC_MOV = 0xb0,
	VC_ARSH = 0xc0,
	VC_END = 0xd0,
};

enum vc_jmp_code {
	VC_JA = 0x00,
	VC_JEQ = 0x10,
	VC_JGT = 0x20,
	VC_JGE = 0x30,
	VC_JSET = 0x40,
	VC_JNE = 0x50,
	VC_JSGT = 0x60,
	VC_JSGE = 0x70,
	VC_CALL = 0x80,
	VC_EXIT = 0x90,
	VC_JLT = 0xa0,
	VC_JLE = 0xb0,
	VC_JSLT = 0xc0,
	VC_JSLE = 0xd0,
};

#define VC_OP_LDDW 0x18u
#define VC_OP_JA 0x05u
#define VC_OP_GOTOL 0x06u
#define VC_OP_CALL 0x85u
#define VC_OP_EXIT 0x95u
#define VC_OP_ATOMIC32 0xc3u
#define VC_OP_ATOMIC64 0xdbu
#define VC_OP_STXDW 0x7bu

#define VC_FETCH 0x01 /* atomic operations: imm; the rest are arithmetic codes */
#define VC_XCHG 0xe1
#define VC_CMPXCHG 0xf1

#define VC_SRC_HELPER 0u /* src of CALL */
#define VC_SRC_LOCAL 1u
#define VC_SRC_CONST 0u /* src of LDDW */
#define VC_SRC_HANDLE 5u
#define VC_SRC_MAP 6u

static inline uint32_t vc_dst(const struct vc_insn *i)
{
	return i->regs & 15u;
}

static inline uint32_t vc_src(const struct vc_insn *i)
{
	return i->regs >> 4;
}

/* Bytes moved by a load or store, from its size field. */
static inline uint32_t vc_size(uint8_t op)
{
	switch (op & 0x18u) {
	case 0x00: return 4;
	case 0x08: return 2;
	case 0x10: return 1;
	default: return 8;
	}
}

/* A sign-extending load. */
static inline bool vc_is_signed_load(uint8_t op)
{
	return (op & 0xe0u) == 0x80u;
}

static inline bool vc_is_atomic(uint8_t op)
{
	return op == VC_OP_ATOMIC32 || op == VC_OP_ATOMIC64;
}

static inline bool vc_is_local_call(const struct vc_insn *i)
{
	return i->op == VC_OP_CALL && vc_src(i) == VC_SRC_LOCAL;
}

/* ---- the opcode table ---- */

enum vc_field {
	VC_F_NO,
	VC_F_RD,
	VC_F_WR,
	VC_F_RW,
	VC_F_AT,
	VC_F_MEM,
	VC_F_JMP,
	VC_F_SIGN,
	VC_F_EXT32,
	VC_F_EXT64,
	VC_F_ANY,
	VC_F_WIDTH,
	VC_F_ATOMIC,
	VC_F_CALL,
	VC_F_LDDW,
};

struct vc_opcode {
	const char *text; /* NULL: no such opcode */
	uint8_t dst, src, off, imm;
};
extern const struct vc_opcode vc_opcodes[256];

static inline bool vc_is_jump(const struct vc_insn *i)
{
	return vc_opcodes[i->op].off == VC_F_JMP || vc_opcodes[i->op].imm == VC_F_JMP;
}

/* The registers that an instruction reads and writes by its row, bit n for rn; calls have rules of their own. */
static inline uint32_t vc_reads(const struct vc_insn *i)
{
	const struct vc_opcode *o = &vc_opcodes[i->op];
	bool dst = o->dst == VC_F_RD || o->dst == VC_F_RW, atomic = vc_is_atomic(i->op);

	return (dst ? 1u << vc_dst(i) : 0) | (o->src == VC_F_RD || atomic ? 1u << vc_src(i) : 0) |
	       (atomic && i->imm == VC_CMPXCHG);
}

static inline uint32_t vc_writes(const struct vc_insn *i)
{
	const struct vc_opcode *o = &vc_opcodes[i->op];

	if (vc_is_atomic(i->op))
		return i->imm == VC_CMPXCHG ? 1 : i->imm & VC_FETCH ? 1u << vc_src(i) : 0;
	return o->dst == VC_F_WR || o->dst == VC_F_RW ? 1u << vc_dst(i) : 0;
}

/* The helper with that number, or NULL when there is none or programs of this kind may not call it. */
const struct vc_helper *vc_helper_find(const struct vc_kind *k, int32_t number);

/* The kind "raw" has no context: r1 is the window, r2 its length. */
static inline bool vc_is_raw(const struct vc_kind *k)
{
	return k->ctx_size == 0;
}

/* Window bytes that every run has: accesses within them need no check. */
static inline uint32_t vc_min_window(const struct vc_prog *p)
{
	return p->min_window > p->kind->min_window ? p->min_window : p->kind->min_window;
}

/* Where a jump or local call at pc goes; may lie outside the program. Only for instructions that are one. */
int64_t vc_target(const struct vc_insn *i, uint32_t pc);

/* ---- the verifier ---- */

/*
 * What is known of one register or of 8 bytes of stack. In a slot of the stack CTX and HANDLE are never var: a load of such a
 * slot gives the known offset or index, whatever was written there in between (flow_memory.c).
 */
enum vc_known {
	VC_K_UNINIT, /* not written on some path */
	VC_K_BYTES,  /* stack only: numbers; off is the mask of the bytes that were written */
	VC_K_SCALAR, /* a number */
	VC_K_MIXED, /* pointers of different kinds, or a pointer and a number, on different paths */
	VC_K_HANDLE, /* of table off; var: of one of the tables. Its value is the index */
	VC_K_CTX,    /* pointers, at a constant offset, or at one that is not known (var) */
	VC_K_WINDOW,
	VC_K_RODATA,
	VC_K_DATA,
	VC_K_STACK,  /* this function's stack; offset 0 is r10, the stack lies below */
	VC_K_OUTER,  /* the stacks of all calling functions; always var */
	VC_K_TABLE0, /* and above: table n is VC_K_TABLE0 + n */
	VC_NKNOWN = VC_K_TABLE0 + VC_TABLES_MAX
};

struct vc_val {
	uint8_t kind;
	uint8_t var;
	int16_t off;
};

#define VC_SLOTS (VC_STACK / 8u)
#define VC_NREG 10u /* r10 never changes */

struct vc_state {
	struct vc_val reg[VC_NREG];
	struct vc_val slot[VC_SLOTS]; /* slot 0 is the lowest address, r10 - VC_STACK */
};

enum vc_mark {
	VC_M_SECOND = 1,   /* second slot of LDDW */
	VC_M_FUNCTION = 2, /* a function starts here */
	VC_M_ENTRY = 4,
	VC_M_LEADER = 8,   /* states meet here: a state is kept */
	VC_M_REACHED = 16, /* leader: its state is valid */
	VC_M_OUTER =
		32, /* first instruction of a function: it may write to the stacks of its callers */
	VC_M_LOOP = 64, /* leader: a jump goes back to it */
};

/* Working memory, carved from vc_verify's scratch; arrays have one element for each instruction. */
struct vc_work {
	const struct vc_prog *p;
	struct vc_report *rep;
	const struct vc_state *at; /* the state at the instruction at fault, or NULL */
	struct vc_state cur;
	uint64_t dirty[VC_INSNS_MAX /
		       64];	/* leaders whose state changed since they were last followed */
	uint32_t followed;	/* instructions that the data-flow pass has followed */
	struct vc_state *state; /* by leader number */
	struct vc_val *ret; /* by first instruction of a function: what it returns; see returns */
	uint16_t *fn;	    /* first instruction of the function this one belongs to */
	uint16_t *leader;   /* leader number, where VC_M_LEADER */
	uint8_t *mark;
	uint8_t *depth; /* by first instruction of a function: how deep it may be called, from 1 */
	uint8_t *returns;  /* by first instruction of a function: an EXIT of it was reached */
	uint32_t replayed; /* vc_replay: the instruction that cur stands before */
	bool live;	   /* vc_replay: it can be reached */
	void *jit;	   /* the code generator's, vc_jit_scratch bytes */
	uint32_t jit_for;  /* the processor it holds something for, plus one */
};

/* What a register holds; r10 is the frame pointer. */
static inline struct vc_val vc_reg(const struct vc_work *w, uint32_t reg)
{
	return reg < VC_NREG ? w->cur.reg[reg] : (struct vc_val){.kind = VC_K_STACK};
}

/* Working memory of the code generator for a program of ninsn instructions; a multiple of 8. */
size_t vc_jit_scratch(uint32_t ninsn);

/* Both passes return 0, or the reason, already reported. */
int vc_structure(struct vc_work *w);
int vc_flow(struct vc_work *w);

/* Joins b into a; true when a changed. */
bool vc_join(struct vc_val *a, struct vc_val b);
bool vc_join_state(struct vc_state *a, const struct vc_state *b);

/* What a slot of the stack is known to hold when v is stored there: CTX and HANDLE only when they are known exactly. */
struct vc_val vc_slot(struct vc_val v);

/* ---- what the passes found out, for the code generator and for people ---- */

/* The working memory within vc_verify's scratch, for as long as that is unchanged. */
struct vc_work *vc_work_of(void *scratch);

/*
 * Call for pc = 0, 1, 2 ... in this order (0 starts again), after vc_verify accepted the program w->p: leaves in w->cur what is known
 * before instruction pc. False: pc cannot be reached, or is the second slot of LDDW.
 */
bool vc_replay(struct vc_work *w, uint32_t pc);

static inline bool vc_is_pointer(struct vc_val v)
{
	return v.kind >= VC_K_CTX;
}

/* Fills in the report. regs is the set of registers to show in the message, bit n for rn. Returns reason. */
int vc_refuse(struct vc_work *w, int reason, uint32_t pc, uint32_t regs);

/* ---- text ---- */

/* Appends to a buffer, cutting what does not fit; the buffer is always terminated. */
struct vc_text {
	char *buf;
	size_t len, at;
};
void vc_text_init(struct vc_text *t, char *buf, size_t len);
void vc_put(struct vc_text *t, const char *s);
void vc_put_int(struct vc_text *t, int64_t v);
void vc_put_hex(struct vc_text *t, uint64_t v);

#endif
