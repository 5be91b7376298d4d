/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf_int.h - what the files of the demultiplexer share.
 *
 * canon.c makes the steps of a filter; vec.c keeps what filters with the same steps have in common;
 * table.c finds filters, by id and by value; heap.c hands out the arena and the code memory; x86.c
 * compiles the steps and match.c interprets them; dpf.c is where filters come in and go.
 */
#ifndef DPF_INT_H
#define DPF_INT_H

#include "dpf.h"

/* The compiler's own needs; the machine supplies them where there is no C library. */
void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* ---- steps: what a filter looks at, one after another ---- */

enum dpf_kind {
	DPF_LEN,   /* the packet reaches base + off; covers every load up to the next shift */
	DPF_WORD,  /* size bytes at off, as a little-endian number, under mask: equal to value */
	DPF_RANGE, /* size bytes at off, as a big-endian number: from low to high */
	DPF_SHIFT, /* base += (size bytes at off, big-endian, under mask) << shl */
};

struct dpf_step {
	uint8_t kind, size;
	uint8_t arg; /* of a shift: shl; of a word or range: which of the filter's values it has */
	uint8_t varies; /* in a vector: its filters differ in the value (of a range: may differ) */
	uint32_t off;
	uint64_t mask;
	uint64_t value; /* of a range: low | high << 32 */
	uint64_t key;	/* in a vector: of the hash function */
};

/*
 * An EQ atom makes at most one word (see canon.c), so words, ranges and shifts are no more than
 * atoms, and each stretch between shifts has one LEN beside them.
 */
#define DPF_VALS XOK_FILTER_ATOMS
#define DPF_STEPS (2u * XOK_FILTER_ATOMS + 1u)

/* The one form that all filters of the same meaning, written with the same shifts, have. */
struct dpf_canon {
	uint32_t nstep, nval;
	uint32_t order; /* specificity: bits, then ranges */
	struct dpf_step step[DPF_STEPS];
	uint64_t val[DPF_VALS];
};

/* 0 or DPF_EINVAL. */
int dpf_canon(const struct xok_filter *f, struct dpf_canon *c);

/* ---- memory ---- */

/* A place in the arena, in units of 8 bytes from its start. 0: none. */
typedef uint32_t dpf_ref;

#define DPF_UNIT 8u
#define DPF_LINE 64u
#define DPF_ORDERS 25u

struct dpf_heap {
	uint8_t *base, *tag;
	uint32_t used, total; /* lines */
	uint32_t end;	      /* behind the last line */
	uint32_t free[DPF_ORDERS];
};

/* Takes what lies at base, but for the first `skip` bytes. */
void dpf_heap_init(struct dpf_heap *h, uint8_t *base, size_t skip, size_t bytes);
/* 0: no room. */
dpf_ref dpf_alloc(struct dpf_heap *h, size_t bytes);
void dpf_free(struct dpf_heap *h, dpf_ref r);

/* ---- filters and their table ---- */

enum { DPF_BY_VALUE, DPF_BY_ID, DPF_LINKS };

/* A filter: its vector, and its own values. */
struct dpf_entry {
	uint64_t seq; /* order of insertion */
	dpf_ref vec;
	dpf_ref next[DPF_LINKS];
	uint32_t id;
	uint64_t val[];
};

/*
 * All filters stand in one hash table, twice: by vector and values, and by id. A slot is the first
 * entry of a chain.
 *
 * Doubling the table copies the slots twice and leaves each chain shared by the two slots that it
 * will be split over: a reader finds what it looks for in either case, since it compares whole
 * values. A pair is split before it is changed, and a few more with every insertion.
 */
struct dpf_table {
	dpf_ref slots; /* those by value, and as many by id */
	uint32_t mask; /* slots of each kind - 1 */
	uint32_t n;
	uint32_t split; /* pairs below are split */
};

/* ---- vectors ---- */

/* Whether vectors that stand beside each other in the list are equally specific. */
enum dpf_tie {
	DPF_ALONE,
	DPF_TIED, /* the next one is as specific */
	DPF_TIED_LAST,
};

