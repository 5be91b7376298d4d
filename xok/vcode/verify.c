/* SPDX-License-Identifier: BSD-2-Clause */
/* verify.c - the verifier's front door: carves the working memory and runs the two passes. */
#include <string.h>

#include "xok/vcode/internal.h"

#define ALIGN8(n) (((n) + 7) & ~(size_t)7)

size_t vc_scratch_size(uint32_t ninsn)
{
	size_t n = ninsn;

	return ALIGN8(sizeof(struct vc_work)) + ALIGN8(n * sizeof(struct vc_state)) +
	       ALIGN8(n * sizeof(struct vc_val)) + 2 * ALIGN8(n * sizeof(uint16_t)) +
	       3 * ALIGN8(n * sizeof(uint8_t)) + vc_jit_scratch(ninsn);
}

static void *carve(uint8_t **at, size_t bytes)
{
	uint8_t *p = *at;

	*at += ALIGN8(bytes);
	return p;
}

/* States need no clearing: a leader's is written before VC_M_REACHED says that it may be read. */
static struct vc_work *work_init(const struct vc_prog *p, void *scratch, struct vc_report *rep)
{
	uint8_t *at = scratch;
	struct vc_work *w = carve(&at, sizeof(*w));
	size_t n = p->ninsn;

	memset(w, 0, sizeof(*w));
	w->p = p;
	w->rep = rep;
	w->state = carve(&at, n * sizeof(*w->state));
	w->ret = carve(&at, n * sizeof(*w->ret));
	w->fn = carve(&at, n * sizeof(*w->fn));
	w->leader = carve(&at, n * sizeof(*w->leader));
	w->mark = carve(&at, n * sizeof(*w->mark));
	w->depth = carve(&at, n * sizeof(*w->depth));
	w->returns = carve(&at, n * sizeof(*w->returns));
	w->jit = carve(&at, vc_jit_scratch(p->ninsn));
	memset(w->mark, 0, n * sizeof(*w->mark));
	memset(w->returns, 0, n * sizeof(*w->returns));
	return w;
}

struct vc_work *vc_work_of(void *scratch)
{
	return scratch;
}

/* A refusal before there is working memory. */
static int refuse_outright(const struct vc_prog *p, int reason, struct vc_report *rep)
{
	struct vc_work w = {.p = p, .rep = rep};

	return vc_refuse(&w, reason, 0, 0);
}

/* What stands beside the instructions: entries, the promise to the dispatcher, memory. 0 or the reason. */
static int check_frame(const struct vc_prog *p)
{
	if (p->nentry == 0 || p->nentry > VC_ENTRIES_MAX)
		return VC_BAD_JUMP;
	/* No window would ever be that long. */
	if (p->kind->max_window && p->min_window > p->kind->max_window)
		return VC_WINDOW_BOUNDS;
	/* Generated code compares with lengths as signed 32-bit constants. */
	if (p->rodata_len > INT32_MAX || p->data_len > INT32_MAX)
		return VC_DATA_BOUNDS;
	if (p->ntable > VC_TABLES_MAX)
		return VC_BAD_TABLE;
	for (uint32_t n = 0; n < p->ntable; n++)
		if (p->table_bytes[n] > INT32_MAX)
			return VC_BAD_TABLE;
	return 0;
}

int vc_verify(const struct vc_prog *p, void *scratch, size_t scratch_len, struct vc_report *rep)
{
	struct vc_work *w;
	int r;

	memset(rep, 0, sizeof(*rep));
	if (p->ninsn == 0 || p->ninsn > VC_INSNS_MAX || scratch_len < vc_scratch_size(p->ninsn))
		return refuse_outright(p, VC_TOO_LONG, rep);
	r = check_frame(p);
	if (r)
		return refuse_outright(p, r, rep);
	w = work_init(p, scratch, rep);
	r = vc_structure(w);
	return r ? r : vc_flow(w);
}
