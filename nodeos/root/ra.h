/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ra.h - router advertisements (RFC 4861 6.2): where the configuration says so, hosts hear of this router, and of the prefixes that they may take addresses
 * from: those of the interface's own addresses, all on link, and for addresses (RFC 4862) when they have 64 bits.
 *
 * All of them go to all nodes, at random intervals between a third of the configured one and that one; a solicitation brings the next one
 * forward. No two are less than 3 s apart, but for the last ones when the node ends. A prefix that is gone is advertised with lifetimes of 0 for two hours, which
 * is how long hosts keep its addresses then (RFC 4862 5.5.3 (e)).
 */
#ifndef NODEOS_RA_H
#define NODEOS_RA_H

#include "amp/amp.h"
#include "nodeos/root/config.h"

struct ipv6;
struct ip6_in;

/* RFC 4861 10 */
#define RA_INITIAL 3u		      /* MAX_INITIAL_RTR_ADVERTISEMENTS */
#define RA_INITIAL_NS 16000000000ull  /* MAX_INITIAL_RTR_ADVERT_INTERVAL */
#define RA_FINAL 3u		      /* MAX_FINAL_RTR_ADVERTISEMENTS */
#define RA_MIN_DELAY_NS 3000000000ull /* MIN_DELAY_BETWEEN_RAS */
#define RA_GONE_NS 7200000000000ull
#define RA_RESPONSE_DELAY_NS 500000000ull /* MAX_RA_DELAY_TIME */

struct ra {
	struct ra_port {
		struct config_advertise is;
		uint64_t next;	 /* when one is due; 0: never */
		uint64_t last;	 /* when one was sent; 0: never */
		uint8_t initial; /* how many are sent soon yet */
		uint8_t final;	 /* how many that say that we are no router any more */
		bool changed;	 /* its prefixes have; hosts do not know yet */
	} port[NODE_PORTS];
	struct ra_prefix {
		struct ip6 net;
		uint16_t port;
		uint8_t len;
		bool seen;
		uint64_t
			gone; /* no address has it any more, and hosts hear so until then; 0: one has */
	} prefix[NODE_ADDRESSES6];
	uint32_t nprefix;
	struct amp_timer timer;
};

void ra_init(struct ipv6 *ip);

/* A configuration has come into force, or addresses have changed: of each interface; NULL: none advertises. */
void ra_config(struct ipv6 *ip, const struct config_advertise *c);

/* Does this interface answer router solicitations? */
bool ra_advertises(const struct ipv6 *ip, uint32_t port);

/* A router solicitation, its checksum right. */
void ra_input(struct ipv6 *ip, const struct ip6_in *in, size_t at);

/* The node ends: hosts hear that it is no router any more. Returns whether there was anything to be said. */
bool ra_end(struct ipv6 *ip);

#endif
