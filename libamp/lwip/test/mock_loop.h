/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_loop.h - the part of libamp that the host stack uses, under virtual time: nothing happens
 * but when it is told to.
 */
#ifndef AMP_TEST_MOCK_LOOP_H
#define AMP_TEST_MOCK_LOOP_H

#include "amp/amp.h"

/* Lets ns pass, and runs every timer that comes due, at its time. */
void mock_run(uint64_t ns);
/* How many timers are set. */
uint32_t mock_timers(void);

#endif
