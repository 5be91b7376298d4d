/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit.h - what the files of the code generator share.
 *
 * Registers. r0 is rax; r11 (T0) is scratch within one instruction's code, and r10 (T1) is so, too, or holds a value that has no register of
 * its own until another one is wanted there; rdi does the same between the calls of helpers. In a program that calls helpers r1 to r5 are rsi rdx
 * rcx r8 r9: with the run in rdi that is how C functions take them, so that a call moves nothing; r6 to r9 and homes get registers that
 * C functions preserve. Homes are of values that otherwise stay in struct vc_run: the budget, regions' base addresses, limits.
 * In a program without helpers what comes as an argument of the entry stays where it is: the run in rdi, the window in rsi, the
 * budget in rdx, where the caller also wants it at the end, the window's length in rcx, the context in r8. r1 to r9, where they are used, and homes get what is
 * left, first the registers that need not be preserved: so a short program saves nothing and touches no more memory than it names.
 *
 * Pointers in registers are offsets into a region that is known here (vcode.h), so a machine address is formed only in the operand
 * of one access, after its check.
 *
 * Speculation. The checks are branches, and nothing here masks the offset behind them: a program can make the
 * processor read outside its region under a mispredicted check, and leave a trace of that in caches (Spectre variant 1). Writes
 * are not seen before the branch retires. Code is constant after it was verified and contains no indirect jump but helper
 * calls through run->fn, whose numbers are constants. Where programs are hostile and secrets lie in the same address space, the
 * machine has to keep them elsewhere.
 */
#ifndef XOK_VCODE_JIT_H
#define XOK_VCODE_JIT_H

#include "xok/vcode/jit_emit.h"

#define T0 R11
#define T1 R10

/* Values that may live in a register through the whole run. */
enum jit_home {
	H_BUDGET,
	H_FRAME, /* in a register: the top of the frame, what r10 stands for; in memory: run->stack */
	H_WINDOW,
	H_CTX,
	H_RODATA,
	H_DATA,
	H_LIMIT1, /* what a window offset must be below for 1, 2, 4, 8 bytes; the first one, the length, is in memory too */
	H_LIMIT2,
	H_LIMIT4,
	H_LIMIT8,
	H_TABLE0,
	NHOME = H_TABLE0 + VC_TABLES_MAX
};

/* Where an instruction may leave the run; each has its own few octets behind the code. */
enum jit_stub {
	STUB_WINDOW,
	STUB_DATA,
	STUB_STACK,
	STUB_TABLE,
	STUB_ARGUMENT,
	STUB_HELPER,
	STUB_BUDGET,
	NSTUB
};

enum jit_flag {
	JIT_LIVE = 1,
	JIT_VAR = 2,	     /* the pointer's offset is not known */
	JIT_VALUE = 4,	     /* a load from the stack that gives `off` whatever is there */
	JIT_NEAR = 8,	     /* its jump forward fits into two octets */
	JIT_STUBS_NEAR = 16, /* and so do those to its stubs */
	JIT_CALLED = 32,     /* first of a function: an instruction that can be reached calls it */
	JIT_CALLS = 64	     /* and this one: it calls others */
};

/* One for each instruction. */
struct jit_fact {
	uint32_t at;   /* where its code begins, of the last pass */
	uint32_t stub; /* where its stubs begin */
	uint32_t fn;   /* first of a function: where a local call goes */
	int32_t off; /* constant offset of the pointer it goes through; helpers: the kinds of arguments, 5 bits each */
	uint8_t kind; /* enum vc_known of that pointer; of the left side of a comparison */
	uint8_t flags;
	uint8_t stubs; /* a bit for each enum jit_stub */
	/* of the first of a function */
	uint8_t clear;	 /* 8-byte words of stack below r10 to clear */
	uint16_t length; /* how many slots the function has */
	uint16_t writes; /* registers r0 to r9 that it writes */
};

/* What is known before an instruction, whichever way control came there. */
struct jit_known {
	uint64_t max[11]; /* no register is greater, as an unsigned number */
	int8_t copy
		[11]; /* the register it was copied from, when both are still the same; or NONE */
	uint32_t window; /* bytes of it that are there */
	int8_t held[2];	 /* the values (enum jit_home) that T1 and rdi hold, or NONE */
	uint8_t next;	 /* which of them makes room */
	bool valid;
};
#define JIT_KNOWN 512u /* leaders with one of these; at further ones nothing is known */

