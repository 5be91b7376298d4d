/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handler.h - what handlers, predicates and UDFs see of the kernel: contexts, verdicts, and for programs (clang -target bpf) the helpers.
 *
 * A handler (an ASH) is bound to a filter and runs in the kernel, at interrupt time, for each packet of that filter. It is verified and
 * metered, so it needs no trust; what it may reach is fixed when it is loaded: ports, tables, callees.
 */
#ifndef XOK_HANDLER_H
#define XOK_HANDLER_H

#include <stddef.h>
#include <stdint.h>

/* Read-only to the program. */
struct xok_handler_ctx {
	uint8_t *packet;   /* the frame from its Ethernet header on; may be changed in place */
	uint32_t len;	   /* its length */
	uint32_t port;	   /* where it came in */
	uint64_t time;	   /* arrival, monotonic ns */
	uint32_t filter;   /* id of the filter */
	uint32_t reserved; /* 0 */
};

struct xok_predicate_ctx {
	uint8_t *words; /* the memory that is watched */
	uint32_t len;
	uint32_t reserved;
	uint64_t now; /* monotonic ns */
};

struct xok_udf_ctx {
	uint8_t *block;
	uint32_t len;
	uint32_t reserved;
	uint64_t argument;
};

/*
 * A handler's verdict is what it returns: one of these, FORWARD with the port in bits 8 to 15, DROP with a reason of the handler's own numbering
 * in bits 8 to 23, by which packets can be captured. Anything else drops the packet and counts as
 * `bad_verdict`. When the handler is stopped (budget, fault, no program any more) the packet is dropped and counted.
 */
enum xok_verdict {
	XOK_V_DROP = 0,
	XOK_V_PASS = 1,	   /* to the ring of the filter, as if there were no handler */
	XOK_V_CONSUME = 2, /* done with it: the packet goes nowhere, and is not a drop */
	XOK_V_REPLY = 3,   /* out of the port it came in */
	XOK_V_FORWARD = 4, /* out of a port */
};
#define XOK_FORWARD_TO(port) (XOK_V_FORWARD | (uint32_t)(port) << 8)
#define XOK_DROP_FOR(reason) (XOK_V_DROP | (uint32_t)(reason) << 8)

#ifdef __BPF__
/*
 * HANDLER(name) { ... return XOK_V_PASS; } defines the entry point; the packet's bytes below XOK_MIN_LEN(n) are accessible without a check. Tables:
 *	XOK_ARRAY(type, name, n);	memory: name[i].field
 *	XOK_TABLE(name);		any other table: xok_lpm4(&name, address)
 * What they are, is said when the program is loaded, by name.
 */
#define HANDLER(name)                                                                              \
	__attribute__((section("handler/" #name), used)) uint64_t name(struct xok_handler_ctx *ctx \
								       __attribute__((unused)))
#define XOK_ARRAY(type, name, n) __attribute__((section("tables/array"))) type name[n]
#define XOK_TABLE(name) __attribute__((section("tables/handle"))) struct xok_table_handle name
#define XOK_MIN_LEN(n) \
	__attribute__((section("min_len"), used)) static const uint32_t xok_min_len = (n)
/*
 * clang merges two branches that do the same to different memories into one access, which the verifier refuses (mixed-pointer). XOK_APART(x), behind what
 * computes x in one of them, keeps them apart; it is no instruction.
 */
#define XOK_APART(x) __asm__ volatile("" : "+r"(x))
struct xok_table_handle {
	uint64_t opaque;
};

#define HELPER(number, name, ret, params, cost, how, args, kinds, text) \
	static ret(*const xok_##name) params = (ret(*) params)number;
#include "xok/helpers.def"
#undef HELPER
#else
_Static_assert(sizeof(struct xok_handler_ctx) == 32, "kinds.def");
_Static_assert(sizeof(struct xok_predicate_ctx) == 24, "kinds.def");
_Static_assert(sizeof(struct xok_udf_ctx) == 24, "kinds.def");
#endif

#endif
