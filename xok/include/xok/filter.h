/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - packet filters, the language of DPF: a conjunction of atoms.
 *
 * An atom loads `size` bytes (1, 2, 4 or 8) at base + off, big-endian as they stand in the packet,
 * and masks them. EQ demands that the result equal `value`. SHIFT adds (result << shl) to the base
 * for all later atoms, for headers of variable length; off stays relative to the base. RANGE demands
 * low <= result <= high, for sizes up to 4; its mask is all ones. The base starts at 0. A load that
 * would end past the packet's end makes the filter fail. Value bits outside the mask are refused.
 *
 * Of several filters that match, the most specific wins: the one that compares more bits (the sum of
 * its EQ atoms' mask bits, a bit counting once); of two that compare as many, the one with more
 * ranges; of two that have as many, the one inserted first. A filter with no atoms matches
 * everything.
 */
#ifndef XOK_FILTER_H
#define XOK_FILTER_H

#include <stdint.h>

#define XOK_FILTER_ATOMS 16u
#define XOK_PORT_ANY (-1)

enum xok_atom_kind { XOK_ATOM_EQ, XOK_ATOM_SHIFT, XOK_ATOM_RANGE };

struct xok_atom {
	uint16_t off;
	uint8_t size;
	uint8_t kind;
	uint8_t shl;	/* SHIFT only, <= 8 */
	uint8_t pad[3]; /* zero */
	uint64_t mask;
	uint64_t value; /* SHIFT: zero. RANGE: low in bits 0 to 31, high in bits 32 to 63 */
};

struct xok_filter {
	int32_t port; /* or XOK_PORT_ANY */
	uint32_t natoms;
	struct xok_atom atom[XOK_FILTER_ATOMS];
};

#ifndef __BPF__
_Static_assert(sizeof(struct xok_atom) == 24, "atom layout");
_Static_assert(sizeof(struct xok_filter) == 8 + 24 * XOK_FILTER_ATOMS, "filter layout");
#endif

#endif
