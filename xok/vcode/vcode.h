/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcode.h - safe downloaded code: the BPF instruction set of RFC 9669, verified, then interpreted under a budget.
 *
 * A program is an array of 8-byte instructions. It sees five kinds of memory, each one region with one length: the context (read-only,
 * fixed layout of its kind), the window (packet bytes, read and write, length fixed when the run starts), its stack
 * (VC_STACK bytes for each active function, VC_FRAMES deep), and its module's read-only and private data. Pointers cannot be
 * stored anywhere but the stack, and never leave as numbers: not as return values, helper scalars or window bytes.
 *
 * LDDW forms: src 0, a 64-bit constant; src 6 (map value by index), imm = VC_MAP_RODATA or VC_MAP_DATA and next_imm a byte offset:
 * a pointer into the module's data. Everything else is refused. CALL forms: src 0, a helper by number; src 1, a local function.
 *
 * The verifier is one structural pass and one data-flow pass over pointer kinds with a constant or a variable offset;
 * constant offsets are proved (a window access below min_window as well), all else is checked when it happens. Time is metered: a jump from pc back
 * to t costs pc - t + 1, a local call the callee's length, a helper its cost; when the budget does not cover
 * it the run stops. So the instructions executed never exceed budget + length.
 *
 * Pointers into one memory compare by their signed offsets; with the constant 0 only by == and !=, and are never equal to it.
 * Stack frames start as zeroes. A pointer is kept in the stack by an aligned 8-byte store through r10 and got back the same
 * way; no other access touches it. A local function is verified once for all its callers, so an argument must point into
 * the same kind of memory in all calls.
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
#define VC_ENTRIES_MAX 8u
#define VC_MAP_RODATA 0u
#define VC_MAP_DATA 1u

struct vc_insn {
	uint8_t op;
	uint8_t regs; /* dst in the low four bits, src in the high four */
	int16_t off;
	int32_t imm;
};

enum vc_arg {
	VC_ARG_NONE,
	VC_ARG_SCALAR,
	VC_ARG_CTX,   /* the context pointer itself, offset 0 */
	VC_ARG_MEM_R, /* pointer to readable memory; the next argument is its size */
	VC_ARG_MEM_W, /* pointer to writable memory (window, stack, data); the next argument is its size */
	VC_ARG_MEM_SIZE, /* scalar, at most VC_MEM_MAX; checked against the region when the call happens */
};
#define VC_MEM_MAX 2048u

/*
 * A helper. fn gets the run's `user` pointer and five arguments (unused ones 0; memory arguments as host pointers, checked, for
 * their whole size). It returns r0. To stop the run it sets *stop to a reason > 0 of the program kind's own.
 * When fn is called the run's budget, insns and pc are up to date; it may lower the budget to charge for more.
 */
struct vc_helper {
	uint32_t number;
	const char *name;
	uint8_t arg[5]; /* enum vc_arg */
	uint32_t cost;	/* charged to the budget before the call */
	uint64_t (*fn)(void *user, const uint64_t a[5], int *stop);
};

/* A field of the context that holds the pointer to the window; other fields are scalars. */
struct vc_kind {
	const char *name;
	uint32_t ctx_size;	 /* bytes; readable in aligned 1, 2, 4, 8-byte loads */
	uint32_t ctx_window_off; /* offset of the 8-byte window pointer, or UINT32_MAX */
	uint32_t min_window;	 /* the dispatcher promises at least this many window bytes */
	const struct vc_helper *helpers;
	uint32_t nhelpers;
	uint32_t
		max_window; /* no window is longer, so constant offsets beyond it are refused; 0: not known */
};

struct vc_prog {
	const struct vc_kind *kind;
	const struct vc_insn *insn;
	uint32_t ninsn;
	const uint8_t *rodata;
	uint32_t rodata_len;
	uint32_t data_len; /* private, zeroed memory given to each run */
	uint32_t entry[VC_ENTRIES_MAX];
	uint32_t nentry;
};

/* Every reason for a refusal or a stop: reasons.def (VC_REASON(name, text, hint)). 0 is no reason: fine. */
enum vc_reason {
	VC_FINE = 0,
#define VC_REASON(name, text, hint) VC_##name,
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
	uint8_t *window; /* window_len >= kind->min_window */
	uint32_t window_len;
	uint8_t *data;	/* data_len zeroed bytes */
	uint8_t *stack; /* VC_STACK * VC_FRAMES bytes, 16-aligned */
	void *user;	/* for helpers */
	int64_t budget; /* in: what may be spent; out: what is left (>= 0) */
	/* out */
	uint64_t r0;
	uint64_t insns; /* instructions executed */
	uint32_t pc;	/* where it stopped */
	int stop;	/* helper's own stop reason, when the result is VC_HELPER_STOP */
};

/* Runs a verified program from entry[e]; 0 when it reached EXIT, otherwise the reason it was stopped for. */
int vc_interp(const struct vc_prog *p, uint32_t e, struct vc_run *r);

/*
 * A line for people about a run that vc_interp stopped with reason r: the instruction, why, what to do. Of the run only pc and
 * stop are read.
 */
void vc_stop_text(const struct vc_prog *p, const struct vc_run *run, int r, char *buf, size_t len);

/* One instruction as text ("r2 = *(u16 *)(r1 + 12)"); returns how many slots it takes (2 for LDDW). */
uint32_t vc_disasm(const struct vc_prog *p, uint32_t pc, char *buf, size_t len);

#endif
