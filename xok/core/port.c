/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - network ports: what arrives, what leaves, and a counter for every packet that goes no
 * further.
 */
#include "kernel.h"

struct xok_port_info *xok_port(struct xok *x, uint32_t port)
{
	return &x->port[port];
}

void xok_port_up(struct xok *x, uint32_t port, const uint8_t mac[6], uint16_t mtu)
{
	memcpy(x->port[port].mac, mac, 6);
	x->port[port].mtu = mtu;
	x->port[port].up = 1;
}

void xok_port_link(struct xok *x, uint32_t port, bool up)
{
	__atomic_store_n(&x->port[port].up, up, __ATOMIC_RELAXED);
}

void xok_port_name(struct xok *x, uint32_t port, const char *name, uint32_t flags, uint32_t twin)
{
	struct xok_port_info *p = &x->port[port];

	memset(p->name, 0, sizeof(p->name));
	name_copy(p->name, sizeof(p->name), name, sizeof(p->name));
	p->flags = flags;
	p->twin = twin;
}

/* ---- what arrives ---- */

/* Less than an Ethernet header, or more than a slot was made for: a device's mistake, or its lie. */
static inline bool good_length(size_t len)
{
	return len - XOK_FRAME_MIN <= XOK_FRAME_MAX - XOK_FRAME_MIN;
}

/* Puts a packet into its filter's ring. Returns whom to tell, or NULL: it is full. */
static inline struct xok_env *put(struct cpu *c, uint32_t index, const struct arrival *a,
				  const void *data)
{
	struct xok_env *e = &c->x->env[index / XOK_ENV_FILTERS];

	if (!ring_put(c->x, e->ring[c->x->filter[index].ring], a, data)) {
		count(&c->port[a->port].rx_ring_full, 1);
		return NULL;
	}
	__atomic_fetch_add(&e->info->packets, 1, __ATOMIC_RELAXED);
	return e;
}

/* Of these packets of a filter, puts those into its ring that go there. */
static void deliver(struct cpu *c, uint32_t index, struct arrival *a, struct xok_packet *k,
		    uint32_t n)
{
	struct xok_env *to = NULL, *e;

	for (struct xok_packet *end = k + n; k < end; k++) {
		if (k->fate != XOK_FATE_RING)
			continue;
		a->len = (uint16_t)k->len;
		e = put(c, index, a, k->frame);
		if (e)
			to = e;
		else
			k->fate = XOK_FATE_RING_FULL;
	}
	if (to)
		env_post(c->x, to, XOK_EV_PACKET);
}

/* Packets that the same filter claims, the one with this index. */
static void claimed(struct cpu *c, uint32_t index, uint32_t port, uint64_t now,
		    struct xok_packet *k, uint32_t n)
{
	struct xok *x = c->x;
	const struct filter *f = &x->filter[index];
	struct arrival a = {.port = (uint16_t)port, .filter = filter_id(x, index), .time = now};
	uint32_t prog = __atomic_load_n(&f->prog, __ATOMIC_ACQUIRE), ring = n;

	if (prog) {
		count(&c->port[port].rx_handled, n);
		ring = handler_burst(&c->run[prog - 1], &a, k, n);
	} else {
		for (uint32_t i = 0; i < n; i++)
			k[i].fate = XOK_FATE_RING;
	}
	if (ring)
		deliver(c, index, &a, k, n);
}

/* The index of the filter that a demultiplexer's answer leads to, or DPF_NONE. */
static inline uint32_t filter_of(const struct demux *d, uint32_t bound)
{
	return bound == DPF_NONE ? DPF_NONE
				 : __atomic_load_n(&d->bind[bound], __ATOMIC_ACQUIRE) - 1u;
}

/* A packet of a filter with a handler, sent on if it leaves. True: it goes on to the ring. */
static bool handled(struct xok *x, struct prog_run *q, struct arrival *a, void *frame)
{
	struct xok_packet k;

	k.frame = frame;
	k.len = a->len;
	k.out = XOK_OUT_NONE;
	bool ring = handler_burst(q, a, &k, 1);
	if (k.out != XOK_OUT_NONE && x->ops->transmit(x->m, k.out, frame, k.len))
		xok_unsent(x, x->ncpu, &k);
	x->info->handler_ns += x->ops->now(x->m) - a->time;
	a->len = (uint16_t)k.len;
	return ring;
}

void xok_packet_in(struct xok *x, uint32_t port, void *frame, size_t len)
{
	struct cpu *c = x->own;
	struct xok_port_info *p = &x->port[port];

	if (!good_length(len)) {
		p->rx_bad_length++;
		return;
	}
	p->rx_packets++;
	p->rx_bytes += len;
	uint32_t index = filter_of(&x->demux[port], dpf_match(x->demux[port].dpf, frame, len));
	if (index == DPF_NONE) {
		p->rx_no_filter++;
		return;
	}
	struct arrival a = {(uint16_t)len, (uint16_t)port, filter_id(x, index), x->ops->now(x->m)};
	uint32_t prog = x->filter[index].prog;
	if (prog) {
		p->rx_handled++;
		if (!handled(x, &c->run[prog - 1], &a, frame))
			return;
	}
	struct xok_env *e = put(c, index, &a, frame);
	if (e)
		env_post(x, e, XOK_EV_PACKET);
}

