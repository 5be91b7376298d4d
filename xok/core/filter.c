/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.c - which environment's ring a packet goes to. One demultiplexer a port, kept twice where
 * several processors match; a filter for XOK_PORT_ANY stands in each.
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

/* Binds a handler, index + 1, or none. Who loses its last binding may still be at work: quiesce. */
void filter_handler(struct xok *x, uint32_t index, uint16_t prog)
{
	uint16_t old = x->filter[index].prog;

	prog_ref(x, prog);
	__atomic_store_n(&x->filter[index].prog, prog, __ATOMIC_RELEASE);
	prog_unref(x, old);
}

/* One port less holds the filter; the last one takes it with it, and its handler's binding. */
static void unhold(struct xok *x, uint32_t index)
{
	if (--x->filter[index].nports)
		return;
	uncount_filter(&x->env[index / XOK_ENV_FILTERS]);
	filter_handler(x, index, 0);
}

/* ---- two demultiplexers ---- */

/*
 * Where other processors match packets, nothing that they may see is changed. The spare
 * demultiplexer of a port is, and then takes the other's place; when nobody can be in that one any
 * more, it is changed in the same way, and is the spare one from then on. `bind` serves both: an
 * entry is set before a demultiplexer that leads to it is seen, and cleared when none leads to it.
 *
 * The first quiesce is for the code that the change has written.
 */
static void publish(struct xok *x)
{
	if (!x->ncpu)
		return;
	quiesce(x);
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];
		struct dpf *before = d->dpf;

		if (!d->changed)
			continue;
		__atomic_store_n(&d->dpf, d->spare, __ATOMIC_RELEASE);
		d->spare = before;
	}
	quiesce(x);
}

static void bind(struct demux *d, uint32_t bound, uint32_t to)
{
	__atomic_store_n(&d->bind[bound], (uint16_t)to, __ATOMIC_RELEASE);
}

/* Takes filters that are `going` out of the spare demultiplexers. */
static void remove_going(struct xok *x)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];

		for (uint32_t b = 0; b < XOK_NFILTER; b++)
			if (d->bind[b] && x->filter[d->bind[b] - 1].going)
				d->changed |= !dpf_remove(d->spare, b);
	}
}

/* No demultiplexer leads to them any more. */
static void forget_going(struct xok *x)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];

		for (uint32_t b = 0; b < XOK_NFILTER; b++) {
			uint32_t index = d->bind[b] - 1u;

			if (!d->bind[b] || !x->filter[index].going)
				continue;
			bind(d, b, 0);
			x->port[p].nfilter--;
			unhold(x, index);
		}
		d->changed = false;
	}
}

/* Removes filters from every port that holds them. */
static void filters_remove(struct xok *x)
{
	remove_going(x);
	publish(x);
	if (x->ncpu)
		remove_going(x);
	forget_going(x);
}

/* Removes the filters of e that end in the ring. */
void filters_drop(struct xok *x, struct xok_env *e, uint32_t ring)
{
	uint32_t first = env_index(x, e) * XOK_ENV_FILTERS, n = 0;

	for (uint32_t i = first; i < first + XOK_ENV_FILTERS; i++) {
		struct filter *f = &x->filter[i];

		f->going = f->nports && f->ring == ring;
		n += f->going;
	}
	if (n)
		filters_remove(x);
}

/* ---- insertion ---- */

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
 * Puts the filter into one port's spare demultiplexer, or finds the equal one there that k may
 * replace.
 */
static int try_port(struct demux *d, const struct xok *x, const struct xok_env *e,
		    const struct xok_filter *f, const struct xok_cap *k)
{
	uint32_t b = 0, equal;

	while (b < XOK_NFILTER && d->bind[b])
		b++;
	if (b == XOK_NFILTER)
		return XOK_ENOMEM;
	int rc = dpf_insert(d->spare, f, b, &equal);

	d->equal = rc == DPF_EEXIST;
	d->tried = d->equal ? equal : b;
	d->changed = !rc;
	if (d->equal && !may_replace(x, d->bind[equal], k))
		return XOK_EBUSY;
	if (d->equal)
		return XOK_OK;
	if (!rc && too_full(d, e)) {
		dpf_remove(d->spare, b);
		d->changed = false;
		return XOK_ENOMEM;
	}
	return rc == DPF_ENOMEM ? XOK_ENOMEM : rc ? XOK_EINVAL : XOK_OK;
}

/* Takes what was tried out of the spare demultiplexers again. */
static void untry_ports(struct xok *x)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];

		if (d->changed)
			dpf_remove(d->spare, d->tried);
		d->changed = false;
	}
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
		untry_ports(x);
		return rc;
	}
	return XOK_OK;
}

/* Leads every port whose demultiplexer has got the filter to its index, or nowhere. */
static void bind_new(struct xok *x, uint32_t to)
{
	for (uint32_t p = 0; p < x->nport; p++)
		if (x->demux[p].changed)
			bind(&x->demux[p], x->demux[p].tried, to);
}

/*
 * The filter is in all spare demultiplexers: the others follow. What one could take the other can,
 * but for the pieces that its free memory happens to be in: then all of it is taken back.
 */
static int follow(struct xok *x, const struct xok_filter *f)
{
	uint32_t equal, p = 0;

	publish(x);
	for (; x->ncpu && p < x->nport; p++)
		if (x->demux[p].changed &&
		    dpf_insert(x->demux[p].spare, f, x->demux[p].tried, &equal))
			break;
	if (!x->ncpu || p == x->nport)
		return XOK_OK;
	while (p-- > 0)
		if (x->demux[p].changed)
			dpf_remove(x->demux[p].spare, x->demux[p].tried);
	publish(x);
	bind_new(x, 0);
	untry_ports(x);
	return XOK_ENOMEM;
}

/* Leads every port of the filter to it; who was there before, equal, loses it. */
static void bind_ports(struct xok *x, const struct xok_filter *f, uint32_t index)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];

		if (!on_port(f, p))
			continue;
		x->filter[index].nports++;
		x->port[p].nfilter += !d->equal;
		if (!d->equal)
			continue;
		uint32_t before = d->bind[d->tried] - 1u;
		bind(d, d->tried, index + 1);
		d->tried = before;
	}
	quiesce(x);
	for (uint32_t p = 0; p < x->nport; p++) {
		if (on_port(f, p) && x->demux[p].equal)
			unhold(x, x->demux[p].tried);
		x->demux[p].changed = false;
	}
}

/* The handler of an equal filter of the same environment, which the new one takes over as well. */
static uint16_t handler_before(const struct xok *x, const struct xok_filter *f,
			       const struct xok_env *e)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		const struct demux *d = &x->demux[p];
		uint32_t before = d->equal ? d->bind[d->tried] - 1u : 0;

		if (on_port(f, p) && d->equal && before / XOK_ENV_FILTERS == env_index(x, e))
			return x->filter[before].prog;
	}
	return 0;
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
		.spec = *f,
	};
	bind_new(x, i + 1);
	rc = follow(x, f);
	if (rc)
		return rc;
	filter_handler(x, i, handler_before(x, f, e));
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

	x->filter[i].going = true;
	filters_remove(x);
	return XOK_OK;
}
