/* SPDX-License-Identifier: BSD-2-Clause */
/* match.c - what a filter means. */
#include "test.h"

static uint64_t load(const uint8_t *p, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

bool filter_matches(const struct xok_filter *f, const uint8_t *pkt, size_t len)
{
	uint64_t base = 0;

	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];
		uint64_t v;

		if (base + a->off + a->size > len)
			return false;
		v = load(pkt + base + a->off, a->size) & a->mask;
		switch (a->kind) {
		case XOK_ATOM_SHIFT: base += v << a->shl; break;
		case XOK_ATOM_RANGE:
			if (v < (uint32_t)a->value || v > a->value >> 32)
				return false;
			break;
		default:
			if (v != a->value)
				return false;
		}
	}
	return true;
}

bool filter_valid(const struct xok_filter *f)
{
	if (f->port != XOK_PORT_ANY || f->natoms > XOK_FILTER_ATOMS)
		return false;
	for (uint32_t i = 0; i < XOK_FILTER_ATOMS; i++) {
		const struct xok_atom *a = &f->atom[i];
		uint64_t all = a->size ? UINT64_MAX >> (64 - 8 * a->size) : 0;

		if (a->pad[0] || a->pad[1] || a->pad[2])
			return false;
		if (i >= f->natoms) {
			if (a->off || a->size || a->kind || a->shl || a->mask || a->value)
				return false;
			continue;
		}
		if ((a->size != 1 && a->size != 2 && a->size != 4 && a->size != 8) ||
		    a->mask & ~all)
			return false;
		if (a->kind == XOK_ATOM_EQ && (a->value & ~a->mask || a->shl))
			return false;
		if (a->kind == XOK_ATOM_SHIFT && (a->value || a->shl > 8))
			return false;
		if (a->kind == XOK_ATOM_RANGE &&
		    (a->size > 4 || a->mask != all || a->shl || a->value >> 32 > all ||
		     (uint32_t)a->value > a->value >> 32))
			return false;
		if (a->kind > XOK_ATOM_RANGE)
			return false;
	}
	return true;
}
