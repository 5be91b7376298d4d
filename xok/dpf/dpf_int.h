/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf_int.h - what the files of the demultiplexer share.
 *
 * canon.c brings a filter into canonical form; heap.c hands out the arena and the code memory;
 * table.c is the hash table; vec.c makes vectors, puts them in order and links them; x86.c compiles
 * one; match.c interprets; dpf.c is the interface.
 */
#ifndef DPF_INT_H
#define DPF_INT_H

#include "dpf.h"

/* The compiler's own needs; the machine supplies them where there is no C library. */
void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* ---- canonical filters ---- */

enum dpf_op_kind {
	DPF_OP_LEN,   /* the packet reaches base + off; covers every load up to the next shift */
	DPF_OP_WORD,  /* size bytes at off, as a little-endian number, under mask */
	DPF_OP_RANGE, /* size bytes at off, as a big-endian number, between two limits */
	DPF_OP_SHIFT, /* base += (size bytes at off, big-endian, & mask) << shl */
};

/* What is looked at, without values. Lists of these are compared as bytes. */
struct dpf_op {
	uint8_t kind, size, shl, pad;
	uint32_t off;
	uint64_t mask;
};

/*
 * An EQ atom makes at most one word (see canon.c), so words, ranges and shifts are no more than
 * atoms, and each stretch between shifts has one LEN beside them.
 */
#define DPF_VALS XOK_FILTER_ATOMS
#define DPF_OPS (2u * XOK_FILTER_ATOMS + 1u)

struct dpf_canon {
	uint32_t nop, nword, nrange, bits; /* bits: specificity */
	struct dpf_op op[DPF_OPS];
	uint64_t val[DPF_VALS];	  /* of the words; dpf_canon appends the ranges: low | high << 32 */
	uint64_t range[DPF_VALS]; /* while it is being made */
};

/* 0 or DPF_EINVAL. */
int dpf_canon(const struct xok_filter *f, struct dpf_canon *c);

/* ---- memory ---- */

/* A place in the arena, in units of 8 bytes from its start. 0: none. */
typedef uint32_t dpf_ref;

#define DPF_UNIT 8u
#define DPF_BINS 136u

struct dpf_heap {
	uint8_t *base;
	uint32_t used, total; /* units */
	dpf_ref bin[DPF_BINS];
};

/* Takes the units from `first` to `end` of what lies at base. */
void dpf_heap_init(struct dpf_heap *h, uint8_t *base, uint32_t first, uint32_t end);
/* 0: no room. */
dpf_ref dpf_alloc(struct dpf_heap *h, size_t bytes);
void dpf_free(struct dpf_heap *h, dpf_ref r);
/* Gives back what a block has beyond `bytes`. */
void dpf_trim(struct dpf_heap *h, dpf_ref r, size_t bytes);

/* ---- filters and their tables ---- */

enum { DPF_BY_ID, DPF_BY_VALUE, DPF_LINKS };

/* Leads to an entry: its place, and above it as many high bits of its hash as fit. 0: to none. */
typedef uint32_t dpf_link;
#define DPF_PLACE_BITS 27u
#define DPF_PLACE ((1u << DPF_PLACE_BITS) - 1u)

/*
 * A filter: its values, in the table of its vector and in that of all ids. What matching reads
 * stands together.
 */
struct dpf_entry {
	uint64_t seq; /* order of insertion */
	dpf_ref vec;
	dpf_link next[DPF_LINKS];
	uint32_t id;
	uint64_t val[];
};

/*
 * A hash table with chains. A slot holds the first two links of its chain, so that the hash bits in
 * them nearly always tell which is the one without a jump, which could be mispredicted.
 *
 * Doubling the table copies the slots twice and leaves each chain shared by the two slots that it
 * will be split over: a reader finds what it looks for in either case, since it compares whole
 * values. A pair is split before it is changed, and a few more with every insertion.
 */
struct dpf_slot {
	dpf_link first, second;
};

struct dpf_table {
	dpf_ref slots;
	uint32_t mask; /* slots - 1 */
	uint32_t n;
	uint32_t split; /* pairs below are split */
};

/* ---- vectors ---- */

#define DPF_LANES 4u
#define DPF_LANE_OTHER (DPF_LANES - 1u)

/*
 * Behind it stand op[nop], key[nword] (of the hash function) and fixed[nword] (the value of each
 * word that all filters have in common, as long as its bit in `varying` is clear).
 */
struct dpf_vec {
	uint64_t code;	/* address of the native code, 0: none */
	uint64_t basis; /* what the fixed words contribute to every hash */
	struct dpf_table t;
	dpf_ref next;		     /* in the order of specificity */
	dpf_ref go[DPF_LANES];	     /* where matching goes on when nothing has been found yet */
	dpf_ref go_found[DPF_LANES]; /* and when something has: those that are as specific */
	dpf_ref code_ref;
	uint32_t order;		/* specificity: bits, then ranges */
	uint32_t fields;	/* hash of op[] */
	uint32_t varying, wide; /* a bit for each word; wide: of 8 bytes */
	uint8_t nop, nword, nrange;
	uint8_t tied;	  /* others are as specific */
	uint8_t compiled; /* code is that for the present `varying` and `tied` */
	uint8_t pad[3];
};

