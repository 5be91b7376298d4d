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

/* The index of the filter that claims the packet, or DPF_NONE. */
static uint32_t claimed_by(const struct demux *d, const void *frame, size_t len)
{
	uint32_t bound = dpf_match(d->dpf, frame, len);

	return bound == DPF_NONE ? DPF_NONE : d->bind[bound] - 1u;
}

void xok_packet_in(struct xok *x, uint32_t port, void *frame, size_t len)
{
	struct xok_port_info *p = &x->port[port];

	/*
	 * Less than an Ethernet header, or more than a slot was made for: a device's mistake, or
	 * its lie.
	 */
	if (len < XOK_FRAME_MIN || len > XOK_FRAME_MAX) {
		p->rx_bad_length++;
		return;
	}
	p->rx_packets++;
	p->rx_bytes += len;
	uint32_t index = claimed_by(&x->demux[port], frame, len);
	if (index == DPF_NONE) {
		p->rx_no_filter++;
		return;
	}
	const struct filter *f = &x->filter[index];
	struct xok_env *e = &x->env[index / XOK_ENV_FILTERS];
	struct arrival a = {(uint16_t)len, (uint16_t)port, filter_id(x, index), x->ops->now(x->m)};

	if (f->prog) {
		p->rx_handled++;
		bool pass = handler_packet(&x->prog[f->prog - 1u], frame, &a);
		x->info->handler_ns += x->ops->now(x->m) - a.time;
		if (!pass)
			return;
	}
	if (!ring_put(e, e->ring[f->ring], &a, frame))
		p->rx_ring_full++;
}

/* Sends a frame, where port_usable: XOK_OK or XOK_EAGAIN. */
int port_send(struct xok *x, uint32_t port, const void *frame, size_t len)
{
	struct xok_port_info *p = &x->port[port];
	int rc = x->ops->transmit(x->m, port, frame, len);

	if (rc) {
		p->tx_full++;
		return rc;
	}
	p->tx_packets++;
	p->tx_bytes += len;
	return XOK_OK;
}

int64_t sys_transmit(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_iov *iov = a[2].in;
	uint32_t port = (uint32_t)a[1].raw, len = 0;
	uint64_t n = a[3].raw;

	if (port >= x->nport || !x->port[port].up)
		return XOK_ENOENT;
	const struct xok_port_info *p = &x->port[port];
	if (!cap_grants(a[0].cap, p->acl, XOK_NACL, XOK_W))
		return XOK_EPERM;
	if (n > XOK_NIOV)
		return XOK_EINVAL;
	uint32_t max = p->mtu + XOK_FRAME_MIN;
	if (max > XOK_FRAME_MAX)
		max = XOK_FRAME_MAX;
	/* Each part is bounded before it is added. */
	for (const struct xok_iov *part = iov; part < iov + n; part++) {
		if (part->len > max - len)
			return XOK_EINVAL;
		if (part->len && x->ops->copyin(x->m, e->root, x->tx + len, part->base, part->len))
			return XOK_EFAULT;
		len += (uint32_t)part->len;
	}
	if (len < XOK_FRAME_MIN)
		return XOK_EINVAL;

	return port_send(x, port, x->tx, len);
}
