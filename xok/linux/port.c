/* SPDX-License-Identifier: BSD-2-Clause */
/* port.c - all ports together: opened, told to the core, looked after, and sent through from the control thread. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "capture_lcore.h"
#include "port.h"

#define LINK_NS 250000000ull /* how often links are looked at */
#define LOSSES 4u	     /* and each so many times what devices have lost */
#define SPARE 1024u	     /* packets on the way inside, beside what devices hold */

struct ports {
	struct port port[XOKD_PORTS];
	uint32_t n;
	struct rte_mempool *pool;
	struct timer links;
	unsigned looks;
};

uint32_t ports_count(const struct xokd *d)
{
	return d->ports->n;
}

struct port *ports_at(const struct xokd *d, uint32_t i)
{
	return &d->ports->port[i];
}

/*
 * For devices that have no address of their own: one that is the same each time, and different for other nodes and ports. FNV-1a; bit 1 of the first byte
 * says that nobody assigned it.
 */
static void make_mac(const struct port *p, uint8_t mac[6])
{
	const char *part[] = {p->d->opt.name, "/", p->opt->name};
	uint64_t h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < 3; i++)
		for (const char *s = part[i]; *s; s++)
			h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ull;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)(h >> (16 + 8 * i));
	mac[0] = 0x02;
}

static bool has_mac(const uint8_t mac[6])
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) != 0;
}

static const struct port_ops *ops_of(enum device_kind kind)
{
	switch (kind) {
	case DEVICE_UNIX: return &port_unix;
	case DEVICE_TUN: return &port_tun;
	default: return &port_dpdk;
	}
}

static struct port *add_port(struct xokd *d, const struct option_port *o)
{
	struct port *p = &d->ports->port[d->ports->n];

	*p = (struct port){.opt = o,
			   .d = d,
			   .index = d->ports->n,
			   .fd = -1,
			   .id = UINT16_MAX,
			   .nrx = 1,
			   .ntx = 1};
	d->ports->n++;
	return p;
}

static int open_port(struct xokd *d, const struct option_port *o)
{
	struct port *p = add_port(d, o);

	p->ops = ops_of(o->device.kind);
	strcpy(p->name, o->name);
	p->nrx = o->queues ? o->queues : 1;
	p->ntx = (uint16_t)d->opt.nlcore;
	memcpy(p->mac, o->mac, 6);
	p->mtu = o->mtu;
	eal_hold();
	if (eal_release(p->ops->open(p, &o->device)))
		return -1;
	if (!has_mac(p->mac))
		make_mac(p, p->mac);
	if (!p->mtu || p->mtu > PORT_MTU)
		p->mtu = PORT_MTU;
	return 0;
}

/* The mirror of port p: a TAP with the port's address, behind all ports in number. */
static int open_mirror(struct xokd *d, struct port *p)
{
	struct device device = {.kind = DEVICE_TUN};
	struct port *m = add_port(d, p->opt);

	m->ops = &port_tun;
	snprintf(m->name, sizeof(m->name), "%.9s.linux", p->name);
	snprintf(device.what, sizeof(device.what), "%s", p->opt->mirror);
	memcpy(m->mac, p->mac, 6);
	m->mtu = p->mtu;
	m->mirror = true;
	m->twin = p;
	p->twin = m;
	return m->ops->open(m, &device);
}

int ports_open(struct xokd *d)
{
	d->ports = calloc(1, sizeof(*d->ports));
	if (!d->ports)
		return say_error("out of memory");
	for (uint32_t i = 0; i < d->opt.nport; i++)
		if (open_port(d, &d->opt.port[i]))
			return -1;
	for (uint32_t i = 0; i < d->opt.nport; i++)
		if (*d->opt.port[i].mirror && open_mirror(d, &d->ports->port[i]))
			return -1;
	return 0;
}

/* As many as the devices hold, as lcores keep for themselves, and some to spare. */
static uint32_t buffers(const struct xokd *d)
{
	uint32_t n = SPARE + (d->opt.nlcore + 1) * 512;

	for (uint32_t i = 0; i < d->ports->n; i++) {
		struct port *p = &d->ports->port[i];

		n += p->ops->buffers ? p->ops->buffers(p) : 0;
		n += p->inject ? PORT_RING : 0;
	}
	return n;
}

