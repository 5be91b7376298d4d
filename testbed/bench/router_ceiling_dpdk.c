/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_ceiling_dpdk.c - bench-router's ceiling: what comes in at port 0 goes out of port 1 as it is. Same bursts, same packet pool and same ports
 * as the routers have.
 */
#include "testbed/bench/router_dpdk.h"

#define BUFFERS 131071u

int main(int argc, char **argv)
{
	struct rte_mbuf *m[BURST];

	if (rte_eal_init(argc, argv) < 0)
		die("EAL");
	start_ports(BUFFERS);
	for (;;) {
		uint16_t n = rte_eth_rx_burst(0, 0, m, BURST);
		uint16_t sent = n ? rte_eth_tx_burst(1, 0, m, n) : 0;

		if (sent < n)
			rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
}
