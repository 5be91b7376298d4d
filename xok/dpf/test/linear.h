/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linear.h - the trivial demultiplexer that the real one is held against: a list, tried from front
 * to back.
 *
 * It reads xok/filter.h literally, byte by byte and bit by bit, and shares no code with the trie.
 */
#ifndef DPF_TEST_LINEAR_H
#define DPF_TEST_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/filter.h"

#define LINEAR_MAX 256u

struct linear {
	uint32_t n;
	struct {
		uint32_t id, rank; /* rank: by bits, then by ranges */
		struct xok_filter f;
	} entry[LINEAR_MAX]; /* in the order of insertion */
};

/*
 * Whether f matches, and its specificity: between two shifts a bit counts once, and so does a field
 * that lies in a range which excludes something.
 */
bool linear_matches(const struct xok_filter *f, const uint8_t *pkt, size_t len);
uint32_t linear_bits(const struct xok_filter *f);
uint32_t linear_ranges(const struct xok_filter *f);

void linear_insert(struct linear *l, const struct xok_filter *f, uint32_t id);
bool linear_remove(struct linear *l, uint32_t id);
uint32_t linear_match(const struct linear *l, const uint8_t *pkt, size_t len);

#endif
