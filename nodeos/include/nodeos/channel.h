/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.h - channels: how packets come into a domain and leave it.
 *
 * A protocol specification is a list of modules separated by slashes: first the interface, `if*` or `ifN`, then none, or `arp`, or
 * `ip`, `ip/udp` and `ip/udp/anep`. It says which packets an in channel claims; they arrive as Ethernet frames whatever it says. The
 * longer specification is the more specific filter, and wins where two channels claim a packet. `ip/udp` claims
 * unfragmented IPv4 datagrams only: a fragment other than the first has no port to look at.
 */
#ifndef NODEOS_CHANNEL_H
#define NODEOS_CHANNEL_H

#include "amp/amp.h"

struct in_chan_spec {
	const char *protocol;
	uint16_t
		udp_port; /* address specification: destination port; 0: any. `anep` alone means 3322 */
	uint32_t local;	  /* address specification: IPv4 destination; 0: any */
	uint32_t buffers; /* packets that may wait; a power of two */
	void (*handler)(void *arg, struct amp_packet *p);
	void *arg;
};

struct in_chan {
	struct amp_ring *ring;
	uint32_t filter;
};

/* 0 or a negative XOK_E...: XOK_EINVAL when the specification is not one. */
int in_chan_create(struct in_chan *c, const struct in_chan_spec *spec);
void in_chan_end(struct in_chan *c);

/* The filter that a specification means; for tests and tools. */
int channel_filter(struct xok_filter *f, const struct in_chan_spec *spec);

struct out_chan_spec {
	const char *
		protocol; /* `if*` or `ifN`: whole frames; `if*` and `ifN` followed by `/ip`: IPv4 packets */
};

struct out_chan {
	int32_t port; /* or XOK_PORT_ANY */
	uint64_t sent, refused;
};

int out_chan_create(struct out_chan *c, const struct out_chan_spec *spec);

/* Sends an IPv4 packet in a frame between these link addresses. XOK_EPERM when the channel does not cover the port. */
int out_chan_send_ip(struct out_chan *c, uint16_t port, const uint8_t dst[6], const uint8_t src[6],
		     const uint8_t *packet, size_t len);

#endif
