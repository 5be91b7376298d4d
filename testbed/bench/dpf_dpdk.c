/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpf_dpdk.c - the peer rte_acl, set up as DPDK's l3fwd-acl does: protocol, addresses and ports at
 * fixed places, bursts of 32. The Ethernet type, fragments and the length of the IP header are not
 * looked at: its callers do that before. Of the algorithms that the processor has the fastest is
 * taken, measured on the very packets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "testbed/bench/dpf.h"

#define IP 14u /* where the header begins */

enum { PROTO, SRC, DST, SPORT, DPORT, NFIELD };

RTE_ACL_RULE_DEF(rule, NFIELD);

static const struct rte_acl_config config = {
	.num_categories = 1,
	.num_fields = NFIELD,
	.defs =
		{
			{RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTO, 0, 9},
			{RTE_ACL_FIELD_TYPE_MASK, 4, SRC, 1, 12},
			{RTE_ACL_FIELD_TYPE_MASK, 4, DST, 2, 16},
			{RTE_ACL_FIELD_TYPE_RANGE, 2, SPORT, 3, 20},
			{RTE_ACL_FIELD_TYPE_RANGE, 2, DPORT, 3, 22},
		},
};

static const struct {
	enum rte_acl_classify_alg alg;
	const char *name;
} algs[] = {
	{RTE_ACL_CLASSIFY_AVX512X32, "avx512x32"}, {RTE_ACL_CLASSIFY_AVX512X16, "avx512x16"},
	{RTE_ACL_CLASSIFY_AVX2, "avx2"},	   {RTE_ACL_CLASSIFY_SSE, "sse"},
	{RTE_ACL_CLASSIFY_SCALAR, "scalar"},
};

static void die(const char *what)
{
	fprintf(stderr, "rte_acl: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

void acl_start(void)
{
	char *argv[] = {"bench",
			"--no-huge",
			"--no-pci",
			"--no-telemetry",
			"--no-shconf",
			"-m",
			"512",
			"--log-level",
			"lib.eal:error",
			"--lcores",
			"0@(0,1)",
			"--force-max-simd-bitwidth=512",
			NULL};

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		die("EAL");
}

static void add(struct rte_acl_ctx *acl, const struct flow *f, uint32_t number, uint32_t n)
{
	struct rule r = {
		.data = {.category_mask = 1,
			 .priority = (int32_t)(n - number),
			 .userdata = number + 1},
		.field =
			{
				[PROTO] = {.value.u8 = f->proto, .mask_range.u8 = 0xff},
				[SRC] = {.value.u32 = f->src, .mask_range.u32 = 32},
				[DST] = {.value.u32 = f->dst, .mask_range.u32 = 32},
				[SPORT] = {.value.u16 = f->sport, .mask_range.u16 = f->sport},
				[DPORT] = {.value.u16 = f->dport, .mask_range.u16 = f->dport},
			},
	};

	if (rte_acl_add_rules(acl, (const struct rte_acl_rule *)&r, 1) < 0)
		die("add");
}

void acl_classify(void *ctx, const uint8_t *const frame[], uint32_t n, uint32_t out[])
{
	const uint8_t *data[BURST];

	for (uint32_t i = 0; i < n; i++)
		data[i] = frame[i] + IP;
	rte_acl_classify(ctx, data, out, n, 1);
	for (uint32_t i = 0; i < n; i++)
		out[i]--;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of a few times over all frames. */
static double try(struct rte_acl_ctx *acl, const uint8_t *const frame[], uint32_t nframe)
{
	uint32_t out[BURST];
	double best = 1e9;

	for (int round = 0; round < 20; round++) {
		double start = seconds(), took;

		for (uint32_t i = 0; i + BURST <= nframe; i += BURST)
			acl_classify(acl, frame + i, BURST, out);
		took = seconds() - start;
		best = took < best ? took : best;
	}
	return best;
}

void *acl_new(const struct flow *f, uint32_t n, const uint8_t *const frame[], uint32_t nframe,
	      const char **alg)
{
	struct rte_acl_param param = {.name = "bench",
				      .socket_id = SOCKET_ID_ANY,
				      .rule_size = RTE_ACL_RULE_SZ(NFIELD),
				      .max_rule_num = n};
	struct rte_acl_ctx *acl = rte_acl_create(&param);
	double best = 1e9;
	size_t chosen = 0;

	if (!acl)
		die("create");
	for (uint32_t i = 0; i < n; i++)
		add(acl, &f[i], i, n);
	if (rte_acl_build(acl, &config) < 0)
		die("build");
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		double took;

		if (rte_acl_set_ctx_classify(acl, algs[i].alg) < 0)
			continue;
		took = try(acl, frame, nframe);
		if (took < best) {
			best = took;
			chosen = i;
		}
	}
	rte_acl_set_ctx_classify(acl, algs[chosen].alg);
	*alg = algs[chosen].name;
	return acl;
}

void acl_end(void *ctx)
{
	rte_acl_free(ctx);
}
