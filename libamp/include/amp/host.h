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

/*
 * fds[i] is the descriptor behind console i (may be -1). Returns 0 or -errno with a message on
 * standard error.
 */
int amp_host_init(const char *name, const struct amp_host_port *port, uint32_t nport,
		  const int fds[2]);
void amp_host_fini(void);

/* Drops that the kernel's port counters have no place for. NULL: no such port. */
struct amp_host_drops {
	uint64_t tx_no_peer; /* the remote socket is not there: amp_transmit answered XOK_OK */
};
const struct amp_host_drops *amp_host_port_drops(uint32_t port);

/* The names that amp_watch and amp_unwatch had when there was no other machine with descriptors. */
static inline int amp_host_watch(int fd, void (*fn)(void *arg, int fd), void *arg)
{
	return amp_watch(fd, fn, arg);
}

static inline void amp_host_unwatch(int fd)
{
	amp_unwatch(fd);
}

#endif
