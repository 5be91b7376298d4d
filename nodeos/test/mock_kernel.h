/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_kernel.h - the part of libamp that downloads programs, for tests: the tables are those of xok/table, programs are verified and
 * interpreted as the kernel does. A filter's id is the Ethernet type it asks for.
 */
#ifndef NODEOS_MOCK_KERNEL_H
#define NODEOS_MOCK_KERNEL_H

#include "amp/amp.h"

/* Forgets all tables and programs. */
void mock_kernel_reset(void);

/* What the next calls that create tables, or load programs, answer instead; 0: they do their work. */
extern int mock_table_error, mock_prog_error;
/* Updates of tables after which the next one answers XOK_ENOMEM; UINT32_MAX: never. */
extern uint32_t mock_updates_left;

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
