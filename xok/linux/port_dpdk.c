/* SPDX-License-Identifier: BSD-2-Clause */
/* port_dpdk.c - ports of DPDK's drivers: network cards, packet sockets, memif, capture files, rings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "interface.h"
#include "port.h"

#define DESCRIPTORS 512u
#define RING_SIZE 512u

struct dpdk_port {
	struct rte_eth_dev_info info;
	struct interface iface;	  /* whose frames it has; not open: none of Linux's */
	struct rte_ring *ring[2]; /* RING: there and back; made by the first of the two ports */
	uint16_t nrxd, ntxd;
	uint32_t replay; /* packets that the driver keeps for itself */
};

/* What we know of drivers that they do not say themselves. */
static const struct quirk {
	const char *driver;
	bool no_address; /* its address is made up, or another station's */
	bool of_linux; /* argument iface= is an interface of Linux, which keeps its state and address */
	bool equal_queues; /* as many to transmit as to receive, and no more than asked for */
} quirks[] = {
	{"net_pcap", true, false, false},     {"net_ring", true, false, false},
	{"net_null", true, false, false},     {"net_tap", true, false, true},
	{"net_memif", true, false, true},     {"net_af_xdp", false, true, true},
	{"net_af_packet", false, true, true},
};

static struct quirk quirk_of(const char *driver)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		if (strstr(driver, quirks[i].driver))
			return quirks[i];
	return (struct quirk){driver, false, false, false};
}

/* ---- opening ---- */

/* A port on an interface of Linux: there must be one. */
static int find_interface(struct port *p, const char *what)
{
	static const char key[] = "iface=";
	struct dpdk_port *dp = p->priv;
	const char *at = strstr(what, key);
	char name[IFNAMSIZ];

	if (!quirk_of(what).of_linux || !at)
		return 0;
	at += sizeof(key) - 1;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
	if (interface_open(&dp->iface, name) == 0)
		return 0;
	if (errno == ENODEV)
		return say_error("port %s: Linux has no interface %s (see ip link)", p->name, name);
	return say_error("port %s: cannot find the interface %s: %m", p->name, name);
}

static int open_vdev(struct port *p, const char *what)
{
	char name[RTE_DEV_NAME_MAX_LEN];
	size_t len = strcspn(what, ",");

	if (len >= sizeof(name))
		return say_error("port %s: \"%.40s...\" is too long a name for a device", p->name,
				 what);
	memcpy(name, what, len);
	name[len] = 0;
	if (find_interface(p, what))
		return -1;
	int rc = rte_vdev_init(name, what[len] ? what + len + 1 : "");

	if (rc)
		return say_error("port %s: the driver refuses %s: %s", p->name, what,
				 rc == -1 ? "see what it said" : rte_strerror(-rc));
	if (rte_eth_dev_get_port_by_name(name, &p->id))
		return say_error("port %s: %s is no network device", p->name, what);
	return 0;
}

static int open_pci(struct port *p, const char *what)
{
	if (rte_eth_dev_get_port_by_name(what, &p->id) == 0)
		return 0;
	return say_error("port %s: no driver of DPDK's has taken %s; bind it with dpdk-devbind.py "
			 "-b vfio-pci %s, "
			 "and say --hugepages",
			 p->name, what, what);
}

/* Two ports of one name are the two ends; the ring that one reads the other writes. */
static int open_ring(struct port *p, struct dpdk_port *dp, const char *what)
{
	char name[2][32];
	struct rte_ring *r[2];
	uint32_t before = 0;

	for (uint32_t i = 0; i < p->index; i++) {
		const struct device *other = &p->d->opt.port[i].device;

		before += other->kind == DEVICE_RING && !strcmp(other->what, what);
	}
	if (before > 1)
		return say_error("port %s: ring:%s has two ports already", p->name, what);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name[i], sizeof(name[i]), "xok-%.15s.%u", what, i);
		r[i] = rte_ring_lookup(name[i]);
		if (!r[i])
			r[i] = dp->ring[i] = rte_ring_create(name[i], RING_SIZE, SOCKET_ID_ANY, 0);
		if (!r[i])
			return say_error("port %s: no ring: %s", p->name, rte_strerror(rte_errno));
	}

	/* A port alone sends to itself. */
	uint32_t all = before;

	for (uint32_t i = p->index; i < p->d->opt.nport; i++) {
		const struct device *other = &p->d->opt.port[i].device;

		all += other->kind == DEVICE_RING && !strcmp(other->what, what);
	}
	struct rte_ring *rx = r[before], *tx = all == 1 ? r[0] : r[1 - before];
	char dev[RTE_ETH_NAME_MAX_LEN];

	snprintf(dev, sizeof(dev), "xok-%.15s.%u", what, before);
	int id = rte_eth_from_rings(dev, &rx, 1, &tx, 1, SOCKET_ID_ANY);

	if (id < 0)
		return say_error("port %s: no ring: %s", p->name, rte_strerror(rte_errno));
	p->id = (uint16_t)id;
	return 0;
}

