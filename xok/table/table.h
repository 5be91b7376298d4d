/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - the tables of xok/table.h as data structures: freestanding, no state but the memory they are given, no pointers in it.
 *
 * Used by the kernel, which alone changes a table, and by environments, which read the same memory where they mapped it. On every
 * machine a change may be under way while another reads: readers see the old or the new entry, never a mixture (a sequence number, or single
 * aligned stores in the right order), and never leave the table however torn what they see is. `mem` is 4096-aligned.
 *
 * Of one table, one change happens at a time: the caller sees to that; BUCKET's take is a change. Readers need no lock and wait for nobody, not even
 * for a writer that was stopped in the middle of a change; one that meets a new change at each of thousands of attempts answers "not there".
 *
 * Page 0 is the header, which only tbl_init and changes write. It is believed; all that lies behind it may be garbage, and then answers are, too, but
 * nothing outside the table is touched and the bounds below hold. Who maps a table of unknown origin asks tbl_check first.
 *
 * Time is bounded: lookup, set and delete of a hash touch one chain of at most TBL_CHAIN entries; of a longest-prefix table at most one
 * node per bit that its prefixes differ in, and a change of a prefix shorter than the root's bits what it covers there.
 */
#ifndef XOK_TABLE_TABLE_H
#define XOK_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "xok/table.h"

enum tbl_err { TBL_EINVAL = -1, TBL_ENOENT = -2, TBL_ENOMEM = -3 };

#define TBL_CHAIN 8u
#define TBL_NONE (-1)

/*
 * Bytes that the table takes, a multiple of 4096; 0: the specification is not a valid one, or it takes more than XOK_TABLE_BYTES. ncpu >= 1.
 * Beside the header's page, LPM4 takes at most 40 bytes and LPM6 56 for each of `entries` prefixes, whatever they are: for 10 prefixes 8 KiB,
 * for 10,000 of IPv4 384 KiB, of IPv6 552 KiB. A hash entry takes its key and value, each rounded up to 8 bytes, and 24.
 */
size_t tbl_size(const struct xok_table_spec *s, uint32_t ncpu);

/* Whether `bytes` bytes at mem, where somebody mapped them, are a table that tbl_init made. */
bool tbl_check(const void *mem, size_t bytes);

/* Whether environments with W may map page `page` of the table writable. */
bool tbl_writable(const struct xok_table_spec *s, uint32_t page);

/* Makes an empty table in zeroed memory of that size. `seed` keys the hash, so that nobody can choose what collides. */
void tbl_init(void *mem, const struct xok_table_spec *s, uint32_t ncpu, uint64_t seed);

/* ARRAY, PERCPU: where the values start, and how many bytes they are (for one processor). */
void *tbl_memory(void *mem, uint32_t cpu, size_t *bytes);

/* HASH. The value is copied; 0, or TBL_ENOENT / TBL_ENOMEM (chain full and no eviction, or all entries in use). */
int tbl_hash_get(const void *mem, const void *key, void *value);
int tbl_hash_set(void *mem, const void *key, const void *value);
int tbl_hash_delete(void *mem, const void *key);

/* LPM. Numbers are below 2^24. Lookup: the number, or TBL_NONE. Address in host byte order for IPv4, 16 bytes for IPv6. */
int tbl_lpm4_set(void *mem, const struct xok_prefix4 *p, uint32_t number);
int tbl_lpm4_delete(void *mem, const struct xok_prefix4 *p);
int32_t tbl_lpm4_lookup(const void *mem, uint32_t address);
/* The number and length of the longest prefix that covers this one and is shorter, or TBL_NONE. For whoever changes the table. */
int32_t tbl_lpm4_cover(const void *mem, const struct xok_prefix4 *p, uint32_t *len);
int tbl_lpm6_set(void *mem, const struct xok_prefix6 *p, uint32_t number);
int tbl_lpm6_delete(void *mem, const struct xok_prefix6 *p);
int32_t tbl_lpm6_lookup(const void *mem, const uint8_t address[16]);

/*
 * The kernel uses longest-prefix tables through this, so that a machine can answer lookups by something faster
 * (rte_fib). `create` is called after tbl_init,
 * and what it returns, NULL for no memory, is `self` from then on; `destroy` before the memory is given back. Whatever answers the lookups, set and
 * remove must also change the table in `mem`, which others read. Lookups and prefetches may happen on any number of processors at once, and while
 * set and remove, of which there is one at a time, are at work. tbl_lpm: the functions of this header; there self is mem.
 */
struct tbl_lpm_ops {
	void *(*create)(void *machine, void *mem);
	void (*destroy)(void *self);
	int (*set)(void *self, const struct xok_table_update *u);
	int (*remove)(void *self, const struct xok_table_update *u);
	int32_t (*lookup4)(const void *self, uint32_t address);
	int32_t (*lookup6)(const void *self, const uint8_t address[16]);
	/* Is the table so large that what a lookup reads is rarely in the caches? NULL: no, or there is nothing to gain by what follows. */
	bool (*cold)(const void *self);
	/* That lookup is likely soon: asks for the memory it will read first. */
	void (*prefetch4)(const void *self, uint32_t address);
	void (*prefetch6)(const void *self, const uint8_t address[16]);
};
extern const struct tbl_lpm_ops tbl_lpm;

/*
 * BUCKET. Take: true when there were as many. now: monotonic ns; a small step back only gives nothing, one of more than a second is taken for a new
 * clock. A bucket that is set for the first time is full; later its tokens stay, as far as they fit. rate 0: what is in it is all there is.
 */
int tbl_bucket_set(void *mem, uint32_t index, const struct xok_bucket *b, uint64_t now);
int tbl_bucket_take(void *mem, uint32_t index, uint32_t amount,
		    uint64_t now); /* 1, 0, or TBL_ENOENT */

int tbl_bucket_delete(void *mem, uint32_t index);

/*
 * RING. The producer keeps its own head, never read back from memory; a tail that is not in [head - entries, head] is a full ring. Page 0
 * holds the header (with head), page 1 the tail, which the environment writes, the records follow.
 */
struct tbl_ring_header {
	uint32_t magic, record, entries, head;
};
bool tbl_ring_put(void *mem, uint32_t *head, const void *record);
/* The consumer's side: the oldest record is copied, or false: empty. */
bool tbl_ring_get(void *mem, void *record);

/* The specification a table was made with, as its header has it; and how many entries are in use. */
const struct xok_table_spec *tbl_spec(const void *mem);
uint32_t tbl_used(const void *mem);

/* One change as the system call has it; `now` is for BUCKET. 0, TBL_EINVAL (no such operation on such a table, bad key), TBL_ENOENT, TBL_ENOMEM. */
int tbl_update(void *mem, const struct xok_table_update *u, uint64_t now);

/*
 * For tools: calls fn for every entry (key and value as in struct xok_table_update), until it returns false. Bounded by the table's size
 * whatever the memory says. ARRAY, PERCPU and RING have no entries in this sense. Entries that change meanwhile may be seen twice or not at all.
 */
void tbl_each(const void *mem, bool (*fn)(void *arg, const struct xok_table_update *u), void *arg);

#endif
