/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * claim.h - the answers to our own requests, at a node whose ports have twins. There, what is for us goes to the host's own stack, which has our
 * addresses and would not know what to do with an answer to a typed `ping` or `udp`. As long as such a request waits, filters bring what may be
 * its answer here; what turns out to be none goes on to the stack.
 *
 * An answer is an echo reply with our identifier, an ICMP error that quotes an echo request with it, or a datagram from where one was sent. One that
 * comes in fragments, or behind IP options or extension headers, is the stack's.
 *
 * So are router solicitations, as long as no interface with a twin advertises; then they come here, and go on to the stack where none does.
 */
#ifndef NODEOS_CLAIM_H
#define NODEOS_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct root;

enum claim { CLAIM_ECHO4, CLAIM_ECHO6, CLAIM_UDP, CLAIM_SOLICITATIONS, CLAIMS };
#define CLAIM_FILTERS 4u /* of one */

struct claims {
	struct {
		uint32_t filter[CLAIM_FILTERS];
		uint32_t n;
		bool on;
	} of[CLAIMS];
};

/* A request begins or has ceased to wait, or what is advertised has changed: adds and removes filters. */
void claims_update(struct root *r);

/* Is an IPv4 or IPv6 packet for us, its header checked, an answer that is waited for? arg: the root. */
bool claim_packet4(void *arg, const uint8_t *packet, size_t len);
bool claim_packet6(void *arg, const uint8_t *packet, size_t len);

#endif
