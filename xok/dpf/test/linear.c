/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "linear.h"
#include "xok/dpf/dpf.h"

/* Arithmetic that cannot wrap: 16 shifts of less than 2^72 each. */
typedef unsigned __int128 wide;

bool linear_matches(const struct xok_filter *f, const uint8_t *pkt, size_t len)
{
	wide base = 0;

	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];
		uint64_t v = 0;

		if (base + a->off + a->size > len)
			return false;
		for (uint32_t j = 0; j < a->size; j++)
			v = v << 8 | pkt[(size_t)base + a->off + j];
		v &= a->mask;
		if (a->kind == XOK_ATOM_SHIFT)
			base += (wide)v << a->shl;
		else if (a->kind == XOK_ATOM_RANGE) {
			if (v < (a->value & UINT32_MAX) || v > a->value >> 32)
				return false;
		} else if (v != a->value)
			return false;
	}
	return true;
}

uint32_t linear_bits(const struct xok_filter *f)
{
	static bool seen[(UINT16_MAX + 8u) * 8u];
	uint32_t n = 0, i = 0;

	while (i < f->natoms) {
		uint32_t first = i;

		for (; i < f->natoms; i++) {
			const struct xok_atom *a = &f->atom[i];

			if (a->kind == XOK_ATOM_SHIFT && a->mask)
				break;
			for (uint32_t b = 0; a->kind == XOK_ATOM_EQ && b < 8u * a->size; b++) {
				uint32_t place = 8u * (a->off + a->size) - 1u - b;

				if (a->mask >> b & 1 && !seen[place]) {
					seen[place] = true;
					n++;
				}
			}
		}
		for (uint32_t j = first; j < i; j++)
			memset(&seen[8u * f->atom[j].off], 0, 8u * f->atom[j].size);
		i++;
	}
	return n;
}

static bool excludes(const struct xok_atom *a)
{
	return a->kind == XOK_ATOM_RANGE && ((uint32_t)a->value || a->value >> 32 != a->mask);
}

uint32_t linear_ranges(const struct xok_filter *f)
{
	uint32_t n = 0, first = 0;

	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];
		bool said = false;

		if (a->kind == XOK_ATOM_SHIFT && a->mask)
			first = i + 1;
		for (uint32_t j = first; j < i; j++)
			said |= excludes(&f->atom[j]) && f->atom[j].off == a->off &&
				f->atom[j].size == a->size;
		n += excludes(a) && !said;
	}
	return n;
}

void linear_insert(struct linear *l, const struct xok_filter *f, uint32_t id)
{
	if (l->n == LINEAR_MAX)
		abort();
	l->entry[l->n].id = id;
	l->entry[l->n].rank = linear_bits(f) * (XOK_FILTER_ATOMS + 1) + linear_ranges(f);
	l->entry[l->n++].f = *f;
}

bool linear_remove(struct linear *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->entry[i].id != id)
			continue;
		l->n--;
		memmove(&l->entry[i], &l->entry[i + 1], (l->n - i) * sizeof(l->entry[0]));
		return true;
	}
	return false;
}

uint32_t linear_match(const struct linear *l, const uint8_t *pkt, size_t len)
{
	uint32_t best = DPF_NONE, rank = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		if (best != DPF_NONE && l->entry[i].rank <= rank)
			continue;
		if (linear_matches(&l->entry[i].f, pkt, len)) {
			best = l->entry[i].id;
			rank = l->entry[i].rank;
		}
	}
	return best;
}
