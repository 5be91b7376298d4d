/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - the data that programs/trace.c brings home, shared by the program and by those who print it.
 *
 * The payload is: arguments (8 octets, an id that the sender chooses), struct trace_head, then `rows` rows of struct trace_row,
 * one for each active node crossed on the way out, the destination last. Integers are little-endian, as the program stores them;
 * offsets are from the start of the payload.
 *
 * The capsule is sent with the arguments and a zero head (or more zero data, which the rows then use); the payload grows by a row at each
 * node, up to what one packet holds.
 */
#ifndef CAPSULE_TRACE_H
#define CAPSULE_TRACE_H

#include <stdint.h>

#define TRACE_ARG_LEN 8u

struct trace_head {
	uint16_t rows;	/* that were written */
	uint16_t flags; /* TRACE_TRUNCATED */
	uint32_t reserved;
};
#define TRACE_TRUNCATED 1u /* more nodes were crossed than there was room for */

struct trace_row {
	uint32_t node;	    /* IPv4 address as a number: 10.0.0.1 is 0x0a000001 */
	uint16_t in_port;   /* where it came in */
	uint16_t out_port;  /* where it would leave on its way out; 0xffff: nowhere */
	uint64_t arrival;   /* UTC ns */
	uint32_t spent;	    /* work units spent at this node when the row was written */
	uint32_t queue_len; /* packets waiting at out_port */
	uint32_t hops;	    /* active nodes crossed before this one */
	uint32_t flags;	    /* of the context: CAPSULE_AT_DESTINATION ... */
};

#define TRACE_HEAD_OFFSET TRACE_ARG_LEN
#define TRACE_ROWS_OFFSET (TRACE_HEAD_OFFSET + 8u)
#define TRACE_ROW_LEN 32u
#define TRACE_ROWS_MAX 29u /* that fit a payload of 960 octets */

_Static_assert(sizeof(struct trace_head) == 8, "trace_head is packed by its fields");
_Static_assert(sizeof(struct trace_row) == TRACE_ROW_LEN, "trace_row is packed by its fields");

#endif
