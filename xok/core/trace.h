/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - one packet's way through the kernel, for people: which filter claimed it, and what its handler did.
 *
 * A traced packet is not run twice: its handler is interpreted in place of the compiled code, with the same results and the same effects.
 * It costs a microsecond or more, and is meant for single packets.
 */
#ifndef XOK_TRACE_H
#define XOK_TRACE_H

#include "xok/abi.h"
#include "xok/filter.h"

struct xok;
struct xok_packet;

#define XOK_TRACE_CALLS 24u
#define XOK_TRACE_BYTES 16u

/* One call of a helper. Arguments as the helper got them, but: of a table its id (0: none), of memory 0. */
struct xok_trace_call {
	uint16_t helper;  /* its number in helpers.def */
	uint8_t nmemory;  /* of the arguments are memory: */
	uint8_t bytes[2]; /* how many bytes of each are shown, */
	uint8_t memory
		[2][XOK_TRACE_BYTES]; /* and those; of memory that the helper writes: afterwards */
	char table[12]; /* the table's name, not ended by a zero when it has all of them */
	uint64_t arg[5];
	uint64_t result;
	int64_t left; /* of the budget */
	uint32_t pc;  /* where the call is, in the program */
	uint32_t pad;
};

struct xok_trace {
	uint32_t filter;     /* id; 0: none claimed it, and nothing else here counts */
	uint32_t owner;	     /* environment */
	char owner_name[16]; /* not ended by a zero when it has all of them, as the next */
	char program[16];
	struct xok_filter atoms; /* the filter */
	uint32_t program_id;	 /* handler; 0: there is none */
	uint32_t ninsn;		 /* of the program */
	uint64_t insns;		 /* instructions executed; 0: it was not run */
	int64_t budget, left;
	uint64_t verdict; /* when it was not stopped */
	uint32_t stop,
		stop_pc; /* enum vc_reason, 0: it came to its end; and where it was stopped */
	uint32_t ncall;	 /* all calls, of which the first XOK_TRACE_CALLS are here */
	uint32_t pad;
	struct xok_trace_call call[XOK_TRACE_CALLS];
};

/* As xok_burst does it with this one packet. */
void xok_trace(struct xok *x, uint32_t cpu, uint32_t port, uint64_t now, struct xok_packet *p,
	       struct xok_trace *t);

#endif
