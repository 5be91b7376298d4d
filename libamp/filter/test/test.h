/* SPDX-License-Identifier: BSD-2-Clause */
/* test.h - for the tests of filter expressions: what filters mean, and packets to try them on. */
#ifndef AMP_FILTER_TEST_H
#define AMP_FILTER_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/filter.h"

/* xok/filter.h, word for word. */
bool filter_matches(const struct xok_filter *f, const uint8_t *pkt, size_t len);
/* Whether the kernel would take it: sizes, masks, values, nothing left over. */
bool filter_valid(const struct xok_filter *f);

#define PACKET_MAX 400u
#define PACKET_FULL \
	200u /* so long are all packets at least, unless cut: longer than any test of the tests reaches */

uint64_t rnd(void);
uint32_t below(uint32_t n);
/* A random packet of the protocols, addresses and ports that the expressions name; what is mutated is. */
size_t make_packet(uint8_t *pkt);
/* Changes a packet so that it matches much of a filter, mostly all. */
void bend_packet(uint8_t *pkt, size_t len, const struct xok_filter *f);

#endif
