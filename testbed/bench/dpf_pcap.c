/* SPDX-License-Identifier: BSD-2-Clause */
/* dpf_pcap.c - the peer libpcap: what a program must do that has many filters and one capture. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "testbed/bench/dpf.h"

struct programs {
	uint32_t n;
	struct bpf_program program[];
};

static void compile(pcap_t *p, struct bpf_program *to, const struct flow *f)
{
	const char *proto = f->proto == IPPROTO_TCP ? "tcp" : "udp";
	struct in_addr src = {htonl(f->src)}, dst = {htonl(f->dst)};
	char text[256], from[INET_ADDRSTRLEN], at[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &src, from, sizeof(from));
	inet_ntop(AF_INET, &dst, at, sizeof(at));
	snprintf(text, sizeof(text),
		 "ip and %s and src host %s and dst host %s and src port %u and dst port %u", proto,
		 from, at, f->sport, f->dport);
	if (pcap_compile(p, to, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		fprintf(stderr, "pcap: %s: %s\n", text, pcap_geterr(p));
		exit(1);
	}
}

void *pcap_new(const struct flow *f, uint32_t n)
{
	struct programs *all = calloc(1, sizeof(*all) + n * sizeof(all->program[0]));
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);

	if (!all || !p)
		abort();
	all->n = n;
	for (uint32_t i = 0; i < n; i++)
		compile(p, &all->program[i], &f[i]);
	pcap_close(p);
	return all;
}

void pcap_classify(void *ctx, const uint8_t *const frame[], uint32_t n, uint32_t out[])
{
	const struct programs *all = ctx;

	for (uint32_t i = 0; i < n; i++) {
		out[i] = NOBODY;
		for (uint32_t j = 0; j < all->n && out[i] == NOBODY; j++)
			if (bpf_filter(all->program[j].bf_insns, frame[i], FRAME_LEN, FRAME_LEN))
				out[i] = j;
	}
}

void pcap_end(void *ctx)
{
	struct programs *all = ctx;

	for (uint32_t i = 0; i < all->n; i++)
		pcap_freecode(&all->program[i]);
	free(all);
}
