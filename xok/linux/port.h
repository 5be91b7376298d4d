/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - network ports, and the lcores that serve them.
 *
 * A port is of one of a few kinds, each a table of functions. Its receive queues are dealt out to lcores, and each queue is one lcore's
 * alone. Of transmit queues every lcore has its own where the device has enough. Else, and for frames that the control thread sends, the
 * lcore that serves the port's first receive queue, its owner, does it for all: they go through a ring. Kinds made of descriptors need none
 * of this: Linux lets any thread send.
 *
 * Packets are struct rte_mbuf, of one pool. Every packet on an lcore has one segment and one owner.
 */
#ifndef XOK_LINUX_PORT_H
#define XOK_LINUX_PORT_H

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "linux.h"

#define PORT_BURST 64u
#define PORT_RING 512u /* frames on the way to the owner */
#define PORT_MTU 1500u /* when the device names none; more than that no frame has */

struct port;

struct port_losses {
	uint64_t missed, errors, no_buffer; /* as in struct xok_port_info */
};

struct port_ops {
	/*
	 * Opens the device and finds out mac, mtu, queues and, for descriptors, fd. 0, or -1 when that was said. nrx and ntx are what is
	 * wanted when it is called, and what there is afterwards.
	 */
	int (*open)(struct port *p, const struct device *d);
	/* How many buffers it holds in its queues at most. Optional. */
	uint32_t (*buffers)(struct port *p);
	/* From here on packets may come and go. 0, or -1 when that was said. */
	int (*start)(struct port *p, struct rte_mempool *pool);
	/* Any lcore: up to n packets of a queue. */
	uint16_t (*rx)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
	/* Any lcore: sends the first packets of m, takes them, and says how many those are. */
	uint16_t (*tx)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
	/* Are there packets that it has taken and only sends when it is asked to receive? Optional. */
	bool (*waits)(struct port *p);
	/* Control thread. The kind sets `gone` when what the port is made of is there no more. */
	bool (*link)(struct port *p);
	/* What was lost before it came here, since it was opened. Optional. */
	void (*losses)(struct port *p, struct port_losses *l);
	/* The port it mirrors has got, or lost, its link. Optional. */
	void (*carrier)(struct port *p, bool up);
	/* After open, successful or not. */
	void (*close)(struct port *p);
};

struct port {
	const struct port_ops *ops;
	const struct option_port *opt;
	struct xokd *d;
	char name[16];
	uint32_t index;
	struct port *twin; /* its mirror, or what it mirrors; NULL: none */
	bool mirror;
	uint8_t mac[6];
	uint16_t mtu;
	bool up;
	bool gone; /* its interface is, for good */
	uint16_t nrx, ntx;
	uint32_t owner; /* lcore; also the first of them */
	bool direct;	/* any thread may transmit */
	bool queue_each; /* each lcore has a transmit queue of its number; else the owner has number 0 */
	struct rte_ring *inject; /* to the owner; NULL when direct */
	struct rte_mempool *pool;
	/* The kind's own. */
	uint16_t id; /* of DPDK */
	int fd;	     /* -1: none */
	void *priv;
};

extern const struct port_ops port_dpdk, port_unix, port_tun;

/* ---- port.c ---- */

/* Opens all devices: d->ports. 0, or -1 when that was said. */
int ports_open(struct xokd *d);
uint32_t ports_count(const struct xokd *d);
struct port *ports_at(const struct xokd *d, uint32_t i);
/* Tells the core about them, and starts them. */
int ports_start(struct xokd *d);
/* Looks after their links, again and again. */
void ports_watch(struct xokd *d);
void ports_close(struct xokd *d);

/* The queue that this lcore sends by, or -1: through the ring. */
static inline int port_queue(const struct port *p, uint32_t lcore)
{
	if (p->direct || p->queue_each)
		return (int)lcore;
	return p->owner == lcore ? 0 : -1;
}

/* ---- eal.c ---- */

/* Starts DPDK: the control thread and the lcores. `buffers` is how many packets there are going to be at most. */
int eal_start(struct xokd *d);
void eal_stop(struct xokd *d);
/* Between these DPDK's messages are kept; they are written when rc, which is returned, is an error. For devices that are opened by this thread. */
void eal_hold(void);
int eal_release(int rc);
/* The pool that all packets come from. NULL when that was said. */
struct rte_mempool *eal_pool(struct xokd *d, uint32_t buffers);

/* ---- lcore.c ---- */

int lcores_init(struct xokd *d); /* deals out the queues; before the ports start */
int lcores_start(struct xokd *d);
void lcores_stop(struct xokd *d); /* all are idle afterwards */
/* A frame waits in a ring for that lcore; any thread. */
void lcore_wake(struct xokd *d, uint32_t lcore);
/* The lcore that runs here, or UINT32_MAX: it is the control thread. */
uint32_t lcore_self(void);
/* How many bytes its statistics take behind the core's bookkeeping, and where they are. */
size_t lcores_info_size(uint32_t n);
void lcores_info(struct xokd *d, size_t offset);

#endif
