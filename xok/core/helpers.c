/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helpers.c - what handlers may call (xok/helpers.def). Memory arguments come checked for their
 * whole size, everything else as the program left it.
 */
#include "kernel.h"

#define NO ((uint64_t)-1)
#define STOP_BUDGET 1 /* the only reason for which one of these stops a run */

static struct prog_run *run_of(const struct vc_run *r)
{
	return r->user;
}

static const struct prog *prog_of(const struct vc_run *r)
{
	return run_of(r)->prog;
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
static struct table *table_of(const struct prog *p, uint64_t n, uint32_t type, bool write)
{
	if (n >= p->ntable || (write && !(p->writable & 1u << n)))
		return NULL;
	return p->x->table_info[p->table[n]].spec.type == type ? &p->x->table[p->table[n]] : NULL;
}

static struct xok_table_info *info_of(const struct prog *p, uint64_t n)
{
	return &p->x->table_info[p->table[n]];
}

#define ANY __attribute__((unused)) uint64_t
#define HELP(name) static uint64_t help_##name(struct vc_run *r, ANY a, ANY b, ANY c, ANY d, ANY e)

HELP(spent)
{
	return (uint64_t)(run_of(r)->given - r->budget);
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
	uint8_t *buffer = run_of(r)->cpu->packet;
	uint8_t *to = (uint8_t *)a;
	uint32_t offset = (uint32_t)c;

	if (b > r->window_len || offset > r->window_len - b)
		return NO;
	if (!charge(r, b / 8))
		return 0;
	const uint8_t *from = r->window + offset;
	uint32_t sum = checksum(from, b);
	if (to < from + b && from < to + b) {
		memcpy(buffer, from, b);
		from = buffer;
	}
	memcpy(to, from, b);
	return sum;
}

HELP(table_get)
{
	const struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, false);

	if (!t || c != info_of(p, a)->spec.key_size || e != info_of(p, a)->spec.value_size)
		return NO;
	return tbl_hash_get(t->mem, (const void *)b, (void *)d) ? NO : 0;
}

HELP(table_set)
{
	const struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, true);

	if (!t || c != info_of(p, a)->spec.key_size || e != info_of(p, a)->spec.value_size)
		return NO;
	lock(p->x, &t->lock);
	int rc = tbl_hash_set(t->mem, (const void *)b, (const void *)d);
	info_of(p, a)->used = tbl_used(t->mem);
	unlock(p->x, &t->lock);
	return rc ? NO : 0;
}

HELP(table_delete)
{
	const struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_HASH, true);

	if (!t || c != info_of(p, a)->spec.key_size)
		return NO;
	lock(p->x, &t->lock);
	int rc = tbl_hash_delete(t->mem, (const void *)b);
	info_of(p, a)->used = tbl_used(t->mem);
	unlock(p->x, &t->lock);
	return rc ? NO : 0;
}

/* How to look up in the table behind a handle, or NULL: there is none. */
static const struct lookup *lookup_of(const struct vc_run *r, uint64_t n)
{
	return n < XOK_PROG_TABLES ? &run_of(r)->lookup[n] : NULL;
}

HELP(lpm4)
{
	const struct lookup *l = lookup_of(r, a);

	return l && l->four ? (uint64_t)(int64_t)l->four(l->self, (uint32_t)b) : NO;
}

HELP(lpm6)
{
	const struct lookup *l = lookup_of(r, a);

	return l && l->six && c == 16 ? (uint64_t)(int64_t)l->six(l->self, (const uint8_t *)b) : NO;
}

/* To take is to write: whoever takes leaves less for the others. */
HELP(bucket)
{
	const struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_BUCKET, true);

	if (!t)
		return NO;
	lock(p->x, &t->lock);
	int rc = tbl_bucket_take(t->mem, (uint32_t)b, (uint32_t)c, run_of(r)->ctx.time);
	unlock(p->x, &t->lock);
	return rc < 0 ? NO : (uint64_t)rc;
}

HELP(emit)
{
	const struct prog *p = prog_of(r);
	struct table *t = table_of(p, a, XOK_TABLE_RING, true);

	if (!t || c != info_of(p, a)->spec.value_size)
		return NO;
	lock(p->x, &t->lock);
	bool put = tbl_ring_put(t->mem, &t->head, (const void *)b);
	unlock(p->x, &t->lock);
	/* Of a table that was given back nobody is waiting for records. */
	struct xok_env *reader = __atomic_load_n(&t->reader, __ATOMIC_RELAXED);
	if (put && reader)
		env_post(p->x, reader, XOK_EV_RECORD);
	return put ? 0 : NO;
}

HELP(wake)
{
	uint32_t bits = (uint32_t)a;

	if (!bits || (bits & (XOK_EV_USER - 1)))
		return NO;
	env_post(prog_of(r)->x, prog_of(r)->env, bits);
	return 0;
}

HELP(send)
{
	const struct prog *p = prog_of(r);
	uint32_t port = (uint32_t)a;

	if (port >= 32 || !(p->ports & 1u << port) || !port_usable(p->x, port, c))
		return NO;
	return port_send(run_of(r)->cpu, port, (const void *)b, c) ? NO : 0;
}

/*
 * The callee sees its part of the packet and nothing of the caller. The caller pays for what the
 * callee spends and for its toll, so that its own budget still bounds the time of all.
 */
HELP(call)
{
	struct prog_run *from = run_of(r), *to;
	const struct prog *p = from->prog, *q;
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
	to = &from->cpu->run[q - p->x->prog];
	if (!rate_open(&to->rate, from->ctx.time)) {
		count(&to->info->throttled, 1);
		return NO;
	}
	to->ctx.port = from->ctx.port;
	to->ctx.time = from->ctx.time;
	to->ctx.filter = from->ctx.filter;
	to->limit = 0;
	struct vc_end end;
	int why = prog_exec(to, r->window + offset, len, give - q->toll, &end);
	int64_t cost = give - end.left;
	r->budget -= cost;
	to->rate.left -= cost;
	count(&to->info->runs, 1);
	count(&to->info->units, (uint64_t)(cost - q->toll));
	if (why)
		prog_stopped(to, why);
	return why || (int64_t)end.r0 < 0 ? NO : end.r0;
}

HELP(trim)
{
	struct prog_run *q = run_of(r);
	uint32_t len = (uint32_t)a;

	if (!q->limit || len < XOK_FRAME_MIN || len > q->ctx.len)
		return NO;
	q->limit = len;
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