static void choose_queues(struct port *p, struct dpdk_port *dp, const struct quirk *q)
{
	uint16_t lcores = (uint16_t)p->d->opt.nlcore, wanted = p->nrx;

	if (p->nrx > dp->info.max_rx_queues)
		p->nrx = dp->info.max_rx_queues;
	if (p->nrx < wanted)
		say("port %s: the device has %u receive queue%s, not %u", p->name, p->nrx,
		    p->nrx == 1 ? "" : "s", wanted);
	p->ntx = lcores <= dp->info.max_tx_queues ? lcores : 1;
	if (q->equal_queues)
		p->ntx = p->nrx;
	p->queue_each = p->ntx >= lcores;
	if (!p->queue_each && !q->equal_queues)
		p->ntx = 1;
}

/* A packet socket gets copies of frames, which Linux then treats as ever. */
static void warn_of_copies(const struct port *p, const struct dpdk_port *dp)
{
	char why[INTERFACE_WHY], how[INTERFACE_HOW];

	if (dp->iface.fd >= 0 && interface_is_used(&dp->iface, why, how))
		say_warning("port %s: Linux takes the frames of %s as well, since it %s: to end "
			    "that, type %s",
			    p->name, dp->iface.name, why, how);
}

static int dpdk_open(struct port *p, const struct device *dev)
{
	struct dpdk_port *dp = calloc(1, sizeof(*dp));
	struct rte_ether_addr mac;
	int rc;

	p->priv = dp;
	if (!dp)
		return say_error("out of memory");
	dp->iface.fd = -1;
	switch (dev->kind) {
	case DEVICE_PCI: rc = open_pci(p, dev->what); break;
	case DEVICE_RING: rc = open_ring(p, dp, dev->what); break;
	default: rc = open_vdev(p, dev->what); break;
	}
	if (rc)
		return -1;
	rc = rte_eth_dev_info_get(p->id, &dp->info);
	if (rc)
		return say_error("port %s: the driver says nothing of its device: %s", p->name,
				 rte_strerror(-rc));

	struct quirk q = quirk_of(dp->info.driver_name ? dp->info.driver_name : "");

	choose_queues(p, dp, &q);
	if (!q.no_address &&
	    !(p->mac[0] | p->mac[1] | p->mac[2] | p->mac[3] | p->mac[4] | p->mac[5]) &&
	    rte_eth_macaddr_get(p->id, &mac) == 0)
		memcpy(p->mac, mac.addr_bytes, 6);
	if (!p->mtu)
		rte_eth_dev_get_mtu(p->id, &p->mtu);
	if (!p->mtu || p->mtu > PORT_MTU)
		p->mtu = PORT_MTU;
	dp->replay = device_packets(dev);
	if (strstr(q.driver, "net_af_packet"))
		warn_of_copies(p, dp);
	return 0;
}

/* ---- starting ---- */

/* Receive-side scaling by addresses and ports, as far as the device has it; buffers are given back in the cheap way where it offers that. */
static int configure(struct port *p, struct dpdk_port *dp)
{
	struct rte_eth_conf conf = {.rxmode.mtu = p->mtu};
	int rc;

	if (p->nrx > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP |
						    RTE_ETH_RSS_UDP) &
						   dp->info.flow_type_rss_offloads;
		if (!conf.rx_adv_conf.rss_conf.rss_hf)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	conf.txmode.offloads = dp->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	rc = rte_eth_dev_configure(p->id, p->nrx, p->ntx, &conf);
	if (rc)
		return say_error("port %s: the device refuses %u receive and %u transmit queues "
				 "with an MTU of "
				 "%u: %s",
				 p->name, p->nrx, p->ntx, p->mtu, rte_strerror(-rc));
	dp->nrxd = dp->ntxd = DESCRIPTORS;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &dp->nrxd, &dp->ntxd);
	if (rc)
		return say_error("port %s: the device refuses queues of %u packets: %s", p->name,
				 DESCRIPTORS, rte_strerror(-rc));
	return 0;
}

