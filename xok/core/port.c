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

void xok_packet_in(struct xok *x, uint32_t port, const void *frame, size_t len)
{
	struct xok_port_info *p = &x->port[port];
	struct xok_slot head = {.len = (uint16_t)len, .port = (uint16_t)port};
	struct ring *r;

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
	uint32_t bound = dpf_match(x->demux[port].dpf, frame, len);
	struct xok_env *e = bound == DPF_NONE ? NULL
					      : filter_target(x, port, bound, &head.filter, &r);

	if (!e) {
		p->rx_no_filter++;
		return;
	}
	head.time = x->ops->now(x->m);
	if (!ring_put(x, e, r, &head, frame))
		p->rx_ring_full++;
}

/*
 * The length of the frame that the parts make, or an error. Each part is bounded before it is
 * added.
 */
static int64_t gather_length(const struct xok_iov *iov, uint64_t n, uint32_t max)
{
	uint64_t len = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (iov[i].len > max - len)
			return XOK_EINVAL;
		len += iov[i].len;
	}
	return len < XOK_FRAME_MIN ? XOK_EINVAL : (int64_t)len;
}

int64_t sys_transmit(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_iov *iov = a[2].in;
	uint32_t port = (uint32_t)a[1].raw, len = 0;
	uint64_t n = a[3].raw;

	if (port >= x->nport || !x->port[port].up)
		return XOK_ENOENT;
	struct xok_port_info *p = &x->port[port];
	if (!cap_grants(a[0].cap, p->acl, XOK_NACL, XOK_W))
		return XOK_EPERM;
	if (n > XOK_NIOV)
		return XOK_EINVAL;
	uint32_t max = p->mtu + XOK_FRAME_MIN;
	int64_t rc = gather_length(iov, n, max < XOK_FRAME_MAX ? max : XOK_FRAME_MAX);
	if (rc < 0)
		return rc;
	for (uint64_t i = 0; i < n; i++) {
		if (!iov[i].len)
			continue;
		rc = x->ops->copyin(x->m, e->root, x->tx + len, iov[i].base, iov[i].len);
		if (rc)
			return rc;
		len += (uint32_t)iov[i].len;
	}

	rc = x->ops->transmit(x->m, port, x->tx, len);
	if (rc) {
		p->tx_full++;
		return rc;
	}
	p->tx_packets++;
	p->tx_bytes += len;
	return XOK_OK;
}