struct dpf {
	uint64_t seq, seed;
	struct dpf_vec end; /* where every list of vectors leads; only its code is used */
	struct dpf_heap heap, code;
	const uint8_t *x; /* the code memory as it is executed */
	uint64_t enter;	  /* native code of the root node; 0: interpret */
	dpf_ref enter_ref, end_ref;
	dpf_ref vecs;		      /* most specific first */
	dpf_ref go[DPF_LANES];	      /* the first of each lane */
	uint32_t nvec, nplain, ntied; /* all, without native code, as specific as another */
	uint32_t nlane, select; /* the root's two-byte field: values that have a lane; offset */
	uint16_t lane[DPF_LANES];
	struct dpf_table ids;
};

#define DPF_END ((dpf_ref)(offsetof(struct dpf, end) / DPF_UNIT))

static inline void *dpf_at(const struct dpf *d, dpf_ref r)
{
	return (uint8_t *)(uintptr_t)d + (size_t)r * DPF_UNIT;
}

static inline dpf_ref dpf_ref_of(const struct dpf *d, const void *p)
{
	return (dpf_ref)(((uintptr_t)p - (uintptr_t)d) / DPF_UNIT);
}

static inline struct dpf_entry *dpf_entry(const struct dpf *d, dpf_link l)
{
	return dpf_at(d, l & DPF_PLACE);
}

static inline struct dpf_vec *dpf_vec(const struct dpf *d, dpf_ref r)
{
	return r ? dpf_at(d, r) : NULL;
}

static inline struct dpf_op *dpf_ops(const struct dpf_vec *v)
{
	return (struct dpf_op *)(uintptr_t)(v + 1);
}

static inline uint64_t *dpf_keys(const struct dpf_vec *v)
{
	return (uint64_t *)(dpf_ops(v) + v->nop);
}

static inline uint64_t *dpf_fixed(const struct dpf_vec *v)
{
	return dpf_keys(v) + v->nword;
}

/*
 * What a word contributes to the hash, of which the sum's upper half is used: multiply-shift for up
 * to 4 bytes, which is universal, and for 8 the product folded in the middle.
 */
static inline uint64_t dpf_term(const struct dpf_vec *v, uint32_t word, uint64_t val)
{
	unsigned __int128 product = (unsigned __int128)val * dpf_keys(v)[word];

	return (uint64_t)product + (v->wide >> word & 1 ? (uint64_t)(product >> 64) : 0);
}

/* table.c; `by` says what the entries are hashed by, and which link they are chained with. */
uint32_t dpf_hash_id(uint32_t id);
int dpf_table_init(struct dpf *d, struct dpf_table *t);
void dpf_table_free(struct dpf *d, struct dpf_table *t);
/* The first of the chain of a hash, which is then no other slot's. */
dpf_link dpf_chain(struct dpf *d, struct dpf_table *t, int by, uint32_t hash);
/* Adds at the chain's end. */
void dpf_table_add(struct dpf *d, struct dpf_table *t, int by, struct dpf_entry *e);
void dpf_table_del(struct dpf *d, struct dpf_table *t, int by, struct dpf_entry *e);
/* Doubles the table if there is memory. */
void dpf_table_grow(struct dpf *d, struct dpf_table *t, int by);
/* Takes all entries out, as one list. */
dpf_link dpf_table_drain(struct dpf *d, struct dpf_table *t, int by);

/* vec.c */
struct dpf_vec *dpf_vec_find(const struct dpf *d, const struct dpf_canon *c);
struct dpf_vec *dpf_vec_new(struct dpf *d, const struct dpf_canon *c);
void dpf_vec_free(struct dpf *d, struct dpf_vec *v);
uint32_t dpf_vec_hash(const struct dpf_vec *v, const uint64_t *val);
/* Another hash function for a vector and all that is in it. */
void dpf_vec_rekey(struct dpf *d, struct dpf_vec *v);
void dpf_vec_enter(struct dpf *d, struct dpf_vec *v);
void dpf_vec_leave(struct dpf *d, struct dpf_vec *v);
/* Notes that a filter with these values comes in; 1 if a word is fixed no more. */
int dpf_vec_vary(struct dpf_vec *v, const uint64_t *val);
/* To be called when vectors have come, gone or changed: links and compiles what that concerns. */
void dpf_relink(struct dpf *d);

/* Which lane packets with this value are in: d->nlane for one that has none. */
uint32_t dpf_lane_of(const struct dpf *d, uint64_t value);

/* x86.c: each makes d->code hold the code, or leaves the address 0. The code works in a frame. */
#define DPF_FRAME (DPF_VALS + 2u)
typedef uint32_t dpf_enter(const struct dpf *d, const uint8_t *pkt, size_t len, uint64_t *frame);
void dpf_compile_ends(struct dpf *d);
void dpf_compile_vec(struct dpf *d, struct dpf_vec *v);
void dpf_uncompile(struct dpf *d, dpf_ref *code);

_Static_assert(sizeof(struct dpf_op) == 16, "no padding: compared as bytes");
_Static_assert(sizeof(struct dpf_vec) % 8 == 0, "ops follow it");
_Static_assert(sizeof(struct dpf_entry) == 24, "values follow it");
_Static_assert(XOK_FILTER_ATOMS <= 32, "varying has a bit for each word");

#endif
