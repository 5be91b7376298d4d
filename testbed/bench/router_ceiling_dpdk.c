/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_ceiling_dpdk.c - bench-router's ceiling: what comes in at port 0 goes out of port 1 as it is. Same bursts, same packet pool and same ports
 * as the routers have.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#define BURST 32u
#define BUFFERS 131071u
#define CACHE 256u

static void die(const char *what)
{
	fprintf(stderr, "router_ceiling: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

static void start(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};

	if (rte_eth_dev_configure(port, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(port, 0, 1024, 0, NULL, pool) ||
	    rte_eth_tx_queue_setup(port, 0, 1024, 0, NULL) || rte_eth_dev_start(port))
		die("port");
}

int main(int argc, char **argv)
{
	struct rte_mempool *pool;
	struct rte_mbuf *m[BURST];

	if (rte_eal_init(argc, argv) < 0)
		die("EAL");
	pool = rte_pktmbuf_pool_create("pool", BUFFERS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!pool)
		die("pool");
	for (uint16_t port = 0; port < 2; port++)
		start(port, pool);
	for (;;) {
		uint16_t n = rte_eth_rx_burst(0, 0, m, BURST);
		uint16_t sent = n ? rte_eth_tx_burst(1, 0, m, n) : 0;

		if (sent < n)
			rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
}
