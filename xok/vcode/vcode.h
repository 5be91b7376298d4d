/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode.h - safe downloaded code: the BPF instruction set of RFC 9669, verified, metered, and then interpreted or compiled.
 *
 * A program is an array of 8-byte instructions of one kind (kinds.def). It sees these kinds of memory, each one region with one
 * length: the context (read-only, fixed layout of its kind), the window (packet bytes, read and write, length fixed
 * when the run starts), its stack (VC_STACK bytes for each active function, VC_FRAMES deep), its module's read-only and
 * private data, and tables that are plain memory. Pointers cannot be stored anywhere but the stack, and never leave as numbers: not as
 * return values, helper scalars or window bytes.
 *
 * In a register a pointer is the offset from the start of its region; which region is known for every instruction before the
 * program runs. So no address of the machine is ever in reach of a program, and whatever arithmetic makes of an offset, an access is
 * inside when `offset <= length - size` holds for that one region.
 *
 * LDDW forms: src 0, a 64-bit constant; src 6 (map value by index), imm = VC_MAP_... and next_imm a byte offset:
 * a pointer into the module's data or into table imm - VC_MAP_TABLE, which must be memory; src 5 (map by index), imm the same, next_imm 0: a
 * handle of that table, good for nothing but a helper's argument. Everything else is refused. CALL forms: src 0, a helper by number;
 * src 1, a local function. The kind "raw" starts with r1 the window (offset 0) and r2 its length; all others with r1 the context.
 *
 * The verifier is one structural pass and one data-flow pass over pointer kinds with a constant or a variable offset;
 * constant offsets are proved (a window access below the minimum length as well), all else is checked when it happens. Time is metered: a
 * jump from pc back to t costs pc - t + 1, a local call the callee's length, a helper its cost; when the budget does not cover
 * it the run stops. So the instructions executed never exceed budget + length.
 *
 * Atomic operations are that for whoever shares a table; there their offset is a multiple of their size.
 *
 * Pointers into one memory compare by their signed offsets; with the constant 0 only by == and !=, and are never equal to it.
 *
 * The stack. Frames are entered zeroed (a code generator clears no more than can be read unwritten). A callee's frame lies above its
 * caller's in one array, and the offset of a stack pointer is its place in that array. To a callee the frames of all its callers
 * are one region (OUTER), its own another. A pointer is kept in the stack by an aligned 8-byte store through r10 and got back the same way:
 * what is stored is its offset. Accesses whose place is known may not touch such a slot in any other way; those whose place is not
 * known until they happen (a variable offset, a helper, a callee with a pointer to the caller's stack) may, and find or leave an offset there:
 * from then on the pointers kept in the stack count as variable. That is harmless, since a pointer's kind is known without them
 * and its offset is checked. The context and handles, whose value is not checked when they are used, are kept only where it is known
 * exactly: a load gives that value, whatever was written there. A value of unknown kind is not stored.
 *
 * A local function is verified once for all its callers, so an argument must point into the same kind of memory in all calls.
 *
 * Freestanding, no state of its own.
 */
#ifndef XOK_VCODE_H
#define XOK_VCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VC_INSNS_MAX 4096u
#define VC_STACK 512u
#define VC_FRAMES 8u
#define VC_STACK_BYTES (VC_STACK * VC_FRAMES)
#define VC_ENTRIES_MAX 8u
#define VC_TABLES_MAX 8u
#define VC_MAP_RODATA 0u
#define VC_MAP_DATA 1u
#define VC_MAP_TABLE 2u /* and above: table n is VC_MAP_TABLE + n */

struct vc_insn {
	uint8_t op;
	uint8_t regs; /* dst in the low four bits, src in the high four */
	int16_t off;
	int32_t imm;
};

/* ---- kinds and helpers: one table each ---- */

/* Numbers of kinds are part of formats. VC_KIND(number, name, ...): kinds.def. */
enum vc_kind_number {
#define VC_KIND(nr, name, ctx_size, window_off, min_window, max_window, budget, text) \
	VC_KIND_##name = (nr),
#include "kinds.def"
#undef VC_KIND
	VC_NKIND
};

struct vc_kind {
	const char *name;  /* lower case; NULL: no such kind */
	uint32_t ctx_size; /* bytes; readable in aligned 1, 2, 4, 8-byte loads; 0: "raw" */
	uint32_t
		ctx_window_off; /* offset of the 8-byte window pointer, or UINT32_MAX; all else are scalars */
	uint32_t min_window; /* the dispatcher promises at least this many window bytes */
	uint32_t
		max_window; /* no window is longer, so constant offsets beyond it are refused; 0: not known */
	uint32_t budget; /* default of one run */
	const char *text;
};
extern const struct vc_kind vc_kinds[VC_NKIND]; /* by number */

enum vc_arg {
	VC_ARG_NONE,
	VC_ARG_SCALAR,
	VC_ARG_CTX, /* the context pointer itself, offset 0 */
	VC_ARG_MEM_R, /* pointer to readable memory (not the context); the next argument is its size */
	VC_ARG_MEM_W, /* pointer to writable memory (window, stack, data, table); the next argument is its size */
	VC_ARG_MEM_SIZE, /* scalar, at most VC_MEM_MAX; checked against the region when the call happens */
	VC_ARG_TABLE, /* a table's handle; the function gets its index, 0 ... ntable - 1 */
};
#define VC_MEM_MAX 2048u

enum vc_how {
	VC_PLAIN,
	VC_METERED, /* it may charge more than its cost, or stop the run */
};

/*
 * A helper's type, from xok/helpers.def. Numbers are dense from 1. kinds: bit n for each kind number n that may call it.
 * `cost` is charged before the call.
 */
struct vc_helper {
	const char *name; /* NULL: no such helper */
	uint8_t arg[5];	  /* enum vc_arg */
	uint8_t kinds;
	uint8_t how; /* enum vc_how */
	uint32_t cost;
	const char *prototype, *text; /* for manuals: C declaration, one line */
};
enum {
#define HELPER(nr, name, ret, params, cost, how, args, kinds, text) VC_HELPER_##name = (nr),
#include "xok/helpers.def"
#undef HELPER
	VC_NHELPER /* one more than the largest number */
};
extern const struct vc_helper vc_helpers[VC_NHELPER]; /* by number */

struct vc_run;
/*
 * What carries a helper out. Scalars come as they are, memory as host pointers that are checked for their whole size, unused
 * arguments as anything. It returns r0. When it is called run->budget and run->pc are up to date. If it is VC_METERED, it may lower the
 * budget to charge for more, and stop the run by setting run->stop to a reason > 0 of the program kind's own.
 */
typedef uint64_t (*vc_helper_fn)(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
				 uint64_t e);

struct vc_prog {
	const struct vc_kind *kind; /* of vc_kinds: another has no helpers */
	const struct vc_insn *insn;
	uint32_t ninsn;
	const uint8_t *rodata;
	uint32_t rodata_len; /* at most 2^31 - 1, like all lengths here */
	uint32_t data_len;   /* private, zeroed memory given to each run */
	uint32_t entry[VC_ENTRIES_MAX];
	uint32_t nentry;
	uint32_t
		min_window; /* the program's own promise from its dispatcher; below the kind's: the kind's */
	uint32_t ntable;
	uint32_t table_bytes
		[VC_TABLES_MAX]; /* of a table that is memory, at most 2^31 - 1; 0: it is not */
};

/* Every reason for a refusal or a stop: reasons.def (VC_REASON(enumerator, name, text, hint)). 0 is no reason: fine. */
enum vc_reason {
	VC_FINE = 0,
#define VC_REASON(enumerator, name, text, hint) VC_##enumerator,
#include "reasons.def"
#undef VC_REASON
	VC_NREASON
};
const char *vc_reason_name(int r); /* "window-bounds": kebab case, stable, for counters and tools */
const char *vc_reason_text(int r); /* a sentence */
const char *vc_reason_hint(int r); /* what to do */

struct vc_report {
	int reason;
	uint32_t insn;	 /* the instruction at fault */
	char state[256]; /* registers there: "r1=ctx r2=window+14 r3=scalar ..." */
	char text[256];	 /* the whole message, one line */
};

/*
 * Verifies; 0 or a reason, with the report filled in. `scratch` is working memory of vc_scratch_size(ninsn)
 * bytes, 8-aligned. Never reads outside the program; terminates in time bounded by ninsn.
 */
size_t vc_scratch_size(uint32_t ninsn);
int vc_verify(const struct vc_prog *p, void *scratch, size_t scratch_len, struct vc_report *rep);

struct vc_run {
	void *ctx; /* kind->ctx_size bytes; its window field is the caller's to fill: any value, e.g. the window's address */
	uint8_t *window; /* window_len >= the program's minimum */
	uint64_t window_len;
	uint8_t *data;	/* data_len zeroed bytes */
	uint8_t *stack; /* VC_STACK_BYTES, 16-aligned; neither read nor cleared by the caller */
	uint8_t *table[VC_TABLES_MAX]; /* where the tables that are memory are */
	const vc_helper_fn *fn; /* by helper number; those that the program calls must be there */
	void *user;		/* for helpers */
	int64_t budget;		/* in: what may be spent, >= 0; out: what is left (>= 0) */
	/* out */
	uint64_t r0;
	uint64_t insns; /* instructions executed; by vc_interp only */
	uint32_t pc;	/* where it was stopped */
	int stop; /* helper's own stop reason, when the result is VC_HELPER_STOP; 0 at the start */
	/* the code generator's own */
	const uint8_t *rodata;
	uint64_t save;
	/* For people: vc_interp calls it before each instruction with its eleven registers; NULL: it does not. */
	void (*trace)(struct vc_run *run, uint32_t pc, const uint64_t reg[11]);
};

/* Runs a verified program from entry[e]; 0 when it reached EXIT, otherwise the reason it was stopped for. */
int vc_interp(const struct vc_prog *p, uint32_t e, struct vc_run *r);

/*
 * The x86-64 code generator. vc_compile translates the program that vc_verify has just accepted with this scratch memory (unchanged since);
 * out == NULL: a dry run, which tells the size. The code is position-independent, reads and writes nothing but the struct
 * vc_run it is given and the regions that names, and gives the same results as vc_interp: r0, memory, budget, reason and pc. The bytes depend on
 * nothing but the program and `cpu`. W^X is the caller's: write the code where it may be written, run it where it may not.
 */
#define VC_CPU_BMI2 1u
uint32_t vc_cpu(void); /* what this processor has; ask once, at start */

struct vc_code {
	uint32_t size;			/* octets */
	uint32_t entry[VC_ENTRIES_MAX]; /* offset of each entry point */
};
int vc_compile(const struct vc_prog *p, void *scratch, uint32_t cpu, uint8_t *out, size_t size,
	       struct vc_code *code); /* 0, or VC_TOO_LONG: it does not fit into size */

/* As vc_interp, by the code that stands at `base`. The same struct vc_run is good for both. */
int vc_exec(const struct vc_prog *p, const struct vc_code *code, const void *base, uint32_t e,
	    struct vc_run *r);

/*
 * The same in two steps, for who runs one program on packet after packet. vc_ready makes the run fit for the program and gives its entry
 * (NULL: there is no such entry). Window, budget and length come as arguments, because what has just been stored takes longer to read back
 * than a short program runs; what stands of them in the run is not read, and the entry writes it if a helper or the program itself wants it there.
 * The context is what stands in the run as well.
 * The caller sees to it that window_len is not below the minimum and the budget not below 0. All of the result is in registers for the
 * same reason: what is left of the budget, or, when the run was stopped (vc_end_reason is not 0), the reason and the place; then
 * run->budget is what is left. r0 is 0 then.
 */
struct vc_end {
	uint64_t r0;
	int64_t left;
};
typedef struct vc_end (*vc_entry_fn)(struct vc_run *r, uint8_t *window, int64_t budget,
				     uint64_t window_len, void *ctx);

static inline bool vc_end_stopped(struct vc_end end)
{
	return __builtin_expect(end.left < 0, 0);
}

static inline int vc_end_reason(struct vc_end end)
{
	return vc_end_stopped(end) ? (int)(~end.left & 0xff) : 0;
}

static inline uint32_t vc_end_pc(struct vc_end end)
{
	return (uint32_t)(~end.left >> 8);
}

vc_entry_fn vc_ready(const struct vc_prog *p, const struct vc_code *code, const void *base,
		     uint32_t e, struct vc_run *r);

/* Where the code of instruction pc begins, as a compilation with the same arguments has it; for listings. */
uint32_t vc_code_at(const struct vc_prog *p, void *scratch, uint32_t cpu, uint32_t pc);

/*
 * What the verifier has proved before instruction pc, for people: "r1=ctx r2=window+14 r3=number ..."; "" when it cannot be reached. After
 * vc_verify, scratch unchanged, for pc = 0, 1, 2 ... in this order.
 */
void vc_facts(const struct vc_prog *p, void *scratch, uint32_t pc, char *buf, size_t len);

/*
 * A line for people about a run that vc_interp stopped with reason r: the instruction, why, what to do. Of the run only pc and
 * stop are read.
 */
void vc_stop_text(const struct vc_prog *p, const struct vc_run *run, int r, char *buf, size_t len);

/* One instruction as text ("r2 = *(u16 *)(r1 + 12)"); returns how many slots it takes (2 for LDDW). */
uint32_t vc_disasm(const struct vc_prog *p, uint32_t pc, char *buf, size_t len);

#endif
