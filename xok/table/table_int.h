/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_int.h - what the files of xok/table share: the header page, areas of equal units behind it, and sequence numbers.
 *
 * A table's pages behind the header are at most two areas: HASH: chains, entries; LPM: root slots, nodes; BUCKET: buckets; RING: the tail's
 * page, records; ARRAY, PERCPU: values. Indices inside them are checked wherever they come from memory.
 */
#ifndef XOK_TABLE_INT_H
#define XOK_TABLE_INT_H

#include "xok/table/table.h"

#define TBL_MAGIC 0x6c627478u /* "xtbl" */
#define TBL_PAGE 4096u
#define TBL_TRIES 4096u /* of a reader that meets changes */

struct tbl_area {
	uint32_t off, unit, count; /* bytes from the table's start, bytes of a unit, units */
};

struct tbl_header {
	struct tbl_ring_header
		ring; /* magic, and value_size and entries again; head is the RING's */
	struct xok_table_spec spec;
	uint64_t seed;
	struct tbl_area area[2];
	uint32_t ncpu;
	uint32_t used;	/* entries */
	uint32_t fresh; /* units of area 1 that were ever used: all behind them are zero */
	uint32_t free;	/* list of given back units of area 1, as index + 1 */
	uint32_t hand;	/* HASH: whose turn it is to make room */
	uint32_t seq;	/* LPM: of the whole table */
	uint32_t bits;	/* LPM: address bits that select the root slot */
	uint32_t top;	/* LPM: root of the prefixes that are shorter */
};

_Static_assert(sizeof(struct tbl_header) <= TBL_PAGE, "header page");

/*
 * Everything that a reader may see change is read and written by these, a word at a time.
 */
#define TBL_LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define TBL_STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

static inline void *tbl_unit(const void *mem, unsigned area, uint32_t i)
{
	const struct tbl_area *a = &((const struct tbl_header *)mem)->area[area];

	return (uint8_t *)(uintptr_t)mem + a->off + (size_t)i * a->unit;
}

/*
 * A sequence number is odd while what it guards changes. A reader takes it before and compares it after: what it read in between counts
 * only when tbl_seq_same, be it odd or even, so that a writer that was stopped in the middle of a change keeps nobody from reading. This
 * is right since a change publishes whole units by single stores, each of which leaves a table that can be read, and since units that it
 * takes out stay as they are until a later change; and a later one moves the number.
 */
static inline void tbl_seq_begin(uint32_t *seq)
{
	TBL_STORE(seq, *seq | 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void tbl_seq_end(uint32_t *seq)
{
	__atomic_store_n(seq, (*seq | 1) + 1, __ATOMIC_RELEASE);
}

static inline uint32_t tbl_seq_read(const uint32_t *seq)
{
	return __atomic_load_n(seq, __ATOMIC_ACQUIRE);
}

static inline bool tbl_seq_same(const uint32_t *seq, uint32_t before)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return TBL_LOAD(seq) == before;
}

/*
 * Units of area 1: an index, or TBL_NONE. Those given back are linked, with TBL_FREE, through the one word that readers that still are there do
 * not follow.
 */
#define TBL_FREE 0x80000000u
int32_t tbl_alloc(struct tbl_header *h);
void tbl_give(struct tbl_header *h, uint32_t i);

typedef bool tbl_visit(void *arg, const struct xok_table_update *u);

void hash_each(const struct tbl_header *h, tbl_visit *fn, void *arg);
void lpm_each(const struct tbl_header *h, tbl_visit *fn, void *arg);
void bucket_each(const struct tbl_header *h, tbl_visit *fn, void *arg);

#endif
