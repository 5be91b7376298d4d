/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helpers.c - what handlers may call (xok/helpers.def). Memory arguments come checked for their
 * whole size, everything else as the program left it.
 */
#include "kernel.h"

#define NO ((uint64_t)-1)
#define STOP_BUDGET 1 /* the only reason for which one of these stops a run */

static struct prog *prog_of(const struct vc_run *r)
{
	return r->user;
}

/* Charges what depends on a length. False: the budget does not cover it, and the run is over. */
static bool charge(struct vc_run *r, uint64_t units)
{
	if (r->budget < (int64_t)units) {
		r->stop = STOP_BUDGET;
		return false;
	}
	r->budget -= (int64_t)units;
	return true;
}

/* The table behind a handle, when it is of that type, and may be written if that is meant. */
static struct table *table_of(struct prog *p, uint64_t n, uint32_t type, bool write)
{
	if (n >= p->ntable || (write && !(p->writable & 1u << n)))
		return NULL;
	return p->x->table_info[p->table[n]].spec.type == type ? &p->x->table[p->table[n]] : NULL;
}

static struct xok_table_info *info_of(struct prog *p, uint64_t n)
{
	return &p->x->table_info[p->table[n]];
}

#define ANY __attribute__((unused)) uint64_t
#define HELP(name) static uint64_t help_##name(struct vc_run *r, ANY a, ANY b, ANY c, ANY d, ANY e)

HELP(spent)
{
	return (uint64_t)(prog_of(r)->given - r->budget);
}

HELP(queue)
{
	const struct xok *x = prog_of(r)->x;
	uint32_t port = (uint32_t)a;

	return port < x->nport ? x->port[port].txq : NO;
}

HELP(checksum)
{
	return charge(r, b / 8) ? checksum((const void *)a, b) : 0;
}

/* What the program copies may lie in the packet itself, so that the parts overlap. */
HELP(vector)
{
	struct prog *p = prog_of(r);
	uint8_t *to = (uint8_t *)a;
	uint32_t offset = (uint32_t)c;

	if (b > r->window_len || offset > r->window_len - b)
		return NO;
	if (!charge(r, b / 8))
		return 0;
	const uint8_t *from = r->window + offset;
	uint32_t sum = checksum(from, b);
	if (to < from + b && from < to + b) {
		memcpy(p->x->tx, from, b);
		from = p->x->tx;
	}
	memcpy(to, from, b);
	return sum;
}

HELP(table_get)
{
	struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, false);

	if (!t || c != info_of(p, a)->spec.key_size || e != info_of(p, a)->spec.value_size)
		return NO;
	return tbl_hash_get(t->mem, (const void *)b, (void *)d) ? NO : 0;
}

HELP(table_set)
{
	struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, true);

	if (!t || c != info_of(p, a)->spec.key_size || e != info_of(p, a)->spec.value_size)
		return NO;
	int rc = tbl_hash_set(t->mem, (const void *)b, (const void *)d);
	info_of(p, a)->used = tbl_used(t->mem);
	return rc ? NO : 0;
}

HELP(table_delete)
{
	struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, true);

	if (!t || c != info_of(p, a)->spec.key_size || tbl_hash_delete(t->mem, (const void *)b))
		return NO;
	info_of(p, a)->used = tbl_used(t->mem);
	return 0;
}

HELP(lpm4)
{
	struct table *t = table_of(prog_of(r), a, XOK_TABLE_LPM4, false);

	return t ? (uint64_t)(int64_t)prog_of(r)->x->lpm->lookup4(t->lpm, (uint32_t)b) : NO;
}

HELP(lpm6)
{
	struct table *t = table_of(prog_of(r), a, XOK_TABLE_LPM6, false);

	return t && c == 16
		       ? (uint64_t)(int64_t)prog_of(r)->x->lpm->lookup6(t->lpm, (const uint8_t *)b)
		       : NO;
}

/* To take is to write: whoever takes leaves less for the others. */
HELP(bucket)
{
	struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_BUCKET, true);

	if (!t)
		return NO;
	int rc = tbl_bucket_take(t->mem, (uint32_t)b, (uint32_t)c, p->ctx.time);
	return rc < 0 ? NO : (uint64_t)rc;
}

HELP(emit)
{
	struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_RING, true);

	if (!t || c != info_of(p, a)->spec.value_size ||
	    !tbl_ring_put(t->mem, &t->head, (const void *)b))
		return NO;
	/* Of a table that was given back nobody is waiting for records. */
	if (!t->released)
		env_post(env_by_id(p->x, info_of(p, a)->owner), XOK_EV_RECORD);
	return 0;
}

HELP(wake)
{
	uint32_t bits = (uint32_t)a;

	if (!bits || (bits & (XOK_EV_USER - 1)))
		return NO;
	env_post(prog_of(r)->env, bits);
	return 0;
}

HELP(send)
{
	struct prog *p = prog_of(r);
	uint32_t port = (uint32_t)a;

	if (port >= 32 || !(p->info->ports & 1u << port) || !port_usable(p->x, port, c))
		return NO;
	return port_send(p->x, port, (const void *)b, c) ? NO : 0;
}

/*
 * The callee sees its part of the packet and nothing of the caller. The caller pays for what the
 * callee spends and for its toll, so that its own budget still bounds the time of all.
 */
HELP(call)
{
	struct prog *p = prog_of(r), *q;
	uint32_t offset = (uint32_t)b, len = (uint32_t)c;
	int64_t give = (uint32_t)d;

	if ((uint32_t)a >= p->ncallee)
		return NO;
	q = p->callee[(uint32_t)a];
	if (len > r->window_len || offset > r->window_len - len || len < q->min_len)
		return NO;
	if (give > r->budget)
		give = r->budget;
	if (give < q->toll)
		return NO;
	if (!rate_open(&q->rate, p->ctx.time)) {
		q->info->throttled++;
		return NO;
	}
	q->ctx.port = p->ctx.port;
	q->ctx.time = p->ctx.time;
	q->ctx.filter = p->ctx.filter;
	q->limit = 0;
	int why = prog_run(q, r->window + offset, len, give - q->toll);
	int64_t cost = give - q->run.budget;
	r->budget -= cost;
	q->rate.left -= cost;
	return why || (int64_t)q->run.r0 < 0 ? NO : q->run.r0;
}

HELP(trim)
{
	struct prog *p = prog_of(r);
	uint32_t len = (uint32_t)a;

	if (!p->limit || len < XOK_FRAME_MIN || len > p->ctx.len)
		return NO;
	p->limit = len;
	return 0;
}

const vc_helper_fn handler_fns[VC_NHELPER] = {
	[VC_HELPER_spent] = help_spent,
	[VC_HELPER_queue] = help_queue,
	[VC_HELPER_checksum] = help_checksum,
	[VC_HELPER_vector] = help_vector,
	[VC_HELPER_table_get] = help_table_get,
	[VC_HELPER_table_set] = help_table_set,
	[VC_HELPER_table_delete] = help_table_delete,
	[VC_HELPER_lpm4] = help_lpm4,
	[VC_HELPER_lpm6] = help_lpm6,
	[VC_HELPER_bucket] = help_bucket,
	[VC_HELPER_emit] = help_emit,
	[VC_HELPER_wake] = help_wake,
	[VC_HELPER_send] = help_send,
	[VC_HELPER_call] = help_call,
	[VC_HELPER_trim] = help_trim,
};
