/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.h - telling the service manager how we are, as sd_notify(3) does: datagrams of NAME=VALUE lines to the socket in
 * $NOTIFY_SOCKET. Without one these do nothing.
 */
#ifndef TESTBED_NOTIFY_H
#define TESTBED_NOTIFY_H

#include <stdint.h>

__attribute__((format(printf, 1, 2))) void notify_send(const char *fmt, ...);

/* Nanoseconds within which "WATCHDOG=1" is expected, over and over; 0: it is not. */
uint64_t notify_watchdog(void);

#endif
