/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf_int.h - what the three files of the demultiplexer share: canonical filters, and the compiled
 * program.
 *
 * canon.c turns a filter into its canonical steps, compile.c turns a sorted list of those into a
 * program, dpf.c keeps the two halves of the arena and runs the program.
 */
#ifndef DPF_INT_H
#define DPF_INT_H

#include "dpf.h"

/* ---- canonical filters ---- */

enum dpf_step_kind {
	DPF_STEP_TEST,	/* n bytes at off, under mask, equal value */
	DPF_STEP_LEN,	/* the packet reaches base + value */
	DPF_STEP_SHIFT, /* base += (n bytes at off & mask) << shl */
};

/*
 * Everything but value is the key: steps of one key at one place of the trie become one
 * instruction. off can exceed 65535 by up to 7, since an atom is cut into bytes.
 */
struct dpf_step {
	uint8_t kind, n, shl, pad;
	uint32_t off;
	uint64_t mask, value;
};

/*
 * At most 65 steps: an EQ atom makes at most four (eight bytes of which every second is masked
 * out), a SHIFT one, and each stretch between shifts one LEN.
 */
#define DPF_STEPS_MAX 66u
#define DPF_SHIFTS_MAX XOK_FILTER_ATOMS

struct dpf_canon {
	uint32_t nsteps, bits; /* bits: specificity */
	struct dpf_step step[DPF_STEPS_MAX];
};

/* 0 or DPF_EINVAL. */
int dpf_canon(const struct xok_filter *f, struct dpf_canon *c);

/* The order of step lists: by key, then value, a list before its extensions. 0: equal. */
int dpf_key_cmp(const struct dpf_step *a, const struct dpf_step *b);
int dpf_steps_cmp(const struct dpf_step *a, uint32_t na, const struct dpf_step *b, uint32_t nb);

/* A filter as a half stores it; records stand one behind the other in the order of their steps. */
struct dpf_rec {
	uint32_t id, nsteps;
	uint64_t rank; /* smaller wins: more bits, then earlier insertion */
	struct dpf_step step[];
};

static inline size_t dpf_rec_size(uint32_t nsteps)
{
	return sizeof(struct dpf_rec) + nsteps * sizeof(struct dpf_step);
}

/* ---- the program ---- */

#define DPF_END UINT32_MAX     /* no instruction */
#define DPF_NO_RANK UINT64_MAX /* no filter */

enum dpf_op { DPF_OP_EQ, DPF_OP_HASH, DPF_OP_LEN, DPF_OP_SHIFT };

/*
 * One instruction: a field, tried at one node of the trie. When it holds, matching goes on at a
 * node below it; when it does not, or when everything below has been tried, at `next`: the node's
 * next field, or, at its last one, the next field of the nearest node above that has one left. So
 * going back needs no stack. Bases are kept by shift depth: an instruction reads base[depth], and
 * SHIFT writes base[depth + 1], which only instructions below it read.
 */
struct dpf_ins {
	uint8_t op, n, shl, depth;
	uint32_t off;
	uint64_t mask;
	uint64_t value;	   /* EQ and LEN; HASH: the multiplier */
	uint64_t min_rank; /* the best that can be found below */
	uint32_t next;
	uint32_t node; /* EQ, LEN, SHIFT: where it leads. HASH: the first of its list of children */
	uint32_t nchild; /* children while compiling; HASH: 64 - log2 of the slots */
	uint32_t slot;	 /* HASH: its first slot */
};

struct dpf_node {
	uint64_t rank, value; /* of the filter that ends here; of the edge that leads here */
	uint32_t id, first;   /* that filter; where matching goes on */
	uint32_t sibling;     /* the next child of the same instruction */
	uint32_t last;	      /* while compiling: the instruction that was added last */
};

struct dpf_slot {
	uint64_t value;
	uint32_t node; /* DPF_END: empty */
	uint32_t pad;
};

/* One half of the arena: this header, the records, then node[], ins[] and slot[]. */
struct dpf_half {
	uint32_t nrec, nnode, nins, nhash, nslot, pad;
	size_t rec_bytes, used, total;
	struct dpf_node *node;
	struct dpf_ins *ins;
	struct dpf_slot *slot;
};

static inline struct dpf_rec *dpf_first_rec(const struct dpf_half *h)
{
	return (struct dpf_rec *)(uintptr_t)(h + 1);
}

static inline struct dpf_rec *dpf_next_rec(const struct dpf_rec *r)
{
	return (struct dpf_rec *)((uintptr_t)r + dpf_rec_size(r->nsteps));
}

/* Compiles the records of h behind them: 0 or DPF_ENOMEM. */
int dpf_compile(struct dpf_half *h);

/* Spreads masked values over 2^(64 - down) slots. */
static inline uint32_t dpf_hash(uint64_t value, uint64_t multiplier, uint32_t down)
{
	value ^= value >> 32;
	return (uint32_t)((value * multiplier) >> down);
}

_Static_assert(sizeof(struct dpf_step) == 24, "no padding: steps are compared field by field");
_Static_assert(sizeof(struct dpf_half) % 8 == 0, "records follow it");
_Static_assert(sizeof(struct dpf_rec) % 8 == 0, "records follow each other");

#endif
