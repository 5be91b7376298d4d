/* SPDX-License-Identifier: BSD-2-Clause */
/* router_dpdk.h - what the DPDK programs of bench-router share: two ports alike, with one queue each way. */
#ifndef TESTBED_BENCH_ROUTER_DPDK_H
#define TESTBED_BENCH_ROUTER_DPDK_H

#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#define BURST 32u
#define CACHE 256u
#define DESCRIPTORS 1024u

static inline void die(const char *what)
{
	fprintf(stderr, "bench-router: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

static inline void start(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};

	if (rte_eth_dev_configure(port, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(port, 0, DESCRIPTORS, 0, NULL, pool) ||
	    rte_eth_tx_queue_setup(port, 0, DESCRIPTORS, 0, NULL) || rte_eth_dev_start(port))
		die("port");
}

/* Both ports, and the pool that their packets come from. */
static inline struct rte_mempool *start_ports(unsigned buffers)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("pool", buffers, CACHE, 0,
							   RTE_MBUF_DEFAULT_BUF_SIZE, 0);

	if (!pool)
		die("pool");
	for (uint16_t port = 0; port < 2; port++)
		start(port, pool);
	return pool;
}

#endif
