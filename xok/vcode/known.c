/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * known.c - the lattice of the data-flow pass.
 *
 * What is known of a value only ever gets less where paths meet:
 *
 *	registers	pointer+constant > pointer+? > MIXED > UNINIT, SCALAR > MIXED
 *	stack slots	BYTES (fewer bytes written) > MIXED, pointer+constant > pointer+? > MIXED > UNINIT
 *
 * (handles like pointers, their table like an offset). A register falls at most 3 times and a slot at most 10, so a state changes at
 * most 10 * 3 + 64 * 10 times and the pass ends.
 */
#include <string.h>

#include "xok/vcode/internal.h"

static bool same(struct vc_val a, struct vc_val b)
{
	return a.kind == b.kind && a.var == b.var && a.off == b.off;
}

static struct vc_val meet(struct vc_val a, struct vc_val b)
{
	if (a.kind == VC_K_UNINIT || b.kind == VC_K_UNINIT)
		return (struct vc_val){.kind = VC_K_UNINIT};
	if (a.kind != b.kind)
		return (struct vc_val){.kind = VC_K_MIXED};
	if (a.kind == VC_K_BYTES)
		return (struct vc_val){.kind = VC_K_BYTES, .off = a.off & b.off};
	return (struct vc_val){.kind = a.kind, .var = a.kind >= VC_K_HANDLE};
}

bool vc_join(struct vc_val *a, struct vc_val b)
{
	struct vc_val was = *a;

	if (same(was, b))
		return false;
	*a = meet(was, b);
	return !same(was, *a);
}

struct vc_val vc_slot(struct vc_val v)
{
	if (v.var && (v.kind == VC_K_CTX || v.kind == VC_K_HANDLE))
		v = (struct vc_val){.kind = VC_K_UNINIT};
	return v;
}

/* Most slots are alike most of the time, so two are compared at once. */
static bool join_slots(struct vc_val *a, const struct vc_val *b)
{
	bool changed = false;

	for (uint32_t n = 0; n < VC_SLOTS; n += 2) {
		uint64_t x, y;

		memcpy(&x, &a[n], sizeof(x));
		memcpy(&y, &b[n], sizeof(y));
		if (x == y)
			continue;
		for (uint32_t m = n; m < n + 2; m++)
			if (vc_join(&a[m], b[m])) {
				a[m] = vc_slot(a[m]);
				changed = true;
			}
	}
	return changed;
}

bool vc_join_state(struct vc_state *a, const struct vc_state *b)
{
	bool changed = false;

	for (uint32_t r = 0; r < VC_NREG; r++)
		changed |= vc_join(&a->reg[r], b->reg[r]);
	return join_slots(a->slot, b->slot) || changed;
}