struct jit {
	struct jit_buf b;
	const struct vc_prog *p;
	struct vc_work *w;
	struct jit_fact *fact;
	struct jit_known *known; /* by number of leader */
	uint32_t cpu;
	uint32_t pass; /* 1: jumps forward are long; 2: lengths are decided; 3: output */
	/* of the program */
	int reg[11]; /* of r0 to r9; NONE: not used */
	int home[NHOME];
	int run;
	uint16_t taken; /* machine registers that hold something across instructions */
	uint16_t saved; /* those that C functions preserve, to be pushed */
	bool helpers, metered, locals, outer;
	bool r1, r2; /* what they hold at the start is read */
	bool writes_r1;
	uint32_t uses;		/* r0 to r9 */
	uint32_t weight[NHOME]; /* how often each value is needed */
	bool stops;		/* there are stubs */
	/* of the last pass: where a run ends, where registers are restored, where a run is stopped */
	uint32_t epilogue, restore, stop;
	uint32_t entry[VC_ENTRIES_MAX];
	uint32_t octets;
	/* where the pass is */
	uint32_t pc;
	bool falls; /* control may come here from the instruction before */
	bool top;   /* in a function that is entered from outside only: r10 is VC_STACK */
	struct jit_known now;
	/* The flags tell of register `tested`, in this width, what a comparison with 0 would, at instruction `tested_at`. */
	uint32_t tested, tested_width, tested_at;
};

static inline struct jit_fact *jit_fact(struct jit *j)
{
	return &j->fact[j->pc];
}

/* T1, to write something to. */
static inline int jit_t1(struct jit *j)
{
	j->now.held[0] = NONE;
	return T1;
}

/* May the instruction at pc be taken together with the one before? */
static inline bool jit_follows(const struct jit *j, uint32_t pc)
{
	return pc < j->p->ninsn && !(j->w->mark[pc] & (VC_M_LEADER | VC_M_FUNCTION));
}

/* d = a constant, in one slot; and which. */
static inline bool jit_is_constant(const struct vc_insn *i)
{
	return i->op == (VC_ALU | VC_MOV) || i->op == (VC_ALU64 | VC_MOV);
}

static inline uint64_t jit_constant(const struct vc_insn *i)
{
	return VC_CLASS(i->op) == VC_ALU64 ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm;
}

/* jit.c: control goes to a leader further on from here. */
void jit_arrive(struct jit *j, uint32_t leader);

/* jit_plan.c */
void jit_plan(struct jit *j);
/* Gives registers away, of T0, T1 and the run's those that are not among the `used` ones. */
void jit_registers(struct jit *j, uint32_t used);
struct jit_mem jit_field(const struct jit *j, size_t offset);
struct jit_mem jit_home_memory(const struct jit *j, enum jit_home h);
bool jit_is_top(const struct jit *j, uint32_t fn);

/* jit_alu.c: return the number of instructions done, of which further ones are taken along when that gives better code. */
uint32_t jit_alu(struct jit *j);
uint32_t jit_lddw(struct jit *j);
void jit_frame_pointer(struct jit *j, int d);
/* The register of an operand; r10 is made in `scratch`. */
int jit_operand(struct jit *j, uint32_t reg, int scratch);
/* Notes that a register of the program was written with something that is not greater than `max`. */
void jit_wrote(struct jit *j, uint32_t reg, uint64_t max);

/* jit_mem.c */
void jit_load(struct jit *j);
void jit_store(struct jit *j);
/* Stores v where instruction pc stores a register, if that is such a store and needs no check. */
bool jit_store_through(struct jit *j, uint32_t pc, int32_t v);
void jit_atomic(struct jit *j);
/* The register with that value. */
int jit_base(struct jit *j, enum jit_home h);
/* r = what a window offset must be below for `size` bytes: length - size + 1, but not below 0. */
void jit_load_limit(struct jit *j, uint32_t size, int r);
enum jit_home jit_region(uint8_t kind);
/* Length of a region that has a constant one. */
uint32_t jit_length(const struct jit *j, uint8_t kind);
/* Where an access outside a region of that kind goes. */
enum jit_stub jit_outside(uint8_t kind);
/* d = value of a stack pointer's region start: r10 - VC_STACK. */
void jit_frame_start(struct jit *j, int d);

/* jit_call.c */
void jit_helper_call(struct jit *j);
void jit_local_call(struct jit *j);
void jit_exit(struct jit *j);
void jit_function_start(struct jit *j);
bool jit_entries(struct jit *j);
void jit_epilogue(struct jit *j);
bool jit_stubs(struct jit *j);
/* Jumps to a stub of this instruction. */
void jit_leave(struct jit *j, enum jit_cc cc, enum jit_stub s);
/* Takes from the budget; the sign flag is set when it does not cover the cost. */
void jit_spend(struct jit *j, uint32_t cost);

/* jit_jump.c: returns the number of instructions done. */
uint32_t jit_jump(struct jit *j);

#endif
