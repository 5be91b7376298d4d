/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router_source_dpdk.c - the other end of bench-router's net_memif ports: sends the frames of a capture out of port 0, over and over, as fast as they are
 * taken, and throws away what comes back at port 1.
 *
 *	router_source EAL-OPTIONS -- CAPTURE
 */
#include <rte_memcpy.h>

#include "testbed/bench/router_dpdk.h"

#define FRAME 64u
#define BUFFERS 8191u
#define FILE_HEADER 24
#define RECORD_HEADER 16

/* All of the capture's frames, one behind the other; every one has FRAME octets. */
static uint8_t *read_frames(const char *path, uint32_t *count)
{
	FILE *f = fopen(path, "rb");
	uint8_t *frames;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < FILE_HEADER)
		die(path);
	*count = (uint32_t)(size - FILE_HEADER) / (RECORD_HEADER + FRAME);
	frames = aligned_alloc(64, (size_t)(*count + 1) * FRAME);
	if (!frames || fseek(f, FILE_HEADER, SEEK_SET))
		die(path);
	for (uint32_t n = 0; n < *count; n++)
		if (fseek(f, RECORD_HEADER, SEEK_CUR) ||
		    fread(frames + (size_t)n * FRAME, FRAME, 1, f) != 1)
			die(path);
	fclose(f);
	return frames;
}

/* Frames are copied into few buffers that stay in the cache; the port gives each back when it has copied it in its turn. */
static void fill(struct rte_mbuf *m[BURST], const uint8_t *frames)
{
	for (uint32_t n = 0; n < BURST; n++) {
		rte_memcpy(rte_pktmbuf_mtod(m[n], void *), frames + (size_t)n * FRAME, FRAME);
		m[n]->data_len = FRAME;
		m[n]->pkt_len = FRAME;
	}
}

int main(int argc, char **argv)
{
	struct rte_mbuf *out[BURST], *in[BURST];
	struct rte_mempool *pool;
	uint32_t count, at = 0;
	uint8_t *frames;
	int used = rte_eal_init(argc, argv);

	if (used < 0 || argc - used != 2)
		die("usage: router_source EAL-OPTIONS -- CAPTURE");
	frames = read_frames(argv[used + 1], &count);
	if (count < BURST)
		die("the capture is too short");
	pool = start_ports(BUFFERS);
	puts("ready");
	fflush(stdout);
	for (;;) {
		uint16_t n = rte_eth_rx_burst(1, 0, in, BURST), sent;

		if (n)
			rte_pktmbuf_free_bulk(in, n);
		if (rte_pktmbuf_alloc_bulk(pool, out, BURST))
			continue;
		fill(out, frames + (size_t)at * FRAME);
		sent = rte_eth_tx_burst(0, 0, out, BURST);
		if (sent < BURST)
			rte_pktmbuf_free_bulk(out + sent, BURST - sent);
		at += sent;
		if (at + BURST > count)
			at = 0;
	}
}
