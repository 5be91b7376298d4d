/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - what a Linux process that uses libamp/host does first, and the extra it may use.
 */
#ifndef AMP_HOST_H
#define AMP_HOST_H

#include "amp/amp.h"

struct amp_host_port {
	const char *local,
		*remote; /* Unix datagram sockets; local is created, and removed at the end */
	uint8_t mac[6];
};

/* fds[i] is the descriptor behind console i (may be -1). Returns 0 or -errno with a message on standard error. */
int amp_host_init(const char *name, const struct amp_host_port *port, uint32_t nport,
		  const int fds[2]);
void amp_host_fini(void);

/* Readiness of another descriptor: fn is called from amp_run when it is readable. */
int amp_host_watch(int fd, void (*fn)(void *arg, int fd), void *arg);
void amp_host_unwatch(int fd);

#endif
