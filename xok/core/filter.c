/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.c - which environment's ring a packet goes to. One demultiplexer a port; a filter for
 * XOK_PORT_ANY stands in each.
 *
 * A filter's id is its generation and its index, so that the id of a removed one names nobody
 * else's.
 */
#include "kernel.h"

#define GENERATIONS (1u << 20) /* ids stay below 2^31 */

_Static_assert(XOK_NFILTER == 1u << FILTER_INDEX_BITS, "the index fits its bits");
_Static_assert(XOK_NFILTER < UINT16_MAX, "demux.bind holds index + 1");

/* The index of the filter an id names. */
int filter_find(const struct xok *x, uint32_t id, uint32_t *index)
{
	uint32_t i = id & (XOK_NFILTER - 1);

	*index = i;
	if (x->filter[i].nports && filter_id(x, i) == id)
		return XOK_OK;
	return id >> FILTER_INDEX_BITS && id >> FILTER_INDEX_BITS <= x->filter[i].gen ? XOK_ESTALE
										      : XOK_ENOENT;
}

/* The environment's filters together cost one frame of its quota. */
static void count_filter(struct xok_env *e)
{
	if (!e->nfilter++)
		e->info->frames++;
}

static void uncount_filter(struct xok_env *e)
{
	if (!--e->nfilter)
		e->info->frames--;
}

/* One port less holds the filter; the last one takes it with it, and its handler's binding. */
static void unhold(struct xok *x, uint32_t index)
{
	if (--x->filter[index].nports)
		return;
	uncount_filter(&x->env[index / XOK_ENV_FILTERS]);
	prog_unref(x, x->filter[index].prog);
	x->filter[index].prog = 0;
}

static void demux_remove(struct demux *d, uint32_t bound)
{
	dpf_remove(d->dpf, bound);
	d->bind[bound] = 0;
}

/* Removes a filter from every port that holds it. */
static void filter_drop(struct xok *x, uint32_t index)
{
	for (uint32_t p = 0; p < x->nport && x->filter[index].nports; p++) {
		for (uint32_t b = 0; b < XOK_NFILTER; b++) {
			if (x->demux[p].bind[b] != index + 1)
				continue;
			demux_remove(&x->demux[p], b);
			x->port[p].nfilter--;
			unhold(x, index);
			break;
		}
	}
}

/* Removes the filters of e that end in the ring. */
void filters_drop(struct xok *x, struct xok_env *e, uint32_t ring)
{
	uint32_t first = env_index(x, e) * XOK_ENV_FILTERS;

	for (uint32_t i = first; i < first + XOK_ENV_FILTERS; i++)
		if (x->filter[i].nports && x->filter[i].ring == ring)
			filter_drop(x, i);
}

static bool on_port(const struct xok_filter *f, uint32_t port)
{
	return f->port == XOK_PORT_ANY || (uint32_t)f->port == port;
}

static bool may_replace(const struct xok *x, uint16_t bound_to, const struct xok_cap *k)
{
	return cap_dominates(k, &x->filter[bound_to - 1u].cap);
}

/*
 * A few large filters can fill a demultiplexer. Its last quarter is the root environment's, so that
 * no other with access to the port can lock it out.
 */
static bool too_full(const struct demux *d, const struct xok_env *e)
{
	struct dpf_stats s;

	dpf_stats(d->dpf, &s);
	return e->info->parent && s.bytes_used > s.bytes_total - s.bytes_total / XOK_ROOT_PART;
}

/*
 * Puts the filter into one port's demultiplexer, or finds the equal one there that k may replace.
 */
static int try_port(struct demux *d, const struct xok *x, const struct xok_env *e,
		    const struct xok_filter *f, const struct xok_cap *k)
{
	uint32_t b = 0, equal;

	while (b < XOK_NFILTER && d->bind[b])
		b++;
	if (b == XOK_NFILTER)
		return XOK_ENOMEM;
	int rc = dpf_insert(d->dpf, f, b, &equal);

	d->equal = rc == DPF_EEXIST;
	d->tried = d->equal ? equal : b;
	if (d->equal && !may_replace(x, d->bind[equal], k))
		return XOK_EBUSY;
	if (d->equal)
		return XOK_OK;
	if (!rc && too_full(d, e)) {
		demux_remove(d, b);
		return XOK_ENOMEM;
	}
	return rc == DPF_ENOMEM ? XOK_ENOMEM : rc ? XOK_EINVAL : XOK_OK;
}

/*
 * Tries all ports of a filter. Compiling is the one step that may fail, for lack of room: so it is
 * done before anything else changes, and taken back where it succeeded.
 */
static int try_ports(struct xok *x, const struct xok_env *e, const struct xok_filter *f,
		     const struct xok_cap *k)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		int rc = on_port(f, p) ? try_port(&x->demux[p], x, e, f, k) : XOK_OK;

		if (!rc)
			continue;
		while (p-- > 0)
			if (on_port(f, p) && !x->demux[p].equal)
				demux_remove(&x->demux[p], x->demux[p].tried);
		return rc;
	}
	return XOK_OK;
}

/* Leads every port that was tried to filter `index`; who was there before loses it. */
static void bind_ports(struct xok *x, const struct xok_filter *f, uint32_t index)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];

		if (!on_port(f, p))
			continue;
		if (d->equal)
			unhold(x, d->bind[d->tried] - 1u);
		else
			x->port[p].nfilter++;
		d->bind[d->tried] = (uint16_t)(index + 1);
		x->filter[index].nports++;
	}
}

static int filter_check(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_filter *f = a[1].in;

	if (f->port != XOK_PORT_ANY && (f->port < 0 || (uint32_t)f->port >= x->nport))
		return XOK_ENOENT;
	if (f->natoms > XOK_FILTER_ATOMS || dpf_check(f))
		return XOK_EINVAL;
	for (uint32_t p = 0; p < x->nport; p++)
		if (on_port(f, p) && !cap_grants(a[0].cap, x->port[p].acl, XOK_NACL, XOK_R))
			return XOK_EPERM;
	if (!x->nport || !ring_of(e, (uint32_t)a[2].raw))
		return XOK_ENOENT;
	if (e->nfilter == XOK_ENV_FILTERS)
		return XOK_EQUOTA;
	return e->nfilter ? XOK_OK : frame_room(x, e, 1);
}

int64_t sys_filter_insert(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_filter *f = a[1].in;
	uint32_t i = env_index(x, e) * XOK_ENV_FILTERS;

	int rc = filter_check(x, e, a);
	if (!rc)
		rc = try_ports(x, e, f, a[0].cap);
	if (rc)
		return rc;

	while (x->filter[i].nports)
		i++;
	uint32_t gen = x->filter[i].gen + 1;
	x->filter[i] = (struct filter){
		.cap = *a[0].cap,
		.ring = (uint32_t)a[2].raw,
		.gen = gen < GENERATIONS ? gen : 1,
	};
	count_filter(e);
	bind_ports(x, f, i);
	return filter_id(x, i);
}

int64_t sys_filter_remove(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t i;
	(void)e;

	int rc = filter_find(x, (uint32_t)a[1].raw, &i);
	if (rc)
		return rc;
	if (!cap_dominates(a[0].cap, &x->filter[i].cap))
		return XOK_EPERM;

	filter_drop(x, i);
	return XOK_OK;
}