static int make_ring(struct port *p)
{
	char name[RTE_RING_NAMESIZE];

	p->direct = p->fd >= 0;
	if (p->direct)
		return 0;
	snprintf(name, sizeof(name), "xok-tx%u", p->index);
	p->inject = rte_ring_create(name, PORT_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	return p->inject ? 0 : say_error("port %s: no ring: %s", p->name, rte_strerror(rte_errno));
}

int ports_start(struct xokd *d)
{
	struct ports *ps = d->ports;

	for (uint32_t i = 0; i < ps->n; i++)
		if (make_ring(&ps->port[i]))
			return -1;
	ps->pool = eal_pool(d, buffers(d));
	if (!ps->pool)
		return -1;
	for (uint32_t i = 0; i < ps->n; i++) {
		struct port *p = &ps->port[i];

		p->pool = ps->pool;
		eal_hold();
		if (eal_release(p->ops->start(p, ps->pool)))
			return -1;
		xok_port_name(d->xok, i, p->name, p->mirror ? XOK_PORT_MIRROR : 0,
			      p->twin ? p->twin->index + 1 : 0);
		xok_port_up(d->xok, i, p->mac, p->mtu);
		p->up = true;
	}
	return 0;
}

/* The kernel's own counters know nothing of these, and leave their places in the bookkeeping to us. */
static void count_losses(struct xokd *d)
{
	struct xok_port_info *info = (struct xok_port_info *)(void *)((char *)d->info +
								      d->info->port_off);

	for (uint32_t i = 0; i < d->ports->n; i++) {
		struct port *p = &d->ports->port[i];
		struct port_losses l = {0};

		if (!p->ops->losses || p->gone)
			continue;
		p->ops->losses(p, &l);
		__atomic_store_n(&info[i].rx_missed, l.missed, __ATOMIC_RELAXED);
		__atomic_store_n(&info[i].rx_errors, l.errors, __ATOMIC_RELAXED);
		__atomic_store_n(&info[i].rx_no_buffer, l.no_buffer, __ATOMIC_RELAXED);
	}
}

static void look_at_links(void *arg)
{
	struct xokd *d = arg;

	for (uint32_t i = 0; i < d->ports->n; i++) {
		struct port *p = &d->ports->port[i];
		bool up = p->ops->link(p);

		if (up == p->up)
			continue;
		p->up = up;
		xok_port_link(d->xok, i, up);
		if (p->twin && !p->mirror && p->twin->ops->carrier)
			p->twin->ops->carrier(p->twin, up);
		say("port %s: link is %s%s", p->name, up ? "up" : "down",
		    p->gone ? ": its interface is gone" : "");
	}
	if (d->ports->looks++ % LOSSES == 0)
		count_losses(d);
	loop_after(&d->ports->links, LINK_NS);
}

void ports_watch(struct xokd *d)
{
	d->ports->links.fn = look_at_links;
	d->ports->links.arg = d;
	look_at_links(d);
}

void ports_close(struct xokd *d)
{
	if (!d->ports)
		return;
	loop_cancel(&d->ports->links);
	for (uint32_t i = 0; i < d->ports->n; i++) {
		struct port *p = &d->ports->port[i];

		p->ops->close(p);
		if (!p->inject)
			continue;
		struct rte_mbuf *m;

		while (rte_ring_dequeue(p->inject, (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(p->inject);
	}
	rte_mempool_free(d->ports->pool);
	free(d->ports);
	d->ports = NULL;
}

/* A copy in a packet of our own; NULL: there is none, or no room. */
static struct rte_mbuf *packet_of(struct port *p, const void *frame, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
	char *to = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (to) {
		memcpy(to, frame, len);
		return m;
	}
	rte_pktmbuf_free(m);
	return NULL;
}

int port_transmit(void *machine, uint32_t port, const void *frame, size_t len)
{
	struct xokd *d = machine;
	struct port *p = &d->ports->port[port];
	uint32_t self = lcore_self();
	int queue = self == UINT32_MAX ? -1 : port_queue(p, self);
	struct rte_mbuf *m = packet_of(p, frame, len);
	bool sent;

	if (!m)
		return XOK_EAGAIN;
	if (p->direct || queue >= 0) {
		sent = p->ops->tx(p, (uint16_t)(queue < 0 ? 0 : queue), &m, 1) == 1;
	} else {
		/* As xok_burst would have handed it out: for xok_unsent, if the owner cannot send it either. */
		m->hash.usr = (uint32_t)XOK_FATE_FORWARDED << 16;
		sent = rte_ring_enqueue(p->inject, m) == 0;
		if (sent)
			lcore_wake(d, p->owner);
	}
	capture_frame(self == UINT32_MAX ? d->opt.nlcore : self, port, frame, len,
		      sent ? CAPTURE_SENT : XOK_FATE_TX_FULL, 0);
	if (sent)
		return XOK_OK;
	rte_pktmbuf_free(m);
	return XOK_EAGAIN;
}
