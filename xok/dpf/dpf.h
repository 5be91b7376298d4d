/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.h - the demultiplexer of one port: filters (xok/filter.h) merged by what they look at,
 * dispatched by hashing, and compiled into native code where there is memory for it.
 *
 * Filters that compare the same fields, whatever the values, share one node, the vector: its words
 * of up to 8 bytes (adjacent atoms coalesced), its shifts and its ranges; one hash table tells filters
 * apart by all their values at once. Vectors are tried in the order of specificity. Words that all
 * filters of a vector compare with one value are tested before anything is hashed, so a vector that
 * cannot match costs about a nanosecond, and a matching one a table look-up, however many filters
 * there are; matching stops at the first that does. There is no index over vectors: sets of hundreds
 * of different shapes are searched in turn.
 *
 * Freestanding; all memory is the arena given at dpf_init, so a demultiplexer can never grow beyond
 * it, and the code memory. Insertion and removal change what they concern and nothing else: a
 * filter that differs from others in values only costs a hash entry and no compilation. A failure
 * leaves everything as it was. Vectors are counted by their filters, and go with the last one.
 *
 * Several processors. Matching (dpf_match, dpf_match_burst, dpf_match_plain, dpf_stats) writes
 * neither to the arena nor to the code memory, so any number of processors may match at once without
 * a lock. All other calls change both and must be alone: nobody may match in the same demultiplexer
 * meanwhile, an interrupt handler of this processor included. Where matching must go on, keep two of
 * them, each with an arena and code memory of its own, and a pointer to the one in use, which
 * matchers load once for each burst. The one updater there may be at a time
 *
 *	1. makes its change in the idle one;
 *	2. has every processor that matches execute a serializing instruction, because the idle one
 *	   may have new code where old code ran: on Linux membarrier() with
 *	   MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE; not needed without native code;
 *	3. publishes the idle one by a store with release order;
 *	4. waits until no burst is in the other one any more (an RCU grace period);
 *	5. makes the same change there, which is then the idle one.
 *
 * Two demultiplexers that began with the same amounts of memory and the same seed and have had the
 * same calls since are the same but for addresses, and answer the same, also what they refuse: step 5
 * ends as step 1 did. It is due after DPF_ENOMEM too, which changes no answer but maybe keys; not
 * after another refusal. To make a second one later, insert what is in the first, in the order in
 * which it came.
 */
#ifndef XOK_DPF_H
#define XOK_DPF_H

#include <stddef.h>
#include <stdint.h>

#include "xok/filter.h"

struct dpf;

enum dpf_err {
	DPF_EINVAL = -1, /* malformed, contradictory, or an id that cannot be taken */
	DPF_EEXIST = -2, /* an equal filter is there; *equal is its id */
	DPF_ENOMEM = -3, /* the arena is full, or too many alike; nothing changed */
	DPF_ENOENT = -4,
};

/*
 * Makes an empty demultiplexer in `arena` (16-byte aligned; a page is better). NULL when bytes is
 * less than DPF_ARENA_MIN. Of more than 1 GiB the rest is not used.
 *
 * What filters need, as a rule: of flows (protocol, addresses and ports behind an IP header of
 * variable length) 192 KiB hold 2,400, and all of one shape together have 512 bytes of
 * code. What they need at worst, when all have 16 atoms and no two the same shape: DPF_FILTER_MAX
 * each, and DPF_CODE_MAX of code memory.
 */
#define DPF_ARENA_MIN 8192u
#define DPF_FILTER_MAX 2304u
#define DPF_CODE_MAX 2048u
struct dpf *dpf_init(void *arena, size_t bytes);

/*
 * Gives the demultiplexer memory for native code: written at w, executed at x, which are two views
 * of the same `bytes` (16-aligned); 0 bytes takes it away. Without it, when it is full, or on
 * another processor than x86-64, matching is interpreted, with the same result. Code is
 * written by the calls that change the demultiplexer, in whole pieces, and by no others.
 */
void dpf_code(struct dpf *d, uint8_t *w, const uint8_t *x, size_t bytes);

/*
 * Secret randomness for the hash functions of vectors that come up from now on: who does not know
 * it cannot choose values that collide. Chains are bounded all the same.
 */
void dpf_seed(struct dpf *d, uint64_t seed);

/*
 * filter->port is ignored: one demultiplexer serves one port. `id` is the caller's, unique, not
 * DPF_NONE; one in use is DPF_EINVAL. Inserting costs one hash insertion and, when the filter looks
 * at fields that no other does, time in proportion to the vectors there are; about 3 KiB of stack.
 *
 * What counts as equal, and as specificity: between two shifts, atoms in any order and cut in any
 * way are the same when they compare the same bits with the same values and need the packet to
 * reach as far. A bit compared twice there counts once, and so do ranges of one field, of which
 * their intersection is taken, so that nobody gains precedence by saying a thing twice. A range
 * that excludes nothing is none. A SHIFT whose mask is zero moves nothing and ends no such stretch.
 * EQ atoms of a stretch that contradict each other, ranges of one field that exclude each other, and
 * mask bits beyond the atom's size are DPF_EINVAL. At most DPF_ALIKE filters may differ in their
 * ranges only: those are tried in turn.
 */
#define DPF_NONE UINT32_MAX
#define DPF_ALIKE 256u
int dpf_insert(struct dpf *d, const struct xok_filter *f, uint32_t id, uint32_t *equal);
/* 0 or DPF_ENOENT. It needs no memory. */
int dpf_remove(struct dpf *d, uint32_t id);

/* Checks a filter alone: 0 or DPF_EINVAL. */
int dpf_check(const struct xok_filter *f);

/*
 * The id of the most specific filter that matches, or DPF_NONE. Reads no byte outside pkt[0..len).
 * The burst does the same for n packets, of which the i-th is the len[i] bytes at pkt[i] and its
 * answer out[i]; it fetches the packets ahead, and their waits for memory overlap. It is meant for
 * what a driver delivers at once, 32 or so; of a packet in segments give the first.
 */
uint32_t dpf_match(const struct dpf *d, const uint8_t *pkt, size_t len);
void dpf_match_burst(const struct dpf *d, const uint8_t *const pkt[], const uint16_t len[],
		     uint32_t n, uint32_t out[]);

/* The same, always interpreted: what native code is held against. */
uint32_t dpf_match_plain(const struct dpf *d, const uint8_t *pkt, size_t len);

struct dpf_stats {
	uint32_t filters, nodes, hash_nodes; /* nodes: vectors; hash_nodes: those that must hash */
	uint32_t interpreted; /* vectors without native code; if any, all are interpreted */
	size_t bytes_used, bytes_total;
	size_t code_used, code_total;
};
void dpf_stats(const struct dpf *d, struct dpf_stats *s);

#endif
