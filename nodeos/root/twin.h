/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * twin.h - ports whose other end is the host's own stack. Such a port, the mirror, and the port that it mirrors are twins: what is for us and that no
 * domain wants leaves by the twin as it came, and so reaches the stack; what the stack sends comes in at the mirror, and leaves by its twin.
 */
#ifndef NODEOS_TWIN_H
#define NODEOS_TWIN_H

#include "nodeos/node.h"

/* Is this interface's port a mirror? */
bool twin_is_mirror(const struct node_pub *p, uint32_t iface);

/* 1 + the port that an interface's packets for the host's stack leave by; 0: none. */
uint32_t twin_of(const struct node_pub *p, uint32_t iface);

/* Sends a frame, untagged, to the twin of an interface, with the tag that it came with. False: it could not be sent. */
bool twin_transmit(const struct node_pub *p, uint32_t iface, const uint8_t *frame, size_t len);

/* The same with a packet of this Ethernet type that has lost its frame: it is for us. */
bool twin_packet(const struct node_pub *p, uint32_t iface, uint16_t type, const uint8_t *packet,
		 size_t len);

#endif