/* What filters with the same steps have in common. */
struct dpf_vec {
	uint64_t code;	/* address of the native code, 0: none */
	uint64_t go;	/* where it goes on when no filter matches */
	uint64_t basis; /* what words that do not vary add to every hash */
	dpf_ref next;	/* in the order of specificity */
	uint32_t order; /* specificity */
	uint32_t n;	/* filters */
	uint16_t nstep;
	uint8_t tie;
	uint8_t hashes; /* a word varies */
	struct dpf_step step[];
};

/* It begins like an entry: at place 0 there is that of no filter. */
struct dpf {
	uint64_t seq, seed;
	dpf_ref vecs;	/* most specific first */
	uint32_t none;	/* DPF_NONE */
	uint64_t enter; /* native code that tries all vectors; 0: interpret */
	struct dpf_table t;
	struct dpf_heap heap, code;
	const uint8_t *x; /* the code memory as it is executed */
};

static inline void *dpf_at(const struct dpf *d, dpf_ref r)
{
	return (uint8_t *)(uintptr_t)d + (size_t)r * DPF_UNIT;
}

static inline dpf_ref dpf_ref_of(const struct dpf *d, const void *p)
{
	return (dpf_ref)(((uintptr_t)p - (uintptr_t)d) / DPF_UNIT);
}

static inline struct dpf_entry *dpf_entry(const struct dpf *d, dpf_ref r)
{
	return r ? dpf_at(d, r) : NULL;
}

static inline struct dpf_vec *dpf_vec(const struct dpf *d, dpf_ref r)
{
	return r ? dpf_at(d, r) : NULL;
}

/*
 * What a word adds to the hash, of which the sum's upper half is used: multiply-shift for up to 4
 * bytes, which is universal, and for 8 the product folded in the middle.
 */
static inline uint64_t dpf_term(const struct dpf_step *s, uint64_t value)
{
	unsigned __int128 product = (unsigned __int128)value * s->key;

	return (uint64_t)product + (s->size == 8 ? (uint64_t)(product >> 64) : 0);
}

/* table.c; this makes the table of an empty demultiplexer, in place of what it grew to. */
void dpf_table_reset(struct dpf *d);
/* The first of the chain of a hash, which is then no other slot's. */
struct dpf_entry *dpf_chain(struct dpf *d, int by, uint32_t hash);
/* NULL: no filter has this id. */
struct dpf_entry *dpf_find_id(struct dpf *d, uint32_t id);
void dpf_table_add(struct dpf *d, struct dpf_entry *e);
void dpf_table_del(struct dpf *d, struct dpf_entry *e);
/* Doubles the table when it is time and there is memory. */
void dpf_table_grow(struct dpf *d);
/* Gives a vector another hash function. */
void dpf_table_rekey(struct dpf *d, struct dpf_vec *v);

/* vec.c; NULL: there is none, or no memory for one. */
struct dpf_vec *dpf_vec_find(const struct dpf *d, const struct dpf_canon *c);
struct dpf_vec *dpf_vec_new(struct dpf *d, const struct dpf_canon *c);
void dpf_vec_free(struct dpf *d, struct dpf_vec *v);
uint32_t dpf_vec_hash(const struct dpf_vec *v, const uint64_t *val);
void dpf_vec_draw_keys(struct dpf *d, struct dpf_vec *v);
/* Notes that a filter with these values comes in. */
void dpf_vec_join(struct dpf *d, struct dpf_vec *v, const uint64_t *val);

/*
 * x86.c: gives v->code the address of native code. It answers with the place of the entry that
 * matches, or 0; `val` has room for DPF_VALS. Without memory, or on another processor, v->code stays
 * 0. A piece of code begins with the end of the list of vectors; it is entered behind that, and from
 * another vector behind what begins the search.
 */
#define DPF_CODE_ENTER 4u
#define DPF_CODE_VEC 7u
typedef dpf_ref dpf_code_fn(const struct dpf *d, const uint8_t *pkt, size_t len, uint64_t *val);
void dpf_compile(struct dpf *d, struct dpf_vec *v);
void dpf_uncompile(struct dpf *d, struct dpf_vec *v);

_Static_assert(offsetof(struct dpf, none) == offsetof(struct dpf_entry, id),
	       "begins like an entry");
_Static_assert(sizeof(struct dpf_entry) + 5 * sizeof(uint64_t) == DPF_LINE,
	       "of five values: a line");

#endif
