/* SPDX-License-Identifier: BSD-2-Clause */
/* env_test.h - what the tests' environments and those who look after them agree on. */
#ifndef XOK_LINUX_TEST_ENV_TEST_H
#define XOK_LINUX_TEST_ENV_TEST_H

#include "xok/abi.h"

#define TEST_REQUEST 0x88b5u /* EtherType for local experiments; its answer */
#define TEST_ANSWER 0x88b6u

#define TEST_EV (XOK_EV_USER << 3)
#define TEST_BOTH_VA 0x0000600000000000ull
#define TEST_READABLE_VA 0x0000600000100000ull
#define TEST_VALUE 4711u
#define TEST_DONE 42 /* status of a hostile environment that got nowhere and was not stopped */

#endif
