/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - tables that downloaded programs and environments share.
 *
 * A table is a run of consecutive frames, made by table_create and charged to its creator. Its layout is xok/table/table.h's: relative
 * offsets only, so that it is read in the same way wherever it is mapped. Environments map its frames by their access list: the first page
 * (the header) is always read-only, and so is the rest, but for the values of an ARRAY, which are plain memory, and the page of a RING that
 * holds its tail (tbl_writable says which). The kernel believes nothing that they may write.
 */
#ifndef XOK_TABLE_H
#define XOK_TABLE_H

#include <stdint.h>

enum xok_table_type {
	XOK_TABLE_ARRAY =
		1, /* entries times value_size bytes of memory; programs access it directly; no keys */
	XOK_TABLE_PERCPU, /* one ARRAY for each processor; a program sees its processor's */
	XOK_TABLE_HASH,	  /* key_size to value_size bytes; at most `entries` */
	XOK_TABLE_LPM4, /* prefixes of IPv4 addresses to a number below 2^24; at most `entries` prefixes */
	XOK_TABLE_LPM6,	  /* likewise of IPv6 addresses */
	XOK_TABLE_BUCKET, /* token buckets: each value a struct xok_bucket; programs only take */
	XOK_TABLE_RING, /* records of value_size bytes from programs to one environment; entries a power of two */
	XOK_NTABLETYPE
};

/*
 * Flag of a HASH: when a chain is full its least recently set entry makes room; when all entries are in use, one of them does, in turn.
 */
#define XOK_TABLE_EVICT 1u

#define XOK_TABLE_KEY 40u   /* bytes of a key at most */
#define XOK_TABLE_VALUE 64u /* bytes of a hash value or ring record at most */
#define XOK_TABLE_BYTES \
	(64u << 20) /* a million prefixes, with something to spare; 4 MiB on machine pc */

struct xok_table_spec {
	uint32_t type; /* enum xok_table_type */
	uint32_t flags;
	uint32_t key_size; /* HASH: 1 ... XOK_TABLE_KEY; others 0 */
	uint32_t
		value_size; /* ARRAY, PERCPU: 1 ... 4096; HASH, RING: 1 ... XOK_TABLE_VALUE; others 0 */
	uint32_t entries; /* at least 1 */
	char name[12];	  /* for people */
};

/* Keys of longest-prefix tables: the address in network byte order, and how many of its bits count (the others must be 0). */
struct xok_prefix4 {
	uint8_t address[4];
	uint32_t len; /* 0 ... 32 */
};
struct xok_prefix6 {
	uint8_t address[16];
	uint32_t len; /* 0 ... 128 */
};

/* A token bucket: fills with `rate` tokens a second up to `burst`. */
struct xok_bucket {
	uint64_t rate, burst; /* at most 2^40 each */
};

/* table_update: what to do with one key. BUCKET: key is a uint32_t, the index; ARRAY and RING have no updates. */
enum xok_table_op { XOK_TABLE_SET = 1, XOK_TABLE_DELETE };

struct xok_table_update {
	uint32_t op;
	uint32_t number; /* LPM4, LPM6: the value */
	uint8_t key[XOK_TABLE_KEY];
	uint8_t value[XOK_TABLE_VALUE];
};

_Static_assert(sizeof(struct xok_table_spec) == 32, "layout");
_Static_assert(sizeof(struct xok_table_update) == 112, "layout");

#endif
