/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip.h - lwIP as the local host stack: the packets for one of our own addresses go in, what it wants to send
 * comes out. One stack per environment. lwIP does not see Ethernet, forward, or route: the caller does.
 *
 * It answers ICMP echo, TCP (resets to closed ports) and UDP (port unreachable), and offers services. Raw lwIP
 * (lwip/udp.h, lwip/tcp.h) may be used beside these calls, from callbacks of the loop.
 */
#ifndef AMP_IP_H
#define AMP_IP_H

#include "amp/amp.h"

/* out gets each IPv4 packet the stack sends, as one contiguous buffer valid for the call. Addresses are in network byte order. */
int amp_ip_init(void (*out)(void *arg, const uint8_t *packet, size_t len), void *arg);
/* Adds a local address (network byte order); the first is the preferred source. At most 16. */
int amp_ip_address(uint32_t addr, uint32_t netmask);
/* Takes back those that keep does not want. */
void amp_ip_keep(bool (*keep)(const void *arg, uint32_t addr), const void *arg);
/* An IPv4 packet addressed to one of them, header already checked. */
void amp_ip_input(const uint8_t *packet, size_t len);

/* Services of RFC 862 on port 7, UDP and TCP. */
int amp_ip_echo_service(void);

/* Client side of UDP, for the edges: fn gets each datagram that comes to `port`. */
int amp_ip_udp_open(uint16_t port,
		    void (*fn)(void *arg, uint32_t src, uint16_t sport, const uint8_t *data,
			       size_t len),
		    void *arg);
int amp_ip_udp_close(uint16_t port);
/* From an open port or, without opening it, from any free one; sport 0 takes one. */
int amp_ip_udp_send(uint16_t sport, uint32_t dst, uint16_t dport, const void *data, size_t len);
/* Sends an ICMP echo request with this ttl; fn gets the reply or the error that it caused: type, code, sender. */
int amp_ip_echo(uint32_t dst, uint8_t ttl, uint16_t id, uint16_t seq, const void *data, size_t len);
void amp_ip_on_icmp(void (*fn)(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id,
			       uint16_t seq),
		    void *arg);

/* Since the start: packets, and those that were dropped, by why. */
struct amp_ip_stats {
	uint64_t in, out;
	uint64_t not_ours;     /* for an address that is not local, or too short to have one */
	uint64_t bad_checksum; /* of IP, ICMP, UDP or TCP */
	uint64_t bad_length;   /* a length in a header does not fit the packet */
	uint64_t bad_option;   /* a TCP segment that carries an option which it must not */
	uint64_t no_service;   /* to a closed port, or of a protocol or type nobody handles */
	uint64_t no_memory;    /* a pool was empty */
	uint64_t queue_full;   /* too many packets to ourselves at a time */
};
void amp_ip_stats(struct amp_ip_stats *s);

#endif