/* Those that the demultiplexer has no filter for; or that it was not asked about: length 0. */
static void unclaimed(struct cpu *c, uint32_t port, const uint16_t *len, struct xok_packet *k,
		      uint32_t n)
{
	uint64_t bad = 0;

	for (uint32_t i = 0; i < n; i++) {
		k[i].fate = len[i] ? XOK_FATE_NO_FILTER : XOK_FATE_BAD_LENGTH;
		bad += !len[i];
	}
	count(&c->port[port].rx_bad_length, bad);
	count(&c->port[port].rx_no_filter, n - bad);
}

/* At most XOK_BURST packets. */
static void burst(struct cpu *c, uint32_t port, uint64_t now, struct xok_packet *k, uint32_t n)
{
	const struct demux *d = &c->x->demux[port];
	const uint8_t *frame[XOK_BURST];
	uint32_t bound[XOK_BURST], good = 0;
	uint16_t len[XOK_BURST];
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool ok = good_length(k[i].len);

		frame[i] = k[i].frame;
		len[i] = (uint16_t)(ok ? k[i].len : 0);
		good += ok;
		bytes += len[i];
		k[i].out = XOK_OUT_NONE;
		k[i].prog = 0;
		k[i].reason = 0;
	}
	count(&c->port[port].rx_packets, good);
	count(&c->port[port].rx_bytes, bytes);
	dpf_match_burst(__atomic_load_n(&d->dpf, __ATOMIC_ACQUIRE), frame, len, n, bound);
	for (uint32_t i = 0; good < n && i < n; i++)
		if (!len[i])
			bound[i] = DPF_NONE;
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && bound[end] == bound[i]; end++)
			;
		uint32_t index = filter_of(d, bound[i]);
		if (index == DPF_NONE)
			unclaimed(c, port, &len[i], &k[i], end - i);
		else
			claimed(c, index, port, now, &k[i], end - i);
	}
}

void xok_burst(struct xok *x, uint32_t cpu, uint32_t port, uint64_t now, struct xok_packet *p,
	       uint32_t n)
{
	for (uint32_t some; n; n -= some, p += some) {
		some = n < XOK_BURST ? n : XOK_BURST;
		burst(&x->cpu[cpu], port, now, p, some);
	}
}

/* ---- what leaves ---- */

void xok_unsent(struct xok *x, uint32_t cpu, const struct xok_packet *p)
{
	struct cpu *c = &x->cpu[cpu];
	struct xok_port_info *port = &c->port[p->out];

	count(&port->tx_packets, (uint64_t)-1);
	count(&port->tx_bytes, -(uint64_t)p->len);
	count(&port->tx_full, 1);
	/* A frame that an environment or a helper sent is no handler's verdict. */
	if (!p->prog)
		return;
	struct xok_prog_info *prog = &c->prog_info[p->prog - 1];
	count(p->fate == XOK_FATE_REPLIED ? &prog->replied : &prog->forwarded, (uint64_t)-1);
	count(&prog->tx_full, 1);
}

/* Sends a frame, where port_usable: XOK_OK or XOK_EAGAIN. */
int port_send(struct cpu *c, uint32_t port, const void *frame, size_t len)
{
	struct xok_port_info *p = &c->port[port];
	int rc = c->x->ops->transmit(c->x->m, port, frame, len);

	if (rc) {
		count(&p->tx_full, 1);
		return rc;
	}
	count(&p->tx_packets, 1);
	count(&p->tx_bytes, len);
	return XOK_OK;
}

int64_t sys_transmit(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_iov *iov = a[2].in;
	uint8_t *packet = x->own->packet;
	uint32_t port = (uint32_t)a[1].raw, len = 0;
	uint64_t n = a[3].raw;

	if (port >= x->nport || !x->port[port].up)
		return XOK_ENOENT;
	const struct xok_port_info *p = &x->port[port];
	if (!cap_grants(a[0].cap, p->acl, XOK_NACL, XOK_W))
		return XOK_EPERM;
	if (n > XOK_NIOV)
		return XOK_EINVAL;
	uint32_t max = port_longest(p);
	/* Each part is bounded before it is added. */
	for (const struct xok_iov *part = iov; part < iov + n; part++) {
		if (part->len > max - len)
			return XOK_EINVAL;
		if (part->len && x->ops->copyin(x->m, e->root, packet + len, part->base, part->len))
			return XOK_EFAULT;
		len += (uint32_t)part->len;
	}
	if (len < XOK_FRAME_MIN)
		return XOK_EINVAL;

	return port_send(x->own, port, packet, len);
}
