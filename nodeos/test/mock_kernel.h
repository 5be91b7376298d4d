/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_kernel.h - the part of libamp that downloads programs, for tests: the tables are those of xok/table, programs are verified and
 * interpreted as the kernel does.
 */
#ifndef NODEOS_MOCK_KERNEL_H
#define NODEOS_MOCK_KERNEL_H

#include "amp/amp.h"

/* The id of a filter of the forwarding handlers: what it asks for. 0: it is none. */
uint32_t mock_filter_id(const struct xok_filter *f);

/* Frames that handlers sent on the side (helper send), the last one of them. */
struct mock_side {
	uint32_t n, port;
	size_t len;
	uint8_t data[XOK_FRAME_MAX];
};
extern struct mock_side mock_side;
extern int mock_send_error; /* what helper send answers instead; 0: it does its work */

/* Forgets all tables and programs. */
void mock_kernel_reset(void);

/* What the next calls that create tables, or load programs, answer instead; 0: they do their work. */
extern int mock_table_error, mock_prog_error;
/* Updates of tables after which the next one answers XOK_ENOMEM; UINT32_MAX: never. */
extern uint32_t mock_updates_left;

/* How many processes have run the environment, this one included; 0: 1. */
extern uint32_t mock_starts;

/* Updates of tables so far. */
extern uint32_t mock_updates;

/* Tables and programs that exist. */
uint32_t mock_tables(void);
uint32_t mock_progs(void);

/*
 * Gives a frame to the handler of its Ethernet type's filter. Returns its verdict, or MOCK_UNHANDLED; *len is what helper trim left. A
 * program that is stopped fails the test.
 */
#define MOCK_UNHANDLED UINT64_MAX
uint64_t mock_handle(uint32_t port, uint8_t *frame, size_t *len);

#endif