static uint32_t dpdk_buffers(struct port *p)
{
	const struct dpdk_port *dp = p->priv;

	return p->nrx * DESCRIPTORS + p->ntx * DESCRIPTORS + dp->replay;
}

static int set_up_queues(struct port *p, struct dpdk_port *dp, struct rte_mempool *pool)
{
	int socket = rte_eth_dev_socket_id(p->id), rc;
	unsigned node = socket < 0 ? 0 : (unsigned)socket;

	for (uint16_t q = 0; q < p->nrx; q++)
		if ((rc = rte_eth_rx_queue_setup(p->id, q, dp->nrxd, node, NULL, pool)))
			return say_error("port %s: no receive queue %u: %s", p->name, q,
					 rte_strerror(-rc));
	for (uint16_t q = 0; q < p->ntx; q++)
		if ((rc = rte_eth_tx_queue_setup(p->id, q, dp->ntxd, node, NULL)))
			return say_error("port %s: no transmit queue %u: %s", p->name, q,
					 rte_strerror(-rc));
	return 0;
}

/* Frames for us and for groups; all, where the device cannot have our address. */
static void set_address(struct port *p)
{
	struct rte_ether_addr mac, now;

	memcpy(mac.addr_bytes, p->mac, 6);
	rte_eth_allmulticast_enable(p->id);
	if (rte_eth_macaddr_get(p->id, &now) == 0 && rte_is_same_ether_addr(&mac, &now))
		return;
	/* The other end of a TAP has whatever address this end gets. */
	const struct dpdk_port *dp = p->priv;

	if (strstr(dp->info.driver_name, "net_tap") ||
	    rte_eth_dev_default_mac_addr_set(p->id, &mac) != 0)
		rte_eth_promiscuous_enable(p->id);
}

static int dpdk_start(struct port *p, struct rte_mempool *pool)
{
	struct dpdk_port *dp = p->priv;

	if (configure(p, dp) || set_up_queues(p, dp, pool))
		return -1;
	int rc = rte_eth_dev_start(p->id);

	if (rc)
		return say_error("port %s: the device does not start: %s", p->name,
				 rte_strerror(-rc));
	set_address(p);
	return 0;
}

/* ---- running ---- */

static uint16_t dpdk_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_rx_burst(p->id, queue, m, n);
}

static uint16_t dpdk_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_tx_burst(p->id, queue, m, n);
}

static bool linux_link(struct port *p, struct dpdk_port *dp)
{
	enum interface_state state = p->gone ? INTERFACE_GONE : interface_state(&dp->iface, true);

	p->gone = state == INTERFACE_GONE;
	return state == INTERFACE_UP;
}

static bool dpdk_link(struct port *p)
{
	struct dpdk_port *dp = p->priv;
	struct rte_eth_link link;

	/* These drivers say that they are up whatever happens. */
	if (dp->iface.fd >= 0)
		return linux_link(p, dp);
	return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static void dpdk_losses(struct port *p, struct port_losses *l)
{
	struct rte_eth_stats s;

	if (rte_eth_stats_get(p->id, &s) == 0)
		*l = (struct port_losses){s.imissed, s.ierrors, s.rx_nombuf};
}

static void dpdk_close(struct port *p)
{
	struct dpdk_port *dp = p->priv;

	if (p->id != UINT16_MAX) {
		rte_eth_dev_stop(p->id);
		rte_eth_dev_close(p->id);
		p->id = UINT16_MAX;
	}
	if (dp)
		interface_close(&dp->iface);
	free(dp);
	p->priv = NULL;
}

const struct port_ops port_dpdk = {
	.open = dpdk_open,
	.buffers = dpdk_buffers,
	.start = dpdk_start,
	.rx = dpdk_rx,
	.tx = dpdk_tx,
	.link = dpdk_link,
	.losses = dpdk_losses,
	.close = dpdk_close,
};
