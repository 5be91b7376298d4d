/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf.h - what the peers of bench-dpf have in common: the same filters, the same packets, in bursts.
 */
#ifndef TESTBED_BENCH_DPF_H
#define TESTBED_BENCH_DPF_H

#include <stdint.h>

#define BURST 32u
#define FRAME_LEN 60u
#define NOBODY UINT32_MAX

/* One flow over IPv4, numbers in host order; the n-th of a list has number n. */
struct flow {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
};

/* Whose packet each of n <= BURST frames of FRAME_LEN bytes is. */
typedef void classify_fn(void *ctx, const uint8_t *const frame[], uint32_t n, uint32_t out[]);

/* dpf_pcap.c: one libpcap program for each flow, tried in turn. */
void *pcap_new(const struct flow *f, uint32_t n);
classify_fn pcap_classify;
void pcap_end(void *ctx);

/* dpf_dpdk.c: the flows as rules of rte_acl. *alg is the name of the algorithm. */
void acl_start(void);
void *acl_new(const struct flow *f, uint32_t n, const uint8_t *const frame[], uint32_t nframe,
	      const char **alg);
classify_fn acl_classify;
void acl_end(void *ctx);

#endif
