/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sdk.h - what a capsule program includes. Compile with `amp build FILE.c` (clang -O2 -target bpf -mcpu=v3).
 *
 * A program has one or more entry points, CAPSULE_ENTRY(name): functions that get the context `ctx` and return an action.
 * It runs at every active node the capsule crosses, the destination and (when it returns) the origin included.
 */
#ifndef CAPSULE_SDK_H
#define CAPSULE_SDK_H

#include <stdint.h>

/* Flags of the context. */
#define CAPSULE_AT_DESTINATION 1u /* this node is where it goes to */
#define CAPSULE_AT_ORIGIN 2u	  /* this node is where it came from: a returning capsule is home */
#define CAPSULE_RETURNING 4u

/* Read-only to the program. Addresses are IPv4 as numbers in host order (10.0.0.1 is 0x0a000001). */
struct capsule_ctx {
	/* payload_max bytes: arguments, then data; bytes behind payload_len read as zero. */
	uint8_t *payload;
	/* When the program started; capsule_resize changes the packet's, not this copy. */
	uint32_t payload_len;
	uint32_t payload_max;
	/* The signed part at the start of the payload; it goes on unchanged whatever the program writes there. */
	uint32_t arg_len;
	uint32_t flags;
	uint32_t node; /* this node's address */
	uint32_t origin, destination;
	uint16_t in_port;   /* where it came in */
	uint16_t out_port;  /* where it would leave with CAPSULE_FORWARD; 0xffff: nowhere */
	uint32_t queue_len; /* packets waiting at out_port */
	uint32_t hops;	    /* active nodes crossed before this one */
	uint32_t budget;    /* what may be spent here */
	uint32_t reserved;
	uint64_t sequence;
	uint64_t arrival; /* UTC ns */
};

/* payload_max is never more: what one packet of 1,200 bytes holds behind its header. */
#define CAPSULE_PAYLOAD_MAX 960u
/* Payload bytes that may be accessed by constant offset without a check at run time. */
#define CAPSULE_MIN_WINDOW 64u

enum capsule_action {
	CAPSULE_DROP = 0,
	CAPSULE_FORWARD = 1, /* on towards the destination (or the origin when returning) */
	CAPSULE_RETURN = 2,  /* turn round; refused when it returns already */
	CAPSULE_DELIVER = 3, /* to the application at this node */
};

#ifdef __BPF__
#define CAPSULE_ENTRY(name)                                                               \
	__attribute__((section("capsule/" #name), used)) int name(struct capsule_ctx *ctx \
								  __attribute__((unused)))

/*
 * clang merges two branches that do the same to different memories into one access, which the verifier refuses (mixed-pointer).
 * CAPSULE_APART(x), behind what computes x in one of them, keeps them apart; it is no instruction.
 */
#define CAPSULE_APART(x) __asm__ volatile("" : "+r"(x))

/*
 * Helpers are called by number: capsule_NAME(...) for each that a capsule may call; xok/helpers.def tells what they do and cost. The
 * others are declared as something that cannot be called, so that the compiler says it.
 */
#ifndef VC_FOR_CAPSULE
#define VC_FOR_CAPSULE 1
#define VC_FOR_HANDLER 2
#define VC_FOR_PREDICATE 4
#define VC_FOR_UDF 8
#define VC_FOR_RAW 16
#define VC_FOR_ALL 31
#endif
struct helper_that_capsules_cannot_call;
#define HELPER(number, name, ret, params, cost, how, args, kinds, text)                        \
	static __typeof__(__builtin_choose_expr((kinds)&VC_FOR_CAPSULE, (ret(*) params)0,      \
						(struct helper_that_capsules_cannot_call *)0)) \
		const capsule_##name = (void *)number;
#include "xok/helpers.def"
#undef HELPER
#endif

#endif
