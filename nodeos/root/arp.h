/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arp.h - the neighbours of IPv4: ARP (RFC 826) on the table of neigh.h. Addresses are numbers in host order.
 */
#ifndef NODEOS_ARP_H
#define NODEOS_ARP_H

#include "nodeos/root/neigh.h"

void arp_init(struct neigh *t, struct node_pub *pub, struct ip_counters *count,
	      void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg);

/* An Ethernet frame of type ARP. */
void arp_input(struct neigh *t, uint16_t port, const uint8_t *frame, size_t len);

/* As neigh_send and neigh_static. */
void arp_send(struct neigh *t, uint16_t port, uint32_t next, const uint8_t *packet, size_t len);
bool arp_static(struct neigh *t, uint16_t port, uint32_t addr, const uint8_t mac[6]);

#endif
