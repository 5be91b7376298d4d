/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.h - the demultiplexer of one port: filters (xok/filter.h) merged into a trie, equal fields
 * with different values into one hashed node, and the trie compiled into a flat program that one
 * small loop runs.
 *
 * Freestanding; all memory is the arena given at dpf_init, so a demultiplexer can never grow beyond
 * it. Insertion and removal compile into the idle half and switch over when that succeeded: a
 * failure leaves the old program in force. Matching costs one step per distinct field on the path,
 * however many filters differ only in values.
 */
#ifndef XOK_DPF_H
#define XOK_DPF_H

#include <stddef.h>
#include <stdint.h>

#include "xok/filter.h"

struct dpf;

enum dpf_err {
	DPF_EINVAL =
		-1, /* malformed: size, shift, bits outside the mask, value that can never match, pad not zero */
	DPF_EEXIST = -2, /* an equal filter is there; *equal is its id */
	DPF_ENOMEM = -3, /* the arena is full; nothing changed */
	DPF_ENOENT = -4,
};

/*
 * Makes an empty demultiplexer in `arena` (16-byte aligned). NULL when bytes is less than
 * DPF_ARENA_MIN.
 */
#define DPF_ARENA_MIN 8192u
struct dpf *dpf_init(void *arena, size_t bytes);

/*
 * filter->port is ignored: one demultiplexer serves one port. `id` is the caller's, unique, not
 * DPF_NONE; one in use is DPF_EINVAL. Inserting takes time in proportion to all filters, and about
 * 3 KiB of stack.
 *
 * What counts as equal, and as specificity: between two shifts, atoms in any order and cut in any
 * way are the same when they compare the same bits with the same values and need the packet to
 * reach as far. A bit compared twice there counts once, so that nobody gains precedence by saying a
 * thing twice. A SHIFT whose mask is zero moves nothing and ends no such stretch. Atoms of a
 * stretch that contradict each other, and mask bits beyond the atom's size, are DPF_EINVAL.
 */
#define DPF_NONE UINT32_MAX
int dpf_insert(struct dpf *d, const struct xok_filter *f, uint32_t id, uint32_t *equal);
int dpf_remove(struct dpf *d, uint32_t id);

/* Checks a filter alone: 0 or DPF_EINVAL. */
int dpf_check(const struct xok_filter *f);

/*
 * The id of the most specific filter that matches, or DPF_NONE. Reads no byte outside pkt[0..len).
 */
uint32_t dpf_match(const struct dpf *d, const uint8_t *pkt, size_t len);

struct dpf_stats {
	uint32_t filters, nodes, hash_nodes;
	size_t bytes_used, bytes_total;
};
void dpf_stats(const struct dpf *d, struct dpf_stats *s);

#endif
